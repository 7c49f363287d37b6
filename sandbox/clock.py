"""The sandbox's own time: it starts where it is told, runs with real time, and can be moved."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Aware UTC time that any thread may read and set; retries, triggers and scheduled messages follow it."""

    def __init__(self, start: datetime | None = None) -> None:
        """`start`: the moment it begins at (aware), the present one by default."""
        self._lock = threading.Lock()
        self._moment = (start or datetime.now(UTC)).astimezone(UTC)
        self._since: float | None = time.monotonic()
        self._moved: set[Callable[[], None]] = set()

    def now(self) -> datetime:
        with self._lock:
            return self._reading()

    def advance(
        self,
        delta: timedelta | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Move on by `delta` and the named units together."""
        step = (delta or timedelta()) + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        with self._lock:
            self._start_from(self._reading() + step)
        self._tell()

    def set(self, moment: datetime) -> None:
        """Move to this moment (aware), back or forth."""
        with self._lock:
            self._start_from(moment.astimezone(UTC))
        self._tell()

    def freeze(self) -> None:
        """Stand still until `run`; `advance` and `set` still move it."""
        with self._lock:
            self._moment, self._since = self._reading(), None
        self._tell()

    def run(self) -> None:
        """Go on with real time."""
        with self._lock:
            self._moment, self._since = self._reading(), time.monotonic()
        self._tell()

    def on_move(self, call: Callable[[], None]) -> None:
        """Have `call()` made, in the mover's thread, whenever somebody moves this clock."""
        self._moved.add(call)

    @property
    def stands_still(self) -> bool:
        return self._since is None

    async def reaches(self, moment: datetime) -> None:
        """Return once the clock shows `moment` or later, however it came there."""
        loop = asyncio.get_running_loop()
        moved = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(moved.set)

        self._moved.add(wake)
        try:
            while (left := (moment - self.now()).total_seconds()) > 0:
                moved.clear()
                await _wait_for(moved, None if self._since is None else left)
        finally:
            self._moved.discard(wake)

    def _reading(self) -> datetime:
        if self._since is None:
            return self._moment
        return self._moment + timedelta(seconds=time.monotonic() - self._since)

    def _start_from(self, moment: datetime) -> None:
        self._moment = moment
        if self._since is not None:
            self._since = time.monotonic()

    def _tell(self) -> None:
        for wake in tuple(self._moved):
            wake()


async def _wait_for(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
