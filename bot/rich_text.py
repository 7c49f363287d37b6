"""The marks that people put into Slack texts: code, emphasis, quotes, links and emoji, told apart from the words.

What counts as a mark follows https://docs.slack.dev/messaging/formatting-message-text and how Slack shows it: a mark
stands at the edge of words and its words begin and end with no space, so that "2 * 3 * 4" and snake_case stay as they
are. Marks within marks stay as typed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from rich.emoji import Emoji, NoEmoji


class Mark(StrEnum):
    """What a piece of text is shown as."""

    PLAIN = "plain"
    CODE = "code"
    BLOCK = "block"  # code on lines of its own
    QUOTE = "quote"  # lines that began with ">"
    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    LINK = "link"


class Span(NamedTuple):
    """A piece of text without its marks."""

    mark: Mark
    text: str


_BLOCK: Final = re.compile(r"```\n?(?=\s*[^\s`])(?P<code>(?:(?!```).)+?)\n?```(?P<end>\n?)", re.DOTALL)
_QUOTES: Final = re.compile(r"(?:^> ?[^\s>].*(?:\n|\Z))+", re.MULTILINE)
_BEFORE, _AFTER = r"(?<![^\s(\[{\"'\u2014\u2013-])", r"(?![^\s.,;:!?)\]}\"'\u2014\u2013-])"


def _emphasis(name: str, mark: str) -> str:
    word = rf"[^\s{mark}`<>]"
    return rf"{_BEFORE}{mark}(?P<{name}>{word}(?:[^\n{mark}`]*{word})?){mark}{_AFTER}"


_INLINE: Final = re.compile(
    "|".join(
        (
            r"(?<!`)`(?P<code>[^`\s]|[^`\s][^`\n]*[^`\s])`(?!`)",
            r"(?P<link>\bhttps?://[^\s<>\"'`|\\^{}]*[^\s<>\"'`|\\^{}.,;:!?)\]*_~])",
            _emphasis("bold", r"\*"),
            _emphasis("italic", "_"),
            _emphasis("strike", "~"),
        )
    )
)
_EMOJI: Final = re.compile(r"(?<![\w:]):(?P<name>[a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?(?![\w:])")


def blocks(text: str) -> list[Span]:
    """The text cut into code blocks, quotes and the rest, in order; other marks are still in the latter two.

    A block and a quote keep the line break at their end.
    """
    found, place = [], 0
    for match in _BLOCK.finditer(text):
        found += [*_quotes(text[place : match.start()]), Span(Mark.BLOCK, match["code"] + match["end"])]
        place = match.end()
    return found + _quotes(text[place:])


def spans(text: str) -> list[Span]:
    """The text in pieces, in order. What is in code keeps every character; elsewhere emoji names become emoji."""
    found: list[Span] = []
    for block in blocks(text):
        if block.mark is Mark.PLAIN:
            found += inline_spans(block.text)
        else:
            found.append(Span(Mark.QUOTE, _words(block.text)) if block.mark is Mark.QUOTE else block)
    return found


def inline_spans(text: str) -> list[Span]:
    """The same without what takes lines of its own: for titles, cells and single lines."""
    found, place = [], 0
    for match in _INLINE.finditer(text):
        found += _plain(text[place : match.start()])
        kind = Mark(str(match.lastgroup))
        words = match[kind]
        found.append(Span(kind, words if kind in {Mark.CODE, Mark.LINK} else with_emoji(words)))
        place = match.end()
    return found + _plain(text[place:])


def words(text: str) -> str:
    """What a reader reads: the text without its marks, e.g. for a picture's label."""
    return "".join(span.text for span in spans(text))


def _words(text: str) -> str:
    return "".join(span.text for span in inline_spans(text))


def with_emoji(text: str) -> str:
    """Names of emoji (":tada:") as emoji; those that a workspace made itself stay as they are."""
    return _EMOJI.sub(lambda found: _emoji(found["name"], found[0]), text)


def _emoji(name: str, otherwise: str) -> str:
    try:
        return str(Emoji(name))
    except NoEmoji:
        return otherwise


def _plain(text: str) -> list[Span]:
    return [Span(Mark.PLAIN, with_emoji(text))] if text else []


def _quotes(text: str) -> list[Span]:
    found, place = [], 0
    for match in _QUOTES.finditer(text):
        quoted = re.sub(r"^> ?", "", match[0], flags=re.MULTILINE)
        found += [Span(Mark.PLAIN, text[place : match.start()]), Span(Mark.QUOTE, quoted)]
        place = match.end()
    return [span for span in (*found, Span(Mark.PLAIN, text[place:])) if span.text]
