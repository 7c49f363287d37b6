"""A real talk, told out of order, twice, in part, over broken connections: the timeline is the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, select

from bot import app as composition
from bot import capture, incidents, manifest
from bot.app import Seamark
from bot.kinds import Kind
from sandbox import Channel, Person, Sandbox, Shown
from storage import entries, migrate
from storage.db import Database
from storage.models import Entry, EntryRevision, Evidence, Incident, Mark
from tests.conftest import MONDAY, Team, settings_for
from tests.timelines import declare
from tests.timelines import timeline as lines_of

TALK = Path(__file__).parent.parent / "stories" / "k8s_testing_ops" / "testing-ops"


def talk() -> list[dict[str, Any]]:
    """The 146 messages of two days in a real operations channel."""
    return [message for day in sorted(TALK.glob("*.json")) for message in json.loads(day.read_text())]


# --- over real sockets ------------------------------------------------------------------------------------


class Talkers:
    """The people of the talk, each with an account of their own; apps speak as apps."""

    def __init__(self, slack: Sandbox, room: Channel) -> None:
        self.slack, self.room = slack, room
        self.people: dict[str, Person] = {}
        self.said: list[tuple[Shown, Person | None]] = []

    def say(self, message: dict[str, Any], *, wait: bool) -> None:
        number = len(self.said)
        if message.get("subtype") == "bot_message":
            self.said.append((self.slack.app_says("robot", f"{number}: {message['text']}", self.room), None))
            return
        person = self._person(message["user"])
        self.said.append((person.says(f"{number}: {message['text']}", self.room, wait=wait), person))

    def change_mind(self) -> None:
        """Every tenth message is edited, every twentieth deleted."""
        number, (shown, person) = len(self.said) - 1, self.said[-1]
        if person is not None and number % 10 == 0:
            person.edits(shown, f"{number}: edited")
        if person is not None and number % 20 == 5:
            person.deletes(shown)

    def _person(self, user: str) -> Person:
        if user not in self.people:
            self.people[user] = self.slack.person(f"talker{len(self.people)}")
            self.people[user].joins(self.room)
        return self.people[user]


def perform(slack: Sandbox, seamark: Seamark, team: Team, *, roughly: bool) -> list[str]:
    """Tell the talk; returns the timeline.

    `roughly`: everything doubled and shuffled, over sockets that break, with 20 seconds without any connection.
    """
    talkers = Talkers(slack, declare(slack, team))
    if roughly:
        slack.faults.double(10_000)
        slack.faults.reorder(seed=7, hold=30)
    for number, message in enumerate(talk()):
        if roughly:
            _break_something(slack, number)
        talkers.say(message, wait=not roughly)
        talkers.change_mind()
        slack.clock.advance(timedelta(seconds=1))
    slack.faults.shuffle = None
    slack.wait_for_app(seconds=30)
    for pause in (0, 2, 6):  # so that Slack's own retries are over
        slack.clock.advance(timedelta(minutes=pause))
        slack.settle()
    seamark.courier.drain()
    said = [line.split("*: ", 1)[1] for line in lines_of(team.alice, talkers.room)]
    return [re.sub(r"<[^<|]*\|all of it>", "<…>", one) for one in said]


def _break_something(slack: Sandbox, number: int) -> None:
    if number in {30, 60, 110}:
        slack.faults.drop_sockets()
    if number == 70:
        slack.faults.outage()
    if number == 90:
        slack.faults.end_outage()
        slack.wait_for_app(seconds=30)


# The SDK does not close a socket whose handshake Slack refused.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_real_talk_in_disorder_gives_the_same_timeline(tmp_path: Path, db_url: str) -> None:
    told: dict[bool, list[str]] = {}
    for roughly in (False, True):
        with Sandbox(manifest=manifest.load(), start=MONDAY) as slack:
            url = db_url if roughly else f"sqlite:///{tmp_path}/in_order.db"
            seamark = composition.create(settings_for(slack, url), clock=slack.clock.now)
            seamark.connect()
            slack.wait_for_app()
            slack.after_each(seamark.courier.drain)
            alice, bob, carol = (slack.person(name) for name in ("alice", "bob", "carol"))
            team = Team(alice, bob, carol, slack.channel("ops", members=[alice, bob, carol]))
            told[roughly] = perform(slack, seamark, team, roughly=roughly)
            slack.after_each(None)
            seamark.stop()
            assert slack.violations == []

    assert len(told[False]) == 146 - 8
    assert told[True] == told[False]


# --- in every order ---------------------------------------------------------------------------------------

TEAM, CHANNEL = "T1", "C1"
NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)
Event = Callable[[Session], object]


def events() -> list[Event]:
    """What Slack tells of a part of the talk: messages, edits, deletions, marks and un-marks."""
    told: list[Event] = []
    for number, message in enumerate(talk()[:16]):
        ts = f"{1_794_823_200 + number}.000{number:03}"
        app = "robot" if message.get("subtype") == "bot_message" else None
        said = capture.Said(TEAM, CHANNEL, ts, message["text"], author_id=message.get("user"), app_name=app)
        told.append(_saying(said))
        if number % 3 == 0:
            for edit in ("first", "second"):
                edited = f"{1_794_823_300 + number}.000000"
                at = f"{1_794_823_300 + number}.00{('first', 'second').index(edit)}000"
                text = f"{edit} edit of {number}, https://github.com/acme/shop/pull/{edit}"
                later = replace(said, text=text, version=capture.version(edited, at), edited=edited)
                told.append(_saying(later))
        if number % 5 == 0:
            told.append(lambda session, ts=ts: capture.deleted(session, TEAM, CHANNEL, ts, now=NOW))  # type: ignore[misc]
        if number % 4 == 0:
            told += [
                _marking(ts, "U1", "1794823400.000100", Kind.DECISION),
                _marking(ts, "U2", "1794823401.000100", None),
            ]
        if number % 8 == 0:
            told += [_unmarking(ts, "U1", "1794823402.000100"), _marking(ts, "U3", "1794823399.000100", Kind.IMPACT)]
    return told


def _saying(said: capture.Said) -> Event:
    return lambda session: capture.said(session, said, now=NOW)


def _marking(ts: str, by: str, changed: str, kind: Kind | None) -> Event:
    return lambda session: capture.marked(
        session, TEAM, CHANNEL, ts, by=by, way="pin", changed=changed, now=NOW, kind=kind
    )


def _unmarking(ts: str, by: str, changed: str) -> Event:
    return lambda session: capture.unmarked(session, TEAM, CHANNEL, ts, by=by, way="pin", changed=changed, now=NOW)


@pytest.fixture(scope="module")
def quiet_db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    db = Database(f"sqlite:///{tmp_path_factory.mktemp('disorder')}/x.db")
    migrate.upgrade(db)
    with db.transaction() as session:
        declaration = incidents.Declaration("Talk", own_channel=False, past=None)
        incidents.declare(session, declaration, team_id=TEAM, by="U1", channel_id=CHANNEL, source_key="x", now=NOW)
    yield db
    db.close()


def outcome(db: Database, order: list[Event]) -> object:
    """What is remembered after these events, each in a transaction of its own."""
    with db.transaction() as session:
        for kind in (Mark, Evidence, EntryRevision, Entry):
            session.exec(delete(kind))
    for event in order:
        with db.transaction() as session:
            event(session)
    with db.reading() as session:
        of = session.exec(select(Incident)).one()
        marks = session.exec(select(Mark.marker_id, Mark.kind, Entry.ts).join(Entry).where(Mark.removed_at == None))  # noqa: E711
        return (
            [
                (one.ts, one.text, one.kind, one.is_marked, one.author_id, one.version, one.edited_at)
                for one in entries.of_incident(session, of.id)
            ],
            sorted((one.ts, one.deleted_at is not None) for one in session.exec(select(Entry)) if one.ts),
            sorted((one.url, one.entry_id is not None) for one in session.exec(select(Evidence))),
            sorted(map(str, marks)),
        )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_events_doubled_in_any_order_end_in_the_same_state(quiet_db: Database, data: st.DataObject) -> None:
    told = events()
    in_order = outcome(quiet_db, told)

    shuffled = data.draw(st.permutations(range(len(told))))
    again = data.draw(st.lists(st.sampled_from(range(len(told))), max_size=20))

    assert outcome(quiet_db, [told[number] for number in [*shuffled, *again]]) == in_order
