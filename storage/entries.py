"""Entries of the timeline, their revisions, marks and evidence."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, delete, select

from storage.db import add_many_once
from storage.models import Entry, EntryRevision, Evidence, Mark


def by_id(session: Session, team_id: str, entry_id: int) -> Entry | None:
    """The entry, held against other writers until the transaction ends."""
    query = select(Entry).where(Entry.team_id == team_id, Entry.id == entry_id).with_for_update()
    return session.exec(query).one_or_none()


def by_source(session: Session, team_id: str, source_key: str) -> Entry | None:
    """The entry as it is now, held against other writers until the transaction ends."""
    query = select(Entry).where(Entry.team_id == team_id, Entry.source_key == source_key).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def by_sources(session: Session, team_id: str, source_keys: Iterable[str]) -> dict[str, Entry]:
    """Those of these entries that are there, by their keys."""
    query = select(Entry).where(Entry.team_id == team_id, col(Entry.source_key).in_(list(source_keys)))
    return {entry.source_key: entry for entry in session.exec(query)}


def add_many(session: Session, rows: list[Entry]) -> list[Entry]:
    """Add those of the rows that are not there yet; returns these, as they are in the database."""
    if not rows:
        return []
    keys = add_many_once(session, rows, "team_id", "source_key", returning="source_key")
    there = by_sources(session, rows[0].team_id, keys)
    return [there[row.source_key] for row in rows if row.source_key in there]


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
    """The marks that hold, by entry, oldest first, in whatever order they were heard of."""
    query = select(Mark).where(col(Mark.entry_id).in_(list(entry_ids)), col(Mark.removed_at).is_(None))
    found: dict[int, list[Mark]] = {}
    for mark in session.exec(query.order_by(col(Mark.changed), col(Mark.marker_id), col(Mark.way))):
        found.setdefault(mark.entry_id, []).append(mark)
    return found


def all_marks(session: Session, entry_id: int) -> list[Mark]:
    """The marks of an entry, also those that were taken away."""
    return list(session.exec(select(Mark).where(Mark.entry_id == entry_id)))


def threads(session: Session, incident_id: int) -> list[str]:
    """The `ts` of every thread of which a reply is remembered."""
    query = select(Entry.thread_ts).where(Entry.incident_id == incident_id, col(Entry.thread_ts).is_not(None))
    return [ts for ts in session.exec(query.distinct().order_by(Entry.thread_ts)) if ts]


def revisions(session: Session, entry_id: int) -> list[EntryRevision]:
    query = select(EntryRevision).where(EntryRevision.entry_id == entry_id)
    return list(session.exec(query.order_by(col(EntryRevision.changed_at), col(EntryRevision.version))))


def said_between(
    session: Session, team_id: str, channel_id: str, oldest: str, latest: str, *, thread_ts: str | None = None
) -> list[Entry]:
    """The captured messages of a channel from one `ts` to another, both included, that were not deleted.

    Without `thread_ts` those that stand in the channel itself, with it the replies in that thread.
    """
    query = select(Entry).where(
        Entry.team_id == team_id,
        Entry.channel_id == channel_id,
        Entry.via == "message",
        col(Entry.ts) >= oldest,
        col(Entry.ts) <= latest,
        col(Entry.deleted_at).is_(None),
        col(Entry.is_placeholder).is_(False),
    )
    if thread_ts is not None:
        query = query.where(Entry.thread_ts == thread_ts)
    else:
        query = query.where(or_(col(Entry.thread_ts).is_(None), col(Entry.subtype) == "thread_broadcast"))
    return list(session.exec(query))


def unmarked(session: Session, incident_id: int, *, offset: int, most: int) -> list[Entry]:
    """What was said and nobody marked, newest first."""
    query = select(Entry).where(
        Entry.incident_id == incident_id,
        Entry.via == "message",
        col(Entry.is_marked).is_(False),
        col(Entry.deleted_at).is_(None),
        col(Entry.is_placeholder).is_(False),
    )
    query = query.order_by(col(Entry.happened_at).desc(), col(Entry.id).desc()).offset(offset).limit(most)
    return list(session.exec(query))


def latest_of(session: Session, incident_id: int, via: str) -> Entry | None:
    """The latest marked entry that came in that way."""
    query = select(Entry).where(Entry.incident_id == incident_id, Entry.via == via, col(Entry.is_marked))
    return session.exec(query.order_by(col(Entry.recorded_at).desc(), col(Entry.id).desc()).limit(1)).one_or_none()


def evidence(session: Session, incident_id: int) -> list[Evidence]:
    query = select(Evidence).where(Evidence.incident_id == incident_id)
    return list(session.exec(query.order_by(col(Evidence.added_at), col(Evidence.id))))


def drop_evidence(session: Session, entry_id: int, *, but: Iterable[str] = ()) -> None:
    """Forget the evidence of an entry, except that with one of the addresses `but`."""
    session.exec(
        delete(Evidence).where(col(Evidence.entry_id) == entry_id, col(Evidence.url).not_in(list(but))),
    )


def erase_copies(session: Session, entry_id: int) -> None:
    """Take the words of an entry out of its revisions and evidence."""
    session.exec(update(EntryRevision).where(col(EntryRevision.entry_id) == entry_id).values(text=""))
    drop_evidence(session, entry_id)


def restate(session: Session, entry: Entry) -> None:
    """Have the revision that is current say what the entry says."""
    session.exec(
        update(EntryRevision)
        .where(col(EntryRevision.entry_id) == entry.id, col(EntryRevision.version) == entry.version)
        .values(text=entry.text)
    )


def move_channel(session: Session, team_id: str, old: str, new: str) -> None:
    """Slack gave a channel another id: what was said there follows."""
    key = func.replace(col(Entry.source_key), f"message:{old}:", f"message:{new}:")
    session.exec(
        update(Entry)
        .where(col(Entry.team_id) == team_id, col(Entry.channel_id) == old)
        .values(channel_id=new, source_key=key)
    )
