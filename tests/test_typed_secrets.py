"""Likely secrets typed into dialogs: masked before they are kept, and the writer is told at once and in private."""

from __future__ import annotations

import logging

import pytest
from sqlmodel import select

from bot.app import Seamark
from sandbox import Channel, Dialog, Person, Sandbox, Shown
from storage.models import (
    Account,
    ActionItem,
    AllowedSecret,
    Factor,
    OutboxItem,
)
from tests.conftest import Team
from tests.retro_story import begin, hub, incident
from tests.stored import everything

SECRET = "AK" + "IA" + "Q3EGRZ7XKJ5MBN4T"
TYPED, KEPT = f"we used {SECRET} there", "we used [masked: AWS key] there"
AFFECTED, SUMMARY, SURPRISED = (
    "How many were affected?",
    "What happened, in three sentences?",
    "What surprised you?",
)


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def opens(person: Person, room: Channel, step: str) -> Dialog:
    person.clicks(step, within=hub(person, room))
    return person.form


def told(dialog: Dialog | None) -> Dialog:
    assert dialog is not None
    assert "looked as if it held an AWS key" in dialog.text
    assert "It is no secret" in dialog.buttons
    return dialog


def nowhere(seamark: Seamark) -> None:
    assert [row for row in everything(seamark.db) if SECRET in row] == []


def test_secret_in_an_answer_is_masked_and_the_next_step_says_so(room: Channel, team: Team, seamark: Seamark) -> None:
    following = told(opens(team.carol, room, "Scope and impact").fill({AFFECTED: TYPED}).submit())

    assert following.title == "Milestones"
    following.close()
    assert opens(team.bob, room, "Scope and impact").values[AFFECTED] == KEPT
    nowhere(seamark)


@pytest.mark.parametrize("way", ["Save and leave", "Back", "Publish"])
def test_secret_is_told_whatever_button_saves_it(room: Channel, team: Team, seamark: Seamark, way: str) -> None:
    dialog = opens(team.carol, room, "Review and publish")
    dialog.fill({"Which terms does an outsider need explained?": TYPED})

    dialog.clicks(way)

    told(team.carol.form)
    nowhere(seamark)


def test_secret_split_over_two_inputs_is_masked(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Scope and impact").fill({SUMMARY: "word " * 500}).clicks("Save and leave")
    team.carol.form.close()
    dialog = opens(team.carol, room, "Scope and impact")
    first, second = (label for label in dialog.labels if label.startswith(SUMMARY))

    told(dialog.fill({first: "word " * 550 + SECRET[:10], second: SECRET[10:] + " more"}).submit())

    nowhere(seamark)


def test_what_is_no_secret_is_kept_when_it_is_typed_again(room: Channel, team: Team, seamark: Seamark) -> None:
    following = told(opens(team.carol, room, "Scope and impact").fill({AFFECTED: TYPED}).submit())
    following.fill({"Which stretch took longest, and what filled it?": "typed meanwhile"})

    following.clicks("It is no secret")

    shown = team.carol.form
    assert "type it once more" in shown.text
    assert "It is no secret" not in shown.buttons
    assert shown.values["Which stretch took longest, and what filled it?"] == "typed meanwhile"
    shown.close()
    done = opens(team.carol, room, "Scope and impact").fill({AFFECTED: TYPED}).submit()
    assert done is not None
    assert "looked as if" not in done.text
    done.close()
    assert opens(team.bob, room, "Scope and impact").values[AFFECTED] == TYPED


def test_secret_in_a_factor_is_masked(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Contributing factors").clicks("Add a factor")
    fields = {"What contributed": TYPED, "Another view": TYPED, "Assumptions": TYPED}

    told(team.carol.form.fill(fields).submit())

    with seamark.db.reading() as session:
        factor = session.exec(select(Factor)).one()
    assert [factor.statement, factor.another_view, factor.assumptions] == [KEPT] * 3
    nowhere(seamark)


def test_secret_in_an_action_and_in_its_reason_is_masked(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Actions").clicks("Add an action")
    fields = {"What will be done": f"Add {SECRET} to the vault", "Owner": team.bob}
    told(team.carol.form.fill(fields | {"How will we know it worked?": TYPED}).submit()).close()
    listed = team.bob.types("/retro actions mine", room)
    team.bob.clicks("Won't do", within=listed)

    told(team.bob.form.fill({"Because": TYPED}).submit())

    with seamark.db.reading() as session:
        action = session.exec(select(ActionItem)).one()
    assert (action.what, action.success_criteria) == ("Add [masked: AWS key] to the vault", KEPT)
    nowhere(seamark)


def test_secret_in_a_reviewers_words_is_masked(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Review and publish").clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.alice]}).submit()
    team.alice.clicks("Ask for changes", within=_request(team.alice))

    told(team.alice.form.fill({"What should change?": TYPED}).submit())

    assert f"> {KEPT}" in team.carol.direct_messages()[-1].text
    nowhere(seamark)


def _request(person: Person) -> Shown:
    return next(m for m in reversed(person.direct_messages()) if "Ask for changes" in m.buttons)


def test_secret_in_a_declaration_is_masked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident declare", team.ops)

    told(team.alice.form.fill({"Title": f"Key {SECRET} leaked", "What is happening": TYPED}).submit())

    nowhere(seamark)


def test_secret_of_a_line_that_was_missing_is_told(room: Channel, team: Team, seamark: Seamark) -> None:
    opens(team.carol, room, "Timeline review").clicks("Add what is missing")

    told(team.carol.form.fill({"What happened": TYPED, "When": "15:00"}).submit())

    nowhere(seamark)


def test_refused_dialog_stays_open_and_says_nothing_of_secrets_yet(room: Channel, team: Team) -> None:
    opens(team.carol, room, "Timeline review").clicks("Add what is missing")
    dialog = team.carol.form.fill({"What happened": TYPED, "When": "whenever"})

    dialog.submit()

    assert list(dialog.errors) == ["When"]
    told(dialog.fill({"When": "15:00"}).submit())


def test_secret_in_an_account_without_a_name_leaves_no_trace_of_its_writer(
    room: Channel, team: Team, seamark: Seamark, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="handlers")
    asking = next(m for m in team.bob.direct_messages() if "Give my account" in m.buttons)
    team.bob.clicks("Give my account", within=asking)
    shown = told(team.bob.form.fill({SURPRISED: TYPED, "Leave my name out": True}).submit())

    shown.clicks("It is no secret")

    with seamark.db.reading() as session:
        assert [one.answers for one in session.exec(select(Account))] == [{"surprised": KEPT}]
        allowed = session.exec(select(AllowedSecret)).one()
        said = [str(one.payload) for one in session.exec(select(OutboxItem)) if "masked" in str(one.payload)]
    assert (allowed.allowed_by, allowed.allowed_at.hour, allowed.allowed_at.minute) == ("", 0, 0)
    assert said == []
    assert team.bob.id not in caplog.text
    nowhere(seamark)


def test_secret_kept_as_written_in_an_account_is_told(room: Channel, team: Team, seamark: Seamark) -> None:
    team.bob.types("/retro perspective", room)
    shown = team.bob.form.fill({SURPRISED: "Alice forgot to check the config."}).submit()
    assert shown is not None

    shown.fill({SURPRISED: f"Alice forgot {SECRET}"}).clicks("Keep as written")

    told(team.bob.form)
    nowhere(seamark)
