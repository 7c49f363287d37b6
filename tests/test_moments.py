from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import moments
from bot.kinds import TYPED, Kind
from bot.moments import NoSuchDate, NoSuchTime, TypedMark, duration_words, parse_date, parse_mark

NOW = datetime(2026, 11, 21, 9, 30, 15, tzinfo=UTC)  # 10:30:15 in Berlin, 15:00:15 in Kolkata
ZONES = sorted(available_timezones())
EXAMPLES = (
    "Nothing was marked. Times are written like `10:42`, `10:42pm`, `-15m`, `2h ago`, `yesterday 23:10`, "
    "`2026-11-20 23:10`; "
    "put a word in front if it is no time but text. You typed: "
)


def split(text: str, *, now: datetime = NOW, zone: str = "Europe/Berlin") -> tuple[str | None, str]:
    at, rest = moments.split_when(text, now=now, zone=zone)
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else None, rest


@pytest.mark.parametrize(
    ("typed", "at", "rest"),
    [
        ("10:15 db down", "2026-11-21 09:15:00", "db down"),
        ("at 10:15 db down", "2026-11-21 09:15:00", "db down"),
        ("9:05", "2026-11-21 08:05:00", ""),
        ("10:30:15 this very second", "2026-11-21 09:30:15", "this very second"),
        ("10:30:16 a second ahead is yesterday", "2026-11-20 09:30:16", "a second ahead is yesterday"),
        ("10:42", "2026-11-20 09:42:00", ""),
        ("10:15 is when it broke", "2026-11-21 09:15:00", "is when it broke"),
        ("10:15, db down", "2026-11-21 09:15:00", "db down"),
        ("10:15: db down", "2026-11-21 09:15:00", "db down"),
        ("10:15 - db down", "2026-11-21 09:15:00", "db down"),
        ("10:15 — db down", "2026-11-21 09:15:00", "db down"),
        ("10:15\ntwo\nlines", "2026-11-21 09:15:00", "two\nlines"),
        ("yesterday 23:10 deploy", "2026-11-20 22:10:00", "deploy"),
        ("Yesterday at 23:10 deploy", "2026-11-20 22:10:00", "deploy"),
        ("23:10 yesterday deploy", "2026-11-20 22:10:00", "deploy"),
        ("9:10 yesterday's deploy", "2026-11-21 08:10:00", "yesterday's deploy"),
        ("today 9:10 deploy", "2026-11-21 08:10:00", "deploy"),
        ("2026-11-20 23:10 deploy", "2026-11-20 22:10:00", "deploy"),
        ("2026-11-20T23:10 deploy", "2026-11-20 22:10:00", "deploy"),
        ("2026-11-20T23:10:05,123 ERROR", "2026-11-20 22:10:05", "ERROR"),
        ("23:10 2026-11-19 deploy", "2026-11-19 22:10:00", "deploy"),
    ],
)
def test_clock_time_is_the_latest_not_in_the_future(typed: str, at: str, rest: str) -> None:
    assert split(typed) == (at, rest)


@pytest.mark.parametrize(
    ("typed", "at", "rest"),
    [
        ("10:15pm", "2026-11-20 21:15:00", ""),
        ("10:15 PM x", "2026-11-20 21:15:00", "x"),
        ("10:15\u202fPM x", "2026-11-20 21:15:00", "x"),
        ("10:15 a.m. x", "2026-11-21 09:15:00", "x"),
        ("10am x", "2026-11-21 09:00:00", "x"),
        ("at 12am x", "2026-11-20 23:00:00", "x"),
        ("12:05pm x", "2026-11-20 11:05:00", "x"),
    ],
)
def test_clock_time_with_am_or_pm(typed: str, at: str, rest: str) -> None:
    assert split(typed) == (at, rest)


