"""files.*: an upload in three steps, and what is known of a file."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sandbox import messages
from sandbox.web_api.call import method
from sandbox.web_api.chat import content
from sandbox.workspace import File, Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import Conversation

Json = dict[str, Any]


@method("files.getUploadURLExternal", scopes=["files:write"], required=["filename", "length"])
def upload_url(call: Call) -> Json:
    ws = call.ws
    if call.number("length", 0) < 1:
        raise Refused("invalid_arguments")
    name = call.text("filename")
    file = File(ws.new_id("F"), name, name, ws.app.user_id, b"", ws.unix())
    ticket = secrets.token_hex(16)
    ws.uploads[ticket] = file
    return {"upload_url": f"{ws.base_url}/upload/v1/{ticket}", "file_id": file.id}


@method("files.completeUploadExternal", scopes=["files:write"], required=["files"])
def complete(call: Call) -> Json:
    wanted = call.structure("files")
    if not isinstance(wanted, list) or not wanted:
        raise Refused("invalid_arguments")
    files = [_uploaded(call, entry) for entry in wanted]
    share_in = [_room(call, channel) for channel in call.listed("channels") or call.listed("channel_id")]
    said = {"text": call.args.get("initial_comment"), "blocks": call.structure("blocks")}
    for room in share_in:
        message = messages.by_app(call.ws, call.ws.app, "") | content(call.ws, said)
        messages.share_files(call.ws, room, message, files, thread=call.text("thread_ts") or None)
    return {"files": [messages.file_json(call.ws, file) for file in files]}


@method("files.info", scopes=["files:read"], required=["file"])
def info(call: Call) -> Json:
    file = call.ws.files.get(call.text("file"))
    if file is None:
        raise Refused("file_not_found")
    shares: Json = {"public": {}, "private": {}}
    for channel, posted in file.shares.items():
        side = "private" if call.ws.conversations[channel].private else "public"
        shares[side][channel] = [{"ts": ts} for ts in posted]
    told = messages.file_json(call.ws, file) | {"shares": shares, "channels": list(shares["public"])}
    return {"file": told, "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.delete", scopes=["files:write"], required=["file"])
def delete(call: Call) -> Json:
    file = call.ws.files.get(call.text("file"))
    if file is None:
        raise Refused("file_not_found")
    if file.owner != call.ws.app.user_id:
        raise Refused("cant_delete_file")
    del call.ws.files[file.id]
    return {}


def _uploaded(call: Call, entry: Any) -> File:
    file_id = entry.get("id") if isinstance(entry, dict) else None
    for ticket, file in call.ws.uploads.items():
        if file.id == file_id and file.content:
            file.title = str(entry.get("title") or file.name)
            call.ws.files[file.id] = file
            del call.ws.uploads[ticket]
            return file
    raise Refused("file_not_found")


def _room(call: Call, channel: str) -> Conversation:
    room = call.ws.conversations.get(channel)
    if room is None or (room.private and call.ws.app.user_id not in room.members):
        raise Refused("channel_not_found")
    if call.ws.app.user_id not in room.members:
        raise Refused("not_in_channel")
    if room.archived:
        raise Refused("posting_to_channel_denied")
    return room
