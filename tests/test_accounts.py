"""Accounts: asked by direct message, given with the name or without, read side by side."""

from __future__ import annotations

import logging
import re

import pytest
from sqlmodel import select

from bot import reports
from bot.app import Seamark
from sandbox import Channel, Dialog, Person, Sandbox, Shown
from sandbox.mrkdwn import pings_of_blocks
from storage.models import (
    Account,
    Answer,
    AnswerRevision,
    AuditEntry,
    Incident,
    OutboxItem,
    Participant,
    Receipt,
    Retrospective,
)
from storage.models import Person as Named
from tests.conftest import Team
from tests.retro_story import begin, hub, incident
from tests.stored import everything

SURPRISED, HARD = "What surprised you?", "What made it hard?"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def invited(person: Person) -> Dialog:
    """The dialog behind the button of the direct message that asks for an account."""
    asking = next(message for message in person.direct_messages() if "Give my account" in message.buttons)
    person.clicks("Give my account", within=asking)
    return person.form


def accounts_step(person: Person, room: Channel) -> Dialog:
    person.clicks("Accounts", within=hub(person, room))
    return person.form


def kept(seamark: Seamark) -> list[Account]:
    with seamark.db.reading() as session:
        return list(session.exec(select(Account)))


def test_each_participant_is_asked_once(room: Channel, team: Team) -> None:
    asked = [m for m in team.bob.direct_messages() if "Give my account" in m.buttons]

    assert len(asked) == 1
    assert "Checkout fails" in asked[0].text
    assert "carol leads the retrospective" in asked[0].text
    assert [m for m in team.carol.direct_messages() if "Give my account" in m.buttons] == []


