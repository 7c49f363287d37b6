"""`seamark demo --keep FILE`: the local workspace and the bot's database in one zip, to go on with another day."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from alembic.util import CommandError

from bot import databases
from bot.errors import Refusal
from storage import migrate
from storage.db import Database

WORKSPACE, DATABASE = "workspace.json", "seamark.db"


class NotKept(Refusal):
    """That file holds no workspace; it was left as it is. Name another file with --keep."""


class CannotBeKept(Refusal):
    """The workspace could not be kept."""


@dataclass(frozen=True)
class Kept:
    """What was kept: the workspace for `Sandbox(kept=...)`, and the bot's database as the bytes of an SQLite file."""

    workspace: bytes
    database: bytes


def write(file: Path, workspace: bytes, database: Path) -> None:
    """Put `Sandbox.keep()` and an SQLite file in `file`, which holds what it held until then. Raises `CannotBeKept`."""
    part, copy = file.with_name(f"{file.name}.part"), database.with_name("kept.db")
    databases.backup(f"sqlite:///{database}", copy)
    try:
        with ZipFile(part, "w", ZIP_DEFLATED) as kept:
            kept.writestr(WORKSPACE, workspace)
            kept.write(copy, DATABASE)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CannotBeKept(f"{file} cannot be written ({error.strerror}), so the workspace was not kept.") from error


def check_place(file: Path) -> None:
    """Raises `CannotBeKept` when `file` could not be written at the end."""
    if not file.absolute().parent.is_dir():
        raise CannotBeKept(f"There is no folder {file.parent}; nothing was played. Make it, or name another file.")


def read(file: Path) -> Kept:
    """What `write` kept. Raises `NotKept` when the file is damaged, another version's, or something else."""
    try:
        with ZipFile(file) as kept:
            found = Kept(kept.read(WORKSPACE), kept.read(DATABASE))
    except (BadZipFile, KeyError, OSError) as error:
        raise not_kept(file, "it is damaged, or something else") from error
    return found


def unpack(file: Path, kept: Kept, database: Path) -> None:
    """Put the database there, if this version can go on with it. Raises `NotKept`."""
    database.write_bytes(kept.database)
    db = Database(f"sqlite:///{database}")
    try:
        with sqlite3.connect(database) as connection:
            said = connection.execute("PRAGMA quick_check").fetchone()
        connection.close()
        migrate.pending(db)
    except (sqlite3.DatabaseError, CommandError) as error:
        raise not_kept(file, "its database is damaged, or a later version's") from error
    finally:
        db.close()
    if said != ("ok",):
        raise not_kept(file, "its database is damaged")


def not_kept(file: Path, why: str) -> NotKept:
    """The refusal of a kept file, `why` in half a sentence."""
    return NotKept(f"{file} cannot be gone on with: {why}. It was left as it is; name another file with --keep.")
