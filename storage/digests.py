"""Figures and lists for the digests. Drills and private incidents stay out of the reviews."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from storage.models import ActionItem, ActionStatus, Incident, IncidentKind, OutboxItem, Retrospective


def overdue(session: Session, team_id: str, today: date) -> list[tuple[ActionItem, Incident]]:
    """What is open although its day has passed, the longest overdue first."""
    query = (
        select(ActionItem, Incident)
        .join(Incident, col(Incident.id) == col(ActionItem.incident_id))
        .where(
            ActionItem.team_id == team_id,
            ActionItem.status == ActionStatus.OPEN,
            ActionItem.due_on < today,
        )
    )
    return list(session.exec(query.order_by(col(ActionItem.due_on), col(ActionItem.number))))


def listed(session: Session, action_ids: Iterable[int]) -> list[tuple[ActionItem, Incident]]:
    """These actions with their incidents, in the order of `overdue`."""
    query = (
        select(ActionItem, Incident)
        .join(Incident, col(Incident.id) == col(ActionItem.incident_id))
        .where(col(ActionItem.id).in_(list(action_ids)))
    )
    return list(session.exec(query.order_by(col(ActionItem.due_on), col(ActionItem.number))))


def posted_lists(session: Session, team_id: str, kind: str) -> list[OutboxItem]:
    """The deliveries of a kind that posted a list; their `progress` tells what was `listed`, and where it stands."""
    query = select(OutboxItem).where(OutboxItem.team_id == team_id, OutboxItem.kind == kind)
    return [item for item in session.exec(query) if "post" in item.progress]


def added(session: Session, team_id: str, begin: datetime, end: datetime) -> int:
    return _count(session, team_id, _within(col(ActionItem.created_at), begin, end))


def closed(session: Session, team_id: str, begin: datetime, end: datetime) -> int:
    """How many their owners marked done."""
    return _count(session, team_id, _within(col(ActionItem.done_at), begin, end))


def verified(session: Session, team_id: str, begin: datetime, end: datetime) -> int:
    """How many another person confirmed."""
    return _count(session, team_id, _within(col(ActionItem.verified_at), begin, end))


def declined(session: Session, team_id: str, begin: datetime, end: datetime) -> int:
    """How many it was decided not to do."""
    is_declined = col(ActionItem.status) == ActionStatus.WONT_DO
    return _count(session, team_id, _within(col(ActionItem.closed_at), begin, end), is_declined)


def late_at(session: Session, team_id: str, moment: datetime, today: date) -> int:
    """How many were open and overdue at a moment that was the beginning of `today`."""
    still_open = or_(col(ActionItem.closed_at).is_(None), col(ActionItem.closed_at) >= moment)
    return _count(session, team_id, col(ActionItem.created_at) < moment, col(ActionItem.due_on) < today, still_open)


def closed_incidents(
    session: Session, team_id: str, begin: datetime, end: datetime
) -> list[tuple[Incident, Retrospective | None]]:
    """What was closed from `begin` until before `end`, each with its retrospective, the first closed first."""
    query = (
        select(Incident, Retrospective)
        .outerjoin(Retrospective, col(Retrospective.incident_id) == col(Incident.id))
        .where(Incident.team_id == team_id, _for_everybody(), _within(col(Incident.closed_at), begin, end))
    )
    return list(session.exec(query.order_by(col(Incident.closed_at), col(Incident.number))))


def _for_everybody() -> ColumnElement[bool]:
    return and_(col(Incident.kind) != IncidentKind.DRILL, col(Incident.is_private).is_(False))


def _within(column: Any, begin: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(column >= begin, column < end)


def _count(session: Session, team_id: str, *where: ColumnElement[bool]) -> int:
    query = (
        select(func.count())
        .select_from(ActionItem)
        .join(Incident, col(Incident.id) == col(ActionItem.incident_id))
        .where(ActionItem.team_id == team_id, _for_everybody(), *where)
    )
    return session.exec(query).one()
