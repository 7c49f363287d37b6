"""The steps as people fill them in: prefilled, saved, left, gone back to, by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from bot import app as composition
from bot.app import Seamark
from sandbox import Channel, Dialog, Person, Sandbox
from sandbox.forms import fields
from sandbox.mrkdwn import pings_of_blocks
from storage.models import Answer, AnswerRevision, StepState
from tests.conftest import Team, settings_for
from tests.retro_story import begin, hub, incident

SUMMARY = "What happened, in three sentences?"
IMPACT = "What could people not do, and who noticed?"
AFFECTED = "How many were affected?"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    """The room of an incident whose retrospective carol leads; alice and bob take part."""
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def opens(person: Person, room: Channel, step: str) -> Dialog:
    person.clicks(step, within=hub(person, room))
    return person.form


def test_step_is_filled_with_what_the_timeline_tells(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Scope and impact")

    assert dialog.title == "Scope and impact"
    assert dialog.submit_label == "Save and continue"
    assert dialog.buttons == ["Save and leave", "Earlier versions"]
    values = dialog.values
    assert values[SUMMARY] == "Orders are refused."
    assert values[IMPACT] == "15:20 half of the orders fail"
    assert values["For how long could users notice it?"] == "25 minutes, from 15:00 to 15:25 (IST)"
    assert values["Severity, now that the impact is known"] == "SEV2"
    assert values["Which services took part?"] == "checkout, payments"


def test_save_and_continue_shows_the_next_step_in_place(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Scope and impact")

    following = dialog.fill({AFFECTED: "415 of about 450"}).submit()

    assert following is not None
    assert following.title == "Milestones"
    shown = hub(team.alice, room)
    assert "1 of 8 steps done" in shown.text
    assert "Scope and impact done, carol" in shown.text.replace("*", "")


def test_save_and_leave_keeps_the_draft_for_anybody(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Scope and impact")
    dialog.fill({AFFECTED: "415 of about 450"})
    dialog.clicks("Save and leave")

    assert "All of it is kept" in team.carol.form.text
    assert "0 of 8 steps done" in hub(team.alice, room).text
    assert "begun, carol" in hub(team.alice, room).text
    assert opens(team.bob, room, "Scope and impact").values[AFFECTED] == "415 of about 450"


def test_back_keeps_what_was_typed(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Milestones")
    dialog.fill({"How did we first get to know?": "An alert"})
    dialog.clicks("Back")

    assert team.carol.form.title == "Scope and impact"
    team.carol.form.close()
    assert opens(team.alice, room, "Milestones").values["How did we first get to know?"] == "An alert"


def test_every_saved_answer_is_a_revision(room: Channel, team: Team, seamark: Seamark) -> None:
    for text in ("first", "second"):
        opens(team.carol, room, "Scope and impact").fill({AFFECTED: text}).submit()
        team.carol.form.close()

    with seamark.db.reading() as session:
        answer = session.exec(select(Answer).where(Answer.prompt == "affected")).one()
        kept = session.exec(select(AnswerRevision).where(AnswerRevision.answer_id == answer.id)).all()
    assert (answer.text, answer.version) == ("second", 2)
    assert sorted((one.version, one.text, one.saved_by) for one in kept) == [
        (1, "first", team.carol.id),
        (2, "second", team.carol.id),
    ]


def test_two_people_at_once_both_keep_their_words(room: Channel, team: Team, seamark: Seamark) -> None:
    mine = opens(team.carol, room, "Scope and impact").fill({SUMMARY: "Orders are refused.\nCarol's view."})
    opens(team.bob, room, "Scope and impact").fill({SUMMARY: "Orders are refused.\nBob's view."}).submit()

    shown = mine.submit()

    assert shown is not None
    assert "bob saved this meanwhile" in shown.text
    assert shown.values[SUMMARY] == "Orders are refused.\nBob's view.\nCarol's view."
    following = shown.fill({SUMMARY: "Both views, settled."}).submit()
    assert following is not None
    assert following.title == "Milestones"
    with seamark.db.reading() as session:
        answer = session.exec(select(Answer).where(Answer.prompt == "summary")).one()
        texts = session.exec(
            select(AnswerRevision.text).where(AnswerRevision.answer_id == answer.id).order_by("version")
        ).all()
    assert answer.text == "Both views, settled."
    assert texts == [
        "Orders are refused.\nBob's view.",
        "Orders are refused.\nCarol's view.",
        "Orders are refused.\nBob's view.\nCarol's view.",
        "Both views, settled.",
    ]


def test_two_people_at_once_keep_both_also_when_the_dialog_is_closed(room: Channel, team: Team) -> None:
    mine = opens(team.carol, room, "Scope and impact").fill({AFFECTED: "Carol's count"})
    opens(team.bob, room, "Scope and impact").fill({AFFECTED: "Bob's count"}).submit()

    shown = mine.submit()
    assert shown is not None
    shown.close()

    assert opens(team.alice, room, "Scope and impact").values[AFFECTED] == "Bob's count\nCarol's count"


def test_who_did_not_touch_an_answer_does_not_undo_it(room: Channel, team: Team) -> None:
    mine = opens(team.carol, room, "Scope and impact").fill({SUMMARY: "Mine."})
    opens(team.bob, room, "Scope and impact").fill({AFFECTED: "Bob's"}).submit()

    following = mine.submit()

    assert following is not None
    assert following.title == "Milestones"
    values = opens(team.alice, room, "Scope and impact").values
    assert (values[SUMMARY], values[AFFECTED]) == ("Mine.", "Bob's")


def test_two_choices_at_once_are_told(room: Channel, team: Team) -> None:
    label = "What happened to data?"
    mine = opens(team.carol, room, "Scope and impact").fill({label: "Nothing"})
    opens(team.bob, room, "Scope and impact").fill({label: "Not known yet"}).submit()

    shown = mine.submit()

    assert shown is not None
    assert "Theirs: Not known yet. Yours: Nothing." in shown.text
    assert shown.values[label] == "Not known yet"


def test_a_dialog_submitted_twice_is_saved_once(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = opens(team.carol, room, "Scope and impact").fill({AFFECTED: "415"})

    shown = dialog.submit(times=2)

    assert shown is not None
    assert shown.title == "Milestones"
    with seamark.db.reading() as session:
        versions = session.exec(select(Answer.version).where(Answer.prompt == "affected")).all()
    assert versions == [1]


def test_a_conflict_submitted_twice_is_one(room: Channel, team: Team, seamark: Seamark) -> None:
    mine = opens(team.carol, room, "Scope and impact").fill({AFFECTED: "Carol's"})
    opens(team.bob, room, "Scope and impact").fill({AFFECTED: "Bob's"}).submit()

    mine.submit(times=2)

    with seamark.db.reading() as session:
        assert session.exec(select(Answer.version).where(Answer.prompt == "affected")).all() == [3]


def test_a_long_text_is_split_over_inputs_and_joined_again(room: Channel, team: Team, seamark: Seamark) -> None:
    whole = "".join(f"Line {number}: 😀 شكرا & <tags>\n" for number in range(400))
    rest = whole
    for _ in range(10):
        dialog = opens(team.carol, room, "Scope and impact")
        labels = [label for label in dialog.labels if label.startswith(SUMMARY)]
        pieces = [whole[:2900]] + [whole[at : at + 2900] for at in range(2900, len(whole), 2900)]
        dialog.fill(dict(zip(labels, pieces, strict=False))).clicks("Save and leave")
        team.carol.form.close()
        if len(labels) >= len(pieces):
            break
    with seamark.db.reading() as session:
        assert session.exec(select(Answer.text).where(Answer.prompt == "summary")).one() == rest
    dialog = opens(team.carol, room, "Scope and impact")
    parts = [text for label, text in dialog.values.items() if label.startswith(SUMMARY)]
    assert "".join(part or "" for part in parts) == whole
    assert len(whole) > 10_000


def test_earlier_versions_are_read_and_restored(room: Channel, team: Team) -> None:
    opens(team.bob, room, "Scope and impact").fill({AFFECTED: "the first text"}).submit()
    opens(team.carol, room, "Scope and impact").fill({AFFECTED: "the second text"}).submit()
    dialog = opens(team.carol, room, "Scope and impact").fill({SUMMARY: "typed, not saved"})

    dialog.clicks("Earlier versions")
    versions = team.carol.form
    assert "the first text" in versions.text
    assert "the second text" in versions.text
    heads = [line for line in versions.text.splitlines() if line.startswith("Version ") and "stands now" not in line]
    versions.clicks("Restore", nth=next(at for at, head in enumerate(heads) if "bob" in head))

    assert "stands again" in versions.text
    below = versions.close()
    assert below is not None
    assert below.values[AFFECTED] == "the first text"
    assert below.values[SUMMARY] == "typed, not saved"


def test_nothing_typed_pings_anybody(room: Channel, team: Team, slack: Sandbox) -> None:
    loud = "<!channel> <@U0SB0000001> @here <!subteam^S1> <script>alert(1)</script>"
    first = opens(team.carol, room, "Scope and impact")
    texts = [label for label in first.labels if label != "What happened to data?" and not label.startswith("Sev")]
    first.fill(dict.fromkeys(texts, loud)).submit()
    mine = opens(team.carol, room, "Scope and impact").fill({SUMMARY: loud + " mine"})
    opens(team.bob, room, "Scope and impact").fill({SUMMARY: loud + " theirs"}).submit()
    conflict = mine.submit()
    assert conflict is not None
    seen = [conflict.blocks]
    conflict.close()
    dialog = opens(team.carol, room, "Scope and impact")
    seen.append(dialog.blocks)
    dialog.clicks("Earlier versions")
    seen.append(team.carol.form.blocks)
    seen.append(hub(team.alice, room).blocks)
    seen.append(team.bob.types("/retro status", room).blocks)

    assert [pings_of_blocks(blocks) for blocks in seen] == [set()] * len(seen)


def test_wording_help_is_private_and_leads_on(room: Channel, team: Team) -> None:
    dialog = opens(team.carol, room, "Scope and impact")

    shown = dialog.fill({SUMMARY: "Bob forgot to check the config."}).submit()

    assert shown is not None
    assert shown.title == "Wording"
    assert shown.buttons == ["Keep as written"]
    assert shown.submit_label == "Save and continue"
    assert "forgot" in shown.text
    following = shown.fill({SUMMARY: "The check did not run before the deploy."}).submit()
    assert following is not None
    assert following.title == "Milestones"
    assert opens(team.bob, room, "Scope and impact").values[SUMMARY] == "The check did not run before the deploy."


def test_words_kept_as_written_are_not_remarked_again(room: Channel, team: Team) -> None:
    shown = opens(team.carol, room, "Scope and impact").fill({SUMMARY: "Bob forgot to check the config."}).submit()
    assert shown is not None
    shown.clicks("Keep as written")
    assert team.carol.form.title == "Milestones"
    team.carol.form.close()

    again = (
        opens(team.carol, room, "Scope and impact").fill({SUMMARY: "Bob forgot to check the config.\nMore."}).submit()
    )

    assert again is not None
    assert again.title == "Milestones"


def test_who_does_not_take_part_is_asked_to_join(room: Channel, team: Team, slack: Sandbox) -> None:
    dave = slack.person("dave")
    dave.joins(room)

    dave.clicks("Scope and impact", within=hub(dave, room))
    assert "You do not take part" in dave.form.text
    dave.form.clicks("Join")

    assert dave.form.title == "Scope and impact"
    dave.form.fill({AFFECTED: "dave's"}).submit()
    assert opens(team.carol, room, "Scope and impact").values[AFFECTED] == "dave's"
    assert "Give my account" in dave.direct_messages()[-1].buttons


def test_a_trigger_that_expired_is_offered_again_in_private(room: Channel, team: Team, slack: Sandbox) -> None:
    slack.faults.refuse("views.open", "expired_trigger_id")
    team.carol.clicks("Scope and impact", within=hub(team.carol, room))

    assert team.carol.dialog is None
    said = team.carol.sees(room)[-1]
    assert said.ephemeral
    assert "Nothing is lost" in said.text
    team.carol.clicks("Scope and impact", within=said)
    assert team.carol.form.title == "Scope and impact"


def test_a_closed_dialog_loses_nothing_that_was_saved(room: Channel, team: Team, slack: Sandbox) -> None:
    dialog = opens(team.carol, room, "Scope and impact").fill({AFFECTED: "415"})
    slack.faults.refuse("views.update", "not_found")

    dialog.clicks("Save and leave")

    dialog.close()
    assert opens(team.bob, room, "Scope and impact").values[AFFECTED] == "415"


def test_required_questions_never_hold_up_and_are_listed(room: Channel, team: Team) -> None:
    following = opens(team.carol, room, "Learning").submit()

    assert following is not None
    assert following.title == "Contributing factors"
    assert "Missing: What helped?; What made it hard?" in hub(team.alice, room).text


def test_actions_before_the_pause_is_over_are_opened_with_a_note(room: Channel, team: Team, seamark: Seamark) -> None:
    assert "Best left until 2 working days after you have talked" in hub(team.carol, room).text
    dialog = opens(team.carol, room, "Contributing factors").submit()

    assert dialog is not None
    assert dialog.title == "Actions"
    assert "Best left until" in dialog.text
    assert "Best left until Wed 18 Nov 2026, when it has sunk in" in hub(team.carol, room).text
    team.carol.form.submit()
    assert "sunk in" not in hub(team.carol, room).text
    with seamark.db.reading() as session:
        assert session.exec(select(StepState.state).where(StepState.step == "factors")).all() == ["done"]


def test_the_whole_guide_is_walked_through(room: Channel, team: Team) -> None:
    dialog: Dialog | None = opens(team.carol, room, "Scope and impact")
    titles = []
    while dialog is not None and dialog.submit_label == "Save and continue":
        titles.append(dialog.title)
        dialog = dialog.submit()

    assert titles == [
        "Scope and impact",
        "Milestones",
        "Timeline review",
        "Accounts",
        "Learning",
        "Contributing factors",
        "Actions",
        "Review and publish",
    ]
    shown = hub(team.alice, room).text
    assert "8 of 8 steps gone through" in shown
    assert "☑️ 4. Accounts gone through, carol" in shown.replace("*", "")
    assert "✅ 2. Milestones done, carol" in shown.replace("*", "")


def test_two_people_who_save_at_the_same_moment_lose_nothing(room: Channel, team: Team, seamark: Seamark) -> None:
    dialogs = [
        opens(person, room, "Scope and impact").fill({AFFECTED: f"words of {person.name}"})
        for person in (team.alice, team.bob, team.carol)
    ]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda dialog: dialog.submit(), dialogs))

    stands = opens(team.alice, room, "Scope and impact").values[AFFECTED]
    assert sorted(stands.split("\n")) == ["words of alice", "words of bob", "words of carol"]


def test_a_restart_loses_no_draft(room: Channel, team: Team, seamark: Seamark, slack: Sandbox, db_url: str) -> None:
    dialog = opens(team.carol, room, "Scope and impact").fill({AFFECTED: "415"})
    again = composition.create(settings_for(slack, db_url), clock=slack.clock.now)
    again.connect()
    slack.wait_for_app(2)
    seamark.stop()

    following = dialog.submit()

    assert following is not None
    assert following.title == "Milestones"
    team.carol.form.close()
    assert opens(team.bob, room, "Scope and impact").values[AFFECTED] == "415"
    again.stop()


def test_the_ml_guide_holds_long_texts_in_every_question(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room, Guide="ML")
    long = ("مرحبا 😀 <!channel> & words that go on\n" * 280)[:2900]
    dialog: Dialog | None = opens(team.carol, room, "Scope and impact")
    titles: list[str] = []
    while dialog is not None and dialog.submit_label == "Save and continue":
        titles += [dialog.title] if dialog.title not in titles else []
        texts = [name for name, field in fields(dialog.view).items() if field.element.get("multiline")]
        dialog = dialog.fill(dict.fromkeys(texts, long)).submit()

    assert titles == [
        "Scope and impact",
        "Milestones",
        "Models and data",
        "Data and model quality",
        "Timeline review",
        "Accounts",
        "Learning",
        "Contributing factors",
        "Actions",
        "Review and publish",
    ]
    assert "10 of 10 steps gone through" in hub(team.alice, room).text
    again = opens(team.bob, room, "Models and data")
    assert (
        again.values["Which model versions were serving?"]
        + (again.values["Which model versions were serving? (continued)"] or "")
        == long
    )
    assert pings_of_blocks(again.blocks) == set()
