"""Messages as Slack tells of them (in an event, a payload, in history or an export), read for capture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from bot import capture, moments, people
from bot.moments import TypedMark

Body = Mapping[str, Any]

NOISE = {
    "channel_join", "channel_leave", "group_join", "group_leave", "channel_topic", "group_topic", "channel_purpose",
    "group_purpose", "channel_name", "group_name", "channel_archive", "channel_unarchive", "group_archive",
    "group_unarchive", "pinned_item", "unpinned_item", "bot_add", "bot_remove", "bot_enable", "bot_disable",
    "reminder_add", "channel_posting_permissions", "channel_convert_to_private", "channel_convert_to_public",
    "ekm_access_denied", "huddle_thread", "sh_room_created", "message_replied", "document_mention",
    "assistant_app_thread",
}  # fmt: skip
"""Subtypes that are Slack's own housekeeping, not something somebody said."""


def said_of(
    session: Session, team_id: str, channel_id: str, message: Body, bot_user_id: str, *, told_at: str = ""
) -> capture.Said:
    """A message as capture knows it; `told_at` is the `event_ts` when the message tells of a change."""
    is_app = bool(message.get("bot_id")) or message.get("subtype") == "bot_message"
    thread, text = message.get("thread_ts"), text_of(message)
    author = None if is_app else _author(message)
    mark = None if author is None else _mark_in(session, team_id, author, message["ts"], text, bot_user_id)
    edited = str((message.get("edited") or {}).get("ts") or "")
    return capture.Said(
        team_id=team_id,
        channel_id=channel_id,
        ts=message["ts"],
        text=text if mark is None else mark.text,
        author_id=author,
        app_name=_app_name(message) if is_app else None,
        thread_ts=thread if thread != message["ts"] else None,
        version=capture.version(edited, told_at),
        edited=edited,
        subtype=message.get("subtype"),
        files=_files(message),
        mark=mark,
    )


def is_own(message: Body, bot_user_id: str) -> bool:
    """Whether Seamark itself said this."""
    return bool(message.get("user") == bot_user_id)


def _author(message: Body) -> str | None:
    """Who said it; of a comment on a file, as exports of 2016 have them, who commented."""
    comment = message.get("comment") or {}
    user = comment.get("user") if message.get("subtype") == "file_comment" else message.get("user")
    return str(user) if user else None


def _app_name(message: Body) -> str:
    profile = message.get("bot_profile") or {}
    return str(profile.get("name") or message.get("username") or "an app")


def text_of(message: Body) -> str:
    """The words of a message; of one that is only blocks or attachments, theirs."""
    text = str(message.get("text") or "")
    if text.strip():
        return text
    found = [part for block in message.get("blocks") or [] for part in _texts(block)]
    for attachment in message.get("attachments") or []:
        found += _attachment_texts(attachment)
    return "\n".join(part for part in found if part.strip())


def _attachment_texts(attachment: Body) -> list[str]:
    told = [str(attachment[name]) for name in ("pretext", "title", "text") if attachment.get(name)]
    for one in attachment.get("fields") or []:
        told += [": ".join(str(one[name]) for name in ("title", "value") if one.get(name))]
    told += [part for block in attachment.get("blocks") or [] for part in _texts(block)]
    return told or [str(attachment.get("fallback") or "")]


_INLINE = {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}


def _texts(node: Any) -> list[str]:
    """The texts of a block; what stands on one line of a rich text stays on one line."""
    if isinstance(node, list):
        return [part for one in node for part in _texts(one)]
    if not isinstance(node, Mapping):
        return []
    if node.get("type") in _INLINE:
        return ["".join(_inline(one) for one in node.get("elements") or [])]
    own = node.get("text")
    if isinstance(own, str):
        return [own]
    return [part for name, value in node.items() if name not in {"options", "confirm"} for part in _texts(value)]


_WRITTEN = {
    "user": "<@{user_id}>",
    "channel": "<#{channel_id}>",
    "usergroup": "<!subteam^{usergroup_id}>",
    "broadcast": "<!{range}>",
    "emoji": ":{name}:",
}


def _inline(element: Body) -> str:
    """One element of rich text, as Slack would write it in the text of a message."""
    kind, words = element.get("type"), str(element.get("text") or element.get("fallback") or "")
    if kind == "link":
        return f"<{element['url']}|{words}>" if words else f"<{element['url']}>"
    return _WRITTEN[kind].format_map(element) if kind in _WRITTEN else words


def _files(message: Body) -> list[dict[str, Any]]:
    """The files of a message; exports of 2016 have a single one under another name."""
    given = message.get("files") or ([message["file"]] if message.get("file") else [])
    return [_file(one) for one in given if isinstance(one, Mapping)]


def _file(file: Body) -> dict[str, Any]:
    names = ("id", "name", "title", "mimetype", "permalink", "mode")
    return {name: file[name] for name in names if file.get(name)}


# --- @Seamark mark … -------------------------------------------------------------------------------------


def addressed(text: str, bot_user_id: str) -> str | None:
    """What follows `@Seamark` at the beginning of a message; None when it is not addressed so."""
    if not text.lstrip().startswith(f"<@{bot_user_id}"):
        return None
    match = re.match(rf"\s*<@{bot_user_id}(?:\|[^>]*)?>[\s,:]*(.*)", text, re.DOTALL)
    return match[1].strip() if match else None


def after_mark(told: str) -> str | None:
    """What follows the word `mark`; None when another word stands there."""
    match = re.match(r"mark(?:\s*$|[\s:]+)(.*)", told, re.DOTALL | re.IGNORECASE)
    return match[1].strip() if match else None


def _mark_in(session: Session, team_id: str, author: str, ts: str, text: str, bot_user_id: str) -> TypedMark | None:
    told = addressed(text, bot_user_id)
    typed = after_mark(told) if told else None
    if not typed:
        return None
    try:
        return moments.parse_mark(typed, now=capture.moment(ts), zone=people.zone_of(session, team_id, author))
    except moments.NoSuchTime:
        return None  # then it is a message like any other; who wrote it is told by `app_mention`
