"""When a person may be written to, held against a walk through the minutes that knows no formula."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.working_hours import NoSuchHoliday, NoSuchHours, WorkingHours, parse, start_of

ZONES = (
    "UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "Africa/Casablanca", "America/Santiago",
)  # fmt: skip
HOURS = (
    WorkingHours(),
    parse("Sun-Thu 8-16:30", "2026-03-29, 12-25"),
    parse("Mon-Sun 0:00-24:00", ""),
    parse("Sat-Mon 22-24", ""),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def is_open(hours: WorkingHours, moment: datetime, zone: str) -> bool:
    local = moment.astimezone(ZoneInfo(zone))
    off = local.date() in hours.holidays or (local.month, local.day) in hours.yearly
    minute = local.hour * 60 + local.minute
    return local.weekday() in hours.days and not off and hours.begin <= minute < hours.end


@given(moments, st.sampled_from(ZONES), st.sampled_from(HOURS))
def test_working_hours_next_moment_is_the_first_open_one(now: datetime, zone: str, hours: WorkingHours) -> None:
    found = hours.next_moment(now, ZoneInfo(zone))

    walk = now
    while not is_open(hours, walk, zone):
        walk = walk.replace(minute=walk.minute // 15 * 15, second=0, microsecond=0) + timedelta(minutes=15)
    assert found == walk


@given(moments, st.sampled_from(ZONES), st.sampled_from(HOURS))
def test_working_hours_after_a_day_it_is_a_later_day(now: datetime, zone: str, hours: WorkingHours) -> None:
    today = now.astimezone(ZoneInfo(zone)).date()

    found = hours.next_moment(now, ZoneInfo(zone), after=today)

    assert is_open(hours, found, zone)
    assert found.astimezone(ZoneInfo(zone)).date() > today


def test_working_hours_begin_at_nine_on_the_day_clocks_change() -> None:
    zone, hours = ZoneInfo("America/New_York"), parse("Mon-Sun 9-17", "")
    saturday_night = datetime(2026, 3, 8, 1, 0, tzinfo=UTC)

    assert hours.next_moment(saturday_night, zone) == datetime(2026, 3, 8, 13, 0, tzinfo=UTC)
    assert hours.next_moment(saturday_night - timedelta(days=1), zone) == datetime(2026, 3, 7, 14, 0, tzinfo=UTC)


def test_working_hours_half_hour_zones_begin_at_half_past() -> None:
    sunday = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)

    assert WorkingHours().next_moment(sunday, ZoneInfo("Asia/Kolkata")) == datetime(2026, 11, 16, 3, 30, tzinfo=UTC)
    assert WorkingHours().next_moment(sunday, ZoneInfo("Asia/Kathmandu")) == datetime(2026, 11, 16, 3, 15, tzinfo=UTC)


def test_working_hours_a_day_begins_where_the_clock_skips_midnight() -> None:
    santiago = ZoneInfo("America/Santiago")  # clocks go from 24:00 on 5 September 2026 to 1:00

    assert start_of(date(2026, 9, 6), santiago).astimezone(santiago).hour == 1


@pytest.mark.parametrize(
    "hours", ["9-17", "Mon-Fri", "Mon-Fri 17-9", "Mon-Fri 9-25", "Mon-Xyz 9-17", "Mon-Fri 9:75-17"]
)
def test_working_hours_that_make_no_sense_are_refused(hours: str) -> None:
    with pytest.raises(NoSuchHours):
        parse(hours, "")


@pytest.mark.parametrize("holidays", ["Christmas", "2026-13-01", "02-30"])
def test_working_hours_holidays_that_are_no_days_are_refused(holidays: str) -> None:
    with pytest.raises(NoSuchHoliday):
        parse("", holidays)


def test_working_hours_without_any_working_day_say_so() -> None:
    every_day = ",".join(f"{date(2026, 1, 1) + timedelta(days=n):%m-%d}" for n in range(365))
    with pytest.raises(NoSuchHours, match="no working day"):
        parse("", every_day).next_moment(datetime(2026, 1, 1, tzinfo=UTC), UTC)
