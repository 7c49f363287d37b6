"""The steps about time: milestones put right, the timeline reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from bot import timeline
from bot.app import Seamark
from bot.kinds import Kind
from bot.moments import TypedMark
from sandbox import Channel, Dialog, Person, Sandbox
from sandbox.mrkdwn import pings_of_blocks
from storage.models import Answer, Entry, Incident, Milestone
from tests.conftest import MONDAY, Team
from tests.retro_story import begin, hub, incident
from tests.timelines import timeline as lines_of

KEY = "Key moments"
ROLL_BACK = "15:12 🧭 alice: roll back to v41"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def opens(person: Person, room: Channel, step: str) -> Dialog:
    person.clicks(step, within=hub(person, room))
    return person.form


def times(seamark: Seamark) -> dict[str, datetime]:
    with seamark.db.reading() as session:
        return {one.kind: one.at for one in session.exec(select(Milestone))}


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-16T{clock}:00+00:00")


def test_milestones_are_shown_and_put_right(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Milestones")
    assert dialog.values["Started"] == int(at("09:30").timestamp())
    assert dialog.values["Detected"] is None

    following = dialog.fill({"Detected": at("09:45"), "Started": at("09:20")}).submit()

    assert following is not None
    assert following.title == "Timeline review"
    assert times(seamark) == {"started": at("09:20"), "detected": at("09:45"), "resolved": at("09:55")}
    assert "Not set: acknowledged, mitigated" in hub(team.alice, room).text


def test_a_milestone_that_comes_back_without_its_seconds_was_not_changed(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    team.alice.types("/incident acknowledged 09:50:37", room)
    before = lines_of(team.alice, room)
    dialog = opens(team.carol, room, "Milestones")
    shown = dialog.values["Acknowledged"]
    assert shown % 60 == 37
    dialog.fill({"Acknowledged": shown - 37}).submit()

    assert lines_of(team.alice, room) == before
    assert times(seamark)["acknowledged"].second == 37


def test_a_milestone_nobody_can_tell_is_left_open(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Milestones").fill({"Started": None}).submit()

    assert list(times(seamark)) == ["resolved"]


def test_contradictions_are_explained_and_may_be_kept(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Milestones")

    shown = dialog.fill({"Detected": at("09:58"), "How did we first get to know?": "An alert"}).submit()
    assert shown is not None
    assert shown.title == "Milestones"
    assert "contradict each other" in shown.text
    assert "Detected (" in shown.text
    assert "detected" not in times(seamark)
    following = shown.submit()

    assert following is not None
    assert following.title == "Timeline review"
    assert times(seamark)["detected"] == at("09:58")


def test_a_message_gives_its_time_to_a_milestone(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Milestones")
    offered = dialog.suggestions("Use this message's time", "error rate")
    assert offered == ["15:15 🔔 bob: the error rate doubled"]

    dialog.fill({"Use this message's time": offered[0], "As the time of": "Detected"}).submit()

    assert times(seamark)["detected"] == at("09:45")


def test_a_time_to_come_is_refused_at_its_field(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Milestones")

    dialog.fill({"Mitigated": MONDAY + timedelta(hours=3)}).submit()

    assert dialog.errors == {"Mitigated": "That moment has not come yet."}


def test_key_moments_are_chosen_by_typing(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Timeline review")
    assert dialog.suggestions(KEY, "v41 alice") == [ROLL_BACK]

    dialog.fill({KEY: [ROLL_BACK]}).submit()

    with seamark.db.reading() as session:
        assert session.exec(select(Entry.text).where(Entry.is_key)).all() == ["roll back to v41"]
    again = opens(team.bob, room, "Timeline review")
    assert again.values[KEY] == ["04:42 🧭 alice: roll back to v41"]
    assert ":star:" in again.text
    again.fill({KEY: []}).submit()
    with seamark.db.reading() as session:
        assert session.exec(select(Entry.text).where(Entry.is_key)).all() == []


def test_two_peoples_key_moments_add_up(room: Channel, team: Team, seamark: Seamark) -> None:
    mine = opens(team.carol, room, "Timeline review").fill({KEY: [ROLL_BACK]})
    opens(team.bob, room, "Timeline review").fill({KEY: ["04:50 💥 bob: half of the orders fail"]}).submit()
    mine.submit()

    with seamark.db.reading() as session:
        keys = session.exec(select(Entry.text).where(Entry.is_key)).all()
    assert sorted(keys) == ["half of the orders fail", "roll back to v41"]


def test_follow_ups_fit_the_kind_of_remark(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Timeline review")
    label = "15:12 roll back to v41: What brought you to that?"
    assert [one for one in dialog.labels if one.startswith("15:")] == [
        label,
        "15:15 the error rate doubled: What specifically made it seem so?",
        "15:20 half of the orders fail: What specifically made it seem so?",
    ]

    dialog.fill({label: "It had worked in March."}).submit()

    with seamark.db.reading() as session:
        entry = session.exec(select(Entry).where(Entry.text == "roll back to v41")).one()
        answer = session.exec(select(Answer).where(Answer.prompt == f"entry_{entry.id}")).one()
    assert (answer.step, answer.text) == ("timeline", "It had worked in March.")


def test_everything_can_be_shown(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Timeline review")
    assert "looking at the dashboards" not in dialog.text

    dialog.clicks("Show everything")
    assert "looking at the dashboards" in dialog.text
    dialog.clicks("Show marked only")
    assert "looking at the dashboards" not in dialog.text


def test_what_is_missing_is_added_and_what_was_typed_stays(room: Channel, team: Team, seamark: Seamark) -> None:
    missing = "What is missing, or went differently for somebody?"
    dialog = opens(team.carol, room, "Timeline review").fill({missing: "typed, not saved"})
    dialog.clicks("Add what is missing")

    adding = team.carol.form
    assert adding.title == "Add what is missing"
    adding.fill({"What happened": "called <!channel> support", "When": "10:99", "Kind": "📟 Escalation"}).submit()
    assert list(adding.errors) == ["When"]
    below = adding.fill({"When": "15:05"}).submit()

    assert below is not None
    assert below.title == "Timeline review"
    assert "called <!channel> support" in below.text
    assert pings_of_blocks(below.blocks) == set()
    assert below.values[missing] == "typed, not saved"
    with seamark.db.reading() as session:
        found = session.exec(select(Entry).where(Entry.kind == Kind.ESCALATION)).one()
    assert found.happened_at == at("09:35")


def test_an_entry_is_put_right(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Timeline review")
    dialog.clicks("Edit", nth=1)

    editing = team.carol.form
    assert editing.title == "Edit entry"
    below = editing.fill({"When": "2026-11-16 15:01"}).submit()

    assert below is not None
    assert "3:01 PM" in below.text


def test_five_hundred_entries_are_paged(slack: Sandbox, team: Team, seamark: Seamark, room: Channel) -> None:
    with seamark.db.transaction() as session:
        of = session.exec(select(Incident)).one()
        for number in range(500):
            words = f"entry {number} 😀 شكرا <!channel> " + "x" * (number * 7 % 3000)
            typed = TypedMark(at("08:00") + timedelta(seconds=number), list(Kind)[number % 10], words)
            timeline.mark(
                session, of, typed, by=team.bob.id, source_key=f"test:{number}", channel_id=room.id, now=MONDAY
            )

    dialog = opens(team.carol, room, "Timeline review")
    assert "What was marked*, 1 to 12 of 506" in dialog.text
    label = next(one for one in dialog.labels if "What brought you" in one)
    dialog.fill({label: "kept over the pages"}).clicks("Later entries")
    assert "13 to 24 of 506" in dialog.text
    assert pings_of_blocks(dialog.blocks) == set()
    dialog.clicks("Earlier entries")
    assert dialog.values[label] == "kept over the pages"
    assert len(dialog.suggestions(KEY, "entry")) == 100
    seen = 0
    shown: Dialog | None = dialog
    while shown is not None and shown.title == "Timeline review":
        seen += 1
        shown = shown.submit()
    assert seen >= 1
    assert shown is not None
    assert shown.title == "Accounts"


def test_clock_is_the_facilitators(room: Channel, team: Team) -> None:
    decisions = "Which decisions turned the course?"

    assert opens(team.bob, room, "Timeline review").values[decisions] == "15:12 alice: roll back to v41"
