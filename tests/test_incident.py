"""`/incident`, typed and read as people do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlmodel import select

from bot import incidents
from bot.app import Seamark
from handlers.incident import incident
from handlers.subcommands import example_of
from sandbox import Channel, Person, Sandbox, Shown
from sandbox.mrkdwn import pings_of_blocks
from storage import incidents as incident_rows
from storage import outbox, people
from storage.db import Database
from storage.models import Incident, Milestone
from tests.conftest import Team
from tests.timelines import declare, declare_here, line_with, timeline


def opening(person: Person, room: Channel) -> Shown:
    [found] = [one for one in person.sees(room) if one.pinned]
    return found


# --- declare ----------------------------------------------------------------------------------------------


def test_declare_opens_a_channel_with_the_declarer_in_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team, Services="checkout, db", Environment="production")

    assert {"alice", "bob", "carol"} <= set(room.members)
    assert room.topic == "INC-1 · SEV3 · open · Checkout fails"
    text = opening(team.alice, room).text
    for words in (
        "INC-1 Checkout fails",
        "Open · SEV3 · Incident",
        "Services: checkout, db",
        "Environment: production",
    ):
        assert words in text.replace("*", "")
    assert "Roles: lead alice (the declarer, until `/incident role lead @somebody`)" in text


def test_taken_channel_name_gets_a_suffix(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    slack.channel("inc-1-checkout-fails", members=[team.bob])
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Checkout fails"}).submit()

    assert slack.find_channel("inc-1-checkout-fails-2").topic.startswith("INC-1")


def test_double_click_on_declare_is_one_incident(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Checkout fails"}).submit(times=2)

    with seamark.db.reading() as session:
        assert [one.number for one in session.exec(select(Incident))] == [1]


def test_this_channel_takes_in_its_past_with_threads(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    old = team.bob.says("last month's lunch", team.ops)
    slack.clock.advance(timedelta(days=30))
    parent = team.bob.says("it looks slow", team.ops)
    team.carol.says("since the deploy", team.ops, thread=parent)
    team.carol.reacts(parent, "pushpin")

    room = declare_here(team)

    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == [
        "it looks slow _(marked by carol)_",
        "since the deploy",
    ]
    assert opening(team.alice, room).text.startswith("INC-1 Checkout fails")
    assert old.ts not in str(timeline(team.alice, room))


def test_picker_fetches_another_day_of_the_past(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.bob.says("the first sign", team.ops)
    slack.clock.advance(timedelta(hours=30))
    room = declare_here(team)
    team.bob.says("here we are", room)

    team.alice.clicks("Mark many", within=team.alice.types("/incident timeline", room))
    team.alice.form.clicks("Fetch another day")

    assert "being fetched" in team.alice.form.text
    assert line_with(team.alice, room, "the first sign").endswith("*bob*: the first sign")


def test_this_channel_is_joined_when_seamark_was_not_in_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = slack.channel("web", members=[team.alice, team.bob], with_bot=False)
    team.bob.says("before anybody came", room)

    declare_here(team, channel=room)

    assert "seamark" in room.members
    assert line_with(team.alice, room, "before anybody came")


def test_private_channel_without_seamark_asks_for_an_invitation(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = slack.channel("secret-web", members=[team.alice, team.bob], private=True, with_bot=False)
    team.bob.says("before anybody came", room)

    declare_here(team, channel=room)
    [asked] = team.alice.direct_messages()
    assert "Invite me there" in asked.text
    team.alice.invites(slack.bot, room)

    assert line_with(team.alice, room, "before anybody came")
    assert opening(team.alice, room).text.startswith("INC-1 Checkout fails")


def test_channel_that_seamark_may_not_join_asks_for_an_invitation(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = slack.channel("web", members=[team.alice, team.bob], with_bot=False)
    slack.faults.refuse("conversations.join", "restricted_action")

    declare_here(team, channel=room)

    [asked] = team.alice.direct_messages()
    assert "I cannot come into #web (Slack answered `restricted_action`)" in asked.text
    team.alice.invites(slack.bot, room)
    assert opening(team.alice, room).text.startswith("INC-1 Checkout fails")


def test_second_incident_in_the_same_channel_begins_where_it_was_told_to(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare_here(team)
    team.bob.says("of the first", room)
    team.alice.types("/incident close", room)
    slack.clock.advance(timedelta(minutes=10))
    team.alice.types("/incident declare", room)
    team.alice.form.fill({"Title": "Again", "Where": "This channel", "What was said before": "Nothing"}).submit()
    slack.clock.advance(timedelta(minutes=1))
    team.bob.says("of the second", room)

    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == ["of the second"]


# --- milestones -------------------------------------------------------------------------------------------


def test_milestones_are_shown_with_their_durations_over_days(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident started 2026-11-14 07:30 deploy of the bump", room)
    team.alice.types("/incident detected 09:30", room)
    team.bob.types("/incident resolved 04:45", room)

    text = opening(team.carol, room).text

    assert "Time to detect: 2 d 2 h" in text
    assert "Time to resolve: 2 d 2 h" in text
    assert room.topic == "INC-1 · SEV3 · resolved · Checkout fails"


def test_contradiction_in_the_dialog_is_explained_with_a_choice(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident resolved 09:30", room)

    team.alice.clicks("Milestone", within=opening(team.alice, room))
    form = team.alice.form
    form.fill({"Milestone": "Started", "When": "09:45", "Note": "so says the log"}).submit()

    assert "an incident is started before it is resolved" in team.alice.form.text
    assert team.alice.form.values["Note"] == "so says the log"
    assert "Started" not in opening(team.alice, room).text
    team.alice.form.fill({"It is so": ["Set it all the same"]}).submit()
    assert "Started: " in opening(team.alice, room).text
    assert line_with(team.bob, room, "so says the log").startswith("🏁")


def test_contradiction_left_alone_changes_nothing(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident resolved 09:30", room)

    reply = team.alice.types("/incident started 09:45", room)
    team.alice.clicks("Leave it", within=reply)

    with seamark.db.reading() as session:
        assert [one.kind for one in session.exec(select(Milestone))] == ["resolved"]


def test_milestone_set_again_replaces_its_line(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident resolved 09:30 rollback is out", room)
    team.alice.types("/incident resolved 09:40 no, now", room)

    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == ["Resolved: no, now"]


def test_milestone_takes_the_time_of_a_message(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("first 502s", room)
    slack.clock.advance(timedelta(minutes=17))

    team.carol.chooses("entry_menu", "Use its time", within=team.carol.types("/incident timeline", room))
    team.carol.form.fill({"Milestone": "Detected"}).submit()

    with seamark.db.reading() as session:
        [milestone] = session.exec(select(Milestone)).all()
    assert f"{milestone.at.timestamp():.6f}" == said.ts
    assert f"p{said.ts.replace('.', '')}|this message>" in milestone.note


# --- what is recorded besides -----------------------------------------------------------------------------


def test_severity_role_and_evidence_are_on_the_timeline_and_in_the_opening(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    team.alice.types("/incident severity SEV1 nobody can pay", room)
    team.alice.types("/incident role lead @bob", room)
    reply = team.carol.types("/incident evidence https://grafana.example.com/d/1 error rate", room)

    text = opening(team.alice, room).text

    assert "It is evidence of the kind dashboard." in reply.text
    for words in ("SEV1", "lead bob", "dashboard: error rate"):
        assert words in text
    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == [
        "Severity SEV1 (was SEV3): nobody can pay",
        "Role lead: @bob",
        "Evidence: <https://grafana.example.com/d/1|error rate>",
    ]


def test_undone_evidence_and_update_leave_the_opening_message(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident update half of the pods are back", room)
    wrong = team.alice.types("/incident update all is well", room)
    link = team.alice.types("/incident evidence https://grafana.example.com/d/9 wrong one", room)
    assert "all is well" in opening(team.alice, room).text

    team.alice.clicks("Undo", within=wrong)
    team.alice.clicks("Undo", within=link)

    text = opening(team.alice, room).text
    assert "half of the pods are back" in text
    assert [words for words in ("all is well", "wrong one") if words in text] == []


def test_opening_message_is_edited_and_not_posted_anew(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    before = opening(team.alice, room)
    team.alice.types("/incident severity SEV1", room)
    team.alice.types("/incident close", room)

    assert opening(team.alice, room).ts == before.ts
    assert opening(team.alice, room).buttons == ["Start retrospective", "Timeline"]


def test_update_and_title_that_shout_ping_nobody(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare_here(team, {"Title": "<!channel> & @here *is* down"})
    team.alice.types("/incident update <!channel> @bob <!here> `half` & <b> back", room)

    shown = opening(team.alice, room)
    assert pings_of_blocks(shown.blocks) == set()
    assert "<!channel> @bob <!here> `half` & <b> back" in shown.text


def test_close_archives_only_when_asked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    reply = team.alice.types("/incident close all good", room)
    assert not room.archived

    team.alice.clicks("Archive channel", within=reply)

    assert room.archived


def test_reopen_takes_in_what_was_said_meanwhile(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident close", room)
    slack.clock.advance(timedelta(minutes=5))
    team.bob.says("it is back", room)
    slack.clock.advance(timedelta(minutes=5))

    team.alice.types("/incident reopen", room)

    assert line_with(team.alice, room, "it is back").endswith("*bob*: it is back")
    assert "Mark" in opening(team.alice, room).buttons


# --- updates ----------------------------------------------------------------------------------------------


def minutes_later(slack: Sandbox, seamark: Seamark, minutes: int) -> None:
    slack.clock.advance(timedelta(minutes=minutes))
    seamark.tick()
    while seamark.courier.drain():
        slack.settle()


def updates_asked(person: Person) -> list[Shown]:
    return [one for one in person.direct_messages() if "An update is due" in one.text]


def test_update_due_by_severity_is_asked_of_the_lead(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team, Severity="SEV1")
    team.alice.types("/incident role lead @bob", room)

    minutes_later(slack, seamark, 29)
    assert updates_asked(team.bob) == []
    minutes_later(slack, seamark, 1)

    [asked] = updates_asked(team.bob)
    assert asked.buttons == ["Give update", "Snooze"]
    assert updates_asked(team.alice) == []
    minutes_later(slack, seamark, 1)
    assert len(updates_asked(team.bob)) == 1
    minutes_later(slack, seamark, 29)
    assert len(updates_asked(team.bob)) == 2


def test_update_given_from_the_message_puts_the_next_off(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team, Severity="SEV1")
    minutes_later(slack, seamark, 30)
    [asked] = updates_asked(team.alice)

    team.alice.clicks("Give update", within=asked)
    team.alice.form.fill({"How does it stand?": "half of the pods are back"}).submit()

    assert "half of the pods are back" in opening(team.bob, room).text
    minutes_later(slack, seamark, 29)
    assert len(updates_asked(team.alice)) == 1


def test_snooze_is_recorded_on_the_timeline(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team, Severity="SEV1")
    minutes_later(slack, seamark, 30)

    team.alice.clicks("Snooze", within=updates_asked(team.alice)[0])

    assert "Update put off until" in line_with(team.bob, room, "put off")
    minutes_later(slack, seamark, 29)
    assert updates_asked(team.alice) == []
    minutes_later(slack, seamark, 1)
    assert len(updates_asked(team.alice)) == 1


@pytest.mark.parametrize("ending", ["/incident close", "/incident resolved"])
def test_no_update_is_asked_for_when_it_is_over(slack: Sandbox, team: Team, seamark: Seamark, ending: str) -> None:
    room = declare(slack, team, Severity="SEV1")

    team.alice.types(ending, room)

    minutes_later(slack, seamark, 120)
    assert updates_asked(team.alice) == []


# --- the channel ------------------------------------------------------------------------------------------


def test_renamed_channel_is_said_on_the_timeline(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    team.bob.renames(room, "the-big-one")

    assert line_with(team.alice, room, "the-big-one").endswith("*bob*: The channel is called the-big-one now")
    with seamark.db.reading() as session:
        known = people.known_channel(session, slack.team_id, room.id)
    assert known is not None
    assert known.name == "the-big-one"


def test_archived_channel_of_an_open_incident_is_told_to_the_lead(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    team.bob.archives(room)
    assert "was archived while INC-1 is still open" in team.alice.direct_messages()[-1].text.replace("*", "")
    team.bob.unarchives(room)

    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == [
        "The channel was archived",
        "The channel was unarchived",
    ]


def test_removed_and_invited_again_what_was_said_meanwhile_is_fetched(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    parent = team.bob.says("heard", room)
    slack.clock.advance(timedelta(minutes=1))
    team.bob.kicks_bot(room)
    assert "I was removed from" in team.alice.direct_messages()[-1].text
    slack.clock.advance(timedelta(minutes=1))
    missed = team.bob.says("missed", room)
    team.bob.says("missed reply", room, thread=parent)
    team.carol.reacts(missed, "pushpin")
    team.bob.edits(parent, "heard and corrected")
    gone = team.bob.says("said and taken back", room)
    team.bob.deletes(gone)

    team.bob.invites(slack.bot, room)

    said = [line.split("*: ")[1] for line in timeline(team.alice, room)]
    assert sorted(said) == [
        "Seamark is in the channel again",
        "Seamark was removed from the channel",
        "heard and corrected _(edited)_",
        "missed _(marked by carol)_",
        "missed reply",
    ]
    assert any("I am back. What was said here since" in one.text for one in team.bob.sees(room))


def test_what_was_deleted_while_seamark_was_away_is_forgotten(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.bob.says("first", room)
    regretted = team.bob.says("a thing to regret", room)
    team.bob.says("last", room)
    team.bob.kicks_bot(room)
    team.bob.deletes(regretted)

    team.bob.invites(slack.bot, room)

    assert [line for line in timeline(team.alice, room) if "regret" in line] == []


def test_channel_made_private_makes_the_incident_private(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    dave = slack.person("dave")
    dave.joins(team.ops)
    assert "INC-1" in dave.types("/incident list", team.ops).text

    team.alice.makes_private(room)

    assert "INC-1" not in dave.types("/incident list", team.ops).text
    assert "INC-1" in team.bob.types("/incident list", team.ops).text
    assert any("INC-1 is private now" in one.text for one in team.bob.sees(room))


def test_announcement_of_what_became_private_is_taken_back(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    news = slack.channel("news", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "announce_channel", news.id)
    room = declare(slack, team)
    assert "INC-1 Checkout fails" in team.alice.sees(news)[0].text

    team.alice.makes_private(room)

    assert [one.text for one in team.alice.sees(news)] == ["What stood here is private now."]


def test_announcement_made_when_seamark_came_in_later_is_taken_back(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    news = slack.channel("news", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "announce_channel", news.id)
    room = slack.channel("web", members=[team.alice, team.bob], with_bot=False)
    slack.faults.refuse("conversations.join", "restricted_action")
    declare_here(team, channel=room)
    team.alice.invites(slack.bot, room)
    assert "INC-1 Checkout fails" in team.alice.sees(news)[0].text

    team.alice.makes_private(room)

    assert [one.text for one in team.alice.sees(news)] == ["What stood here is private now."]


def test_changed_channel_id_takes_the_timeline_with_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)

    slack.deliver_event(
        {"type": "channel_id_changed", "old_channel_id": room.id, "new_channel_id": "CNEW", "event_ts": "1794830000.1"}
    )
    slack.deliver_event(
        {
            "type": "message",
            "subtype": "message_deleted",
            "channel": "CNEW",
            "deleted_ts": said.ts,
            "ts": "1794830001.000100",
            "event_ts": "1794830001.000100",
            "hidden": True,
            "channel_type": "channel",
        }
    )

    with seamark.db.reading() as session:
        assert [one.channel_id for one in session.exec(select(Incident))] == ["CNEW"]


# --- private ----------------------------------------------------------------------------------------------


def test_nothing_of_a_private_incident_is_shown_to_others(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team, Private=["Only its members may see it, everywhere"])
    dave = slack.person("dave")
    dave.joins(team.ops)
    team.alice.types("/incident mark decision: tell the regulator", room)

    assert room.private
    seen = [dave.types(f"/incident {word}", team.ops).text for word in ("list", "status", "timeline", "close")]
    assert [text for text in seen if "INC-1" in text or "regulator" in text or "Checkout" in text] == []
    assert "INC-1" in team.bob.types("/incident list", team.ops).text

    team.bob.leaves(room)
    assert "INC-1" not in team.bob.types("/incident list", team.ops).text


def test_buttons_kept_from_before_leaving_a_private_incident_show_nothing(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team, Private=["Only its members may see it, everywhere"], Severity="SEV1")
    minutes_later(slack, seamark, 30)
    [asked] = updates_asked(team.alice)
    team.alice.leaves(room)

    team.alice.clicks("Give update", within=asked)

    assert team.alice.form.title == "Declared"
    assert "There is no such incident that you can see" in team.alice.sees(team.alice.dm())[-1].text


# --- times ------------------------------------------------------------------------------------------------


def test_time_typed_by_somebody_new_is_read_in_their_zone(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    dora = slack.person("dora", tz="Asia/Kolkata")
    dora.joins(room)
    with seamark.db.transaction() as session:
        session.delete(people.person(session, slack.team_id, dora.id))

    reply = dora.types("/incident mark 15:12 decision: roll back", room)

    assert reply.text.startswith("🧭 Marked Nov 16, 2026 at 3:12 PM as *Decision*: roll back")
    assert line_with(team.alice, room, "roll back").startswith("🧭 <!date^1794822120^")


def test_time_is_read_as_utc_and_said_so_when_slack_is_slow(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    dora = slack.person("dora", tz="Asia/Kolkata")
    dora.joins(room)
    with seamark.db.transaction() as session:
        session.delete(people.person(session, slack.team_id, dora.id))
    slack.faults.fail("users.info", times=1)

    reply = dora.types("/incident mark 09:12 decision: roll back", room)

    assert "Slack did not tell your time zone just now, so the time was read as UTC" in reply.text
    assert line_with(team.alice, room, "roll back").startswith("🧭 <!date^1794820320^")


# --- help -------------------------------------------------------------------------------------------------


def test_every_subcommand_is_in_the_help_with_an_example(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    text = team.alice.types("/incident", team.ops).text

    assert text.split("\n")[1].startswith("• *declare*: ")
    for name, one in incident.registered.items():
        assert f"*{name}*" in text or f"{name}:" in text
        assert example_of(one.help), name


@pytest.mark.parametrize("typed", ["mark x", "resolved", "severity SEV2", "update x", "status", "timeline", "close"])
def test_subcommands_in_a_channel_without_incident_offer_to_declare(
    slack: Sandbox, team: Team, seamark: Seamark, typed: str
) -> None:
    reply = team.alice.types(f"/incident {typed}", team.ops)

    assert reply.text.startswith("This channel is not about an incident")
    assert reply.buttons == ["Declare"]


@pytest.mark.parametrize(
    ("typed", "told", "buttons"),
    [
        ("/incident mark x", "so nothing was recorded. Declare one here, or go to its channel.", ["Declare"]),
        ("/incident status", "Name the one you mean: `/incident status INC-7`.", ["Declare"]),
        ("/incident close", "Name the one you mean: `/incident close INC-7`.", ["Declare"]),
        ("/retro start", "Name the one you mean: `/retro start INC-7`.", []),
        ("/retro publish", "Name the one you mean: `/retro publish INC-7`.", []),
    ],
)
def test_refusal_where_there_is_no_incident_fits_what_was_typed(
    slack: Sandbox, team: Team, seamark: Seamark, typed: str, told: str, buttons: list[str]
) -> None:
    reply = team.alice.types(typed, team.ops)

    assert reply.text.startswith("This channel is not about an incident")
    assert told in reply.text
    assert reply.buttons == buttons


def test_unknown_word_is_answered_with_the_nearest(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    near = "There is no `/incident resolvd`, so nothing was done. Did you mean `/incident resolved`?"
    help_ = team.alice.types("/incident help", team.ops).text
    assert team.alice.types("/incident resolvd at 10:42", team.ops).text == f"{near}\n{help_}"
    unknown = team.alice.types("/retro xyzzy", team.ops).text
    assert unknown.startswith("There is no `/retro xyzzy`, so nothing was done.\n*/retro* ")


def test_milestone_within_the_same_minute_contradicts_nothing(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    slack.clock.advance(seconds=20)
    team.alice.types("/incident detected", room)

    answer = team.alice.types("/incident resolved 10:00", room)

    assert (answer.text, answer.buttons) == ("🏁 Resolved Nov 16, 2026 at 10:00 AM.", [])
    assert room.topic == "INC-1 · SEV3 · resolved · Checkout fails"


def test_milestone_told_to_the_second_is_not_moved_but_asked_about(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    team.alice.types("/incident mitigated 09:42:50", room)

    asked = team.alice.types("/incident resolved 09:42:10", room)

    assert asked.text.splitlines()[0] == (
        "Resolved (Nov 16, 2026 at 9:42:10 AM) does not fit with mitigated (Nov 16, 2026 at 9:42:50 AM): an incident"
        " is mitigated before it is resolved. Nothing was changed yet."
    )
    assert milestones(seamark) == ["mitigated 09:42:50"]
    team.alice.clicks("Set it all the same", within=asked)
    assert milestones(seamark) == ["mitigated 09:42:50", "resolved 09:42:10"]


def test_milestone_told_to_the_minute_takes_the_second_of_the_one_before(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    slack.clock.advance(seconds=10)
    team.alice.types("/incident mitigated 09:42:50", room)
    team.alice.types("/incident resolved 09:42", room)
    team.alice.clicks("Milestone", within=opening(team.alice, room))
    team.alice.form.fill({"Milestone": "Acknowledged", "When": "09:42:55"}).submit()

    assert "does not fit with" in team.alice.form.text
    assert milestones(seamark) == ["mitigated 09:42:50", "resolved 09:42:50"]


def milestones(seamark: Seamark) -> list[str]:
    with seamark.db.reading() as session:
        return sorted(f"{one.kind} {one.at:%H:%M:%S}" for one in session.exec(select(Milestone)))


def test_role_is_understood_in_either_order(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    assert team.alice.types("/incident role @bob Comms", room).text == "bob has the role comms now."
    assert team.alice.types("/incident role lead bob", room).text == (
        "A role is one word and a name, like `/incident role lead @bob`, with the @ before the name. Nothing changed."
    )


def test_reopened_in_an_archived_channel_says_what_to_do(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident close archive", room)

    assert team.alice.types("/incident reopen INC-1", team.ops).text == (
        "INC-1 is open again, but #inc-1-checkout-fails is archived: unarchive it to go on there."
    )
    with seamark.db.reading() as session:
        assert outbox.failed(session) == []


def test_milestone_told_again_without_a_time_asks_before_it_moves(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident started 09:30", room)

    asked = team.bob.types("/incident started", room)

    assert "Started is set to" in asked.text
    assert "4:30 AM already. Nothing was changed yet" in asked.text
    assert asked.buttons == ["Set it all the same", "Leave it"]
    with seamark.db.reading() as session:
        [kept] = session.exec(select(Milestone)).all()
    assert kept.at.hour == 9
    team.bob.clicks("Set it all the same", within=asked)
    with seamark.db.reading() as session:
        [moved] = session.exec(select(Milestone)).all()
    assert moved.at.hour == 10


# --- two incidents, one channel ---------------------------------------------------------------------------


@pytest.fixture
def two(team: Team, seamark: Seamark) -> Team:
    """INC-1 was closed in #ops, INC-2 is open there."""
    declare_here(team)
    team.alice.types("/incident close", team.ops)
    declare_here(team, {"Title": "Search is slow"})
    return team


