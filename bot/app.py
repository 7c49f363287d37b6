"""The composition root: everything that runs is put together here, and nothing happens at import."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient
from sqlalchemy.exc import SQLAlchemyError

from bot import capture as capture_rules
from bot import evidence, evidence_links, updates
from bot.nudge_cases import Team
from bot.reports import Books
from bot.settings import Settings
from handlers import (
    accounts,
    action_items,
    capture,
    channels,
    deliveries,
    digests,
    errors,
    factors,
    hiding,
    history,
    home,
    incident,
    incident_deliveries,
    jobs,
    library,
    middleware,
    nudges,
    publishing,
    publishing_deliveries,
    retro,
    retro_deliveries,
    typed_secrets,
)
from handlers.courier import Courier, Deliveries
from handlers.socket_mode import Connection
from storage import migrate, outbox, people
from storage.db import Database
from storage.models import Person

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

LISTENERS = 32
"""Threads that answer Slack. A few slow `views.open` must never hold up a mark; Bolt's own default is 5."""

SLACK_TIMEOUT = 10
"""Seconds to wait for the Web API. The SDK's default of 30 is far above the 3 s in which Slack wants an answer."""


COURIER_SILENT = timedelta(minutes=1)
"""An idle courier looks into the outbox every second."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Seamark:
    """A bot that is put together: not yet connected, its database up to date."""

    settings: Settings
    db: Database
    clock: Clock
    client: WebClient
    bolt: App
    courier: Courier
    books: Books
    team_id: str
    bot_user_id: str
    _socket: Connection | None = None
    _jobs: Any = None
    _behind: bool = False

    def connect(self) -> None:
        """Open the Socket Mode connection."""
        self._socket = Connection(
            self.bolt, self.settings.app_token, client=self.client, concurrency=LISTENERS, after_gap=self._after_gap
        )
        self._socket.open()

    def _after_gap(self) -> None:
        self._behind = True
        try:
            self._catch_up()
        except SQLAlchemyError:
            log.exception("What was missed could not be asked for yet; the next tick tries again.")

    def _catch_up(self) -> None:
        """Have fetched what was said while nobody listened."""
        with self.db.transaction() as session:
            history.catch_up(session, self.team_id, now=self.clock())
        self._behind = False

    def start_background(self) -> None:
        """Start the courier and the clock's ticks, and make up for what was missed while the bot was down."""
        with self.db.transaction() as session:
            history.put_fetch_people(session, self.team_id, now=self.clock())
        self._after_gap()
        self.courier.start()
        self._jobs = jobs.start(self.tick)

    def tick(self) -> None:
        """One tick of the clock: plan what has become due. Any number of copies may do so at once."""
        team, now = Team(self.team_id, self.settings, self.books.policy), self.clock()
        if self._behind:
            self._catch_up()
        with self.db.transaction() as session:
            updates.ask_for_due(session, self.books.policy, now=now)
        nudges.tick(self.db, team, now)
        digests.tick(self.db, team, now)

    def what_is_wrong(self) -> str | None:
        """In a sentence, what keeps this process from doing its work; None when nothing does."""
        if self._socket is not None and not self._socket.is_open():
            return "not connected to Slack"
        beat = self.courier.beat
        if beat is not None and self.clock() - beat > COURIER_SILENT:
            return "the courier has stood still for a minute"
        try:
            self.db.reachable()
        except SQLAlchemyError:
            log.exception("The database does not answer.")
            return "the database does not answer"
        return None

    def stop(self) -> None:
        """Finish what is in flight: first no more requests, then no more ticks, then the courier."""
        if self._socket is not None:
            self._socket.close()
        self.bolt.listener_runner.listener_executor.shutdown(wait=True)
        if self._jobs is not None:
            self._jobs.shutdown(wait=True)
        self.courier.stop()
        self.db.close()


def create(settings: Settings, *, clock: Clock = utc_now) -> Seamark:
    """Put a bot together: upgrade the database, greet Slack (`auth.test`), register every listener.

    Raises `SlackApiError` when Slack does not know the token, `FaultyDefinition` when a guide, the policy, the
    taxonomy or the links cannot be read.
    """
    books, patterns = Books.load(settings.guides_folder), evidence_links.patterns_of(settings.guides_folder)
    db, client = _database(settings), _client(settings)
    me = client.auth_test()
    db.carry(**{capture_rules.WORKSPACE: me["url"], evidence.PATTERNS: patterns, people.KNOWN: set()})
    with db.transaction() as session:
        own = Person(team_id=me["team_id"], user_id=me["user_id"], name=me["user"], is_bot=True, refreshed_at=clock())
        people.remember_person(session, own)
    provided = {"settings": settings, "books": books, "guides": books.guides}
    provided |= {"policy": books.policy, "taxonomy": books.taxonomy}
    bolt = _bolt(settings, client)
    middleware.register(bolt, db=db, clock=clock, **provided)
    register_features(bolt, books)
    kinds = Deliveries()
    register_deliveries(kinds)
    about_us = {"team_id": me["team_id"], "bot_user_id": me["user_id"]}
    courier = Courier(kinds, db=db, client=client, clock=clock, worker=_worker(), extras=provided | about_us)
    return Seamark(settings, db, clock, client, bolt, courier, books, str(me["team_id"]), str(me["user_id"]))


def _database(settings: Settings) -> Database:
    db = Database(settings.database_url)
    migrate.upgrade(db)
    if db.is_sqlite:
        with db.transaction() as session:
            outbox.release_leases(session)
    return db


def _client(settings: Settings) -> WebClient:
    """The courier alone decides about trying again, so the client does not."""
    return WebClient(
        token=settings.bot_token,
        base_url=settings.slack_api_url,
        timeout=SLACK_TIMEOUT,
        ssl=_trusted(),
        retry_handlers=[],
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's certificates, read once: the SDK would read them for each call, which takes some 20 ms."""
    return ssl.create_default_context()


def _bolt(settings: Settings, client: WebClient) -> App:
    return App(
        client=client,
        signing_secret=settings.signing_secret or "not used in Socket Mode",
        token_verification_enabled=False,
        process_before_response=True,
        listener_executor=ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener"),
    )


def _worker() -> str:
    """A name for this process that no other copy has, also after a restart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def register_features(bolt: App, books: Books) -> None:
    """Hook every listener into Bolt, which asks them one after the other: what comes in most is asked first."""
    incident.incident.register(bolt)
    channels.register_lines(bolt)
    for feature in (capture, errors, channels, incident, retro, accounts, action_items, nudges, library, home):
        feature.register(bolt)
    typed_secrets.register(bolt)
    factors.register(bolt, books.taxonomy)
    publishing.register(bolt, books)


def register_deliveries(kinds: Deliveries) -> None:
    for carried in (deliveries, history, incident_deliveries, retro_deliveries, publishing_deliveries):
        carried.register(kinds)
    for delivering in (nudges, digests, hiding, home):
        delivering.register_deliveries(kinds)
