"""The figures of `/retro metrics`: how long, how many, how often again; each with its n, and a spread.

Durations are counted between milestones (`bot.durations`), never up to now. Drills stay out; so do private
incidents for those who may not know of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles

from sqlmodel import Session

from bot import durations
from bot.errors import Refusal
from bot.taxonomy import Taxonomy
from storage import library
from storage.models import ActionItem, ActionStatus, Factor, Incident, IncidentKind, Retrospective, RetroStatus

USUAL_DAYS = 90
MOST_DAYS = 3660


class NoSuchSpan(Refusal):
    """Say how far back, e.g. `/retro metrics 90d` or `26w`; nothing was counted."""


@dataclass(frozen=True)
class Spread:
    """A figure of several cases, in seconds; without a case there is no median, with one no quartiles."""

    n: int = 0
    median: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Share:
    """A part of a whole."""

    part: int
    of: int


@dataclass(frozen=True)
class Figures:
    """What was counted of incidents that were declared from `since` to `until`; see the fields' names.

    `times` has `detect`, `acknowledge`, `mitigate`, `resolve` and `publish`, from an incident's end to its
    retrospective's publication. `again` are services and kinds of factors that took part in two or more, with
    how many incidents; `repeats` is how many incidents had one that an earlier one had.
    """

    since: datetime
    until: datetime
    incidents: int
    near_misses: int
    drills: int
    severities: Mapping[str, int]
    times: Mapping[str, Spread]
    published: Share
    participation: Share
    done: Share
    verified: Share
    declined: int
    helped: Share
    repeats: Share
    again: Sequence[tuple[str, int]] = field(default_factory=tuple)


def days_of(typed: str) -> int:
    """How many days back `90d`, `26w` or `` mean. Raises `NoSuchSpan`."""
    match = re.fullmatch(r"(\d{1,4})\s*(d|w|days?|weeks?)?", typed.strip().lower())
    if not typed.strip():
        return USUAL_DAYS
    days = int(match[1]) * (7 if (match[2] or "d").startswith("w") else 1) if match else 0
    if not 0 < days <= MOST_DAYS:
        raise NoSuchSpan
    return days


def count(session: Session, *, team_id: str, user_id: str, days: int, taxonomy: Taxonomy, now: datetime) -> Figures:
    """Count what a person may know of, of the last `days` before `now`."""
    since = now - timedelta(days=days)
    known = [one for one in library.incidents(session, team_id, user_id) if since <= one.declared_at <= now]
    real = sorted((one for one in known if one.kind != IncidentKind.DRILL), key=lambda one: one.declared_at)
    happened = [one for one in real if one.kind == IncidentKind.INCIDENT]
    retros = library.retrospectives(session, [one.id for one in real])
    agreed = library.actions(session, [one.id for one in real])
    wanted = [one for one in agreed if one.status != ActionStatus.WONT_DO]
    answered = [one for one in wanted if one.effect is not None]
    asked, given = library.asked_and_answered(session, [one.id for one in retros.values()])
    tags = _tags(session, real, retros, taxonomy)
    return Figures(
        since=since,
        until=now,
        incidents=len(happened),
        near_misses=len(real) - len(happened),
        drills=len(known) - len(real),
        severities=dict(sorted(Counter(one.severity for one in happened).items())),
        times=_times(session, happened, retros),
        published=Share(_published(retros.values()), len(real)),
        participation=Share(given, asked),
        done=Share(_in(wanted, ActionStatus.DONE, ActionStatus.VERIFIED), len(wanted)),
        verified=Share(_in(wanted, ActionStatus.VERIFIED), len(wanted)),
        declined=len(agreed) - len(wanted),
        helped=Share(sum(one.effect == "yes" for one in answered), len(answered)),
        repeats=_repeats(real, tags),
        again=_again(tags),
    )


def _published(retros: Iterable[Retrospective]) -> int:
    return sum(one.status in {RetroStatus.PUBLISHED, RetroStatus.ARCHIVED} for one in retros)


def _in(actions: Iterable[ActionItem], *states: str) -> int:
    return sum(one.status in states for one in actions)


def _times(session: Session, happened: Sequence[Incident], retros: Mapping[int, Retrospective]) -> dict[str, Spread]:
    reached = library.milestones(session, [one.id for one in happened])
    found: dict[str, list[float]] = {name: [] for name in (*durations.SPANS, "publish")}
    for incident in happened:
        between = durations.between(reached.get(incident.id, {}))
        for name in durations.SPANS:
            seconds = getattr(between, name).seconds
            found[name] += [seconds] if seconds is not None else []
        retro = retros.get(incident.id)
        ended = reached.get(incident.id, {}).get("resolved") or incident.closed_at
        if retro is not None and retro.published_at is not None and ended is not None:
            found["publish"].append(max((retro.published_at - ended).total_seconds(), 0))
    return {name: spread(values) for name, values in found.items()}


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles, each a value or halfway between two (method "inclusive": these are all the cases)."""
    if not values:
        return Spread()
    if len(values) == 1:
        return Spread(1, values[0])
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return Spread(len(values), median(values), lower, upper)


def _tags(
    session: Session, real: Sequence[Incident], retros: Mapping[int, Retrospective], taxonomy: Taxonomy
) -> dict[int, set[str]]:
    """What an incident may share with another: its services, and the kinds of factors that stood."""
    tags = {one.id: {f"service {service.strip()}" for service in one.services if service.strip()} for one in real}
    of = {retro.id: incident_id for incident_id, retro in retros.items()}
    for factor in library.factors(session, of):
        if _counts(factor):
            label = taxonomy.label("categories", factor.category)
            tags[of[factor.retrospective_id]].add(f"{taxonomy.label('roles', factor.role).lower()} {label}")
    return tags


def _counts(factor: Factor) -> bool:
    return bool(factor.category) and factor.confidence != "refuted" and factor.role != "mitigator"


def _repeats(real: Sequence[Incident], tags: Mapping[int, set[str]]) -> Share:
    seen: set[str] = set()
    repeats = 0
    for incident in real:
        repeats += bool(tags[incident.id] & seen)
        seen |= tags[incident.id]
    return Share(repeats, len(real))


def _again(tags: Mapping[int, set[str]]) -> list[tuple[str, int]]:
    counted = Counter(tag for found in tags.values() for tag in found)
    return sorted(((tag, n) for tag, n in counted.items() if n > 1), key=lambda one: (-one[1], one[0]))
