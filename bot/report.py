"""A published retrospective: everything its documents hold, and Seamark's published JSON format.

Texts are plain: names resolved, nothing of Slack's format left. Times are aware and kept in UTC; documents print
them in `Report.zone`. Whatever order the parts come in, they are kept in one: the same report is the same bytes.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bot.durations import Durations

SCHEMA_VERSION: Final = 1

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _printable(text: str) -> str:
    """Without the control characters that no document may hold, and with plain line ends."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"`{name}` is no IANA time zone") from error
    return name


Text = Annotated[str, AfterValidator(_printable)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class Part(BaseModel):
    """A part of a report: nothing unknown in it, nothing changed after it was published."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(Part):
    """A key of the taxonomy or the policy, with the label it had when this was published."""

    key: Text
    label: Text


class Link(Part):
    """What a text points at; only http and https become links in a document."""

    url: Text
    label: Text = ""
    kind: Text = "link"


class Channel(Part):
    name: Text
    url: Text | None = None


class Incident(Part):
    number: int
    key: Text
    title: Text
    kind: Literal["incident", "near_miss", "drill"] = "incident"
    severity: Text
    status: Literal["open", "closed"] = "closed"
    services: tuple[Text, ...] = ()
    environment: Text = ""
    description: Text = ""
    is_private: bool = False
    channel: Channel | None = None
    declared_at: Moment
    closed_at: Moment | None = None


class Person(Part):
    """Somebody in the report; `key` is how the other parts name them, `roles` are in words ("lead")."""

    key: Text
    name: Text
    roles: tuple[Text, ...] = ()


MILESTONES: Final = ("started", "detected", "acknowledged", "mitigated", "resolved")


class Milestone(Part):
    kind: Literal["started", "detected", "acknowledged", "mitigated", "resolved"]
    at: Moment
    set_by: Text | None = Field(default=None, description="A person's key.")
    note: Text = ""
    entry: int | None = Field(default=None, description="The timeline entry of this milestone.")


class Entry(Part):
    """One thing that happened, as somebody said it.

    `kind` is decision, action, detection, hypothesis, impact, comms, escalation, change, data, note, message or
    milestone. Of a deleted one only the time and the author are left.
    """

    id: int
    at: Moment
    kind: Text
    text: Text
    author: Text | None = Field(default=None, description="A person's key; none for an app.")
    app: Text | None = Field(default=None, description="The app that posted it, such as an alerting tool.")
    is_marked: bool = True
    marked_by: tuple[Text, ...] = Field(default=(), description="The keys of those who marked it.")
    is_key: bool = Field(default=False, description="A key moment, chosen in the timeline review.")
    permalink: Text | None = None
    evidence: tuple[Link, ...] = ()
    thread: Text | None = Field(default=None, description="The same for all messages of one thread.")
    edited_at: Moment | None = None
    deleted_at: Moment | None = None


class Answer(Part):
    """What was answered to one prompt.

    `text` is in words (labels, names, dates); `chosen` holds the keys of chosen options. `other_views` are texts
    that somebody saved at the same time, or kept beside. One about a single line of the timeline names that
    `entry` and has the `question` alone, where `label` also tells what the line said.
    """

    prompt: Text
    heading: Text
    label: Text = ""
    question: Text = ""
    entry: int | None = Field(default=None, description="The timeline entry that this is about.")
    text: Text = ""
    chosen: tuple[Text, ...] = ()
    other_views: tuple[Text, ...] = ()


class Section(Part):
    """One step of the guide; `kind` is the guide's and says what else is printed there."""

    key: Text
    title: Text
    kind: Literal["questions", "milestones", "timeline", "accounts", "factors", "actions", "review"] = "questions"
    answers: tuple[Answer, ...] = ()


class Account(Part):
    """One participant's own account; without `person` it is printed as a participant's."""

    person: Text | None = Field(default=None, description="A person's key; none when the name was left out.")
    answers: tuple[Answer, ...]


class Factor(Part):
    """A contributing factor; `because_of` is the factor behind it, the evidence are ids of timeline entries."""

    id: int
    statement: Text
    domain: Term
    level: Term
    role: Term
    category: Term | None = None
    confidence: Term
    because_of: int | None = None
    evidence_for: tuple[int, ...] = ()
    evidence_against: tuple[int, ...] = ()
    another_view: Text = ""
    assumptions: Text = ""


class Action(Part):
    """What was agreed to be done; `addresses` is a factor's id."""

    key: Text
    what: Text
    owner: Text | None = Field(default=None, description="A person's key.")
    due: date | None = None
    kind: Term
    addresses: int | None = None
    success_criteria: Text = ""
    impact: Term | None = None
    effort: Term | None = None
    is_quick_win: bool = False
    status: Literal["open", "done", "verified", "wont_do"] = "open"
    done_at: Moment | None = None
    checked_how: Text = ""
    verified_by: Text | None = Field(default=None, description="A person's key.")
    verified_at: Moment | None = None
    effect: Text = Field(default="", description="Whether it had the intended effect, asked 30 days later.")
    wont_do_because: Text = ""


class Risk(Part):
    """How likely it is to come back, times how bad it can get."""

    likelihood: Term
    consequence: Term
    score: int = Field(ge=1)
    band: Term


class Change(Part):
    """One difference between two versions, for a reader: `words` say what it was and what it is."""

    part: Text
    how: Literal["added", "removed", "changed"]
    words: Text


class Report(Part):
    """A retrospective as it was published, or as it would be.

    `version` counts the publications from 1; `changes` are those since the version before. `zone` is the IANA
    name of the zone its documents print times in. `limitations` say what the record cannot show.
    """

    schema_version: Literal[1] = 1
    incident: Incident
    zone: Zone = "UTC"
    people: tuple[Person, ...] = ()
    facilitator: Text | None = Field(default=None, description="A person's key.")
    guide: Term
    milestones: tuple[Milestone, ...] = ()
    durations: Durations = Durations()
    risk: Risk | None = None
    timeline: tuple[Entry, ...] = ()
    sections: tuple[Section, ...] = ()
    accounts: tuple[Account, ...] = ()
    factors: tuple[Factor, ...] = ()
    actions: tuple[Action, ...] = ()
    limitations: tuple[Text, ...] = ()
    thanks: tuple[Text, ...] = Field(default=(), description="The keys of those who are thanked.")
    version: int = Field(default=1, ge=1)
    published_at: Moment | None = None
    published_by: Text | None = Field(default=None, description="A person's key.")
    changes: tuple[Change, ...] = ()
    is_anonymised: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        parts: dict[str, list[Any]] = {
            "people": sorted(self.people, key=lambda person: (person.name, person.key)),
            "milestones": sorted(self.milestones, key=lambda milestone: MILESTONES.index(milestone.kind)),
            "timeline": sorted(self.timeline, key=lambda entry: (entry.at, entry.id)),
            "factors": sorted(self.factors, key=lambda factor: factor.id),
            "actions": sorted(self.actions, key=lambda action: _natural(action.key)),
        }
        for name, ordered in parts.items():
            object.__setattr__(self, name, tuple(ordered))
        return self

    def name(self, key: str | None) -> str:
        """The name of a person by key; "somebody" where it is not known."""
        return next((person.name for person in self.people if person.key == key), "somebody")


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", key)]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `seamark export --format json` writes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:seamark:report:{SCHEMA_VERSION}",
        **Report.model_json_schema(mode="serialization"),
        "title": "Seamark report",
    }


def schema_text() -> str:
    """The schema as it stands in `templates/documents/report.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