def test_reopened_incident_does_not_share_a_channel(two: Team) -> None:
    assert two.bob.types("/incident reopen INC-1", two.ops).text == (
        "#ops is about INC-2, which is open, so INC-1 cannot go on there. Nothing was changed;"
        " `/incident close INC-2` ends the other first."
    )
    assert "INC-1 is closed" in two.bob.types("/incident close INC-1", two.ops).text.replace("was closed", "is closed")


def test_channel_of_another_open_incident_is_not_archived(two: Team) -> None:
    said = two.bob.types("/incident close INC-1 archive", two.ops)
    assert said.text == "INC-1 is closed. #ops is about INC-2, which is open, so the channel was not archived."
    assert not two.ops.archived


@pytest.mark.parametrize("name", ["INC-1:", "inc-1,", "#1", "inc 1", "INC1.", "1"])
def test_name_of_another_incident_is_understood_as_people_write_it(two: Team, name: str) -> None:
    assert two.bob.types(f"/incident status {name}", two.ops).text.startswith("*INC-1 Checkout fails*")


def test_name_that_is_none_never_means_the_channels_own(two: Team) -> None:
    for said in ("close INC-99.", "close inc-x", "reopen #99: it is back"):
        assert "There is no such incident that you can see" in two.bob.types(f"/incident {said}", two.ops).text
    assert two.bob.types("/incident status", two.ops).text.startswith("*INC-2 Search is slow* · SEV3 · open")


