"""What one person has before them, as JSON for the page. Pure reading, on the server's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import dialogs, forms, messages
from sandbox import manifest as manifests

if TYPE_CHECKING:
    from sandbox.driver import Sandbox
    from sandbox.page.story import Story
    from sandbox.workspace import Conversation, User, View, Workspace

Json = dict[str, Any]

_KEPT = ("ts", "user", "subtype", "text", "blocks", "attachments", "thread_ts", "username", "hidden")


def workspace(slack: Sandbox, story: Story, viewer: User, *, room: str, thread: str, most: int) -> Json:
    """Everything the page draws for `viewer`; `room` and `thread` are what they have open, if anything.

    `most`: how many messages of the channel, the latest ones.
    """
    site = slack.server.site
    ws = site.ws
    open_room = ws.conversations.get(room)
    seen = open_room if open_room is not None and _may_see(open_room, viewer) else None
    return {
        "number": site.changes.number,
        "now": site.clock.now().timestamp(),
        "stands_still": site.clock.stands_still,
        "team": {"name": ws.team_name, "domain": ws.domain},
        "app": _app(ws),
        "me": viewer.id,
        "people": [_person(user) for user in ws.users.values()],
        "groups": [{"id": group["id"], "handle": group["handle"]} for group in ws.groups.values()],
        "commands": [_command(command) for command in ws.commands.values()],
        "shortcuts": [{"name": s["name"], "type": s["type"]} for s in ws.shortcuts.values()],
        "rooms": [_line(room, viewer) for room in ws.conversations.values() if _may_see(room, viewer)],
        "room": _room(slack, seen, viewer, most) if seen else None,
        "thread": _thread(ws, seen, thread, viewer) if seen and thread else None,
        "dialog": _top_dialog(ws, viewer),
        "home": _home(ws, viewer),
        "violations": list(ws.violations),
        "faults": site.faults.in_words(),
        "sockets": len(site.sockets.connections),
        "story": story.as_json(),
    }


def file_for(ws: Workspace, viewer: User, file_id: str) -> tuple[str, bytes] | None:
    """Name and content, if the viewer owns it or can see a conversation that it was shared in."""
    file = ws.files.get(file_id)
    if file is None:
        return None
    rooms = [ws.conversations[room] for room in file.shares if room in ws.conversations]
    if file.owner != viewer.id and not any(_may_see(room, viewer) for room in rooms):
        return None
    return file.name, file.content


def _may_see(room: Conversation, viewer: User) -> bool:
    return viewer.id in room.members or (not room.private and not viewer.guest)


def _app(ws: Workspace) -> Json:
    home = ws.manifest.get("features", {}).get("app_home", {})
    about = ws.manifest.get("display_information", {})
    return {
        "name": ws.app.name,
        "user": ws.app.user_id,
        "description": about.get("description", ""),
        "color": about.get("background_color", ""),
        "home": bool(home.get("home_tab_enabled")),
        "messages": bool(home.get("messages_tab_enabled")),
        "subscriptions": sorted(manifests.events(ws.manifest)),
    }


def _person(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.app.name if user.app else user.real_name,
        "tz": user.tz,
        "app": user.app is not None,
        "deleted": user.deleted,
        "slackbot": user.id == "USLACKBOT",
    }


def _command(command: Json) -> Json:
    return {
        "command": command["command"],
        "description": command.get("description", ""),
        "hint": command.get("usage_hint", ""),
    }


def _line(room: Conversation, viewer: User) -> Json:
    """The conversation as the sidebar has it."""
    said = [m for m in room.messages.values() if m.get("user") != viewer.id and _in_channel(m)]
    counted = [m for m in said if not str(m.get("subtype", "")).endswith(("_join", "_leave"))]
    return {
        "id": room.id,
        "name": room.name,
        "kind": room.kind,
        "archived": room.archived,
        "member": viewer.id in room.members,
        "others": [member for member in room.members if member != viewer.id] if room.direct else [],
        "said": len(counted),
    }


def _room(slack: Sandbox, room: Conversation, viewer: User, most: int) -> Json:
    ws = slack.server.site.ws
    whispered = [e for e in ws.ephemerals if e["channel"] == room.id and e["recipient"] == viewer.id]
    there = [m for m in (*room.messages.values(), *whispered) if _in_channel(m)]
    there.sort(key=_moment)
    return {
        "id": room.id,
        "topic": room.topic["value"],
        "purpose": room.purpose["value"],
        "created": room.created,
        "creator": room.creator,
        "members": room.members,
        "pins": list(room.pins),
        "bookmarks": room.bookmarks,
        "pinned": [_message(room, room.messages[ts]) for ts in room.pins if ts in room.messages],
        "earlier": max(len(there) - most, 0),
        "messages": [_message(room, message) for message in there[-most:]],
        "closed": slack.person_by_id(viewer.id).cannot_write(slack.channel_by_id(room.id)),
    }


def _thread(ws: Workspace, room: Conversation, ts: str, viewer: User) -> Json | None:
    parent = room.messages.get(ts)
    if parent is None:
        return None
    whispered = [
        e for e in ws.ephemerals if e["channel"] == room.id and e["recipient"] == viewer.id and e.get("thread_ts") == ts
    ]
    there = sorted([*messages.replies(room, ts), *whispered], key=_moment)
    return {"ts": ts, "messages": [_message(room, message) for message in (parent, *there)]}


def _in_channel(message: Json) -> bool:
    parent = message.get("thread_ts")
    return parent in {None, message["ts"]} or message.get("subtype") == "thread_broadcast"


def _moment(message: Json) -> tuple[int, int]:
    seconds, micros = message["ts"].split(".")
    return int(seconds), int(micros)


def _message(room: Conversation, message: Json) -> Json:
    shown = {name: message[name] for name in _KEPT if name in message}
    shown["room"] = room.id
    if "bot_profile" in message:
        shown["username"] = message["bot_profile"]["name"]
    if "bot_id" in message:
        shown["app"] = True
    if "client_msg_id" in message:
        shown["typed"] = True
    if "edited" in message:
        shown["edited"] = True
    if "recipient" in message:
        shown["ephemeral"] = True
    if message.get("reactions"):
        shown["reactions"] = message["reactions"]
    if message["ts"] in room.pins:
        shown["pinned_by"] = room.pins[message["ts"]]["created_by"]
    if message.get("files"):
        names = ("id", "name", "title", "size", "filetype", "pretty_type", "mimetype")
        shown["files"] = [{name: file[name] for name in names} for file in message["files"]]
    if "recipient" not in message and (answers := messages.replies(room, message["ts"])):
        people = list(dict.fromkeys(reply.get("user", "") for reply in answers))
        shown["replies"] = {"count": len(answers), "people": people, "latest": answers[-1]["ts"]}
    return shown


def _top_dialog(ws: Workspace, viewer: User) -> Json | None:
    stack = dialogs.stack(ws, viewer.id)
    return _view(stack[-1]) | {"depth": len(stack)} if stack else None


def _home(ws: Workspace, viewer: User) -> Json | None:
    home = ws.homes.get(viewer.id)
    return _view(home) if home else None


def _view(view: View) -> Json:
    """Errors by block_id: a label is for people."""
    known = forms.fields(view.content)
    return {
        "id": view.id,
        "hash": view.hash,
        "type": view.content["type"],
        "title": view.content.get("title"),
        "submit": view.content.get("submit"),
        "close": view.content.get("close"),
        "blocks": view.content["blocks"],
        "values": view.values,
        "errors": {known[label].block_id: sentence for label, sentence in view.errors.items() if label in known},
        "error": view.error,
    }
