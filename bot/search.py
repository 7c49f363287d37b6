"""The library: earlier incidents and published retrospectives, found by words and filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date

from sqlmodel import Session

from bot import incidents, mrkdwn
from bot import people as who
from bot.bylines import Bylines
from bot.errors import Refusal
from storage import library, retros
from storage.models import Incident, Retrospective

AROUND = 60
"""Characters shown on each side of a hit."""

DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


class NoSuchFilter(Refusal):
    """A filter is `sev:1`, `service:checkout`, `after:2026-01` or `before:2026-06-30`; nothing was searched."""


class NothingToFind(Refusal):
    """Say what to look for, e.g. `/retro search connection pool sev:1 service:checkout after:2026-01`."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for: every word must occur; `after` and `before` are days, both included."""

    words: tuple[str, ...] = ()
    severity: str | None = None
    service: str | None = None
    after: date | None = None
    before: date | None = None

    @property
    def has_filter(self) -> bool:
        return any((self.severity, self.service, self.after, self.before))


@dataclass(frozen=True)
class Hit:
    """An incident that was found; `hits` is how often the words occur, `snippet` the first place, as plain text."""

    incident: Incident
    retro: Retrospective | None
    hits: int
    snippet: str = ""
    where: str = ""


@dataclass
class _Found:
    hits: int = 0
    words: set[str] = field(default_factory=set)
    snippet: str = ""
    where: str = ""


def parse(typed: str) -> Wanted:
    """Words and filters as typed after `/retro search` (Slack text). Raises `NoSuchFilter`, `NothingToFind`."""
    words: list[str] = []
    filters: dict[str, object] = {}
    for word in mrkdwn.plain(typed, {}).split():
        name, colon, value = word.partition(":")
        read = READERS.get(name.lower()) if colon else None
        if read is None:
            words.append(word)
        else:
            filters[FIELDS[name.lower()]] = read(value)
    if not words and not filters:
        raise NothingToFind
    return Wanted(tuple(words), **filters)  # type: ignore[arg-type]  # each reader gives what its field holds


def _severity(value: str) -> str:
    try:
        return incidents.parse_severity(value)
    except incidents.NoSuchSeverity as refusal:
        raise NoSuchFilter from refusal


def _service(value: str) -> str:
    if not value:
        raise NoSuchFilter
    return value


def _first_day(value: str) -> date:
    match = DAY.fullmatch(value)
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match else _refuse()
    except ValueError as error:
        raise NoSuchFilter from error


def _last_day(value: str) -> date:
    """The last day of a year or a month, or the day itself."""
    first, match = _first_day(value), DAY.fullmatch(value)
    if match is None or match[3]:
        return first
    return date(first.year, 12, 31) if match[2] is None else _month_end(first)


def _month_end(first: date) -> date:
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _refuse() -> date:
    raise NoSuchFilter


READERS = {
    "sev": _severity,
    "severity": _severity,
    "service": _service,
    "after": _first_day,
    "since": _first_day,
    "before": _last_day,
    "until": _last_day,
}
FIELDS = {"sev": "severity", "since": "after", "until": "before"}
FIELDS |= {name: name for name in READERS if name not in FIELDS}


def search(session: Session, wanted: Wanted, *, team_id: str, user_id: str) -> list[Hit]:
    """What a person may know of and that holds every word, the most hits first, then the newest."""
    known = {one.id: one for one in library.incidents(session, team_id, user_id) if _passes(one, wanted)}
    if not wanted.words:
        begun = library.retrospectives(session, known)
        return [Hit(one, begun.get(one.id), 0) for one in known.values()]
    found = _matches(session, wanted.words, known, team_id=team_id, user_id=user_id)
    whole = {number: match for number, match in found.items() if len(match.words) == len(set(wanted.words))}
    begun = library.retrospectives(session, whole)
    hits = [Hit(known[n], begun.get(n), match.hits, match.snippet, match.where) for n, match in whole.items()]
    return sorted(hits, key=lambda hit: (-hit.hits, -hit.incident.number))


def _passes(incident: Incident, wanted: Wanted) -> bool:
    day = incident.declared_at.astimezone(UTC).date()
    services = [service.casefold() for service in incident.services]
    return (
        wanted.severity in {None, incident.severity}
        and (wanted.service is None or any(wanted.service.casefold() in service for service in services))
        and (wanted.after is None or day >= wanted.after)
        and (wanted.before is None or day <= wanted.before)
    )


def _matches(
    session: Session, words: Sequence[str], known: Mapping[int, Incident], *, team_id: str, user_id: str
) -> dict[int, _Found]:
    names = who.names(session, team_id)
    found = {number: _Found() for number in known}
    for incident in known.values():
        for where, text in _own_texts(incident):
            _look(found[incident.id], words, where, text)
    spellings = sorted({spelling for word in words for spelling in _spellings(word)})
    for number, where, stored in library.texts(session, team_id, user_id, spellings):
        if number in known:
            _look(found[number], words, where, _read(session, known[number], where, stored, names))
    return found


def _read(session: Session, incident: Incident, where: str, stored: str, names: Mapping[str, str]) -> str:
    """A text as people read it."""
    if where == "timeline":
        return mrkdwn.plain(stored, names)
    retrospective = retros.of_incident(session, incident.id) if where == "answer" else None
    return stored if retrospective is None else Bylines.of(session, retrospective).named(stored)


def _own_texts(incident: Incident) -> Iterable[tuple[str, str]]:
    yield "title", f"{incident.key} {incident.title}"
    yield "description", incident.summary
    yield "services", ", ".join(incident.services)
    yield "environment", incident.environment


def _look(match: _Found, words: Sequence[str], where: str, text: str) -> None:
    folded = text.casefold()
    for word in dict.fromkeys(words):
        count = folded.count(word.casefold())
        if count:
            match.hits += count
            match.words.add(word)
            if not match.snippet:
                match.snippet, match.where = _snippet(text, word), where


def _spellings(word: str) -> Iterable[str]:
    """How a word may stand in the database, where `lower` may know only the letters of English (SQLite).

    Entries are kept in Slack's format, in which `&`, `<` and `>` are written out.
    """
    for spelling in (word.lower(), word.upper(), word.capitalize()):
        lowered = "".join(char.lower() if char.isascii() else char for char in spelling)
        yield lowered
        yield mrkdwn.escape(lowered)


def _snippet(text: str, word: str) -> str:
    flat = " ".join(text.split())
    at = max(flat.casefold().find(word.casefold()), 0)
    start, end = max(at - AROUND, 0), at + len(word) + AROUND
    return ("… " if start else "") + flat[start:end].strip() + (" …" if end < len(flat) else "")
