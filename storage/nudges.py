"""Nudges: what is to be looked at, what waits, what was said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from storage.models import (
    ActionItem,
    ActionStatus,
    Entry,
    Incident,
    IncidentRole,
    IncidentStatus,
    Mark,
    Nudge,
    OutboxItem,
    OutboxState,
    Person,
    Retrospective,
    RetroStatus,
    Review,
)

ACTION, RETRO, INCIDENT = "action", "retrospective", "incident"
UNPUBLISHED = (RetroStatus.DRAFT, RetroStatus.REVIEW)


def _waits() -> ColumnElement[bool]:
    # Written out instead of bound: only so do both databases see that the partial index serves.
    return col(Nudge.bundle) == literal("", literal_execute=True)


def _under_way() -> ColumnElement[bool]:
    return (col(Nudge.bundle) != literal("", literal_execute=True)) & col(Nudge.settled_at).is_(None)


# --- what is to be looked at -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """Of which sorts anything is due at a moment."""

    actions: bool
    retros: bool
    incidents: bool
    waiting: bool
    given_up: bool


def work_due(session: Session, team_id: str, now: datetime) -> Work:
    """Look once for everything, since mostly there is nothing.

    The earliest of each sort is the first entry of an index; whether there is any (`EXISTS`) PostgreSQL would
    look for in the whole table while it has no statistics.
    """
    asked: tuple[Any, ...] = (
        select(func.min(ActionItem.next_look_at)).where(ActionItem.team_id == team_id),
        select(func.min(Retrospective.next_look_at)).where(Retrospective.team_id == team_id),
        select(func.min(Incident.next_look_at)).where(Incident.team_id == team_id),
        select(func.min(Nudge.not_before)).where(Nudge.team_id == team_id, _waits()),
        select(func.min(Retrospective.id)).where(Retrospective.team_id == team_id, _unseen()),
        select(func.min(Nudge.bundle)).where(Nudge.team_id == team_id, _under_way()),
    )
    columns = [query.scalar_subquery().label(f"first_{at}") for at, query in enumerate(asked)]
    *moments, unseen, under_way = session.execute(sa_select(*columns)).one()
    actions, retros, incidents, waiting = (moment is not None and moment <= now for moment in moments)
    return Work(actions, retros or unseen is not None, incidents, waiting, under_way is not None)


def _unseen() -> ColumnElement[bool]:
    return col(Retrospective.next_look_at).is_(None) & col(Retrospective.status).in_(UNPUBLISHED)


def _retro_is_due(now: datetime) -> ColumnElement[bool]:
    return or_(col(Retrospective.next_look_at) <= now, _unseen())


def due_actions(session: Session, team_id: str, now: datetime, most: int) -> list[ActionItem]:
    """Actions about which a rule has something to decide, held; what another is writing is left for later."""
    query = select(ActionItem).where(ActionItem.team_id == team_id, col(ActionItem.next_look_at) <= now)
    query = query.order_by(col(ActionItem.next_look_at)).limit(most).with_for_update(skip_locked=True)
    return list(session.exec(query.execution_options(populate_existing=True)))


def due_retros(session: Session, team_id: str, now: datetime, most: int) -> list[Retrospective]:
    """The same for retrospectives; one that nobody has looked at yet is due."""
    query = select(Retrospective).where(Retrospective.team_id == team_id, _retro_is_due(now))
    query = query.order_by(col(Retrospective.id)).limit(most).with_for_update(skip_locked=True)
    return list(session.exec(query.execution_options(populate_existing=True)))


def due_incidents(session: Session, team_id: str, now: datetime, most: int) -> list[Incident]:
    """The same for incidents that have ended."""
    query = select(Incident).where(Incident.team_id == team_id, col(Incident.next_look_at) <= now)
    query = query.order_by(col(Incident.next_look_at)).limit(most).with_for_update(skip_locked=True)
    return list(session.exec(query.execution_options(populate_existing=True)))


def look_again(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """Have everything looked at anew in which a person is the owner, the facilitator or the one to answer."""
    unfinished = (ActionStatus.OPEN, ActionStatus.DONE, ActionStatus.VERIFIED)
    led = select(Retrospective.id).where(Retrospective.team_id == team_id, Retrospective.facilitator_id == user_id)
    session.exec(
        update(ActionItem)
        .where(
            col(ActionItem.team_id) == team_id,
            or_(col(ActionItem.owner_id) == user_id, col(ActionItem.retrospective_id).in_(led)),
            col(ActionItem.status).in_(unfinished),
        )
        .values(next_look_at=now)
    )
    asked = select(Review.retrospective_id).where(Review.team_id == team_id, Review.user_id == user_id)
    session.exec(
        update(Retrospective)
        .where(
            col(Retrospective.team_id) == team_id,
            or_(col(Retrospective.facilitator_id) == user_id, col(Retrospective.id).in_(asked)),
            col(Retrospective.status).in_(UNPUBLISHED),
        )
        .values(next_look_at=now)
    )


def reviews(session: Session, retrospective_id: int) -> list[Review]:
    query = select(Review).where(Review.retrospective_id == retrospective_id)
    return list(session.exec(query.order_by(col(Review.user_id))))


# --- what waits ------------------------------------------------------------------------------------------


def recipients_due(session: Session, team_id: str, now: datetime, most: int) -> list[str]:
    """People and channels for whom something waits whose time has come, in the order of their ids."""
    query = select(Nudge.recipient_id).where(Nudge.team_id == team_id, _waits(), col(Nudge.not_before) <= now)
    return list(session.exec(query.distinct().order_by(col(Nudge.recipient_id)).limit(most)))


def waiting(session: Session, team_id: str, recipient_id: str) -> list[Nudge]:
    query = select(Nudge).where(Nudge.team_id == team_id, Nudge.recipient_id == recipient_id, _waits())
    return list(session.exec(query.order_by(col(Nudge.id))))


def drop_waiting(session: Session, team_id: str, recipient_id: str) -> list[Nudge]:
    """Take back what was planned for somebody and not said yet; returns it, no longer in the database."""
    found = waiting(session, team_id, recipient_id)
    for nudge in found:
        session.delete(nudge)
    session.flush()
    return found


def put_off(nudges: Iterable[Nudge], until: datetime) -> None:
    for nudge in nudges:
        nudge.not_before = until


def next_moment(session: Session) -> datetime | None:
    """When a tick next finds something to do; None when nothing is planned."""
    columns = (ActionItem.next_look_at, Retrospective.next_look_at, Incident.next_look_at)
    moments = [session.exec(select(func.min(column))).one() for column in columns]
    moments.append(session.exec(select(func.min(Nudge.not_before)).where(_waits())).one())
    return min((moment for moment in moments if moment is not None), default=None)


# --- what is under way and what was said -----------------------------------------------------------------


def of_bundle(session: Session, team_id: str, bundle: str) -> list[Nudge]:
    query = select(Nudge).where(Nudge.team_id == team_id, Nudge.bundle == bundle)
    return list(session.exec(query.order_by(col(Nudge.id))))


def conversation(session: Session, team_id: str, user_id: str) -> str | None:
    """The conversation in which somebody was last reminded, so that it need not be asked for again."""
    query = select(Nudge.channel_id).where(
        Nudge.team_id == team_id, Nudge.recipient_id == user_id, col(Nudge.channel_id).is_not(None)
    )
    return session.exec(query.order_by(col(Nudge.bundle).desc()).limit(1)).first()


def directory(session: Session, team_id: str) -> list[tuple[str, str, bool, str | None]]:
    """Everybody's id and name, whether they have left, and why they cannot be reached; without whole rows."""
    query = select(Person.user_id, Person.name, Person.deactivated, Person.unreachable)
    return list(session.exec(query.where(Person.team_id == team_id)))


