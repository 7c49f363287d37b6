"""conversations.*: channels, their members, and what was said in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import messages, rooms
from sandbox.web_api.call import method
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import Conversation, Workspace

Json = dict[str, Any]

_READ = ["channels:read", "groups:read", "im:read", "mpim:read"]
_HISTORY = ["channels:history", "groups:history", "im:history", "mpim:history"]
_WRITE = ["channels:manage", "groups:write", "im:write", "mpim:write"]
_TOPIC = [*_WRITE, "channels:write.topic", "groups:write.topic"]
_INVITE = [*_WRITE, "channels:write.invites", "groups:write.invites"]
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_SCOPES = dict(zip(_TYPES, _READ, strict=True))


@method("conversations.create", scopes=_WRITE, required=["name"])
def create(call: Call) -> Json:
    private = call.flag("is_private")
    call.need("groups:write" if private else "channels:manage")
    made = rooms.create(call.ws, call.text("name"), call.ws.app.user_id, private=private)
    return {"channel": rooms.as_read(call.ws, made)}


@method("conversations.info", scopes=_READ, required=["channel"])
def info(call: Call) -> Json:
    room = call.room()
    call.need_for(room, "read")
    return {"channel": rooms.as_read(call.ws, room, members=call.flag("include_num_members"))}


@method("conversations.list", scopes=_READ)
def list_all(call: Call) -> Json:
    visible = [room for room in call.ws.conversations.values() if _visible(call.ws, room)]
    return _listing(call, visible)


@method("users.conversations", scopes=_READ)
def list_of_user(call: Call) -> Json:
    user = call.text("user", call.ws.app.user_id)
    call.ws.user(user)
    shared = [r for r in call.ws.conversations.values() if user in r.members and _visible(call.ws, r)]
    return _listing(call, shared)


@method("conversations.members", scopes=_READ, required=["channel"])
def members(call: Call) -> Json:
    room = call.room()
    call.need_for(room, "read")
    page, after = call.page(room.members, default=100)
    return {"members": page, "response_metadata": after}


@method("conversations.join", scopes=["channels:join"], required=["channel"])
def join(call: Call) -> Json:
    room = call.room()
    if room.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    _check_open(room)
    already = call.ws.app.user_id in room.members
    rooms.join(call.ws, room, call.ws.app.user_id)
    note: Json = {"warning": "already_in_channel"} if already else {}
    return {"channel": rooms.as_read(call.ws, room), **note}


@method("conversations.leave", scopes=_WRITE, required=["channel"])
def leave(call: Call) -> Json:
    room = _channel(call)
    if call.ws.app.user_id not in room.members:
        return {"not_in_channel": True}
    rooms.leave(call.ws, room, call.ws.app.user_id)
    return {}


@method("conversations.invite", scopes=_INVITE, required=["channel", "users"])
def invite(call: Call) -> Json:
    room = _channel(call, "channels:write.invites")
    wanted = call.listed("users")
    if len(wanted) > 100:
        raise Refused("invalid_arguments")
    errors = {user: error for user in wanted if (error := _cannot_invite(call.ws, room, user))}
    if errors and (not call.flag("force") or len(errors) == len(wanted)):
        told = [{"user": user, "ok": False, "error": error} for user, error in errors.items()]
        raise Refused(next(iter(errors.values())), **({"errors": told} if len(wanted) > 1 else {}))
    for user in wanted:
        if user not in errors:
            rooms.join(call.ws, room, user, inviter=call.ws.app.user_id)
    return {"channel": rooms.as_read(call.ws, room)}


@method("conversations.kick", scopes=_WRITE, required=["channel", "user"])
def kick(call: Call) -> Json:
    room = _channel(call)
    user = call.text("user")
    call.ws.user(user)
    if user == call.ws.app.user_id:
        raise Refused("cant_kick_self")
    rooms.leave(call.ws, room, user, kicked_by=call.ws.app.user_id)
    return {}


@method("conversations.open", scopes=_WRITE)
def open_direct(call: Call) -> Json:
    if call.given("channel"):
        room = call.room()
        return {"channel": rooms.as_read(call.ws, room) if call.flag("return_im") else {"id": room.id}}
    people = call.listed("users")
    if not people:
        raise Refused("users_list_not_supplied")
    if len(people) > 8:
        raise Refused("too_many_users")
    for person in people:
        if person in {call.ws.app.user_id, "USLACKBOT"}:
            raise Refused("invalid_user_combination")
        if call.ws.user(person).deleted:
            raise Refused("user_disabled")
    call.need("im:write" if len(people) == 1 else "mpim:write")
    members_ = [*people, call.ws.app.user_id]
    there = any(r.direct and sorted(r.members) == sorted(set(members_)) for r in call.ws.conversations.values())
    room = rooms.direct(call.ws, members_)
    note = {"no_op": True, "already_open": True} if there else {}
    return {**note, "channel": rooms.as_read(call.ws, room) if call.flag("return_im") else {"id": room.id}}


@method("conversations.archive", scopes=_WRITE, required=["channel"])
def archive(call: Call) -> Json:
    room = call.room()
    if room.archived:
        raise Refused("already_archived")
    rooms.archive(call.ws, _channel(call), call.ws.app.user_id)
    return {}


@method("conversations.unarchive", scopes=_WRITE, required=["channel"])
def unarchive(call: Call) -> Json:
    room = call.room()
    call.need_for(room, "manage")
    if room.archived and call.ws.app.user_id not in room.members:
        raise Refused("not_in_channel")
    rooms.unarchive(call.ws, room, call.ws.app.user_id)
    return {}


@method("conversations.rename", scopes=_WRITE, required=["channel"])
def rename(call: Call) -> Json:
    room = _channel(call)
    if room.creator != call.ws.app.user_id:
        raise Refused("not_authorized")
    rooms.rename(call.ws, room, call.ws.app.user_id, call.text("name"))
    return {"channel": rooms.as_read(call.ws, room)}


@method("conversations.setTopic", scopes=_TOPIC, required=["channel"])
def set_topic(call: Call) -> Json:
    room = _channel(call, "channels:write.topic")
    rooms.describe(call.ws, room, call.ws.app.user_id, "topic", call.text("topic"))
    return {"channel": rooms.as_read(call.ws, room)}


@method("conversations.setPurpose", scopes=_TOPIC, required=["channel"])
def set_purpose(call: Call) -> Json:
    room = _channel(call, "channels:write.topic")
    rooms.describe(call.ws, room, call.ws.app.user_id, "purpose", call.text("purpose"))
    return {"purpose": room.purpose["value"], "channel": rooms.as_read(call.ws, room)}


@method("conversations.history", scopes=_HISTORY, required=["channel"])
def history(call: Call) -> Json:
    room = call.joined_room()
    call.need_for(room, "history")
    inside = _between(call)
    told = [
        message for message in reversed(messages.in_order(room)) if inside(message["ts"]) and _in_the_channel(message)
    ]
    page, after = call.page(told, default=100, most=999)
    more = bool(after["next_cursor"])
    threads = messages.threads(room)
    kept = call.flag("include_all_metadata")
    return {
        "messages": [
            messages.as_read(room, message, metadata=kept, answers=threads.get(message["ts"], [])) for message in page
        ],
        "has_more": more,
        "pin_count": len(room.pins),
        **({"response_metadata": after} if more else {}),
    }


@method("conversations.replies", scopes=_HISTORY, required=["channel", "ts"])
def replies(call: Call) -> Json:
    room = call.joined_room()
    call.need_for(room, "history")
    asked = room.messages.get(call.text("ts"))
    parent = room.messages.get(str(asked.get("thread_ts", asked["ts"]))) if asked else None
    if parent is None:
        raise Refused("thread_not_found")
    inside = _between(call)
    answers = [reply for reply in messages.replies(room, parent["ts"]) if inside(reply["ts"])]
    page, after = call.page(answers, default=1000)
    more = bool(after["next_cursor"])
    kept = call.flag("include_all_metadata")
    told = [messages.as_read(room, reply, metadata=kept, answers=[]) for reply in page]
    return {
        "messages": [messages.as_read(room, parent, metadata=kept), *told],
        "has_more": more,
        **({"response_metadata": after} if more else {}),
    }


def _channel(call: Call, *scopes: str) -> Conversation:
    """A channel that the bot may change: not a DM, not archived, joined."""
    room = call.room()
    call.need_for(room, "manage", *scopes)
    if room.direct:
        raise Refused("method_not_supported_for_channel_type")
    _check_open(room)
    if call.ws.app.user_id not in room.members:
        raise Refused("not_in_channel")
    return room


def _check_open(room: Conversation) -> None:
    if room.archived:
        raise Refused("is_archived")


def _cannot_invite(ws: Workspace, room: Conversation, user: str) -> str:
    if user == ws.app.user_id:
        return "cant_invite_self"
    if user not in ws.users:
        return "user_not_found"
    if ws.users[user].deleted:
        return "cant_invite"
    if user in room.members:
        return "already_in_channel"
    alone = ws.users[user].guest and sum(user in r.members for r in ws.conversations.values() if not r.direct)
    return "ura_max_channels" if alone else ""


def _visible(ws: Workspace, room: Conversation) -> bool:
    return not room.private or ws.app.user_id in room.members


def _listing(call: Call, found: list[Conversation]) -> Json:
    types = call.listed("types") or ["public_channel"]
    if set(types) - set(_TYPES):
        raise Refused("invalid_types")
    for kind in types:
        call.need(_SCOPES[kind])
    kinds = {_TYPES[kind] for kind in types}
    rooms_ = [r for r in found if r.kind in kinds and not (r.archived and call.flag("exclude_archived"))]
    page, after = call.page(rooms_, default=100)
    told = [rooms.as_read(call.ws, room, members=True) for room in page]
    return {"channels": told, "response_metadata": after}


def _between(call: Call) -> Any:
    """A test on `ts`: `oldest` and `latest` are left out themselves unless `inclusive`."""
    for name in ("oldest", "latest"):
        if call.given(name) and not re.fullmatch(r"\d+(\.\d+)?", call.text(name)):
            raise Refused(f"invalid_ts_{name}")
    oldest = _micros(call.text("oldest")) if call.given("oldest") else 0
    latest = _micros(call.text("latest")) if call.given("latest") else None
    slack = 0 if call.flag("inclusive") else 1

    def inside(ts: str) -> bool:
        moment = _micros(ts)
        return oldest + slack <= moment and (latest is None or moment <= latest - slack)

    return inside


def _micros(ts: str) -> int:
    seconds, _, part = ts.partition(".")
    return int(seconds) * 1_000_000 + int((part + "000000")[:6])


def _in_the_channel(message: Json) -> bool:
    """Roots and broadcasts; replies are read with conversations.replies."""
    root = message.get("thread_ts", message["ts"]) == message["ts"]
    return root or message.get("subtype") == "thread_broadcast"
