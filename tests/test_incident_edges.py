"""`/incident` where things go wrong: dialogs too late, private rooms, two people at once, Slack's refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot import incidents, milestones
from bot.app import Seamark
from sandbox import Channel, Person, Sandbox, Shown
from sandbox.mrkdwn import pings_of_blocks
from storage import people
from storage.db import Database
from storage.models import Incident, IncidentKind, IncidentRole, Membership, Milestone, MilestoneKind
from storage.models import Person as Known
from tests.conftest import Team
from tests.test_incident import minutes_later, opening
from tests.timelines import declare, declare_here, line_with

NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)


def told(person: Person) -> list[str]:
    return [message.text for message in person.direct_messages()]


def secret(slack: Sandbox, team: Team, **fields: object) -> Channel:
    """A private incident in a room of its own, in which only alice is."""
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Layoff list leaked", "Severity": "SEV1", "Private": True, **fields}).submit()
    team.alice.form.close()
    return slack.channels()[-1]


# --- private rooms ----------------------------------------------------------------------------------------


def test_declare_button_in_a_private_room_makes_a_private_incident(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = slack.channel("secret-web", members=[team.alice], private=True, with_bot=False)
    team.alice.clicks("Declare", within=team.alice.types("/incident mark x", room))
    team.alice.form.fill({"Title": "Layoff list leaked", "Where": "This channel"}).submit()

    assert "Layoff" not in team.bob.types("/incident list", team.ops).text
    with seamark.db.reading() as session:
        assert [one.is_private for one in session.exec(select(Incident))] == [True]


def test_role_is_refused_to_somebody_outside_a_private_incident(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = secret(slack, team)

    assert team.alice.types("/incident role lead @bob", room).text == (
        "Only people in the channel of a private incident can have a role in it. Nobody was given the role;"
        " invite them there first."
    )
    with seamark.db.reading() as session:
        assert session.exec(select(IncidentRole)).all() == []


def test_update_is_asked_of_the_declarer_when_the_lead_has_left_a_private_room(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = secret(slack, team, **{"People to invite": [team.bob]})
    team.alice.types("/incident role lead @bob", room)
    team.bob.leaves(room)
    minutes_later(slack, seamark, 31)

    assert [text for text in told(team.bob) if "An update is due" in text] == []
    assert len([text for text in told(team.alice) if "An update is due" in text]) == 1


def test_archived_private_room_is_told_to_the_declarer_when_the_lead_has_left_it(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = secret(slack, team, **{"People to invite": [team.bob]})
    team.alice.types("/incident role lead @bob", room)
    team.bob.leaves(room)
    team.alice.archives(room)

    assert [text for text in told(team.bob) if "archived" in text] == []
    assert len([text for text in told(team.alice) if "was archived while" in text]) == 1


# --- dialogs too late -------------------------------------------------------------------------------------


def too_late(slack: Sandbox) -> None:
    slack.faults.refuse("views.open", "expired_trigger_id")


def test_declare_too_late_offers_the_dialog_again_with_what_was_typed(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    too_late(slack)
    reply = team.alice.types("/incident drill db down", team.ops)
    assert "Slack did not let the dialog open in time." in reply.text

    team.alice.clicks("Declare", within=reply)
    team.alice.form.submit()
    with seamark.db.reading() as session:
        found = [(one.title, one.kind) for one in session.exec(select(Incident))]
    assert found == [("db down", IncidentKind.DRILL)]


def test_declare_button_too_late_is_offered_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    refused = team.alice.types("/incident mark x", team.ops)
    too_late(slack)
    team.alice.clicks("Declare", within=refused)
    again = team.alice.sees(team.ops)[-1]

    assert "Slack did not let the dialog open in time." in again.text
    team.alice.clicks("Declare", within=again)
    assert team.alice.form.title == "Declare incident"


def test_mark_too_late_is_offered_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    too_late(slack)
    reply = team.bob.types("/incident mark", room)

    assert "Slack did not let the dialog open in time." in reply.text
    team.bob.clicks("Mark", within=reply)
    assert "Mark" in team.bob.form.title


@pytest.mark.parametrize(("label", "again"), [("Mark", "Mark"), ("Milestone", "Milestone"), ("Update", "Update")])
def test_button_of_the_opening_message_too_late_is_offered_again(
    slack: Sandbox, team: Team, seamark: Seamark, label: str, again: str
) -> None:
    room = declare(slack, team)
    [opening] = [one for one in team.bob.sees(room) if one.pinned]
    too_late(slack)
    team.bob.clicks(label, within=opening)
    offered = team.bob.sees(room)[-1]

    assert "Slack did not let the dialog open in time." in offered.text
    team.bob.clicks(again, within=offered)
    assert team.bob.form.title


def test_message_shortcut_too_late_is_offered_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    message = team.bob.says("it began with the deploy", room)
    too_late(slack)
    team.bob.uses_shortcut("Mark on timeline", message)
    offered = team.bob.sees(room)[-1]

    assert "Slack did not let the dialog open in time." in offered.text
    team.bob.clicks("Mark", within=offered)
    assert "Mark" in team.bob.form.title


# --- two at once ------------------------------------------------------------------------------------------


def both(db: Database, what: Callable[[Session, int], object]) -> None:
    """Let two threads do it, each in a transaction that is under way while the other's is."""
    begun, failed = threading.Barrier(2), []

    def one(number: int) -> None:
        try:
            with db.transaction() as session:
                if not db.is_sqlite:
                    begun.wait(timeout=10)
                what(session, number)
                session.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(repr(error))

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.fixture
def begun(db: Database) -> Incident:
    with db.transaction() as session:
        declaration = incidents.Declaration("x", own_channel=False)
        about = {"team_id": "T", "by": "U1", "channel_id": "C1", "source_key": "k", "now": NOW}
        return incidents.declare(session, declaration, **about)[0]  # type: ignore[arg-type]


