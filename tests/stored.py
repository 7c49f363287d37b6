"""All that a database holds, whatever tables there are."""

from __future__ import annotations

from sqlmodel import SQLModel

from storage.db import Database


def everything(db: Database) -> set[str]:
    """Every row of every table, with the table's name before it."""
    with db.reading() as session:
        return {
            f"{table.name} {tuple(row)}"
            for table in SQLModel.metadata.sorted_tables
            for row in session.connection().execute(table.select())
        }
