"""Capture: what is said in an incident's channel, whether or not anybody marks it.

Events come doubled, late and out of order. Each function here leaves the same state behind in whatever
order they are called for one message: its row is found by the message's `ts`, the text with the latest
edit wins, and a deletion is final.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from bot import evidence, redaction, timeline
from bot.kinds import Kind
from bot.moments import TypedMark
from storage import entries, incidents
from storage.db import add_once
from storage.models import Entry, Incident

WORKSPACE = "workspace_url"
"""Under this name the composition root gives each session the workspace's address (`Database.carry`)."""


@dataclass(frozen=True)
class Said:
    """A message, as Slack tells of it.

    `version` orders its states as text ("" for the original); `edited` is the `ts` of its latest edit by its
    author, "" when there was none. `mark` is what the author said by writing `@Seamark mark …`: then `text`
    is only what follows.
    """

    team_id: str
    channel_id: str
    ts: str
    text: str
    author_id: str | None = None
    app_name: str | None = None
    thread_ts: str | None = None
    version: str = ""
    edited: str = ""
    subtype: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    mark: TypedMark | None = None

    @property
    def source_key(self) -> str:
        return source_key(self.channel_id, self.ts)

    @property
    def happened_at(self) -> datetime:
        return (self.mark.at if self.mark else None) or moment(self.ts)


@dataclass(frozen=True)
class Captured:
    """The entry of a message, what was masked in it just now, and whether its words are seen for the first time."""

    entry: Entry
    masked: list[redaction.Finding]
    is_new: bool = False


def source_key(channel_id: str, ts: str) -> str:
    return f"message:{channel_id}:{ts}"


def moment(ts: str) -> datetime:
    """When a message was posted: its `ts` is seconds since 1970."""
    return datetime.fromtimestamp(float(ts), UTC)


def version(edited: str, told_at: str = "") -> str:
    """The order of a message's states: by the time of its edit, which has whole seconds, then of the telling.

    `told_at` is the `event_ts` of the event; what history says counts as the first telling of that second.
    """
    return f"{edited}/{told_at}" if edited or told_at else ""


def said(session: Session, message: Said, *, now: datetime, wanted: bool = False) -> Captured | None:
    """Remember a message, or a newer version of it; None when its channel is about no incident.

    Only what was said while an incident was on is taken, unless it is `wanted`: somebody marked it.
    """
    incident = _incident(session, message, wanted=wanted)
    if incident is None:
        return _newer(session, entries.by_source(session, message.team_id, message.source_key), message, now=now)
    masked = evidence.masked(session, message.team_id, message.text)
    entry, is_new = add_once(session, row(session, incident, message, masked.text, now=now), "team_id", "source_key")
    if not is_new:
        return _newer(session, entries.by_source(session, message.team_id, message.source_key), message, now=now)
    evidence.collect(session, entry, by=entry.author_id, now=now, is_new=True)
    _mark_by_author(session, entry, message, now=now)
    return Captured(entry, masked.findings, is_new=True)


def _incident(session: Session, message: Said, *, wanted: bool) -> Incident | None:
    incident = incidents.covering(session, message.team_id, message.channel_id, moment(message.ts))
    if incident is None and wanted:
        return incidents.in_channel(session, message.team_id, message.channel_id)
    return incident


def row(session: Session, incident: Incident, message: Said, text: str, *, now: datetime) -> Entry:
    """The entry of a message that is seen for the first time; `text` is masked."""
    entry = Entry(
        team_id=incident.team_id,
        incident_id=incident.id,
        source_key=message.source_key,
        channel_id=message.channel_id,
        ts=message.ts,
        thread_ts=message.thread_ts,
        author_id=message.author_id,
        app_name=message.app_name,
        kind=Kind.MESSAGE,
        text=text,
        happened_at=message.happened_at,
        said_at=moment(message.ts),
        recorded_at=now,
        subtype=message.subtype,
        version=message.version,
        edited_at=moment(message.edited) if message.edited else None,
        files=message.files,
        permalink=permalink(session, message.channel_id, message.ts, message.thread_ts),
    )
    entry.kind = timeline.kind_of(entry)
    return entry


def permalink(session: Session, channel_id: str, ts: str, thread_ts: str | None) -> str | None:
    """The address of a message, as chat.getPermalink would answer it; None where the workspace's is unknown."""
    workspace = session.info.get(WORKSPACE)
    if not workspace:
        return None
    address = f"{workspace}archives/{channel_id}/p{ts.replace('.', '')}"
    return f"{address}?thread_ts={thread_ts}&cid={channel_id}" if thread_ts else address


