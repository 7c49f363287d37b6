"""Capture: messages, edits, deletions, reactions, as Slack tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import App
from sqlmodel import Session

from bot import capture
from bot.kinds import Kind
from bot.redaction import Finding
from bot.settings import Settings
from handlers.courier import Clock
from handlers.payloads import Body
from handlers.views import capture as views
from storage import outbox, people
from storage.db import Database
from storage.models import Entry

NOISE = {
    "channel_join", "channel_leave", "group_join", "group_leave", "channel_topic", "group_topic", "channel_purpose",
    "group_purpose", "channel_name", "group_name", "channel_archive", "channel_unarchive", "group_archive",
    "group_unarchive", "pinned_item", "unpinned_item", "bot_add", "bot_remove", "bot_enable", "reminder_add",
    "channel_posting_permissions", "channel_convert_to_private", "channel_convert_to_public", "ekm_access_denied",
    "huddle_thread", "sh_room_created", "message_replied", "document_mention", "assistant_app_thread",
}  # fmt: skip
"""Subtypes that are Slack's own housekeeping, not something somebody said."""


def register(app: App) -> None:
    app.event("message")(message_event)
    app.event("reaction_added")(reaction_added)
    app.event("reaction_removed")(reaction_removed)


def message_event(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """Remember what was said, changed or deleted; only then is the event acknowledged."""
    subtype, team_id, now = event.get("subtype"), str(body["team_id"]), clock()
    if subtype == "message_changed":
        changed = event["message"]
        if changed.get("subtype") == "tombstone":
            _forget(db, team_id, event["channel"], changed["ts"], now)
        elif _is_edit(changed, event.get("previous_message") or {}):
            _remember(db, team_id, event["channel"], changed, now, bot_user_id)
    elif subtype == "message_deleted":
        _forget(db, team_id, event["channel"], event["deleted_ts"], now)
    elif subtype not in NOISE:
        _remember(db, team_id, event["channel"], event, now, bot_user_id)


def _is_edit(message: Body, before: Body) -> bool:
    """Unfurls, pins and replies change a message too; an edit is by its author and has a time of its own."""
    edited = message.get("edited")
    return bool(edited) and edited != before.get("edited")


def _remember(db: Database, team_id: str, channel_id: str, message: Body, now: datetime, bot_user_id: str) -> None:
    if message.get("user") == bot_user_id:
        return
    with db.transaction() as session:
        captured = capture.said(session, said_of(team_id, channel_id, message), now=now)
        if captured is None:
            return
        _get_to_know(session, team_id, captured.entry.author_id, now)
        if captured.masked:
            _tell_author(session, captured.entry, captured.masked, now)


def _forget(db: Database, team_id: str, channel_id: str, ts: str, now: datetime) -> None:
    with db.transaction() as session:
        capture.deleted(session, team_id, channel_id, ts, now=now)


def said_of(team_id: str, channel_id: str, message: Body) -> capture.Said:
    """A message of Slack's (from an event or from history) as capture knows it."""
    profile = message.get("bot_profile") or {}
    is_app = bool(message.get("bot_id"))
    name = profile.get("name") or message.get("username") or ("an app" if is_app else None)
    thread = message.get("thread_ts")
    return capture.Said(
        team_id=team_id,
        channel_id=channel_id,
        ts=message["ts"],
        text=text_of(message),
        author_id=None if is_app else message.get("user"),
        app_name=name if is_app else None,
        thread_ts=thread if thread != message["ts"] else None,
        version=str((message.get("edited") or {}).get("ts") or ""),
        subtype=message.get("subtype"),
        files=[_file(file) for file in message.get("files") or []],
    )


def text_of(message: Body) -> str:
    """The words of a message; of one that is only blocks or attachments, theirs."""
    text = str(message.get("text") or "")
    if text.strip():
        return text
    found = [part for block in message.get("blocks") or [] for part in _texts(block)]
    for attachment in message.get("attachments") or []:
        found += [str(attachment[name]) for name in ("pretext", "title", "text") if attachment.get(name)]
        if not any(attachment.get(name) for name in ("pretext", "title", "text")) and attachment.get("fallback"):
            found.append(str(attachment["fallback"]))
    return "\n".join(part for part in found if part.strip())


def _texts(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        own = node.get("text")
        if isinstance(own, str):
            return [own]
        return [part for value in node.values() for part in _texts(value)]
    if isinstance(node, list):
        return [part for value in node for part in _texts(value)]
    return []


def _file(file: Body) -> dict[str, Any]:
    names = ("id", "name", "title", "mimetype", "permalink", "mode")
    return {name: file[name] for name in names if file.get(name)}


def _get_to_know(session: Session, team_id: str, user_id: str | None, now: datetime) -> None:
    if user_id is not None and people.person(session, team_id, user_id) is None:
        key = f"refresh_person:{team_id}:{user_id}:{now:%Y-%m-%d}"
        outbox.put(session, team_id, "refresh_person", {"user": user_id}, lane=f"person:{user_id}", now=now, key=key)


def _tell_author(session: Session, entry: Entry, masked: list[Finding], now: datetime) -> None:
    if entry.author_id is None:
        return
    payload = {"channel": entry.channel_id, "user": entry.author_id, "thread_ts": entry.thread_ts}
    payload |= views.masked_notice(entry, masked)
    key = f"masked:{entry.id}:{entry.version}"
    lane = f"whisper:{entry.author_id}"
    outbox.put(session, entry.team_id, "whisper", payload, lane=lane, now=now, key=key)


def reaction_added(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, settings: Settings) -> None:
    """Mark the message under the reaction, if the emoji is one that marks."""
    item, emoji, now = event["item"], event["reaction"].split("::")[0], clock()
    if item.get("type") != "message" or emoji not in settings.mark_reactions:
        return
    kind = settings.mark_reactions[emoji]
    with db.transaction() as session:
        entry = capture.marked(
            session,
            body["team_id"],
            item["channel"],
            item["ts"],
            by=event["user"],
            way=f"reaction:{emoji}",
            changed=event["event_ts"],
            now=now,
            kind=Kind(kind) if kind else None,
        )
        if entry is not None:
            fetch_words(session, entry, now)
            _get_to_know(session, body["team_id"], event["user"], now)


def fetch_words(session: Session, entry: Entry, now: datetime) -> None:
    """Have the words of a message fetched that was marked and never seen."""
    if entry.is_placeholder:
        payload = {"channel": entry.channel_id, "ts": entry.ts}
        key = f"fetch:{entry.source_key}"
        lane = f"fetch:{entry.channel_id}"
        outbox.put(session, entry.team_id, "fetch_message", payload, lane=lane, now=now, key=key)


def reaction_removed(
    event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, settings: Settings
) -> None:
    """Take that mark away again."""
    item, emoji = event["item"], event["reaction"].split("::")[0]
    if item.get("type") != "message" or emoji not in settings.mark_reactions:
        return
    with db.transaction() as session:
        capture.unmarked(
            session,
            body["team_id"],
            item["channel"],
            item["ts"],
            by=event["user"],
            way=f"reaction:{emoji}",
            changed=event["event_ts"],
            now=clock(),
        )
