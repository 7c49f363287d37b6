"""chat.*: what the bot says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import blockkit, messages, rooms
from sandbox.web_api.call import metadata, method
from sandbox.workspace import Refused, Scheduled

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import Conversation, Workspace

Json = dict[str, Any]

_LONGEST = 40_000  # a posted text is cut here
_LONGEST_UPDATE = 4_000  # an updated one is refused
_BARE_LINK = re.compile(r"(?<![<|\w/])https?://[^\s<>|]*[^\s<>|.,;:!?)\]}'\"*_~`]")
_MARKUP = re.compile(r"<[^<>\n]*>")


@method("chat.postMessage", scopes=["chat:write", "chat:write.public"], required=["channel"])
def post_message(call: Call) -> Json:
    room = _to_post_in(call)
    said = _said(call, longest=None)
    kept = metadata(call)
    if kept is not None:
        said["metadata"] = kept
    thread = call.text("thread_ts") or None
    posted = messages.post(call.ws, room, said, thread=thread, broadcast=call.flag("reply_broadcast"))
    return {"channel": room.id, "ts": posted["ts"], "message": messages.as_told(posted)}


@method("chat.postEphemeral", scopes=["chat:write"], required=["channel", "user"])
def post_ephemeral(call: Call) -> Json:
    room = call.room()
    _check_open(room)
    if call.ws.app.user_id not in room.members:
        raise Refused("not_in_channel")
    if call.text("user") not in room.members:
        raise Refused("user_not_in_channel")
    said = _said(call, longest=_LONGEST_UPDATE)
    shown = messages.ephemeral(call.ws, room, said, to=call.text("user"), thread=call.text("thread_ts") or None)
    return {"message_ts": shown["ts"]}


@method("chat.update", scopes=["chat:write"], required=["channel", "ts"])
def update(call: Call) -> Json:
    room = call.room()
    message = messages.find(room, call.text("ts"))
    if message.get("bot_id") != call.ws.app.bot_id or message.get("subtype") == "tombstone":
        raise Refused("cant_update_message")
    if room.archived:
        raise Refused("is_inactive")
    if len(call.text("text")) > _LONGEST_UPDATE:
        raise Refused("msg_too_long")
    fields = _content(call, call.ws)
    _check_something(fields | {"attachments": message.get("attachments") if "attachments" not in fields else None})
    dropped = [] if "blocks" in fields else ["blocks"]
    dropped += ["attachments"] if call.args.get("attachments") in ([], "[]") else []
    if "metadata" in call.args:
        kept = metadata(call)
        dropped += [] if kept else ["metadata"]
        fields |= {"metadata": kept} if kept else {}
    editor = None if "blocks" in fields else call.ws.app.user_id
    changed = messages.change(call.ws, room, message["ts"], fields, editor=editor, dropped=tuple(dropped))
    told = messages.as_told(changed)
    return {"channel": room.id, "ts": message["ts"], "text": told.get("text", ""), "message": told}


@method("chat.delete", scopes=["chat:write"], required=["channel", "ts"])
def delete(call: Call) -> Json:
    room = call.room()
    message = messages.find(room, call.text("ts"))
    if message.get("bot_id") != call.ws.app.bot_id or message.get("subtype") == "tombstone":
        raise Refused("cant_delete_message")
    messages.delete(call.ws, room, message["ts"])
    return {"channel": room.id, "ts": message["ts"]}


@method("chat.getPermalink", required=["channel", "message_ts"])
def get_permalink(call: Call) -> Json:
    room = call.room()
    message = messages.find(room, call.text("message_ts"))
    return {"channel": room.id, "permalink": messages.permalink(call.ws, room, message)}


@method("chat.scheduleMessage", scopes=["chat:write"], required=["channel", "post_at"])
def schedule_message(call: Call) -> Json:
    room = _to_post_in(call)
    said = _said(call, longest=_LONGEST)
    post_at = call.number("post_at", 0)
    now = call.ws.unix()
    if post_at <= now:
        raise Refused("time_in_past")
    if post_at > now + 120 * 86_400:
        raise Refused("time_too_far")
    near = [s for s in call.ws.scheduled.values() if s.channel == room.id and abs(s.post_at - post_at) < 300]
    if len(near) >= 30:
        raise Refused("restricted_too_many")
    scheduled = Scheduled(call.ws.new_id("Q"), room.id, post_at, now, said, call.text("thread_ts") or None)
    call.ws.scheduled[scheduled.id] = scheduled
    messages.post_when_due(call.ws, scheduled)
    return {
        "channel": room.id,
        "scheduled_message_id": scheduled.id,
        "post_at": post_at,
        "message": messages.as_told(said),
    }


@method("chat.deleteScheduledMessage", scopes=["chat:write"], required=["channel", "scheduled_message_id"])
def delete_scheduled(call: Call) -> Json:
    scheduled = call.ws.scheduled.get(call.text("scheduled_message_id"))
    if scheduled is None or scheduled.channel != call.room().id:
        raise Refused("invalid_scheduled_message_id")
    if scheduled.post_at - call.ws.unix() < 60:
        raise Refused("invalid_scheduled_message_id")
    del call.ws.scheduled[scheduled.id]
    call.ws.posting.pop(scheduled.id).cancel()
    return {}


@method("chat.scheduledMessages.list")
def scheduled_list(call: Call) -> Json:
    wanted = call.text("channel")
    found = [
        {"id": s.id, "channel_id": s.channel, "post_at": s.post_at, "date_created": s.created}
        for s in call.ws.scheduled.values()
        if not wanted or s.channel == wanted
    ]
    page, after = call.page(found, default=100)
    return {"scheduled_messages": page, "response_metadata": after}


def content(ws: Workspace, given: Json) -> Json:
    """The `text`, `blocks` and `attachments` of a message as Slack keeps them; Refused when it would not."""
    kept: Json = {}
    if given.get("text") is not None:
        kept["text"] = str(given["text"]) if given.get("parse") == "none" else linked(str(given["text"]))
    checks = {"blocks": blockkit.check_message_blocks, "attachments": blockkit.check_attachments}
    for name, check in checks.items():
        value = given.get(name)
        if value is None or value == []:
            continue
        faults = check(value)
        if faults:
            body = blockkit.error_body_for_message(faults)
            del body["ok"]
            error = body.pop("error") if name == "blocks" else "invalid_attachments"
            raise Refused(error, **body)
        kept[name] = blockkit.with_defaults(value, ws.block_ids())
    return kept


def linked(text: str) -> str:
    """Bare addresses in `<>`, outside of what is markup already."""
    parts, at = [], 0
    for markup in _MARKUP.finditer(text):
        parts += [_BARE_LINK.sub(r"<\g<0>>", text[at : markup.start()]), markup[0]]
        at = markup.end()
    return "".join((*parts, _BARE_LINK.sub(r"<\g<0>>", text[at:])))


def _content(call: Call, ws: Workspace) -> Json:
    given = {
        "text": call.args.get("text"),
        "parse": call.args.get("parse"),
        "blocks": call.structure("blocks", error="invalid_blocks_format"),
        "attachments": call.structure("attachments", error="invalid_attachments"),
    }
    if given["blocks"] is not None and not isinstance(given["blocks"], list):
        raise Refused("invalid_blocks_format")
    if call.given("markdown_text"):
        if call.given("text") or given["blocks"]:
            raise Refused("markdown_text_conflict")
        if len(call.text("markdown_text")) > 12_000:
            raise Refused("msg_too_long")
        given["text"] = call.text("markdown_text")
    return content(ws, given)


def _said(call: Call, *, longest: int | None) -> Json:
    """The bot's message, ready to post; `longest` is what is refused beyond, otherwise it is cut."""
    if call.given("username") or call.given("icon_emoji") or call.given("icon_url"):
        call.need("chat:write.customize")
    text = call.text("text")
    if longest is not None and len(text) > longest:
        raise Refused("msg_too_long")
    kept = _content(call, call.ws)
    _check_something(kept)
    if "text" in kept:
        kept["text"] = kept["text"][:_LONGEST]
    said = messages.by_app(call.ws, call.ws.app, "") | kept
    return said | ({"username": call.text("username")} if call.given("username") else {})


