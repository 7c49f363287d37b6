"""Who may know of an incident: everybody, or of a private one the members of its place."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import col, select

from storage.models import Incident, Membership


def visible(team_id: str, user_id: str) -> ColumnElement[bool]:
    """The condition on `Incident` that a person may know of it.

    Its place is its channel; until it has one, the channel it was declared in when it is to be that one. An incident
    without a place is known to whoever declared it.
    """
    mine = select(Membership.channel_id).where(Membership.team_id == team_id, Membership.user_id == user_id)
    place = func.coalesce(Incident.channel_id, case((col(Incident.own_channel), None), else_=Incident.declared_in))
    return and_(
        col(Incident.team_id) == team_id,
        or_(
            col(Incident.is_private).is_(False),
            place.in_(mine),
            and_(place.is_(None), col(Incident.declared_by) == user_id),
        ),
    )
