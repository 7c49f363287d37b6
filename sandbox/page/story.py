"""A story that a script tells on the page: its words, its pace, and where to look."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.driver import Channel, Person

Json = dict[str, Any]

SPEEDS = (0.5, 1.0, 2.0, 4.0)


class Story:
    """Told by one thread; whoever looks at the page sets its speed, holds it, or skips to its end.

    Without a page (headless) everything returns at once.
    """

    def __init__(self, note: Callable[[], None]) -> None:
        """`note` is called whenever there is something new to show."""
        self._note = note
        self._turn = threading.Condition()
        self.visible = False  # the page sets it
        self.viewers = 0
        self.text = ""
        self.told = False
        self.over = False
        self.speed = 1.0
        self.paused = False
        self.skipped = False
        self.person = ""
        self.channel = ""

    # -- for the script

    def say(self, text: str, *, person: Person | None = None, channel: Channel | None = None) -> None:
        """Show this sentence; the page looks over this person's shoulder, at this channel, if they are given."""
        with self._turn:
            self.text, self.told, self.over = text, True, False
            self.person = person.id if person else self.person
            self.channel = channel.id if channel else self.channel
        self._note()

    def wait(self, seconds: float) -> None:
        """Let people read for so long at normal speed; longer while the story is held."""
        if not self.visible:
            return
        left = seconds
        with self._turn:
            while left > 0 and self.visible and not self.skipped:
                started = time.monotonic()
                self._turn.wait(timeout=None if self.paused else left / self.speed)
                if not self.paused:
                    left -= (time.monotonic() - started) * self.speed

    def wait_for_viewer(self, seconds: float = 60) -> bool:
        """Return once somebody has the page open or skipped the story, or after so long; whether somebody did."""
        if not self.visible:
            return False
        with self._turn:
            return self._turn.wait_for(lambda: self.viewers > 0 or self.skipped or not self.visible, timeout=seconds)

    def done(self, text: str = "The story is over: the workspace is yours.") -> None:
        """Say that nothing more comes by itself."""
        with self._turn:
            self.text, self.told, self.over, self.paused = text, True, True, False
        self._note()

    # -- for the page

    def set_pace(self, *, speed: float | None = None, paused: bool | None = None, skipped: bool | None = None) -> None:
        with self._turn:
            if speed is not None and speed in SPEEDS:
                self.speed = speed
            self.paused = self.paused if paused is None else paused
            if skipped:
                self.skipped, self.paused = True, False
            self._turn.notify_all()
        self._note()

    def joined(self, change: int) -> None:
        """So many more have the page open."""
        with self._turn:
            self.viewers += change
            self._turn.notify_all()

    def close(self) -> None:
        """The page is gone: nobody waits any more."""
        with self._turn:
            self.visible = False
            self._turn.notify_all()

    def as_json(self) -> Json | None:
        """None while nothing has been told."""
        if not self.told:
            return None
        return {
            "text": self.text,
            "over": self.over,
            "speed": self.speed,
            "paused": self.paused,
            "skipped": self.skipped,
            "person": self.person,
            "channel": self.channel,
        }