@dataclass(frozen=True)
class Message:
    """Where a bundle stands in Slack."""

    recipient_id: str
    bundle: str
    channel_id: str
    ts: str


def messages_about(session: Session, team_id: str, subject: str, subject_id: int, *, most: int = 10) -> list[Message]:
    """The latest messages that show something, to be brought up to date when it changes."""
    query = (
        select(Nudge.recipient_id, Nudge.bundle, Nudge.channel_id, Nudge.message_ts)
        .where(
            Nudge.team_id == team_id,
            Nudge.subject == subject,
            Nudge.subject_id == subject_id,
            col(Nudge.message_ts).is_not(None),
        )
        .group_by(col(Nudge.recipient_id), col(Nudge.bundle), col(Nudge.channel_id), col(Nudge.message_ts))
        .order_by(func.max(Nudge.id).desc())
        .limit(most)
    )
    return [Message(who, bundle, str(channel), str(ts)) for who, bundle, channel, ts in session.exec(query)]


def count_sent(session: Session, team_id: str, subject: str, subject_id: int, recipient_id: str) -> int:
    """On how many days somebody was reminded of something."""
    query = select(func.count(func.distinct(Nudge.bundle))).where(
        Nudge.team_id == team_id,
        Nudge.subject == subject,
        Nudge.subject_id == subject_id,
        Nudge.recipient_id == recipient_id,
        col(Nudge.sent_at).is_not(None),
    )
    return session.exec(query).one()


