"""Capture: messages, edits, deletions, reactions, pins and mentions, as Slack tells of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient
from sqlmodel import Session

from bot import capture, incidents, moments, timeline
from bot.errors import Refusal
from bot.kinds import Kind
from bot.messages import NOISE, addressed, after_mark, is_own, said_of
from bot.redaction import Finding
from bot.settings import Settings
from handlers import zones
from handlers.courier import Clock
from handlers.payloads import Body, Click
from handlers.views import kit
from handlers.views import timeline as views
from storage import entries, outbox, people
from storage.db import Database
from storage.models import Entry


class NotUnderstood(Refusal):
    """After `@Seamark` I understand only `mark`, so nothing was recorded. Write e.g. `@Seamark mark rolled back`."""


class NotTheAuthor(Refusal):
    """Only the one who wrote the message can say that it holds no secret, so it stays masked."""


def register(app: App) -> None:
    app.event("message")(message_event)
    app.event("app_mention")(mentioned)
    app.event("reaction_added")(reaction_added)
    app.event("reaction_removed")(reaction_removed)
    app.event("pin_added")(pin_added)
    app.event("pin_removed")(pin_removed)
    app.action("not_secret")(not_secret)


def message_event(
    event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, client: WebClient, bot_user_id: str
) -> None:
    """Remember what was said, changed or deleted; only then is the event acknowledged."""
    subtype, team_id, channel_id = event.get("subtype"), str(body["team_id"]), event["channel"]
    if subtype == "message_changed":
        changed = event["message"]
        if changed.get("subtype") == "tombstone":
            _forget(db, team_id, channel_id, changed["ts"], clock())
        else:
            _remember(db, clock, client, team_id, channel_id, changed, bot_user_id, told_at=event["event_ts"])
    elif subtype == "message_deleted":
        _forget(db, team_id, channel_id, event["deleted_ts"], clock())
    elif subtype not in NOISE:
        _remember(db, clock, client, team_id, channel_id, event, bot_user_id)


def _remember(
    db: Database,
    clock: Clock,
    client: WebClient,
    team_id: str,
    channel_id: str,
    message: Body,
    bot_user_id: str,
    *,
    told_at: str = "",
) -> None:
    if is_own(message, bot_user_id) or message.get("subtype") in NOISE:
        return
    now = clock()
    typed = addressed(str(message.get("text") or ""), bot_user_id)
    if typed is not None and message.get("user"):
        _learn_zone(db, client, team_id, message, typed, now)
    with db.transaction() as session:
        said = said_of(session, team_id, channel_id, message, bot_user_id, told_at=told_at)
        remember(session, said, now)


def remember(session: Session, said: capture.Said, now: datetime) -> capture.Captured | None:
    """Capture a message; get to know its author, and tell them of what was masked."""
    captured = capture.said(session, said, now=now)
    if captured is not None:
        if captured.is_new and said.author_id is not None:
            get_to_know(session, said.team_id, said.author_id, now)
        if captured.masked:
            _tell_author(session, captured.entry, captured.masked, now)
    return captured


def _forget(db: Database, team_id: str, channel_id: str, ts: str, now: datetime) -> None:
    with db.transaction() as session:
        capture.deleted(session, team_id, channel_id, ts, now=now)


def get_to_know(session: Session, team_id: str, user_id: str | None, now: datetime, *, lane: str | None = None) -> None:
    """Have somebody's name and zone fetched, if they are not known yet; before what is put into `lane` later."""
    if user_id is not None and not people.is_known(session, team_id, user_id):
        key = f"refresh_person:{team_id}:{user_id}:{lane or now.date()}"
        lane = lane or f"person:{user_id}"
        outbox.put(session, team_id, "refresh_person", {"user": user_id}, lane=lane, now=now, key=key)


# --- marks -----------------------------------------------------------------------------------------------


def mentioned(
    event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, client: WebClient, bot_user_id: str
) -> None:
    """`@Seamark mark …`: the message itself becomes the marked entry; without words, in a thread, its first message."""
    told = addressed(str(event.get("text") or ""), bot_user_id)
    if told is None or not event.get("user"):
        return
    typed = after_mark(told)
    if typed is None:
        raise NotUnderstood
    team_id, now = str(body["team_id"]), clock()
    _learn_zone(db, client, team_id, event, told, now)
    with db.transaction() as session:
        incidents.here(session, team_id, event["channel"])
        if typed:
            _read_time(session, team_id, event, typed)
            said = said_of(session, team_id, event["channel"], event, bot_user_id)
            captured = capture.said(session, said, now=now, wanted=True)
            entry = captured.entry if captured else None
        else:
            entry = _mark_thread(session, team_id, event, now)
        if entry is not None:
            edited = (event.get("edited") or {}).get("ts", "")
            tell_mark(session, entry, event["user"], key=f"mention:{event['ts']}:{edited}", now=now)


def _learn_zone(db: Database, client: WebClient, team_id: str, message: Body, told: str, now: datetime) -> None:
    typed = after_mark(told)
    if typed:
        zones.learn(db, client, team_id=team_id, user_id=message["user"], typed=typed, now=now)


def _read_time(session: Session, team_id: str, event: Body, typed: str) -> None:
    """Raises `NoSuchTime` for what looks like a time and is none, so that its writer hears of it."""
    person = people.person(session, team_id, event["user"])
    moments.parse_mark(typed, now=capture.moment(event["ts"]), zone=person.zone if person else None)


