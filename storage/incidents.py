"""Incidents, their roles and milestones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, func, or_
from sqlmodel import Session, col, select

from storage.db import one_at_a_time
from storage.models import Incident, IncidentRole, IncidentStatus, Milestone
from storage.visibility import visible


def next_number(session: Session, team_id: str) -> int:
    one_at_a_time(session, f"incident numbers of {team_id}")
    return (session.exec(select(func.max(Incident.number)).where(Incident.team_id == team_id)).one() or 0) + 1


def by_id(session: Session, incident_id: int) -> Incident:
    return session.get_one(Incident, incident_id)


def by_number(session: Session, team_id: str, number: int) -> Incident | None:
    return session.exec(select(Incident).where(Incident.team_id == team_id, Incident.number == number)).one_or_none()


def by_source(session: Session, team_id: str, source_key: str) -> Incident | None:
    query = select(Incident).where(Incident.team_id == team_id, Incident.source_key == source_key)
    return session.exec(query).one_or_none()


_IN_CHANNEL = (
    select(Incident)
    .where(Incident.team_id == bindparam("team_id"), Incident.channel_id == bindparam("channel_id"))
    .order_by(col(Incident.status) == IncidentStatus.CLOSED, col(Incident.number).desc())
    .limit(1)
)
"""Put together once, like `_COVERING`: every mark asks for it, and building it takes longer than the asking."""


def in_channel(session: Session, team_id: str, channel_id: str) -> Incident | None:
    """The incident a channel is about: the open one, or else the latest."""
    return session.exec(_IN_CHANNEL, params={"team_id": team_id, "channel_id": channel_id}).one_or_none()


_COVERING = (
    select(Incident)
    .where(
        Incident.team_id == bindparam("team_id"),
        Incident.channel_id == bindparam("channel_id"),
        or_(col(Incident.covers_from).is_(None), col(Incident.covers_from) <= bindparam("at")),
        or_(col(Incident.closed_at).is_(None), col(Incident.closed_at) >= bindparam("at")),
    )
    .order_by(col(Incident.number).desc())
    .limit(1)
)
"""Put together once: it is asked for every message."""


def covering(session: Session, team_id: str, channel_id: str, at: datetime) -> Incident | None:
    """The incident that something said in a channel at that moment belongs to."""
    asked = {"team_id": team_id, "channel_id": channel_id, "at": at}
    return session.exec(_COVERING, params=asked).one_or_none()


def of_channel(session: Session, team_id: str, channel_id: str) -> list[Incident]:
    """All incidents that a channel was ever about."""
    return list(session.exec(select(Incident).where(Incident.team_id == team_id, Incident.channel_id == channel_id)))


def with_members(session: Session, team_id: str) -> list[Incident]:
    """The incidents for which it matters who is in their channel: open or private ones."""
    query = select(Incident).where(Incident.team_id == team_id, col(Incident.channel_id).is_not(None))
    return list(session.exec(query.where(or_(col(Incident.status) == IncidentStatus.OPEN, col(Incident.is_private)))))


def make_private(session: Session, team_id: str, channel_id: str) -> None:
    """The channel is private, and so is everything that it was about."""
    for incident in of_channel(session, team_id, channel_id):
        incident.is_private = True
        session.add(incident)


def move_channel(session: Session, team_id: str, old: str, new: str) -> None:
    """Slack gave a channel another id."""
    for incident in of_channel(session, team_id, old):
        incident.channel_id = new
        session.add(incident)


def updates_due(session: Session, now: datetime) -> list[Incident]:
    """Open incidents whose next update is due, held against other planners."""
    query = select(Incident).where(col(Incident.update_due_at) <= now, Incident.status == IncidentStatus.OPEN)
    return list(session.exec(query.with_for_update(skip_locked=True)))


def visible_to(session: Session, team_id: str, user_id: str, *, most: int = 100) -> list[Incident]:
    """The incidents that a person may know of, newest first."""
    query = select(Incident).where(visible(team_id, user_id))
    return list(session.exec(query.order_by(col(Incident.number).desc()).limit(most)))


def is_visible(session: Session, incident: Incident, user_id: str) -> bool:
    """Whether a person may know of an incident."""
    query = select(Incident.id).where(Incident.id == incident.id, visible(incident.team_id, user_id))
    return session.exec(query).one_or_none() is not None


def every(session: Session) -> list[Incident]:
    """All incidents of all workspaces, in the order of their numbers: for the operator, not for people."""
    return list(session.exec(select(Incident).order_by(Incident.team_id, col(Incident.number))))


def open_in_channels(session: Session, team_id: str) -> list[Incident]:
    """Open incidents that have a channel."""
    query = select(Incident).where(Incident.team_id == team_id, Incident.status == IncidentStatus.OPEN)
    return list(session.exec(query.where(col(Incident.channel_id).is_not(None))))


def roles(session: Session, incident_id: int) -> dict[str, str]:
    """Role name to user id."""
    query = select(IncidentRole).where(IncidentRole.incident_id == incident_id).order_by(IncidentRole.role)
    return {row.role: row.user_id for row in session.exec(query)}


def milestones(session: Session, incident_id: int) -> dict[str, Milestone]:
    query = select(Milestone).where(Milestone.incident_id == incident_id)
    return {row.kind: row for row in session.exec(query)}
