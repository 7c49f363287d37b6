"""Slack's text: what a composer makes of typing, what a reader sees, and whom it notifies.

Source: docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Json = dict[str, Any]
EVERYBODY = ("here", "channel", "everyone")


def escape(text: str) -> str:
    """`&`, `<` and `>` as entities: all that Slack asks for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# -- typing ------------------------------------------------------------------------------


def from_composer(text: str, users: Mapping[str, str], channels: Mapping[str, str]) -> tuple[str, list[Json]]:
    """What a person types -> the message's `text` and `blocks` (one rich_text block; none for no text).

    `users` maps names (without @) to ids of users or user groups (`S...`), `channels` names (without #) to
    ids. `*bold* _italic_ ~strike~`, code, quotes and lists become what Slack's composer makes of them; links
    are those with `http://` or `https://`, and mail addresses; emoji stay in colon form.
    """
    typed = _Composer(users, channels)
    pieces = [_piece(kind, lines, typed) for kind, lines in _paragraphs(text)]
    elements = [element for piece in pieces for element in piece.elements]
    blocks: list[Json] = [{"type": "rich_text", "elements": elements}] if elements else []
    return "\n".join(piece.text for piece in pieces), blocks


@dataclass(frozen=True)
class _Composer:
    users: Mapping[str, str]
    channels: Mapping[str, str]


@dataclass(frozen=True)
class _Inline:
    """A run of text: as Slack stores it, and as elements of rich text."""

    text: str = ""
    elements: list[Json] = field(default_factory=list)

    def __add__(self, other: _Inline) -> _Inline:
        if self.elements and other.elements and _same_style(self.elements[-1], other.elements[0]):
            joined = self.elements[-1] | {"text": self.elements[-1]["text"] + other.elements[0]["text"]}
            return _Inline(self.text + other.text, [*self.elements[:-1], joined, *other.elements[1:]])
        return _Inline(self.text + other.text, self.elements + other.elements)


def _same_style(one: Json, other: Json) -> bool:
    return one["type"] == other["type"] == "text" and one.get("style") == other.get("style")


_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_LINES = {
    "quote": re.compile(r"> ?(.*)"),
    "bullet": re.compile(r"[-*•] (.+)"),
    "ordered": re.compile(r"\d+\. (.+)"),
}


def _paragraphs(text: str) -> Iterator[tuple[str, list[str]]]:
    """The text's parts with their kind: preformatted, quote, bullet, ordered or section."""
    last = 0
    for fence in _FENCE.finditer(text):
        yield from _line_groups(text[last : fence.start()].removesuffix("\n"))
        yield "preformatted", [fence[1]]
        last = fence.end() + (text[fence.end() : fence.end() + 1] == "\n")
    yield from _line_groups(text[last:])


def _line_groups(text: str) -> Iterator[tuple[str, list[str]]]:
    if not text:
        return
    group: list[str] = []
    group_kind = ""
    for line in text.split("\n"):
        kind = next((kind for kind, shape in _LINES.items() if shape.fullmatch(line)), "section")
        if group and kind != group_kind:
            yield group_kind, group
            group = []
        group_kind = kind
        group.append(line)
    yield group_kind, group


def _piece(kind: str, lines: list[str], typed: _Composer) -> _Inline:
    if kind == "preformatted":
        code = [{"type": "text", "text": lines[0]}]
        return _Inline(f"```{escape(lines[0])}```", [{"type": "rich_text_preformatted", "elements": code}])
    if kind == "section":
        inline = _inline("\n".join(lines), typed)
        return _Inline(inline.text, [{"type": "rich_text_section", "elements": inline.elements}])
    inside = [_inline(match[1], typed) for line in lines if (match := _LINES[kind].fullmatch(line))]
    if kind == "quote":
        quoted = _inline("\n".join(line[1:].removeprefix(" ") for line in lines), typed)
        text = "\n".join(f"&gt; {line.text}".rstrip() for line in inside)
        return _Inline(text, [{"type": "rich_text_quote", "elements": quoted.elements}])
    marks = [f"{number}. " if kind == "ordered" else "• " for number in range(1, len(inside) + 1)]
    items = [{"type": "rich_text_section", "elements": line.elements} for line in inside]
    text = "\n".join(mark + line.text for mark, line in zip(marks, inside, strict=True))
    return _Inline(text, [{"type": "rich_text_list", "style": kind, "indent": 0, "border": 0, "elements": items}])