def _mark_thread(session: Session, team_id: str, event: Body, now: datetime) -> Entry | None:
    if not event.get("thread_ts"):
        raise timeline.NothingToMark
    entry = capture.marked(
        session,
        team_id,
        event["channel"],
        event["thread_ts"],
        by=event["user"],
        way="mention",
        changed=event["ts"],
        now=now,
    )
    fetch_words(session, entry, now)
    return entry


def reaction_added(
    event: dict[str, Any],
    body: dict[str, Any],
    db: Database,
    clock: Clock,
    settings: Settings,
    bot_user_id: str,
) -> None:
    """Mark the message under the reaction, if the emoji is one that marks."""
    item, emoji, now = event["item"], event["reaction"].split("::")[0], clock()
    if emoji not in settings.mark_reactions or not _markable(event, bot_user_id):
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
        _after_mark(session, entry, event["user"], f"{emoji}:{event['event_ts']}", now)


def _markable(event: Body, bot_user_id: str) -> bool:
    """Whether it is about a message, and not one of Seamark's own."""
    return event["item"].get("type") == "message" and event.get("item_user") != bot_user_id


def _after_mark(session: Session, entry: Entry | None, user_id: str, key: str, now: datetime) -> None:
    if entry is not None and entry.deleted_at is None:
        fetch_words(session, entry, now)
        get_to_know(session, entry.team_id, user_id, now)
        if entry.is_marked:
            tell_mark(session, entry, user_id, key=key, now=now)


def fetch_words(session: Session, entry: Entry | None, now: datetime) -> None:
    """Have the words of a message fetched that was marked and never seen."""
    if entry is not None and entry.is_placeholder:
        payload = {"channel": entry.channel_id, "ts": entry.ts}
        key = f"fetch:{entry.source_key}"
        outbox.put(session, entry.team_id, "fetch_message", payload, lane=_fetching(entry), now=now, key=key)


def _fetching(entry: Entry) -> str:
    return f"fetch:{entry.channel_id}"


def tell_mark(session: Session, entry: Entry, user_id: str, *, key: str, now: datetime) -> None:
    """Answer a mark privately, with its time, "Edit" and "Undo"; the words are read when it is said."""
    payload = {"entry": entry.id, "user": user_id}
    lane = _fetching(entry) if entry.is_placeholder else f"whisper:{user_id}"
    key = f"tell_mark:{entry.id}:{user_id}:{key}"
    outbox.put(session, entry.team_id, "tell_mark", payload, lane=lane, now=now, key=key)


def reaction_removed(
    event: dict[str, Any],
    body: dict[str, Any],
    db: Database,
    clock: Clock,
    settings: Settings,
    bot_user_id: str,
) -> None:
    """Take that mark away again."""
    item, emoji = event["item"], event["reaction"].split("::")[0]
    if emoji not in settings.mark_reactions or not _markable(event, bot_user_id):
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


def pin_added(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """Mark the message that was pinned; the event carries it whole."""
    item, channel_id, team_id, now = event["item"], event["channel_id"], body["team_id"], clock()
    if not _markable(event, bot_user_id) or is_own(item["message"], bot_user_id):
        return
    with db.transaction() as session:
        said = said_of(session, team_id, channel_id, item["message"], bot_user_id)
        if capture.said(session, said, now=now, wanted=True) is None:
            return
        entry = capture.marked(
            session,
            team_id,
            channel_id,
            item["message"]["ts"],
            by=event["user"],
            way="pin",
            changed=event["event_ts"],
            now=now,
        )
        _after_mark(session, entry, event["user"], f"pin:{event['event_ts']}", now)


def pin_removed(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """Take the mark of whoever pinned it away; they hear of it when it was somebody else who did."""
    item, now = event["item"], clock()
    if not _markable(event, bot_user_id):
        return
    pinned_by = item.get("created_by") or event["user"]
    with db.transaction() as session:
        entry = capture.unmarked(
            session,
            body["team_id"],
            event["channel_id"],
            item["message"]["ts"],
            by=pinned_by,
            way="pin",
            changed=event["event_ts"],
            now=now,
            remover=event["user"],
        )
        if entry is not None and entry.deleted_at is None and pinned_by != event["user"]:
            text = f"<@{event['user']}> unpinned a message that you had pinned, so your mark on it is gone."
            _whisper(
                session, entry, pinned_by, kit.message(text, kit.sections(text)), f"unpin:{event['event_ts']}", now
            )


# --- secrets ---------------------------------------------------------------------------------------------


def _tell_author(session: Session, entry: Entry, masked: list[Finding], now: datetime) -> None:
    if entry.author_id is not None:
        _whisper(session, entry, entry.author_id, views.masked_notice(entry, masked), f"masked:{entry.version}", now)


def _whisper(session: Session, entry: Entry, user_id: str, message: dict[str, Any], what: str, now: datetime) -> None:
    payload = {"channel": entry.channel_id, "user": user_id, "thread_ts": entry.thread_ts, **message}
    key = f"whisper:{entry.id}:{what}"
    outbox.put(session, entry.team_id, "whisper", payload, lane=f"whisper:{user_id}", now=now, key=key)


def not_secret(ack: Any, click: Click, db: Database, clock: Clock) -> None:
    """The author says that it is no secret: the message is fetched anew, and kept as it is."""
    now = clock()
    payload = {"entry": int(click.value), "by": click.user_id, "url": click.response_url}
    with db.transaction() as session:
        entry = entries.by_id(session, click.team_id, int(click.value))
        if entry is None or entry.author_id != click.user_id:
            raise NotTheAuthor
        key = f"restore:{click.key}"
        outbox.put(session, click.team_id, "restore_words", payload, lane=f"restore:{click.value}", now=now, key=key)
    ack()
