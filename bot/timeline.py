"""The timeline: entries, who marked them, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import evidence, mrkdwn, redaction
from bot.errors import Refusal
from bot.kinds import Kind
from bot.moments import TypedMark
from storage import entries
from storage.db import add_once
from storage.models import Entry, EntryRevision, Incident, Mark


class NoSuchEntry(Refusal):
    """That entry is no longer on the timeline; nothing was changed."""


class NothingToMark(Refusal):
    """There was no text to mark, so nothing was recorded. Say what happened, e.g. `/incident mark db restarted`."""


class NotYourMark(Refusal):
    """Only the one who marked this can undo it; nothing was changed. Add a note of your own: `/incident mark`."""


@dataclass(frozen=True)
class Marked:
    """What came of a mark: the entry, and what was masked in it before it was stored."""

    entry: Entry
    masked: list[redaction.Finding] = field(default_factory=list)


def mark(
    session: Session,
    incident: Incident,
    typed: TypedMark,
    *,
    by: str,
    source_key: str,
    channel_id: str,
    now: datetime,
    thread_ts: str | None = None,
) -> Marked:
    """Put one line on the timeline. `typed.text` is Slack text; the same `source_key` again is the same line."""
    if not typed.text.strip():
        raise NothingToMark
    masked = evidence.masked(session, incident.team_id, typed.text)
    entry, added = _add(
        session,
        incident,
        source_key=source_key,
        channel_id=channel_id,
        thread_ts=thread_ts,
        author_id=by,
        kind=typed.kind or Kind.NOTE,
        text=masked.text,
        happened_at=typed.at or now,
        now=now,
        via="command",
    )
    if added:
        set_mark(session, entry, by=by, way="command", kind=typed.kind or Kind.NOTE, changed=_stamp(now), now=now)
        evidence.collect(session, incident, entry, by=by, now=now)
    return Marked(entry, masked.findings)


def record(
    session: Session,
    incident: Incident,
    kind: Kind,
    text: str,
    *,
    by: str,
    source_key: str,
    at: datetime,
    now: datetime,
) -> tuple[Entry, bool]:
    """Put on the timeline what Seamark itself was told to do (a severity, a role, a milestone).

    `text` is Slack text; returns the entry, and whether this call added it.
    """
    entry, added = _add(
        session,
        incident,
        source_key=source_key,
        channel_id=incident.channel_id or incident.declared_in,
        author_id=by,
        kind=kind,
        text=evidence.masked(session, incident.team_id, text).text,
        happened_at=at,
        now=now,
        via="record",
    )
    if added:
        set_mark(session, entry, by=by, way="record", kind=kind, changed=_stamp(now), now=now)
        evidence.collect(session, incident, entry, by=by, now=now)
    return entry, added


def _add(session: Session, incident: Incident, *, now: datetime, **columns: Any) -> tuple[Entry, bool]:
    row = Entry(team_id=incident.team_id, incident_id=incident.id, recorded_at=now, files=[], **columns)
    entry, added = add_once(session, row, "team_id", "source_key")
    if added:
        keep_revision(session, entry, changed_by=entry.author_id, now=now)
    return entry, added


def keep_revision(session: Session, entry: Entry, *, changed_by: str | None, now: datetime) -> None:
    """Remember what the entry says now, under its version."""
    revision = EntryRevision(
        team_id=entry.team_id,
        entry_id=entry.id,
        version=entry.version,
        text=entry.text,
        kind=entry.kind,
        happened_at=entry.happened_at,
        changed_by=changed_by,
        changed_at=now,
    )
    add_once(session, revision, "entry_id", "version")


def set_mark(
    session: Session, entry: Entry, *, by: str, way: str, changed: str, now: datetime, kind: str | None = None
) -> None:
    """Somebody marks an entry, in one way; `changed` orders this against a removal that may arrive first.

    `changed` is a Slack `ts` or a time in the same form (seconds since 1970 with six decimals).
    """
    _word_on_mark(session, entry, by=by, way=way, changed=changed, now=now, kind=kind, holds=True)


def unset_mark(session: Session, entry: Entry, *, by: str, way: str, changed: str, now: datetime) -> None:
    """Somebody takes their mark away; what they marked stays when another mark holds it."""
    _word_on_mark(session, entry, by=by, way=way, changed=changed, now=now, kind=None, holds=False)


def _word_on_mark(
    session: Session,
    entry: Entry,
    *,
    by: str,
    way: str,
    changed: str,
    now: datetime,
    kind: str | None,
    holds: bool,
) -> None:
    removed = None if holds else now
    row = Mark(
        team_id=entry.team_id,
        entry_id=entry.id,
        marker_id=by,
        way=way,
        kind=kind,
        changed=changed,
        marked_at=now,
        removed_at=removed,
    )
    there, added = add_once(session, row, "entry_id", "marker_id", "way")
    if not added and changed > there.changed:
        there.changed, there.removed_at, there.kind = changed, removed, kind or there.kind
        session.add(there)
        session.flush()
    _follow_marks(session, entry)


def _follow_marks(session: Session, entry: Entry) -> None:
    holding = entries.marks(session, [entry.id]).get(entry.id, [])
    kinds = [mark.kind for mark in holding if mark.kind]
    entry.is_marked = bool(holding)
    if entry.via == "message":
        entry.kind = kinds[-1] if kinds else Kind.MESSAGE
    session.add(entry)


def undo(session: Session, team_id: str, entry_id: int, *, by: str, now: datetime) -> Entry:
    """Take back all of somebody's own marks on an entry. Raises `NoSuchEntry`, `NotYourMark`."""
    entry = entries.by_id(session, team_id, entry_id)
    if entry is None or entry.deleted_at is not None:
        raise NoSuchEntry
    holding = entries.marks(session, [entry_id]).get(entry_id, [])
    own = [mark for mark in holding if mark.marker_id == by]
    if holding and not own:
        raise NotYourMark
    for mark_ in own:
        unset_mark(session, entry, by=by, way=mark_.way, changed=_stamp(now), now=now)
    return entry


