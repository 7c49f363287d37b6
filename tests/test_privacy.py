"""What only the members of a private incident's channel may learn, and what belongs to one retrospective alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot import action_items
from bot.app import Seamark
from bot.errors import FieldRefusal
from handlers import history
from handlers.views.action_items import plan_of
from sandbox import Channel, Dialog, Person, Sandbox, forms
from storage.models import Entry, Factor, Incident, Nudge, Retrospective
from tests.conftest import Team
from tests.follow_through import agree, closed_incident, know
from tests.retro_story import begin, hub, incident
from tests.test_incident import minutes_later

SECRET = "Layoff list leaked"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    """The channel of a private incident that is over; alice, bob and carol are in it."""
    return incident(slack, team, private=True, title=SECRET)


@pytest.fixture
def dave(slack: Sandbox, team: Team) -> Person:
    person = slack.person("dave")
    person.joins(team.ops)
    return person


def told(person: Person) -> list[str]:
    """What somebody was told of the private incident in direct messages."""
    return [message.text for message in person.direct_messages() if SECRET in message.text]


# --- who is asked ----------------------------------------------------------------------------------------


def test_participant_outside_is_refused_at_the_field(team: Team, room: Channel, dave: Person) -> None:
    team.carol.types("/retro start", room)
    team.carol.form.fill({"Participants": [dave, team.bob]}).submit()
    assert list(team.carol.form.errors) == ["Participants"]
    assert told(dave) == []


def test_facilitator_outside_is_refused_at_the_field(team: Team, room: Channel, dave: Person) -> None:
    team.carol.types("/retro start", room)
    team.carol.form.fill({"Facilitator": dave}).submit()
    assert list(team.carol.form.errors) == ["Facilitator"]
    assert told(dave) == []


def test_participant_outside_is_refused_when_details_change(team: Team, room: Channel, dave: Person) -> None:
    begin(team.carol, room)
    team.carol.clicks("Change details", within=hub(team.carol, room))
    team.carol.form.fill({"Participants": [dave, team.bob]}).submit()
    assert list(team.carol.form.errors) == ["Participants"]
    team.carol.form.fill({"Participants": [team.bob], "Facilitator": dave}).submit()
    assert list(team.carol.form.errors) == ["Facilitator"]
    assert told(dave) == []


def test_who_left_the_channel_is_not_offered_and_not_asked(team: Team, room: Channel) -> None:
    team.bob.leaves(room)
    begin(team.carol, room)
    assert told(team.bob) == []
    assert len(told(team.alice)) == 1


def test_who_leaves_later_is_not_reminded_of_the_meeting(
    slack: Sandbox, team: Team, seamark: Seamark, room: Channel
) -> None:
    begin(team.carol, room, Meeting=slack.clock.now() + timedelta(hours=3))
    before = len(told(team.bob)), len(told(team.alice))
    team.bob.leaves(room)
    minutes_later(slack, seamark, 179)
    assert (len(told(team.bob)) - before[0], len(told(team.alice)) - before[1]) == (0, 1)


def test_owner_who_left_unseen_is_replaced_at_once(slack: Sandbox, team: Team, seamark: Seamark, room: Channel) -> None:
    begin(team.carol, room)
    agreed(slack, seamark, team.bob)
    room.state().members.remove(team.bob.id)  # he left, and nobody was told
    assert handed_to(seamark) == []

    with seamark.db.transaction() as session:
        history.catch_up(session, slack.team_id, now=slack.clock.now())
    seamark.courier.drain()

    assert "bob is no longer in the channel of this private incident: ACT-1" in hub(team.carol, room).text
    assert handed_to(seamark) == [("owner_away", team.carol.id)]


def test_owner_outside_is_replaced_when_the_incident_becomes_private(
    slack: Sandbox, team: Team, seamark: Seamark, dave: Person
) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    agreed(slack, seamark, dave)
    assert handed_to(seamark) == []

    team.alice.makes_private(room)

    assert "dave is no longer in the channel of this private incident: ACT-1" in hub(team.carol, room).text
    assert handed_to(seamark) == [("owner_away", team.carol.id)]


def agreed(slack: Sandbox, seamark: Seamark, owner: Person) -> None:
    """An action of the incident's retrospective that was looked at and is due in weeks."""
    with seamark.db.transaction() as session:
        know(session, slack, owner)
    with seamark.db.reading() as session:
        (of,) = session.exec(select(Incident))
    agree(seamark, slack, of, owner, due_in=60)
    seamark.tick()


def handed_to(seamark: Seamark) -> list[tuple[str, str]]:
    """What is planned or said at a tick about owners who cannot be reminded, and to whom."""
    seamark.tick()
    with seamark.db.reading() as session:
        return [(one.rule, one.recipient_id) for one in session.exec(select(Nudge)) if one.rule == "owner_away"]


# --- where it is shown -----------------------------------------------------------------------------------


