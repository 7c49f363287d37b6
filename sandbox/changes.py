"""Word that something in the sandbox has changed, for whatever looks on: the page."""

from __future__ import annotations

import asyncio


class Changes:
    """A count of what happened. Belongs to the server's loop, as all state does."""

    def __init__(self) -> None:
        self.number = 0
        self._waiting: set[asyncio.Event] = set()

    def note(self) -> None:
        """Something has changed; whoever waits is woken."""
        self.number += 1
        for event in self._waiting:
            event.set()

    async def after(self, number: int, seconds: float) -> int:
        """The number once it is another than `number`, or as it is after so many (real) seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            if self.number == number:
                async with asyncio.timeout(seconds):
                    await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
        return self.number
