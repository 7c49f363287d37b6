"""Digests: each week what is overdue, in the channel it belongs to; each month and quarter how it went.

They are planned like nudges: in the team's working hours, in the team's zone, once, also by several copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlmodel import Session

from bot import moments, retro_audit
from bot.nudge_cases import Team, channel_for
from bot.retro_audit import RetroAudit
from bot.working_hours import start_of
from storage import digests, outbox, receipts
from storage.models import ActionItem, Incident


@dataclass(frozen=True)
class Cadence:
    """A review of every so many `months` of the year. So many periods are `shown`, the latest is what it is about.

    `audits`: whether it also tells how the retrospectives themselves went.
    """

    noun: str
    months: int
    shown: int
    audits: bool = False

    def begin(self, day: date) -> date:
        """The first day of the period that a day lies in."""
        return day.replace(month=day.month - (day.month - 1) % self.months, day=1)


CADENCES = {"monthly": Cadence("month", 1, 6), "quarterly": Cadence("quarter", 3, 4, audits=True)}
"""By their word in the settings."""


@dataclass(frozen=True)
class Period:
    """What became of the actions from `first` until before `following`; `late` were overdue when it ended."""

    first: date
    following: date
    added: int
    closed: int
    verified: int
    declined: int
    late: int


def plan(session: Session, team: Team, now: datetime) -> int:
    """Decide on the digests of this week and of the periods before; returns how many messages that makes.

    A review comes within a month of its period's end, or not at all.
    """
    zone = moments.zone_named(team.settings.zone)
    if not team.settings.working_hours.allow(now, zone):
        return 0
    today = now.astimezone(zone).date()
    planned = 0
    if "weekly" in team.settings.digests:
        week = today - timedelta(days=today.weekday())
        planned += _once(session, team, f"digest:week:{week}", now, _weekly(session, team, week, today, now))
    for name, cadence in CADENCES.items():
        current = cadence.begin(today)
        if name in team.settings.digests and today < later(current, 1):
            first = later(current, -cadence.months)
            key = f"digest:{cadence.noun}:{first:%Y-%m}"
            planned += _once(session, team, key, now, _review(session, team, name, first, now))
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


def _review(session: Session, team: Team, name: str, first: date, now: datetime) -> Iterator[None]:
    channel = team.settings.follow_up_channel or team.settings.announce_channel
    if channel and review(session, team, name, first, now).is_worth_telling:
        payload = {"channel": channel, "cadence": name, "first": first.isoformat(), "at": now.isoformat()}
        key = f"digest:{channel}:{CADENCES[name].noun}:{first:%Y-%m}"
        outbox.put(session, team.team_id, "review", payload, lane=f"nudge:{channel}", now=now, key=key)
        yield


@dataclass(frozen=True)
class Review:
    """The figures of several periods, the oldest first, and how the retrospectives of the latest went."""

    cadence: Cadence
    periods: Sequence[Period]
    audit: RetroAudit | None

    @property
    def is_worth_telling(self) -> bool:
        return any(map(_happened, self.periods)) or (
            self.audit is not None and bool(self.audit.closed or self.audit.late)
        )


def _happened(period: Period) -> bool:
    return any((period.added, period.closed, period.verified, period.declined, period.late))


def review(session: Session, team: Team, name: str, first: date, at: datetime) -> Review:
    """What is told of the period that begins on `first`; retrospectives as they stood `at` a later moment.

    `name` is one of `CADENCES`.
    """
    cadence, zone = CADENCES[name], moments.zone_named(team.settings.zone)
    firsts = [later(first, -cadence.months * ago) for ago in reversed(range(cadence.shown))]
    periods = [_period(session, team.team_id, one, later(one, cadence.months), zone) for one in firsts]
    audited = None
    if cadence.audits:
        audited = retro_audit.audit(session, team.team_id, first, periods[-1].following, team.policy, zone=zone, at=at)
    return Review(cadence, periods, audited)


def _period(session: Session, team_id: str, first: date, following: date, zone: tzinfo) -> Period:
    begin, end = start_of(first, zone), start_of(following, zone)
    return Period(
        first=first,
        following=following,
        added=digests.added(session, team_id, begin, end),
        closed=digests.closed(session, team_id, begin, end),
        verified=digests.verified(session, team_id, begin, end),
        declined=digests.declined(session, team_id, begin, end),
        late=digests.late_at(session, team_id, end, following),
    )


def later(first: date, months: int) -> date:
    """The first day of the month so many months after (or before) the one that begins on `first`."""
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)
