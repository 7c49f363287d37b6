"""`/retro start`, the hub, the meeting: typed, clicked and read as people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlmodel import select

from bot.app import Seamark
from sandbox import Channel, Person, Sandbox, Shown
from sandbox.mrkdwn import pings_of_blocks
from storage import people
from storage.models import Incident
from tests.conftest import Team
from tests.retro_story import begin, hub, incident


def test_start_offers_what_is_known(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)

    team.carol.types("/retro start", room)

    dialog = team.carol.form
    assert dialog.title == "Start retrospective"
    assert dialog.labels == ["Incident", "Guide", "Facilitator", "Participants", "Due", "Meeting"]
    assert dialog.values == {
        "Incident": "INC-1 Checkout fails",
        "Guide": "Standard",
        "Facilitator": team.carol.id,
        "Participants": sorted([team.alice.id, team.bob.id]),
        "Due": "2026-11-23",
        "Meeting": None,
    }


def test_start_posts_a_hub_with_a_button_for_each_step(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)

    begin(team.carol, room)

    shown = hub(team.alice, room)
    assert shown.buttons == [
        "Scope and impact",
        "Milestones",
        "Timeline review",
        "Accounts",
        "Learning",
        "Contributing factors",
        "Actions",
        "Review and publish",
        "Give my account",
        "Join",
        "Change details",
    ]
    assert "0 of 8 steps done" in shown.text


def test_who_was_in_the_incident_is_told_so_and_may_lead_all_the_same(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    team.alice.types("/retro start", room)

    again = team.alice.form.fill({"Meeting": datetime(2026, 11, 18, 15, 0, tzinfo=UTC)}).submit()
    assert again is not None
    assert "alice was in this incident" in again.text
    assert again.values["Meeting"] == int(datetime(2026, 11, 18, 15, 0, tzinfo=UTC).timestamp())
    done = again.submit()

    assert done is not None
    assert "has begun" in done.text
    assert "Facilitator: alice" in hub(team.bob, room).text


def test_another_name_after_the_note_is_told_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    team.alice.types("/retro start", room)
    again = team.alice.form.submit()
    assert again is not None

    again = again.fill({"Facilitator": team.bob}).submit()

    assert again is not None
    assert "bob was in this incident" in again.text


def test_start_twice_is_one(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    team.carol.types("/retro start", room)

    done = team.carol.form.submit(times=2)

    assert done is not None
    assert "has begun" in done.text
    assert len([message for message in team.bob.sees(room) if "Scope and impact" in message.buttons]) == 1
    assert len([message for message in team.bob.direct_messages() if "Give my account" in message.buttons]) == 1


def test_a_second_start_says_where_the_first_is(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)

    answer = team.bob.types("/retro start", room)

    assert "has its retrospective already" in answer.text
    assert "Its hub" in answer.text
    assert "Scope and impact" in answer.buttons
    team.bob.clicks("Start retrospective", within=next(m for m in team.bob.sees(room) if "Timeline" in m.buttons))
    assert "carol started it" in team.bob.form.text


def test_start_of_another_incident_by_its_number(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident(slack, team)
    incident(slack, team, title="Search is slow")

    team.carol.types("/retro start inc-2", team.ops)
    dialog = team.carol.form
    assert dialog.values["Incident"] == "INC-2 Search is slow"
    dialog.fill({"Incident": "INC-1 Checkout fails"})
    done = team.carol.form.submit()

    assert done is not None
    assert "INC-1 Checkout fails" in done.text


def test_start_in_a_room_without_an_incident_offers_the_latest(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident(slack, team)

    team.carol.types("/retro start", team.ops)

    assert team.carol.form.values["Incident"] == "INC-1 Checkout fails"


def test_what_is_over_cannot_be_due(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    team.carol.types("/retro start", room)

    dialog = team.carol.form
    dialog.fill({"Due": "2026-11-13"}).submit()
    assert dialog.errors == {"Due": "That day is over. Choose today or a later one."}
    dialog.fill({"Due": "2026-11-20", "Facilitator": slack.bot}).submit()
    assert list(dialog.errors) == ["Facilitator"]


def test_near_miss_gets_its_own_guide(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident near-miss", team.ops)
    team.alice.form.fill({"Title": "Backup was empty"}).submit()
    room = slack.channels()[-1]

    team.alice.types("/retro start", room)

    assert team.alice.form.values["Guide"] == "Near miss"


def test_a_private_retrospective_is_unknown_outside(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team, private=True)
    begin(team.carol, room)
    dave = slack.person("dave")
    dave.joins(team.ops)

    for typed in ("/retro start INC-1", "/retro status INC-1", "/retro perspective INC-1"):
        assert "There is no such incident that you can see" in dave.types(typed, team.ops).text
    assert dave.dialog is None
    assert "0 of 8 steps done" in team.bob.types("/retro status INC-1", team.ops).text


def test_a_meeting_is_announced_with_a_calendar_file_and_reminded_of(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    at = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
    begin(team.carol, room, Meeting=at)

    files = [file for message in team.bob.sees(room) for file in message.files]
    assert [file["name"] for file in files] == ["inc-1-retrospective.ics"]
    event = Calendar.from_ical(team.bob.read_file(files[0])).walk("VEVENT")[0]
    assert (str(event["SUMMARY"]), event.decoded("DTSTART")) == ("Retrospective of INC-1: Checkout fails", at)
    assert "Meeting: Nov 18" in hub(team.bob, room).text
    slack.clock.set(at - timedelta(minutes=59))
    seamark.courier.drain()
    for person in (team.alice, team.bob, team.carol):
        reminder = person.direct_messages()[-1].text
        assert reminder.startswith("The retrospective of *INC-1 Checkout fails* meets Nov 18")
        assert reminder.endswith("Where it stands")


def test_a_deleted_hub_is_posted_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    admin = slack.person("root", is_admin=True)
    first = hub(team.alice, room)
    admin.deletes(first)

    assert [m for m in team.alice.sees(room) if "Scope and impact" in m.buttons] == []
    team.carol.clicks("Scope and impact", within=team.carol.types("/retro status", room))
    team.carol.form.submit()

    again = hub(team.alice, room)
    assert again.ts != first.ts
    assert "1 of 8 steps done" in again.text


def test_the_hub_of_an_archived_channel_goes_on_with_the_facilitator(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    team.carol.clicks("Scope and impact", within=hub(team.carol, room))
    team.alice.archives(room)

    team.carol.form.submit()

    [shown] = hubs(team.carol)
    assert "1 of 8 steps done" in shown.text
    team.carol.form.submit()
    assert "2 of 8 steps done" in hubs(team.carol)[0].text
    assert len([m for m in team.carol.direct_messages() if "Scope and impact" in m.buttons]) == 1


def test_another_takes_over_when_the_facilitator_is_gone(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    assert "Take over as facilitator" not in hub(team.bob, room).buttons
    team.carol.deactivate()

    answer = team.bob.types("/retro status", room)
    assert "no longer here" in answer.text
    team.bob.clicks("Take over as facilitator", within=answer)

    assert "Facilitator: bob" in hub(team.alice, room).text
    team.bob.clicks("Scope and impact", within=hub(team.bob, room))
    assert team.bob.form.title == "Scope and impact"


def test_late_is_said_in_the_hub(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    assert "late" not in hub(team.bob, room).text

    slack.clock.set(datetime(2026, 11, 24, 10, 0, tzinfo=UTC))
    seamark.courier.drain()

    assert "late" in hub(team.bob, room).text


def test_start_offers_itself_again_when_slack_was_too_slow(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    slack.faults.refuse("views.open", "expired_trigger_id")

    answer = team.carol.types("/retro start", room)

    assert "Nothing is lost" in answer.text
    team.carol.clicks("Start retrospective", within=answer)
    assert team.carol.form.title == "Start retrospective"


def test_a_title_that_shouts_pings_nobody(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team, title="<!channel> @here & co")
    team.carol.types("/retro start", room)
    seen = [team.carol.form.blocks]
    team.carol.form.close()
    begin(team.carol, room)
    seen += [hub(team.bob, room).blocks, team.bob.direct_messages()[-1].blocks]

    assert [pings_of_blocks(blocks) for blocks in seen] == [set()] * 3


def test_details_are_changed_later(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    dave = slack.person("dave")
    at = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)

    team.carol.clicks("Change details", within=hub(team.carol, room))
    fields = {"Facilitator": dave, "Participants": [team.alice, team.carol], "Due": "2026-11-27", "Meeting": at}
    team.carol.form.fill(fields).submit()

    shown = hub(team.bob, room).text
    assert "due Fri 27 Nov 2026" in shown
    assert "Facilitator: dave" in shown
    assert "Participants: alice, carol" in shown
    assert [file["name"] for m in team.bob.sees(room) for file in m.files] == ["inc-1-retrospective.ics"]
    assert "Give my account" in team.carol.direct_messages()[-1].buttons


def test_details_are_changed_by_those_who_take_part(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    dave = slack.person("dave")
    dave.joins(room)

    dave.clicks("Change details", within=hub(dave, room))

    assert "You do not take part" in dave.form.text


def test_the_hub_offers_to_take_over_as_soon_as_the_facilitator_is_gone(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    begin(team.carol, room)

    team.carol.deactivate()

    assert "Take over as facilitator" in hub(team.bob, room).buttons


def homeless(slack: Sandbox, team: Team, *, private: bool) -> None:
    """An incident declared in #ops by alice, whose own channel Slack refused."""
    slack.faults.refuse("conversations.create", "restricted_action")
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Checkout fails", **({"Private": True} if private else {})}).submit()
    team.alice.types("/retro start INC-1", team.ops)


