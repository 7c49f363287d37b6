"""`seamark import`: a channel of a Slack export becomes an incident with its timeline.

It is read as a stream and stored in batches, so that memory does not grow with it. The same message again is
the same entry, so an import that was broken off, or comes with more days, simply goes on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from sqlmodel import Session

from bot import capture, evidence, exports, messages, people, timeline
from bot.errors import Refusal
from bot.exports import Export, ExportedChannel
from bot.kinds import Kind
from storage import entries, migrate
from storage import incidents as incident_rows
from storage import people as people_rows
from storage.db import Database, add_once
from storage.models import Entry, Incident, IncidentStatus

log = logging.getLogger(__name__)

BATCH = 500
"""Messages in one transaction."""


class NoSuchMoment(Refusal):
    """That is no time; nothing was imported."""


class NothingInThere(Refusal):
    """There is no message of that channel in that time, so nothing was imported."""


@dataclass(frozen=True)
class Wanted:
    """What is to be imported; `since` and `until` are aware, None for all that there is.

    `reactions` are the emoji that mark a message, each with the kind it gives or None.
    """

    channel: str
    since: datetime | None = None
    until: datetime | None = None
    reactions: Mapping[str, str | None] = field(default_factory=dict)

    def is_within(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass
class Outcome:
    """What came of an import: how many messages were added, and how many not, by the reason."""

    incident: str = ""
    channel: str = ""
    added: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None

    def saw(self, at: datetime) -> None:
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)


def run(
    db: Database, path: Path, wanted: Wanted, *, now: datetime, progress: Callable[[int, int], None] = lambda *_: None
) -> Outcome:
    """Import; `progress` is told how many characters of how many were read.

    Raises `NoExport`, `NoSuchChannel`, `NothingInThere`.
    """
    with exports.opened(path) as export:
        return _import(db, export, export.channel(wanted.channel), wanted, now, progress)


def _import(
    db: Database,
    export: Export,
    channel: ExportedChannel,
    wanted: Wanted,
    now: datetime,
    progress: Callable[[int, int], None],
) -> Outcome:
    with db.transaction() as session:
        team_id = _team(session, export)
        _remember_people(session, team_id, export, channel, now)
    importing = _Importing(db, export, channel, team_id, wanted, now, progress)
    importing.run()
    return importing.outcome


def _team(session: Session, export: Export) -> str:
    """The workspace that the incident belongs to: the one this database serves, or else the export's own."""
    theirs = Counter(str(user["team_id"]) for user in export.people() if user.get("team_id"))
    ours = people_rows.teams(session)
    if len(ours) == 1:
        return ours[0]
    named = next((team for team, _ in theirs.most_common() if team in ours), None)
    return named or next((team for team, _ in theirs.most_common(1)), "imported")


def _remember_people(session: Session, team_id: str, export: Export, channel: ExportedChannel, now: datetime) -> None:
    for user in export.people():
        if people_rows.person(session, team_id, str(user["id"])) is None:
            people_rows.remember_person(session, people.person_from(team_id, user, now))
    people_rows.add_members(session, team_id, channel.id, channel.members)


