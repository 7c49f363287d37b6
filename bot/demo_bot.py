"""The demo's bot: connected to the local Slack, with the local Slack's clock.

Headless it lives in the demo's own process; with a page it is a process of its own, as it would be anywhere.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Protocol

from bot import app
from bot.settings import Settings
from sandbox import Sandbox
from storage import outbox
from storage.db import Database

JUMP_SECONDS = 20.0
"""When the local Slack's clock jumps by more than this, the bot has a tick at once instead of in half a minute."""


class Bot(Protocol):
    """What the story needs of the bot."""

    def tick(self) -> None:
        """One tick of the clock, finished when this returns."""


@contextmanager
def inside(settings: Settings, slack: Sandbox) -> Iterator[Bot]:
    """The bot in this process; its outbox is carried after each thing that somebody does."""
    seamark = app.create(settings, clock=slack.clock.now)
    try:
        seamark.connect()
        slack.wait_for_app()
        slack.after_each(seamark.courier.drain)
        yield seamark
        slack.after_each(None)
    finally:
        seamark.stop()


@contextmanager
def beside(settings: Settings, slack: Sandbox) -> Iterator[Bot]:
    """The bot in a process of its own; after each thing that somebody does it is given time to finish."""
    bot = _Process(settings, slack)
    try:
        slack.wait_for_app(seconds=30)
        slack.after_each(bot.finish)
        yield bot
        slack.after_each(None)
    finally:
        bot.stop()


class _Process:
    def __init__(self, settings: Settings, slack: Sandbox) -> None:
        context = multiprocessing.get_context("spawn")
        self._slack, self._ended = slack, threading.Event()
        self._ahead: Synchronized[float] = context.Value("d", self._difference())
        self._line, other_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(settings, self._ahead, other_end), name="seamark")
        self._process.start()
        self._db = Database(settings.database_url)
        slack.clock.on_move(self._set_clock)
        self._follower = threading.Thread(target=self._follow, name="clock")
        self._follower.start()

    def _difference(self) -> float:
        return (self._slack.clock.now() - app.utc_now()).total_seconds()

    def _set_clock(self) -> None:
        self._ahead.value = self._difference()

    def _follow(self) -> None:
        """The local Slack's clock may stand still; this machine's does not."""
        while not self._ended.wait(0.05):
            self._set_clock()

    def tick(self) -> None:
        self._line.send("tick")
        self._line.recv()
        self.finish()

    def finish(self) -> int:
        """Wait until nothing is left in the outbox that is due, for three seconds at the most."""
        until = time.monotonic() + 3
        while time.monotonic() < until and self._is_busy():
            time.sleep(0.01)
        return 0

    def _is_busy(self) -> bool:
        with self._db.reading() as session:
            due = outbox.next_due(session)
        return due is not None and due <= self._slack.clock.now()

    def stop(self) -> None:
        self._ended.set()
        self._follower.join()
        if self._process.is_alive():
            self._line.send("stop")
        self._process.join(10)
        if self._process.is_alive():  # nothing may hold the visitor's terminal
            self._process.kill()
            self._process.join()
        self._line.close()
        self._db.close()


def _serve(settings: Settings, ahead: Synchronized[float], line: Connection) -> None:
    """The other process: serve until told to stop; a clock that jumps is a tick."""
    for ended in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they may reach both processes
        signal.signal(ended, signal.SIG_IGN)  # the first one tells this one
    seamark = app.create(settings, clock=lambda: app.utc_now() + timedelta(seconds=ahead.value))
    seamark.start_background()
    seamark.connect()
    known, asked = ahead.value, ""
    while asked != "stop":
        asked = line.recv() if line.poll(0.2) else ""
        if asked == "tick" or abs(ahead.value - known) > JUMP_SECONDS:
            known = ahead.value
            seamark.tick()
        if asked == "tick":
            line.send("done")
    seamark.stop()
