"""`/incident`, typed and read as people do."""

from __future__ import annotations

from bot.app import Seamark
from sandbox import Sandbox
from tests.conftest import Team


def declare(slack: Sandbox, team: Team, **fields: object):
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Checkout fails", **fields}).submit()
    return slack.find_channel("inc-1-checkout-fails")


def test_declare_opens_a_channel_with_the_declarer_in_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    assert team.alice.name in room.members
    assert "Checkout fails" in team.alice.sees(room)[1].text, [s.text for s in team.alice.sees(room)]


def test_mark_answers_with_the_time_understood(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    reply = team.alice.types("/incident mark 09:42 decision: roll back to v41", room)

    assert "09:42" in reply.text.replace("9:42", "09:42")
    assert reply.buttons == ["Edit", "Undo"]
