"""pins.*, reactions.*, bookmarks.*: what is attached to messages and channels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import messages
from sandbox.web_api.call import method
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import Conversation

Json = dict[str, Any]


@method("pins.add", scopes=["pins:write"], required=["channel"])
def pin(call: Call) -> Json:
    messages.pin(call.ws, call.joined_room(), _ts(call), call.ws.app.user_id)
    return {}


@method("pins.remove", scopes=["pins:write"], required=["channel"])
def unpin(call: Call) -> Json:
    messages.unpin(call.ws, call.joined_room(), _ts(call), call.ws.app.user_id)
    return {}


@method("pins.list", scopes=["pins:read"], required=["channel"])
def pins(call: Call) -> Json:
    room = call.joined_room()
    told = []
    for ts, made in reversed(room.pins.items()):
        message = messages.as_read(room, room.messages[ts])
        message["permalink"] = messages.permalink(call.ws, room, message)
        told.append({"type": "message", "channel": room.id, "message": message, **made})
    return {"items": told}


@method("reactions.add", scopes=["reactions:write"], required=["channel", "name", "timestamp"])
def react(call: Call) -> Json:
    room = _open_room(call)
    messages.react(call.ws, room, _ts(call), call.ws.app.user_id, _emoji(call))
    return {}


@method("reactions.remove", scopes=["reactions:write"], required=["name"])
def unreact(call: Call) -> Json:
    room = _open_room(call)
    messages.unreact(call.ws, room, _ts(call), call.ws.app.user_id, _emoji(call))
    return {}


@method("reactions.get", scopes=["reactions:read"])
def reactions(call: Call) -> Json:
    room = call.joined_room()
    message = messages.as_read(room, messages.find(room, _ts(call)))
    message["permalink"] = messages.permalink(call.ws, room, message)
    return {"type": "message", "channel": room.id, "message": message}


@method("bookmarks.add", scopes=["bookmarks:write"], required=["channel_id", "title", "type"])
def bookmark(call: Call) -> Json:
    room = call.joined_room("channel_id")
    if call.text("type") != "link":
        raise Refused("invalid_bookmark_type")
    if not re.match(r"https?://\S+$", call.text("link")):
        raise Refused("invalid_link")
    if len(room.bookmarks) >= 100:
        raise Refused("too_many_bookmarks")
    made = {
        "id": call.ws.new_id("Bk"),
        "channel_id": room.id,
        "title": call.text("title"),
        "link": call.text("link"),
        "emoji": call.text("emoji"),
        "type": "link",
        "date_created": call.ws.unix(),
        "last_updated_by_user_id": call.ws.app.user_id,
    }
    room.bookmarks.append(made)
    return {"bookmark": dict(made)}


@method("bookmarks.list", scopes=["bookmarks:read"], required=["channel_id"])
def bookmarks(call: Call) -> Json:
    return {"bookmarks": [dict(made) for made in call.joined_room("channel_id").bookmarks]}


@method("bookmarks.remove", scopes=["bookmarks:write"], required=["channel_id", "bookmark_id"])
def unbookmark(call: Call) -> Json:
    room = call.joined_room("channel_id")
    left = [made for made in room.bookmarks if made["id"] != call.text("bookmark_id")]
    if len(left) == len(room.bookmarks):
        raise Refused("bookmark_not_found")
    room.bookmarks = left
    return {}


def _open_room(call: Call) -> Conversation:
    room = call.room()
    if call.ws.app.user_id not in room.members:
        raise Refused("no_access" if room.private else "not_in_channel")
    if room.archived:
        raise Refused("is_archived")
    return room


def _ts(call: Call) -> str:
    ts = call.text("timestamp")
    if not ts:
        raise Refused("no_item_specified")
    if not re.fullmatch(r"\d+\.\d+", ts):
        raise Refused("bad_timestamp")
    return ts


def _emoji(call: Call) -> str:
    name = call.text("name")
    if not re.fullmatch(r"[a-z0-9_+'\-]+(::skin-tone-[2-6])?", name):
        raise Refused("invalid_name")
    return name
