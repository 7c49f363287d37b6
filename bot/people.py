"""Who somebody is to a reader: a name and a time zone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from storage import people
from storage.models import Person


def zone_of(session: Session, team_id: str, user_id: str) -> str:
    """The IANA zone of a person; UTC while it is not known."""
    person = people.person(session, team_id, user_id)
    return person.zone if person else "UTC"


def names(session: Session, team_id: str, user_ids: Collection[str] | None = None) -> Mapping[str, str]:
    """Display names by user id: of these people, or of everyone known in the workspace."""
    return people.names(session, team_id, user_ids)


def name_of(people_by_id: Mapping[str, Person], user_id: str | None) -> str:
    """What to call somebody in running text when they must not be pinged."""
    if user_id is None:
        return "somebody"
    person = people_by_id.get(user_id)
    return person.name if person else user_id


def person_from(team_id: str, user: Mapping[str, Any], now: datetime) -> Person:
    """A person as Slack's user object tells (https://docs.slack.dev/reference/objects/user-object)."""
    profile = user.get("profile") or {}
    name = profile.get("display_name") or user.get("real_name") or profile.get("real_name") or user.get("name")
    return Person(
        team_id=team_id,
        user_id=user["id"],
        name=str(name or user["id"]),
        zone=str(user.get("tz") or "UTC"),
        is_bot=bool(user.get("is_bot")),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        deactivated=bool(user.get("deleted")),
        refreshed_at=now,
    )
