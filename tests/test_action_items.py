"""Actions as they are agreed on in the retrospective, listed, changed, and shown to those who may see them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot import action_items, policy
from bot.action_items import Plan
from bot.app import Seamark
from bot.errors import FieldRefusal
from sandbox import Channel, Dialog, Person, Sandbox
from storage import action_items as rows
from storage.models import ActionItem, AuditEntry
from tests.conftest import Team
from tests.follow_through import TODAY, agree, closed_incident, know
from tests.retro_story import begin, hub, incident

FIELDS = [
    "What will be done", "Owner", "Due date", "Kind", "Addresses", "How will we know it worked?", "Impact", "Effort",
]  # fmt: skip
GOOD = {
    "What will be done": "Add an alert for more than 1 % errors of the checkout",
    "How will we know it worked?": "It fires within 5 minutes in the next drill",
}


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    """The room of an incident (SEV2) whose retrospective carol leads."""
    found = incident(slack, team)
    begin(team.carol, found)
    return found


def add_dialog(person: Person, room: Channel) -> Dialog:
    person.clicks("Actions", within=hub(person, room))
    person.form.clicks("Add an action")
    return person.form


def actions(seamark: Seamark) -> list[ActionItem]:
    with seamark.db.reading() as session:
        return list(session.exec(select(ActionItem).order_by(ActionItem.number)))  # type: ignore[arg-type]


def test_add_an_action_has_its_fields_and_a_due_date_by_policy(room: Channel, team: Team, seamark: Seamark) -> None:
    dialog = add_dialog(team.carol, room)

    assert dialog.title == "Add an action"
    assert dialog.labels == FIELDS
    assert dialog.values["Due date"] == (TODAY + timedelta(days=30)).isoformat()  # SEV2


def test_add_an_action_shows_it_in_the_step_and_keeps_what_was_typed_there(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    team.carol.clicks("Actions", within=hub(team.carol, room))
    step = team.carol.form.fill({"Which ideas were parked on the way?": "A second region"})
    step.clicks("Add an action")
    team.carol.form.fill({**GOOD, "Owner": team.bob, "Impact": "High", "Effort": "Low"}).submit()

    shown = team.carol.form
    assert shown.title == "Actions"
    assert "ACT-1" in shown.text
    assert "quick win" in shown.text
    assert shown.values["Which ideas were parked on the way?"] == "A second region"
    (action,) = actions(seamark)
    assert (action.owner_id, action.due_on, action.kind) == (team.bob.id, TODAY + timedelta(days=30), "prevent")
    assert "These are all technical changes" in shown.text


def test_add_an_action_that_cannot_be_checked_is_saved_and_gets_a_private_hint(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    add_dialog(team.carol, room)
    before = len(team.bob.sees(room))
    team.carol.form.fill({"What will be done": "Be more careful with deploys", "Owner": team.bob}).submit()

    hint = team.carol.form
    assert "ACT-1 is saved" in hint.text
    assert "Be more careful" in hint.text
    assert "Keep as written" in hint.buttons
    assert hint.values["What will be done"] == "Be more careful with deploys"
    assert len(team.bob.sees(room)) == before
    assert [one.what for one in actions(seamark)] == ["Be more careful with deploys"]

    hint.fill(GOOD).submit()
    (action,) = actions(seamark)
    assert (action.what, action.version) == (GOOD["What will be done"], 2)
    with seamark.db.reading() as session:
        assert [one.body["what"] for one in rows.revisions(session, action.id)] == ["Be more careful with deploys"]


def test_keep_as_written_leaves_the_words(room: Channel, team: Team, seamark: Seamark) -> None:
    add_dialog(team.carol, room).fill({"What will be done": "Investigate", "Owner": team.bob}).submit()

    team.carol.form.clicks("Keep as written")

    assert team.carol.form.title == "Kept"
    assert [one.what for one in actions(seamark)] == ["Investigate"]


def test_add_an_action_refuses_a_day_that_is_over_and_keeps_what_was_typed(
    room: Channel, team: Team, seamark: Seamark
) -> None:
    past = TODAY - timedelta(days=1)
    dialog = add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob, "Due date": past.isoformat()})
    dialog.submit()

    assert dialog.errors == {"Due date": "This day is over; choose today or a day that is still to come."}
    assert dialog.values["What will be done"] == GOOD["What will be done"]
    assert actions(seamark) == []

    dialog.fill({"Due date": TODAY.isoformat()}).submit()
    assert [one.due_on for one in actions(seamark)] == [TODAY]


def test_change_refuses_another_day_that_is_over_and_leaves_an_old_one(
    room: Channel, team: Team, seamark: Seamark, slack: Sandbox
) -> None:
    add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob, "Due date": TODAY.isoformat()}).submit()
    (action,) = actions(seamark)
    slack.clock.advance(timedelta(days=3))

    def change(due_on: date) -> None:
        plan = Plan("Add two alerts", team.bob.id, due_on)
        with seamark.db.transaction() as session:
            action_items.change(
                session, slack.team_id, action.id, plan, by=team.carol.id, based_on=1, now=slack.clock.now()
            )

    with pytest.raises(FieldRefusal):
        change(TODAY + timedelta(days=1))
    change(TODAY)
    assert [one.what for one in actions(seamark)] == ["Add two alerts"]


def test_add_an_action_twice_is_one(room: Channel, team: Team, seamark: Seamark) -> None:
    add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob}).submit(times=2)

    assert len(actions(seamark)) == 1


def test_two_people_changing_one_action_see_both_words(room: Channel, team: Team, seamark: Seamark) -> None:
    add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob}).submit()
    for person in (team.carol, team.alice):
        if person.dialog is None:
            person.clicks("Actions", within=hub(person, room))
        person.form.clicks("Edit")
    team.alice.form.fill({"What will be done": "Add an alert and page somebody"}).submit()
    team.carol.form.fill({"What will be done": "Add an alert for the queue"}).submit()

    shown = team.carol.form
    assert "Somebody changed this action while you were writing" in shown.text
    assert "Add an alert and page somebody" in shown.text
    assert shown.values["What will be done"] == "Add an alert for the queue"
    shown.submit()
    (action,) = actions(seamark)
    assert action.what == "Add an alert for the queue"
    with seamark.db.reading() as session:
        kept = [one.body["what"] for one in rows.revisions(session, action.id)]
    assert kept == [GOOD["What will be done"], "Add an alert and page somebody"]


@pytest.mark.parametrize("what", ["   ", "\n"])
def test_an_action_needs_words(room: Channel, team: Team, seamark: Seamark, what: str) -> None:
    dialog = add_dialog(team.carol, room).fill({"What will be done": what, "Owner": team.bob})
    dialog.submit()

    assert list(team.carol.form.errors) == ["What will be done"]
    assert actions(seamark) == []


def test_a_bot_and_who_has_left_cannot_own_an_action(
    slack: Sandbox, room: Channel, team: Team, seamark: Seamark
) -> None:
    team.bob.deactivate()

    add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob}).submit()

    assert team.carol.form.errors == {"Owner": "bob has left this workspace; choose somebody else."}


def test_many_actions_are_paged_and_stay_within_slacks_limits(
    slack: Sandbox, room: Channel, team: Team, seamark: Seamark
) -> None:
    with seamark.db.transaction() as session:
        from storage.models import Incident, Retrospective  # noqa: PLC0415

        retro = session.exec(select(Retrospective)).one()
        of = session.get_one(Incident, retro.incident_id)
        for number in range(45):
            action_items.add(
                session,
                of,
                Plan(f"Do {number} " + "<!here> *שלום* 🔥\n" * 150, team.bob.id, TODAY, impact="high"),
                by=team.carol.id,
                source_key=f"many:{number}",
                now=slack.clock.now(),
                retrospective_id=retro.id,
            )

    team.carol.clicks("Actions", within=hub(team.carol, room))
    assert "1 to 15 of 45" in team.carol.form.text
    team.carol.form.clicks("More actions")
    team.carol.form.clicks("More actions")
    assert "31 to 45 of 45" in team.carol.form.text
    team.carol.form.close()
    listed = team.carol.types("/retro actions INC-1", room)
    assert "1 to 15 of 45" in listed.text
    team.carol.clicks("More", within=listed)
    assert "16 to 30 of 45" in team.carol.sees(room)[-1].text


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("mine", {"Late", "Soon"}),
        ("overdue", {"Late", "Other's"}),
        ("all", {"Late", "Soon", "Other's"}),
        ("INC-1", {"Late", "Soon", "Other's"}),
    ],
)
def test_lists_show_what_was_asked_for(
    slack: Sandbox, team: Team, seamark: Seamark, asked: str, seen: set[str]
) -> None:
    of = closed_incident(seamark, slack, team.ops, team.alice)
    agree(seamark, slack, of, team.bob, due_in=-2, what="Late")
    agree(seamark, slack, of, team.bob, due_in=2, what="Soon")
    agree(seamark, slack, of, team.alice, due_in=-4, what="Other's")

    text = team.bob.types(f"/retro actions {asked}", team.ops).text

    assert {what for what in ("Late", "Soon", "Other's") if f" {what}\n" in text} == seen


def test_lists_change_in_place_when_a_button_is_used(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    of = closed_incident(seamark, slack, team.ops, team.alice)
    agree(seamark, slack, of, team.bob, due_in=2)
    listed = team.bob.types("/retro actions mine", team.ops)
    before = len(team.bob.sees(team.ops))

    team.bob.clicks("Snooze", within=listed)
    team.bob.form.fill({"Until": "2026-11-20"}).submit()

    assert len(team.bob.sees(team.ops)) == before
    assert "snoozed until Fri 20 Nov 2026" in team.bob.sees(team.ops)[-1].text


def test_a_list_that_is_none_says_which_there_are(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    assert "`mine`, `overdue`, `all`" in team.bob.types("/retro actions please", team.ops).text
    assert "no such incident" in team.bob.types("/retro actions INC-99", team.ops).text
    assert "no such action" in team.bob.types("/retro actions ACT-99", team.ops).text


def test_one_action_shows_its_trace_and_can_be_reopened(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    of = closed_incident(seamark, slack, team.ops, team.alice)
    with seamark.db.transaction() as session:
        know(session, slack, team.bob)
    agree(seamark, slack, of, team.bob, due_in=2)
    shown = team.bob.types("/retro actions ACT-1", team.ops)
    assert shown.buttons == ["Done", "Snooze", "Hand over", "Won't do", "Edit"]
    team.bob.clicks("Won't do", within=shown)
    team.bob.form.fill({"Because": "No longer needed"}).submit()

    again = team.bob.sees(team.ops)[-1]
    assert again.buttons == ["Reopen"]
    team.bob.clicks("Reopen", within=again)
    team.bob.form.fill({"What is to be done?": "It is needed after all"}).submit()

    text = team.bob.sees(team.ops)[-1].text
    trace = ["bob: agreed", "bob: won't be done, because No longer needed", "bob: opened again It is needed after all"]
    assert [line for line in trace if line in text] == trace


def test_every_change_is_in_the_audit_trail(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    of = closed_incident(seamark, slack, team.ops, team.alice)
    action = agree(seamark, slack, of, team.bob, due_in=2)
    with seamark.db.transaction() as session:
        action_items.done(session, slack.team_id, action.id, by=team.bob.id, how="seen", now=slack.clock.now())

    with seamark.db.reading() as session:
        query = select(AuditEntry).where(AuditEntry.subject == f"action:{action.id}").order_by(AuditEntry.number)  # type: ignore[arg-type]
        assert [(one.what, one.actor_id) for one in session.exec(query)] == [
            ("added", team.bob.id),
            ("done", team.bob.id),
        ]


def _action(**values: Any) -> ActionItem:
    plain: dict[str, Any] = {
        "what": "x",
        "owner_id": "U1",
        "due_on": TODAY,
        "number": 1,
        "kind": "prevent",
        "status": "open",
    }
    return ActionItem(**{**plain, **values})


def test_priority_is_impact_times_risk_by_effort() -> None:
    cheap = _action(number=1, impact="high", effort="low")
    dear = _action(number=2, impact="high", effort="high")
    small = _action(number=3, impact="low", effort="low")

    assert action_items.priority(cheap, 12, "SEV3") == 36
    assert action_items.priority(dear, None, "SEV1") == 12
    assert [one.number for one in action_items.by_priority([dear, small, cheap], 4, "SEV3")] == [1, 2, 3]
    assert [action_items.is_quick_win(one) for one in (cheap, dear, small)] == [True, False, False]


def test_pairing_is_missed_on_both_sides() -> None:
    technical, process = _action(kind="monitor"), _action(kind="runbook")

    assert "people work" in (action_items.unpaired([technical]) or "")
    assert "technical one" in (action_items.unpaired([process]) or "")
    assert action_items.unpaired([technical, process]) is None
    assert action_items.unpaired([]) is None


def test_default_due_dates_follow_the_severity() -> None:
    shipped = policy.load()

    assert [(shipped.actions_due(f"SEV{n}", TODAY) - TODAY).days for n in (1, 2, 3, 4)] == [15, 30, 30, 60]


# --- who may ----------------------------------------------------------------------------------------------


def test_an_action_is_added_by_those_who_take_part(slack: Sandbox, room: Channel, team: Team, seamark: Seamark) -> None:
    dave = slack.person("dave")
    dave.joins(room)
    add_dialog(team.carol, room).fill({**GOOD, "Owner": team.bob})
    team.alice.clicks("Change details", within=hub(team.alice, room))
    team.alice.form.fill({"Facilitator": team.bob, "Participants": [team.alice]}).submit()  # carol leads no longer

    team.carol.form.submit()

    assert "You do not take part in this retrospective yet, so nothing was changed." in str(team.carol.form.text)
    assert actions(seamark) == []


def test_an_action_is_changed_by_its_owner_and_those_who_take_part_also_once_published(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    of = closed_incident(seamark, slack, team.ops, team.alice, facilitator=team.carol)
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    agree(seamark, slack, of, team.bob, due_in=2, by=team.alice)
    later = (TODAY + timedelta(days=9)).isoformat()

    team.alice.clicks("Edit", within=team.alice.types("/retro actions ACT-1", team.ops))
    assert team.alice.dialog is None
    said = team.alice.sees(team.ops)[-1].text
    assert "Only its owner and those who take part in the retrospective change what was agreed" in said

    for person, words in ((team.bob, "Add an alert for the queue"), (team.carol, "Add an alert for both")):
        person.clicks("Edit", within=person.types("/retro actions ACT-1", team.ops))
        person.form.fill({"What will be done": words, "Due date": later}).submit()
        if person.dialog is not None:
            person.form.close()
        (action,) = actions(seamark)
        assert (action.what, action.due_on.isoformat()) == (words, later)
    assert "carol: changed" in team.alice.types("/retro actions ACT-1", team.ops).text
