"""What the library looks through, and the rows that figures are counted from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from storage.models import (
    ActionItem,
    Answer,
    Entry,
    Factor,
    Incident,
    Milestone,
    Participant,
    Retrospective,
    RetroStatus,
)
from storage.visibility import visible


def incidents(session: Session, team_id: str, user_id: str) -> list[Incident]:
    """Every incident that a person may know of, newest first."""
    return list(session.exec(select(Incident).where(visible(team_id, user_id)).order_by(col(Incident.number).desc())))


def retrospectives(session: Session, incident_ids: Iterable[int]) -> dict[int, Retrospective]:
    query = select(Retrospective).where(col(Retrospective.incident_id).in_(list(incident_ids)))
    return {row.incident_id: row for row in session.exec(query)}


def texts(session: Session, team_id: str, user_id: str, spellings: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Incident id, what it is, and the text, wherever one of the spellings occurs in what belongs to an incident.

    Of what the person may see: of a retrospective only once it is published, of the timeline what was marked.
    """
    may_see = visible(team_id, user_id)
    published = col(Retrospective.status) == RetroStatus.PUBLISHED
    of_retro = col(Retrospective.incident_id) == col(Incident.id)
    answers = (
        select(col(Incident.id), col(Answer.text))
        .join(Retrospective, of_retro)
        .join(Answer, col(Answer.retrospective_id) == col(Retrospective.id))
        .where(may_see, published, _holds(col(Answer.text), spellings))
    )
    yield from ((number, "answer", text) for number, text in session.exec(answers))
    for column in (col(Factor.statement), col(Factor.another_view)):
        query = (
            select(col(Incident.id), column)
            .join(Retrospective, of_retro)
            .join(Factor, col(Factor.retrospective_id) == col(Retrospective.id))
            .where(may_see, published, col(Factor.withdrawn_at).is_(None), _holds(column, spellings))
        )
        yield from ((number, "factor", text) for number, text in session.exec(query))
    for column in (col(ActionItem.what), col(ActionItem.success_criteria)):
        query = (
            select(col(Incident.id), column)
            .join(ActionItem, col(ActionItem.incident_id) == col(Incident.id))
            .where(may_see, _holds(column, spellings))
        )
        yield from ((number, "action", text) for number, text in session.exec(query))
    lines = (
        select(col(Incident.id), col(Entry.text))
        .join(Entry, col(Entry.incident_id) == col(Incident.id))
        .where(
            may_see, col(Entry.is_marked).is_(True), col(Entry.deleted_at).is_(None), _holds(col(Entry.text), spellings)
        )
    )
    yield from ((number, "timeline", text) for number, text in session.exec(lines))


def _holds(column: Any, spellings: Sequence[str]) -> ColumnElement[bool]:
    lowered = func.lower(column)
    return or_(*(lowered.contains(spelling, autoescape=True) for spelling in spellings))


# --- figures ---------------------------------------------------------------------------------------------


def milestones(session: Session, incident_ids: Iterable[int]) -> dict[int, dict[str, datetime]]:
    query = select(Milestone).where(col(Milestone.incident_id).in_(list(incident_ids)))
    found: dict[int, dict[str, datetime]] = {}
    for row in session.exec(query):
        found.setdefault(row.incident_id, {})[row.kind] = row.at
    return found


def asked_and_answered(session: Session, retrospective_ids: Iterable[int]) -> tuple[int, int]:
    """How many participants were asked for their account, and how many gave one."""
    query = select(Participant.answered).where(col(Participant.retrospective_id).in_(list(retrospective_ids)))
    answers = list(session.exec(query))
    return len(answers), sum(answers)


def actions(session: Session, incident_ids: Iterable[int]) -> list[ActionItem]:
    query = select(ActionItem).where(col(ActionItem.incident_id).in_(list(incident_ids)))
    return list(session.exec(query.order_by(col(ActionItem.number))))


def factors(session: Session, retrospective_ids: Iterable[int]) -> list[Factor]:
    query = select(Factor).where(
        col(Factor.retrospective_id).in_(list(retrospective_ids)), col(Factor.withdrawn_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Factor.id))))
