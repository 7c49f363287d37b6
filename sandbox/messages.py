"""What is said in a conversation: posting, editing, deleting, reacting, pinning, and the events that follow."""

from __future__ import annotations

import asyncio
import copy
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.workspace import Conversation, File, Integration, Scheduled, Workspace

Json = dict[str, Any]

_SUBSCRIPTIONS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
_OWN_FIELDS = ("reactions", "pinned_to")  # kept beside the message, told only when it is read


def find(where: Conversation, ts: str) -> Json:
    if ts not in where.messages:
        raise Refused("message_not_found")
    return where.messages[ts]


def by_person(ws: Workspace, user: str, text: str, blocks: list[Json]) -> Json:
    """A message as the client of a person sends it."""
    message: Json = {
        "client_msg_id": str(uuid.uuid4()),
        "type": "message",
        "user": user,
        "text": text,
        "team": ws.team_id,
    }
    return message | ({"blocks": blocks} if blocks else {})


def by_app(ws: Workspace, app: Integration, text: str) -> Json:
    """A message as an app with a bot user posts it: no subtype. Source: reference/events/message."""
    return {
        "type": "message",
        "user": app.user_id,
        "text": text,
        "team": ws.team_id,
        "bot_id": app.bot_id,
        "app_id": app.app_id,
        "bot_profile": {
            "id": app.bot_id,
            "app_id": app.app_id,
            "name": app.name,
            "user_id": app.user_id,
            "team_id": ws.team_id,
            "deleted": False,
            "updated": 0,
        },
    }


def post(
    ws: Workspace, where: Conversation, message: Json, *, thread: str | None = None, broadcast: bool = False
) -> Json:
    """Store the message (its `ts` is given out here) and tell the app. `thread` is the parent's ts."""
    stored = {**message, "ts": ws.new_ts()}
    if thread is not None:
        stored |= _in_thread(where, thread)
    if broadcast and thread is not None:
        stored |= {"subtype": "thread_broadcast"}
    where.messages[stored["ts"]] = stored
    event = copy.deepcopy(stored)
    if broadcast and thread is not None:
        event["root"] = as_read(where, find(where, stored["thread_ts"]))
    tell(ws, where, event)
    if _mentions_app(ws, stored) and where.kind != "im":
        _tell_mention(ws, where, stored)
    return stored


def post_when_due(ws: Workspace, scheduled: Scheduled) -> None:
    """Have it posted, in a channel that is open then, when the workspace's clock comes there."""

    async def post_later() -> None:
        await ws.clock.reaches(datetime.fromtimestamp(scheduled.post_at, UTC))
        room = ws.conversations[scheduled.channel]
        if not room.archived:
            post(ws, room, scheduled.message, thread=scheduled.thread)
        del ws.scheduled[scheduled.id], ws.posting[scheduled.id]

    ws.posting[scheduled.id] = asyncio.get_running_loop().create_task(post_later())


def notice(ws: Workspace, where: Conversation, subtype: str, user: str, text: str, **beside: Any) -> Json:
    """One of the lines that Slack itself writes into a conversation: channel_join, channel_topic, ..."""
    return post(ws, where, {"type": "message", "subtype": subtype, "user": user, "text": text, **beside})


def ephemeral(ws: Workspace, where: Conversation, message: Json, *, to: str, thread: str | None = None) -> Json:
    """Shown to one person; never part of the history."""
    shown = {**message, "ts": ws.new_ts(), "channel": where.id, "recipient": to}
    if thread is not None:
        shown["thread_ts"] = thread
    ws.ephemerals.append(shown)
    return shown


def change(
    ws: Workspace, where: Conversation, ts: str, fields: Json, *, editor: str | None, dropped: tuple[str, ...] = ()
) -> Json:
    """Edit in place; with an `editor` the message is marked "(edited)"."""
    message = find(where, ts)
    before = copy.deepcopy(message)
    for name in dropped:
        message.pop(name, None)
    message.update(fields)
    if editor is not None:
        message["edited"] = {"user": editor, "ts": f"{ws.unix()}.000000"}
    _tell_hidden(ws, where, "message_changed", message=as_told(message), previous_message=as_told(before))
    if editor is not None and _mentions_app(ws, message) and not _mentions_app(ws, before):
        _tell_mention(ws, where, message)
    return message


def unfurl(ws: Workspace, where: Conversation, ts: str, title: str) -> Json:
    """A preview of a link: Slack's own change to the message, not marked as edited."""
    preview = {"id": 1, "title": title, "fallback": title, "from_url": "https://example.com"}
    attachments = [*find(where, ts).get("attachments", []), preview]
    return change(ws, where, ts, {"attachments": attachments}, editor=None)


