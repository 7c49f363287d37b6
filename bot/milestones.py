"""Milestones: when an incident started, was detected, acknowledged, mitigated, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from bot import mrkdwn, timeline
from bot.errors import Refusal
from bot.kinds import Kind
from storage import entries, incidents
from storage.db import one_at_a_time
from storage.models import Incident, Milestone, MilestoneKind

ORDER = list(MilestoneKind)


class Doubtful(Refusal):
    """A milestone was not set yet, because it is likely not what was meant; the person may say that it is."""

    def __init__(self, sentence: str, incident_id: int, kind: MilestoneKind, at: datetime, note: str) -> None:
        super().__init__(sentence)
        self.incident_id, self.kind, self.at, self.note = incident_id, kind, at, note


class SetAlready(Doubtful):
    """A milestone that has a time already was told again without one, which would move it to now."""

    def __init__(self, earlier: Milestone, at: datetime, note: str) -> None:
        kind = MilestoneKind(earlier.kind)
        super().__init__(
            f"{kind.value.capitalize()} is set to {mrkdwn.moment(earlier.at, day=True)} already."
            f" Nothing was changed yet: set it to {mrkdwn.moment(at, day=True)} instead{_noting(note)}?",
            earlier.incident_id,
            kind,
            at,
            note,
        )


def _noting(note: str) -> str:
    """What would be kept as words, since it is no time."""
    return f", with the note “{mrkdwn.shorten(note, 100)}”" if note else ""


class Contradiction(Doubtful):
    """A milestone would come before one that must precede it."""

    def __init__(self, kind: MilestoneKind, at: datetime, note: str, conflicts: list[Milestone]) -> None:
        close = any(_minute(other.at) == _minute(at) for other in conflicts)
        told = [f"{other.kind} ({mrkdwn.moment(other.at, day=True, seconds=close)})" for other in conflicts]
        super().__init__(
            f"{kind.value.capitalize()} ({mrkdwn.moment(at, day=True, seconds=close)}) does not fit with"
            f" {' and '.join(told)}:"
            f" {_why(kind, MilestoneKind(conflicts[0].kind))} Nothing was changed yet.",
            conflicts[0].incident_id,
            kind,
            at,
            note,
        )


def _why(kind: MilestoneKind, other: MilestoneKind) -> str:
    first, then = sorted((kind, other), key=ORDER.index)
    return f"an incident is {first.value} before it is {then.value}."


def contradictions(kind: MilestoneKind, at: datetime, others: Mapping[str, Milestone]) -> list[Milestone]:
    """The milestones that a new time would overtake: each must not be before those that precede it."""
    place = ORDER.index(kind)
    return [
        other
        for name, other in others.items()
        if name != kind and ((ORDER.index(MilestoneKind(name)) < place) != (other.at <= at)) and other.at != at
    ]


def fitted(kind: MilestoneKind, at: datetime, others: Mapping[str, Milestone]) -> datetime:
    """The time, or that of another milestone in the same minute which it would overtake: people type minutes."""
    for other in contradictions(kind, at, others):
        if _minute(other.at) == _minute(at):
            at = other.at
    return at


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def set_milestone(
    session: Session,
    incident: Incident,
    kind: MilestoneKind,
    *,
    at: datetime,
    note: str,
    by: str,
    source_key: str,
    now: datetime,
    timed: bool = True,
    exact: bool = False,
    anyway: bool = False,
) -> Milestone:
    """Say when a milestone was reached; on the timeline too. `note` is Slack text.

    `timed`: the time was given, and is not just that of being told; `exact`: to the second, so that it is stored
    as it is, and not as another's within the same minute. Raises `Contradiction` when it does not fit
    the others, `SetAlready` when it would move without being told to where, unless `anyway`.
    """
    one_at_a_time(session, f"incident {incident.id}")
    others = incidents.milestones(session, incident.id)
    at = at if exact else fitted(kind, at, others)
    is_repeat = entries.by_source(session, incident.team_id, source_key) is not None
    if kind in others and not (timed or anyway or is_repeat):
        raise SetAlready(others[kind], at, note)
    conflicts = contradictions(kind, at, others)
    if conflicts and not anyway:
        raise Contradiction(kind, at, note, conflicts)
    text = kind.value.capitalize() + (f": {note}" if note else "")
    entry, _ = timeline.record(session, incident, Kind.MILESTONE, text, by=by, source_key=source_key, at=at, now=now)
    earlier = others.get(kind)
    if earlier is not None and earlier.entry_id is not None and earlier.entry_id != entry.id:
        timeline.supersede(session, incident.team_id, earlier.entry_id, now=now)
    return session.merge(
        Milestone(
            incident_id=incident.id,
            kind=kind,
            team_id=incident.team_id,
            at=at,
            note=note,
            set_by=by,
            set_at=now,
            entry_id=entry.id,
        )
    )