def test_hub_without_a_channel_goes_to_the_facilitator(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    slack.faults.refuse("conversations.create", "restricted_action")
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": SECRET, "Private": True}).submit()
    team.alice.form.close()
    begin_by_number(team.alice, team.ops)
    assert [message.text for message in team.bob.sees(team.ops) if SECRET in message.text] == []
    assert [m for m in team.alice.direct_messages() if "Scope and impact" in m.buttons] != []


def begin_by_number(person: Person, place: Channel) -> None:
    person.types("/retro start INC-1", place)
    dialog = person.form.submit()
    if dialog is not None and dialog.title == "Start retrospective":
        dialog.submit()
    if person.dialog is not None:
        person.form.close()


def test_facilitator_who_left_hears_nothing_of_a_review(team: Team, room: Channel) -> None:
    begin(team.carol, room)
    team.carol.clicks("Review and publish", within=hub(team.carol, room))
    team.carol.form.clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.bob]}).submit()
    team.carol.leaves(room)
    before = len(team.carol.direct_messages())
    asked = [message for message in team.bob.direct_messages() if "Approve" in message.buttons][-1]
    team.bob.clicks("Ask for changes", within=asked)
    team.bob.form.fill({"What should change?": "name the CFO"}).submit()
    assert team.carol.direct_messages()[before:] == []
    assert [m.text for m in team.alice.direct_messages() if "name the CFO" in m.text] != []


# --- the timeline of one retrospective -------------------------------------------------------------------


def entry_of(seamark: Seamark, words: str) -> Entry:
    with seamark.db.reading() as session:
        return next(entry for entry in session.exec(select(Entry)) if words in entry.text)


def edit_buttons(person: Person, dialog: Dialog) -> Iterator[dict[str, Any]]:
    for _, _, element in forms.buttons(person._blocks(dialog)):
        if element.get("action_id") == "retro_entry_edit":
            yield element


def test_entry_of_another_incident_is_not_edited(team: Team, seamark: Seamark, room: Channel, dave: Person) -> None:
    team.alice.types("/incident reopen", room)
    team.alice.types("/incident mark decision: fire Zed tomorrow", room)
    dave.types("/incident declare", team.ops)
    dave.form.fill({"Title": "Mine", "Where": "This channel"}).submit()
    dave.form.close()
    dave.types("/incident mark decision: hello", team.ops)
    dave.types("/incident close", team.ops)
    begin(dave, team.ops)
    dave.clicks("Timeline review", within=hub(dave, team.ops))
    button = next(edit_buttons(dave, dave.form))
    made_up = {"type": "button", "action_id": "retro_entry_edit", "block_id": "x", "text": button["text"]}
    dave.acts(dave.form, {**made_up, "value": str(entry_of(seamark, "Zed").id)})
    assert "Zed" not in f"{dave.form.values} {dave.form.text}"


def test_kind_changed_alone_leaves_the_moment(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    team.alice.types("/incident reopen", room)
    slack.clock.advance(timedelta(microseconds=123456))
    team.alice.reacts(team.bob.says("odd moment", room), "pushpin")
    team.alice.types("/incident close", room)
    begin(team.carol, room)
    before = entry_of(seamark, "odd moment")
    team.carol.clicks("Timeline review", within=hub(team.carol, room))
    ids = [button["value"] for button in edit_buttons(team.carol, team.carol.form)]
    team.carol.form.clicks("Edit", nth=ids.index(str(before.id)))
    team.carol.form.fill({"Kind": "🧭 Decision"}).submit()
    after = entry_of(seamark, "odd moment")
    assert (after.happened_at, after.kind) == (before.happened_at, "decision")


# --- actions and their factors -----------------------------------------------------------------------------


def test_action_takes_no_factor_of_another_retrospective(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    first = closed_incident(seamark, slack, team.ops, team.alice, facilitator=team.carol)
    other = closed_incident(seamark, slack, slack.channel("other"), team.alice, title="x", facilitator=team.carol)
    action = agree(seamark, slack, first, team.bob, due_in=3)
    with seamark.db.transaction() as session:
        there = {one.incident_id: one for one in session.exec(select(Retrospective))}
        factor = Factor(
            team_id=slack.team_id,
            retrospective_id=there[other.id].id,
            source_key="test",
            statement="Somebody else's words",
            created_by=team.alice.id,
            created_at=slack.clock.now(),
        )
        session.add(factor)
        session.flush()
        plan = replace(plan_of(action), factor_id=factor.id)
        with pytest.raises(FieldRefusal, match="not one of this retrospective"):
            action_items.change(
                session, slack.team_id, action.id, plan, by=team.bob.id, based_on=1, now=slack.clock.now()
            )


# --- the way back to an unnamed account --------------------------------------------------------------------


def test_unnamed_account_is_answered_in_time_when_slack_is_slow(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    begin(team.carol, incident(slack, team))
    asked = [message for message in team.bob.direct_messages() if "Give my account" in message.buttons][-1]
    team.bob.clicks("Give my account", within=asked)
    form = team.bob.form
    slack.faults.slow(1.7, "conversations.open")
    slack.faults.slow(1.7, "chat.postMessage")
    began = time.monotonic()
    form.fill({next(iter(form.values)): "I saw it", "Leave my name out": True}).submit()
    assert time.monotonic() - began < 2
