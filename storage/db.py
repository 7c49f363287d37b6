"""The database: transactions, and rows that are added once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Engine, bindparam, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached, sessionmaker
from sqlmodel import Session, SQLModel, select

Row = TypeVar("Row", bound=SQLModel)


class Database:
    """One database, SQLite or PostgreSQL, shared by all threads of a process.

    `url` is an SQLAlchemy address, e.g. `sqlite:///seamark.db` or `postgresql+psycopg://host/name`.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._carried: dict[str, Any] = {}
        self._sessions = sessionmaker(self.engine, class_=Session, expire_on_commit=False, info=self._carried)
        # SQLite has one writer at a time. Its own waiting is a sleep that doubles; a lock is fair and wakes at once.
        self._writer: Any = threading.Lock() if self.is_sqlite else nullcontext()
        self._after_commit: list[Callable[[], None]] = []

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is kept when the block ends, and undone when it raises."""
        with self._writer, self._sessions() as session, session.begin():
            yield session
        for call in self._after_commit if session.info.get("outbox") else ():
            call()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking only; it never waits for a writer."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"writes": False})
            yield session

    def carry(self, **things: Any) -> None:
        """Let every session from now on carry these in its `info`: what a team has set for all of its work."""
        self._carried.update(things)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call()` made after each kept transaction that put something into the outbox."""
        self._after_commit.append(call)

    def reachable(self) -> bool:
        """Whether the database answers; raises what the driver raises when it does not."""
        with self.engine.connect() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    waiting = {"timeout": 10, "check_same_thread": False}
    # What people wrote never appears in an error's text, and so not in a log.
    engine = create_engine(url, connect_args=waiting, pool_size=20, max_overflow=20, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions of its own: `_begin_sqlite` does
    # (https://docs.sqlalchemy.org/en/21/dialects/sqlite.html, "Serializable isolation / Savepoints").
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Any) -> None:
    # A deferred BEGIN that later writes fails at once when another process wrote meanwhile.
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def add_once(session: Session, row: Row, *key: str) -> tuple[Row, bool]:
    """Add `row` unless one with the same values in the columns `key` (a unique key) is there already.

    Returns the row that is in the database, and whether this call added it. Slack repeats itself; the
    database, not the caller, decides that it did.
    """
    table: Any = type(row).__table__  # type: ignore[attr-defined]
    values = {column.name: getattr(row, column.name) for column in table.columns}
    own = [column.name for column in table.primary_key if values[column.name] is None]
    for name in own:
        del values[name]
    dialect = session.get_bind().dialect.name
    added = session.execute(_insert_once(table, dialect, tuple(values), key), values).first()
    if added is None:
        return session.exec(select(type(row)).filter_by(**{name: values[name] for name in key})).one(), False
    for name in own:
        setattr(row, name, getattr(added, name))
    make_transient_to_detached(row)
    session.add(row)
    return row, True


def add_many_once(session: Session, rows: Sequence[SQLModel], *key: str, returning: str) -> list[Any]:
    """Add the rows of one table whose `key` is not there yet; the column `returning` of those that were added."""
    table: Any = type(rows[0]).__table__  # type: ignore[attr-defined]
    names = [
        column.name for column in table.columns if getattr(rows[0], column.name) is not None or not column.primary_key
    ]
    insert: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    statement = insert(table).on_conflict_do_nothing(index_elements=list(key)).returning(table.c[returning])
    return list(session.execute(statement, [{name: getattr(row, name) for name in names} for row in rows]).scalars())


def put(session: Session, row: Row) -> Row:
    """Add `row`, or give the one with the same primary key its values; two at once are no conflict."""
    table: Any = type(row).__table__  # type: ignore[attr-defined]
    key = [column.name for column in table.primary_key]
    values = {column.name: getattr(row, column.name) for column in table.columns}
    insert: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    others = {name: value for name, value in values.items() if name not in key}
    session.execute(insert(table).values(values).on_conflict_do_update(index_elements=key, set_=others))
    return session.get_one(type(row), tuple(values[name] for name in key), populate_existing=True)


@lru_cache
def _insert_once(table: Any, dialect: str, columns: tuple[str, ...], key: tuple[str, ...]) -> Any:
    """The statement for `add_once`; building it anew costs more than running it."""
    insert: Any = (sqlite if dialect == "sqlite" else postgresql).insert
    statement = insert(table).values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_nothing(index_elements=list(key)).returning(*table.primary_key)


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until no other transaction that asked for `what` is under way; SQLite writers take turns anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": what})
