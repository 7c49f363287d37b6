"""What a team has agreed on: deadlines, cadence, questions to ask, the checklist, the bands of risk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from bot import definitions
from bot.definitions import KEY, Definition, FaultyDefinition

if TYPE_CHECKING:
    from pathlib import Path

SATURDAY = 5


class FaultyPolicy(FaultyDefinition):
    """The policy cannot be used. The one that was in use stays in use."""


def add_working_days(day: date, number: int) -> date:
    """The day that many working days (Monday to Friday) later; with 0, `day` or the next Monday."""
    while number > 0 or day.weekday() >= SATURDAY:
        day += timedelta(days=1)
        number -= day.weekday() < SATURDAY
    return day


class Within(Definition):
    """A time to do something in: calendar days, or working days."""

    days: PositiveInt | None = None
    working_days: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.days is None) == (self.working_days is None):
            raise ValueError("needs either `days` or `working_days`")
        return self

    def after(self, day: date) -> date:
        """The last day that is in time, counted from `day`."""
        return day + timedelta(days=self.days) if self.days else add_working_days(day, self.working_days or 0)


class Severity(Definition):
    """What a severity asks for; `update_minutes` None: no updates are asked for."""

    key: str = Field(pattern=r"^SEV[1-4]$")
    about: str = Field(min_length=1, max_length=150)
    retrospective: Literal["required", "suggested", "optional"]
    retrospective_due: Within
    actions_due: Within
    update_minutes: PositiveInt | None = None


class Item(Definition):
    key: str = Field(pattern=KEY)
    label: str = Field(min_length=1, max_length=75)


class FollowUp(Item):
    """Questions for a kind of remark; `kinds` are kinds of timeline entries they are offered for."""

    example: str = Field(min_length=1, max_length=150)
    kinds: tuple[str, ...]
    questions: tuple[str, ...] = Field(min_length=1)


class Marker(Item):
    """A kind of key moment, and what it is worth asking."""

    about: str = Field(min_length=1, max_length=75)
    questions: tuple[str, ...] = Field(min_length=1)


class Band(Item):
    at_least: PositiveInt


class Risk(Definition):
    """How the risk of recurrence is graded: two answers to their figures, and bands of the product."""

    likelihood: dict[str, PositiveInt] = Field(min_length=1)
    consequence: dict[str, PositiveInt] = Field(min_length=1)
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _falling(self) -> Self:
        edges = [band.at_least for band in self.bands]
        if edges != sorted(set(edges), reverse=True) or edges[-1] != 1:
            raise ValueError("the bands must go from high to low and end `at_least: 1`")
        return self

    def score(self, likelihood: str | None, consequence: str | None) -> int | None:
        """Likelihood times consequence; None unless both are answered with a known option."""
        if likelihood not in self.likelihood or consequence not in self.consequence:
            return None
        return self.likelihood[likelihood] * self.consequence[consequence]

    def band(self, score: int) -> Band:
        """The band of a score of at least 1."""
        return next(band for band in self.bands if score >= band.at_least)


class Policy(Definition):
    severities: tuple[Severity, ...] = Field(min_length=1)
    near_miss: Within
    drill: Within
    reasons: tuple[Item, ...]
    follow_ups: tuple[FollowUp, ...]
    markers: tuple[Marker, ...]
    checklist: tuple[Item, ...]
    risk: Risk

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        for name in ("severities", "reasons", "follow_ups", "markers", "checklist"):
            keys = [item.key for item in getattr(self, name)]
            if len(set(keys)) != len(keys):
                raise ValueError(f"{name}: two have the same key")
        missing = {"SEV1", "SEV2", "SEV3", "SEV4"} - {severity.key for severity in self.severities}
        if missing:
            raise ValueError(f"severities: {', '.join(sorted(missing))} is missing")
        return self

    def severity(self, key: str) -> Severity:
        """What the policy says about SEV1 to SEV4. Raises KeyError for anything else."""
        return {severity.key: severity for severity in self.severities}[key]

    def retrospective_due(self, kind: str, severity: str, ended: date) -> date:
        """The last day for publishing.

        `kind` is incident, near_miss or drill; `ended` the day it was over, in the team's zone.
        """
        within = {"near_miss": self.near_miss, "drill": self.drill}.get(kind)
        return (within or self.severity(severity).retrospective_due).after(ended)

    def wants_retrospective(self, kind: str, severity: str) -> Literal["required", "suggested", "optional"]:
        """How much a retrospective is wanted; of a near miss or a drill it is suggested, whatever the severity."""
        return self.severity(severity).retrospective if kind == "incident" else "suggested"

    def actions_due(self, severity: str, decided: date) -> date:
        """The due date offered for an action that was decided on that day."""
        return self.severity(severity).actions_due.after(decided)

    def follow_ups_for(self, kind: str) -> tuple[str, ...]:
        """The questions to offer about an entry of that kind; none for some."""
        return next((found.questions for found in self.follow_ups if kind in found.kinds), ())


def load(*folders: Path) -> Policy:
    """The `policy.yml` of the last folder that holds one, otherwise the shipped. Raises `FaultyPolicy`."""
    return definitions.read(definitions.first("policy.yml", folders), Policy, FaultyPolicy)
