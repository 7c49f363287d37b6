"""Documents as files: what `/retro export` gives to a person, and `seamark export` to an operator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot import audit, databases, documents, reports
from bot.databases import DatabaseAway
from bot.documents import FORMS, Form
from bot.errors import Refusal
from bot.incidents import channel_name
from bot.report import Report
from bot.reports import Books
from storage import incidents, migrate
from storage.models import Incident

__all__ = ["FORMS", "File", "Wanted", "everything", "file_of", "one", "parse", "write"]

OPERATOR = "operator"
"""Who the audit trail names when a document was taken from the command line."""


class NoSuchForm(Refusal):
    """Say which: `/retro export md`, `html`, `json` or `csv`; nothing was made. `anonymised` leaves out people."""


class NothingToExport(Refusal):
    """There is no such incident in this database, so nothing was written."""


class NotUpgraded(Refusal):
    """The database is not of this version yet, so nothing was written: `seamark db upgrade` first."""


@dataclass(frozen=True)
class File:
    """A document as a file; its content is written as UTF-8."""

    name: str
    title: str
    content: str


@dataclass(frozen=True)
class Wanted:
    """What was asked for: a form, "" or an incident's name (`INC-7`), and whether without people."""

    form: Form
    incident: str = ""
    anonymised: bool = False


def parse(words: str) -> Wanted:
    """What stands after `/retro export`, in any order. Raises `NoSuchForm`."""
    form: Form | None = None
    incident, anonymised = "", False
    for word in words.lower().split():
        if word in FORMS:
            form = next(one for one in FORMS if one == word)
        elif word in {"anonymised", "anonymized", "anonymous"}:
            anonymised = True
        elif incident or not re.fullmatch(r"(?:inc[- ]?)?#?\d{1,9}", word):
            raise NoSuchForm
        else:
            incident = word
    if form is None:
        raise NoSuchForm
    return Wanted(form, incident, anonymised)


def file_of(report: Report, form: Form, *, anonymised: bool = False) -> File:
    """The document as a file; its name tells the incident, the version, and whether that is a draft."""
    made = documents.anonymised(report) if anonymised else report
    state = f"v{report.version}" if report.published_at is not None else "draft"
    parts = [report.incident.key.lower(), "retrospective", state, *(["anonymised"] if anonymised else [])]
    title = f"{report.incident.key} {', '.join(parts[1:])}"
    return File(f"{'-'.join(parts)}.{form}", title, documents.render(made, form))


# --- the command line ------------------------------------------------------------------------------------


def one(url: str, name: str, form: Form, *, folder: Path | None, now: datetime) -> str:
    """The document of the incident called `name`, e.g. `INC-3`; `folder` holds the team's own guides.

    Raises `NothingToExport`, `DatabaseAway`, `NotUpgraded`, and what is wrong with a guide.
    """
    match = re.fullmatch(r"(?:inc[- ]?)?#?(\d{1,9})", name.strip(), re.IGNORECASE)
    with _database(url) as session:
        known = incidents.every(session)
        found = [incident for incident in known if match and incident.number == int(match[1])]
        if not found:
            raise NothingToExport
        return documents.render(_report(session, found[0], Books.load(folder), now), form)


def everything(url: str, into: Path, forms: Sequence[Form], *, folder: Path | None, now: datetime) -> list[Path]:
    """Write the documents of every incident into a folder, which is made; returns what was written."""
    books = Books.load(folder)
    written = []
    with _database(url) as session:
        known = incidents.every(session)
        several = len({incident.team_id for incident in known}) > 1
        for incident in known:
            report = _report(session, incident, books, now)
            place = into / incident.team_id if several else into
            place.mkdir(parents=True, exist_ok=True)
            for form in forms:
                path = place / f"{channel_name(incident.number, incident.title)}.{form}"
                write(path, documents.render(report, form))
                written.append(path)
    return written


def write(path: Path, content: str) -> None:
    """Write a document as it is: no line end changed."""
    path.write_text(content, encoding="utf-8", newline="")


def _report(session: Session, incident: Incident, books: Books, now: datetime) -> Report:
    if incident.is_private:
        audit.record(session, incident.team_id, OPERATOR, "exported", f"incident:{incident.id}", {}, now)
    return reports.current(session, incident, books)


@contextmanager
def _database(url: str) -> Iterator[Session]:
    db = databases.existing(url)
    try:
        if migrate.pending(db):
            raise NotUpgraded
        with db.transaction() as session:
            yield session
    except SQLAlchemyError as error:
        raise DatabaseAway from error
    finally:
        db.close()
