"""Several copies on one PostgreSQL: each nudge arrives exactly once, whoever dies, whatever Slack says."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlmodel import Session

from bot import action_items, incidents, manifest
from bot.action_items import Plan
from bot.incidents import Declaration
from sandbox import Person, Sandbox
from storage import outbox, people
from storage.db import Database
from storage.models import Incident, IncidentStatus
from storage.models import Person as Known
from tests.processes import TOP, Running, environment, free_port, running

OWNERS, ACTIONS, KILLS = 24, 72, 4
FASTER = """
import datetime
from handlers import courier, jobs
courier.LEASE, jobs.EVERY_SECONDS = datetime.timedelta(seconds=3), 1
from bot.__main__ import main
main(["run"])
"""
"""`seamark run`, with a lease and a tick that let the test see within seconds what otherwise takes a minute."""


@pytest.fixture
def here() -> Iterator[Sandbox]:
    """The local Slack on the real clock: the processes have no other."""
    with Sandbox(manifest=manifest.load()) as sandbox:
        yield sandbox


def only_postgres(db: Database) -> None:
    if db.is_sqlite:
        pytest.skip("with SQLite a second copy is refused")


def agree(db: Database, slack: Sandbox, owners: list[Person]) -> None:
    """Actions that are due today for all owners, wherever the test runs and whatever the time is."""
    now = datetime.now(UTC)
    with db.transaction() as session:
        for owner in owners:
            row = Known(team_id=slack.team_id, user_id=owner.id, name=owner.name, zone="UTC", refreshed_at=now)
            people.remember_person(session, row)
        incident = _incident(session, slack, owners[0], now)
        for number in range(ACTIONS):
            action_items.add(
                session,
                incident,
                Plan(f"Add test {number}", owners[number % len(owners)].id, now.date()),
                by=owners[0].id,
                source_key=str(number),
                now=now,
            )


def _incident(session: Session, slack: Sandbox, by: Person, now: datetime) -> Incident:
    incident, _ = incidents.declare(
        session,
        Declaration("Checkout fails", own_channel=False),
        team_id=slack.team_id,
        by=by.id,
        channel_id="C1",
        source_key="x",
        now=now - timedelta(days=1),
    )
    incident.status = IncidentStatus.CLOSED
    session.add(incident)
    return incident


def start(slack: Sandbox, db_url: str) -> subprocess.Popen[bytes]:
    hours = {"SEAMARK_WORKING_HOURS": "Mon-Sun 0:00-24:00", "SEAMARK_DIGESTS": "off"}
    return subprocess.Popen(
        [sys.executable, "-c", FASTER],
        cwd=TOP,
        env=environment(slack, db_url, **hours),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until_posted(slack: Sandbox, times: int) -> None:
    slack.until(lambda: sum(call.method == "chat.postMessage" for call in slack.calls) >= times, seconds=60)


def undelivered(db: Database) -> int:
    with db.reading() as session:
        return outbox.counts(session).get("pending", 0)


def reminded(slack: Sandbox, owners: list[Person]) -> Counter[str]:
    return Counter({owner.name: len(owner.direct_messages()) for owner in owners})


@pytest.mark.slow
@pytest.mark.parametrize("copies", [2, 4])
def test_several_copies_remind_exactly_once_while_one_is_killed_again_and_again(
    here: Sandbox, db: Database, db_url: str, copies: int
) -> None:
    only_postgres(db)
    chance = random.Random(copies)
    owners = [here.person(f"owner{number}") for number in range(OWNERS)]
    agree(db, here, owners)
    here.faults.slow(0.3)  # so that whoever is killed is in the middle of something
    running_now = [start(here, db_url) for _ in range(copies)]
    try:
        for kill in range(KILLS):
            here.faults.rate_limit("chat.postMessage", times=2, retry_after=1)
            here.faults.fail("chat.postMessage", times=2, status=502)
            here.faults.reset("chat.postMessage", times=1, after=True)
            until_posted(here, (kill + 1) * OWNERS // KILLS // 2)
            victim = chance.randrange(copies)
            running_now[victim].kill()
            running_now[victim].wait()
            running_now[victim] = start(here, db_url)
        everybody = Counter({owner.name: 1 for owner in owners})
        here.until(lambda: reminded(here, owners) >= everybody, seconds=60)
        here.until(lambda: undelivered(db) == 0, seconds=60)  # what a dead copy held is taken up, and found sent
    finally:
        for process in running_now:
            process.terminate()
        statuses = [process.wait(20) for process in running_now]

    assert reminded(here, owners) == everybody
    said = "\n".join(message.text for owner in owners for message in owner.direct_messages())
    assert Counter(f"Add test {number}\n" in said for number in range(ACTIONS)) == {True: ACTIONS}
    assert statuses == [0] * copies


@pytest.mark.slow
def test_several_copies_share_the_work_and_answer_people(here: Sandbox, db: Database, db_url: str) -> None:
    only_postgres(db)
    alice = here.person("alice")
    room = here.channel("ops", members=[alice], with_bot=True)
    with running(here, db_url), running(here, db_url):
        here.wait_for_app(connections=2)
        alice.types("/incident declare", room)
        alice.form.fill({"Title": "Search is slow"}).submit()
        (opened,) = here.until(lambda: [c for c in here.channels() if c.name == "inc-1-search-is-slow"], seconds=20)
        here.until(lambda: opened.pins and "alice" in opened.members, seconds=20)
        for number in range(8):
            assert alice.types(f"/incident mark note: step {number}", opened).buttons == ["Edit", "Undo"]
        status = alice.types("/incident status", opened)
        first_messages = [one for one in alice.sees(opened) if "Declared by" in one.text]

    assert "8 marked" in status.text
    assert len(first_messages) == 1


@contextmanager
def balancer(ports: list[int]) -> Iterator[str]:
    """What stands before several copies: each request goes to the next one, whoever sent it."""
    turn = itertools.cycle(ports)

    class Passing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(f"http://127.0.0.1:{next(turn)}{self.path}", body, headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type") or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/slack/events"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_several_copies_behind_a_balancer_keep_no_state_of_their_own(here: Sandbox, db: Database, db_url: str) -> None:
    only_postgres(db)
    alice = here.person("alice")
    room = here.channel("ops", members=[alice], with_bot=True)
    ports = [free_port(), free_port()]
    copies = [
        Running(environment(here, db_url, SLACK_APP_TOKEN="", PORT=str(port), HOST="127.0.0.1")) for port in ports
    ]
    try:
        with balancer(ports) as url:
            here.deliver_to(url)
            alice.types("/incident declare", room)  # the dialog is opened by one copy and submitted to the other
            alice.form.fill({"Title": "Search is slow"}).submit()
            (opened,) = here.until(lambda: [c for c in here.channels() if c.name == "inc-1-search-is-slow"], seconds=20)
            here.until(lambda: opened.pins and "alice" in opened.members, seconds=20)
            for number in range(6):
                assert alice.types(f"/incident mark note: step {number}", opened).buttons == ["Edit", "Undo"]
            assert "6 marked" in alice.types("/incident status", opened).text
    finally:
        statuses = [copy.stop(20) for copy in copies]

    assert statuses == [0, 0]


@pytest.mark.slow
def test_a_second_copy_on_sqlite_is_refused_with_a_sentence(here: Sandbox, db: Database, db_url: str) -> None:
    if not db.is_sqlite:
        pytest.skip("with PostgreSQL a second copy is welcome")
    with running(here, db_url):
        second = subprocess.run(
            [sys.executable, "-m", "bot", "run"],
            cwd=TOP,
            env=environment(here, db_url),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr == (
        "Another copy of Seamark uses this SQLite file, so this one was not started. Run several on PostgreSQL.\n"
    )
