"""`seamark run` as a process of its own, the way an operator runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import Sandbox

TOP = Path(__file__).parent.parent


class Running:
    """A bot process; `ready` is its one line on stdout, `log` what it wrote to stderr so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=TOP,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self._lines.extend(self.process.stderr)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def kill(self) -> None:
        """SIGKILL: nothing can be finished."""
        self.process.kill()
        self._end()

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self._end(seconds)

    def _end(self, seconds: float = 10) -> int:
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return status


def environment(slack: Sandbox, db_url: str, **others: str) -> dict[str, str]:
    """The environment of a bot that talks to the local Slack."""
    return {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": db_url,
        **others,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(slack: Sandbox, db_url: str, **others: str) -> Iterator[Running]:
    """A bot over Socket Mode; it is stopped at the end, if it still runs."""
    bot = Running(environment(slack, db_url, **others))
    try:
        slack.wait_for_app()
        yield bot
    finally:
        if bot.process.poll() is None:
            bot.stop()
