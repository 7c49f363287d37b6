"""Actions, their traces and earlier states."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Select, func, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from storage import visibility
from storage.db import one_at_a_time
from storage.models import ActionEvent, ActionItem, ActionStatus, Incident, Revision

Found = Select[ActionItem, Incident]

UNFINISHED = (ActionStatus.OPEN, ActionStatus.DONE)
"""What somebody has still to do something for: the owner, or the one who confirms."""


def next_number(session: Session, team_id: str) -> int:
    one_at_a_time(session, f"action numbers of {team_id}")
    return (session.exec(select(func.max(ActionItem.number)).where(ActionItem.team_id == team_id)).one() or 0) + 1


def by_id(session: Session, team_id: str, action_id: int) -> ActionItem | None:
    query = select(ActionItem).where(ActionItem.team_id == team_id, ActionItem.id == action_id)
    return session.exec(query).one_or_none()


def by_number(session: Session, team_id: str, number: int) -> ActionItem | None:
    query = select(ActionItem).where(ActionItem.team_id == team_id, ActionItem.number == number)
    return session.exec(query).one_or_none()


def held(session: Session, team_id: str, action_id: int) -> ActionItem | None:
    """The action as it is now, held against other writers until the transaction ends."""
    query = select(ActionItem).where(ActionItem.team_id == team_id, ActionItem.id == action_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def by_source(session: Session, team_id: str, source_key: str) -> ActionItem | None:
    query = select(ActionItem).where(ActionItem.team_id == team_id, ActionItem.source_key == source_key)
    return session.exec(query).one_or_none()


def of_incident(session: Session, incident_id: int) -> list[ActionItem]:
    """All of an incident's actions, whatever became of them, in the order they were agreed."""
    query = select(ActionItem).where(ActionItem.incident_id == incident_id)
    return list(session.exec(query.order_by(col(ActionItem.number))))


def of_retrospective(session: Session, retrospective_id: int) -> list[ActionItem]:
    query = select(ActionItem).where(ActionItem.retrospective_id == retrospective_id)
    return list(session.exec(query.order_by(col(ActionItem.number))))


def visible(team_id: str, user_id: str) -> Found:
    """All actions with their incidents that a person may know of, to be narrowed down."""
    joined = col(Incident.id) == col(ActionItem.incident_id)
    return sa_select(ActionItem, Incident).join(Incident, joined).where(visibility.visible(team_id, user_id))


def unfinished(query: Found) -> Found:
    return query.where(col(ActionItem.status).in_(UNFINISHED))


def owned_by(query: Found, user_id: str) -> Found:
    """Those a person has to do something for as their owner, or was asked to take over."""
    return query.where(or_(col(ActionItem.owner_id) == user_id, col(ActionItem.handover_to) == user_id))


def of(query: Found, incident_id: int) -> Found:
    """Those of one incident, whatever became of them."""
    return query.where(col(ActionItem.incident_id) == incident_id)


def overdue(query: Found, today: date) -> Found:
    return query.where(col(ActionItem.status) == ActionStatus.OPEN, col(ActionItem.due_on) < today)


def page(session: Session, query: Found, *, offset: int = 0, most: int) -> list[tuple[ActionItem, Incident]]:
    """One page, the longest overdue first."""
    ordered = query.order_by(col(ActionItem.due_on), col(ActionItem.number)).offset(offset).limit(most)
    return [(action, incident) for action, incident in session.execute(ordered)]


def count(session: Session, query: Found) -> int:
    return int(session.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def events(session: Session, action_ids: Iterable[int]) -> dict[int, list[ActionEvent]]:
    """The traces of several actions, each oldest first."""
    query = select(ActionEvent).where(col(ActionEvent.action_id).in_(list(action_ids)))
    found: dict[int, list[ActionEvent]] = {}
    for event in session.exec(query.order_by(col(ActionEvent.id))):
        found.setdefault(event.action_id, []).append(event)
    return found


def revisions(session: Session, action_id: int) -> list[Revision]:
    """The earlier states of an action, oldest first."""
    query = select(Revision).where(Revision.subject == "action", Revision.subject_id == action_id)
    return list(session.exec(query.order_by(col(Revision.number))))
