"""Reminders as people get them: when, from whom, what the buttons do, and what never happens twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from sqlalchemy import event
from sqlmodel import select

from bot import app as composition
from bot.app import Seamark
from bot.nudge_rules import AT_ONCE, RULES
from handlers.nudges import NOTHING_LEFT
from sandbox import Sandbox
from storage import incidents as incident_rows
from storage import nudges as rows_of
from storage import people
from storage.models import ActionItem, ActionStatus, Incident, IncidentStatus, Retrospective, RetroStatus, Review
from tests.conftest import Team, settings_for
from tests.follow_through import TODAY, agree, at, closed_incident, know, reminders, sent, tick
from tests.retro_story import begin, hub
from tests.retro_story import incident as happened

BUTTONS = ["Done", "Snooze", "Hand over", "Won't do"]


@pytest.fixture
def incident(seamark: Seamark, slack: Sandbox, team: Team) -> Incident:
    """One that alice led and carol facilitates; bob owns what is agreed."""
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    return closed_incident(seamark, slack, team.ops, team.alice, facilitator=team.carol)


def reload(seamark: Seamark, action: ActionItem) -> ActionItem:
    with seamark.db.reading() as session:
        return session.get_one(ActionItem, action.id)


# --- when ------------------------------------------------------------------------------------------------


def test_nudges_come_before_on_the_day_and_in_overdue_steps(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=7)  # Monday the 23rd

    days = [day for day in range(30) if _reminded_on(seamark, slack, team, TODAY + timedelta(days=day))]

    # Two days before is a Saturday: put off to the Monday it is due on, and said once.
    assert days == [7, 8, 10, 14, 21, 28]


def _reminded_on(seamark: Seamark, slack: Sandbox, team: Team, day: date) -> bool:
    before = len(reminders(team.bob))
    for hour in (3, 15, 16, 22):
        at(slack, seamark, day, hour)
    after = len(reminders(team.bob))
    assert after - before <= 1
    return after > before


def test_nudges_bundle_what_is_due_into_one_message(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0, what="Add a test for the empty basket")
    agree(seamark, slack, incident, team.bob, due_in=2, what="Write down how to roll back")
    agree(seamark, slack, incident, team.bob, due_in=30, what="Move the queue")

    at(slack, seamark, TODAY)

    (message,) = reminders(team.bob)
    assert message.buttons == BUTTONS * 2
    assert "2 things* for today" in message.text
    assert "Move the queue" not in message.text


def test_nudges_are_put_off_at_night_and_not_used_up(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)

    for hour in (10, 12, 13.9):  # New York wakes up at 14:00 UTC in November
        at(slack, seamark, TODAY, hour)
    assert reminders(team.bob) == []

    at(slack, seamark, TODAY, 14.02)
    assert len(reminders(team.bob)) == 1


@pytest.mark.parametrize(
    ("zone", "opens"),
    [
        ("Asia/Kolkata", "2026-11-18T03:30"),
        ("Asia/Kathmandu", "2026-11-18T03:15"),
        ("Pacific/Auckland", "2026-11-17T20:00"),
    ],
)
def test_nudges_keep_to_the_owners_own_clock(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident, zone: str, opens: str
) -> None:
    dora = slack.person("dora", tz=zone)
    with seamark.db.transaction() as session:
        know(session, slack, dora)
    agree(seamark, slack, incident, dora, due_in=2)
    opening = datetime.fromisoformat(opens).replace(tzinfo=UTC)
    with seamark.db.transaction() as session:  # nothing earlier: only the day itself
        for row in rows_of.waiting(session, slack.team_id, dora.id):
            session.delete(row)

    at(slack, seamark, TODAY, 10)
    at(slack, seamark, (opening - timedelta(minutes=2)).date(), _hours(opening - timedelta(minutes=2)))
    before = len(reminders(dora))
    at(slack, seamark, opening.date(), _hours(opening + timedelta(minutes=1)))

    assert len(reminders(dora)) == before + 1
    assert "Due today" in reminders(dora)[-1].text


def _hours(moment: datetime) -> float:
    return moment.hour + moment.minute / 60


def test_nudges_skip_holidays(slack: Sandbox, team: Team, db_url: str) -> None:
    from bot.working_hours import parse  # noqa: PLC0415

    settings = settings_for(slack, db_url, working_hours=parse("", "2026-11-16, 11-17"))
    running = composition.create(settings, clock=slack.clock.now)
    try:
        with running.db.transaction() as session:
            know(session, slack, team.bob)
        incident = closed_incident(running, slack, team.ops, team.alice)
        agree(running, slack, incident, team.bob, due_in=0)
        said = []
        for day in range(3):
            slack.clock.set(datetime(2026, 11, 16 + day, 15, tzinfo=UTC))
            running.tick()
            running.courier.drain()
            said.append(len(reminders(team.bob)))
        assert said == [0, 0, 1]
    finally:
        running.stop()


def test_nudges_follow_a_change_of_zone(slack: Sandbox, team: Team, seamark: Seamark, incident: Incident) -> None:
    agree(seamark, slack, incident, team.bob, due_in=1)
    at(slack, seamark, TODAY, 10)  # planned for the morning in New York

    team.bob.change(tz="Asia/Tokyo")
    at(slack, seamark, TODAY + timedelta(days=1), 0.1)  # 9:06 on Tuesday in Tokyo

    assert len(reminders(team.bob)) == 1


def test_nudges_leave_people_in_a_live_incident_alone(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.clock.set(datetime(2026, 11, 16, 14, 30, tzinfo=UTC))
    with seamark.db.transaction() as session:
        over = session.get_one(Incident, incident.id)
        over.status, over.closed_at = IncidentStatus.OPEN, None
        session.add(over)
    team.bob.says("I am looking at the database", team.ops)

    tick(seamark, slack)
    slack.clock.advance(minutes=30)
    tick(seamark, slack)
    assert reminders(team.bob) == []

    slack.clock.advance(hours=3)
    tick(seamark, slack)
    assert len(reminders(team.bob)) == 1


def test_nudges_go_on_after_the_incident_is_closed(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=-1)
    team.alice.archives(team.ops)

    at(slack, seamark, TODAY)

    assert len(reminders(team.bob)) == 1


# --- escalation ------------------------------------------------------------------------------------------


def test_nudges_tell_the_facilitator_after_a_week_and_the_channel_after_two(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=1)

    told: dict[str, int] = {}
    for day in range(20):
        at(slack, seamark, TODAY + timedelta(days=day), 4)  # Carol's morning
        at(slack, seamark, TODAY + timedelta(days=day), 15)
        if reminders(team.carol):
            told.setdefault("facilitator", day)
        if any("Can somebody here help" in shown.text for shown in team.alice.sees(team.ops)):
            told.setdefault("channel", day)

    assert told == {"facilitator": 8, "channel": 15}
    (asked,) = [shown for shown in reminders(team.carol) if "Can you help?" in shown.text]
    assert "bob was reminded" in asked.text
    assert asked.buttons == BUTTONS


def test_nudges_of_an_owner_who_left_go_to_the_facilitator_at_once(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=20)

    team.bob.deactivate()
    at(slack, seamark, TODAY, 11)  # 16:30 in Kolkata

    (asked,) = reminders(team.carol)
    assert "Needs another owner" in asked.text
    assert "has left this workspace" in asked.text


def test_nudges_that_slack_refuses_for_good_go_to_the_facilitator_and_are_not_repeated(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.faults.refuse("chat.postMessage", "messages_tab_disabled", times=1)

    at(slack, seamark, TODAY, 15)
    posts = [call for call in slack.calls if call.method == "chat.postMessage"]
    assert len(posts) == 1
    for day in range(1, 4):
        at(slack, seamark, TODAY + timedelta(days=day), 4)
        at(slack, seamark, TODAY + timedelta(days=day), 15)

    assert reminders(team.bob) == []
    (asked, *_) = reminders(team.carol)
    assert "cannot be reached by direct message (messages_tab_disabled)" in asked.text
    listed = team.carol.types("/retro actions INC-1", team.ops)
    assert "cannot be reached by direct message" in listed.text
    with seamark.db.reading() as session:
        assert [row.failed for row in rows_of.failures(session, slack.team_id)] == ["messages_tab_disabled"]


def test_owners_who_cannot_be_reached_are_named_in_the_hub_and_in_lists(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = happened(slack, team)
    begin(team.carol, room)
    with seamark.db.reading() as session:
        (of,) = incident_rows.every(session)
    agree(seamark, slack, of, team.bob, due_in=0)
    agree(seamark, slack, of, team.alice, due_in=20, what="Write down how to roll back")
    slack.faults.refuse("chat.postMessage", "messages_tab_disabled", times=1)
    at(slack, seamark, TODAY, 15.1)

    why = "bob cannot be reached by direct message (messages_tab_disabled)"
    assert f"⚠️ {why}: ACT-1 needs another owner" in hub(team.carol, room).text
    team.alice.deactivate()
    assert "⚠️ alice has left this workspace: ACT-2 needs another owner" in hub(team.carol, room).text
    listed = team.carol.types("/retro actions", room).text
    assert [words for words in ("bob ⚠️ cannot be reached", "alice ⚠️ has left") if words not in listed] == []

    team.carol.clicks("Won't do", within=team.carol.types("/retro actions ACT-1", room))
    team.carol.form.fill({"Because": "Done elsewhere"}).submit()
    assert why not in hub(team.carol, room).text


def test_an_owner_who_left_a_private_incidents_channel_is_named_to_those_in_it(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = happened(slack, team, private=True)
    begin(team.carol, room)
    with seamark.db.reading() as session:
        (of,) = incident_rows.every(session)
    agree(seamark, slack, of, team.bob, due_in=3)

    team.bob.leaves(room)

    why = "is no longer in the channel of this private incident"
    assert f"⚠️ bob {why}: ACT-1 needs another owner" in hub(team.carol, room).text
    assert f"bob ⚠️ {why}" in team.carol.types("/retro actions", room).text


def test_nudges_when_nobody_is_left_go_to_the_channel(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    for person in (team.bob, team.carol, team.alice):
        person.deactivate()

    at(slack, seamark, TODAY, 15)

    assert [recipient for _, recipient in sent(seamark)] == [team.ops.id] * 2


# --- exactly once ----------------------------------------------------------------------------------------


def test_nudges_survive_a_restart_between_planning_and_sending(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident, db_url: str
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.clock.set(datetime(2026, 11, 16, 15, tzinfo=UTC))
    seamark.tick()

    again = composition.create(settings_for(slack, db_url), clock=slack.clock.now)
    again.tick()
    again.courier.drain()
    again.stop()
    tick(seamark, slack)

    assert len(reminders(team.bob)) == 1


def test_nudges_sent_but_not_noted_are_found_and_not_sent_again(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.faults.reset("chat.postMessage", after=True)

    at(slack, seamark, TODAY)
    slack.clock.advance(minutes=5)
    tick(seamark, slack)

    assert len(reminders(team.bob)) == 1
    assert sent(seamark) == [("due_today", team.bob.id)]


def test_nudges_wait_when_slack_is_busy_or_away(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.faults.rate_limit("chat.postMessage", retry_after=20)
    slack.faults.fail("chat.postMessage", times=2, status=503)

    at(slack, seamark, TODAY)
    assert reminders(team.bob) == []
    assert sent(seamark) == []
    for _ in range(4):
        slack.clock.advance(seconds=30)
        tick(seamark, slack)

    assert len(reminders(team.bob)) == 1


def test_nudges_that_fail_until_the_evening_come_the_next_morning_once(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.faults.fail("chat.postMessage", times=1000)
    for quarter in range(60):
        at(slack, seamark, TODAY, 14 + quarter / 4)
    slack.faults.clear()
    at(slack, seamark, TODAY + timedelta(days=1), 13)
    assert reminders(team.bob) == []

    at(slack, seamark, TODAY + timedelta(days=1), 15)

    assert len(reminders(team.bob)) == 1


def test_nudges_that_arrived_in_a_failing_evening_are_not_repeated_in_the_morning(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=1)
    slack.clock.set(datetime(2026, 11, 17, 21, 59, 30, tzinfo=UTC))
    slack.faults.reset("chat.postMessage", after=True)
    tick(seamark, slack)

    for hour in (22.2, 23, 39, 46.5):
        at(slack, seamark, TODAY + timedelta(days=1), hour)

    assert [shown.text.count("ACT-1") for shown in reminders(team.bob)] == [1, 1]  # the day itself, and a day over


def test_nudges_planned_twice_at_once_are_one(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident, db_url: str
) -> None:
    for number in range(6):
        agree(seamark, slack, incident, team.bob, due_in=0, what=f"Add test {number}")
    slack.clock.set(datetime(2026, 11, 16, 15, tzinfo=UTC))
    other = composition.create(settings_for(slack, db_url), clock=slack.clock.now)

    seamark.tick()
    other.tick()
    seamark.courier.drain()
    other.courier.drain()
    other.stop()

    assert len(reminders(team.bob)) == 1


def test_nudges_do_not_come_again_when_the_clock_goes_back(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=1)

    at(slack, seamark, TODAY + timedelta(days=1))
    at(slack, seamark, TODAY)
    at(slack, seamark, TODAY + timedelta(days=1), 16)

    assert len(reminders(team.bob)) == 1


def test_nudges_survive_connections_that_the_database_drops(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    if seamark.db.is_sqlite:
        pytest.skip("SQLite has no connections to drop")
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.clock.set(datetime(2026, 11, 16, 15, tzinfo=UTC))
    drop = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    for _ in range(3):
        with seamark.db.engine.connect() as connection:
            connection.exec_driver_sql(drop)
        tick(seamark, slack)

    assert len(reminders(team.bob)) == 1


# --- the buttons -----------------------------------------------------------------------------------------


def test_done_asks_how_it_was_checked_and_another_person_confirms(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    (message,) = reminders(team.bob)

    team.bob.clicks("Done", within=message)
    assert team.bob.form.labels == ["How was it checked?"]
    team.bob.form.fill({"How was it checked?": "Fired it in staging"}).submit()

    assert reload(seamark, action).status == ActionStatus.DONE
    (message,) = reminders(team.bob)
    assert "to be confirmed by another person" in message.text
    assert message.buttons == []

    at(slack, seamark, TODAY + timedelta(days=1), 4)
    (asked,) = reminders(team.carol)
    assert asked.buttons == ["Confirm", "Not yet"]
    team.carol.clicks("Confirm", within=asked)

    assert reload(seamark, action).status == ActionStatus.VERIFIED
    assert "done, confirmed by carol" in reminders(team.bob)[0].text
    assert "done, confirmed by carol" in reminders(team.carol)[0].text


def test_done_asks_later_whether_it_holds_and_whether_it_helped(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Done", within=reminders(team.bob)[-1])
    team.bob.form.fill({"How was it checked?": "Fired it in staging"}).submit()
    at(slack, seamark, TODAY + timedelta(days=1), 4)
    team.carol.clicks("Confirm", within=reminders(team.carol)[-1])

    asked: dict[int, list[str]] = {}
    for day in range(2, 45):
        before = len(reminders(team.bob))
        at(slack, seamark, TODAY + timedelta(days=day))
        if len(reminders(team.bob)) > before:
            newest = reminders(team.bob)[-1]
            asked[day] = newest.buttons
            if "It holds" in newest.buttons:
                team.bob.clicks("It holds", within=newest)

    assert asked == {2: ["It holds", "New trouble"], 30: ["Yes", "Partly", "No"], 37: ["Yes", "Partly", "No"]}
    team.bob.clicks("Partly", within=reminders(team.bob)[-1])
    team.bob.form.fill({"What happened instead?": "It fires, but late"}).submit()
    kept = reload(seamark, action)
    assert (kept.smoke, kept.effect, kept.effect_note) == ("holds", "partly", "It fires, but late")


def test_confirming_is_for_another_person(slack: Sandbox, team: Team, seamark: Seamark, incident: Incident) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Done", within=reminders(team.bob)[-1])
    team.bob.form.fill({"How was it checked?": "By eye"}).submit()

    listed = team.bob.types("/retro actions INC-1", team.ops)

    assert listed.buttons == []
    assert reload(seamark, action).status == ActionStatus.DONE


def test_not_yet_opens_it_again_and_tells_the_owner(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Done", within=reminders(team.bob)[-1])
    team.bob.form.fill({"How was it checked?": "By eye"}).submit()

    listed = team.carol.types("/retro actions INC-1", team.ops)
    team.carol.clicks("Not yet", within=listed)
    team.carol.form.fill({"What is missing?": "It did not fire for <!channel> & me"}).submit()

    assert reload(seamark, action).status == ActionStatus.OPEN
    told = reminders(team.bob)[-1]
    assert "*Not yet:* carol looked, and something is missing: “It did not fire for <!channel> & me”" in told.text
    assert told.buttons == BUTTONS


def test_snooze_is_for_this_once_and_leaves_a_trace(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Snooze", within=reminders(team.bob)[-1])
    team.bob.form.fill({"Until": "2026-11-26"}).submit()
    assert "snoozed until Thu 26 Nov 2026" in reminders(team.bob)[-1].text

    days = [day for day in range(1, 30) if _reminded_on(seamark, slack, team, TODAY + timedelta(days=day))]

    assert days == [10, 14, 21, 28]  # the chosen day, and then as if nothing had been
    trace = team.bob.types("/retro actions ACT-1", team.ops)
    assert "bob: snoozed until 2026-11-26" in trace.text


@pytest.mark.parametrize("until", ["2026-11-16", "2025-01-01", "2027-11-16"])
def test_snooze_takes_a_day_to_come_and_not_for_ever(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident, until: str
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Snooze", within=reminders(team.bob)[-1])

    team.bob.form.fill({"Until": until}).submit()

    assert list(team.bob.form.errors) == ["Until"]
    assert reload(seamark, action).snoozed_until is None


def test_hand_over_asks_the_new_owner_who_accepts(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Hand over", within=reminders(team.bob)[-1])
    team.bob.form.fill({"To": team.alice, "A word to them": "You know the queue best"}).submit()

    assert reload(seamark, action).owner_id == team.bob.id
    (asked,) = reminders(team.alice)
    assert "*bob* asks you to take this over" in asked.text
    assert "You know the queue best" in asked.text
    assert asked.buttons == ["Accept", "Decline"]
    team.alice.clicks("Accept", within=asked)

    assert reload(seamark, action).owner_id == team.alice.id
    assert "alice took over *ACT-1*" in reminders(team.bob)[-1].text
    assert reminders(team.alice)[0].buttons == BUTTONS


def test_hand_over_declined_leaves_it_with_its_owner(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Hand over", within=reminders(team.bob)[-1])
    team.bob.form.fill({"To": team.alice}).submit()
    team.alice.clicks("Decline", within=reminders(team.alice)[-1])
    team.alice.form.fill({"A word to the owner": "On leave"}).submit()

    kept = reload(seamark, action)
    assert (kept.owner_id, kept.handover_to) == (team.bob.id, None)
    assert "stays with you" in reminders(team.bob)[-1].text

    late = (
        team.alice.clicks("Accept", within=reminders(team.alice)[-1])
        if "Accept" in reminders(team.alice)[-1].buttons
        else None
    )
    assert late is None


def test_hand_over_to_somebody_who_cannot_be_reached_stays_and_says_so(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    message = reminders(team.bob)[-1]
    slack.faults.refuse("chat.postMessage", "messages_tab_disabled", times=1)
    team.bob.clicks("Hand over", within=message)
    team.bob.form.fill({"To": team.alice}).submit()

    kept = reload(seamark, action)
    assert (kept.owner_id, kept.handover_to) == (team.bob.id, None)
    assert "could not be asked" in team.bob.types("/retro actions ACT-1", team.ops).text


def test_wont_do_because_is_an_answer(slack: Sandbox, team: Team, seamark: Seamark, incident: Incident) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Won't do", within=reminders(team.bob)[-1])
    team.bob.form.fill({"Because": "The service is switched off in May"}).submit()

    assert reload(seamark, action).status == ActionStatus.WONT_DO
    assert "won't do, because The service is switched off in May" in reminders(team.bob)[-1].text
    for day in range(1, 20):
        at(slack, seamark, TODAY + timedelta(days=day))
    assert len(reminders(team.bob)) == 1


def test_a_button_on_an_old_message_says_why_not(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    old = reminders(team.bob)[-1]
    slack.faults.fail("chat.update", times=1000)  # the message cannot follow
    team.alice.clicks("Done", within=team.alice.types("/retro actions INC-1", team.ops))
    team.alice.form.fill({"How was it checked?": "In staging"}).submit()

    team.bob.clicks("Snooze", within=old)

    assert team.bob.dialog is None
    assert (
        "was marked done by alice and waits to be confirmed, so nothing was changed"
        in team.bob.sees(team.bob.dm())[-1].text
    )
    assert reload(seamark, action).snoozed_until is None


def test_a_double_click_is_one(slack: Sandbox, team: Team, seamark: Seamark, incident: Incident) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=0)
    at(slack, seamark, TODAY)
    team.bob.clicks("Done", within=reminders(team.bob)[-1])
    team.bob.form.fill({"How was it checked?": "In staging"}).submit(times=2)

    assert team.bob.dialog is None
    assert reload(seamark, action).version == 2


# --- what is not said ------------------------------------------------------------------------------------


def test_nudges_never_ping_by_what_somebody_typed(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=-14, what="Tell <!channel> & <@U1> *now* `x` | y")
    for day in range(2):
        at(slack, seamark, TODAY + timedelta(days=day), 4)
        at(slack, seamark, TODAY + timedelta(days=day), 15)

    posted = [call.args for call in slack.calls if call.method == "chat.postMessage"]
    assert posted
    assert not any("<!channel>" in str(args) or "<@" in str(args) for args in posted)
    assert "Tell <!channel> & <@U1> *now*" in reminders(team.bob)[-1].text.replace("`x`", "x") or reminders(team.bob)


def test_nudges_of_a_private_incident_stay_within_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = slack.channel("war-room", members=[team.alice], private=True)
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    secret = closed_incident(
        seamark, slack, room, team.alice, title="Keys leaked", private=True, facilitator=team.carol
    )
    with seamark.db.transaction() as session:
        people.add_members(session, slack.team_id, room.id, [team.bob.id])
    agree(seamark, slack, secret, team.bob, due_in=-13)
    with seamark.db.transaction() as session:
        people.remove_member(session, slack.team_id, room.id, team.bob.id)

    for day in range(4):
        at(slack, seamark, TODAY + timedelta(days=day), 4)
        at(slack, seamark, TODAY + timedelta(days=day), 15)

    assert reminders(team.bob) == []
    assert reminders(team.carol) == []
    assert any("is no longer in the channel of this private incident" in shown.text for shown in reminders(team.alice))
    for person in (team.bob, team.carol):
        for asked in ("mine", "all", "overdue", "INC-1", "ACT-1"):
            assert "alert" not in person.types(f"/retro actions {asked}", team.ops).text


# --- retrospectives --------------------------------------------------------------------------------------


def test_retrospectives_not_started_late_and_waiting_are_nudged(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    bare = closed_incident(seamark, slack, team.ops, team.alice, title="No retrospective yet")
    other = slack.channel("elsewhere", members=[team.alice, team.bob, team.carol])
    late = closed_incident(
        seamark,
        slack,
        other,
        team.alice,
        title="Late",
        facilitator=team.bob,
        due_on=TODAY - timedelta(days=1),
        status="draft",
    )
    third = slack.channel("third", members=[team.alice, team.bob, team.carol])
    reviewed = closed_incident(
        seamark, slack, third, team.alice, title="In review", facilitator=team.bob, status="review"
    )
    with seamark.db.transaction() as session:
        for one in (bare, late, reviewed):
            row = session.get_one(Incident, one.id)
            row.next_look_at = slack.clock.now()
            session.add(row)
        retro = session.exec(select(Retrospective).where(Retrospective.incident_id == reviewed.id)).one()
        asked_at = slack.clock.now() - timedelta(days=1)
        session.add(Review(retrospective_id=retro.id, user_id=team.carol.id, team_id=slack.team_id, asked_at=asked_at))

    at(slack, seamark, TODAY, 11)
    at(slack, seamark, TODAY, 15)

    assert "No retrospective yet* ended 3 days ago" in _raw(team.alice)
    assert reminders(team.alice)[-1].buttons == ["Start retrospective"]
    assert "Late* is 1 day late" in _raw(team.bob)
    assert "In review* waits for your review" in _raw(team.carol)


def _raw(person: object) -> str:
    return str(reminders(person)[-1].blocks)  # type: ignore[arg-type]


def test_every_rule_has_its_words() -> None:
    written = {path.name.removesuffix(".jinja") for path in files("templates").joinpath("nudges").iterdir()}

    assert written == {rule.name for rule in RULES} | AT_ONCE | {"bundle", "more"}


def test_nudges_read_the_reviews_of_many_retrospectives_at_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    rooms = [slack.channel(f"r-{number}", members=[team.alice, team.bob]) for number in range(3)]
    for room in rooms:
        closed_incident(
            seamark, slack, room, team.alice, title=room.id, facilitator=team.carol, status=RetroStatus.REVIEW
        )
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
        for retro in session.exec(select(Retrospective)):
            asked_at = slack.clock.now() - timedelta(days=1)
            session.add(
                Review(retrospective_id=retro.id, user_id=team.bob.id, team_id=slack.team_id, asked_at=asked_at)
            )
    slack.clock.set(datetime(2026, 11, 16, 15, tzinfo=UTC))
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(seamark.db.engine, "before_cursor_execute", hear)
    seamark.tick()
    event.remove(seamark.db.engine, "before_cursor_execute", hear)
    slack.server.rest()

    assert len([statement for statement in said if "FROM review" in statement]) == 1
    (message,) = reminders(team.bob)
    assert message.buttons == ["Approve", "Ask for changes"] * 3


# --- what became private -----------------------------------------------------------------------------------


def test_nudges_posted_before_an_incident_became_private_say_nothing_of_it_any_more(
    slack: Sandbox, team: Team, db_url: str
) -> None:
    reviews = slack.channel("follow-up", members=[team.alice])
    dave = slack.person("dave", tz="Europe/London")
    running = composition.create(settings_for(slack, db_url, follow_up_channel=reviews.id), clock=slack.clock.now)
    running.connect()
    slack.wait_for_app()
    try:
        with running.db.transaction() as session:
            know(session, slack, team.alice, team.bob, team.carol, dave)
        leak = closed_incident(running, slack, team.ops, team.alice, title="Keys leaked", facilitator=team.carol)
        agree(running, slack, leak, dave, due_in=1, what="Rotate the keys")
        agree(running, slack, leak, team.bob, due_in=1, what="Revoke the tokens")
        for day in range(1, 17):
            at(slack, running, TODAY + timedelta(days=day))
            running.courier.drain()
        assert "Rotate the keys" in " ".join(shown.text for shown in team.alice.sees(reviews))

        team.alice.makes_private(team.ops)
        slack.settle()
        running.courier.drain()

        outside = [*team.alice.sees(reviews), *reminders(dave)]
        assert [shown.text for shown in outside if "keys" in shown.text or "tokens" in shown.text] == []
        assert {shown.text for shown in reminders(dave)} == {NOTHING_LEFT}
        assert all("Revoke the tokens" in shown.text for shown in reminders(team.bob))  # he is in the channel
    finally:
        running.stop()


def test_reminder_that_cannot_be_edited_is_deleted_when_it_becomes_private(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    dave = slack.person("dave", tz="Europe/London")
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, dave)
    leak = closed_incident(seamark, slack, team.ops, team.alice, title="Keys leaked")
    agree(seamark, slack, leak, dave, due_in=0, what="Rotate the keys")
    at(slack, seamark, TODAY)
    assert "Rotate the keys" in reminders(dave)[-1].text
    slack.faults.refuse("chat.update", "edit_window_closed")

    team.alice.makes_private(team.ops)

    assert reminders(dave) == []


def test_lead_is_told_in_whose_messages_a_private_reminder_still_stands(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    dave = slack.person("dave", tz="Europe/London")
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, dave)
    leak = closed_incident(seamark, slack, team.ops, team.alice, title="Keys leaked")
    agree(seamark, slack, leak, dave, due_in=0, what="Rotate the keys")
    at(slack, seamark, TODAY)
    slack.faults.refuse("chat.update", "edit_window_closed")
    slack.faults.refuse("chat.delete", "cant_delete_message")

    team.alice.makes_private(team.ops)

    (told,) = [one.text for one in reminders(team.alice) if "private" in one.text]
    assert "what I said about it in the direct messages of dave may still be read there" in told


# --- one failure is one failure ------------------------------------------------------------------------------


def test_a_post_that_slack_refuses_does_not_end_the_series(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    agree(seamark, slack, incident, team.bob, due_in=0)
    slack.faults.refuse("chat.postMessage", "invalid_blocks", times=1)
    at(slack, seamark, TODAY)
    assert (reminders(team.bob), sent(seamark)) == ([], [])

    at(slack, seamark, TODAY + timedelta(days=1))

    (message,) = reminders(team.bob)
    assert "1 day over" in message.text
    assert sent(seamark) == [("overdue", team.bob.id)]


def test_buttons_of_an_escalation_work_in_the_channel(
    slack: Sandbox, team: Team, seamark: Seamark, incident: Incident
) -> None:
    action = agree(seamark, slack, incident, team.bob, due_in=1)
    for day in range(1, 17):
        at(slack, seamark, TODAY + timedelta(days=day))
    (asked,) = [shown for shown in team.alice.sees(team.ops) if "Can somebody here help" in shown.text]
    assert asked.buttons == BUTTONS

    team.alice.clicks("Hand over", within=asked)
    team.alice.form.fill({"To": team.alice}).submit()
    team.alice.clicks("Accept", within=reminders(team.alice)[-1])
    team.alice.clicks("Done", within=next(one for one in team.alice.sees(team.ops) if one.ts == asked.ts))
    team.alice.form.fill({"How was it checked?": "In staging"}).submit()

    kept = reload(seamark, action)
    assert (kept.owner_id, kept.status) == (team.alice.id, ActionStatus.DONE)
    changed = next(one for one in team.alice.sees(team.ops) if one.ts == asked.ts)
    assert "marked done by alice" in changed.text


@pytest.mark.parametrize(
    ("started", "words"),
    [(False, "nobody has begun its retrospective"), (True, "is 14 days late")],
    ids=["none", "late"],
)
def test_retrospectives_that_stay_late_reach_the_channel_after_those_who_lead(
    slack: Sandbox, team: Team, seamark: Seamark, started: bool, words: str
) -> None:
    with seamark.db.transaction() as session:
        know(session, slack, team.alice, team.bob, team.carol)
    facilitator = team.carol if started else None
    of = closed_incident(
        seamark, slack, team.ops, team.alice, facilitator=facilitator, due_on=TODAY - timedelta(days=3), status="draft"
    )
    with seamark.db.transaction() as session:
        row = session.get_one(Incident, of.id)
        row.severity, row.next_look_at = "SEV1", slack.clock.now()
        session.add(row)

    first: dict[str, int] = {}
    for day in range(15):
        for hour in (4, 15):
            at(slack, seamark, TODAY + timedelta(days=day), hour)
        for place, shown in (("lead", reminders(facilitator or team.alice)), ("channel", team.alice.sees(team.ops))):
            if any("etrospective" in one.text and "INC-1" in one.text for one in shown):
                first.setdefault(place, day)

    assert first == {"lead": 0, "channel": 11}
    (told,) = [one.text for one in team.alice.sees(team.ops) if "INC-1" in one.text and "etrospective" in one.text]
    assert words in told
