"""Entries of the timeline, their revisions, marks and evidence."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, delete, select

from storage.models import Entry, EntryRevision, Evidence, Mark


def by_id(session: Session, team_id: str, entry_id: int) -> Entry | None:
    """The entry, held against other writers until the transaction ends."""
    query = select(Entry).where(Entry.team_id == team_id, Entry.id == entry_id).with_for_update()
    return session.exec(query).one_or_none()


def by_source(session: Session, team_id: str, source_key: str) -> Entry | None:
    """The entry, held against other writers until the transaction ends."""
    query = select(Entry).where(Entry.team_id == team_id, Entry.source_key == source_key).with_for_update()
    return session.exec(query).one_or_none()


def of_incident(
    session: Session,
    incident_id: int,
    *,
    marked: bool | None = None,
    kinds: Iterable[str] | None = None,
    offset: int = 0,
    most: int | None = None,
) -> list[Entry]:
    """What can be read of an incident, oldest first; `marked=False` is all the talk that nobody marked."""
    query = select(Entry).where(Entry.incident_id == incident_id, col(Entry.deleted_at).is_(None))
    query = query.where(or_(col(Entry.is_marked), col(Entry.via) == "message"), col(Entry.is_placeholder).is_(False))
    if marked is not None:
        query = query.where(col(Entry.is_marked).is_(marked))
    if kinds is not None:
        query = query.where(col(Entry.kind).in_(list(kinds)))
    query = query.order_by(col(Entry.happened_at), col(Entry.id)).offset(offset)
    return list(session.exec(query if most is None else query.limit(most)))


def count(session: Session, incident_id: int, *, marked: bool) -> int:
    query = select(func.count()).where(Entry.incident_id == incident_id, col(Entry.deleted_at).is_(None))
    query = query.where(col(Entry.is_marked).is_(marked), col(Entry.is_placeholder).is_(False))
    return session.exec(query if marked else query.where(Entry.via == "message")).one()


def authors(session: Session, incident_id: int) -> set[str]:
    """Everyone whose words or marks are on the timeline, and nobody else."""
    query = (
        select(Entry.author_id).where(Entry.incident_id == incident_id, col(Entry.author_id).is_not(None)).distinct()
    )
    return {author for author in session.exec(query) if author}


def marks(session: Session, entry_ids: Iterable[int]) -> dict[int, list[Mark]]:
    """The marks that hold, by entry, oldest first."""
    query = select(Mark).where(col(Mark.entry_id).in_(list(entry_ids)), col(Mark.removed_at).is_(None))
    found: dict[int, list[Mark]] = {}
    for mark in session.exec(query.order_by(col(Mark.marked_at), col(Mark.id))):
        found.setdefault(mark.entry_id, []).append(mark)
    return found


def mark_by(session: Session, entry_id: int, marker_id: str, way: str) -> Mark | None:
    query = select(Mark).where(Mark.entry_id == entry_id, Mark.marker_id == marker_id, Mark.way == way)
    return session.exec(query).one_or_none()


def revisions(session: Session, entry_id: int) -> list[EntryRevision]:
    query = select(EntryRevision).where(EntryRevision.entry_id == entry_id)
    return list(session.exec(query.order_by(col(EntryRevision.changed_at), col(EntryRevision.version))))


def evidence(session: Session, incident_id: int) -> list[Evidence]:
    query = select(Evidence).where(Evidence.incident_id == incident_id)
    return list(session.exec(query.order_by(col(Evidence.added_at), col(Evidence.id))))


def erase_copies(session: Session, entry_id: int) -> None:
    """Take the words of an entry out of its revisions and evidence."""
    session.exec(update(EntryRevision).where(col(EntryRevision.entry_id) == entry_id).values(text=""))
    session.exec(delete(Evidence).where(col(Evidence.entry_id) == entry_id))