def deliveries_given_up(session: Session, team_id: str) -> list[OutboxItem]:
    """Deliveries of nudges that were given up although nothing is wrong with the recipient."""
    unsettled = select(Nudge.bundle).where(Nudge.team_id == team_id, _under_way())
    query = select(OutboxItem).where(
        OutboxItem.team_id == team_id, OutboxItem.state == OutboxState.FAILED, col(OutboxItem.key).in_(unsettled)
    )
    return list(session.exec(query))


def failures(session: Session, team_id: str, *, most: int = 20) -> list[Nudge]:
    """The latest nudges that Slack refused for good."""
    query = select(Nudge).where(Nudge.team_id == team_id, col(Nudge.failed).is_not(None))
    return list(session.exec(query.order_by(col(Nudge.id).desc()).limit(most)))


def outbox_item(session: Session, team_id: str, key: str) -> OutboxItem | None:
    query = select(OutboxItem).where(OutboxItem.team_id == team_id, OutboxItem.key == key)
    return session.exec(query).one_or_none()


# --- who is busy -----------------------------------------------------------------------------------------


def is_responding(
    session: Session, team_id: str, user_id: str, *, spoke_after: datetime, alive_after: datetime
) -> bool:
    """Whether somebody is in a live incident: an open one in which anything happened after `alive_after`.

    They have a role in it, declared it, or said or marked something in it after `spoke_after`.
    """
    open_ones = select(Incident).where(Incident.team_id == team_id, Incident.status == IncidentStatus.OPEN)
    return any(
        _is_alive(session, one, alive_after) and _takes_part(session, one, user_id, spoke_after)
        for one in session.exec(open_ones)
    )


def _is_alive(session: Session, incident: Incident, after: datetime) -> bool:
    if incident.declared_at > after:
        return True
    query = select(Entry.id).where(Entry.incident_id == incident.id, col(Entry.happened_at) > after)
    return session.exec(query.limit(1)).first() is not None


def _takes_part(session: Session, incident: Incident, user_id: str, after: datetime) -> bool:
    if incident.declared_by == user_id and incident.declared_at > after:
        return True
    role = select(IncidentRole).where(IncidentRole.incident_id == incident.id, IncidentRole.user_id == user_id)
    said = select(Entry.id).where(
        Entry.incident_id == incident.id, col(Entry.happened_at) > after, Entry.author_id == user_id
    )
    marked = (
        select(Mark.id)
        .join(Entry, col(Entry.id) == col(Mark.entry_id))
        .where(Entry.incident_id == incident.id, Mark.marker_id == user_id, col(Mark.marked_at) > after)
    )
    return any(session.exec(query.limit(1)).first() is not None for query in (role, said, marked))
