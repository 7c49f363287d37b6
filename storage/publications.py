"""What a report is made of, reviews of a retrospective, and its published versions."""

from __future__ import annotations

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from storage.models import DocumentVersion, Entry, Incident, OutboxItem, Retrospective, Review


def told_elsewhere(session: Session, incident: Incident, retrospective: Retrospective | None) -> list[OutboxItem]:
    """The deliveries that announce an incident or post its brief, on its publication or where somebody had it shown."""
    key = col(OutboxItem.key)
    wanted = [key == f"open_incident:{incident.id}", key.like(f"open_incident:{incident.id}:%")]
    wanted += [key.like(f"brief:%:{incident.id}:%")]
    wanted += [key.like(f"post_brief:{retrospective.id}:%")] if retrospective is not None else []
    query = select(OutboxItem).where(OutboxItem.team_id == incident.team_id, or_(*wanted))
    return list(session.exec(query.order_by(col(OutboxItem.id))))


def lines(session: Session, incident_id: int) -> list[Entry]:
    """Every line of an incident, oldest first, with those whose message was deleted; not what was taken back."""
    query = select(Entry).where(
        Entry.incident_id == incident_id,
        or_(col(Entry.is_marked), col(Entry.via) == "message"),
        col(Entry.is_placeholder).is_(False),
    )
    return list(session.exec(query.order_by(col(Entry.happened_at), col(Entry.id))))


def last(session: Session, retrospective_id: int) -> DocumentVersion | None:
    """The version that was published last."""
    query = select(DocumentVersion).where(DocumentVersion.retrospective_id == retrospective_id)
    return session.exec(query.order_by(col(DocumentVersion.number).desc()).limit(1)).one_or_none()


def last_number(session: Session, retrospective_id: int) -> int:
    """How often it was published."""
    query = select(func.max(DocumentVersion.number)).where(DocumentVersion.retrospective_id == retrospective_id)
    return session.exec(query).one() or 0


def version(session: Session, retrospective_id: int, number: int) -> DocumentVersion | None:
    query = select(DocumentVersion).where(
        DocumentVersion.retrospective_id == retrospective_id, DocumentVersion.number == number
    )
    return session.exec(query).one_or_none()


def reviews(session: Session, retrospective_id: int) -> list[Review]:
    """Everybody who was asked to review, in the order they were asked."""
    query = select(Review).where(Review.retrospective_id == retrospective_id)
    return list(session.exec(query.order_by(col(Review.asked_at), col(Review.user_id))))


def review_of(session: Session, retrospective_id: int, user_id: str) -> Review | None:
    """Somebody's review, held against other writers until the transaction ends."""
    query = select(Review).where(Review.retrospective_id == retrospective_id, Review.user_id == user_id)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
