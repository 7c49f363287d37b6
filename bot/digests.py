"""Digests: each week what is overdue, in the channel it belongs to; each month how the follow-through went.

They are planned like nudges: in the team's working hours, in the team's zone, once, also by several copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlmodel import Session

from bot import moments
from bot.nudge_cases import Team, channel_for
from bot.working_hours import start_of
from storage import digests, outbox, receipts
from storage.models import ActionItem, Incident

MONTHS_SHOWN = 6
"""As many months as fit a glance; the latest is the one the review is about."""


@dataclass(frozen=True)
class Month:
    """What became of the actions in one month. `late` is how many were overdue when it ended."""

    first: date
    added: int
    closed: int
    verified: int
    declined: int
    late: int


def plan(session: Session, team: Team, now: datetime) -> int:
    """Decide on the digests of this week and of the month before; returns how many messages that makes."""
    zone = moments.zone_named(team.settings.zone)
    if not team.settings.working_hours.allow(now, zone):
        return 0
    today = now.astimezone(zone).date()
    planned = 0
    if "weekly" in team.settings.digests:
        week = today - timedelta(days=today.weekday())
        planned += _once(session, team, f"digest:week:{week}", now, _weekly(session, team, week, today, now))
    if "monthly" in team.settings.digests:
        month = month_before(today.replace(day=1))
        planned += _once(session, team, f"digest:month:{month:%Y-%m}", now, _monthly(session, team, month, zone, now))
    return planned


def _once(session: Session, team: Team, key: str, now: datetime, messages: Iterator[None]) -> int:
    """Put the messages of one digest, unless that was done; nothing is read before that is known."""
    if receipts.has_come(session, team.team_id, key) or not receipts.first_time(session, team.team_id, key, now):
        return 0
    return sum(1 for _ in messages)


def _weekly(session: Session, team: Team, week: date, today: date, now: datetime) -> Iterator[None]:
    for channel in by_channel(session, team, today):
        payload = {"channel": channel, "today": today.isoformat()}
        key = f"digest:{channel}:{week}"
        outbox.put(session, team.team_id, "overdue_digest", payload, lane=f"nudge:{channel}", now=now, key=key)
        yield


def by_channel(session: Session, team: Team, today: date) -> dict[str, list[tuple[ActionItem, Incident]]]:
    """What is overdue, by the channel in which it may be said."""
    found: dict[str, list[tuple[ActionItem, Incident]]] = {}
    channels: dict[int, str | None] = {}
    for action, incident in digests.overdue(session, team.team_id, today):
        if incident.id not in channels:
            channels[incident.id] = channel_for(session, team, incident)
        channel = channels[incident.id]
        if channel is not None:
            found.setdefault(channel, []).append((action, incident))
    return found


def _monthly(session: Session, team: Team, month: date, zone: tzinfo, now: datetime) -> Iterator[None]:
    channel = team.settings.follow_up_channel or team.settings.announce_channel
    if channel and any(_happened(one) for one in months(session, team.team_id, month, zone)):
        payload = {"channel": channel, "month": month.isoformat()}
        key = f"digest:{channel}:{month:%Y-%m}"
        outbox.put(session, team.team_id, "monthly_review", payload, lane=f"nudge:{channel}", now=now, key=key)
        yield


def _happened(month: Month) -> bool:
    return any((month.added, month.closed, month.verified, month.declined, month.late))


def months(session: Session, team_id: str, last: date, zone: tzinfo) -> list[Month]:
    """The figures of the months up to the one that begins on `last`, the oldest first."""
    firsts = [last]
    while len(firsts) < MONTHS_SHOWN:
        firsts.insert(0, month_before(firsts[0]))
    return [_month(session, team_id, first, zone) for first in firsts]


def _month(session: Session, team_id: str, first: date, zone: tzinfo) -> Month:
    following = month_after(first)
    begin, end = start_of(first, zone), start_of(following, zone)
    return Month(
        first=first,
        added=digests.added(session, team_id, begin, end),
        closed=digests.closed(session, team_id, begin, end),
        verified=digests.verified(session, team_id, begin, end),
        declined=digests.declined(session, team_id, begin, end),
        late=digests.late_at(session, team_id, end, following),
    )


def month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def month_after(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