def hubs(person: Person, room: Channel | None = None) -> list[Shown]:
    seen = person.sees(room) if room is not None else person.direct_messages()
    return [message for message in seen if "Scope and impact" in message.buttons and not message.ephemeral]


@pytest.mark.parametrize("private", [True, False])
def test_hub_without_a_channel_goes_to_the_facilitator_and_nowhere_else(
    slack: Sandbox, team: Team, seamark: Seamark, *, private: bool
) -> None:
    homeless(slack, team, private=private)
    again = team.alice.form.submit()
    assert again is not None
    done = again.submit()

    assert done is not None
    assert "Its hub is in the direct messages of whoever leads it" in done.text
    assert len(hubs(team.alice)) == 1
    assert hubs(team.bob, team.ops) == []


def test_hub_in_direct_messages_goes_on_to_the_next_facilitator(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    team.alice.archives(room)
    team.carol.clicks("Milestones", within=team.carol.types("/retro status INC-1", team.ops))
    team.carol.form.submit()
    [shown] = hubs(team.carol)

    team.carol.form.close()
    team.carol.clicks("Change details", within=shown)
    team.carol.form.fill({"Facilitator": team.bob}).submit()

    assert hubs(team.carol) == []
    assert "has moved" in "".join(message.text for message in team.carol.direct_messages())
    [mine] = hubs(team.bob)
    assert "Facilitator: bob" in mine.text
    team.bob.clicks("Scope and impact", within=mine)
    team.bob.form.submit()
    assert "2 of 8 steps done" in hubs(team.bob)[0].text
    assert len(hubs(team.bob)) == 1


def test_hub_of_a_facilitator_who_left_in_review_goes_to_somebody_who_takes_part(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    team.alice.archives(room)
    team.carol.clicks("Review and publish", within=team.carol.types("/retro status INC-1", team.ops))
    team.carol.form.clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.bob]}).submit()
    assert len(hubs(team.carol)) == 1

    team.carol.deactivate()

    [mine] = hubs(team.alice)
    team.alice.clicks("Take over as facilitator", within=mine)
    assert "Facilitator: alice" in hubs(team.alice)[0].text


