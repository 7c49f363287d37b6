"""What was said while Seamark could not hear it: fetched when it is back, once, within Slack's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot import app as composition
from bot.app import Seamark
from handlers import history
from sandbox import Channel, Sandbox
from storage import people
from storage.models import Channel as ChannelRow
from storage.models import Entry, Mark
from tests.conftest import Team, settings_for
from tests.timelines import declare, line_with, timeline


def catch_up(slack: Sandbox, seamark: Seamark) -> None:
    """Carry out everything that is due, also what Slack had asked to wait with."""
    for _ in range(40):
        while seamark.courier.drain():
            slack.settle()
        slack.clock.advance(timedelta(seconds=5))


def said(team: Team, room: Channel) -> list[str]:
    return [line.split("*: ")[1] for line in timeline(team.alice, room)]


# The SDK does not close a socket whose handshake Slack refused.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
def test_outage_of_twenty_seconds_with_twenty_messages_loses_none(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    slack.faults.outage()
    for number in range(20):
        team.bob.says(f"message {number:02}", room, wait=False)
        slack.clock.advance(timedelta(seconds=1))
    slack.faults.end_outage()
    slack.wait_for_app(seconds=30)
    slack.until(lambda: seamark.courier.drain() or len(timeline(team.alice, room)) == 20, seconds=30)

    catch_up(slack, seamark)

    assert said(team, room) == [f"message {number:02}" for number in range(20)]


def test_what_was_said_while_seamark_was_not_running_is_there_after_its_start(
    slack: Sandbox, team: Team, seamark: Seamark, db_url: str
) -> None:
    room = declare(slack, team)
    parent = team.bob.says("heard", room)
    slack.after_each(None)
    seamark.stop()
    slack.until(lambda: not slack.server.site.sockets.connections)
    missed = team.carol.says("missed https://grafana.example.com/d/1", room, wait=False)
    team.bob.says("missed reply", room, thread=parent, wait=False)
    slack.act(lambda: react(slack, missed.ts, room, team), wait=False)
    slack.clock.advance(timedelta(hours=1))

    again = composition.create(settings_for(slack, db_url), clock=slack.clock.now)
    again.connect()
    slack.wait_for_app()
    slack.until(again.courier.drain)
    slack.after_each(again.courier.drain)
    catch_up(slack, again)

    assert said(team, room) == [
        "missed <https://grafana.example.com/d/1> _(marked by bob)_",
        "heard",
        "missed reply",
    ]
    slack.violations.clear()  # Slack gave up on events that nobody took
    slack.after_each(None)
    again.stop()


def react(slack: Sandbox, ts: str, room: Channel, team: Team) -> None:
    from sandbox import messages  # noqa: PLC0415 - only here a person reacts while nobody listens

    messages.react(slack.server.site.ws, room.state(), ts, team.bob.id, "pushpin")


def test_long_history_is_read_over_pages_and_limits_without_doubling(
    slack: Sandbox, team: Team, seamark: Seamark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 7)
    room = declare(slack, team)
    parents = [team.bob.says(f"root {number:02}", room) for number in range(20)]
    for parent in parents[::4]:
        for number in range(3):
            team.carol.says(f"reply {number} to {parent.text}", room, thread=parent)
    before = said(team, room)
    with seamark.db.transaction() as session:
        for row in session.exec(select(Entry)):
            session.delete(row)
    slack.faults.rate_limit("conversations.history", times=2, retry_after=3)
    slack.faults.rate_limit("conversations.replies", times=2, retry_after=3)
    slack.faults.fail("conversations.history", times=1)

    with seamark.db.transaction() as session:
        history.catch_up(session, slack.team_id, now=slack.clock.now())
    catch_up(slack, seamark)

    assert said(team, room) == before
    with seamark.db.reading() as session:
        channel = session.get_one(ChannelRow, (slack.team_id, room.id))
    assert channel.captured_until is not None


def test_reading_anew_changes_nothing_that_is_right(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    message = team.bob.says("the cache is cold", room)
    team.carol.pins(message)
    team.alice.reacts(message, "pushpin")
    team.alice.clicks("Undo", within=team.alice.sees(room)[-1])
    team.bob.edits(message, "the cache is stone cold")
    slack.clock.advance(timedelta(minutes=5))
    before = state(seamark)

    for _ in range(2):
        with seamark.db.transaction() as session:
            history.catch_up(session, slack.team_id, now=slack.clock.now())
        catch_up(slack, seamark)

    assert state(seamark) == before
    assert line_with(team.alice, room, "stone cold").endswith("_(edited)_ _(marked by carol)_")


def state(seamark: Seamark) -> object:
    with seamark.db.reading() as session:
        entries = [(one.ts, one.text, one.is_marked, one.version) for one in session.exec(select(Entry))]
        marks = sorted((one.marker_id, one.way, one.removed_at is None) for one in session.exec(select(Mark)))
    return entries, marks


def test_members_who_came_and_left_meanwhile_are_known(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    with seamark.db.transaction() as session:
        people.set_members(session, slack.team_id, room.id, [team.alice.id, "UGONE"])

    with seamark.db.transaction() as session:
        history.catch_up(session, slack.team_id, now=slack.clock.now())
    catch_up(slack, seamark)

    with seamark.db.reading() as session:
        known = people.members(session, slack.team_id, room.id)
        row = session.get_one(ChannelRow, (slack.team_id, room.id))
    assert known >= {team.alice.id, team.bob.id, team.carol.id}
    assert "UGONE" not in known
    assert (row.name, row.is_private) == (room.name, False)


def test_everybody_of_the_workspace_is_fetched_at_start(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        history.put_fetch_people(session, slack.team_id, now=slack.clock.now())
    catch_up(slack, seamark)

    with seamark.db.reading() as session:
        zones = {one.name: one.zone for one in people.people(session, slack.team_id).values()}
    assert zones["carol"] == "Asia/Kolkata"
