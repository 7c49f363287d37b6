"""Killed at any moment: what was acknowledged is there, and nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import select

from bot import manifest
from sandbox import Channel, Person, Sandbox, Shown
from sandbox import messages as of_slack
from storage.db import Database
from storage.models import Entry, Mark, OutboxItem
from tests.processes import TOP, environment

KILLS = 50

NURSERY = """
import os, sys
from bot import app, running, settings
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        running.run(settings.load())
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
"""
"""Has everything imported already, so that each bot is up in a moment; what it then runs is `seamark run`."""


class Nursery:
    """Bots, one at a time, each a process that is killed."""

    def __init__(self, slack: Sandbox, db_url: str) -> None:
        self._slack = slack
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=TOP,
            env=environment(slack, db_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def bot(self) -> Iterator[None]:
        """A bot that is connected, until it is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("next", file=self._process.stdin, flush=True)
        child = int(self._process.stdout.readline())
        assert "is ready" in self._process.stdout.readline()
        self._slack.wait_for_app()
        yield
        os.kill(child, signal.SIGKILL)
        self._slack.until(lambda: not self._slack.server.site.sockets.connections)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    """A local Slack at the real time, since the bot is a process with a clock of its own."""
    with Sandbox(manifest=manifest.load()) as sandbox:
        yield sandbox


@pytest.fixture
def nursery(slack: Sandbox, db_url: str) -> Iterator[Nursery]:
    made = Nursery(slack, db_url)
    yield made
    made.close()


@pytest.mark.slow
def test_killed_fifty_times_nothing_acknowledged_is_missing_or_doubled(
    slack: Sandbox, db_url: str, nursery: Nursery
) -> None:
    people = [slack.person(name) for name in ("alice", "bob", "carol")]
    room = slack.channel("ops", members=people)
    with nursery.bot():
        people[0].types("/incident declare", room)
        people[0].form.fill({"Title": "Killed", "Where": "This channel"}).submit()
        slack.until(lambda: room.pins)
    chance = random.Random(20261116)
    for number in range(KILLS):
        with nursery.bot():
            before = len(slack.deliveries)
            talk_all_at_once(slack, people, room, number)
            # However fast the machine is: when so many of the six messages were acknowledged, and a little later.
            enough = chance.randrange(6)
            slack.until(lambda n=enough, at=before: len(acknowledged(slack, people, at)) >= n)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.02))
    db = Database(db_url)
    there = captured(db)
    assert acknowledged(slack, people) - set(there) == set()
    assert max(there.values()) == 1

    with nursery.bot():
        posted = {one.ts for one in people[0].sees(room) if one.text.startswith("message ")}
        assert len(posted) == 6 * KILLS
        slack.until(lambda: posted <= set(captured(db)), seconds=30)
        slack.until(lambda: marked(db) == KILLS, seconds=30)
    with db.reading() as session:
        decided = Counter(item.key for item in session.exec(select(OutboxItem)))
    assert max(decided.values()) == 1
    assert Counter(captured(db).values()) == {1: len(posted)}
    db.close()


def talk_all_at_once(slack: Sandbox, people: list[Person], room: Channel, number: int) -> None:
    """People say things and mark one of them, and wait for nobody."""
    for turn in range(6):
        said = people[turn % 3].says(f"message {number}.{turn}", room, wait=False)
        if turn == 1:
            slack.act(lambda said=said: react(slack, people[0], said), wait=False)  # type: ignore[misc]


def react(slack: Sandbox, person: Person, said: Shown) -> None:
    workspace = slack.server.site.ws
    of_slack.react(workspace, workspace.conversations[said.channel], said.ts, person.id, "pushpin")


def acknowledged(slack: Sandbox, people: list[Person], since: int = 0) -> set[str]:
    """The `ts` of every message of theirs that was acknowledged, among the deliveries after the first `since`."""
    sent = slack.deliveries[since:]
    events = [one.payload["event"] for one in sent if one.kind == "events_api" and one.acknowledged]
    ids = {person.id for person in people}
    return {one["ts"] for one in events if one["type"] == "message" and one.get("user") in ids and "subtype" not in one}


def captured(db: Database) -> Counter[str]:
    with db.reading() as session:
        return Counter(entry.ts for entry in session.exec(select(Entry)) if entry.via == "message" and entry.ts)


def marked(db: Database) -> int:
    with db.reading() as session:
        return len(session.exec(select(Mark)).all())
