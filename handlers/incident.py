"""`/incident`: declared, marked, brought through its milestones, closed."""

from __future__ import annotations

from slack_bolt import App

from handlers import (
    incident_answers,
    incident_channel,
    incident_declare,
    incident_marks,
    incident_milestones,
    incident_records,
)
from handlers.incident_base import incident

__all__ = ["incident", "register"]


def register(app: App) -> None:
    """Hook in what belongs to `/incident`; the command itself is hooked in before everything else."""
    for part in (
        incident_declare,
        incident_channel,
        incident_marks,
        incident_milestones,
        incident_records,
        incident_answers,
    ):
        part.register(app)