@pytest.mark.parametrize(
    ("typed", "at", "rest"),
    [
        ("9:05Z x", "2026-11-21 09:05:00", "x"),
        ("9:05 UTC x", "2026-11-21 09:05:00", "x"),
        ("9:05utc", "2026-11-21 09:05:00", ""),
        ("9:05+02:00 x", "2026-11-21 07:05:00", "x"),
        ("9:05 +02:00 x", "2026-11-21 07:05:00", "x"),
        ("9:05 +1000 errors", "2026-11-21 08:05:00", "+1000 errors"),
        ("yesterday 23:10 UTC x", "2026-11-20 23:10:00", "x"),
        ("2026-11-20T23:10Z x", "2026-11-20 23:10:00", "x"),
        ("2026-11-20T23:10-05:00 x", "2026-11-21 04:10:00", "x"),
        ("2026-11-20 23:10-05:00 x", "2026-11-21 04:10:00", "x"),
        ("2026-11-20 23:10:07 -0500 x", "2026-11-21 04:10:07", "x"),
        ("2026-11-20T23:10+05:45 x", "2026-11-20 17:25:00", "x"),
        ("2026-11-21T00:10-09 x", "2026-11-21 09:10:00", "x"),
    ],
)
def test_clock_time_with_its_own_offset(typed: str, at: str, rest: str) -> None:
    assert split(typed) == (at, rest)


@pytest.mark.parametrize("typed", ["9:05-9:40 slow", "9:05 – 9:40 slow", "9:05 to 9:40 slow", "at 9:05-9:40 slow"])
def test_clock_span_begins_the_moment_and_keeps_its_words(typed: str) -> None:
    assert split(typed) == ("2026-11-21 08:05:00", typed)


def test_clock_span_on_a_day_is_no_offset() -> None:
    typed = "2026-11-20 10:00-11:00 slow"
    assert split(typed) == ("2026-11-20 09:00:00", typed)


@pytest.mark.parametrize(
    ("typed", "at", "rest"),
    [
        ("-15m pods restarted", "2026-11-21 09:15:15", "pods restarted"),
        ("–15m from a telephone", "2026-11-21 09:15:15", "from a telephone"),
        ("15m ago pods restarted", "2026-11-21 09:15:15", "pods restarted"),
        ("-1h30m x", "2026-11-21 08:00:15", "x"),
        ("-1.5h x", "2026-11-21 08:00:15", "x"),
        ("1 h 30 min ago: x", "2026-11-21 08:00:15", "x"),
        ("2h ago", "2026-11-21 07:30:15", ""),
        ("90 min ago x", "2026-11-21 08:00:15", "x"),
        ("An hour ago x", "2026-11-21 08:30:15", "x"),
        ("-3 days x", "2026-11-18 09:30:15", "x"),
        ("-30s x", "2026-11-21 09:29:45", "x"),
        ("-0m x", "2026-11-21 09:30:15", "x"),
    ],
)
def test_relative_time_counts_back_from_now(typed: str, at: str, rest: str) -> None:
    assert split(typed) == (at, rest)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "at least 3 pods died",
        "at 10 pods died",
        "15m rows lost",
        "-15M rows lost",
        "-15 pods",
        "- 15m later",
        "-15mm off",
        "2h agony",
        "1:1 meeting",
        "16:9 screens",
        "10:421 is a port",
        "10:42:30:aa:bb:cc is a MAC",
        "10:42x",
        "3 PM approvals missing",
        "yesterday we deployed",
        "2026-11-20 outage",
        "tomorrow 10:00 we meet",
        "100:42",
        "::1 unreachable",
    ],
)
def test_word_that_is_no_time_is_text(typed: str) -> None:
    assert split(typed) == (None, typed)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("25:99 x", "“25:99” looks like a time, but no clock shows it."),
        ("at 10:60 x", "“at 10:60” looks like a time, but no clock shows it."),
        ("24:00 x", "“24:00” looks like a time, but no clock shows it."),
        ("13:00pm x", "“13:00pm” looks like a time, but no clock shows it."),
        ("0:15am x", "“0:15am” looks like a time, but no clock shows it."),
        ("10:42+29:00 x", "“10:42+29:00” looks like a time, but no clock shows it."),
        ("2026-02-30 10:00 x", "“2026-02-30 10:00” looks like a time, but no clock shows it."),
        ("0000-01-01 10:00 x", "“0000-01-01 10:00” looks like a time, but no clock shows it."),
        ("0001-01-01 00:00+14:00 x", "“0001-01-01 00:00+14:00” looks like a time, but no clock shows it."),
        ("2027-01-01 10:00 x", "“2027-01-01 10:00” is in the future in Europe/Berlin."),
        ("today 10:31 x", "“today 10:31” is in the future in Europe/Berlin."),
        ("1969-12-31 23:59Z x", "“1969-12-31 23:59Z” is too long ago."),
        ("-99y 10:42", None),
        ("-999999999999w x", "“-999999999999w” is too long ago."),
        ("-60y", None),
        ("-3000w x", "“-3000w” is too long ago."),
    ],
)
def test_time_that_cannot_be_is_refused_with_what_was_typed(typed: str, reason: str | None) -> None:
    if reason is None:
        assert split(typed) == (None, typed)
        return
    with pytest.raises(NoSuchTime) as refused:
        split(typed)
    assert (refused.value.sentence, refused.value.typed) == (f"{reason} {EXAMPLES}{typed}", typed)


