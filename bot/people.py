"""Who somebody is to a reader: a name and a time zone."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session

from storage import people
from storage.models import Person


def zone_of(session: Session, team_id: str, user_id: str) -> str:
    """The IANA zone of a person; UTC while it is not known."""
    person = people.person(session, team_id, user_id)
    return person.zone if person else "UTC"


def names(session: Session, team_id: str) -> Mapping[str, str]:
    """Display names by user id, for everyone known in the workspace."""
    return people.names(session, team_id)


def name_of(people_by_id: Mapping[str, Person], user_id: str | None) -> str:
    """What to call somebody in running text when they must not be pinged."""
    if user_id is None:
        return "somebody"
    person = people_by_id.get(user_id)
    return person.name if person else user_id
