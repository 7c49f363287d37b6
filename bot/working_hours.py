"""When a person may be written to: their own working hours, in their own zone, not on holidays.

Days and hours are those on the person's clock, so a day on which clocks change has 23 or 25 hours and still
begins at nine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.errors import Refusal

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTES_A_DAY = 24 * 60
FARTHEST = 370
"""Days to look ahead; a list of holidays that leaves no working day within a year is no list of holidays."""


class NoSuchHours(Refusal):
    """Working hours are written like `Mon-Fri 9:00-17:00`."""


class NoSuchHoliday(Refusal):
    """Holidays are written like `2026-12-25, 01-01`."""


@dataclass(frozen=True)
class WorkingHours:
    """Hours of a week and the days off. `begin` and `end` are minutes after midnight, `end` not included.

    `days` counts Monday as 0; `holidays` are single days, `yearly` pairs of month and day.
    """

    days: frozenset[int] = frozenset(range(5))
    begin: int = 9 * 60
    end: int = 17 * 60
    holidays: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()

    def is_working_day(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays and (day.month, day.day) not in self.yearly

    def allow(self, now: datetime, zone: tzinfo) -> bool:
        """Whether `now` (aware) is within the hours of somebody in `zone`."""
        local = now.astimezone(zone)
        return self.is_working_day(local.date()) and self.begin <= local.hour * 60 + local.minute < self.end

    def next_moment(self, now: datetime, zone: tzinfo, *, after: date | None = None) -> datetime:
        """The first moment from `now` on (UTC) at which somebody in `zone` may be written to.

        With `after`, a day on their calendar, only moments of later days count.
        """
        if self.allow(now, zone) and (after is None or now.astimezone(zone).date() > after):
            return now
        return next(
            start for start in self._starts(now, zone) if after is None or start.astimezone(zone).date() > after
        )

    def _starts(self, now: datetime, zone: tzinfo) -> Iterator[datetime]:
        today = now.astimezone(zone).date()
        for ahead in range(FARTHEST):
            day = today + timedelta(days=ahead)
            start = _moment(day, self.begin, zone)
            if self.is_working_day(day) and start > now and self.allow(start, zone):
                yield start
        raise NoSuchHours("There is no working day within a year: look at SEAMARK_WORKING_HOURS and SEAMARK_HOLIDAYS.")


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day in a zone, in UTC."""
    return _moment(day, 0, zone)


def _moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    # An hour that a clock skips is read with the offset before the change, and so lies just after the gap.
    local = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
    return local.astimezone(UTC)


def parse(hours: str, holidays: str) -> WorkingHours:
    """`Mon-Fri 9:00-17:00` (or `Sun-Thu 8-16:30`) and `2026-12-25, 01-01`; empty texts give the usual.

    Raises `NoSuchHours`, `NoSuchHoliday`.
    """
    found = _HOURS.fullmatch(hours.strip() or "Mon-Fri 9-17")
    if found is None:
        raise NoSuchHours
    begin, end = _minutes(found["begin"]), _minutes(found["end"])
    if not begin < end <= MINUTES_A_DAY:
        raise NoSuchHours
    words = [word.strip() for word in holidays.split(",") if word.strip()]
    return WorkingHours(
        days=_days(found["first"], found["last"]),
        begin=begin,
        end=end,
        holidays=frozenset(_day(word) for word in words if len(word) > 5),
        yearly=frozenset((day.month, day.day) for day in (_day(f"2000-{word}") for word in words if len(word) <= 5)),
    )


_HOURS = re.compile(
    r"(?P<first>[A-Za-z]{3})-(?P<last>[A-Za-z]{3}) (?P<begin>\d{1,2}(?::\d\d)?)-(?P<end>\d{1,2}(?::\d\d)?)"
)


def _days(first: str, last: str) -> frozenset[int]:
    try:
        begin, end = DAYS.index(first.capitalize()), DAYS.index(last.capitalize())
    except ValueError:
        raise NoSuchHours from None
    return frozenset((begin + ahead) % 7 for ahead in range((end - begin) % 7 + 1))


def _minutes(written: str) -> int:
    hour, _, minute = written.partition(":")
    if int(minute or 0) > 59:
        raise NoSuchHours
    return int(hour) * 60 + int(minute or 0)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise NoSuchHoliday from None