NEW_YORK = "America/New_York"  # 2026: forward on March 8 at 07:00 UTC, back on November 1 at 06:00 UTC


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("10:42:00 x", True),
        ("yesterday 23:10:05Z", True),
        ("-90s", True),
        ("1h 30 seconds ago", True),
        ("10:42", False),
        ("10:42pm x", False),
        ("-5m", False),
        ("an hour ago", False),
        ("rolled back 10:42:10", False),
        ("", False),
    ],
)
def test_time_tells_its_seconds_or_not(typed: str, told: bool) -> None:
    assert moments.tells_seconds(typed) is told


def test_clock_time_in_the_skipped_hour_is_the_day_before() -> None:
    now = datetime(2026, 3, 8, 14, 0, tzinfo=UTC)
    assert split("02:30 x", now=now, zone=NEW_YORK) == ("2026-03-07 07:30:00", "x")


@pytest.mark.parametrize("typed", ["2026-03-08 02:30 x", "today 02:30 x"])
def test_day_and_time_in_the_skipped_hour_is_refused(typed: str) -> None:
    with pytest.raises(NoSuchTime) as refused:
        split(typed, now=datetime(2026, 3, 8, 14, 0, tzinfo=UTC), zone=NEW_YORK)
    assert refused.value.reason == (
        "On 2026-03-08 clocks in America/New_York never showed 02:30: they were put forward over it."
    )


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-11-01 05:29", "2026-10-31 05:30:00"),
        ("2026-11-01 05:31", "2026-11-01 05:30:00"),
        ("2026-11-01 06:29", "2026-11-01 05:30:00"),
        ("2026-11-01 06:30", "2026-11-01 06:30:00"),
        ("2026-11-02 04:00", "2026-11-01 06:30:00"),
    ],
)
def test_clock_time_in_the_repeated_hour_is_the_later_one_that_was(now: str, at: str) -> None:
    assert split("01:30", now=datetime.fromisoformat(f"{now}+00:00"), zone=NEW_YORK) == (at, "")


def test_day_and_time_in_the_repeated_hour_is_the_later_one_that_was() -> None:
    between = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)
    assert split("2026-11-01 01:30", now=between, zone=NEW_YORK) == ("2026-11-01 05:30:00", "")
    assert split("2026-11-01 01:30", now=NOW, zone=NEW_YORK) == ("2026-11-01 06:30:00", "")


def test_relative_time_is_elapsed_over_a_clock_change() -> None:
    after = datetime(2026, 3, 8, 8, 0, tzinfo=UTC)
    assert split("-2h x", now=after, zone=NEW_YORK) == ("2026-03-08 06:00:00", "x")


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Kolkata", "2026-11-21 08:30:00"),
        ("Asia/Kathmandu", "2026-11-21 08:15:00"),
        ("Pacific/Kiritimati", "2026-11-21 00:00:00"),
        ("Pacific/Pago_Pago", "2026-11-21 01:00:00"),
        ("America/St_Johns", "2026-11-20 17:30:00"),
        ("UTC", "2026-11-20 14:00:00"),
        ("", "2026-11-20 14:00:00"),
        ("Mars/Olympus", "2026-11-20 14:00:00"),
        ("America", "2026-11-20 14:00:00"),
        ("../etc/passwd", "2026-11-20 14:00:00"),
        ("\udc80", "2026-11-20 14:00:00"),
    ],
)
def test_clock_time_is_read_in_the_typists_zone(zone: str, at: str) -> None:
    assert split("14:00", zone=zone) == (at, "")


