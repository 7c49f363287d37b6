"""Times and kinds as people type them in front of a note: `10:42 decision: roll back`.

A time of day is read in the typist's zone as the latest such moment that is not in the future. A moment
counts only if clocks there really showed it: in the hour that spring skips there is none, the hour that
autumn repeats has two. `-15m` is elapsed time, whatever the clocks did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.errors import Refusal
from bot.kinds import TYPED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLES: Final = "`10:42`, `10:42pm`, `-15m`, `2h ago`, `yesterday 23:10`, `2026-11-20 23:10`"

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Slack's date tokens count seconds from here."""


class NoSuchTime(Refusal):
    """That is no time. Nothing was marked; please type it again."""

    def __init__(self, reason: str, typed: str) -> None:
        super().__init__(
            f"{reason} Nothing was marked. Times are written like {EXAMPLES}; put a word in front if it is no time"
            f" but text. You typed: {typed.strip()}"
        )
        self.reason = reason
        self.typed = typed


class NoSuchDate(Refusal):
    """That is no date. Dates are written like `2026-11-20`, `2026-11`, `today`, `yesterday` or `90d`."""


@dataclass(frozen=True, slots=True)
class TypedMark:
    """What was typed: `at` in UTC or None for now, `kind` or None for none given, and the words."""

    at: datetime | None
    kind: Kind | None
    text: str


_DASH: Final = "[-\u2212\u2013]"  # hyphen, minus, and the en dash that phones put in
_DAY: Final = r"yesterday|today|\d{4}-\d{2}-\d{2}"
_ENDS: Final = r"(?=$|\s|[,;:.!?)\]\u2013\u2014-]+(?:\s|$))"

