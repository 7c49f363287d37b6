"""The meeting of a retrospective, as a file for anybody's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from bot.guides import Guide
from storage.models import Incident, Retrospective

REMIND_BEFORE = timedelta(hours=1)

USUAL = 60
"""Minutes to plan for when a guide does not say how long its steps take."""


def calendar(retrospective: Retrospective, incident: Incident, guide: Guide, at: datetime, *, link: str) -> bytes:
    """An iCalendar file (RFC 5545) of the meeting; `at` is aware, `link` leads to the hub, "" when unknown.

    The same meeting is the same event: a calendar that has it already is updated by a later file.
    """
    event = Event()
    event.add("uid", f"retrospective-{retrospective.id}-{retrospective.team_id}@seamark")
    event.add("summary", f"Retrospective of {incident.key}: {incident.title}")
    event.add("description", "\n\n".join(part for part in (guide.opening, link) if part))
    event.add("dtstamp", retrospective.started_at.astimezone(UTC))
    event.add("dtstart", at.astimezone(UTC))
    event.add("dtend", at.astimezone(UTC) + timedelta(minutes=_minutes(guide)))
    if link:
        event.add("url", link)
    whole = Calendar()
    whole.add("prodid", "-//Seamark//retrospective//EN")
    whole.add("version", "2.0")
    whole.add("method", "PUBLISH")
    whole.add_component(event)
    return bytes(whole.to_ical())


def _minutes(guide: Guide) -> int:
    return sum(step.minutes or 0 for step in guide.steps) or USUAL