def test_clock_time_on_the_day_that_samoa_skipped_is_two_days_before() -> None:
    now = datetime(2011, 12, 30, 10, 30, tzinfo=UTC)  # 00:30 on the 31st; there was no 30th
    assert split("10:42", now=now, zone="Pacific/Apia") == ("2011-12-29 20:42:00", "")


@pytest.mark.parametrize(
    ("typed", "mark"),
    [
        ("decision: roll back", (None, Kind.DECISION, "roll back")),
        ("DECISION : roll back", (None, Kind.DECISION, "roll back")),
        ("decision:", (None, Kind.DECISION, "")),
        ("9:05 decision: roll back", ("08:05", Kind.DECISION, "roll back")),
        ("decision: 9:05 roll back", ("08:05", Kind.DECISION, "roll back")),
        ("-15m impact: 5xx", ("09:15", Kind.IMPACT, "5xx")),
        ("note to self: x", (None, None, "note to self: x")),
        ("message: x", (None, None, "message: x")),
        ("milestone: x", (None, None, "milestone: x")),
        ("cause: x", (None, None, "cause: x")),
        ("data://x", (None, None, "data://x")),
        ("note: data: x", (None, Kind.NOTE, "data: x")),
        ("9:05 9:10 x", ("08:05", None, "9:10 x")),
        ("  spaces  ", (None, None, "spaces")),
    ],
)
def test_mark_takes_time_and_kind_in_either_order(typed: str, mark: tuple[Any, ...]) -> None:
    found = parse_mark(typed, now=NOW, zone="Europe/Berlin")
    assert (found.at and f"{found.at:%H:%M}", found.kind, found.text) == mark


@pytest.mark.parametrize("kind", TYPED)
def test_mark_knows_every_kind_that_may_be_typed(kind: Kind) -> None:
    assert parse_mark(f"{kind}: x", now=NOW, zone="UTC") == TypedMark(None, kind, "x")
    assert (kind.emoji, kind.label) != ("", "")


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(seconds=1.9), "1 second"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=47, seconds=59), "47 minutes"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=2, hours=3, minutes=59), "2 d 3 h"),
        (timedelta(days=9), "9 d"),
        (timedelta(minutes=-47), "-47 minutes"),
    ],
)
def test_duration_is_told_in_words(delta: timedelta, words: str) -> None:
    assert duration_words(delta) == words


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11", date(2026, 11, 1)),
        ("Today", date(2026, 11, 21)),
        ("yesterday", date(2026, 11, 20)),
        ("90d", date(2026, 8, 23)),
        ("2w", date(2026, 11, 7)),
    ],
)
def test_date_is_read(typed: str, day: date) -> None:
    assert parse_date(typed, NOW.date()) == day


@pytest.mark.parametrize("typed", ["", "2026-13", "2026-02-30", "soon", "90"])
def test_date_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(NoSuchDate) as refused:
        parse_date(typed, NOW.date())
    assert refused.value.sentence == (
        f"“{typed}” is no date. Dates are written like `2026-11-20`, `2026-11`, `today`, `yesterday` or `90d`."
    )


@cache
def transitions(zone: str) -> list[datetime]:
    """When clocks there were changed from 2010 to 2026, to the minute."""
    here, found = ZoneInfo(zone), []
    day = datetime(2010, 1, 1, tzinfo=UTC)
    while day.year < 2027:
        before, after = day, day + timedelta(days=8)
        if before.astimezone(here).utcoffset() != after.astimezone(here).utcoffset():
            while after - before > timedelta(minutes=1):
                middle = before + (after - before) / 2
                same = middle.astimezone(here).utcoffset() == before.astimezone(here).utcoffset()
                before, after = (middle, after) if same else (before, middle)
            found.append(after.replace(second=0, microsecond=0))
        day += timedelta(days=8)
    return found


@st.composite
def places(draw: st.DrawFn) -> tuple[datetime, str]:
    """A moment and a zone; half of them within two days of a change of clocks, where there are any."""
    zone = draw(st.sampled_from(ZONES))
    near, beside_one = transitions(zone), draw(st.booleans())
    if near and beside_one:
        now = draw(st.sampled_from(near)) + timedelta(minutes=draw(st.integers(-2880, 2880)))
    else:
        now = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 47 * 365 * 24 * 60)))
    return now, zone


