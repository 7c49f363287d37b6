"""How much room words take in a picture: estimated on the wide side, since nobody knows the reader's font."""

from __future__ import annotations

import unicodedata
from itertools import accumulate


def text_width(text: str, size: float) -> float:
    """About how wide the text is in a sans-serif font of that size, in the same unit."""
    return size * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in "ijlI.,:;'|!()[] ":
        return 0.34
    if character in "mwMW@%—":
        return 0.92
    return 0.68 if character.isupper() else 0.58


def fitted(text: str, width: float, size: float) -> str:
    """The text on one line, cut with an ellipsis where it would be wider than `width`."""
    words = " ".join(text.split())
    if text_width(words, size) <= width:
        return words
    room, dots = 0, _em("…")
    for taken in accumulate(map(_em, words)):
        if size * (taken + dots) > width:
            break
        room += 1
    return words[:room].rstrip() + "…"


def wrapped(text: str, width: float, size: float, most: int) -> list[str]:
    """The text on at most `most` lines, cut with an ellipsis where that is not enough."""
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fitted(line, width, size) for line in lines]
