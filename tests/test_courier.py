"""The courier says everything once, in order, whatever Slack and the machine do."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from bot import manifest
from bot.app import Seamark
from sandbox import Sandbox
from storage import outbox
from storage.models import Entry, OutboxItem, OutboxState
from tests.conftest import Team
from tests.processes import running


def say(seamark: Seamark, team: Team, text: str, *, key: str | None = None) -> None:
    """Have the courier post `text` into the team's room."""
    with seamark.db.transaction() as session:
        payload = {"channel": team.ops.id, "text": text}
        outbox.put(session, seamark.team_id, "post", payload, lane="ops", now=seamark.clock(), key=key)


def read(team: Team) -> list[str]:
    return [shown.text for shown in team.alice.sees(team.ops) if shown.author == "Seamark"]


def states(seamark: Seamark) -> list[tuple[str, str | None]]:
    with seamark.db.reading() as session:
        return [(item.state, item.error) for item in session.exec(select(OutboxItem).order_by(col(OutboxItem.id)))]


def test_lane_keeps_its_order_through_a_429(seamark: Seamark, slack: Sandbox, team: Team) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=7)
    for words in ("one", "two", "three"):
        say(seamark, team, words)

    seamark.courier.drain()
    assert read(team) == []

    slack.clock.advance(seconds=8)
    seamark.courier.drain()
    assert read(team) == ["one", "two", "three"]


def test_bad_minute_of_slack_delays_and_loses_nothing(seamark: Seamark, slack: Sandbox, team: Team) -> None:
    slack.faults.fail("chat.postMessage", times=3, status=503)
    say(seamark, team, "after all")

    for _ in range(4):
        seamark.courier.drain()
        slack.clock.advance(minutes=1)

    assert read(team) == ["after all"]


def test_answer_lost_after_posting_is_not_posted_again(seamark: Seamark, slack: Sandbox, team: Team) -> None:
    slack.faults.reset("chat.postMessage", after=True)
    say(seamark, team, "only once")

    seamark.courier.drain()
    slack.clock.advance(minutes=1)
    seamark.courier.drain()

    assert read(team) == ["only once"]
    assert states(seamark) == [("done", None)]


def test_same_key_is_the_same_decision(seamark: Seamark, team: Team) -> None:
    say(seamark, team, "once", key="k")
    say(seamark, team, "twice", key="k")

    seamark.courier.drain()

    assert read(team) == ["once"]


def test_refusal_for_good_is_given_up_visibly_and_does_not_hold_up_the_lane(
    seamark: Seamark, slack: Sandbox, team: Team
) -> None:
    slack.faults.refuse("chat.postMessage", "restricted_action")
    say(seamark, team, "forbidden")
    say(seamark, team, "allowed")

    seamark.courier.drain()

    assert read(team) == ["allowed"]
    assert states(seamark) == [("failed", "Slack refused: restricted_action"), ("done", None)]
    slack.violations.clear()


def test_lease_that_ran_out_is_taken_over_and_said_once(seamark: Seamark, slack: Sandbox, team: Team) -> None:
    say(seamark, team, "left behind")
    with seamark.db.transaction() as session:
        outbox.claim(session, worker="dead", now=seamark.clock(), lease=timedelta(seconds=60), most=1)

    assert seamark.courier.drain() == 0
    slack.clock.advance(seconds=61)
    assert seamark.courier.drain() == 1
    assert read(team) == ["left behind"]


def test_event_whose_transaction_fails_comes_again_and_is_stored_once(
    seamark: Seamark, slack: Sandbox, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    """The database refuses the first insert, as a full disk would."""
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Disk full", "Where": "This channel"}).submit()
    from sqlalchemy import event  # noqa: PLC0415

    refusals = [OSError("no space left on device")]

    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO entry ") and refusals:
            raise refusals.pop()

    event.listen(seamark.db.engine, "before_cursor_execute", refuse)
    team.bob.says("the disk is full", team.ops)
    slack.settle()

    delivered = next(one for one in slack.deliveries if one.payload.get("event", {}).get("text") == "the disk is full")
    with seamark.db.reading() as session:
        stored = [entry.text for entry in session.exec(select(Entry)) if entry.via == "message"]
    assert [attempt.outcome for attempt in delivered.attempts] == ["http_timeout", "acknowledged"]
    assert stored.count("the disk is full") == 1
    assert "no space left on device" in caplog.text


class TestKilled:
    @pytest.fixture
    def slack(self) -> Iterator[Sandbox]:
        with Sandbox(manifest=manifest.load()) as sandbox:
            yield sandbox

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("db_url", "seed"),
        [*(("sqlite", seed) for seed in range(6)), ("postgresql", 0)],  # there the dead one's lease must run out
        indirect=["db_url"],
    )
    def test_killed_after_an_acknowledgement_says_everything_once(self, slack: Sandbox, db_url: str, seed: int) -> None:
        alice, bob = slack.person("alice"), slack.person("bob")
        ops = slack.channel("ops", members=[alice, bob], with_bot=True)
        news = slack.channel("news", members=[bob], with_bot=True)
        slack.faults.slow(0.04)
        pause = random.Random(seed).uniform(0, 0.6)
        with running(slack, db_url, SEAMARK_ANNOUNCE_CHANNEL=news.id) as bot:
            alice.types("/incident declare", ops)
            alice.form.fill({"Title": "Killed", "People to invite": [bob]}).submit()
            time.sleep(pause)
            bot.kill()
        slack.faults.clear()
        with running(slack, db_url, SEAMARK_ANNOUNCE_CHANNEL=news.id):
            slack.until(lambda: [one for one in bob.sees(news) if one.author == "Seamark"], seconds=90)
            room = slack.find_channel("inc-1-killed")
            posts = [one for one in alice.sees(room) if one.text.startswith("INC-1")]

        assert [channel.name for channel in slack.channels() if channel.name.startswith("inc-")] == ["inc-1-killed"]
        assert len(posts) == 1
        assert len([one for one in bob.sees(news) if one.author == "Seamark"]) == 1
        assert room.pins == [posts[0].ts]
        assert sorted(room.members) == ["alice", "bob", "seamark"]


def test_outbox_states_are_told(seamark: Seamark, team: Team) -> None:
    say(seamark, team, "x")

    with seamark.db.reading() as session:
        assert outbox.counts(session) == {OutboxState.PENDING: 1}


def test_fault_of_the_database_logs_nothing_that_people_wrote(
    seamark: Seamark, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Gone", "Where": "This channel"}).submit()
    with seamark.db.transaction() as session:
        session.execute(text("ALTER TABLE entry RENAME TO gone"))

    reply = team.bob.types("/incident mark our customer is Example Corp", team.ops)

    assert "was not saved" in reply.text
    assert "ProgrammingError" in caplog.text or "OperationalError" in caplog.text
    assert "Example Corp" not in caplog.text
