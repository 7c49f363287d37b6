"""What the tests of the follow-through start from: an incident with its retrospective, actions, and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session, select

from bot import action_items, incidents
from bot.action_items import Plan
from bot.app import Seamark
from bot.incidents import Declaration
from sandbox import Channel, Person, Sandbox
from sandbox.screen import Shown
from storage import people
from storage.models import (
    ActionItem,
    Incident,
    IncidentStatus,
    Nudge,
    Retrospective,
    RetroStatus,
)
from storage.models import Person as Known

TODAY = date(2026, 11, 16)
"""The Monday on which the sandbox's clock begins, at 10:00 UTC."""


def know(session: Session, slack: Sandbox, *persons: Person) -> None:
    """Have the bot know these people as if it had met them."""
    for person in persons:
        row = Known(
            team_id=slack.team_id, user_id=person.id, name=person.name, zone=person.tz, refreshed_at=slack.clock.now()
        )
        people.remember_person(session, row)


def closed_incident(
    seamark: Seamark,
    slack: Sandbox,
    room: Channel,
    lead: Person,
    *,
    title: str = "Checkout fails",
    private: bool = False,
    facilitator: Person | None = None,
    due_on: date = date(2027, 6, 1),
    status: str = RetroStatus.PUBLISHED,
) -> Incident:
    """An incident that is over, in a channel that is there, with a retrospective when somebody facilitates it."""
    now = slack.clock.now()
    with seamark.db.transaction() as session:
        declaration = Declaration(title, own_channel=False, is_private=private)
        incident, _ = incidents.declare(
            session,
            declaration,
            team_id=slack.team_id,
            by=lead.id,
            channel_id=room.id,
            source_key=f"test:{title}",
            now=now - timedelta(days=3),
        )
        incident.status, incident.closed_at, incident.closed_by = (
            IncidentStatus.CLOSED,
            now - timedelta(days=3),
            lead.id,
        )
        if private:
            people.set_members(session, slack.team_id, room.id, _ids(slack, room))
        if facilitator is not None:
            session.add(
                Retrospective(
                    team_id=slack.team_id,
                    incident_id=incident.id,
                    guide="standard",
                    status=status,
                    facilitator_id=facilitator.id,
                    started_by=lead.id,
                    started_at=now,
                    due_on=due_on,
                )
            )
        session.add(incident)
    return incident


def _ids(slack: Sandbox, room: Channel) -> Sequence[str]:
    return list(room.state().members)


def agree(
    seamark: Seamark,
    slack: Sandbox,
    incident: Incident,
    owner: Person,
    due_in: int,
    what: str = "Add an alert for errors of the checkout",
    by: Person | None = None,
) -> ActionItem:
    """An action agreed a while ago and due in so many days from the clock's day in UTC."""
    now = slack.clock.now()
    plan = Plan(what, owner.id, now.date() + timedelta(days=due_in), success_criteria="It fires in the next drill")
    with seamark.db.transaction() as session:
        retro = session.exec(select(Retrospective).where(Retrospective.incident_id == incident.id)).one_or_none()
        action = action_items.add(
            session,
            incident,
            plan,
            by=(by or owner).id,
            source_key=f"test:{what}:{owner.id}:{due_in}",
            now=now - timedelta(days=60),
            retrospective_id=retro.id if retro else None,
        )
        action.next_look_at = now
        session.add(action)
    return action


def tick(seamark: Seamark, slack: Sandbox) -> None:
    """One tick of the clock, and all that follows from it."""
    seamark.tick()
    slack.server.rest()


def at(slack: Sandbox, seamark: Seamark, day: date, hour: float = 15) -> None:
    """Move the clock to an hour (UTC) of a day, and let it tick. At 15:00 London, New York and UTC are at work."""
    slack.clock.set(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour))
    tick(seamark, slack)


def reminders(person: Person) -> list[Shown]:
    return person.direct_messages()


def sent(seamark: Seamark) -> list[tuple[str, str]]:
    """What was said: rule and recipient, in order."""
    with seamark.db.reading() as session:
        rows = session.exec(select(Nudge).where(Nudge.sent_at != None).order_by(Nudge.id))  # type: ignore[arg-type]  # noqa: E711
        return [(row.rule, row.recipient_id) for row in rows]