def edit(
    session: Session,
    incident: Incident,
    entry_id: int,
    *,
    by: str,
    text: str | None,
    kind: Kind,
    at: datetime,
    now: datetime,
) -> Entry:
    """Change a line; what it said before stays as a revision.

    `text` is Slack text, None to leave it alone: the words of a captured message belong to its author.
    Raises `NoSuchEntry`, `NothingToMark`.
    """
    entry = entries.by_id(session, incident.team_id, entry_id)
    if entry is None or entry.deleted_at is not None:
        raise NoSuchEntry
    if text is not None and not text.strip():
        raise NothingToMark
    if text is not None and entry.via != "message":
        entry.text = evidence.masked(session, entry.team_id, text).text
        entry.version, entry.edited_at = _stamp(now), now
    entry.kind, entry.happened_at = kind, at
    for mark_ in entries.marks(session, [entry_id]).get(entry_id, []):
        mark_.kind = kind
        session.add(mark_)
    session.add(entry)
    keep_revision(session, entry, changed_by=by, now=now)
    evidence.collect(session, incident, entry, by=by, now=now)
    return entry


def supersede(session: Session, team_id: str, entry_id: int, *, now: datetime) -> None:
    """Take a line that a newer one replaces off the timeline; it stays in the history."""
    entry = entries.by_id(session, team_id, entry_id)
    if entry is not None:
        for mark_ in entries.marks(session, [entry_id]).get(entry_id, []):
            unset_mark(session, entry, by=mark_.marker_id, way=mark_.way, changed=_stamp(now), now=now)


def first_words(entry: Entry, names: dict[str, str], most: int = 80) -> str:
    """The beginning of an entry as one plain line, for a list or a menu."""
    return mrkdwn.shorten(" ".join(mrkdwn.plain(entry.text, names).split()), most)


def _stamp(now: datetime) -> str:
    """A moment in the form of a Slack `ts`, so that both can be ordered as text."""
    return f"{now.timestamp():.6f}"
