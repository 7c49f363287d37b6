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
from storage import entries, incidents
from storage.db import add_once
from storage.models import Entry, Incident


@dataclass(frozen=True)
class Said:
    """A message, as Slack tells of it; `version` is the `ts` of its last edit, "" when there was none."""

    team_id: str
    channel_id: str
    ts: str
    text: str
    author_id: str | None = None
    app_name: str | None = None
    thread_ts: str | None = None
    version: str = ""
    subtype: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def source_key(self) -> str:
        return source_key(self.channel_id, self.ts)


@dataclass(frozen=True)
class Captured:
    """The entry of a message, and what was masked in its text just now."""

    entry: Entry
    masked: list[redaction.Finding]


def source_key(channel_id: str, ts: str) -> str:
    return f"message:{channel_id}:{ts}"


def moment(ts: str) -> datetime:
    """When a message was posted: its `ts` is seconds since 1970."""
    return datetime.fromtimestamp(float(ts), UTC)


def said(session: Session, message: Said, *, now: datetime) -> Captured | None:
    """Remember a message, or a newer version of it; None when its channel is about no incident.

    After an incident is closed only what was said before is taken, unless it was marked.
    """
    entry = entries.by_source(session, message.team_id, message.source_key)
    if entry is None:
        incident = _listening(session, message)
        if incident is None:
            return None
        entry = _placeholder(session, incident, message.channel_id, message.ts, now=now)
    is_news = entry.is_placeholder or message.version > entry.version
    if entry.deleted_at is not None or not is_news:
        _keep_older_version(session, entry, message, now=now)
        return Captured(entry, [])
    return _write(session, entry, message, now=now)


def _listening(session: Session, message: Said) -> Incident | None:
    incident = incidents.in_channel(session, message.team_id, message.channel_id)
    if incident is None or (incident.closed_at is not None and moment(message.ts) > incident.closed_at):
        return None
    return incident


def _write(session: Session, entry: Entry, message: Said, *, now: datetime) -> Captured:
    masked = evidence.masked(session, entry.team_id, message.text)
    entry.text, entry.version, entry.is_placeholder = masked.text, message.version, False
    entry.author_id, entry.app_name = message.author_id, message.app_name
    entry.thread_ts, entry.subtype, entry.files = message.thread_ts, message.subtype, message.files
    entry.edited_at = moment(message.version) if message.version else None
    session.add(entry)
    session.flush()
    timeline.keep_revision(session, entry, changed_by=message.author_id, now=now)
    evidence.collect(session, incidents.by_id(session, entry.incident_id), entry, by=message.author_id, now=now)
    return Captured(entry, masked.findings)


def _keep_older_version(session: Session, entry: Entry, message: Said, *, now: datetime) -> None:
    if entry.deleted_at is None and message.version != entry.version:
        older = entry.model_copy(
            update={
                "version": message.version,
                "text": evidence.masked(session, entry.team_id, message.text).text,
            }
        )
        timeline.keep_revision(session, older, changed_by=message.author_id, now=now)


def deleted(session: Session, team_id: str, channel_id: str, ts: str, *, now: datetime) -> Entry | None:
    """A message was deleted: its row stays, its words go from every copy; also when it was never seen."""
    entry = entries.by_source(session, team_id, source_key(channel_id, ts))
    if entry is None:
        incident = incidents.in_channel(session, team_id, channel_id)
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
) -> Entry | None:
    """Somebody took their mark from a message; remembered even when the mark itself arrives later."""
    entry = _entry_for_mark(session, team_id, channel_id, ts, now=now)
    if entry is not None:
        timeline.unset_mark(session, entry, by=by, way=way, changed=changed, now=now)
    return entry


def _entry_for_mark(session: Session, team_id: str, channel_id: str, ts: str, *, now: datetime) -> Entry | None:
    entry = entries.by_source(session, team_id, source_key(channel_id, ts))
    if entry is not None:
        return entry
    incident = incidents.in_channel(session, team_id, channel_id)
    return None if incident is None else _placeholder(session, incident, channel_id, ts, now=now)


def _placeholder(session: Session, incident: Incident, channel_id: str, ts: str, *, now: datetime) -> Entry:
    row = Entry(
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
    return add_once(session, row, "team_id", "source_key")[0]
