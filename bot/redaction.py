"""Likely secrets, masked before anything is stored. Keeps no state, so it may run in any thread."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from bot.secret_forms import formed
from bot.secret_words import Span, named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class Finding:
    """One likely secret: what it is in plain words ("a Slack token"), and its place in the original text.

    `fingerprint` recognises the same value again, see there; the value itself is nowhere in here.
    """

    kind: str
    start: int
    end: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The text with each finding replaced by `[masked: Slack token]`."""

    text: str
    findings: list[Finding]


def fingerprint(secret: str, salt: str = "") -> str:
    """HMAC-SHA-256 of a value, in hex; a secret `salt` keeps short values from being guessed by trying."""
    return hmac.new(salt.encode(), secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def in_words(found: Iterable[Finding]) -> str:
    """What was found, each kind once: "a Slack token, an AWS key"."""
    return ", ".join(sorted({finding.kind for finding in found}))


def mask(text: str, allowed: Collection[str] = (), *, salt: str = "") -> Masked:
    """Replace likely secrets in Slack text, but for those whose fingerprint under `salt` is in `allowed`."""
    findings, parts, at = [], [], 0
    lower = text.translate(_ASCII_LOWER)
    for span in _merged(chain(formed(text, lower), named(text, lower))):
        known_as = fingerprint(text[span.start : span.end], salt)
        if known_as in allowed:
            continue
        findings.append(Finding(span.kind, span.start, span.end, known_as))
        parts += [text[at : span.start], f"[masked: {span.kind.partition(' ')[2]}]"]
        at = span.end
    return Masked("".join([*parts, text[at:]]), findings)


_ASCII_LOWER: Final = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
"""Lower case that keeps every character in its place, which `str.lower` does not ("İ" becomes two)."""


def _merged(found: Iterable[Span]) -> list[Span]:
    """Overlapping spans as one, called what the surest (first found) of them is called."""
    merged: list[tuple[int, Span]] = []
    for rank, span in sorted(enumerate(found), key=lambda item: (item[1].start, item[0])):
        if not merged or span.start >= merged[-1][1].end:
            merged.append((rank, span))
            continue
        known_rank, known = merged.pop()
        kind = min((known_rank, known.kind), (rank, span.kind))[1]
        merged.append((min(rank, known_rank), Span(known.start, max(known.end, span.end), kind)))
    return [span for _, span in merged]
