"""Nudges: what is to be looked at, what waits, what was said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, or_, union, update
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
Subject = ActionItem | Retrospective | Incident
"""What a nudge is about, or what may need one."""

MODELS: dict[str, Any] = {ACTION: ActionItem, RETRO: Retrospective, INCIDENT: Incident}
UNPUBLISHED = (RetroStatus.DRAFT, RetroStatus.REVIEW)


TEAM: Any = bindparam("team")
ONES: Any = bindparam("ones", expanding=True)
"""Statements are put together once: building one takes longer than running it."""


def _waits() -> ColumnElement[bool]:
    # Written out instead of bound: only so do both databases see that the partial index serves.
    return col(Nudge.bundle) == literal("", literal_execute=True)


def _under_way() -> ColumnElement[bool]:
    return (col(Nudge.bundle) != literal("", literal_execute=True)) & col(Nudge.settled_at).is_(None)


def _unseen() -> ColumnElement[bool]:
    return col(Retrospective.next_look_at).is_(None) & col(Retrospective.status).in_(UNPUBLISHED)


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
    *moments, unseen, under_way = session.execute(_WORK, {"team": team_id}).one()
    actions, retros, incidents, waiting = (moment is not None and moment <= now for moment in moments)
    return Work(actions, retros or unseen is not None, incidents, waiting, under_way is not None)


def _all_at_once(*queries: Any) -> Any:
    """One row with what each query finds."""
    return sa_select(*(query.scalar_subquery().label(f"found_{at}") for at, query in enumerate(queries)))


_WORK = _all_at_once(
    select(func.min(ActionItem.next_look_at)).where(ActionItem.team_id == TEAM),
    select(func.min(Retrospective.next_look_at)).where(Retrospective.team_id == TEAM),
    select(func.min(Incident.next_look_at)).where(Incident.team_id == TEAM),
    select(func.min(Nudge.not_before)).where(Nudge.team_id == TEAM, _waits()),
    select(func.min(Retrospective.id)).where(Retrospective.team_id == TEAM, _unseen()),
    select(func.min(Nudge.bundle)).where(Nudge.team_id == TEAM, _under_way()),
)


def _due(model: Any, *, unseen: ColumnElement[bool] | None = None) -> Any:
    come = model.next_look_at <= bindparam("now")
    query = select(model).where(model.team_id == TEAM, come if unseen is None else or_(come, unseen))
    query = query.order_by(model.next_look_at, model.id).limit(bindparam("most")).with_for_update(skip_locked=True)
    return query.execution_options(populate_existing=True)


_DUE_ACTIONS, _DUE_RETROS, _DUE_INCIDENTS = _due(ActionItem), _due(Retrospective, unseen=_unseen()), _due(Incident)


def due_actions(session: Session, team_id: str, now: datetime, most: int) -> list[ActionItem]:
    """Actions about which a rule has something to decide, held; what another is writing is left for later."""
    return list(session.exec(_DUE_ACTIONS, params={"team": team_id, "now": now, "most": most}))


def due_retros(session: Session, team_id: str, now: datetime, most: int) -> list[Retrospective]:
    """The same for retrospectives; one that nobody has looked at yet is due."""
    return list(session.exec(_DUE_RETROS, params={"team": team_id, "now": now, "most": most}))


def due_incidents(session: Session, team_id: str, now: datetime, most: int) -> list[Incident]:
    """The same for incidents that have ended."""
    return list(session.exec(_DUE_INCIDENTS, params={"team": team_id, "now": now, "most": most}))


_SUBJECTS = {name: select(model).where(col(model.id).in_(ONES)) for name, model in MODELS.items()}


def subjects(session: Session, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Subject]:
    """What nudges are about, as it is now, by sort and id; without what is no longer there."""
    wanted: dict[str, list[int]] = {}
    for subject, subject_id in keys:
        wanted.setdefault(subject, []).append(subject_id)
    return {
        (subject, thing.id): thing
        for subject, ids in wanted.items()
        for thing in session.exec(_SUBJECTS[subject], params={"ones": ids})
    }


_AROUND = (
    sa_select(Incident, Retrospective, col(IncidentRole.user_id))
    .outerjoin(Retrospective, col(Retrospective.incident_id) == col(Incident.id))
    .outerjoin(IncidentRole, and_(col(IncidentRole.incident_id) == col(Incident.id), col(IncidentRole.role) == "lead"))
    .where(col(Incident.id).in_(ONES))
)


def around(session: Session, incident_ids: Iterable[int]) -> list[tuple[Incident, Retrospective | None, str | None]]:
    """Incidents, each with its retrospective and who leads it, where there are any."""
    return [(one, retro, lead) for one, retro, lead in session.execute(_AROUND, {"ones": list(incident_ids)})]


_PERSONS = select(Person).where(Person.team_id == TEAM, col(Person.user_id).in_(ONES))


def persons(session: Session, team_id: str, user_ids: Iterable[str]) -> dict[str, Person]:
    """Those of `user_ids` that are known, by id."""
    asked = {"team": team_id, "ones": list(user_ids)}
    return {person.user_id: person for person in session.exec(_PERSONS, params=asked)}


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


def concerned(session: Session, incident: Incident) -> set[str]:
    """Whom reminders about an incident are for: owners, the facilitator, reviewers, and whoever is to have one."""
    actions = select(ActionItem.id).where(ActionItem.incident_id == incident.id)
    led = select(Retrospective.id).where(Retrospective.incident_id == incident.id)
    about = or_(
        and_(col(Nudge.subject) == ACTION, col(Nudge.subject_id).in_(actions)),
        and_(col(Nudge.subject) == RETRO, col(Nudge.subject_id).in_(led)),
        and_(col(Nudge.subject) == INCIDENT, col(Nudge.subject_id) == incident.id),
    )
    people = union(
        select(ActionItem.owner_id).where(ActionItem.incident_id == incident.id),
        select(Retrospective.facilitator_id).where(Retrospective.incident_id == incident.id),
        select(Review.user_id).where(col(Review.retrospective_id).in_(led)),
        select(Nudge.recipient_id).where(Nudge.team_id == incident.team_id, _waits(), about),
    )
    return set(session.execute(people).scalars())


_REVIEWS = select(Review).where(col(Review.retrospective_id).in_(ONES)).order_by(col(Review.user_id))


def reviews(session: Session, retrospective_ids: Iterable[int]) -> dict[int, list[Review]]:
    """Everybody who was asked to review, by the retrospective's id."""
    found: dict[int, list[Review]] = {}
    for review in session.exec(_REVIEWS, params={"ones": list(retrospective_ids)}):
        found.setdefault(review.retrospective_id, []).append(review)
    return found


