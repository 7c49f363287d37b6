"""Bringing a database to the tables of this version."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

import storage.models  # noqa: F401 - fills the metadata
from storage.db import Database

_MIGRATING = 7_301_976  # any number that is ours: PostgreSQL's advisory lock for one migration at a time


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(db: Database) -> None:
    """Run the migrations that are missing; several copies starting at once take turns."""
    config = _config()
    with db.engine.begin() as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(db: Database) -> list[str]:
    """The revisions that `upgrade` would run, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return [script.revision for script in reversed(list(scripts.iterate_revisions("head", current)))]


def differences(db: Database) -> list[Any]:
    """What separates the database's tables from the models, in Alembic's words; empty when nothing does."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def write_revision(db: Database, message: str) -> None:
    """Generate the migration from the database as it is to the models (`make migration m="…"`)."""
    config = _config()
    number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
    with db.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/committed.db")
        upgrade(database)
        write_revision(database, sys.argv[1] or "a change of the tables")
        database.close()