_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
_URL = r"https?://[^\s<>|`]*[^\s<>|`.,;:!?'\")\]}*_~]"
_MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_TOKEN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    rf"|(?P<url>{_URL})"
    rf"|(?P<mail>{_MAIL})"
    r"|(?<![\w@#/])(?P<sigil>[@#])(?=\w)"
    r"|(?<![\w:]):(?P<emoji>[a-z0-9_+'-]+):(?![\w:])"
    r"|(?<![\w*_~])(?P<mark>[*_~])(?=\S)"
)


def _inline(text: str, typed: _Composer, style: Json | None = None) -> _Inline:
    made = _Inline()
    position = 0
    while match := _TOKEN.search(text, position):
        read = _READERS[str(match.lastgroup)](match, typed, style or {})
        if read is None:  # looks like something, but is plain
            made += _plain(text[position : match.end()], style)
            position = match.end()
        else:
            piece, end = read
            made = made + _plain(text[position : match.start()], style) + piece
            position = end
    return made + _plain(text[position:], style)


def _plain(text: str, style: Json | None) -> _Inline:
    return _Inline(escape(text), [_styled({"type": "text", "text": text}, style or {})]) if text else _Inline()


def _styled(element: Json, style: Json) -> Json:
    return element | ({"style": style} if style else {})


_Read = tuple[_Inline, int] | None