def delete(ws: Workspace, where: Conversation, ts: str) -> None:
    """A parent with replies leaves a tombstone, told as message_changed; anything else is gone."""
    message = find(where, ts)
    where.pins.pop(ts, None)
    if any(reply.get("thread_ts") == ts != reply["ts"] for reply in where.messages.values()):
        tombstone = {
            "type": "message",
            "subtype": "tombstone",
            "hidden": True,
            "user": "USLACKBOT",
            "text": "This message was deleted.",
            "ts": ts,
            "thread_ts": ts,
        }
        where.messages[ts] = tombstone
        _tell_hidden(ws, where, "message_changed", message=as_told(tombstone), previous_message=as_told(message))
        return
    del where.messages[ts]
    _tell_hidden(ws, where, "message_deleted", deleted_ts=ts, previous_message=as_told(message))


def react(ws: Workspace, where: Conversation, ts: str, user: str, name: str) -> None:
    message = find(where, ts)
    reactions: dict[str, list[str]] = message.setdefault("reactions", {})
    if user in reactions.get(name, []):
        raise Refused("already_reacted")
    if name not in reactions and len(reactions) >= 50:
        raise Refused("too_many_emoji")
    if sum(user in people for people in reactions.values()) >= 23:
        raise Refused("too_many_reactions")
    reactions.setdefault(name, []).append(user)
    _tell_reaction(ws, where, "reaction_added", user, name, message)


def unreact(ws: Workspace, where: Conversation, ts: str, user: str, name: str) -> None:
    message = find(where, ts)
    reactions: dict[str, list[str]] = message.get("reactions", {})
    if user not in reactions.get(name, []):
        raise Refused("no_reaction")
    reactions[name].remove(user)
    if not reactions[name]:
        del reactions[name]
    _tell_reaction(ws, where, "reaction_removed", user, name, message)


def pin(ws: Workspace, where: Conversation, ts: str, user: str) -> None:
    message = find(where, ts)
    if ts in where.pins:
        raise Refused("already_pinned")
    if len(where.pins) >= 100:
        raise Refused("too_many_pins")
    where.pins[ts] = {"created": ws.unix(), "created_by": user}
    _tell_pin(ws, where, "pin_added", user, message, where.pins[ts])


def unpin(ws: Workspace, where: Conversation, ts: str, user: str) -> None:
    message = find(where, ts)
    if ts not in where.pins:
        raise Refused("no_pin")
    made = where.pins.pop(ts)
    _tell_pin(ws, where, "pin_removed", user, message, made)


def share_files(
    ws: Workspace, where: Conversation, message: Json, files: list[File], *, thread: str | None = None
) -> Json:
    """A `file_share` message, and `file_shared` for each file."""
    shared = {**message, "subtype": "file_share", "upload": False, "files": [file_json(ws, f) for f in files]}
    posted = post(ws, where, shared, thread=thread)
    for file in files:
        file.shares.setdefault(where.id, []).append(posted["ts"])
        ws.emit_in(
            where,
            "file_shared",
            {
                "type": "file_shared",
                "file_id": file.id,
                "user_id": file.owner,
                "file": {"id": file.id},
                "channel_id": where.id,
                "event_ts": posted["ts"],
            },
        )
    return posted


def file_json(ws: Workspace, file: File) -> Json:
    kind = file.name.rsplit(".", 1)[-1].lower() if "." in file.name else "binary"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": _MIMETYPES.get(kind, "application/octet-stream"),
        "filetype": kind,
        "pretty_type": kind.upper(),
        "user": file.owner,
        "user_team": ws.team_id,
        "size": len(file.content),
        "mode": "hosted",
        "is_external": False,
        "is_public": any(c in ws.conversations and not ws.conversations[c].private for c in file.shares),
        "url_private": f"{ws.base_url}/files-pri/{ws.team_id}-{file.id}/{file.name}",
        "url_private_download": f"{ws.base_url}/files-pri/{ws.team_id}-{file.id}/download/{file.name}",
        "permalink": f"https://{ws.domain}.slack.com/files/{file.owner}/{file.id}/{file.name}",
        "file_access": "visible",
    }


_MIMETYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "md": "text/markdown",
    "txt": "text/plain",
    "log": "text/plain",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "pdf": "application/pdf",
    "zip": "application/zip",
}


def permalink(ws: Workspace, where: Conversation, message: Json) -> str:
    address = f"https://{ws.domain}.slack.com/archives/{where.id}/p{message['ts'].replace('.', '')}"
    parent = message.get("thread_ts", message["ts"])
    return address if parent == message["ts"] else f"{address}?thread_ts={parent}&cid={where.id}"


def replies(where: Conversation, ts: str) -> list[Json]:
    """The replies in a thread, oldest first, without the parent."""
    return sorted(
        (m for m in where.messages.values() if m.get("thread_ts") == ts and m["ts"] != ts),
        key=lambda message: moment(message["ts"]),
    )


