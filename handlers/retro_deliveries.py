"""What is done in Slack for a retrospective."""

from __future__ import annotations

from handlers.courier import Deliveries


def register(deliveries: Deliveries) -> None:
    pass