def _code(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    del typed
    element = {"type": "text", "text": match["code"], "style": style | {"code": True}}
    return _Inline(f"`{escape(match['code'])}`", [element]), match.end()


def _link(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    del typed
    return _Inline(f"<{escape(match[0])}>", [_styled({"type": "link", "url": match[0]}, style)]), match.end()


def _mail(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    del typed
    element = {"type": "link", "url": f"mailto:{match[0]}", "text": match[0]}
    return _Inline(f"<mailto:{match[0]}|{match[0]}>", [_styled(element, style)]), match.end()


def _emoji(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    del typed
    return _Inline(match[0], [_styled({"type": "emoji", "name": match["emoji"]}, style)]), match.end()


def _mention(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    names = typed.channels if match["sigil"] == "#" else {name: name for name in EVERYBODY} | {**typed.users}
    rest = match.string[match.end() :]
    fitting = [name for name in names if re.match(re.escape(name) + r"(?![\w-]|\.\w)", rest, re.IGNORECASE)]
    if not fitting:
        return None
    name = max(fitting, key=len)
    text, element = _mentioned(match["sigil"], name, names[name])
    return _Inline(text, [_styled(element, style)]), match.end() + len(name)


def _mentioned(sigil: str, name: str, ident: str) -> tuple[str, Json]:
    if sigil == "#":
        return f"<#{ident}|{escape(name)}>", {"type": "channel", "channel_id": ident}
    if ident in EVERYBODY:
        return f"<!{ident}>", {"type": "broadcast", "range": ident}
    if ident.startswith("S"):
        return f"<!subteam^{ident}|@{escape(name)}>", {"type": "usergroup", "usergroup_id": ident}
    return f"<@{ident}>", {"type": "user", "user_id": ident}


def _style(match: re.Match[str], typed: _Composer, style: Json) -> _Read:
    mark = match["mark"]
    closing = re.compile(rf"[^\n]*?[^\s]{re.escape(mark)}(?!\w)").match(match.string, match.end())
    inside = closing[0][:-1] if closing else ""
    if not closing or not inside.strip(mark) or "`" in inside:
        return None
    inner = _inline(inside, typed, style | {_STYLES[mark]: True})
    return _Inline(f"{mark}{inner.text}{mark}", inner.elements), closing.end()


_READERS: dict[str, Callable[[re.Match[str], _Composer, Json], _Read]] = {
    "code": _code,
    "url": _link,
    "mail": _mail,
    "sigil": _mention,
    "emoji": _emoji,
    "mark": _style,
}


# -- reading ------------------------------------------------------------------------------

_BRACKETS = re.compile(r"<([^<>\n]+)>")


def readable(text: str, *, names: Mapping[str, str], zone: str, now: datetime | None = None) -> str:
    """Slack text as a person reads it; `names` maps ids to names, `zone` is the reader's IANA zone.

    Mentions, channels, links and dates are as Slack shows them in English, with a 12-hour clock; the marks of
    bold and the like stay. With `now` (aware) dates are told as Slack does ("today", no year within six
    months); without it they are told in full.
    """
    reader = _Reader(names, ZoneInfo(zone), now)
    last, made = 0, ""
    for match in _BRACKETS.finditer(text):
        made += unescape(text[last : match.start()]) + reader.bracket(match[1])
        last = match.end()
    return made + unescape(text[last:])


def date_text(timestamp: int, template: str, *, zone: str, now: datetime | None = None, fallback: str = "") -> str:
    """A date with Slack's tokens (`{date_short} at {time}`) as an English client in `zone` shows it."""
    try:
        at = datetime.fromtimestamp(timestamp, UTC).astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError, OSError):  # a time that no client can show
        return fallback
    return re.sub(r"\{(\w+)\}", lambda token: _token(token, at, now and now.astimezone(at.tzinfo)), template)


@dataclass(frozen=True)
class _Reader:
    names: Mapping[str, str]
    zone: ZoneInfo
    now: datetime | None

    def bracket(self, inside: str) -> str:
        target, bar, label = inside.partition("|")
        if target.startswith("!date^"):
            return self._date(target, unescape(label))
        if target[:1] in {"@", "#"}:
            return target[0] + self.names.get(target[1:], unescape(label).removeprefix(target[0]) or target[1:])
        if target.startswith("!subteam^"):
            ident = target.removeprefix("!subteam^")
            return "@" + self.names.get(ident, unescape(label).removeprefix("@") or ident)
        if target.startswith("!"):
            return "@" + target[1:]
        return unescape(label if bar and label else target.removeprefix("mailto:"))

    def _date(self, target: str, fallback: str) -> str:
        parts = target.split("^")
        if len(parts) not in {3, 4} or not re.fullmatch(r"-?\d+", parts[1]):
            return fallback
        template = unescape(parts[2])
        return date_text(int(parts[1]), template, zone=self.zone.key, now=self.now, fallback=fallback)


def _token(token: re.Match[str], at: datetime, now: datetime | None) -> str:
    shape = _SHAPES.get(token[1])
    if shape is None:
        return token[0]
    day = _near_day(at, now) if token[1].endswith("_pretty") else None
    if day:
        return day.capitalize() if token.start() == 0 else day
    return shape(at, now)


def _near_day(at: datetime, now: datetime | None) -> str | None:
    days = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    return days.get((at.date() - now.date()).days) if now else None


def _year(at: datetime, now: datetime | None) -> str:
    """The year is left out within six months of now."""
    return "" if now and abs(at - now) < timedelta(days=182) else f", {at.year}"


def _ordinal(day: int) -> str:
    suffix = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def _long(at: datetime, now: datetime | None) -> str:
    return f"{at:%B} {_ordinal(at.day)}{_year(at, now)}"


def _clock(at: datetime, now: datetime | None) -> str:
    del now
    return f"{at.hour % 12 or 12}:{at:%M} {at:%p}"


def _clock_seconds(at: datetime, now: datetime | None) -> str:
    del now
    return f"{at.hour % 12 or 12}:{at:%M:%S} {at:%p}"


def _ago(at: datetime, now: datetime | None) -> str:
    if now is None:
        return f"{_long(at, now)} at {_clock(at, now)}"
    seconds = int(abs((now - at).total_seconds()))
    size, unit = next(
        ((size, unit) for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")) if seconds >= size),
        (1, "second"),
    )
    amount = seconds // size
    told = f"{amount} {unit}{'' if amount == 1 else 's'}"
    return f"in {told}" if at > now else f"{told} ago"


_SHAPES: dict[str, Callable[[datetime, datetime | None], str]] = {
    "date_num": lambda at, _: f"{at:%Y-%m-%d}",
    "date_slash": lambda at, _: f"{at:%m/%d/%Y}",
    "date": _long,
    "date_pretty": _long,
    "day_divider_pretty": lambda at, now: f"{at:%A}, {_long(at, now)}",
    "date_short": lambda at, now: f"{at:%b} {at.day}{_year(at, now)}",
    "date_short_pretty": lambda at, now: f"{at:%b} {at.day}{_year(at, now)}",
    "date_long": lambda at, now: f"{at:%A}, {_long(at, now)}",
    "date_long_pretty": lambda at, now: f"{at:%A}, {_long(at, now)}",
    "date_long_full": lambda at, _: f"{at:%A}, {_long(at, None)}",
    "time": _clock,
    "time_secs": _clock_seconds,
    "ago": _ago,
}


def rich_text_lines(block: Json, *, names: Mapping[str, str], zone: str) -> list[str]:
    """A rich_text block as a person reads it, line by line: `• item`, `1. item`, `> quoted`."""
    return [line for element in block["elements"] for line in _rich_lines(element, names, zone)]


def _rich_lines(element: Json, names: Mapping[str, str], zone: str) -> list[str]:
    if element["type"] == "rich_text_list":
        start = element.get("offset", 0) + 1
        items = ["".join(_rich_lines(item, names, zone)) for item in element["elements"]]
        indent = "  " * element.get("indent", 0)
        ordered = element["style"] == "ordered"
        return [f"{indent}{f'{n}.' if ordered else '•'} {item}" for n, item in enumerate(items, start)]
    text = "".join(_rich_inline(inline, names, zone) for inline in element["elements"])
    mark = "> " if element["type"] == "rich_text_quote" else ""
    return [mark + line for line in text.split("\n")]


def _rich_inline(inline: Json, names: Mapping[str, str], zone: str) -> str:
    match inline["type"]:
        case "emoji":
            return f":{inline['name']}:"
        case "user" | "usergroup" | "channel":
            ident = str(inline[f"{inline['type']}_id"])
            return ("#" if inline["type"] == "channel" else "@") + names.get(ident, ident)
        case "broadcast":
            return f"@{inline['range']}"
        case "date":
            return date_text(inline["timestamp"], inline["format"], zone=zone, fallback=inline.get("fallback", ""))
    return str(inline.get("text") or inline.get("url") or inline.get("value") or "")


# -- notifying ------------------------------------------------------------------------------

_PING = re.compile(r"<(?:@([UW]\w+)|!subteam\^(\w+)|!(here|channel|everyone|group))(?:\|[^<>]*)?>")
_BARE = re.compile(r"(?<![\w@.])@(here|channel|everyone|group)(?!\w)")


def pings(text: str, *, parsed: bool = False) -> set[str]:
    """Who is notified by this text: ids of users and user groups, "here", "channel", "everyone".

    `parsed` says that Slack looks for a bare `@here` as well: in `text` with `link_names`, and in mrkdwn
    objects without `verbatim`. Code is no protection.
    """
    found = {ident for match in _PING.findall(text) for ident in match if ident}
    found |= set(_BARE.findall(text)) if parsed else set()
    return {"channel" if ident == "group" else ident for ident in found}


def pings_of_blocks(blocks: Sequence[Json], text: str = "") -> set[str]:
    """Who is notified by a message or view: all its mrkdwn, markdown and rich text, and its `text`."""
    return pings(text).union(*map(_pings_of, blocks))


def _pings_of(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_pings_of, node))
    if not isinstance(node, dict):
        return set()
    kind = node.get("type")
    if kind in {"mrkdwn", "markdown"}:
        return pings(str(node.get("text", "")), parsed=node.get("verbatim") is not True)
    told = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}.get(str(kind))
    if told:
        return {str(node.get(told))}
    return set().union(*map(_pings_of, node.values()))