def test_an_account_with_the_name_can_be_changed(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = invited(team.bob)
    assert dialog.title == "My account"
    dialog.fill({SURPRISED: "The cache was cold."}).submit()

    again = invited(team.bob)
    assert again.values[SURPRISED] == "The cache was cold."
    again.fill({SURPRISED: "The cache was cold, and nobody knew."}).submit()

    assert [(one.user_id, one.answers) for one in kept(seamark)] == [
        (team.bob.id, {"surprised": "The cache was cold, and nobody knew."})
    ]
    assert "1 of 2 accounts" in hub(team.alice, room).text


def test_perspective_opens_the_same_dialog(room: Channel, team: Team, seamark: Seamark) -> None:
    team.alice.types("/retro perspective", room)
    team.alice.form.fill({HARD: "Three dashboards."}).submit()

    assert [one.user_id for one in kept(seamark)] == [team.alice.id]


def test_without_a_name_nobody_can_tell(room: Channel, team: Team, seamark: Seamark, slack: Sandbox) -> None:
    for person, words in ((team.bob, "words one"), (team.alice, "words two")):
        invited(person).fill({SURPRISED: words, "Leave my name out": True}).submit()

    rows = kept(seamark)
    with seamark.db.reading() as session:
        begun = session.exec(select(Retrospective)).one()
        answered = session.exec(select(Participant.user_id).where(Participant.answered)).all()
        told = [
            *(str(one.payload) + str(one.progress) + one.key for one in session.exec(select(OutboxItem))),
            *(one.key + str(one.result) for one in session.exec(select(Receipt))),
            *(str(one.detail) for one in session.exec(select(AuditEntry))),
        ]
    assert sorted(one.answers["surprised"] for one in rows) == ["words one", "words two"]
    assert {one.user_id for one in rows} == {None}
    assert {one.saved_on for one in rows} == {begun.started_at.date()}
    assert sorted(answered) == sorted([team.alice.id, team.bob.id])
    for row in rows:
        assert [text for text in told if row.handle in text or row.answers["surprised"] in text] == []


def test_what_is_hidden_and_what_is_not_is_said(room: Channel, team: Team) -> None:
    first = invited(team.bob)
    assert "What is not hidden" in first.text
    assert "nobody else has left their name out" in first.text
    first.fill({SURPRISED: "words", "Leave my name out": True}).submit()

    assert "nobody else has left their name out" not in invited(team.alice).text


def test_the_way_back_leads_to_ones_own_words(room: Channel, team: Team, seamark: Seamark) -> None:
    invited(team.alice).fill({SURPRISED: "of alice", "Leave my name out": True}).submit()
    invited(team.bob).fill({SURPRISED: "of bob", "Leave my name out": True}).submit()

    back = next(m for m in team.bob.direct_messages() if "Change my account" in m.buttons)
    team.bob.clicks("Change my account", within=back)
    assert team.bob.form.values[SURPRISED] == "of bob"
    assert team.bob.form.values["Leave my name out"] == ["Keep my account without my name"]
    team.bob.form.fill({SURPRISED: "of bob, put better"}).submit()

    assert sorted(one.answers["surprised"] for one in kept(seamark)) == ["of alice", "of bob, put better"]
    assert len([m for m in team.bob.direct_messages() if "Change my account" in m.buttons]) == 1


def test_a_name_can_be_left_out_later(room: Channel, team: Team, seamark: Seamark) -> None:
    invited(team.bob).fill({SURPRISED: "words", HARD: "more"}).submit()
    invited(team.bob).fill({"Leave my name out": True}).submit()

    assert [(one.user_id, one.answers) for one in kept(seamark)] == [(None, {"surprised": "words", "hard": "more"})]


def test_when_the_way_back_cannot_be_sent_the_dialog_has_it(
    room: Channel, team: Team, seamark: Seamark, slack: Sandbox
) -> None:
    dialog = invited(team.bob)
    slack.faults.refuse("conversations.open", "internal_error")
    shown = dialog.fill({SURPRISED: "words", "Leave my name out": True}).submit()

    assert shown is not None
    assert "only way back" in shown.text
    shown.clicks("Change my account")
    assert team.bob.form.values[SURPRISED] == "words"


def ways_back(person: Person) -> list[Shown]:
    return [message for message in person.direct_messages() if "Change my account" in message.buttons]


def test_an_account_submitted_twice_is_one(room: Channel, team: Team, seamark: Seamark) -> None:
    invited(team.bob).fill({SURPRISED: "words", "Leave my name out": True}).submit(times=2)

    assert len(kept(seamark)) == 1
    assert len(ways_back(team.bob)) == 1


def test_the_way_back_is_there_before_the_account_is_finished(room: Channel, team: Team, seamark: Seamark) -> None:
    shown = invited(team.bob).fill({HARD: "Alice forgot to check.", "Leave my name out": True}).submit()
    assert shown is not None
    assert shown.title == "Wording"
    shown.close()

    team.bob.clicks("Change my account", within=ways_back(team.bob)[0])

    assert team.bob.form.values[HARD] == "Alice forgot to check."
    assert len(ways_back(team.bob)) == 1


def test_a_repeat_that_cannot_know_of_the_message_has_the_way_back_as_well(
    room: Channel, team: Team, seamark: Seamark, slack: Sandbox
) -> None:
    dialog = invited(team.bob)
    slack.faults.refuse("conversations.open", "internal_error")

    shown = dialog.fill({SURPRISED: "words", "Leave my name out": True}).submit(times=2)

    assert shown is not None
    shown.clicks("Change my account")
    assert team.bob.form.values[SURPRISED] == "words"
    assert ways_back(team.bob) == []


def woven(team: Team, room: Channel) -> None:
    """Bob's account, with his name, stands in an answer."""
    invited(team.bob).fill({SURPRISED: "The cache was cold."}).submit()
    accounts_step(team.carol, room).clicks("Weave into learning")
    team.carol.form.close()


def learning(person: Person, room: Channel) -> Dialog:
    person.clicks("Learning", within=hub(person, room))
    return person.form


def answered(seamark: Seamark) -> set[str]:
    """What stands in the answers, and what stood there before."""
    with seamark.db.reading() as session:
        return {row.text for row in (*session.exec(select(Answer)), *session.exec(select(AnswerRevision)))}


def in_documents(seamark: Seamark) -> list[str]:
    with seamark.db.reading() as session:
        report = reports.build(session, session.get_one(Incident, 1), seamark.books)
    return [answer.text for section in report.sections for answer in section.answers]


def without_code(text: str | None) -> str:
    return re.sub(r"[A-Z]{6}", "…", text or "")


def test_documents_name_whose_words_were_woven_in_and_no_answer_holds_the_name(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    woven(team, room)

    dialog = learning(team.carol, room)

    assert [without_code(text) for text in answered(seamark)] == ["The cache was cold. (participant …)"]
    assert "In documents, participant … is bob." in without_code(dialog.text)
    assert in_documents(seamark) == ["The cache was cold. (bob)"]
    dialog.clicks("Earlier versions")
    assert "The cache was cold. (bob)" in team.carol.form.text


def test_a_name_left_out_later_is_taken_out_of_what_was_woven_in(room: Channel, team: Team, seamark: Seamark) -> None:
    woven(team, room)

    invited(team.bob).fill({"Leave my name out": True}).submit()

    assert answered(seamark) == {"The cache was cold. (a participant)"}
    assert "is bob" not in learning(team.carol, room).text


def test_a_name_is_taken_out_where_the_account_says_something_else_by_now(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    woven(team, room)
    learning(team.carol, room).fill({"What surprised us?": f"{answered(seamark).pop()}\nAnd more."}).submit()
    invited(team.bob).fill({SURPRISED: "The cache was cold, I think."}).submit()

    invited(team.bob).fill({"Leave my name out": True}).submit()

    assert answered(seamark) == {
        "The cache was cold. (a participant)",
        "The cache was cold. (a participant)\nAnd more.",
    }


def test_a_name_is_taken_out_where_its_bearer_is_called_otherwise_by_now(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    woven(team, room)
    with seamark.db.transaction() as session:
        bob = session.exec(select(Named).where(Named.user_id == team.bob.id)).one()
        bob.name = "Robert"
        session.add(bob)
    assert in_documents(seamark) == ["The cache was cold. (Robert)"]

    invited(team.bob).fill({"Leave my name out": True}).submit()

    assert answered(seamark) == {"The cache was cold. (a participant)"}


def test_a_step_that_was_open_does_not_put_a_name_back(room: Channel, team: Team, seamark: Seamark) -> None:
    woven(team, room)
    untouched, edited = learning(team.carol, room), learning(team.alice, room)
    seen = edited.values["What surprised us?"]
    invited(team.bob).fill({"Leave my name out": True}).submit()

    untouched.submit()
    assert answered(seamark) == {"The cache was cold. (a participant)"}
    edited.fill({"What surprised us?": f"{seen}\nAnd more."}).submit()

    assert answered(seamark) == {
        "The cache was cold. (a participant)",
        "The cache was cold. (a participant)\nAnd more.",
    }


def test_a_step_that_was_open_before_anybody_had_answered_names_nobody(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    invited(team.bob).fill({SURPRISED: "The cache was cold."}).submit()
    offered = learning(team.carol, room)
    invited(team.bob).fill({"Leave my name out": True}).submit()

    offered.submit()

    assert answered(seamark) == {"The cache was cold. (a participant)"}


def test_words_that_met_anothers_say_whose_were_woven_in(room: Channel, team: Team, seamark: Seamark) -> None:
    woven(team, room)
    first, second = learning(team.carol, room), learning(team.alice, room)
    seen = first.values["What surprised us?"]
    first.fill({"What surprised us?": f"{seen}\nHers."}).submit()

    conflict = second.fill({"What surprised us?": f"{seen}\nAlice's."}).submit()

    assert conflict is not None
    assert "In documents, participant … is bob." in without_code(conflict.text)


def test_nothing_that_is_kept_or_logged_tells_whose_an_account_is(
    room: Channel, team: Team, seamark: Seamark, slack: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = everything(seamark.db)
    asked = invited(team.bob)
    caplog.clear()
    shown = asked.fill({HARD: "Alice forgot to check.", "Leave my name out": True}).submit()
    assert shown is not None
    shown.clicks("Keep as written")
    with seamark.db.reading() as session:
        handle = session.exec(select(Account.handle)).one()

    new = everything(seamark.db) - before
    beside = [row for row in new if team.bob.id in row and (handle in row or "forgot" in row)]
    ours = [one.getMessage() for one in caplog.records if one.name.split(".")[0] in {"bot", "handlers", "storage"}]
    assert beside == []
    assert [row for row in new if team.bob.id in row and "participant" not in row] == []
    assert ours == []


def test_wording_help_for_an_account_is_private(room: Channel, team: Team, seamark: Seamark) -> None:
    shown = invited(team.bob).fill({HARD: "Alice forgot to check the config."}).submit()
    assert shown is not None
    assert shown.title == "Wording"
    shown.clicks("Keep as written")

    again = invited(team.bob).submit()
    assert again is not None
    assert again.title == "My account"
    assert [one.answers["hard"] for one in kept(seamark)] == ["Alice forgot to check the config."]


def test_the_facilitator_sees_who_has_answered_and_reminds_once(room: Channel, team: Team) -> None:
    invited(team.bob).fill({SURPRISED: "The cache was cold."}).submit()

    step = accounts_step(team.carol, room)
    assert "Answered* (1): bob" in step.text.replace("*Answered*", "Answered*")
    assert "alice" in step.text
    step.clicks("Remind once")

    assert "Remind once" not in team.carol.form.buttons
    assert "only reminder" in team.alice.direct_messages()[-1].text
    assert [m for m in team.bob.direct_messages() if "only reminder" in m.text] == []


def test_others_do_not_see_who_has_answered(room: Channel, team: Team) -> None:
    invited(team.bob).fill({SURPRISED: "The cache was cold.", "Leave my name out": True}).submit()

    step = accounts_step(team.alice, room)

    assert "1 of 2 have answered." in step.text
    assert "bob" not in step.text
    assert "Remind once" not in step.buttons


def test_accounts_stand_side_by_side_and_are_woven_in(room: Channel, team: Team) -> None:
    invited(team.bob).fill({SURPRISED: "The cache was cold."}).submit()
    invited(team.alice).fill({SURPRISED: "Nobody was paged.", "Leave my name out": True}).submit()

    step = accounts_step(team.carol, room)
    assert "The cache was cold.\nbob" in step.text
    assert "Nobody was paged.\nA participant" in step.text
    following = step.submit()
    assert following is not None
    assert sorted(without_code(following.values["What surprised us?"]).split("\n")) == [
        "Nobody was paged. (a participant)",
        "The cache was cold. (participant …)",
    ]


def test_weaving_adds_what_an_answer_does_not_hold_yet(room: Channel, team: Team) -> None:
    team.carol.clicks("Learning", within=hub(team.carol, room))
    team.carol.form.fill({"What surprised us?": "Ours."}).clicks("Save and leave")
    invited(team.bob).fill({SURPRISED: "The cache was cold."}).submit()

    step = accounts_step(team.carol, room)
    step.clicks("Weave into learning")
    team.carol.form.clicks("Weave into learning")

    following = team.carol.form.submit()
    assert following is not None
    assert without_code(following.values["What surprised us?"]) == "Ours.\nThe cache was cold. (participant …)"


def test_long_accounts_of_many_are_paged(room: Channel, team: Team, slack: Sandbox) -> None:
    loud = "😀 <!channel> & long " * 140
    for person in (team.alice, team.bob, *(slack.person(f"p{number}") for number in range(6))):
        if person not in (team.alice, team.bob):
            person.joins(room)
        person.types("/retro perspective", room)
        person.form.fill(dict.fromkeys([SURPRISED, HARD, "What helped?"], loud)).submit()

    step = accounts_step(team.carol, room)
    pages = 1
    while "More accounts" in step.buttons:
        assert pings_of_blocks(step.blocks) == set()
        step.clicks("More accounts")
        pages += 1
    assert pages > 1
    assert step.text.count("😀") + 1 > 140
