"""What was carried out already, so that a repeat is harmless."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from storage.db import add_once
from storage.models import Receipt


def first_time(session: Session, team_id: str, key: str, now: datetime, result: dict[str, Any] | None = None) -> bool:
    """Whether the request named `key` comes for the first time; from now on it has come."""
    receipt = Receipt(team_id=team_id, key=key, at=now, result=result or {})
    return add_once(session, receipt, "team_id", "key")[1]
