"""Text put into documents so that it comes out again as the same text: Markdown, links, CSV.

Markdown follows CommonMark 0.31 with GFM's tables. What people marked as code, emphasis, quote or link is shown as
such (see `bot.rich_text`); everything else they typed stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from bot.rich_text import Mark, Span, blocks, inline_spans, spans

# Special wherever they stand. `_` only where it can open or close emphasis, so that snake_case stays readable.
# `#` only where it can begin or end a heading, which `_LINE_START` and this share.
_SPECIAL: Final = re.compile(r"[\\`*\[\]<&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|#(?=#*$)")
_LINE_START: Final = re.compile(r"\A(?:\d{1,9}(?=[.)])|(?=[+\-=>:#]))")
NO_NOTES: Final[Mapping[str, str]] = MappingProxyType({})
_ENTITIES: Final = {"<": "&lt;", "&": "&amp;", "|": "&#124;"}


class Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


def made_ready(value: object) -> Ready:
    """Whatever a template puts out, as Markdown on one line, unless it is so already."""
    return value if isinstance(value, Ready) else inline(str(value))


def paragraph(text: str) -> Ready:
    """The text as Markdown paragraphs, fenced code and quotes; its line breaks are hard ones."""
    return Ready("\n\n".join(part for block, _ in _apart(text) if (part := _part(block))))


def inline(text: str, notes: Mapping[str, str] = NO_NOTES) -> Ready:
    """The text on one line of Markdown: for headings, list items and table cells; `notes` as for `formatted`."""
    return Ready("".join(_in_line(block, notes) + line_break for block, line_break in _apart(text)))


def literal(text: str) -> Ready:
    """The text on one line of Markdown, no mark in it taken for one."""
    return Ready(_escaped(text, "<br>", _safe))


def formatted(text: str, notes: Mapping[str, str] = NO_NOTES) -> Markup:
    """The text as HTML for any element that holds words; line breaks are for `white-space: pre-wrap`.

    `notes` are words by address, to stand in brackets behind each link to it.
    """
    return Markup("").join(_element(span, notes) for span in spans(text))


def addresses(text: str) -> set[str]:
    """What the text shows as links."""
    return {span.text for span in spans(text) if span.mark is Mark.LINK and web_address(span.text)}


_TAGS: Final = {
    Mark.CODE: Markup("<code>{}</code>"),
    Mark.BLOCK: Markup('<code class="block">{}</code>'),
    Mark.QUOTE: Markup('<span class="quote">{}</span>'),
    Mark.BOLD: Markup("<strong>{}</strong>"),
    Mark.ITALIC: Markup("<em>{}</em>"),
    Mark.STRIKE: Markup("<s>{}</s>"),
}
_EMPHASIS: Final = {Mark.BOLD: "**", Mark.ITALIC: "_", Mark.STRIKE: "~~"}


def _element(span: Span, notes: Mapping[str, str]) -> Markup:
    if span.mark is Mark.LINK and (address := web_address(span.text)):
        note = notes.get(span.text)
        behind = Markup(' <span class="small">({})</span>').format(note) if note else ""
        return Markup('<a href="{}" rel="noopener noreferrer">{}</a>{}').format(address, span.text, behind)
    return _TAGS.get(span.mark, Markup("{}")).format(span.text)


def _apart(text: str) -> list[tuple[Span, str]]:
    """The text's blocks; the line break between one and the next is not its own but `<br>`."""
    found = blocks(text)
    between = [(Span(block.mark, block.text.removesuffix("\n")), block.text[-1:] == "\n") for block in found[:-1]]
    return [(block, "<br>" if ends else "") for block, ends in between] + [(block, "") for block in found[-1:]]


def _part(block: Span) -> str:
    """One block as Markdown that stands alone."""
    if block.mark is Mark.BLOCK:
        return _fenced(block.text)
    if block.mark is Mark.QUOTE:
        return "> " + _escaped(block.text, "\\\n> ", _shown)
    return _escaped(block.text, "\\\n", _shown)


def _fenced(code: str) -> str:
    """A blank line gets a space, since the documents' templates own the blank lines."""
    lines = [line if line.strip() else " " for line in code.split("\n")]
    return "\n".join(("```", *lines, "```"))


def _in_line(block: Span, notes: Mapping[str, str]) -> str:
    if block.mark is Mark.BLOCK:
        return "<br>".join(_kept_code(line) for line in block.text.split("\n"))
    quoted = block.mark is Mark.QUOTE
    shown = partial(_shown, notes=notes)
    return _escaped(block.text, "<br>\\> " if quoted else "<br>", shown, first="\\> " if quoted else "")


def _kept_code(line: str) -> str:
    before, code, after = _split(line)
    return _kept(before) + (_code(code) if code else "") + _kept(after)


def _code(code: str) -> str:
    """A code span; as HTML where a table's bar or a backtick would end it."""
    return f"<code>{_safe(code)}</code>" if set(code) & set("`|") else f"`{code}`"


def _escaped(text: str, line_break: str, write: Callable[[str], str], first: str = "") -> str:
    before, lines, after = _split(text)
    written = (_line(line, write) for line in lines.split("\n"))
    return _kept(before) + first + line_break.join(written) + _kept(after)


def _line(line: str, write: Callable[[str], str]) -> str:
    before, words, after = _split(line)
    # Only what is written tells how the line begins: the name of an emoji began it with a colon.
    return _kept(before) + _LINE_START.sub(r"\g<0>\\", write(words)) + _kept(after)


def _safe(words: str) -> str:
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0]) or f"\\{found[0]}", words)


def _shown(words: str, notes: Mapping[str, str] = NO_NOTES) -> str:
    """A line with its marks as Markdown's."""
    return "".join(_marked(span, notes) for span in inline_spans(words))


def _marked(span: Span, notes: Mapping[str, str]) -> str:
    if span.mark is Mark.CODE:
        return _code(span.text)
    if span.mark is Mark.LINK and web_address(span.text):
        note = notes.get(span.text)
        return f"<{span.text}> ({literal(note)})" if note else f"<{span.text}>"
    mark = _EMPHASIS.get(span.mark, "")
    return f"{mark}{_safe(span.text)}{mark}"


def _split(text: str) -> tuple[str, str, str]:
    """White space before, the rest, white space after."""
    words = text.strip()
    start = text.find(words) if words else len(text)
    return text[:start], words, text[start + len(words) :]


def _kept(space: str) -> str:
    """White space that Markdown would drop at the ends of a line, as entities."""
    return "".join(f"&#{ord(character)};" for character in space)


def web_address(url: str | None) -> str | None:
    """The address when it is one that may become a link: http or https, with a host. Otherwise None."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname else None


def destination(url: str) -> Ready:
    """A web address as a Markdown link's destination."""
    return Ready(f"<{quote(url, safe=_URL_SAFE).replace('&', '&amp;')}>")


_URL_SAFE: Final = "%/:?#@!$&'()*+,;=~-._"
_FORMULA: Final = tuple("=+-@\t\r\n'＝＋－＠")  # noqa: RUF001 - spreadsheets read the full-width ones too


def cell(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula; `uncelled` gives it back.

    As OWASP advises ("CSV injection"): a quote before what might start one, and before a quote.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def uncelled(text: str) -> str:
    """What `cell` was given."""
    return text.removeprefix("'")
