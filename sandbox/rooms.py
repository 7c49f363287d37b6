"""Conversations as places: opening, joining, inviting, naming, archiving, and the events that follow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import messages
from sandbox.mrkdwn import escape
from sandbox.workspace import Conversation, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.workspace import Workspace

Json = dict[str, Any]

_PREFIX = {"channel": "C", "group": "C", "im": "D", "mpim": "G"}


def check_name(ws: Workspace, name: str) -> None:
    """Refuse what conversations.create and conversations.rename refuse; names are never modified."""
    if not name:
        raise Refused("invalid_name_required")
    if len(name) > 80:
        raise Refused("invalid_name_maxlength")
    if not re.search(r"[^\W_]", name):
        raise Refused("invalid_name_punctuation")
    if not re.fullmatch(r"[\w-]+", name) or name != name.lower():
        raise Refused("invalid_name_specials")
    if by_name(ws, name) is not None or any(group["handle"] == name for group in ws.groups.values()):
        raise Refused("name_taken")


def by_name(ws: Workspace, name: str) -> Conversation | None:
    """The channel of that name, archived and private ones too."""
    return next((c for c in ws.conversations.values() if c.name == name and not c.direct), None)


def create(ws: Workspace, name: str, creator: str, *, private: bool = False) -> Conversation:
    check_name(ws, name)
    kind = "group" if private else "channel"
    made = Conversation(ws.new_id(_PREFIX[kind]), name, kind, creator, ws.unix(), members=[creator])
    ws.conversations[made.id] = made
    if not private:
        ws.emit(
            "channel_created",
            {
                "type": "channel_created",
                "channel": {"id": made.id, "name": name, "created": made.created, "creator": creator},
                "event_ts": ws.new_ts(),
            },
        )
    _tell_joined(ws, made, creator, None)
    return made


def direct(ws: Workspace, people: Iterable[str]) -> Conversation:
    """The DM of these people (user ids), opened if there is none yet."""
    members = sorted(set(people))
    for room in ws.conversations.values():
        if room.direct and sorted(room.members) == members:
            return room
    kind = "im" if len(members) <= 2 else "mpim"
    name = "directmessage" if kind == "im" else "mpdm-" + "--".join(ws.users[m].name for m in members) + "-1"
    opened = Conversation(ws.new_id(_PREFIX[kind]), name, kind, members[0], ws.unix(), members=members)
    ws.conversations[opened.id] = opened
    return opened


def join(ws: Workspace, room: Conversation, user: str, *, inviter: str | None = None) -> None:
    if user in room.members:
        return
    room.members.append(user)
    subtype = "group_join" if room.private else "channel_join"
    beside = {"inviter": inviter} if inviter else {}
    where = "group" if room.private else "channel"
    messages.notice(ws, room, subtype, user, f"<@{user}> has joined the {where}", **beside)
    _tell_joined(ws, room, user, inviter)


def leave(ws: Workspace, room: Conversation, user: str, *, kicked_by: str | None = None) -> None:
    if user not in room.members:
        raise Refused("not_in_channel")
    event = {
        "type": "member_left_channel",
        "user": user,
        "channel": room.id,
        "channel_type": "G" if room.private else "C",
        "team": ws.team_id,
        "event_ts": ws.new_ts(),
    }
    ws.emit_in(room, "member_left_channel", event)
    room.members.remove(user)
    subtype = "group_leave" if room.private else "channel_leave"
    text = f"<@{user}> has left the {'group' if room.private else 'channel'}"
    if kicked_by is not None:
        text = f"<@{kicked_by}> removed <@{user}> from the channel"
    messages.notice(ws, room, subtype, user, text)
    if user == ws.app.user_id:
        left = "group_left" if room.private else "channel_left"
        ws.emit(left, {"type": left, "channel": room.id, "actor_id": kicked_by or user, "event_ts": ws.new_ts()})


def rename(ws: Workspace, room: Conversation, user: str, name: str) -> None:
    if name == room.name:
        return
    check_name(ws, name)
    old, room.name = room.name, name
    room.previous_names.append(old)
    kind = "group_rename" if room.private else "channel_rename"
    _tell(
        ws,
        room,
        kind,
        {
            "channel": {
                "id": room.id,
                "is_channel": not room.private,
                "is_mpim": False,
                "name": name,
                "name_normalized": name,
                "created": room.created,
            }
        },
    )
    subtype = "group_name" if room.private else "channel_name"
    text = f"has renamed the channel from “{old}” to “{name}”"
    messages.notice(ws, room, subtype, user, text, old_name=old, name=name)


def describe(ws: Workspace, room: Conversation, user: str, what: str, value: str) -> None:
    """Set the topic or the purpose (`what`)."""
    if len(value) > 250:
        raise Refused("too_long")
    described = {"value": escape(_plain(value)), "creator": user, "last_set": ws.unix()}
    if what == "topic":
        room.topic = described
    else:
        room.purpose = described
    subtype = f"{'group' if room.private else 'channel'}_{what}"
    said = f"set the channel {what}: {described['value']}" if value else f"cleared channel {what}"
    messages.notice(ws, room, subtype, user, said, **{what: described["value"]})


def archive(ws: Workspace, room: Conversation, user: str) -> None:
    if room.archived:
        raise Refused("already_archived")
    if room.general:
        raise Refused("cant_archive_general")
    text = f"<@{user}> archived the channel"
    messages.notice(ws, room, _named(room, "archive"), user, text, members=list(room.members))
    room.archived = True
    _tell(ws, room, _named(room, "archive"), {"channel": room.id, "user": user, "is_moved": 0})


def unarchive(ws: Workspace, room: Conversation, user: str) -> None:
    if not room.archived:
        raise Refused("not_archived")
    room.archived = False
    text = f"<@{user}> un-archived the channel"
    messages.notice(ws, room, _named(room, "unarchive"), user, text)
    _tell(ws, room, _named(room, "unarchive"), {"channel": room.id, "user": user})


def make_private(ws: Workspace, room: Conversation, user: str) -> None:
    if room.private:
        raise Refused("method_not_supported_for_channel_type")
    room.kind = "group"
    text = "made this channel *private*. Now, it can only be viewed or joined by invitation."
    messages.notice(ws, room, "channel_convert_to_private", user, text)


def as_read(ws: Workspace, room: Conversation, *, members: bool = False) -> Json:
    """The conversation as conversations.* answer it."""
    common: Json = {
        "id": room.id,
        "created": room.created,
        "creator": room.creator,
        "is_archived": room.archived,
        "is_channel": room.kind == "channel",
        "is_group": room.kind == "group",
        "is_im": room.kind == "im",
        "is_mpim": room.kind == "mpim",
        "is_private": room.private,
        "is_org_shared": False,
        "is_shared": False,
        "is_ext_shared": False,
        "context_team_id": ws.team_id,
        "updated": room.created * 1000,
    }
    if room.kind == "im":
        other = next((m for m in room.members if m != ws.app.user_id), room.members[0])
        deleted = ws.users[other].deleted
        return common | {"user": other, "is_user_deleted": deleted, "is_open": True, "priority": 0}
    read = common | {
        "name": room.name,
        "name_normalized": room.name,
        "is_general": room.general,
        "is_member": ws.app.user_id in room.members,
        "topic": dict(room.topic),
        "purpose": dict(room.purpose),
        "previous_names": list(room.previous_names),
        "unlinked": 0,
    }
    return read | ({"num_members": len(room.members)} if members else {})


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _named(room: Conversation, what: str) -> str:
    return f"{'group' if room.private else 'channel'}_{what}"


def _tell(ws: Workspace, room: Conversation, kind: str, event: Json) -> None:
    """Public channels are told of to everybody, private ones to their members."""
    whole = {"type": kind, **event, "event_ts": ws.new_ts()}
    if room.private:
        ws.emit_in(room, kind, whole)
    else:
        ws.emit(kind, whole)


def _tell_joined(ws: Workspace, room: Conversation, user: str, inviter: str | None) -> None:
    event = {
        "type": "member_joined_channel",
        "user": user,
        "channel": room.id,
        "channel_type": "G" if room.private else "C",
        "team": ws.team_id,
        "event_ts": ws.new_ts(),
    }
    if inviter is not None:
        event["inviter"] = inviter
    ws.emit_in(room, "member_joined_channel", event)
