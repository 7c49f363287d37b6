"""`seamark db`: the database upgraded, checked and copied."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path
from shutil import which

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot import audit
from bot.errors import Refusal
from storage import migrate
from storage.db import Database


class DatabaseAway(Refusal):
    """The database does not answer; nothing was changed. Look at DATABASE_URL."""


class NoDatabase(Refusal):
    """There is no database yet, so there is nothing to look at. `seamark run` or `seamark db upgrade` makes it."""


class BackupRefused(Refusal):
    """The backup could not be made; nothing was changed."""


def existing(url: str) -> Database:
    """The database at `url`, for a command that only looks: it must not make an empty one. Raises `NoDatabase`."""
    db = Database(url)
    if db.is_sqlite and not Path(str(db.url.database)).is_file():
        raise NoDatabase(f"There is no database at {db.url.database} yet; look at DATABASE_URL. Nothing was made.")
    return db


def upgrade(url: str) -> str:
    """Run the migrations that are missing; returns what was done, in words."""
    db = Database(url)
    try:
        missing = migrate.pending(db)
        migrate.upgrade(db)
    except SQLAlchemyError as error:
        raise DatabaseAway from error
    finally:
        db.close()
    ran = f"Ran {len(missing)} migration{'s' if len(missing) > 1 else ''}."
    return ran if missing else "The database is up to date."


def check(url: str) -> list[str]:
    """What is wrong with the database, a sentence each; empty when nothing is. Raises `NoDatabase`."""
    db = existing(url)
    try:
        wrong = [f"Migration {revision} has not run: `seamark db upgrade`." for revision in migrate.pending(db)]
        wrong += [] if wrong else [f"The tables differ from the models: {change}" for change in migrate.differences(db)]
        if db.is_sqlite:
            with db.engine.connect() as connection:
                said = connection.execute(text("PRAGMA integrity_check")).scalar_one()
                broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            wrong += [f"SQLite finds the file damaged: {said}"] if said != "ok" else []
            wrong += [f"A row points at one that is not there: {row}" for row in broken]
        if not migrate.pending(db):
            with db.reading() as session:
                wrong += audit.faults(session)
    except SQLAlchemyError as error:
        raise DatabaseAway from error
    finally:
        db.close()
    return wrong


def backup(url: str, file: Path) -> str:
    """Copy the database into `file`, consistent also while it is written to. Raises `BackupRefused`, `DatabaseAway`."""
    if file.exists():
        raise BackupRefused(f"{file} is there already; nothing was written. Name a new file.")
    if not file.absolute().parent.is_dir():
        raise BackupRefused(f"There is no folder {file.parent}; nothing was written.")
    db = existing(url)
    try:
        db.reachable()
    except SQLAlchemyError as error:
        raise DatabaseAway from error
    finally:
        db.close()
    if not db.is_sqlite:
        return _dump(db, file)
    source = str(db.url.database)
    with sqlite3.connect(source) as from_, sqlite3.connect(file) as to:
        from_.backup(to)
    from_.close()
    to.close()
    return f"Copied to {file}."


def _dump(db: Database, file: Path) -> str:
    program = which("pg_dump")
    if program is None:
        raise BackupRefused("`pg_dump` is not installed here; nothing was written. Install PostgreSQL's client tools.")
    address = db.url.set(drivername="postgresql", password=None).render_as_string()
    secret = {"PGPASSWORD": str(db.url.password)} if db.url.password else {}  # an argument would be seen by all
    made = subprocess.run(  # noqa: S603 - the program is PostgreSQL's own, its arguments are ours
        [program, "--format=custom", f"--file={file}", f"--dbname={address}"],
        capture_output=True,
        text=True,
        env={**os.environ, **secret},
        check=False,
    )
    if made.returncode != 0:
        raise BackupRefused(f"`pg_dump` failed, so there is no backup: {made.stderr.strip().splitlines()[-1]}")
    return f"Dumped to {file}; `pg_restore` reads it."
