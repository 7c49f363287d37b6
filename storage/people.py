"""People and who is in which channel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlmodel import Session, col, delete, select

from storage.db import add_once, put
from storage.models import Channel, Membership, Person


def person(session: Session, team_id: str, user_id: str) -> Person | None:
    return session.get(Person, (team_id, user_id))


KNOWN = "known_people"
"""Under this name each session may carry a set of those who were found to be known (`Database.carry`)."""


def is_known(session: Session, team_id: str, user_id: str) -> bool:
    """Whether there is a row about somebody; who was once known is not looked for again."""
    known: set[tuple[str, str]] = session.info.get(KNOWN, set())
    if (team_id, user_id) not in known and person(session, team_id, user_id) is not None:
        known.add((team_id, user_id))
    return (team_id, user_id) in known


def people(session: Session, team_id: str, user_ids: Iterable[str] | None = None) -> dict[str, Person]:
    """Those of `user_ids` that are known (all, when None), by id."""
    query = select(Person).where(Person.team_id == team_id)
    if user_ids is not None:
        query = query.where(col(Person.user_id).in_(set(user_ids)))
    return {row.user_id: row for row in session.exec(query)}


def teams(session: Session) -> list[str]:
    """The workspaces of which anybody is known."""
    return list(session.exec(select(Person.team_id).distinct().order_by(Person.team_id)))


def names(session: Session, team_id: str, user_ids: Collection[str] | None = None) -> dict[str, str]:
    """Display names by user id: those of `user_ids` that are known, or everybody's when None."""
    if user_ids is not None and not user_ids:
        return {}
    query = select(Person.user_id, Person.name).where(Person.team_id == team_id)
    if user_ids is not None:
        query = query.where(col(Person.user_id).in_(user_ids))
    return dict(session.exec(query).all())


def remember_person(session: Session, person: Person) -> Person:
    return put(session, person)


def channel(session: Session, team_id: str, channel_id: str) -> Channel:
    """The channel's row as it is now, held against other writers; made empty when it is not known yet."""
    add_once(session, Channel(team_id=team_id, channel_id=channel_id), "team_id", "channel_id")
    return session.get_one(Channel, (team_id, channel_id), with_for_update=True, populate_existing=True)


def known_channel(session: Session, team_id: str, channel_id: str) -> Channel | None:
    return session.get(Channel, (team_id, channel_id))


def members(session: Session, team_id: str, channel_id: str) -> set[str]:
    query = select(Membership.user_id).where(Membership.team_id == team_id, Membership.channel_id == channel_id)
    return set(session.exec(query))


def add_members(session: Session, team_id: str, channel_id: str, user_ids: Iterable[str]) -> None:
    # In one order for everybody: two at once then wait for each other instead of both for ever.
    for user_id in sorted(set(user_ids)):
        row = Membership(team_id=team_id, channel_id=channel_id, user_id=user_id)
        add_once(session, row, "team_id", "channel_id", "user_id")


def remove_member(session: Session, team_id: str, channel_id: str, user_id: str) -> None:
    gone = session.get(Membership, (team_id, channel_id, user_id))
    if gone is not None:
        session.delete(gone)


def set_members(session: Session, team_id: str, channel_id: str, user_ids: Iterable[str]) -> None:
    """Replace what is known of a channel's members by `user_ids`."""
    where = (col(Membership.team_id) == team_id, col(Membership.channel_id) == channel_id)
    session.exec(delete(Membership).where(*where))
    session.add_all(Membership(team_id=team_id, channel_id=channel_id, user_id=user) for user in set(user_ids))


def is_fresh(person: Person, now: datetime, *, hours: int) -> bool:
    return (now - person.refreshed_at).total_seconds() < hours * 3600


def move_channel(session: Session, team_id: str, old: str, new: str) -> None:
    """Slack gave a channel another id: its row and its members follow."""
    there = session.get(Channel, (team_id, old))
    if there is not None:
        session.merge(Channel(**(there.model_dump() | {"channel_id": new})))
        session.delete(there)
    add_members(session, team_id, new, members(session, team_id, old))
    set_members(session, team_id, old, ())
