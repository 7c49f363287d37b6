"""A published incident as a story: who said what when, and what its own team made of it afterwards.

An incident file is a report in the form of those in `stories/`; a talk is a folder laid out as a Slack
export. Where there is no talk, the people of the report's timeline say its lines themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from bot import mrkdwn
from bot.errors import Refusal

BEFORE, AFTER = timedelta(hours=1), timedelta(hours=1)
"""How much of a channel's talk around the report's timeline belongs to its story."""

NEAR = timedelta(minutes=3)
"""How far a report's minute may be from the message it tells of."""


class NoStory(Refusal):
    """That is no incident file that can be replayed; nothing was played. `stories/` has some that are."""


@dataclass(frozen=True)
class Somebody:
    """One of the people in the story; `zone` is an IANA name."""

    handle: str
    name: str
    zone: str


@dataclass(frozen=True)
class Line:
    """Something said: by a person (`who`, a handle) or by an app (`app`, its name); text as typed."""

    at: datetime
    text: str
    who: str = ""
    app: str = ""


@dataclass(frozen=True)
class Moment:
    """A line of the report's own timeline, with the message of the talk that it tells of, if there is one."""

    at: datetime
    text: str
    line: Line | None


@dataclass(frozen=True)
class Story:
    title: str
    source: str
    licence: str
    channel: str
    people: Mapping[str, Somebody]
    lines: Sequence[Line]
    moments: Sequence[Moment]
    milestones: Mapping[str, datetime]
    marks: Mapping[datetime, str]
    report: Mapping[str, Any]

    def texts(self, name: str) -> list[str]:
        """One of the report's lists (`went_well`, `root_causes`, …) or its single text as a list; may be empty."""
        found = self.report.get(name) or []
        listed = [found] if isinstance(found, str) else found
        return [_unlinked(str(one["text"] if isinstance(one, Mapping) else one)) for one in listed]


def shipped() -> tuple[Path, Path, Path]:
    """The incident that the demo plays unless told otherwise, its talk, and what is marked in it."""
    folder = Path(str(resources.files("stories")))
    report = folder / "k8s_2019-02-05_prow_partial_outage.json"
    return report, folder / "k8s_testing_ops", folder / "k8s_2019-02-05_marks.json"


def read(incident: Path, talk: Path | None, marks: Path | None = None) -> Story:
    """Read a story; without `talk` (a Slack export's folder) the report's own lines are said.

    `marks` is a file that says which messages somebody marks, by `ts`, with which emoji; without it those are
    marked that the report's timeline tells of. Raises `NoStory`.
    """
    try:
        report = json.loads(incident.read_text(encoding="utf-8"))
        timeline = [(_moment(item["at"]), item) for item in report["timeline"] if item.get("at")]
        title, source = str(report["title"]), str(report.get("source") or "")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoStory(f"{incident} is no incident file that can be replayed ({error}); nothing was played.") from error
    if not timeline:
        raise NoStory(f"{incident} tells no times, so there is nothing to replay; nothing was played.")
    timeline.sort(key=lambda pair: pair[0])
    channel, people, lines = _talk(talk, timeline) if talk else _told(timeline)
    moments = _moments(timeline, lines, people)
    return Story(
        title=title,
        source=source,
        licence=str(report.get("licence") or "unknown"),
        channel=channel,
        people=people,
        lines=lines,
        moments=moments,
        milestones={name: _moment(at) for name, at in (report.get("key_times") or {}).items() if at},
        marks=_marks(marks) if marks else {moment.line.at: "pushpin" for moment in moments if moment.line},
        report=report,
    )


def _marks(file: Path) -> dict[datetime, str]:
    chosen = json.loads(file.read_text(encoding="utf-8"))["marks"]
    return {datetime.fromtimestamp(float(mark["ts"]), UTC): str(mark["emoji"]) for mark in chosen}


def _moment(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


Timeline = list[tuple[datetime, dict[str, Any]]]


def _talk(folder: Path, timeline: Timeline) -> tuple[str, dict[str, Somebody], list[Line]]:
    try:
        users = json.loads((folder / "users.json").read_text(encoding="utf-8"))
        channel = json.loads((folder / "channels.json").read_text(encoding="utf-8"))[0]["name"]
        messages = [
            message
            for day in sorted((folder / channel).glob("*.json"))
            for message in json.loads(day.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise NoStory(f"{folder} is no Slack export of one channel ({error}); nothing was played.") from error
    by_id = {user["id"]: Somebody(_handle(user["name"]), _name(user), user.get("tz") or "UTC") for user in users}
    names = {user_id: person.handle for user_id, person in by_id.items()}
    lines = [line for message in messages if (line := _line(message, by_id, names))]
    first, last = timeline[0][0] - BEFORE, timeline[-1][0] + AFTER
    within = sorted((line for line in lines if first <= line.at <= last), key=lambda line: line.at)
    return channel, {person.handle: person for person in by_id.values()}, within


def _unlinked(text: str) -> str:
    """The text without the brackets that are left of a Markdown link whose address stood elsewhere: "[a typo]"."""
    return re.sub(r"(?<!\w)\[([^\[\]\n]+)\](?![(\w])", r"\1", text)


def _name(user: Mapping[str, Any]) -> str:
    return str(user.get("real_name") or (user.get("profile") or {}).get("real_name") or user["name"])


def _handle(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "", name.lower().lstrip("@")) or "somebody"


def _line(message: Mapping[str, Any], by_id: Mapping[str, Somebody], names: Mapping[str, str]) -> Line | None:
    at, text = datetime.fromtimestamp(float(message["ts"]), UTC), mrkdwn.plain(str(message.get("text") or ""), names)
    if message.get("subtype") == "bot_message" or message.get("bot_id"):
        return Line(at, text, app=str(message.get("username") or "an app"))
    author = by_id.get(str(message.get("user")))
    return Line(at, text, who=author.handle) if author and not message.get("subtype") and text.strip() else None


def _told(timeline: Timeline) -> tuple[str, dict[str, Somebody], list[Line]]:
    people = {"responder": Somebody("responder", "A responder", "UTC")}
    lines = []
    for at, item in timeline:
        handle = _handle(str(item.get("who") or "responder"))
        people.setdefault(handle, Somebody(handle, str(item.get("who")).lstrip("@"), "UTC"))
        lines.append(Line(at, str(item["text"]), who=handle))
    return "incidents", people, lines


def _moments(timeline: Timeline, lines: Sequence[Line], people: Mapping[str, Somebody]) -> list[Moment]:
    free = [line for line in lines if line.who]
    found = []
    for at, item in timeline:
        line = _told_of(at, item, free, people)
        if line is not None:
            free.remove(line)
        found.append(Moment(at, str(item["text"]), line))
    return found


def _told_of(
    at: datetime, item: Mapping[str, Any], lines: Sequence[Line], people: Mapping[str, Somebody]
) -> Line | None:
    """The message that a line of the report tells of: by the same person, near in time, sharing the most words."""
    who = _handle(str(item["who"])) if item.get("who") else None
    near = [line for line in lines if abs(line.at - at) <= NEAR and (who is None or line.who == who)]
    ignored = {word for person in people.values() for word in _words(person.name)} | _COMMON
    told = _words(str(item["text"])) - ignored
    shared = [(len(told & _words(line.text)), line) for line in near]
    best = max((number for number, _ in shared), default=0)
    return next((line for number, line in shared if number == best), None) if best else None


_COMMON = {"and", "are", "for", "from", "has", "its", "not", "that", "the", "this", "was", "with", "which", "some"}


def _words(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{3,}", text.lower())}
