"""What comes of reminders: said, put off, refused; and what is planned anew when people change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from bot import incidents, retro
from bot.nudge_cases import Surroundings
from storage import nudges, outbox, people
from storage.db import add_once
from storage.models import ActionItem, Incident, Nudge
from storage.nudges import ACTION


class Place(NamedTuple):
    """Where a message stands in Slack."""

    channel_id: str
    ts: str


def sent(rows: Sequence[Nudge], where: Place, now: datetime) -> None:
    """Note that a bundle is said, and where."""
    for nudge in rows:
        nudge.settled_at = nudge.sent_at = now
        nudge.channel_id, nudge.message_ts = where


def release(around: Surroundings, rows: Sequence[Nudge], now: datetime) -> None:
    """Let a bundle that could not be said in time wait again: it is put off, not used up."""
    for nudge in rows:
        zone = around.zone(nudge.recipient_id)
        today = now.astimezone(zone).date()
        nudge.bundle, nudge.settled_at = "", None
        nudge.not_before = around.team.settings.working_hours.next_moment(now, zone, after=today)


def refused(session: Session, team_id: str, recipient_id: str, rows: Sequence[Nudge], why: str, now: datetime) -> None:
    """Note that Slack will not take messages to somebody, and have others asked instead."""
    for nudge in rows:
        nudge.failed, nudge.settled_at = why, now
    person = people.person(session, team_id, recipient_id)
    if person is not None:
        person.unreachable = why
        session.add(person)
    channel = people.known_channel(session, team_id, recipient_id)
    if channel is not None:
        channel.bot_is_member = False
        session.add(channel)
    person_changed(session, team_id, recipient_id, now)
    session.flush()


def person_changed(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """Plan anew what concerns somebody whose zone changed, who left (a private channel, too), or who came back."""
    dropped = nudges.drop_waiting(session, team_id, user_id)
    for thing in nudges.subjects(session, {(nudge.subject, nudge.subject_id) for nudge in dropped}).values():
        thing.next_look_at = now
        session.add(thing)
    nudges.look_again(session, team_id, user_id, now)
    for found in nudges.hubs_about(session, team_id, user_id):
        retro.hub_refresh(session, found, now)


def members_changed(session: Session, incident: Incident, changed: Collection[str], now: datetime) -> None:
    """Plan anew what concerns those who came into a private incident's channel or left it."""
    for user_id in sorted(nudges.concerned(session, incident).intersection(changed)):
        person_changed(session, incident.team_id, user_id, now)


def became_private(session: Session, incident: Incident, now: datetime) -> None:
    """Plan anew what concerns those outside who were to be reminded of an incident that is private now."""
    for user_id in sorted(nudges.concerned(session, incident)):
        if not incidents.may_see(session, incident, user_id):
            person_changed(session, incident.team_id, user_id, now)


def revive(session: Session, team_id: str, now: datetime) -> int:
    """Take up again deliveries that were given up only because Slack was away for long; returns how many.

    It is the same delivery, so that it first looks whether an earlier try arrived after all.
    """
    given_up = nudges.deliveries_given_up(session, team_id)
    for item in given_up:
        outbox.take_up_again(item, now + timedelta(hours=1))
        session.add(item)
    return len(given_up)


def at_once(
    session: Session, action: ActionItem, rule: str, *, to: str, occurrence: str, now: datetime, words: str = ""
) -> None:
    """Tell somebody about an action what another person has just asked or said, with its buttons.

    `rule` is one of `AT_ONCE`; `occurrence` tells this time from others.
    """
    key = f"{rule}:{action.id}:{occurrence}"
    nudge = Nudge(
        team_id=action.team_id,
        rule=rule,
        subject=ACTION,
        subject_id=action.id,
        occurrence=occurrence,
        recipient_id=to,
        planned_at=now,
        not_before=now,
        bundle=key,
    )
    add_once(session, nudge, "team_id", "rule", "subject", "subject_id", "occurrence", "recipient_id")
    payload = {"recipient": to, "bundle": key, "at_once": True, "words": words}
    outbox.put(session, action.team_id, "nudge", payload, lane=f"nudge:{to}", now=now, key=key)
