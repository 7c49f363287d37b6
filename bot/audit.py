"""The audit trail: who did, saw or approved what, when; a chain of hashes for each workspace.

Each entry's digest covers the digest of the one before it, so that none can be changed, taken out, put in or
moved without every later one telling (the idea of RFC 9162's logs, without their tree).
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from storage import audit
from storage.models import AuditEntry


def record(
    session: Session,
    team_id: str,
    actor: str,
    what: str,
    subject: str,
    detail: dict[str, Any],
    now: datetime,
) -> AuditEntry:
    """Add one entry at the end of a workspace's trail.

    `what` is a verb in the past ("viewed", "changed", "approved", "published"), `subject` a kind and a number
    ("retrospective:3", "factor:12"), `detail` whatever JSON tells more, without anybody's words: those stand
    in the revisions and can be erased, the trail cannot. An account without a name is never recorded here,
    neither asked for, saved nor revised: its time would tell whose it is.
    """
    end = audit.head(session, team_id)
    entry = AuditEntry(
        team_id=team_id,
        number=end.number + 1,
        at=now.astimezone(UTC),
        actor_id=actor,
        what=what,
        subject=subject,
        detail=detail,
        previous=end.digest,
        digest="",
    )
    entry.digest = _digest(entry)
    end.number, end.digest = entry.number, entry.digest
    session.add(entry)
    session.add(end)
    session.flush()
    return entry


def _digest(entry: AuditEntry) -> str:
    told = {
        "team": entry.team_id,
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "what": entry.what,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous": entry.previous,
    }
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def faults(session: Session) -> list[str]:
    """What is wrong with the trails, a sentence for each place; empty when they are whole."""
    return [fault for team_id in audit.teams(session) for fault in _faults_of(session, team_id)]


def _faults_of(session: Session, team_id: str) -> list[str]:
    end = audit.head(session, team_id)
    trail, found, number, previous = f"The audit trail of {team_id}", [], 0, ""
    for entry in audit.trail(session, team_id):
        if entry.number > number + 1:
            found.append(f"{trail} lacks {_span(number + 1, entry.number - 1)}.")
        elif entry.number <= number:
            found.append(f"{trail} is out of order at entry {entry.number}.")
        elif entry.previous != previous:
            found.append(f"{trail} does not hold together between entries {number} and {entry.number}.")
        if entry.digest != _digest(entry):
            found.append(f"{trail} was changed at entry {entry.number}.")
        number, previous = entry.number, entry.digest
    if end.number > number:
        found.append(f"{trail} lacks {_span(number + 1, end.number)}, at its end.")
    elif (end.number, end.digest) != (number, previous):
        found.append(f"{trail} does not end where it says it does, at entry {number}.")
    return found


def _span(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"
