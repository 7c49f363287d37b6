"""Contributing factors, their evidence and their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, delete, select

from storage.models import Entry, Factor, FactorEvidence, Revision

SUBJECT = "factor"


def by_id(session: Session, team_id: str, factor_id: int) -> Factor | None:
    """The factor, held against other writers until the transaction ends."""
    query = select(Factor).where(Factor.team_id == team_id, Factor.id == factor_id).with_for_update()
    return session.exec(query).one_or_none()


def of_retrospective(session: Session, retrospective_id: int, *, withdrawn: bool = False) -> list[Factor]:
    """The factors that stand, or those that were withdrawn, in the order they were added."""
    query = select(Factor).where(Factor.retrospective_id == retrospective_id)
    query = query.where(
        col(Factor.withdrawn_at).is_not(None) if withdrawn else col(Factor.withdrawn_at).is_(None),
    )
    return list(session.exec(query.order_by(col(Factor.id))))


def evidence(session: Session, factor_ids: Iterable[int]) -> dict[int, list[FactorEvidence]]:
    """What speaks for and against, by factor, in the order of the timeline's ids."""
    query = select(FactorEvidence).where(col(FactorEvidence.factor_id).in_(list(factor_ids)))
    found: dict[int, list[FactorEvidence]] = {}
    for row in session.exec(query.order_by(col(FactorEvidence.entry_id))):
        found.setdefault(row.factor_id, []).append(row)
    return found


def set_evidence(session: Session, factor: Factor, entries: Mapping[int, bool]) -> None:
    """Replace a factor's evidence: entry id to whether it speaks against."""
    session.exec(delete(FactorEvidence).where(col(FactorEvidence.factor_id) == factor.id))
    session.add_all(
        FactorEvidence(factor_id=factor.id, entry_id=entry_id, team_id=factor.team_id, against=against)
        for entry_id, against in sorted(entries.items())
    )


def possible_evidence(session: Session, incident_id: int, entry_ids: Iterable[int]) -> set[int]:
    """Those of the ids that are lines of the incident which can be read."""
    query = select(Entry).where(
        Entry.incident_id == incident_id,
        col(Entry.id).in_(list(entry_ids)),
        col(Entry.deleted_at).is_(None),
        or_(col(Entry.is_marked), col(Entry.via) == "message"),
    )
    return {entry.id for entry in session.exec(query)}


def keep(session: Session, revision: Revision) -> None:
    session.add(revision)


def body_of_version(session: Session, factor_id: int, number: int) -> dict[str, Any] | None:
    """The whole state of a factor at that version."""
    query = select(Revision.body).where(
        Revision.subject == SUBJECT, Revision.subject_id == factor_id, Revision.number == number
    )
    body = session.exec(query).one_or_none()
    return dict(body) if body is not None else None


def revisions(session: Session, factor_id: int) -> list[Revision]:
    query = select(Revision).where(Revision.subject == SUBJECT, Revision.subject_id == factor_id)
    return list(session.exec(query.order_by(col(Revision.number))))
