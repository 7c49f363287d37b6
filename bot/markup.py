"""Text put into documents so that it comes out again as the same text: Markdown, links, CSV.

Markdown follows CommonMark 0.31 with GFM's tables. HTML needs nothing here: its templates escape by themselves.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

# Special wherever they stand. `_` only where it can open or close emphasis, so that snake_case stays readable.
_SPECIAL: Final = re.compile(r"[\\`*\[\]<&|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LINE_START: Final = re.compile(r"[+\-=>:]|(?<=\d)[.)]")
_NUMBERED: Final = re.compile(r"\d{1,9}[.)]")
_ENTITIES: Final = {"<": "&lt;", "&": "&amp;", "|": "&#124;"}


class Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


def made_ready(value: object) -> Ready:
    """Whatever a template puts out, as Markdown on one line, unless it is so already."""
    return value if isinstance(value, Ready) else inline(str(value))


def paragraph(text: str) -> Ready:
    """The text as one Markdown paragraph; its line breaks are hard ones."""
    return Ready(_escaped(text, "\\\n"))


def inline(text: str) -> Ready:
    """The text on one line of Markdown: for headings, list items and table cells."""
    return Ready(_escaped(text, "<br>"))


def _escaped(text: str, line_break: str) -> str:
    before, lines, after = _split(text)
    return _kept(before) + line_break.join(_line(line) for line in lines.split("\n")) + _kept(after)


def _line(line: str) -> str:
    before, words, after = _split(line)
    escaped = _SPECIAL.sub(lambda found: _ENTITIES.get(found[0]) or f"\\{found[0]}", words)
    if _NUMBERED.match(words) or words[:1] in set("+-=>:"):
        escaped = _LINE_START.sub(r"\\\g<0>", escaped, count=1)
    return _kept(before) + escaped + _kept(after)


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
