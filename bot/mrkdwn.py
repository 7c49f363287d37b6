"""Slack's text format: reading it, and writing what a person typed so that it cannot ping anybody.

Rules: https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

_TOKEN = re.compile(r"<([^<>\n]*)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


SOMEBODY = "somebody"
"""What somebody is called whose name Seamark does not know, where a mention would notify them."""


class Mentions(dict[str, str]):
    """Display names for what one reader alone sees: whoever has none there is mentioned.

    Slack shows a mention by name, and in what only one person sees it notifies nobody.
    """


def escape(typed: str) -> str:
    """Text as typed into a dialog, as Slack text in which it stays text."""
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(slack: str) -> str:
    return slack.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _replace_tokens(
    slack: str, names: Mapping[str, str], link: Callable[[str, str], str], *, dates: bool = False
) -> str:
    def token(match: re.Match[str]) -> str:
        body, _, label = match[1].partition("|")
        if body.startswith("@"):
            return _mention(names, body[1:], label)
        if body.startswith("#"):
            return "#" + (label or body[1:])
        if body.startswith("!subteam"):
            return label if label.startswith("@") else f"@{label or 'group'}"
        if body.startswith("!date"):
            return match[0] if dates else label
        if body.startswith("!"):
            return "@" + body[1:]
        return link(body, label)

    return _TOKEN.sub(token, slack)


def _mention(names: Mapping[str, str], user_id: str, label: str) -> str:
    known = names.get(user_id)
    if known is None and isinstance(names, Mentions):
        return f"<@{user_id}>"
    return "@" + escape(known or label or SOMEBODY)


def person(names: Mapping[str, str], user_id: str | None) -> str:
    """What to call somebody in Slack text: their name out of `names`, which notifies nobody."""
    if user_id and user_id not in names and isinstance(names, Mentions):
        return f"<@{user_id}>"
    return escape(names.get(user_id or "", SOMEBODY))


def plain(slack: str, names: Mapping[str, str]) -> str:
    """Slack text as a person reads it, e.g. for a document: names for mentions, labels with their links.

    `names` gives display names by user id.
    """
    return unescape(
        _replace_tokens(slack, names, lambda url, label: f"{label} ({url})" if label and label != url else url)
    )


def quiet(slack: str, names: Mapping[str, str]) -> str:
    """Slack text to be shown again by the bot: links and times stay, and no mention in it notifies anybody.

    What only one reader sees may be given `Mentions`.
    Only for text objects with `verbatim`, because Slack would otherwise look for `@channel` itself.
    """
    return _replace_tokens(slack, names, lambda url, label: f"<{url}|{label}>" if label else f"<{url}>", dates=True)


def mentioned(slack: str) -> list[str]:
    """The ids of the people named in the text, in order, each once."""
    return list(dict.fromkeys(_MENTION.findall(slack)))


def moment(at: datetime, *, day: bool = False, seconds: bool = False) -> str:
    """A time that each reader sees in their own zone; `at` is aware, the fallback is UTC."""
    time, written = ("{time_secs}", f"{at:%Y-%m-%d %H:%M:%S}") if seconds else ("{time}", f"{at:%Y-%m-%d %H:%M}")
    form = f"{{date_short_pretty}} at {time}" if day else time
    return f"<!date^{int(at.timestamp())}^{form}|{written} UTC>"


def shorten(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis when it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
