"""`seamark run`: connected until told to stop, then everything in flight is finished."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy.exc import SQLAlchemyError

from bot import app, logs, monitoring, reaching
from bot.databases import DatabaseAway
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
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        os.environ.pop(name, None)  # nothing that this process starts needs them, and Bolt would read them again
    with _only_copy(settings):
        seamark = _create(settings)
        try:
            server = _listen(seamark)
            seamark.start_background()
            way = f"HTTP on port {server.port}" if server else "Socket Mode"
            print(f"Seamark is ready: {way}, workspace {seamark.team_id}.", flush=True)  # noqa: T201 - the one line
            stop.wait()
            log.info("Stopping: finishing what is in flight.")
            if server is not None:
                server.stop()
        finally:
            seamark.stop()


def _create(settings: Settings) -> app.Seamark:
    try:
        return app.create(settings)
    except SQLAlchemyError as error:
        raise DatabaseAway from error
    except SlackApiError as error:
        raise SlackRefused(
            f"Slack refused SLACK_BOT_TOKEN ({error.response.get('error')}), so nothing was started."
            " Copy the token anew from the app's page, Install App."
        ) from error
    except (SlackClientError, OSError) as error:
        raise SlackAway(f"Nothing was started, for Slack {reaching.away(settings.slack_api_url, error)}") from error


def _listen(seamark: app.Seamark) -> HttpServer | None:
    """Begin to hear Slack: over Socket Mode (then there is no server) or over HTTP."""
    settings = seamark.settings
    if settings.socket_mode:
        try:
            seamark.connect()
        except SlackApiError as error:
            raise SlackRefused(
                f"Slack refused SLACK_APP_TOKEN ({error.response.get('error')}), so nothing was started."
                " It needs the scope connections:write; make one under Basic Information."
            ) from error
        return None
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
