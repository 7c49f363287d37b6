"""Evidence: what an entry points at, and what must not be kept of it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session, select

from bot import evidence_links, redaction
from storage.db import add_once
from storage.models import AllowedSecret, Entry, Evidence, Incident


def masked(session: Session, team_id: str, text: str) -> redaction.Masked:
    """The text with its likely secrets masked, but for those that somebody said are none."""
    found = redaction.mask(text)
    if not found.findings:
        return found
    allowed = set(session.exec(select(AllowedSecret.fingerprint).where(AllowedSecret.team_id == team_id)))
    return redaction.mask(text, allowed=allowed) if allowed else found


def collect(session: Session, incident: Incident, entry: Entry, *, by: str | None, now: datetime) -> None:
    """Remember the links in an entry's text as evidence of their kind; each link once an entry."""
    for link in evidence_links.links(entry.text):
        add(session, incident, link, entry=entry, by=by, now=now)


def add(
    session: Session,
    incident: Incident,
    link: evidence_links.Link,
    *,
    entry: Entry | None,
    by: str | None,
    now: datetime,
) -> Evidence:
    """Remember one link; the same one for the same entry is the same evidence."""
    digest = hashlib.sha256(link.url.encode()).hexdigest()[:32]
    row = Evidence(
        team_id=incident.team_id,
        incident_id=incident.id,
        entry_id=entry.id if entry else None,
        source_key=f"{entry.id if entry else 0}:{digest}",
        url=link.url,
        label=link.label,
        kind=link.kind,
        added_by=by,
        added_at=now,
    )
    return add_once(session, row, "incident_id", "source_key")[0]
