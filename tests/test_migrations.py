"""An upgraded database has the tables of the models, on both kinds of database."""

from __future__ import annotations

from storage import migrate
from storage.db import Database


def test_upgraded_database_has_the_models_tables(db: Database) -> None:
    assert migrate.differences(db) == []
    assert migrate.pending(db) == []


def test_upgrade_again_changes_nothing(db: Database) -> None:
    migrate.upgrade(db)

    assert migrate.differences(db) == []