# --- what waits ------------------------------------------------------------------------------------------


_RECIPIENTS = (
    select(Nudge.recipient_id)
    .where(Nudge.team_id == TEAM, _waits(), col(Nudge.not_before) <= bindparam("now"))
    .distinct()
    .order_by(col(Nudge.recipient_id))
    .limit(bindparam("most"))
)
_WAITING_DUE = (
    select(Nudge)
    .where(Nudge.team_id == TEAM, _waits(), col(Nudge.recipient_id).in_(_RECIPIENTS))
    .order_by(col(Nudge.recipient_id), col(Nudge.id))
)


def waiting_due(session: Session, team_id: str, now: datetime, most: int) -> dict[str, list[Nudge]]:
    """All that waits for people and channels for whom anything waits whose time has come, by their id."""
    found: dict[str, list[Nudge]] = {}
    for nudge in session.exec(_WAITING_DUE, params={"team": team_id, "now": now, "most": most}):
        found.setdefault(nudge.recipient_id, []).append(nudge)
    return found


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


_MOMENTS = _all_at_once(
    select(func.min(ActionItem.next_look_at)),
    select(func.min(Retrospective.next_look_at)),
    select(func.min(Incident.next_look_at)),
    select(func.min(Nudge.not_before)).where(_waits()),
)


def next_moment(session: Session) -> datetime | None:
    """When a tick next finds something to do; None when nothing is planned."""
    return min((moment for moment in session.execute(_MOMENTS).one() if moment is not None), default=None)