def _newer(session: Session, entry: Entry | None, message: Said, *, now: datetime) -> Captured | None:
    """Bring an entry that is there already up to this state of its message, if it is a later one."""
    if entry is None:
        return None
    if entry.deleted_at is not None:
        return Captured(entry, [])
    masked = evidence.masked(session, entry.team_id, message.text)
    if not (entry.is_placeholder or message.version > entry.version):
        _keep_older(session, entry, message, masked.text, now=now)
        _mark_by_author(session, entry, message, now=now)
        return Captured(entry, [])
    was_unseen = entry.is_placeholder
    is_news = was_unseen or masked.text != entry.text
    if is_news and not was_unseen:
        timeline.keep_revision(session, entry, changed_by=entry.author_id, now=entry.recorded_at)
    entry.text, entry.version, entry.is_placeholder = masked.text, message.version, False
    entry.author_id, entry.app_name = message.author_id, message.app_name
    entry.thread_ts, entry.subtype, entry.files = message.thread_ts, message.subtype, message.files
    entry.permalink = permalink(session, message.channel_id, message.ts, message.thread_ts)
    entry.edited_at = moment(message.edited) if message.edited else None
    if message.mark and message.mark.at:
        entry.happened_at = message.mark.at
    session.add(entry)
    session.flush()
    if is_news and not was_unseen:
        timeline.keep_revision(session, entry, changed_by=message.author_id, now=now)
    if is_news:
        evidence.collect(session, entry, by=message.author_id, now=now)
    timeline.follow_marks(session, entry)
    _mark_by_author(session, entry, message, now=now)
    return Captured(entry, masked.findings if is_news else [], is_new=was_unseen)


def _keep_older(session: Session, entry: Entry, message: Said, text: str, *, now: datetime) -> None:
    if message.version != entry.version and text != entry.text:
        older = entry.model_copy(update={"version": message.version, "text": text})
        for state in (older, entry):
            timeline.keep_revision(session, state, changed_by=message.author_id, now=now)


def _mark_by_author(session: Session, entry: Entry, message: Said, *, now: datetime) -> None:
    if message.mark is not None and message.author_id is not None:
        changed = message.edited or message.ts
        timeline.set_mark(
            session, entry, by=message.author_id, way="mention", changed=changed, now=now, kind=message.mark.kind
        )


def restored(session: Session, message: Said, *, by: str, now: datetime) -> Entry | None:
    """Say again, unmasked, what an entry says, now that its author has said that it holds no secret."""
    entry = entries.by_source(session, message.team_id, message.source_key)
    if entry is None or entry.deleted_at is not None:
        return None
    evidence.allow(session, entry.team_id, message.text, by=by, now=now)
    entry.text = evidence.masked(session, entry.team_id, message.text).text
    session.add(entry)
    session.flush()
    entries.restate(session, entry)
    evidence.collect(session, entry, by=entry.author_id, now=now)
    return entry


def deleted(session: Session, team_id: str, channel_id: str, ts: str, *, now: datetime) -> Entry | None:
    """A message was deleted: its row stays, its words go from every copy; also when it was never seen."""
    entry = entries.by_source(session, team_id, source_key(channel_id, ts))
    if entry is None:
        incident = incidents.covering(session, team_id, channel_id, moment(ts))
        if incident is None:
            return None
        entry = _placeholder(session, incident, channel_id, ts, now=now)
    if entry.deleted_at is None:
        entry.text, entry.files, entry.deleted_at, entry.is_placeholder = "", [], now, False
        session.add(entry)
        entries.erase_copies(session, entry.id)
    return entry


def marked(
    session: Session,
    team_id: str,
    channel_id: str,
    ts: str,
    *,
    by: str,
    way: str,
    changed: str,
    now: datetime,
    kind: Kind | None = None,
) -> Entry | None:
    """Somebody marked a message; None when its channel is about no incident.

    A message that was never seen gets a placeholder, whose words are to be fetched (`is_placeholder`).
    """
    entry = _entry_for_mark(session, team_id, channel_id, ts, now=now)
    if entry is not None:
        timeline.set_mark(session, entry, by=by, way=way, changed=changed, now=now, kind=kind)
    return entry


def unmarked(
    session: Session,
    team_id: str,
    channel_id: str,
    ts: str,
    *,
    by: str,
    way: str,
    changed: str,
    now: datetime,
    remover: str | None = None,
) -> Entry | None:
    """A mark was taken from a message; remembered even when the mark itself arrives later.

    `by` is whose mark it was, `remover` who took it away if that was somebody else.
    """
    entry = _entry_for_mark(session, team_id, channel_id, ts, now=now)
    if entry is not None:
        timeline.unset_mark(session, entry, by=by, way=way, changed=changed, now=now, remover=remover)
    return entry


def _entry_for_mark(session: Session, team_id: str, channel_id: str, ts: str, *, now: datetime) -> Entry | None:
    entry = entries.by_source(session, team_id, source_key(channel_id, ts))
    if entry is not None:
        return entry
    incident = incidents.covering(session, team_id, channel_id, moment(ts))
    incident = incident or incidents.in_channel(session, team_id, channel_id)
    return None if incident is None else _placeholder(session, incident, channel_id, ts, now=now)


def _placeholder(session: Session, incident: Incident, channel_id: str, ts: str, *, now: datetime) -> Entry:
    placeholder = Entry(
        team_id=incident.team_id,
        incident_id=incident.id,
        source_key=source_key(channel_id, ts),
        channel_id=channel_id,
        ts=ts,
        kind=Kind.MESSAGE,
        happened_at=moment(ts),
        said_at=moment(ts),
        recorded_at=now,
        files=[],
        is_placeholder=True,
    )
    return add_once(session, placeholder, "team_id", "source_key")[0]
