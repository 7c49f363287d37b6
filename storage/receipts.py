"""What was carried out already, so that a repeat is harmless."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from storage.db import add_once
from storage.models import Receipt


def first_time(session: Session, team_id: str, key: str, now: datetime, result: dict[str, Any] | None = None) -> bool:
    """Whether the request named `key` comes for the first time; from now on it has come."""
    receipt = Receipt(team_id=team_id, key=key, at=now, result=result or {})
    return add_once(session, receipt, "team_id", "key")[1]


def just_came(session: Session, team_id: str, key: str, now: datetime, *, within: timedelta) -> bool:
    """Whether a request named `key` came `within` so long before `now`; the latest that did not is remembered."""
    if first_time(session, team_id, key, now):
        return False
    receipt = session.get_one(Receipt, (team_id, key), with_for_update=True, populate_existing=True)
    if now - receipt.at < within:
        return True
    receipt.at = now
    session.add(receipt)
    return False


def take(session: Session, team_id: str, key: str) -> dict[str, Any]:
    """What was kept under `key`, once: it is gone afterwards; empty when it was taken already."""
    receipt = session.get(Receipt, (team_id, key), with_for_update=True)
    kept = dict(receipt.result) if receipt else {}
    if receipt is not None:
        receipt.result = {}
        session.add(receipt)
    return kept


def has_come(session: Session, team_id: str, key: str) -> bool:
    """Whether the request named `key` came before; only looks."""
    return session.get(Receipt, (team_id, key)) is not None