@pytest.mark.parametrize(
    "said", ["@bob is the lead", "the lead is @bob", "incident commander @bob", "@bob", "lead bob"]
)
def test_role_that_is_not_one_word_and_a_name_is_refused(team: Team, seamark: Seamark, said: str) -> None:
    declare_here(team)
    assert "A role is one word and a name" in team.alice.types(f"/incident role {said}", team.ops).text
    assert "lead: @bob" not in " ".join(timeline(team.alice, team.ops))


def test_role_may_have_a_colon(team: Team, seamark: Seamark) -> None:
    declare_here(team)
    team.alice.types("/incident role lead: @bob", team.ops)
    assert timeline(team.alice, team.ops)[-1].endswith("Role lead: @bob")


def test_two_incidents_never_get_one_channel_at_once(slack: Sandbox, db: Database) -> None:
    def begin(title: str) -> None:
        declaration = incidents.Declaration(title, own_channel=False)
        where = {"team_id": slack.team_id, "by": "U1", "channel_id": "C1", "source_key": title}
        with suppress(incidents.AlreadyAnIncident), db.transaction() as session:
            incidents.declare(session, declaration, now=slack.clock.now(), **where)

    with ThreadPoolExecutor(8) as people:
        list(people.map(begin, "abcdefgh"))
    with db.reading() as session:
        assert len(incident_rows.every(session)) == 1


