"""The clock: a tick is an incoming event like any other."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

EVERY_SECONDS = 30
"""How often a tick looks for what has become due; a tick costs what is due, not what exists."""


def start(tick: Callable[[], None]) -> BackgroundScheduler:
    """Have `tick` called regularly, never twice at once; a tick that was missed is not made up for.

    What is due stands in our own tables, so the scheduler remembers nothing.
    """
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(tick, "interval", seconds=EVERY_SECONDS, max_instances=1, coalesce=True, id="tick")
    scheduler.start()
    return scheduler
