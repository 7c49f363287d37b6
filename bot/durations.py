"""How long it took: durations between milestones, counted in one place.

detect: started to detected · acknowledge: detected to acknowledged · mitigate: started to mitigated, which is
how long users noticed it · resolve: started to resolved. Nothing is counted up to "now", so that a figure
never runs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SPANS: Final = {
    "detect": ("started", "detected"),
    "acknowledge": ("detected", "acknowledged"),
    "mitigate": ("started", "mitigated"),
    "resolve": ("started", "resolved"),
}


class Duration(BaseModel):
    """Whole seconds, or none with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: int | None = Field(default=None, ge=0)
    because: str | None = None

    @property
    def words(self) -> str:
        return in_words(self.seconds) if self.seconds is not None else "unknown"


class Durations(BaseModel):
    """See the module for what counts from where to where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detect: Duration = Duration(because="Nothing is known.")
    acknowledge: Duration = Duration(because="Nothing is known.")
    mitigate: Duration = Duration(because="Nothing is known.")
    resolve: Duration = Duration(because="Nothing is known.")


def between(milestones: Mapping[str, datetime]) -> Durations:
    """The durations between milestones: `started`, `detected`, … to aware datetimes; any may be missing."""
    return Durations(**{name: _span(milestones, *ends) for name, ends in SPANS.items()})


def _span(milestones: Mapping[str, datetime], start: str, end: str) -> Duration:
    missing = [name for name in (start, end) if name not in milestones]
    if missing:
        return Duration(because=f"It is not known when it was {' and '.join(missing)}.")
    seconds = (milestones[end] - milestones[start]).total_seconds()
    if seconds < 0:
        return Duration(because=f"It was {end} before it was {start}.")
    return Duration(seconds=int(seconds))


def in_words(seconds: int) -> str:
    """The two largest units, e.g. "47 min", "1 h 5 min", "2 d 3 h"; below a minute in seconds."""
    units = (("d", 86400), ("h", 3600), ("min", 60))
    for place, (unit, size) in enumerate(units):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            smaller = units[place + 1 : place + 2]
            parts = [f"{whole} {unit}", *(f"{rest // s} {u}" for u, s in smaller if rest >= s)]
            return " ".join(parts)
    return f"{seconds} s"


def in_sentence(seconds: int) -> str:
    """The same for readers of prose, e.g. "47 minutes", "1 hour and 5 minutes"."""
    names = {"d": "day", "h": "hour", "min": "minute", "s": "second"}
    figures = in_words(seconds).split()
    pairs = zip(figures[::2], figures[1::2], strict=True)
    return " and ".join(f"{number} {names[unit]}{'' if number == '1' else 's'}" for number, unit in pairs)
