"""A report for a wider audience: without people, channels and links, and without names inside its texts.

What is recognised: the names of the report's people, whole and by part, with and without "@"; mail addresses;
web addresses; "#channel". A nickname that stands nowhere in the report is not, so a person reads it once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bot.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.report import Person

_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>\"']+|\bwww\.[^\s<>\"']+")
_CHANNEL: Final = re.compile(r"(?<![\w&/])#[^\W\d_][\w-]*")

# First names that are words as well: only where they are written as a name.
_WORDS: Final = """
april art august bill bob buck chance chase chip christian clay cliff dale dawn dean don drew earl faith frank gene
grace grant guy hope hunter iris ivy jack jade jay jean joy june king lance lane lily mark mason max may melody miles
mike norm olive page pat penny pierce ray rich rob robin rose ruby rusty sage sandy skip sky stone sue summer tab
victor violet wade ward will wood young
"""
_WORDS_TOO: Final = frozenset(_WORDS.split())
_LEAST_PART: Final = 3
_GUIDES_WORDS: Final = {"key", "kind", "zone", "thread", "prompt", "status", "severity", "heading", "label"}
_NOBODYS_ENTRY: Final = {"author": None, "marked_by": (), "permalink": None, "evidence": ()}


def anonymised(report: Report) -> Report:
    """The report without people, channels and links; a name in a text becomes "Participant A".

    The letters are given in the order in which names come up, so that the story can be followed; the accounts
    lose their names and are put in the order of their words.
    """
    body = _scrubbed(report.model_dump(exclude={"people"}), _scrubber(report))
    nobodys = {
        "incident": body["incident"] | {"channel": None},
        "people": (),
        "facilitator": None,
        "milestones": [milestone | {"set_by": None} for milestone in body["milestones"]],
        "timeline": [entry | _NOBODYS_ENTRY for entry in body["timeline"]],
        "accounts": sorted((account | {"person": None} for account in body["accounts"]), key=repr),
        "actions": [action | {"owner": None, "verified_by": None} for action in body["actions"]],
        "thanks": (),
        "published_by": None,
        "is_anonymised": True,
    }
    return Report.model_validate(body | nobodys)


def _scrubbed(value: Any, scrub: Callable[[str], str], field: str = "") -> Any:
    if isinstance(value, str):
        return value if field in _GUIDES_WORDS else scrub(value)
    if isinstance(value, dict):
        return {name: _scrubbed(item, scrub, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(item, scrub, field) for item in value]
    return value


def _scrubber(report: Report) -> Callable[[str], str]:
    owners: dict[str, set[str]] = {}
    for person in report.people:
        for spelling in _spellings(person):
            owners.setdefault(spelling.casefold(), set()).add(person.key)
    names = _pattern({spelling for person in report.people for spelling in _spellings(person)})
    letters: dict[str, str] = {}

    def pseudonym(found: re.Match[str]) -> str:
        known = owners[found["name"].casefold()]
        if len(known) > 1:
            return "a participant"
        return f"Participant {letters.setdefault(min(known), _letters(len(letters)))}"

    def scrub(text: str) -> str:
        text = _LINK.sub("[link]", text)
        text = _ADDRESS.sub("[address]", text)
        text = _CHANNEL.sub("[channel]", text)
        return names.sub(pseudonym, text)

    return scrub


def _spellings(person: Person) -> Iterator[str]:
    """The whole name, its longer parts, and the key where it is an id that may stand in a text."""
    yield from (spelling for spelling in (person.name.strip(), person.key) if len(spelling) >= _LEAST_PART)
    yield from (part for part in re.findall(r"\w+", person.name) if len(part) >= _LEAST_PART)


def _pattern(spellings: set[str]) -> re.Pattern[str]:
    """Any of them as a word of its own, the longest first; in any case unless it is also a common word."""
    ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    ways = [
        re.escape(spelling) if spelling.casefold() in _WORDS_TOO else f"(?i:{re.escape(spelling)})"
        for spelling in ordered
    ]
    return re.compile(rf"(?<!\w)@?(?P<name>{'|'.join(ways)})(?!\w)" if ways else r"(?P<name>(?!))")


def _letters(place: int) -> str:
    """A, B, … Z, AA, AB, …"""
    before, letter = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + letter)
