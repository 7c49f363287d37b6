"""What the opening message, the topic and `status` tell of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from bot import durations, incidents
from bot import people as who
from bot.durations import Durations
from storage import entries
from storage import incidents as incident_rows
from storage.models import Evidence, Incident, Milestone


@dataclass(frozen=True)
class Overview:
    """The state of an incident at one moment, ready to be shown; `names` gives display names by user id."""

    incident: Incident
    milestones: Mapping[str, Milestone]
    roles: Mapping[str, str]
    durations: Durations
    evidence: list[Evidence]
    marked: int
    said: int
    names: Mapping[str, str]

    @property
    def lead(self) -> str:
        return incidents.lead(self.incident, self.roles)


def overview(session: Session, incident: Incident) -> Overview:
    reached = incident_rows.milestones(session, incident.id)
    return Overview(
        incident=incident,
        milestones=reached,
        roles=incident_rows.roles(session, incident.id),
        durations=durations.between({kind: milestone.at for kind, milestone in reached.items()}),
        evidence=entries.evidence(session, incident.id),
        marked=entries.count(session, incident.id, marked=True),
        said=entries.count(session, incident.id, marked=False),
        names=who.names(session, incident.team_id),
    )
