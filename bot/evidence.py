"""Evidence: what an entry points at, and what must not be kept of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from bot import evidence_links, redaction
from storage import entries
from storage.db import add_once
from storage.models import AllowedSecret, Entry, Evidence

PATTERNS = "link_patterns"
"""Under this name the composition root gives each session a team's own patterns (`Database.carry`)."""


def masked(session: Session, team_id: str, text: str) -> redaction.Masked:
    """The text with its likely secrets masked, but for those that somebody said are none."""
    found = redaction.mask(text, salt=team_id)
    if not found.findings:
        return found
    allowed = set(session.exec(select(AllowedSecret.fingerprint).where(AllowedSecret.team_id == team_id)))
    return redaction.mask(text, allowed, salt=team_id) if allowed else found


def allow(session: Session, team_id: str, text: str, *, by: str, now: datetime) -> None:
    """Somebody says that what looks like secrets in this text are none; only fingerprints are kept."""
    found = redaction.mask(text, salt=team_id).findings
    allow_fingerprints(session, team_id, [finding.fingerprint for finding in found], by=by, now=now)


def allow_fingerprints(session: Session, team_id: str, fingerprints: Iterable[str], *, by: str, now: datetime) -> None:
    """The same of what was found before; `by` is empty where nothing shall tell who said so."""
    for fingerprint in set(fingerprints):
        row = AllowedSecret(team_id=team_id, fingerprint=fingerprint, allowed_by=by, allowed_at=now)
        add_once(session, row, "team_id", "fingerprint")


def collect(session: Session, entry: Entry, *, by: str | None, now: datetime, is_new: bool = False) -> None:
    """Have the evidence of an entry be the links that stand in its text, each of its kind and once."""
    found = links(session, entry.text)
    for link in found:
        _add(session, entry, link, by=by, now=now)
    if not is_new:
        entries.drop_evidence(session, entry.id, but=[link.url for link in found])


def links(session: Session, text: str) -> Iterable[evidence_links.Link]:
    """The links of a Slack text, recognised by the team's patterns and ours."""
    if "://" not in text:
        return []
    return evidence_links.links(text, patterns=session.info.get(PATTERNS))


def _add(session: Session, entry: Entry, link: evidence_links.Link, *, by: str | None, now: datetime) -> None:
    digest = hashlib.sha256(link.url.encode()).hexdigest()[:32]
    row = Evidence(
        team_id=entry.team_id,
        incident_id=entry.incident_id,
        entry_id=entry.id,
        source_key=f"{entry.id}:{digest}",
        url=link.url,
        label=link.label,
        kind=link.kind,
        added_by=by,
        added_at=now,
    )
    add_once(session, row, "incident_id", "source_key")
