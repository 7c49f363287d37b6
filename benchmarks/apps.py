"""The bots that Seamark's acknowledgement is compared with, each a process of its own.

`python benchmarks/apps.py NAME` reads the address and tokens from the environment, as Seamark does.
bare      a Bolt command in Bolt's default mode, which only acknowledges
insert    a Bolt command with `process_before_response` and one durable insert
listener  a Bolt listener for messages with `process_before_response` and one durable insert, into DATABASE_URL
tuned     the same with as many threads, and the same connection, as Seamark
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from waitress.server import create_server

sys.path.insert(0, str(Path(__file__).parent.parent))

from handlers.socket_mode import Connection

THREADS = 32


def bare() -> App:
    app = _app(process_before_response=False)

    @app.command("/incident")
    def acknowledge(ack: Ack) -> None:
        ack("Marked.")

    return app


def insert() -> App:
    app = _app(process_before_response=True)
    writing = threading.Lock()
    connection = sqlite3.connect(os.environ["BENCH_FILE"], check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY, text TEXT)")

    @app.command("/incident")
    def remember(ack: Ack, command: dict[str, str]) -> None:
        with writing:
            connection.execute("INSERT INTO mark (text) VALUES (?)", (command["text"],))
        ack("Marked.")

    return app


def listener(threads: int = 5) -> App:
    app = _app(process_before_response=True, threads=threads)
    remember = _inserting(os.environ["DATABASE_URL"])

    @app.event("message")
    def hear(event: dict[str, str]) -> None:
        remember(event["ts"], event.get("text", ""))

    return app


def tuned() -> App:
    return listener(THREADS)


def _inserting(url: str) -> Callable[[str, str], None]:
    """One row, durably, by the driver alone."""
    create = "CREATE TABLE IF NOT EXISTS heard (ts TEXT PRIMARY KEY, text TEXT)"
    if url.startswith("sqlite"):
        writing = threading.Lock()
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", create):
            connection.execute(statement)

        def into_sqlite(ts: str, text: str) -> None:
            with writing:
                connection.execute("INSERT OR IGNORE INTO heard VALUES (?, ?)", (ts, text))

        return into_sqlite
    mine = threading.local()
    address = url.replace("+psycopg", "")
    psycopg.connect(address, autocommit=True).execute(create)

    def into_postgresql(ts: str, text: str) -> None:
        if not hasattr(mine, "connection"):
            mine.connection = psycopg.connect(address, autocommit=True)
        mine.connection.execute("INSERT INTO heard VALUES (%s, %s) ON CONFLICT DO NOTHING", (ts, text))

    return into_postgresql


def _app(*, process_before_response: bool, threads: int = 5) -> App:
    client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    return App(
        client=client,
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        process_before_response=process_before_response,
        listener_executor=ThreadPoolExecutor(threads),
    )


def serve(app: App, *, like_seamark: bool) -> None:
    token = os.environ.get("SLACK_APP_TOKEN")
    if token:
        if like_seamark:
            Connection(app, token, client=app.client, concurrency=THREADS, after_gap=lambda: None).open()
        else:
            SocketModeHandler(app, token).connect()
        print("ready", flush=True)
        threading.Event().wait()
    server = create_server(SlackRequestHandler(app), host="127.0.0.1", port=int(os.environ["PORT"]), threads=THREADS)
    print("ready", flush=True)
    server.run()


if __name__ == "__main__":
    kinds = {"bare": bare, "insert": insert, "listener": listener, "tuned": tuned}
    serve(kinds[sys.argv[1]](), like_seamark=sys.argv[1] == "tuned")
