"""Slack's text: what a composer makes of typing, what a reader sees, and whom it notifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Json = dict[str, Any]


def escape(text: str) -> str:
    """`&`, `<` and `>` as entities: all that Slack asks for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def from_composer(text: str, users: Mapping[str, str], channels: Mapping[str, str]) -> tuple[str, list[Json]]:
    """What a person types -> the message's `text` and `blocks` (one rich_text block, or none for no text).

    `users` maps names (without @) to user or user group ids, `channels` names (without #) to channel ids.
    """
    del users, channels
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return escape(text), [{"type": "rich_text", "elements": [section]}] if text else []


def readable(text: str, *, names: Mapping[str, str], zone: str, now: datetime | None = None) -> str:
    """Slack text as a person reads it; `names` maps ids to names, `zone` is the reader's IANA zone.

    With `now` (aware) dates are told relative to it where Slack does so, without it always in full.
    """
    del names, zone, now
    return unescape(text)


def pings(text: str, *, parsed: bool = False) -> set[str]:
    """Who is notified by this text: user ids, user group ids, "here", "channel", "everyone".

    `parsed` says that Slack also looks for bare `@here` and the like (link_names, or mrkdwn without verbatim).
    """
    del text, parsed
    return set()


def pings_of_blocks(blocks: Sequence[Json], text: str = "") -> set[str]:
    """Who is notified by a message or view: all its mrkdwn and rich_text, and the message's `text`."""
    del blocks
    return pings(text)
