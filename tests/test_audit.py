"""The audit trail: whole, or the check says where it is not."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot import audit, databases
from storage.db import Database
from tests.conftest import MONDAY

TRAIL = "The audit trail of T1"


def write(db: Database, count: int = 5, team: str = "T1") -> None:
    for number in range(count):
        with db.transaction() as session:
            audit.record(
                session,
                team,
                "U1",
                "changed",
                f"factor:{number}",
                {"version": number, "fields": ["Über", "☃"]},
                MONDAY + timedelta(minutes=number, microseconds=number),
            )


def faults(db: Database) -> list[str]:
    with db.reading() as session:
        return audit.faults(session)


def tamper(db: Database, *statements: str) -> None:
    with db.transaction() as session:
        for statement in statements:
            session.execute(text(statement))


def test_trail_is_whole(db: Database, db_url: str) -> None:
    write(db)
    write(db, team="T2")

    assert faults(db) == []
    assert databases.check(db_url) == []


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_entry SET actor_id = 'U2' WHERE number = 3"], [f"{TRAIL} was changed at entry 3."]),
        (["UPDATE audit_entry SET detail = '{}' WHERE number = 5"], [f"{TRAIL} was changed at entry 5."]),
        (["DELETE FROM audit_entry WHERE number = 3"], [f"{TRAIL} lacks entry 3."]),
        (["DELETE FROM audit_entry WHERE number = 1"], [f"{TRAIL} lacks entry 1."]),
        (["DELETE FROM audit_entry WHERE number >= 4"], [f"{TRAIL} lacks entries 4 to 5, at its end."]),
        (["DELETE FROM audit_entry"], [f"{TRAIL} lacks entries 1 to 5, at its end."]),
        (
            [
                "UPDATE audit_entry SET number = 99 WHERE number = 2",
                "UPDATE audit_entry SET number = 2 WHERE number = 3",
                "UPDATE audit_entry SET number = 3 WHERE number = 99",
            ],
            [
                f"{TRAIL} lacks entry 2.",
                f"{TRAIL} was changed at entry 3.",
                f"{TRAIL} is out of order at entry 2.",
                f"{TRAIL} was changed at entry 2.",
                f"{TRAIL} lacks entry 3.",
            ],
        ),
        (
            ["DELETE FROM audit_entry WHERE number = 3", "UPDATE audit_entry SET number = number - 1 WHERE number > 3"],
            [
                f"{TRAIL} does not hold together between entries 2 and 3.",
                f"{TRAIL} was changed at entry 3.",
                f"{TRAIL} was changed at entry 4.",
                f"{TRAIL} lacks entry 5, at its end.",
            ],
        ),
        (["UPDATE audit_head SET digest = 'x'"], [f"{TRAIL} does not end where it says it does, at entry 5."]),
        (["DELETE FROM audit_head"], [f"{TRAIL} does not end where it says it does, at entry 5."]),
    ],
)
def test_trail_that_was_touched_is_found(db: Database, db_url: str, statements: list[str], found: list[str]) -> None:
    write(db)

    tamper(db, *statements)

    assert databases.check(db_url) == found


def test_trail_stays_whole_when_many_write_at_once(db: Database) -> None:
    writers = [threading.Thread(target=write, args=(db, 8)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert faults(db) == []
    with db.reading() as session:
        assert session.execute(text("SELECT count(*), max(number) FROM audit_entry")).one() == (32, 32)
