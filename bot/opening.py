"""What the opening message, the topic and `status` tell of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from bot import people as who
from storage import entries, incidents
from storage.models import Evidence, Incident, Milestone


@dataclass(frozen=True)
class Overview:
    """The state of an incident at one moment, ready to be shown; `names` gives display names by user id."""

    incident: Incident
    milestones: Mapping[str, Milestone]
    roles: Mapping[str, str]
    evidence: list[Evidence]
    marked: int
    said: int
    names: Mapping[str, str]


def overview(session: Session, incident: Incident) -> Overview:
    return Overview(
        incident=incident,
        milestones=incidents.milestones(session, incident.id),
        roles=incidents.roles(session, incident.id),
        evidence=entries.evidence(session, incident.id),
        marked=entries.count(session, incident.id, marked=True),
        said=entries.count(session, incident.id, marked=False),
        names=who.names(session, incident.team_id),
    )
