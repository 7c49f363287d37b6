"""What the app says without the Web API: in an acknowledgement, or to a response_url."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import messages
from sandbox.web_api.chat import content
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.workspace import Conversation, ResponseUrl, Workspace

Json = dict[str, Any]

_MOST_USES = 5
_FIELDS = {
    "text", "blocks", "attachments", "response_type", "replace_original", "delete_original", "thread_ts",
    "unfurl_links", "unfurl_media", "metadata", "mrkdwn", "parse", "link_names",
}  # fmt: skip


def to_response_url(ws: Workspace, path: str, given: Any) -> tuple[int, str]:
    """The HTTP status and body that the response_url answers, after showing what was sent to it."""
    leave = ws.response_urls.get(path)
    if leave is None:
        return _refuse(ws, 404, "no_such_hook")
    if leave.uses >= _MOST_USES or ws.clock.now() >= leave.expires:
        return _refuse(ws, 404, "expired_url")
    if not isinstance(given, dict):
        return _refuse(ws, 400, "invalid_payload")
    try:
        show(ws, given, leave)
    except Refused as refused:
        return _refuse(ws, 400, refused.error, refused.body.get("errors"))
    leave.uses += 1
    return 200, "ok"


def show(ws: Workspace, given: Json, leave: ResponseUrl) -> Json | None:
    """Show the app's answer and return the message; None when it only deletes, or says nothing."""
    unknown = sorted(set(given) - _FIELDS)
    if unknown:
        ws.violated(f"answer with unknown fields: {', '.join(unknown)}")
    room = ws.conversations[leave.channel]
    if given.get("delete_original"):
        _remove(ws, room, leave)
        return None
    kept = content(ws, given)
    if not any(kept.values()):
        raise Refused("no_text")
    if given.get("replace_original") and leave.message is not None:
        return _replace(ws, room, leave, kept)
    said = messages.by_app(ws, ws.app, "") | kept
    thread = given.get("thread_ts") or leave.thread
    if given.get("response_type", "ephemeral") == "in_channel":
        if given.get("metadata"):
            said["metadata"] = given["metadata"]
        return messages.post(ws, room, said, thread=thread)
    return messages.ephemeral(ws, room, said, to=leave.user, thread=thread)


def _replace(ws: Workspace, room: Conversation, leave: ResponseUrl, kept: Json) -> Json:
    if not leave.ephemeral:
        dropped = () if "blocks" in kept else ("blocks",)
        return messages.change(ws, room, str(leave.message), kept, editor=None, dropped=dropped)
    shown = _ephemeral(ws, room, leave)
    for name in ("text", "blocks", "attachments"):
        shown.pop(name, None)
    shown.update({"text": "", **kept})
    return shown


def _remove(ws: Workspace, room: Conversation, leave: ResponseUrl) -> None:
    if leave.message is None:
        return
    if leave.ephemeral:
        ws.ephemerals.remove(_ephemeral(ws, room, leave))
    else:
        messages.delete(ws, room, leave.message)


def _ephemeral(ws: Workspace, room: Conversation, leave: ResponseUrl) -> Json:
    for shown in ws.ephemerals:
        if shown["ts"] == leave.message and shown["channel"] == room.id:
            return shown
    raise Refused("message_not_found")


def _refuse(ws: Workspace, status: int, error: str, faults: Any = None) -> tuple[int, str]:
    ws.violated(f"response_url: {error}" + (f" {faults}" if faults else ""))
    return status, error