def test_hub_that_became_private_elsewhere_says_no_more_than_that_it_moved(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    war_room = slack.channel("war-room", members=[team.carol], private=True, with_bot=True)
    with seamark.db.transaction() as session:
        found = session.exec(select(Incident)).one()
        found.is_private, found.channel_id = True, war_room.id
        people.add_members(session, slack.team_id, str(found.channel_id), [team.carol.id])
        session.add(found)

    team.carol.clicks("Scope and impact", within=team.carol.types("/retro status INC-1", team.ops))
    team.carol.form.submit()

    assert hubs(team.bob, room) == []
    assert "1 of 8 steps done" in hubs(team.carol, war_room)[0].text


# --- led well by somebody who has never done it -----------------------------------------------------------


def told_how(person: Person) -> list[str]:
    return [message.text for message in person.direct_messages() if message.text.startswith("You lead the")]


def test_facilitator_is_told_how_and_what_to_say_first(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.alice, room, Facilitator=team.carol)

    [told] = told_how(team.carol)
    assert "due Mon 23 Nov 2026" in told
    assert "let it sink in for about 2 working days" in told
    assert "We are here to learn how this came about" in told
    assert told_how(team.alice) == []
    message = next(m for m in team.carol.direct_messages() if m.text == told)
    team.carol.clicks("Begin", within=message)
    assert team.carol.form.title == "Scope and impact"


def test_next_facilitator_is_told_how_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    for following in (team.bob, team.carol, team.bob):
        team.alice.clicks("Change details", within=hub(team.alice, room))
        team.alice.form.fill({"Facilitator": following}).submit()

    assert [len(told_how(person)) for person in (team.carol, team.bob)] == [1, 1]


def test_hub_says_what_comes_next(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    assert "Next:* Scope and impact, about 5 minutes" in str(hub(team.bob, room).blocks)

    team.carol.clicks("Scope and impact", within=hub(team.carol, room))
    team.carol.form.submit()

    assert "Next:* Milestones, about 5 minutes" in str(hub(team.bob, room).blocks)


def test_empty_retrospective_says_what_to_do(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident declare", team.ops)
    team.alice.form.fill({"Title": "Search is slow"}).submit()
    room = slack.channels()[-1]
    begin(team.alice, room, Participants=[])
    assert "Participants: nobody yet; “Change details” adds them" in hub(team.alice, room).text

    team.alice.clicks("Timeline review", within=hub(team.alice, room))
    step = team.alice.form
    assert "Nothing was marked." in step.text
    step.clicks("Show everything")
    assert "Nothing was said in the channel." in step.text
    accounts = step.submit()

    assert accounts is not None
    assert "Nobody takes part yet, so nobody was asked." in accounts.text