_CLOCK: Final = re.compile(
    rf"""
    \s*(?P<typed>
      (?:at\s+)?
      (?:(?P<day>{_DAY})(?P<t>(?<=\d)T|,?\s+(?:at\s+)?))?
      (?P<hour>\d{{1,2}})
      (?: :(?P<minute>\d{{2}})(?!\d)(?: :(?P<second>\d{{2}})(?!\d)(?:[.,](?P<fraction>\d{{1,9}}))?)?
          (?:[ ]?(?P<half>[ap]m|[ap]\.m\.))?
        | (?P<whole_half>[ap]m) )
      (?P<zone>
          Z | [ ]?(?:UTC|GMT)
        | \+\d{{2}}(?: :?\d{{2}})? | [ ]\+\d{{2}}:\d{{2}}
        | (?(day)[ ]?[+-]\d{{2}}:?\d{{2}} | (?!))
        | (?(day)-\d{{2}} | (?!)) )?
      (?(day)|(?:\s+(?P<day_after>{_DAY}))?)
    )
    (?: {_ENDS} | (?P<span>(?=\s?[-\u2013\u2014]\s?\d{{1,2}}:\d{{2}}(?!\d))) )
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SPAN: Final = re.compile(r"\s*(?:[-\u2013\u2014]|to\b|until\b|till\b)\s*\d{1,2}:\d{2}(?!\d)", re.ASCII | re.IGNORECASE)

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONG_UNIT: Final = r"(?:sec|second|min|minute|hr|hour|day|week)s?"
_NUMBER: Final = r"\d{1,12}(?:\.\d{1,6})?"
_MINUS: Final = re.compile(
    rf"""
    \s*(?P<typed>
      {_DASH}(?![ ])(?P<parts> (?:[ ]?{_NUMBER}(?:[smhdw]|[ ]?(?i:{_LONG_UNIT}))(?![A-Za-z_]))+ )
    ){_ENDS}
    """,
    re.VERBOSE | re.ASCII,
)
_AGO: Final = re.compile(
    rf"""
    \s*(?P<typed>
      (?P<parts> an?[ ]{_LONG_UNIT} | (?:\s?{_NUMBER}[ ]?(?:[smhdw]|{_LONG_UNIT})(?![A-Za-z_]))+ )
      \s+ago
    ){_ENDS}
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_PART: Final = re.compile(rf"({_NUMBER}|an?(?= )) ?([smhdw])", re.ASCII | re.IGNORECASE)

_SPACES: Final = {0x00A0: " ", 0x2009: " ", 0x202F: " "}
"""Spaces that telephones put between a time and its am or pm; one for one, so that places stay the same."""
_AFTER_TIME: Final = re.compile(r"\s*(?:[,;:.\u2013\u2014-]+(?=\s|$))?\s*")
_KIND: Final = re.compile(rf"\s*({'|'.join(TYPED)})\s*:(?!//)\s*", re.ASCII | re.IGNORECASE)


def zone_named(name: str | None) -> tzinfo:
    """The zone of that IANA name; UTC when it is missing or not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):  # OSError: a folder of zones, such as "America"
        return UTC


def split_when(text: str, *, now: datetime, zone: str | None) -> tuple[datetime | None, str]:
    """The moment that `text` begins with, in UTC, or None; and the rest, which always ends like `text`.

    `now` is aware, `zone` the typist's IANA name. Of a span such as `10:42-11:15` the beginning is the
    moment, and the rest is all of the text. Raises `NoSuchTime` for what looks like a time and is none, or
    lies in the future.
    """
    now, plain = now.astimezone(UTC), text.translate(_SPACES)
    if match := _MINUS.match(plain) or _AGO.match(plain):
        return _elapsed(match, now=now, text=text), _rest(text, match.end())
    if match := _CLOCK.match(plain):
        return _clock(match, now=now, zone=zone_named(zone), text=text)
    return None, text


def split_moment(text: str, *, now: datetime, zone: str | None) -> tuple[datetime | None, str]:
    """`split_when`, where a time is what matters: a day without a time of day is no moment, and no note either.

    Raises `NoSuchTime`.
    """
    at, rest = split_when(text, now=now, zone=zone)
    if at is None and (day := re.match(r"\s*(yesterday|today|tomorrow)\b", rest, re.IGNORECASE)):
        raise NoSuchTime(f"“{day[1]}” is a day and no time of day.", text)
    return at, rest


def tells_seconds(text: str) -> bool:
    """Whether `text` begins with a time that was told to the second, as `10:42:07` and `-90s` are."""
    plain = text.translate(_SPACES)
    if match := _MINUS.match(plain) or _AGO.match(plain):
        return any(unit in "sS" for _, unit in _PART.findall(match["parts"]))
    clock = _CLOCK.match(plain)
    return clock is not None and clock["second"] is not None


def split_kind(text: str) -> tuple[Kind | None, str]:
    """The kind that `text` begins with (`decision: …`), or None; and the rest. Other words are text."""
    if match := _KIND.match(text):
        return Kind(match[1].lower()), text[match.end() :]
    return None, text


def parse_mark(text: str, *, now: datetime, zone: str | None) -> TypedMark:
    """`[when] [kind:] text`, or `kind: when text`. Raises `NoSuchTime`, see `split_when`."""
    at, rest = split_when(text, now=now, zone=zone)
    kind, rest = split_kind(rest)
    if kind is not None and at is None:
        at, rest = split_when(rest, now=now, zone=zone)
    return TypedMark(at, kind, rest.strip())


def depends_on_zone(text: str, *, now: datetime) -> bool:
    """Whether `text` begins with a time that means another moment in another zone."""
    try:
        here = parse_mark(text, now=now, zone="UTC").at
        return here is not None and any(
            parse_mark(text, now=now, zone=zone).at != here for zone in ("Etc/GMT+12", "Etc/GMT-14")
        )
    except NoSuchTime:
        return True


def parse_date(text: str, today: date) -> date:
    """The day that `2026-11-20`, `2026-11` (its first), `today`, `yesterday`, `90d` or `2w` (ago) name.

    Raises `NoSuchDate`.
    """
    word = text.strip().lower()
    try:
        if match := re.fullmatch(r"(\d{1,5})([dw])", word, re.ASCII):
            return today - timedelta(**{_UNITS[match[2]]: int(match[1])})
        if re.fullmatch(r"\d{4}-\d{2}", word, re.ASCII):
            return date.fromisoformat(f"{word}-01")
        return _day(word, today)
    except (ValueError, OverflowError) as error:
        raise NoSuchDate((NoSuchDate.__doc__ or "").replace("That", f"“{text.strip()}”", 1)) from error


def duration_words(delta: timedelta) -> str:
    """A length of time in two units at most, cut off, not rounded: `47 minutes`, `1 h 5 min`, `2 d 3 h`."""
    if delta < timedelta(0):
        return f"-{duration_words(-delta)}"
    minutes, seconds = divmod(delta.days * 86_400 + delta.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    count, unit = (minutes, "minute") if minutes else (seconds, "second")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _rest(text: str, end: int) -> str:
    after = _AFTER_TIME.match(text, end)
    return text[after.end() if after else end :]


def _elapsed(match: re.Match[str], *, now: datetime, text: str) -> datetime:
    try:
        back = sum(
            (
                timedelta(**{_UNITS[unit.lower()]: 1 if count[0] in "aA" else float(count)})
                for count, unit in _PART.findall(match["parts"])
            ),
            timedelta(),
        )
        at = now - back
    except OverflowError:
        at = None
    if at is None or at < EARLIEST:
        raise NoSuchTime(f"“{match['typed']}” is too long ago.", text)
    return at


def _clock(match: re.Match[str], *, now: datetime, zone: tzinfo, text: str) -> tuple[datetime, str]:
    offset, is_span = match["zone"], match["span"] is not None
    if offset and _is_span(match):
        offset, is_span = None, True
    here = _offset(offset) if offset else zone
    wall = None if here is None else _time_of_day(match)
    if wall is None or here is None:
        raise NoSuchTime(f"“{match['typed']}” looks like a time, but no clock shows it.", text)
    at = _resolve(match, wall, now=now, zone=here, text=text)
    if is_span or _SPAN.match(text, match.end()):
        return at, text
    return at, _rest(text, match.end())


def _is_span(match: re.Match[str]) -> bool:
    """Whether `-11:00` behind a dated time is its end: a later hour, nothing of an ISO time about it."""
    end = match["zone"].strip()
    if not re.fullmatch(r"-\d\d:\d\d", end) or match["t"] in {"T", "t"} or match["second"]:
        return False
    return end[1:] > f"{match['hour']:0>2}:{match['minute']}" or _offset(end) is None


def _offset(typed: str) -> tzinfo | None:
    """UTC, or an offset from it that exists on earth (-12:00 to +14:00, in quarters of an hour)."""
    word = typed.strip().upper()
    if word in {"Z", "UTC", "GMT"}:
        return UTC
    hours, minutes = int(word[1:3]), int(word[3:].replace(":", "") or 0)
    ahead = timedelta(hours=hours, minutes=minutes) * (1 if word[0] == "+" else -1)
    if minutes % 15 or minutes > 45 or not timedelta(hours=-12) <= ahead <= timedelta(hours=14):
        return None
    return timezone(ahead)


def _time_of_day(match: re.Match[str]) -> time | None:
    hour = int(match["hour"])
    if half := match["half"] or match["whole_half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    micros = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    try:
        return time(hour, int(match["minute"] or 0), int(match["second"] or 0), micros)
    except ValueError:
        return None


def _day(word: str, today: date) -> date:
    """Raises ValueError or OverflowError."""
    if word == "today":
        return today
    return today - timedelta(1) if word == "yesterday" else date.fromisoformat(word)


def _resolve(match: re.Match[str], wall: time, *, now: datetime, zone: tzinfo, text: str) -> datetime:
    today, typed = now.astimezone(zone).date(), match["typed"]
    named = match["day"] or match["day_after"]
    if named is None:
        # Tomorrow too: where clocks went back over midnight, some of it has already been.
        found = _moments(wall, (today + timedelta(days) for days in range(1, -5, -1)), zone)
        return max(at for at in found if at <= now)
    try:
        day = _day(named.lower(), today)
        found = _moments(wall, [day], zone)
    except (ValueError, OverflowError):
        raise NoSuchTime(f"“{typed}” looks like a time, but no clock shows it.", text) from None
    if not found:
        raise NoSuchTime(f"On {day} clocks in {zone} never showed {wall:%H:%M}: they were put forward over it.", text)
    past = [at for at in found if at <= now]
    if not past:
        raise NoSuchTime(f"“{typed}” is in the future in {zone}.", text)
    if max(past) < EARLIEST:
        raise NoSuchTime(f"“{typed}” is too long ago.", text)
    return max(past)


def _moments(wall: time, days: Iterable[date], zone: tzinfo) -> list[datetime]:
    """When clocks in `zone` showed `wall` on `days`, in UTC: once a day, twice, or never."""
    shown = []
    for day in days:
        for fold in (0, 1):
            local = datetime.combine(day, wall, tzinfo=zone).replace(fold=fold)
            at = local.astimezone(UTC)
            if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                shown.append(at)
    return shown
