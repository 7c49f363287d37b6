"""`/incident declare`, `near-miss` and `drill`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from slack_bolt import Ack, App
from slack_sdk import WebClient
from sqlmodel import Session

from bot import incidents, mrkdwn, updates
from bot.errors import FieldRefusal
from bot.policy import Policy
from handlers import dialogs
from handlers.capture import get_to_know
from handlers.courier import Clock
from handlers.incident_base import incident, lane, opening_key
from handlers.payloads import Click, Form, Slash
from handlers.views import incident as views
from storage import incidents as incident_rows
from storage import outbox, people
from storage.db import Database
from storage.models import Incident, IncidentKind, IncidentStatus


def register(app: App) -> None:
    app.action("declare")(declare_clicked)
    app.view("declare")(declare_submitted)


@incident.subcommand
def declare(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin an incident, e.g. `/incident declare checkout is failing`"""
    _open_for(ack, client, db, slash, IncidentKind.INCIDENT)


@incident.subcommand
def near_miss(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin a near miss: it nearly went wrong, e.g. `/incident near-miss backup was empty`"""
    _open_for(ack, client, db, slash, IncidentKind.NEAR_MISS)


@incident.subcommand
def drill(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin a drill; it stays out of the figures, e.g. `/incident drill region failover`"""
    _open_for(ack, client, db, slash, IncidentKind.DRILL)


def _open_for(ack: Ack, client: WebClient, db: Database, slash: Slash, kind: IncidentKind) -> None:
    title = " ".join(mrkdwn.plain(slash.rest, {}).split())[:200]
    if _opened(client, db, slash, title=title, kind=kind):
        ack()
    else:
        ack(**dialogs.open_again("Declare", "declare", f"{kind}:{title}"))


def declare_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    """The button where there is no incident; in place of a dialog that came too late it knows kind and title."""
    kind, typed, title = click.value.partition(":")
    if not _opened(client, db, click, title=title, kind=IncidentKind(kind) if typed else IncidentKind.INCIDENT):
        dialogs.offer_again(db, clock, click, "Declare")
    ack()


def _opened(client: WebClient, db: Database, by: Slash | Click, *, title: str, kind: IncidentKind) -> bool:
    with db.reading() as session:
        there = incident_rows.in_channel(session, by.team_id, by.channel_id)
        known = people.known_channel(session, by.team_id, by.channel_id)
    free = not by.channel_id.startswith("D") and (there is None or there.status == IncidentStatus.CLOSED)
    view = views.declare_dialog(
        title=title,
        kind=kind,
        channel_id=by.channel_id,
        here_is_possible=free,
        here_is_private=by.in_private or (known is not None and known.is_private),
    )
    return dialogs.opened(client, by.trigger_id, view)


def declare_submitted(ack: Ack, form: Form, db: Database, clock: Clock, policy: Policy) -> None:
    now, declaration = clock(), _declaration(form)
    with db.transaction() as session:
        begun, is_new = incidents.declare(
            session,
            declaration,
            team_id=form.team_id,
            by=form.user_id,
            channel_id=form.metadata["channel"],
            source_key=f"dialog:{form.root_view_id}",
            now=now,
        )
        if is_new:
            updates.schedule(session, begun, policy, now=now)
            _put_opening(session, begun, form.users("people"), now)
    ack(response_action="update", view=views.declared(begun))


def _declaration(form: Form) -> incidents.Declaration:
    if not form.text("title").strip():
        raise FieldRefusal(title="An incident needs a title, so that people can tell it from others.")
    declaration = incidents.Declaration(
        title=" ".join(form.text("title").split()),
        kind=IncidentKind(form.choice("kind")),
        severity=incidents.parse_severity(form.choice("severity")),
        services=[word.strip() for word in form.text("services").split(",") if word.strip()],
        environment=form.text("environment"),
        summary=form.text("summary"),
        is_private=bool(form.choices("private")),
    )
    if form.choice("where") != "here":
        return declaration
    hours = form.choice("past") or "0"
    return replace(
        declaration,
        own_channel=False,
        is_private=declaration.is_private or bool(form.metadata.get("private")),
        past=None if hours == "all" else timedelta(hours=int(hours)),
    )


def _put_opening(session: Session, begun: Incident, invited: list[str], now: datetime) -> None:
    coming = list(dict.fromkeys([begun.declared_by, *invited]))
    for user_id in coming:
        get_to_know(session, begun.team_id, user_id, now, lane=lane(begun))
    payload = {"incident": begun.id, "people": coming}
    outbox.put(session, begun.team_id, "open_incident", payload, lane=lane(begun), now=now, key=opening_key(begun))