def latest_by_offsets(hour: int, minute: int, now: datetime, zone: str) -> datetime:
    """The same by another way: every offset of these days tried on every day."""
    here = ZoneInfo(zone)
    offsets = {(now + timedelta(hours=h)).astimezone(here).utcoffset() for h in range(-100, 25)}
    midnight = datetime(now.year, now.month, now.day, hour, minute, tzinfo=UTC)
    tried = {midnight + timedelta(days=d) - (o or timedelta()) for d in range(-5, 3) for o in offsets}
    shown = {at for at in tried if f"{at.astimezone(here):%H:%M:%S}" == f"{hour:02}:{minute:02}:00"}
    return max(at for at in shown if at <= now)


@given(places(), st.integers(0, 23), st.integers(0, 59))
@example((datetime(2026, 3, 8, 14, 0, tzinfo=UTC), NEW_YORK), 2, 30)
@example((datetime(2011, 12, 30, 10, 30, tzinfo=UTC), "Pacific/Apia"), 10, 42)
@example((datetime(2010, 11, 7, 3, 30, tzinfo=UTC), "America/St_Johns"), 0, 0)
def test_clock_time_is_right_in_every_zone(place: tuple[datetime, str], hour: int, minute: int) -> None:
    now, zone = place
    at, rest = moments.split_when(f"{hour}:{minute:02} x", now=now, zone=zone)
    assert (at, rest) == (latest_by_offsets(hour, minute, now, zone), "x")


@given(places(), st.integers(0, 100 * 24 * 60))
def test_moment_written_out_is_read_back_in_every_zone(place: tuple[datetime, str], back: int) -> None:
    now, zone = place
    then = now - timedelta(minutes=back)
    for written in (
        f"{then.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}{_colon(then.astimezone(ZoneInfo(zone)))}",
        f"{then:%Y-%m-%dT%H:%M:%SZ}",
        f"{then:%Y-%m-%d %H:%M:%S} UTC",
    ):
        at, _ = moments.split_when(written, now=now, zone="Asia/Kathmandu")
        assert at == then.replace(microsecond=0)
    at, _ = moments.split_when(f"{then.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}", now=now, zone=zone)
    assert at is not None
    assert f"{at.astimezone(ZoneInfo(zone)):%F %T}" == f"{then.astimezone(ZoneInfo(zone)):%F %T}"
    assert then.replace(microsecond=0) <= at <= now  # the later one where the hour was repeated


def _colon(local: datetime) -> str:
    return f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5]


PIECES = st.sampled_from(
    [
        "at",
        " ",
        "10",
        ":",
        "42",
        "-",
        "15",
        "m",
        "h",
        "ago",
        "yesterday",
        "2026-11-20",
        "T",
        "Z",
        "UTC",
        "+",
        "am",
        "pm",
        "note",
        "99",
        "0",
        ".",
        "\u00a0",
        "an",
        "hour",
        "ſ",
        "\n",
        "٣",
        "İ",
        "d",
        "9999-12-31",
        "0001-01-01",
    ]
)
TYPED_TEXT = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@given(TYPED_TEXT, places())
def test_nothing_typed_is_lost_or_in_the_future(text: str, place: tuple[datetime, str]) -> None:
    now, zone = place
    try:
        at, rest = moments.split_when(text, now=now, zone=zone)
    except NoSuchTime as refused:
        told = refused.sentence
        at, rest = None, told[told.index("You typed: ") + 11 :]
    assert text.endswith(rest) or rest == text.strip()
    assert at is None or at <= now


@given(TYPED_TEXT)
def test_kind_leaves_the_text_behind_it(text: str) -> None:
    kind, rest = moments.split_kind(text)
    assert text.endswith(rest)
    assert (kind is None) == (rest == text)


@given(TYPED_TEXT, st.text())
def test_mark_refuses_and_never_breaks(text: str, zone: str) -> None:
    try:
        mark = parse_mark(text, now=NOW, zone=zone)
    except NoSuchTime:
        return
    assert text.strip().endswith(mark.text)


@given(st.timedeltas())
def test_duration_never_drops_whole_days(delta: timedelta) -> None:
    words = duration_words(delta)
    days = abs(delta).days
    assert (f"{days} d" in words) == (days > 0)
