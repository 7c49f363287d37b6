"""What people see of milestones: the dialog, and what does not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.milestones import Doubtful
from handlers.views import kit
from storage.models import Entry, Incident, MilestoneKind


def dialog(incident: Incident, *, entry: Entry | None = None, when: str = "") -> View:
    """Set a milestone; of `entry` it takes the time, which stands in `when` as its reader's clock shows it."""
    about = {"incident": incident.id, "channel": incident.channel_id, "entry": entry.id if entry else None}
    return kit.modal("Milestone", "milestone", _fields("", when, ""), submit="Set", metadata=about)


def contradicted(conflict: Doubtful, *, when: str, note: str, metadata: dict[str, Any]) -> View:
    """The same dialog as it was filled in, with what does not fit and the choice to set it all the same."""
    fields = _fields(conflict.kind, when, note)
    choice = kit.checkbox_field("anyway", "It is so", "Set it all the same")
    blocks = [kit.section(f":warning: {conflict.sentence}"), *fields, choice]
    return kit.modal("Milestone", "milestone", blocks, submit="Set", metadata=metadata)


def _fields(kind: str, when: str, note: str) -> list[Block]:
    kinds = [kit.option(one.value.capitalize(), one) for one in MilestoneKind]
    return [
        kit.choice_field("milestone", "Milestone", kinds, initial=kind or None),
        kit.text_field(
            "when",
            "When",
            optional=True,
            initial=when,
            hint="10:42, -15m, yesterday 23:10; empty for now",
            most=60,
        ),
        kit.text_field("note", "Note", optional=True, initial=note),
    ]


def was_set(kind: str, at: datetime) -> str:
    return f"🏁 {kind.capitalize()} {mrkdwn.moment(at, day=True)}."


def contradiction(conflict: Doubtful, value: str) -> dict[str, Any]:
    choices = [
        kit.button("Set it all the same", "milestone_anyway", value, style="primary"),
        kit.button("Leave it", "dismiss"),
    ]
    return kit.ephemeral(conflict.sentence, buttons_=choices)
