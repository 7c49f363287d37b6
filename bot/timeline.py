"""The timeline: entries, who marked them, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import evidence, evidence_links, mrkdwn, redaction
from bot.errors import Refusal
from bot.kinds import Kind
from bot.moments import TypedMark
from storage import entries, incidents
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
        author_id=by,
        kind=typed.kind or Kind.NOTE,
        text=masked.text,
        happened_at=typed.at or now,
        now=now,
        via="command",
    )
    if added:
        _first_mark(session, entry, way="command")
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
    via: str = "record",
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
        via=via,
    )
    if added:
        _first_mark(session, entry, way="record")
    return entry, added


def _add(session: Session, incident: Incident, *, now: datetime, **columns: Any) -> tuple[Entry, bool]:
    """A line that is on the timeline because its author put it there: it is marked from the beginning."""
    row = Entry(team_id=incident.team_id, incident_id=incident.id, recorded_at=now, files=[], is_marked=True, **columns)
    entry, added = add_once(session, row, "team_id", "source_key")
    if added:
        evidence.collect(session, entry, by=entry.author_id, now=now, is_new=True)
    return entry, added


def _first_mark(session: Session, entry: Entry, *, way: str) -> None:
    """The author's own mark of a line that was added just now: nobody else can have marked it yet."""
    own = Mark(
        team_id=entry.team_id,
        entry_id=entry.id,
        marker_id=str(entry.author_id),
        way=way,
        kind=entry.kind,
        changed=stamp(entry.recorded_at),
        marked_at=entry.recorded_at,
    )
    add_once(session, own, "entry_id", "marker_id", "way")


def keep_revision(
    session: Session, entry: Entry, *, changed_by: str | None, now: datetime, version: str | None = None
) -> None:
    """Remember what the entry says now, under its version or another name for this state.

    Nothing is kept of an entry until it changes: then both what it said before and after are.
    """
    revision = EntryRevision(
        team_id=entry.team_id,
        entry_id=entry.id,
        version=entry.version if version is None else version,
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


def unset_mark(
    session: Session,
    entry: Entry,
    *,
    by: str,
    way: str,
    changed: str,
    now: datetime,
    remover: str | None = None,
    undone: bool = False,
) -> None:
    """A mark is taken away, by whoever set it or by `remover`; the entry stays when another mark holds it.

    `undone`: not in Slack, where its emoji or pin stays.
    """
    remover = remover or by
    _word_on_mark(
        session,
        entry,
        by=by,
        way=way,
        changed=changed,
        now=now,
        kind=None,
        holds=False,
        remover=remover,
        undone=undone,
    )


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
    remover: str | None = None,
    undone: bool = False,
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
        removed_by=remover,
        undone=undone,
    )
    there, added = add_once(session, row, "entry_id", "marker_id", "way")
    if not added and changed > there.changed:
        there.changed, there.kind = changed, kind or there.kind
        there.removed_at, there.removed_by, there.undone = removed, remover, undone
        session.add(there)
        session.flush()
    follow_marks(session, entry)


def follow_marks(session: Session, entry: Entry) -> None:
    """Have the entry be marked, and of the kind, that its marks say."""
    holding = entries.marks(session, [entry.id]).get(entry.id, [])
    entry.is_marked = bool(holding)
    if entry.via == "message":
        entry.kind = kind_of(entry, holding)
    session.add(entry)


def kind_of(message: Entry, holding: Sequence[Mark] = ()) -> str:
    """The kind that a message's latest mark gave it; of an unmarked one by an app, what it is likely to be."""
    given = [mark_.kind for mark_ in holding if mark_.kind]
    if given:
        return given[-1]
    likely = evidence_links.classify_app_message(message.app_name, message.text) if message.app_name else None
    return likely or Kind.MESSAGE


def undo(session: Session, team_id: str, entry_id: int, *, by: str, now: datetime) -> Entry:
    """Take back all of somebody's own marks on an entry. Raises `NoSuchEntry`, `NotYourMark`."""
    entry = entries.by_id(session, team_id, entry_id)
    if entry is None or entry.deleted_at is not None:
        raise NoSuchEntry
    holding = entries.marks(session, [entry_id]).get(entry_id, [])
    own = [mark_ for mark_ in holding if mark_.marker_id == by]
    if holding and not own:
        raise NotYourMark
    for mark_ in own:
        unset_mark(session, entry, by=by, way=mark_.way, changed=stamp(now), now=now, undone=True)
    if not entry.is_marked and entry.via != "message":
        _withdraw(session, entry)
    return entry


def _withdraw(session: Session, entry: Entry) -> None:
    """A line that was typed for the timeline and is no longer on it proves nothing, and is nobody's latest word."""
    entries.drop_evidence(session, entry.id)
    if entry.via == "update":
        session.flush()
        follow_updates(session, incidents.by_id(session, entry.incident_id))


def follow_updates(session: Session, incident: Incident) -> None:
    """Have the incident's latest update be the latest that is on the timeline."""
    latest = entries.latest_of(session, incident.id, "update")
    incident.last_update = latest.text if latest else ""
    incident.last_update_at = latest.happened_at if latest else None
    session.add(incident)


def edit(
    session: Session,
    entry: Entry,
    *,
    by: str,
    text: str | None,
    kind: Kind,
    at: datetime,
    now: datetime,
) -> Marked:
    """Change a line; what it said before stays as a revision.

    `text` is Slack text, None to leave it alone: the words of a captured message belong to its author.
    Raises `NoSuchEntry`, `NothingToMark`.
    """
    if entry.deleted_at is not None:
        raise NoSuchEntry
    keep_revision(session, entry, changed_by=entry.author_id, now=entry.recorded_at)
    masked = redaction.Masked(entry.text, [])
    if text is not None and entry.via != "message":
        if not text.strip():
            raise NothingToMark
        masked = evidence.masked(session, entry.team_id, text)
        entry.text, entry.edited_at = masked.text, now
    entry.happened_at = at
    if entry.kind != kind:
        entry.kind = kind
        for mark_ in entries.marks(session, [entry.id]).get(entry.id, []):
            mark_.kind = kind
            session.add(mark_)
    session.add(entry)
    session.flush()
    keep_revision(session, entry, changed_by=by, now=now, version=f"{entry.version}+{stamp(now)}")
    evidence.collect(session, entry, by=by, now=now)
    if entry.via == "update":
        follow_updates(session, incidents.by_id(session, entry.incident_id))
    return Marked(entry, masked.findings)


def supersede(session: Session, team_id: str, entry_id: int, *, now: datetime) -> None:
    """Take a line that a newer one replaces off the timeline; it stays in the history."""
    entry = entries.by_id(session, team_id, entry_id)
    if entry is not None:
        for mark_ in entries.marks(session, [entry_id]).get(entry_id, []):
            unset_mark(session, entry, by=mark_.marker_id, way=mark_.way, changed=stamp(now), now=now)


def first_words(entry: Entry, names: Mapping[str, str], most: int = 80) -> str:
    """The beginning of an entry as one plain line, for a list or a menu; of one without words, its files."""
    words = " ".join(mrkdwn.plain(entry.text, names).split()) or ", ".join(str(f.get("name")) for f in entry.files)
    return mrkdwn.shorten(words, most)


def stamp(now: datetime) -> str:
    """A moment in the form of a Slack `ts`, so that both can be ordered as text."""
    return f"{now.timestamp():.6f}"