# --- words that are no time -------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["yesterday", "today we rolled back", "tomorrow 10:00"])
def test_day_alone_is_no_moment_of_a_milestone(team: Team, seamark: Seamark, said: str) -> None:
    declare_here(team)
    answer = team.alice.types(f"/incident mitigated {said}", team.ops)
    assert "is a day and no time of day. Nothing was marked." in answer.text
    assert timeline(team.alice, team.ops) == []


def test_words_that_were_taken_for_a_note_are_named_when_asked(team: Team, seamark: Seamark) -> None:
    declare_here(team)
    team.alice.types("/incident started -10m", team.ops)
    answer = team.alice.types("/incident started banana", team.ops)
    assert "instead, with the note “banana”?" in answer.text


def test_severity_that_stays_is_said_to_stay(team: Team, seamark: Seamark) -> None:
    declare_here(team, {"Severity": "SEV1"})
    team.alice.types("/incident severity SEV1 everybody is hit", team.ops)
    assert timeline(team.alice, team.ops)[-1].endswith("Severity stays SEV1: everybody is hit")


def test_status_says_how_far_it_has_come(team: Team, seamark: Seamark) -> None:
    declare_here(team)
    team.alice.types("/incident mitigated", team.ops)
    assert "· SEV3 · open, mitigated" in team.alice.types("/incident status", team.ops).text


@pytest.mark.parametrize("name", ["@BOB", "@Bob"])
def test_name_is_understood_in_any_case(team: Team, seamark: Seamark, name: str) -> None:
    declare_here(team)
    team.alice.types(f"/incident role lead {name}", team.ops)
    assert timeline(team.alice, team.ops)[-1].endswith("Role lead: @bob")
