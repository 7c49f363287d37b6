"""The picture of a timeline: lanes by kind, milestones across them, long silences cut out.

Only where things are; how they look is the template's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bot import rich_text
from bot.durations import in_words
from bot.lettering import fitted, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from bot.report import Entry, Report

WIDTH: Final = 1080.0
GUTTER: Final = 132.0
RIGHT: Final = WIDTH - 14.0
ROW: Final = 22.0
LABEL_SIZE: Final = 12.0
BOLD: Final = 1.08
LABEL_WIDTHS: Final = ((16, 520.0), (32, 420.0))
"""How wide a label may be, up to how many entries; `LEAST_LABEL` with more."""
LEAST_LABEL: Final = 320.0
ALL_LABELLED: Final = 60
BREAK: Final = 74.0
TICK_GAP: Final = 74.0
STEPS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200, 525600)
)


@dataclass(frozen=True)
class Scale:
    """Times to places. Long stretches in which nothing was noted are cut out: `breaks` says where."""

    knots: tuple[tuple[datetime, float], ...]
    breaks: tuple[tuple[datetime, datetime], ...]

    def x(self, at: datetime) -> float:
        if at <= self.knots[0][0]:
            return self.knots[0][1]
        for (before, left), (after, right) in pairwise(self.knots):
            if at <= after:
                return left + (right - left) * ((at - before) / (after - before))
        return self.knots[-1][1]


def scale(times: Iterable[datetime], left: float, right: float) -> Scale:
    """A scale for at least one time. A gap is cut when it is over three times as long as most of them."""
    moments = sorted(set(times))
    if len(moments) == 1:
        return Scale(((moments[0], (left + right) / 2),), ())
    gaps = [(after - before).total_seconds() for before, after in pairwise(moments)]
    longest = 3 * sorted(gaps)[int(0.75 * (len(gaps) - 1))]
    cut = [gap > longest for gap in gaps]
    kept = sum(gap for gap, is_cut in zip(gaps, cut, strict=True) if not is_cut)
    width = right - left
    gap_width = min(BREAK, 0.4 * width / sum(cut)) if any(cut) else 0.0
    per_second = (width - gap_width * sum(cut)) / kept
    knots, place = [(moments[0], left)], left
    for moment, gap, is_cut in zip(moments[1:], gaps, cut, strict=True):
        place += gap_width if is_cut else gap * per_second
        knots.append((moment, place))
    return Scale(tuple(knots), tuple(pair for pair, is_cut in zip(pairwise(moments), cut, strict=True) if is_cut))


@dataclass(frozen=True)
class Dot:
    """An entry; `label_x` and `anchor` say where its words begin or end, `label` is empty where there is no room."""

    entry: Entry
    x: float
    y: float
    label: str = ""
    label_x: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True)
class Lane:
    kind: str
    y: float
    height: float
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Line:
    """A milestone."""

    kind: str
    at: datetime
    x: float
    y: float
    label: str
    label_x: float
    anchor: str


@dataclass(frozen=True)
class Band:
    """The stretch between two milestones; `kind` is the one it begins with."""

    kind: str
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Tick:
    x: float
    clock: str
    day: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Gap:
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Timeline:
    """`top` is where the lanes begin, `bottom` where they end; the axis is below."""

    height: float
    top: float
    bottom: float
    lanes: tuple[Lane, ...]
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    gaps: tuple[Gap, ...]
    width: float = WIDTH
    left: float = GUTTER
    right: float = RIGHT


def timeline(report: Report, zone: ZoneInfo, kinds: Sequence[str]) -> Timeline | None:
    """The picture of what was marked (of everything where nothing was), in lanes in the order of `kinds`.

    None when there is nothing to draw.
    """
    marked = [entry for entry in report.timeline if entry.is_marked] or list(report.timeline)
    entries = [entry for entry in marked if entry.kind != "milestone"]
    times = [entry.at for entry in entries] + [milestone.at for milestone in report.milestones]
    if not times:
        return None
    across = scale(times, GUTTER + 16, RIGHT - 16)
    lines, header = _milestone_lines(report, across, zone)
    top = header + 28
    lanes, bottom = _lanes(entries, across, top, kinds)
    return Timeline(
        height=bottom + (54 if across.breaks else 40),
        top=top,
        bottom=bottom,
        lanes=lanes,
        lines=lines,
        bands=_bands(lines),
        ticks=_ticks(across, zone),
        gaps=tuple(_gap(across, *pair) for pair in across.breaks),
    )


class _Rows:
    """Puts intervals into the first row where they touch nothing."""

    def __init__(self) -> None:
        self.rows: list[list[tuple[float, float]]] = []

    def place(self, left: float, right: float) -> int:
        for number, row in enumerate(self.rows):
            if all(right <= taken_left or left >= taken_right for taken_left, taken_right in row):
                row.append((left, right))
                return number
        self.rows.append([(left, right)])
        return len(self.rows) - 1


def _beside(x: float, width: float) -> tuple[float, str, float, float]:
    """Where words go beside a place, right of it or else left: their x, anchor, and what they take up."""
    if x + 11 + width <= RIGHT:
        return x + 11, "start", x - 9, x + 15 + width
    return x - 11, "end", x - 15 - width, x + 9


def _milestone_lines(report: Report, across: Scale, zone: ZoneInfo) -> tuple[tuple[Line, ...], float]:
    rows = _Rows()
    lines = []
    is_one_day = len({milestone.at.astimezone(zone).date() for milestone in report.milestones}) == 1
    for milestone in sorted(report.milestones, key=lambda milestone: milestone.at):
        local = milestone.at.astimezone(zone)
        label = f"{milestone.kind.capitalize()} {local:{'%H:%M' if is_one_day else '%a %H:%M'}}"
        x = across.x(milestone.at)
        label_x, anchor, left, right = _beside(x - 5, text_width(label, LABEL_SIZE) * BOLD)
        row = rows.place(left + 4, right)
        lines.append(Line(milestone.kind, milestone.at, x, 18 + row * 18, label, label_x, anchor))
    return tuple(lines), 8 + len(rows.rows) * 18


def _bands(lines: Sequence[Line]) -> tuple[Band, ...]:
    bands = []
    for before, after in pairwise(lines):
        words = in_words(int((after.at - before.at).total_seconds()))
        width = after.x - before.x
        fits = text_width(words, 11) + 6 <= width
        bands.append(Band(before.kind, before.x, width, words if fits else ""))
    return tuple(bands)


def _lanes(entries: Sequence[Entry], across: Scale, top: float, kinds: Sequence[str]) -> tuple[tuple[Lane, ...], float]:
    order = {kind: place for place, kind in enumerate(kinds)}
    present = sorted({entry.kind for entry in entries}, key=lambda kind: (order.get(kind, len(order)), kind))
    lanes = []
    for kind in present:
        own = [entry for entry in entries if entry.kind == kind]
        dots, rows = _dots(own, across, top + 8, total=len(entries))
        height = rows * ROW + 16
        lanes.append(Lane(kind, top, height, dots))
        top += height
    return tuple(lanes), top


def _dots(entries: Sequence[Entry], across: Scale, top: float, *, total: int) -> tuple[tuple[Dot, ...], int]:
    rows = _Rows()
    dots = []
    label_all = total <= ALL_LABELLED
    width = next((width for most, width in LABEL_WIDTHS if total <= most), LEAST_LABEL)
    for entry in entries:
        x = across.x(entry.at)
        room = min(width, max(RIGHT - 11 - x, x - 11 - GUTTER)) / (BOLD if entry.is_key else 1)
        label = fitted(rich_text.words(entry.text), room, LABEL_SIZE) if label_all or entry.is_key else ""
        if not label:
            row = 0 if not label_all else rows.place(x - 9, x + 9)
            dots.append(Dot(entry, x, top + (row + 0.5) * ROW))
            continue
        label_x, anchor, left, right = _beside(x, text_width(label, LABEL_SIZE) * (BOLD if entry.is_key else 1))
        row = rows.place(left, right)
        dots.append(Dot(entry, x, top + (row + 0.5) * ROW, label, label_x, anchor))
    return tuple(dots), max(len(rows.rows), 1)


def _gap(across: Scale, before: datetime, after: datetime) -> Gap:
    x, end = across.x(before), across.x(after)
    words = in_words(int((after - before).total_seconds()))
    return Gap(x, end - x, words if text_width(words, 10.5) <= end - x else "")


def _ticks(across: Scale, zone: ZoneInfo) -> tuple[Tick, ...]:
    """Round times where there is room for them, each stretch's beginning first; the day where it changes."""
    chosen: dict[datetime, float] = {}
    for at in [*_beginnings(across), *_round_times(across, zone)]:
        x = across.x(at)
        if all(abs(x - other) >= TICK_GAP for other in chosen.values()):
            chosen[at] = x
    ticks = []
    shown = ""
    for at, x in sorted(chosen.items()):
        local = at.astimezone(zone)
        day = f"{local:%a} {local.day} {local:%b}"
        ticks.append(Tick(x, f"{local:%H:%M}", day if day != shown else ""))
        shown = day
    return tuple(ticks)


def _beginnings(across: Scale) -> list[datetime]:
    return [across.knots[0][0], *(after for _, after in across.breaks)]


def _round_times(across: Scale, zone: ZoneInfo) -> Iterable[datetime]:
    ends = [*(before for before, _ in across.breaks), across.knots[-1][0]]
    for start, end in zip(_beginnings(across), ends, strict=True):
        seconds, width = (end - start).total_seconds(), across.x(end) - across.x(start)
        if not seconds or width < TICK_GAP:
            continue
        least = seconds / width * TICK_GAP
        step = next((step for step in STEPS if step.total_seconds() >= least), STEPS[-1])
        at = _rounded_up(start, step, zone)
        while at <= end:
            yield at
            at += step


def _rounded_up(at: datetime, step: timedelta, zone: ZoneInfo) -> datetime:
    """The next multiple of `step` since local midnight, in UTC; steps of days begin at midnight."""
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    whole = min(step, timedelta(days=1))
    return (midnight + whole * math.ceil((local - midnight) / whole)).astimezone(UTC)
