"""The outbox: what Seamark has decided to say, kept until it is said."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from storage.db import add_once
from storage.models import OutboxItem, OutboxState


def _pending(items: type[OutboxItem]) -> ColumnElement[bool]:
    # Written out instead of bound: only so do both databases see that the partial indexes serve.
    return col(items.state) == literal(OutboxState.PENDING.value, literal_execute=True)


_earlier = aliased(OutboxItem)
_first_of_lane = (
    select(func.min(_earlier.id))
    .where(_earlier.lane == OutboxItem.lane, _pending(_earlier))
    .correlate(OutboxItem)
    .scalar_subquery()
)
# Put together once: the courier asks these for each item, and building them takes longer than the asking.
_DUE = (
    select(OutboxItem)
    .where(
        _pending(OutboxItem),
        col(OutboxItem.not_before) <= bindparam("now"),
        or_(col(OutboxItem.leased_until).is_(None), col(OutboxItem.leased_until) <= bindparam("now")),
        OutboxItem.id == _first_of_lane,
    )
    .order_by(col(OutboxItem.not_before), col(OutboxItem.id))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_ITEM = select(OutboxItem).where(OutboxItem.id == bindparam("id")).with_for_update()
_NEXT_DUE = select(func.min(OutboxItem.not_before)).where(_pending(OutboxItem))
_WAITING = select(OutboxItem).where(
    OutboxItem.team_id == bindparam("team_id"),
    OutboxItem.lane == bindparam("lane"),
    OutboxItem.kind == bindparam("kind"),
    _pending(OutboxItem),
    col(OutboxItem.leased_until).is_(None),
)


def put(
    session: Session,
    team_id: str,
    kind: str,
    payload: dict[str, Any],
    *,
    lane: str,
    now: datetime,
    key: str | None = None,
    not_before: datetime | None = None,
) -> OutboxItem:
    """Decide to do `kind` with `payload`, after whatever was put into `lane` before.

    The same `key` again is the same decision: nothing is added. Without a key each call is its own.
    """
    item = OutboxItem(
        team_id=team_id,
        kind=kind,
        payload=payload,
        progress={},
        lane=lane,
        key=key or f"{kind}:{secrets.token_hex(12)}",
        created_at=now,
        not_before=not_before or now,
    )
    session.info["outbox"] = True
    return add_once(session, item, "team_id", "key")[0]


def put_refresh(
    session: Session, team_id: str, kind: str, payload: dict[str, Any], *, lane: str, now: datetime
) -> None:
    """Decide to bring something up to date, unless that is decided and not begun yet.

    The delivery reads the state when it runs, so one waiting refresh stands for all changes before it.
    """
    waiting = session.exec(_WAITING, params={"team_id": team_id, "lane": lane, "kind": kind})
    if not any(item.payload == payload for item in waiting):
        put(session, team_id, kind, payload, lane=lane, now=now)


def by_key(session: Session, team_id: str, key: str) -> OutboxItem | None:
    query = select(OutboxItem).where(OutboxItem.team_id == team_id, OutboxItem.key == key)
    return session.exec(query).one_or_none()


def claim(session: Session, *, worker: str, now: datetime, lease: timedelta, most: int) -> list[OutboxItem]:
    """Take up to `most` items that are due, each the first of its lane, for `lease`.

    Two workers never hold the same item: on PostgreSQL rows that another is taking are skipped, on SQLite
    writers take turns. An item whose lease has run out was left behind by a crash and is taken again.
    """
    items = list(session.exec(_DUE, params={"now": now, "most": most}))
    for item in items:
        item.leased_by, item.leased_until, item.attempts = worker, now + lease, item.attempts + 1
        session.add(item)
    return items


def held(session: Session, item_id: int, worker: str) -> OutboxItem | None:
    """The item, if `worker` still holds it; None when its lease was lost to another."""
    item = session.exec(_ITEM, params={"id": item_id}).one_or_none()
    return item if item is not None and item.leased_by == worker else None


def finish(item: OutboxItem, now: datetime) -> None:
    item.state, item.finished_at = OutboxState.DONE, now
    item.leased_by = item.leased_until = item.error = None


def put_off(item: OutboxItem, until: datetime, error: str) -> None:
    item.not_before, item.error = until, error
    item.leased_by = item.leased_until = None


def give_up(item: OutboxItem, now: datetime, error: str) -> None:
    item.state, item.finished_at, item.error = OutboxState.FAILED, now, error
    item.leased_by = item.leased_until = None


def take_up_again(item: OutboxItem, when: datetime) -> None:
    """Try once more what was given up; it knows how far it had come."""
    item.state, item.not_before, item.finished_at = OutboxState.PENDING, when, None
    item.leased_by = item.leased_until = None


def next_due(session: Session) -> datetime | None:
    """When the next item becomes due; None when nothing waits."""
    return session.exec(_NEXT_DUE).one()


def counts(session: Session) -> dict[str, int]:
    """How many items are in each state."""
    query = select(OutboxItem.state, func.count()).group_by(OutboxItem.state)
    return {str(state): count for state, count in session.exec(query)}


def failed(session: Session, *, most: int = 20) -> list[OutboxItem]:
    query = select(OutboxItem).where(OutboxItem.state == OutboxState.FAILED).order_by(col(OutboxItem.id).desc())
    return list(session.exec(query.limit(most)))


def release_leases(session: Session) -> None:
    """Give back what a crashed process held; only where no other copy can be running."""
    pending = (_pending(OutboxItem), col(OutboxItem.leased_by).is_not(None))
    session.exec(update(OutboxItem).where(*pending).values(leased_by=None, leased_until=None))