def test_milestone_set_by_two_at_once_is_set_once(db: Database, begun: Incident) -> None:
    def detected(session: Session, number: int) -> None:
        of = session.get_one(Incident, begun.id)
        about = {"at": NOW, "note": "", "by": f"U{number}", "source_key": f"k{number}", "now": NOW}
        milestones.set_milestone(session, of, MilestoneKind.DETECTED, **about)  # type: ignore[arg-type]

    both(db, detected)
    with db.reading() as session:
        assert [one.kind for one in session.exec(select(Milestone))] == ["detected"]


def test_close_by_two_at_once_is_one_end(db: Database, begun: Incident) -> None:
    ended = []

    def close(session: Session, number: int) -> None:
        ended.append(incidents.close(session, session.get_one(Incident, begun.id), by=f"U{number}", now=NOW))

    both(db, close)
    assert sorted(ended) == [False, True]


def test_role_given_by_two_at_once_has_one_holder(db: Database, begun: Incident) -> None:
    both(db, lambda session, number: incidents.set_role(session, begun, "lead", f"U{number}", NOW))
    with db.reading() as session:
        assert [one.role for one in session.exec(select(IncidentRole))] == ["lead"]


def test_person_remembered_by_two_at_once_is_known_once(db: Database) -> None:
    def remember(session: Session, number: int) -> None:
        people.remember_person(session, Known(team_id="T", user_id="U9", name=f"n{number}", refreshed_at=NOW))

    both(db, remember)
    with db.reading() as session:
        assert list(people.names(session, "T")) == ["U9"]


def test_person_remembered_again_has_the_new_name(db: Database) -> None:
    for name in ("old", "new"):
        with db.transaction() as session:
            known = people.remember_person(session, Known(team_id="T", user_id="U9", name=name, refreshed_at=NOW))
            assert known.name == name
    with db.reading() as session:
        assert people.names(session, "T") == {"U9": "new"}


def test_members_added_by_two_at_once_are_there_once(db: Database) -> None:
    both(db, lambda session, number: people.add_members(session, "T", "C1", ["U1", "U2"][:: 3 - 2 * number]))
    with db.reading() as session:
        assert sorted(one.user_id for one in session.exec(select(Membership))) == ["U1", "U2"]


# --- words ------------------------------------------------------------------------------------------------