def _check_something(kept: Json) -> None:
    if not any(kept.get(name) for name in ("text", "blocks", "attachments")):
        raise Refused("no_text")


def _check_open(room: Conversation) -> None:
    if room.archived:
        raise Refused("is_archived")


def _to_post_in(call: Call) -> Conversation:
    room = _wanted(call)
    _check_open(room)
    ws = call.ws
    if room.kind == "im" and not ws.manifest.get("features", {}).get("app_home", {}).get("messages_tab_enabled"):
        raise Refused("messages_tab_disabled")
    if room.kind == "im" and any(ws.users[member].deleted for member in room.members):
        raise Refused("user_disabled")
    if ws.app.user_id in room.members:
        call.need("chat:write")
    elif "chat:write.public" not in ws.scopes:
        raise Refused("not_in_channel")
    return room


def _wanted(call: Call) -> Conversation:
    wanted = call.text("channel")
    ws = call.ws
    if wanted in ws.users:
        if wanted in {"USLACKBOT", ws.app.user_id}:
            raise Refused("channel_not_found")
        return rooms.direct(ws, [wanted, ws.app.user_id])
    if wanted in ws.conversations:
        return call.room()
    named = call.channel_named(wanted)
    if named is None or (named.private and ws.app.user_id not in named.members):
        raise Refused("channel_not_found")
    return named
