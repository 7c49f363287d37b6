"""What stands on somebody's Home tab: only what they may know of, a page of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, func, select

from storage.models import Incident, IncidentStatus, Participant, Retrospective, RetroStatus, Review
from storage.visibility import visible


@dataclass(frozen=True)
class Page:
    """Some of `total` rows, from number `at` on."""

    rows: list[tuple[Incident, Retrospective | None]]
    at: int
    total: int


def open_incidents(session: Session, team_id: str, user_id: str, *, at: int, most: int) -> Page:
    """The newest first."""
    where = (Incident.status == IncidentStatus.OPEN, visible(team_id, user_id))
    total = session.exec(select(func.count()).select_from(Incident).where(*where)).one()
    query = select(Incident).where(*where).order_by(col(Incident.number).desc()).offset(at).limit(most)
    return Page([(one, None) for one in session.exec(query)], at, total)


def waiting_retros(session: Session, team_id: str, user_id: str, *, at: int, most: int) -> Page:
    """Drafts that somebody leads or has not given their account for, and reviews they have not answered."""
    asked = select(Participant.retrospective_id).where(
        Participant.team_id == team_id, Participant.user_id == user_id, col(Participant.answered).is_(False)
    )
    to_review = select(Review.retrospective_id).where(
        Review.team_id == team_id, Review.user_id == user_id, col(Review.decision).is_(None)
    )
    waits = or_(
        and_(
            col(Retrospective.status).in_((RetroStatus.DRAFT, RetroStatus.REVIEW)),
            col(Retrospective.facilitator_id) == user_id,
        ),
        and_(col(Retrospective.status) == RetroStatus.DRAFT, col(Retrospective.id).in_(asked)),
        and_(col(Retrospective.status) == RetroStatus.REVIEW, col(Retrospective.id).in_(to_review)),
    )
    return _retros(session, team_id, user_id, waits, col(Retrospective.due_on).asc(), at, most)


def published(session: Session, team_id: str, user_id: str, *, at: int, most: int) -> Page:
    """The latest first."""
    is_out = col(Retrospective.status) == RetroStatus.PUBLISHED
    return _retros(session, team_id, user_id, is_out, col(Retrospective.published_at).desc(), at, most)


def _retros(
    session: Session,
    team_id: str,
    user_id: str,
    wanted: ColumnElement[bool],
    order: ColumnElement[Any],
    at: int,
    most: int,
) -> Page:
    where = (wanted, visible(team_id, user_id))
    joined = col(Incident.id) == col(Retrospective.incident_id)
    total = session.exec(select(func.count()).select_from(Retrospective).join(Incident, joined).where(*where)).one()
    query = select(Incident, Retrospective).join(Retrospective, joined).where(*where)
    page = query.order_by(order, col(Retrospective.id)).offset(at).limit(most)
    return Page([(incident, retro) for incident, retro in session.exec(page)], at, total)
