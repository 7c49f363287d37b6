"""`seamark run`: connected until told to stop, then everything in flight is finished."""

from __future__ import annotations

import fcntl
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_sdk.errors import SlackApiError, SlackClientError

from bot import app, logs, monitoring
from bot.errors import Refusal
from bot.settings import Settings
from handlers.http import HttpServer
from storage.db import Database

log = logging.getLogger(__name__)


class AnotherCopyRuns(Refusal):
    """Another copy of Seamark uses this SQLite file, so this one was not started. Run several on PostgreSQL."""


class SlackRefused(Refusal):
    """Slack refused the token, so nothing was started."""


class SlackAway(Refusal):
    """Slack could not be reached, so nothing was started."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `AnotherCopyRuns`, `SlackRefused`, `SlackAway`."""
    logs.set_up(settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _only_copy(settings):
        seamark = _create(settings)
        server = _serve(seamark) if not settings.socket_mode else None
        seamark.start_background()
        if server is None:
            seamark.connect()
        way = f"HTTP on port {server.port}" if server else "Socket Mode"
        print(f"Seamark is ready: {way}, workspace {seamark.team_id}.", flush=True)  # noqa: T201 - the one line
        stop.wait()
        log.info("Stopping: finishing what is in flight.")
        if server is not None:
            server.stop()
        seamark.stop()


def _create(settings: Settings) -> app.Seamark:
    try:
        return app.create(settings)
    except SlackApiError as error:
        raise SlackRefused(
            f"Slack refused SLACK_BOT_TOKEN ({error.response.get('error')}), so nothing was started."
            " Copy the token anew from the app's page, Install App."
        ) from error
    except (SlackClientError, OSError) as error:
        raise SlackAway(
            f"Slack could not be reached at {settings.slack_api_url}, so nothing was started: {error}"
        ) from error


def _serve(seamark: app.Seamark) -> HttpServer:
    settings = seamark.settings
    server = HttpServer(
        seamark.bolt,
        host=settings.host,
        port=settings.port,
        threads=app.LISTENERS,
        healthy=seamark.what_is_wrong,
        metrics=lambda: monitoring.text(seamark.db),
    )
    server.start()
    return server


@contextmanager
def _only_copy(settings: Settings) -> Iterator[None]:
    """With SQLite only one copy may run; the lock goes away with the process, however it ends."""
    db = Database(settings.database_url)
    db.close()
    if not db.is_sqlite or not db.url.database or db.url.database == ":memory:":
        yield
        return
    with Path(f"{db.url.database}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AnotherCopyRuns from error
        yield
