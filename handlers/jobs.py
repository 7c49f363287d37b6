"""The clock: a tick is an incoming event like any other."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

EVERY_SECONDS = 30
"""How often a tick looks for what has become due; a tick costs what is due, not what exists."""


def start(tick: Callable[[], None]) -> BackgroundScheduler:
    """Have `tick` called at once and then regularly, never twice at the same time.

    What is due stands in our own tables, so the scheduler remembers nothing, and a tick that was missed or that
    failed (the database was away) is not made up for: the next one finds the same things due.
    """
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(tick, id="first tick", misfire_grace_time=None)
    scheduler.add_job(tick, "interval", seconds=EVERY_SECONDS, max_instances=1, coalesce=True, id="tick")
    scheduler.start()
    return scheduler