def test_role_of_somebody_not_known_yet_is_answered_with_their_name(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    dave = slack.person("dave")

    reply = team.alice.types("/incident role lead @dave", room)
    assert str(reply.blocks).count(f"<@{dave.id}> has the role lead now.") == 1


def test_somebody_not_known_yet_is_mentioned_to_one_reader_and_named_to_all(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    dave, erin = slack.person("dave"), slack.person("erin")
    team.bob.says("@dave may know", room)
    assert line_with(team.alice, room, "may know").endswith(f"*bob*: <@{dave.id}> may know")
    team.bob.types("/incident role comms @erin", room)
    team.bob.types("/incident update @dave looks into it", room)

    shown = opening(team.alice, room)
    assert "comms erin" in shown.text
    assert "@dave looks into it" in shown.text
    assert pings_of_blocks(shown.blocks) == set()
    assert (dave.id in str(shown.blocks), erin.id in str(shown.blocks)) == (False, False)


def test_close_a_second_time_says_that_it_was_closed(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident close", room)

    assert "INC-1 was closed already" in team.bob.types("/incident close", room).text


def test_channel_that_slack_refuses_is_told_to_the_declarer(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    slack.faults.refuse("conversations.create", "restricted_action")
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Checkout fails"}).submit()

    [told_] = [one for one in team.alice.sees(team.ops) if one.ephemeral]
    assert told_.text.startswith(
        "I could not open a channel for *INC-1 Checkout fails*: Slack answered `restricted_action`."
        " Try again, or go on in #ops."
    )
    assert told_.buttons == ["Try again", "Use this channel"]


def refused(slack: Sandbox, team: Team, where: Channel, **fields: object) -> Shown:
    """An incident whose channel Slack refused; what alice was told of it."""
    slack.faults.refuse("conversations.create", "restricted_action")
    team.alice.types("/incident declare", where)
    team.alice.form.fill({"Title": "Checkout fails", **fields}).submit()
    return team.alice.sees(where)[-1]


def test_refused_channel_is_tried_again_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    told_ = refused(slack, team, team.ops)
    standing = team.bob.types("/incident status INC-1", team.ops)
    team.alice.clicks("Try again", within=told_)
    team.bob.clicks("Try again", within=standing)

    room = slack.find_channel("inc-1-checkout-fails")
    assert team.bob.sees(team.ops)[-1].text == "INC-1 goes on in #inc-1-checkout-fails."
    assert room.topic == "INC-1 · SEV3 · open · Checkout fails"
    assert len([one for one in team.alice.sees(room) if one.pinned]) == 1


def test_refused_channel_is_told_anew_when_it_is_refused_anew(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    told_ = refused(slack, team, team.ops)
    slack.faults.refuse("conversations.create", "restricted_action")
    team.alice.clicks("Try again", within=told_)

    assert [one.buttons for one in team.alice.sees(team.ops) if "could not open" in one.text][-1] == [
        "Try again",
        "Use this channel",
    ]


def test_incident_without_channel_goes_on_where_it_was_declared(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    told_ = refused(slack, team, team.ops)
    slack.clock.advance(timedelta(minutes=1))
    team.bob.says("it is the cache", team.ops)
    team.alice.clicks("Use this channel", within=told_)

    assert "INC-1 goes on in #ops." in [one.text for one in team.alice.sees(team.ops)]
    assert line_with(team.carol, team.ops, "it is the cache").endswith("*bob*: it is the cache")


def test_incident_without_channel_is_not_put_into_another_incident(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    told_ = refused(slack, team, team.ops)
    declare_here(team)
    team.alice.clicks("Use this channel", within=told_)

    assert team.alice.sees(team.ops)[-1].text == (
        "#ops is about INC-2, which is open, so INC-1 cannot go on there. Nothing was changed;"
        " `/incident close INC-2` ends the other first."
    )


def test_private_incident_without_channel_does_not_go_on_before_everybody(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    told_ = refused(slack, team, team.ops, Private=True)

    assert told_.buttons == ["Try again"]


def test_incident_without_channel_is_closed_by_its_name(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    refused(slack, team, team.ops)

    standing = team.bob.types("/incident status INC-1", team.ops)
    assert "*INC-1 Checkout fails* · SEV3 · open · no channel yet" in standing.text
    assert standing.buttons == ["Try again", "Use this channel"]
    closed = team.bob.types("/incident close inc-1 it was nothing", team.ops)
    assert closed.text.startswith("INC-1 is closed.")
    assert closed.buttons == []
    assert "Incident closed: it was nothing" in str(team.bob.types("/incident timeline INC-1", team.ops).blocks)
    assert team.bob.types("/incident reopen INC-1", team.ops).text == "INC-1 is open again."


def test_incident_is_named_only_by_those_who_may_see_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    declare(slack, team, Private=True)
    dave = slack.person("dave")
    lobby = slack.channel("lobby", members=[dave])

    for typed in ("status INC-1", "timeline INC-1", "close INC-1", "reopen INC-1", "status INC-99"):
        assert dave.types(f"/incident {typed}", lobby).text == (
            "There is no such incident that you can see. `/incident list` shows those there are."
        )
    assert team.bob.types("/incident status INC-1", team.ops).text.startswith("*INC-1 Checkout fails* · SEV3 · open")


def test_fault_tells_a_responder_what_to_do(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    slack.faults.refuse("views.open", "invalid_arguments")

    assert team.alice.types("/incident declare x", team.ops).text == (
        "Something went wrong on Seamark's side and this was not saved. Please try again; if it fails again, tell"
        " whoever runs Seamark."
    )
