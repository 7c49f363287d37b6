"""Updates while an incident is on: how often one is due, and whose turn it is to give it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import incidents
from bot.policy import Policy
from storage import incidents as incident_rows
from storage import outbox
from storage.models import Incident, IncidentStatus


def schedule(session: Session, incident: Incident, policy: Policy, *, now: datetime) -> None:
    """Have the next update be due as the severity asks, counted from now; none once it is over."""
    pause = every(incident, policy)
    over = incident.status == IncidentStatus.CLOSED or "resolved" in incident_rows.milestones(session, incident.id)
    incident.update_due_at = None if over or pause is None else now + pause
    session.add(incident)


def every(incident: Incident, policy: Policy) -> timedelta | None:
    """How long an update may be old; None where the severity asks for none."""
    minutes = policy.severity(incident.severity).update_minutes
    return timedelta(minutes=minutes) if minutes else None


def ask_for_due(session: Session, policy: Policy, *, now: datetime) -> None:
    """Ask the lead of each incident whose update is due; the next one is due a period later."""
    for incident in incident_rows.updates_due(session, now):
        lead = incidents.lead(incident, incident_rows.roles(session, incident.id))
        due = incident.update_due_at
        payload = {"incident": incident.id, "user": lead}
        key = f"ask_update:{incident.id}:{due:%Y%m%dT%H%M%S}"
        outbox.put(session, incident.team_id, "ask_update", payload, lane=f"updates:{incident.id}", now=now, key=key)
        schedule(session, incident, policy, now=now)
