"""The audit trail's rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session, col, select

from storage.db import one_at_a_time
from storage.models import AuditEntry, AuditHead


def head(session: Session, team_id: str) -> AuditHead:
    """Where the trail ends, held against other writers until the transaction ends."""
    one_at_a_time(session, f"audit of {team_id}")
    there = session.get(AuditHead, team_id, populate_existing=True)
    return there or AuditHead(team_id=team_id, number=0, digest="")


def heads(session: Session) -> list[AuditHead]:
    return list(session.exec(select(AuditHead).order_by(AuditHead.team_id)))


def teams(session: Session) -> list[str]:
    """The workspaces that have a trail, or the end of one."""
    with_entries = set(session.exec(select(AuditEntry.team_id).distinct()))
    return sorted(with_entries | {head.team_id for head in heads(session)})


def trail(session: Session, team_id: str) -> Iterator[AuditEntry]:
    """All entries of a workspace, in the order they were written."""
    query = select(AuditEntry).where(AuditEntry.team_id == team_id).order_by(col(AuditEntry.id))
    yield from session.exec(query.execution_options(yield_per=500))


def about(session: Session, team_id: str, subject: str) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.team_id == team_id, AuditEntry.subject == subject)
    return list(session.exec(query.order_by(col(AuditEntry.number))))
