"""The Home tab as each person has it."""

from __future__ import annotations

from datetime import timedelta

from bot.app import Seamark
from sandbox import Sandbox
from storage import people
from storage.models import RetroStatus
from tests.conftest import Team
from tests.follow_through import TODAY, agree, closed_incident, know

BUTTONS = ["Done", "Snooze", "Hand over", "Won't do"]


def test_home_shows_my_actions_overdue_first_with_their_buttons(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    incident = closed_incident(seamark, slack, team.ops, team.alice, facilitator=team.carol)
    agree(seamark, slack, incident, team.bob, due_in=9, what="Later")
    agree(seamark, slack, incident, team.bob, due_in=-3, what="Late")
    agree(seamark, slack, incident, team.alice, due_in=1, what="Of somebody else")

    home = team.bob.home()

    assert home.text.index("Late") < home.text.index("Later")
    assert "Of somebody else" not in home.text
    assert "3 days over" in home.text
    assert home.buttons == BUTTONS * 2


def test_home_buttons_work_and_the_tab_follows(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident = closed_incident(seamark, slack, team.ops, team.alice)
    agree(seamark, slack, incident, team.bob, due_in=9)

    home = team.bob.home()
    home.clicks("Won't do")
    team.bob.form.fill({"Because": "The service goes away"}).submit()

    assert "My actions" in home.text
    assert "ACT-1" not in home.text


def test_home_lists_open_incidents_what_waits_and_what_was_published(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Search is slow"}).submit()
    rooms = [slack.channel(name, members=[team.alice, team.bob, team.carol]) for name in ("one", "two")]
    closed_incident(seamark, slack, rooms[0], team.alice, title="Draft", facilitator=team.bob, status=RetroStatus.DRAFT)
    closed_incident(seamark, slack, rooms[1], team.alice, title="Out", facilitator=team.carol)

    text = team.bob.home().text

    assert text.index("Open incidents (1)") < text.index("INC-1 Search is slow") < text.index("My actions")
    assert text.index("Waiting for me (1)") < text.index("INC-2 Draft") < text.index("Latest published (1)")
    assert text.index("Latest published (1)") < text.index("INC-3 Out")
    assert "you lead it" in text
    assert "INC-2 Draft" not in team.carol.home().text


def test_home_shows_nothing_private_to_those_outside(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = slack.channel("war-room", members=[team.alice, team.bob], private=True)
    incident = closed_incident(
        seamark, slack, room, team.alice, title="Keys leaked", private=True, facilitator=team.carol
    )
    with seamark.db.transaction() as session:
        people.add_members(session, slack.team_id, room.id, [team.carol.id])
    agree(seamark, slack, incident, team.carol, due_in=1, what="Rotate the keys")
    with seamark.db.transaction() as session:
        people.remove_member(session, slack.team_id, room.id, team.carol.id)

    assert "Keys leaked" in team.bob.home().text
    outside = team.carol.home().text
    assert "Keys leaked" not in outside
    assert "Rotate the keys" not in outside


def test_home_is_paged_and_stays_within_slacks_limits(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident = closed_incident(seamark, slack, team.ops, team.alice)
    for number in range(40):
        what = f"Number {number:02} " + "שלום & <@U1> 🔥 " * 60
        agree(seamark, slack, incident, team.bob, due_in=number, what=what)

    home = team.bob.home()
    assert "My actions (40)" in home.text
    assert "1 to 10 of 40" in home.text
    home.clicks("More")
    home.clicks("More")

    assert "Number 20" in home.text
    assert "21 to 30 of 40" in home.text
    home.clicks("Earlier")
    assert "11 to 20 of 40" in home.text


def test_home_event_is_acknowledged_whatever_becomes_of_the_view(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.bob.home()
    slack.faults.fail("views.publish")

    team.bob.home()

    opened = [one for one in slack.deliveries if one.kind == "events_api"]
    assert [(one.acknowledged, len(one.attempts)) for one in opened] == [(True, 1)] * 2
    slack.clock.advance(minutes=1)
    slack.server.rest()
    assert [call.status for call in slack.calls if call.method == "views.publish"] == [200, 503, 200]


def test_home_days_are_the_readers_own(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident = closed_incident(seamark, slack, team.ops, team.alice)
    dora = slack.person("dora", tz="Pacific/Kiritimati")  # where it is Tuesday already
    agree(seamark, slack, incident, dora, due_in=0)

    assert slack.clock.now().date() == TODAY
    assert "1 day over" in dora.home().text
    slack.clock.advance(timedelta(days=1))
    assert "2 days over" in dora.home().text
