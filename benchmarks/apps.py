"""The bots that Seamark's acknowledgement is compared with, each a process of its own.

`python benchmarks/apps.py NAME` reads the address and tokens from the environment, as Seamark does.
bare      a Bolt command in Bolt's default mode, which only acknowledges
insert    a Bolt command with `process_before_response` and one durable insert
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from pathlib import Path

from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from waitress.server import create_server

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


def _app(*, process_before_response: bool) -> App:
    client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    return App(
        client=client,
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        process_before_response=process_before_response,
    )


def serve(app: App) -> None:
    token = os.environ.get("SLACK_APP_TOKEN")
    if token:
        SocketModeHandler(app, token).connect()
        print("ready", flush=True)
        threading.Event().wait()
    server = create_server(SlackRequestHandler(app), host="127.0.0.1", port=int(os.environ["PORT"]), threads=THREADS)
    print("ready", flush=True)
    server.run()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    serve({"bare": bare, "insert": insert}[sys.argv[1]]())