class _Importing:
    def __init__(
        self,
        db: Database,
        export: Export,
        channel: ExportedChannel,
        team_id: str,
        wanted: Wanted,
        now: datetime,
        progress: Callable[[int, int], None],
    ) -> None:
        self.db, self.export, self.channel, self.team_id = db, export, channel, team_id
        self.wanted, self.now, self.progress = wanted, now, progress
        self.files = export.day_files(channel)
        self.outcome = Outcome(channel=channel.name)
        self.incident: Incident | None = None

    def run(self) -> None:
        found = self._messages()
        while batch := list(islice(found, BATCH)):
            with self.db.transaction() as session:
                self._store(session, batch)
        if self.incident is None:
            raise NothingInThere
        with self.db.transaction() as session:
            self._finish(session)
        for name in self.export.others(self.channel):
            self.outcome.skipped[f"{name}, which holds no messages"] += 1

    def _messages(self) -> Iterator[Mapping[str, Any]]:
        """The messages that are wanted; what is not is counted with its reason."""
        total, done = sum(file.size for file in self.files), 0
        for file in self.files:
            try:
                for message, read in self.export.messages(file):
                    self.progress(done + read, total)
                    reason = self._why_not(message)
                    if reason is None:
                        yield message
                    else:
                        self.outcome.skipped[reason] += 1
            except exports.FaultyFile as fault:
                self.outcome.faults.append(str(fault))
            done += file.size
            self.progress(done, total)

    def _why_not(self, message: Any) -> str | None:
        if not isinstance(message, dict) or message.get("type", "message") != "message" or not _has_ts(message):
            return "not a message"
        if not self.wanted.is_within(capture.moment(message["ts"])):
            return "outside of the time asked for"
        if message.get("subtype") == "tombstone":
            return "deleted by its author"
        if message.get("subtype") in messages.NOISE:
            return "Slack's own notices, such as joins"
        return None

    def _store(self, session: Session, batch: list[Mapping[str, Any]]) -> None:
        said = [messages.said_of(session, self.team_id, self.channel.id, message, "") for message in batch]
        incident = self._incident(session, said)
        there = entries.by_sources(session, self.team_id, [one.source_key for one in said])
        new: dict[str, Entry] = {}
        for one in said:
            self.outcome.saw(capture.moment(one.ts))
            if one.source_key in there or one.source_key in new:
                self._again(session, one, there.get(one.source_key))
            else:
                masked = evidence.masked(session, self.team_id, one.text)
                new[one.source_key] = capture.row(session, incident, one, masked.text, now=self.now)
        added = entries.add_many(session, list(new.values()))
        self.outcome.added += len(added)
        for entry in added:
            evidence.collect(session, entry, by=entry.author_id, now=self.now, is_new=True)
        by_ts = {str(entry.ts): entry for entry in [*added, *there.values()]}
        for message in batch:
            self._mark(session, by_ts.get(message["ts"]), message)

    def _again(self, session: Session, said: capture.Said, there: Entry | None) -> None:
        """A message that is there already: only a later edit of it is news."""
        if there is not None and said.version > there.version:
            capture.said(session, said, now=self.now)
            self.outcome.skipped["there already, brought up to their latest edit"] += 1
        else:
            self.outcome.skipped["there already"] += 1

    def _mark(self, session: Session, entry: Entry | None, message: Mapping[str, Any]) -> None:
        """Reactions that mark, as they stand in the export; when they were given, it does not say."""
        for reaction in message.get("reactions") or [] if entry else []:
            emoji = str(reaction.get("name")).split("::")[0]
            if entry is not None and emoji in self.wanted.reactions:
                kind = self.wanted.reactions[emoji]
                for user in reaction.get("users") or []:
                    timeline.set_mark(
                        session,
                        entry,
                        by=user,
                        way=f"reaction:{emoji}",
                        changed=message["ts"],
                        now=self.now,
                        kind=Kind(kind) if kind else None,
                    )

    def _incident(self, session: Session, said: list[capture.Said]) -> Incident:
        if self.incident is None:
            since, until = self.wanted.since, self.wanted.until
            key = f"import:{self.channel.id}:{since.isoformat() if since else ''}:{until.isoformat() if until else ''}"
            self.incident = incident_rows.by_source(session, self.team_id, key) or self._begin(session, said, key)
        return self.incident

    def _begin(self, session: Session, said: list[capture.Said], key: str) -> Incident:
        """The incident, closed: what is imported is over, and nobody is to be asked for updates."""
        begun = capture.moment(said[0].ts)
        author = next((one.author_id for one in said if one.author_id), "") or "somebody"
        incident = Incident(
            team_id=self.team_id,
            number=incident_rows.next_number(session, self.team_id),
            source_key=key,
            title=f"#{self.channel.name}",
            services=[],
            is_private=self.channel.is_private,
            own_channel=False,
            declared_in=self.channel.id,
            declared_by=author,
            declared_at=begun,
            status=IncidentStatus.CLOSED,
            closed_at=begun,
        )
        return add_once(session, incident, "team_id", "source_key")[0]

    def _finish(self, session: Session) -> None:
        """Now that all was read: when it began, when it ended, and what it is called."""
        assert self.incident is not None  # noqa: S101 - `run` has made sure
        incident = incident_rows.by_id(session, self.incident.id)
        first, last = self.outcome.first or self.now, self.outcome.last or self.now
        incident.declared_at, incident.closed_at = (
            min(incident.declared_at, first),
            max(incident.closed_at or last, last),
        )
        days = f"{incident.declared_at:%Y-%m-%d}"
        if incident.closed_at.date() != incident.declared_at.date():
            days += f" to {incident.closed_at:%Y-%m-%d}"
        incident.title = f"#{self.channel.name}, {days}"
        session.add(incident)
        self.outcome.incident = incident.key


def _has_ts(message: Mapping[str, Any]) -> bool:
    try:
        float(message["ts"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def moment_named(typed: str | None, zone: str, *, end: bool) -> datetime | None:
    """The moment that `2026-11-20` or `2026-11-20T09:30` names in a zone; of a day its beginning, or its `end`.

    Raises `NoSuchMoment`.
    """
    if not typed:
        return None
    try:
        at = datetime.fromisoformat(typed)
    except ValueError as error:
        raise NoSuchMoment(
            f"“{typed}” is no time like 2026-11-20 or 2026-11-20T09:30; nothing was imported."
        ) from error
    if end and len(typed) == len("2026-11-20"):
        at += timedelta(days=1)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


def with_progress(database_url: str, path: Path, wanted: Wanted, *, now: datetime) -> Outcome:
    """`run` on a database by its address, brought up to date first, with a bar on stderr.

    An export or a channel that is not there is refused before anything is made or shown.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with exports.opened(path) as export:
        channel = export.channel(wanted.channel)
        with _upgraded(database_url) as db, Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(f"#{channel.name}", total=None)

            def tell(done: int, of: int) -> None:
                bar.update(task, completed=done, total=of)

            return _import(db, export, channel, wanted, now, tell)


@contextmanager
def _upgraded(database_url: str) -> Iterator[Database]:
    db = Database(database_url)
    try:
        migrate.upgrade(db)
        yield db
    finally:
        db.close()


def in_words(outcome: Outcome) -> str:
    """What came of it, in sentences."""
    span = f" from {outcome.first:%Y-%m-%d %H:%M} to {outcome.last:%Y-%m-%d %H:%M} UTC" if outcome.first else ""
    new = {0: "no message", 1: "1 message"}.get(outcome.added, f"{outcome.added} messages")
    verb = "is" if outcome.added < 2 else "are"
    lines = [f"{outcome.incident}: {new} of #{outcome.channel}{span} {verb} new on its timeline."]
    lines += [f"Skipped {count}: {reason}." for reason, count in sorted(outcome.skipped.items())]
    lines += [f"Not read: {fault}." for fault in outcome.faults]
    return "\n".join(lines)