# --- what is under way and what was said -----------------------------------------------------------------


_BUNDLE = select(Nudge).where(Nudge.team_id == TEAM, Nudge.bundle == bindparam("bundle")).order_by(col(Nudge.id))


def of_bundle(session: Session, team_id: str, bundle: str) -> list[Nudge]:
    return list(session.exec(_BUNDLE, params={"team": team_id, "bundle": bundle}))


_CONVERSATION = (
    select(Nudge.channel_id)
    .where(Nudge.team_id == TEAM, Nudge.recipient_id == bindparam("recipient"), col(Nudge.channel_id).is_not(None))
    .order_by(col(Nudge.bundle).desc())
    .limit(1)
)


def conversation(session: Session, team_id: str, user_id: str) -> str | None:
    """The conversation in which somebody was last reminded, so that it need not be asked for again."""
    return session.exec(_CONVERSATION, params={"team": team_id, "recipient": user_id}).first()


def hubs_about(session: Session, team_id: str, user_id: str) -> list[Retrospective]:
    """The retrospectives that have a hub and unfinished actions of a person."""
    unfinished = (ActionStatus.OPEN, ActionStatus.DONE)
    owned = select(ActionItem.retrospective_id).where(
        ActionItem.team_id == team_id, ActionItem.owner_id == user_id, col(ActionItem.status).in_(unfinished)
    )
    query = select(Retrospective).where(col(Retrospective.hub_ts).is_not(None), col(Retrospective.id).in_(owned))
    return list(session.exec(query.order_by(col(Retrospective.id))))


def owners_away(session: Session) -> list[Person]:
    """Those who own unfinished actions and have left or cannot be reached."""
    owning = select(ActionItem.owner_id).where(
        ActionItem.team_id == Person.team_id, col(ActionItem.status).in_((ActionStatus.OPEN, ActionStatus.DONE))
    )
    away = or_(col(Person.deactivated), col(Person.unreachable).is_not(None))
    return list(session.exec(select(Person).where(away, col(Person.user_id).in_(owning)).order_by(Person.name)))


class Known(NamedTuple):
    """As much of a person as lists need."""

    user_id: str
    name: str
    deactivated: bool
    unreachable: str | None


def directory(session: Session, team_id: str) -> list[Known]:
    """Everybody's id and name, whether they have left, and why they cannot be reached; without whole rows."""
    query = select(Person.user_id, Person.name, Person.deactivated, Person.unreachable)
    return [Known(*row) for row in session.exec(query.where(Person.team_id == team_id))]


@dataclass(frozen=True)
class Message:
    """Where a bundle stands in Slack."""

    recipient_id: str
    bundle: str
    channel_id: str
    ts: str


def messages_about(session: Session, team_id: str, subject: str, subject_id: int, *, most: int | None) -> list[Message]:
    """The latest messages that show something (all, when `most` is None), to be brought up to date."""
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


_SAID = select(OutboxItem.key).where(OutboxItem.team_id == TEAM, col(OutboxItem.key).in_(ONES))


def said(session: Session, team_id: str, bundles: Iterable[str]) -> set[str]:
    """Those of `bundles` that are under way or said already."""
    return set(session.exec(_SAID, params={"team": team_id, "ones": list(bundles)}))


# --- who is busy -----------------------------------------------------------------------------------------

_OPEN = select(Incident).where(Incident.team_id == TEAM, Incident.status == IncidentStatus.OPEN)


def live_incidents(session: Session, team_id: str, *, alive_after: datetime) -> list[Incident]:
    """The open incidents in which anything happened after `alive_after`."""
    return [one for one in session.exec(_OPEN, params={"team": team_id}) if _is_alive(session, one, alive_after)]


def _is_alive(session: Session, incident: Incident, after: datetime) -> bool:
    if incident.declared_at > after:
        return True
    query = select(Entry.id).where(Entry.incident_id == incident.id, col(Entry.happened_at) > after)
    return session.exec(query.limit(1)).first() is not None


def takes_part(session: Session, incident: Incident, user_id: str, *, after: datetime) -> bool:
    """Whether somebody has a role in an incident, or declared it, said or marked something in it `after`."""
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