def moment(ts: str) -> tuple[int, int]:
    """A ts in an order that can be compared."""
    seconds, micros = ts.split(".")
    return int(seconds), int(micros)


def in_order(where: Conversation) -> list[Json]:
    return sorted(where.messages.values(), key=lambda message: moment(message["ts"]))


def as_told(message: Json) -> Json:
    """The message as events carry it."""
    return copy.deepcopy({name: value for name, value in message.items() if name not in _OWN_FIELDS})


def threads(where: Conversation) -> dict[str, list[Json]]:
    """All replies by the ts of their parent, oldest first."""
    found: dict[str, list[Json]] = {}
    for message in in_order(where):
        parent = message.get("thread_ts")
        if parent and parent != message["ts"]:
            found.setdefault(parent, []).append(message)
    return found


def as_read(where: Conversation, message: Json, *, metadata: bool = False, answers: list[Json] | None = None) -> Json:
    """The message as conversations.history and conversations.replies answer it.

    `answers` are its replies, where they are known already.
    """
    read = as_told(message)
    if not metadata:
        read.pop("metadata", None)
    reactions: dict[str, list[str]] = message.get("reactions", {})
    if reactions:
        read["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in reactions.items()
        ]
    if message["ts"] in where.pins:
        read["pinned_to"] = [where.id]
        read["pinned_info"] = {"channel": where.id, **_pinned_info(where.pins[message["ts"]])}
    answers = replies(where, message["ts"]) if answers is None else answers
    if answers:
        people = list(dict.fromkeys(reply.get("user", reply.get("bot_id", "")) for reply in answers))
        read |= {
            "thread_ts": message["ts"],
            "reply_count": len(answers),
            "reply_users_count": len(people),
            "reply_users": people,
            "latest_reply": answers[-1]["ts"],
            "is_locked": False,
            "subscribed": False,
        }
    return read


def _in_thread(where: Conversation, thread: str) -> Json:
    parent = where.messages.get(thread)
    if parent is None:
        return {"thread_ts": thread}
    root = parent.get("thread_ts", thread)
    beside = {"parent_user_id": parent["user"]} if "user" in parent else {}
    return {"thread_ts": root, **beside}


def _mentions_app(ws: Workspace, message: Json) -> bool:
    mention = f"<@{ws.app.user_id}"
    return mention in message.get("text", "") and message.get("subtype") in {
        None,
        "bot_message",
        "thread_broadcast",
        "file_share",
    }


def tell(ws: Workspace, where: Conversation, message: Json) -> None:
    event = {
        **as_told(message),
        "channel": where.id,
        "event_ts": message["ts"],
        "channel_type": where.kind,
    }
    event.pop("metadata", None)  # told by message_metadata_posted, and read back with include_all_metadata
    ws.emit_in(where, f"message.{_SUBSCRIPTIONS[where.kind]}", event)


def _tell_hidden(ws: Workspace, where: Conversation, subtype: str, **beside: Any) -> None:
    ts = ws.new_ts()
    event = {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        **beside,
        "channel": where.id,
        "ts": ts,
        "event_ts": ts,
        "channel_type": where.kind,
    }
    ws.emit_in(where, f"message.{_SUBSCRIPTIONS[where.kind]}", event)


def _tell_mention(ws: Workspace, where: Conversation, message: Json) -> None:
    names = ("client_msg_id", "user", "bot_id", "text", "ts", "team", "thread_ts", "blocks", "edited", "files")
    said = {name: value for name, value in as_told(message).items() if name in names}
    event = {"type": "app_mention", **said, "channel": where.id, "event_ts": message["ts"]}
    ws.emit_in(where, "app_mention", event)


def _tell_reaction(ws: Workspace, where: Conversation, kind: str, user: str, name: str, message: Json) -> None:
    event = {
        "type": kind,
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": where.id, "ts": message["ts"]},
        "event_ts": ws.new_ts(),
    }
    if "user" in message:
        event["item_user"] = message["user"]
    ws.emit_in(where, kind, event)


def _tell_pin(ws: Workspace, where: Conversation, kind: str, user: str, message: Json, made: Json) -> None:
    item = {"type": "message", "channel": where.id, "message": as_read(where, message), **made}
    item["message"]["permalink"] = permalink(ws, where, message)
    event = {
        "type": kind,
        "user": user,
        "channel_id": where.id,
        "item": item,
        "item_user": message.get("user", ""),
        "pin_count": len(where.pins),
        "pinned_info": {"channel": where.id, **_pinned_info(made)},
        "event_ts": ws.new_ts(),
    }
    if kind == "pin_removed":
        event["has_pins"] = bool(where.pins)
    ws.emit_in(where, kind, event)


def _pinned_info(made: Json) -> Json:
    return {"pinned_by": made["created_by"], "pinned_ts": made["created"]}
