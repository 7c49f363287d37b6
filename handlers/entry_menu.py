"""Lines of a timeline to choose from, found by typing: wherever a dialog asks for one."""

from __future__ import annotations

from collections.abc import Sequence

from slack_bolt import Ack, App
from slack_sdk.models.blocks import Option
from sqlmodel import Session

from bot import moments, mrkdwn, retro
from bot import people as who
from handlers.payloads import Suggestion
from handlers.views import kit
from handlers.views.retro_timeline import choice_label
from storage import entries
from storage.db import Database
from storage.models import Entry, Incident

OFFERED = 100
"""What a menu of Slack holds."""


def register(app: App) -> None:
    app.options("retro_entries")(suggested)


def suggested(ack: Ack, suggestion: Suggestion, db: Database) -> None:
    """Lines of this incident that hold every word typed so far, the marked ones first."""
    with db.reading() as session:
        _, incident = retro.seen(
            session, suggestion.team_id, int(suggestion.metadata["retro"]), asked_by=suggestion.user_id
        )
        lines = [
            entry for marked in (True, False) for entry in entries.of_incident(session, incident.id, marked=marked)
        ]
        names = who.names(session, incident.team_id)
        labels = _labels(session, incident, suggestion.user_id, lines)
    wanted = suggestion.typed.casefold().split()
    fitting = [
        kit.option(label, str(entry.id)).to_dict()
        for entry, label in zip(lines, labels, strict=True)
        if _holds(f"{label} {mrkdwn.plain(entry.text, names)}", wanted)
    ]
    ack(options=fitting[:OFFERED])


def _holds(said: str, wanted: Sequence[str]) -> bool:
    return all(word in said.casefold() for word in wanted)


def options(session: Session, incident: Incident, viewer: str, lines: Sequence[Entry]) -> list[Option]:
    """Each line as a choice, in the viewer's zone; with its day where the incident's are of several."""
    labels = _labels(session, incident, viewer, lines)
    return [kit.option(label, str(entry.id)) for entry, label in zip(lines, labels, strict=True)]


def _labels(session: Session, incident: Incident, viewer: str, lines: Sequence[Entry]) -> list[str]:
    zone = moments.zone_named(who.zone_of(session, incident.team_id, viewer))
    names = who.names(session, incident.team_id)
    first = entries.of_incident(session, incident.id, most=1)
    days = {entry.happened_at.astimezone(zone).date() for entry in (*first, *lines)}
    return [choice_label(entry, names, zone, day=len(days) > 1) for entry in lines]
