"""What is said, edited, deleted, marked, and read again: each fault seen elsewhere, tried by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.app import Seamark
from handlers.capture import NotTheAuthor, not_secret
from handlers.payloads import Click
from sandbox import Dialog, Sandbox
from storage import outbox
from storage.models import Entry, EntryRevision, Evidence, Mark, OutboxItem
from tests.conftest import Team
from tests.timelines import declare, declare_here, line_with, timeline


def texts(seamark: Seamark) -> list[str]:
    with seamark.db.reading() as session:
        return sorted(entry.text for entry in session.exec(select(Entry)))


# --- marks on the right message, credited to the right person ---------------------------------------------


def test_reaction_on_thread_reply_marks_the_reply(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    parent = team.bob.says("replicas are lagging", room)
    reply = team.carol.says("because of the backup job", room, thread=parent)

    team.alice.reacts(reply, "pushpin")

    [first, second] = timeline(team.alice, room)
    assert first.endswith("*carol*: because of the backup job _(marked by alice)_")
    assert second.endswith("*bob*: replicas are lagging")


def test_reaction_on_reply_never_seen_fetches_the_reply(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    parent = team.bob.says("replicas are lagging", team.ops)
    reply = team.carol.says("because of the backup job", team.ops, thread=parent)
    room = declare_here(team, {"What was said before": "Nothing"})
    assert timeline(team.alice, room) == []

    team.alice.reacts(reply, "pushpin")

    [line] = timeline(team.alice, room)
    assert line.endswith("*carol*: because of the backup job _(marked by alice)_")


def test_mark_is_credited_to_author_with_marker_beside(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)

    team.carol.reacts(said, "pushpin")

    assert line_with(team.alice, room, "rolled back").endswith("*bob*: rolled back _(marked by carol)_")


def test_marks_of_two_people_are_one_entry_that_ceases_with_the_last(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)

    team.alice.reacts(said, "pushpin")
    team.carol.pins(said)
    assert line_with(team.bob, room, "rolled back").endswith("_(marked by alice, carol)_")

    team.alice.unreacts(said, "pushpin")
    assert line_with(team.bob, room, "rolled back").endswith("_(marked by carol)_")

    team.carol.unpins(said)
    assert line_with(team.bob, room, "rolled back").startswith("💬")


def test_redelivered_reaction_is_one_mark(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)
    team.alice.reacts(said, "pushpin")

    slack.redeliver()

    with seamark.db.reading() as session:
        assert len(session.exec(select(Mark)).all()) == 1


def test_react_unreact_react_is_marked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)

    team.alice.reacts(said, "pushpin")
    team.alice.unreacts(said, "pushpin")
    assert line_with(team.bob, room, "rolled back").startswith("💬")

    team.alice.reacts(said, "pushpin")
    assert line_with(team.bob, room, "rolled back").startswith("📌")


def test_removal_that_overtakes_its_mark_wins(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)
    item = {"type": "message", "channel": room.id, "ts": said.ts}
    react = {"user": team.alice.id, "reaction": "pushpin", "item": item, "item_user": team.bob.id}

    slack.deliver_event(react | {"type": "reaction_removed", "event_ts": "1794830000.000200"})
    slack.deliver_event(react | {"type": "reaction_added", "event_ts": "1794830000.000100"})

    assert line_with(team.bob, room, "rolled back").startswith("💬")


def test_reaction_is_answered_privately_with_edit_and_undo(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)

    team.alice.reacts(said, "pushpin")

    answer = team.alice.sees(room)[-1]
    assert (answer.ephemeral, answer.buttons) == (True, ["Edit", "Undo"])
    assert answer.text.startswith("📌 Marked Nov 16, 2026 at 10:00 AM: rolled back")
    team.alice.clicks("Undo", within=answer)
    assert line_with(team.alice, room, "rolled back").startswith("💬")


def test_undo_of_anothers_mark_is_refused(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.bob.says("something else", room)
    team.alice.types("/incident mark decision: roll back", room)

    answer = team.bob.types("/incident timeline", room)
    team.bob.clicks("Undo", within=answer)

    assert team.bob.sees(room)[-1].text.startswith("Only the one who marked this can undo it")
    assert line_with(team.bob, room, "roll back").startswith("🧭")


def test_undo_leaves_what_somebody_else_marked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)
    team.carol.pins(said)
    team.alice.reacts(said, "pushpin")

    team.alice.clicks("Undo", within=team.alice.sees(room)[-1])

    assert (
        team.alice.sees(room)[-1].text
        == "Your mark is taken back. The entry stays on the timeline, because carol marked it, too."
    )
    assert line_with(team.alice, room, "rolled back").endswith("_(marked by carol)_")


def test_unpinning_what_another_pinned_leaves_a_trace(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("rolled back", room)
    team.carol.pins(said)

    team.alice.unpins(said)

    assert line_with(team.bob, room, "rolled back").startswith("💬")
    assert (
        team.carol.sees(room)[-1].text == "@alice unpinned a message that you had pinned, so your mark on it is gone."
    )
    with seamark.db.reading() as session:
        [mark] = session.exec(select(Mark)).all()
    assert (mark.marker_id, mark.removed_by) == (team.carol.id, team.alice.id)


def test_reaction_on_seamarks_own_message_marks_nothing(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    [opening] = [one for one in team.bob.sees(room) if "Declared by" in one.text]

    team.bob.reacts(opening, "pushpin")
    team.bob.uses_shortcut("Mark on timeline", opening)

    assert team.bob.sees(room)[-1].text.startswith("That message is Seamark's own")
    assert timeline(team.bob, room) == []


# --- the words: edited, deleted, doubled, late ------------------------------------------------------------


def test_edit_is_read_in_the_timeline_and_the_first_words_are_kept(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    said = team.bob.says("deploy 41 is bad", room)
    slack.clock.advance(timedelta(seconds=5))

    team.bob.edits(said, "deploy 42 is bad")

    assert line_with(team.alice, room, "is bad").endswith("*bob*: deploy 42 is bad _(edited)_")
    with seamark.db.reading() as session:
        assert [one.text for one in session.exec(select(EntryRevision))] == ["deploy 41 is bad", "deploy 42 is bad"]


def test_second_edit_within_the_same_second_counts(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("deploy 41 is bad", room)

    team.bob.edits(said, "deploy 42 is bad")
    team.bob.edits(said, "deploy 43 is bad")

    assert "deploy 43 is bad" in line_with(team.alice, room, "is bad")


def test_deleted_words_are_gone_from_every_copy(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("see https://grafana.example.com/d/hush the hush-hush dashboard", room)
    team.bob.edits(said, "see https://grafana.example.com/d/hush the very hush-hush dashboard")
    team.alice.reacts(said, "pushpin")
    reply = team.alice.types("/incident timeline", room)
    team.alice.clicks("Mark many", within=reply)
    team.alice.form.close()

    team.bob.deletes(said)

    assert timeline(team.alice, room) == []
    with seamark.db.reading() as session:
        everything = [
            str(row.model_dump()) for kind in (Entry, EntryRevision, Evidence) for row in session.exec(select(kind))
        ]
        everything += [str(row.payload) for row in session.exec(select(OutboxItem))]
    assert [one for one in everything if "hush" in one] == []


def test_deleted_thread_parent_leaves_the_replies(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    parent = team.bob.says("my password is wrong", room)
    team.carol.says("then reset it", room, thread=parent)

    team.bob.deletes(parent)

    [line] = timeline(team.alice, room)
    assert line.endswith("*carol*: then reset it")


def test_deletion_that_overtakes_its_message_wins(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    slack.faults.reorder(seed=3, hold=1000)
    said = team.bob.says("rolled back", room)
    team.bob.edits(said, "rolled forward")
    team.bob.deletes(said)
    slack.settle()

    assert timeline(team.alice, room) == []
    assert texts(seamark) == [""]


def test_preview_of_a_link_is_no_edit(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("see https://example.com/status", room)

    slack.unfurls(said, "Status page")

    assert not line_with(team.alice, room, "status").endswith("_(edited)_")


def test_update_of_seamarks_own_message_is_not_captured(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    team.alice.types("/incident severity SEV1 all of it", room)

    assert texts(seamark) == ["Severity SEV1 (was SEV3): all of it"]


# --- everything that can be said --------------------------------------------------------------------------


def test_every_shape_of_message_is_remembered(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    parent = team.bob.says("plain", room)
    team.bob.says("in the thread, for all", room, thread=parent, broadcast=True)
    team.bob.me_says("looks at the graphs", room)
    team.carol.shares("graph.png", room)
    slack.app_says(
        "Deployer", "", room, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "only blocks"}}]
    )
    slack.app_says("Legacy", "a webhook", room, webhook=True)

    said = [line.split("*: ", 1)[1] for line in timeline(team.alice, room)]

    assert sorted(said) == sorted(
        [
            "plain",
            "in the thread, for all",
            "looks at the graphs",
            " 📎 <https://sandbox.slack.com/files/" + team.carol.id + "/" + said_file(said) + "|graph.png>",
            "only blocks",
            "a webhook",
        ]
    )


def test_message_of_files_blocks_or_an_app_is_marked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.carol.shares("graph.png", room)
    only_file = team.carol.sees(room)[-1]
    only_blocks = slack.app_says(
        "Deployer", "", room, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "only blocks"}}]
    )
    for message in (only_file, only_blocks):
        team.bob.reacts(message, "pushpin")

    lines = [line_with(team.alice, room, words) for words in ("graph.png", "only blocks")]

    assert [line.split("*")[1] for line in lines] == ["carol", "Deployer"]
    assert [line.endswith("_(marked by bob)_") for line in lines] == [True, True]


def said_file(said: list[str]) -> str:
    """The part of a file's address that the workspace gives out."""
    [line] = [one for one in said if "graph.png" in one]
    return line.split("/files/", 1)[1].split("/", 1)[1].split("|")[0]


def test_other_apps_are_labelled_and_their_alerts_and_deploys_recognised(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    room = declare(slack, team)
    slack.app_says("PagerDuty", "[FIRING] checkout error rate is 12 %", room)
    slack.app_says("ArgoCD", "checkout v42 deployed to production", room)

    [alert, deploy] = timeline(team.alice, room)

    assert alert.startswith("🔔")
    assert alert.endswith("*PagerDuty*: [FIRING] checkout error rate is 12 %")
    assert deploy.startswith("🚀")
    assert deploy.endswith("*ArgoCD*: checkout v42 deployed to production")


def test_kind_that_an_app_suggests_comes_back_when_a_mark_goes(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    alert = slack.app_says("PagerDuty", "[FIRING] checkout error rate is 12 %", room)
    team.alice.uses_shortcut("Mark on timeline", alert)
    team.alice.form.fill({"Kind": "💥 Impact"}).submit()
    assert line_with(team.alice, room, "FIRING").startswith("💥")

    team.alice.clicks("Undo", within=team.alice.sees(room)[-1])

    assert line_with(team.alice, room, "FIRING").startswith("🔔")


def test_links_become_evidence_of_their_kind_and_follow_an_edit(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("https://github.com/acme/shop/pull/7 and https://grafana.example.com/d/1", room)
    slack.clock.advance(timedelta(seconds=2))

    team.bob.edits(said, "https://github.com/acme/shop/pull/8 and https://grafana.example.com/d/1")

    with seamark.db.reading() as session:
        found = {(one.kind, one.url) for one in session.exec(select(Evidence))}
    assert found == {
        ("pull_request", "https://github.com/acme/shop/pull/8"),
        ("dashboard", "https://grafana.example.com/d/1"),
    }


def test_text_with_every_sign_is_shown_intact_and_pings_nobody(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    typed = "a < b && c > d | *bold* `code` <!channel> @here"

    team.bob.says(typed, room)
    reply = team.alice.types("/incident timeline", room)

    assert "a < b && c > d | *bold* `code`" in reply.text
    assert [ping for ping in ("<!channel", "<!here") if ping in str(reply.blocks)] == []


def test_message_from_guest_without_account_data_is_kept(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    guest = slack.person("gus", guest=True)
    team.alice.invites(guest, room)

    guest.says("I see it, too", room)

    assert line_with(team.alice, room, "I see it, too").endswith("*gus*: I see it, too")


def test_what_is_said_after_closing_is_not_taken_unless_marked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.alice.types("/incident close", room)
    slack.clock.advance(timedelta(minutes=1))
    team.bob.says("lunch?", room)
    late = team.bob.says("it was the cache after all", room)

    team.carol.reacts(late, "pushpin")

    assert [line.split("*: ")[1] for line in timeline(team.alice, room)] == [
        "Incident closed",
        "it was the cache after all _(marked by carol)_",
    ]


def test_settings_map_emoji_to_kinds(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    seamark.settings.mark_reactions["bulb"] = "hypothesis"  # type: ignore[index]
    room = declare(slack, team)
    said = team.bob.says("maybe the cache", room)

    team.carol.reacts(said, "bulb")
    assert line_with(team.alice, room, "maybe the cache").startswith("💡")

    team.carol.unreacts(said, "bulb")
    assert line_with(team.alice, room, "maybe the cache").startswith("💬")


# --- secrets ----------------------------------------------------------------------------------------------

SECRET = "AKIAQ3EGRZ7XKJ5MBN4T"


def test_secret_is_masked_and_its_author_told_privately(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    team.bob.says(f"the key is {SECRET} ok", room)

    assert "[masked: " in line_with(team.alice, room, "the key is")
    told = team.bob.sees(room)[-1]
    assert (told.ephemeral, told.buttons) == (True, ["It is no secret"])
    with seamark.db.reading() as session:
        stored = [
            str(row.model_dump()) for kind in (Entry, EntryRevision, OutboxItem) for row in session.exec(select(kind))
        ]
    assert [one for one in stored if SECRET in one] == []


def test_secret_that_is_none_is_restored_and_not_masked_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.bob.says(f"the key is {SECRET} ok", room)

    team.bob.clicks("It is no secret", within=team.bob.sees(room)[-1])

    assert f"the key is {SECRET} ok" in line_with(team.alice, room, "the key is")
    team.bob.says(f"again {SECRET}", room)
    assert SECRET in line_with(team.alice, room, "again")


def test_secret_is_no_secret_only_by_its_authors_word(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.bob.says(f"the key is {SECRET} ok", room)

    with seamark.db.reading() as session:
        entry = session.exec(select(Entry).where(col(Entry.text).contains("masked"))).one()

    # Slack shows the button to its author alone, so somebody else's click is made here by hand.
    body = {"team": {"id": entry.team_id}, "user": {"id": team.alice.id}, "trigger_id": "t"}
    click = Click.of({**body, "actions": [{"action_id": "not_secret", "value": str(entry.id)}]})
    with pytest.raises(NotTheAuthor):
        not_secret(ack=print, click=click, db=seamark.db, clock=slack.clock.now)
    slack.settle()

    assert "[masked: " in line_with(team.carol, room, "the key is")


def test_secret_in_a_typed_mark_is_masked_with_a_way_back(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    reply = team.bob.types(f"/incident mark rotated {SECRET}", room)

    assert SECRET not in reply.text
    assert reply.buttons == ["Edit", "Undo", "It is no secret"]
    assert "[masked: " in line_with(team.alice, room, "rotated")
    team.bob.clicks("It is no secret", within=reply)
    assert SECRET in line_with(team.alice, room, "rotated")


# --- every way to mark ------------------------------------------------------------------------------------


def test_mark_without_text_asks_in_a_dialog_that_counts_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.carol.types("/incident mark", room)
    team.carol.form.fill({"What happened": "db <restarted>", "Kind": "🔧 Action", "When": "15:20"}).submit(times=2)

    line = line_with(team.alice, room, "restarted")
    assert (
        line == "🔧 <!date^1794822600^{date_short_pretty} at {time}|2026-11-16 09:50 UTC> *carol*: db &lt;restarted&gt;"
    )
    assert team.carol.sees(room)[-1].buttons == ["Edit", "Undo"]


@pytest.mark.parametrize(
    ("who", "typed", "at"),
    [
        ("alice", "2026-10-25 00:30 before the clocks went back", "2026-10-24 23:30"),
        ("alice", "2026-10-25 02:30 after they did", "2026-10-25 02:30"),
        ("bob", "2026-10-31 12:00 still in summer time", "2026-10-31 16:00"),
        ("bob", "2026-11-01 12:00 a day later", "2026-11-01 17:00"),
        ("carol", "10:42 half an hour apart", "2026-11-16 05:12"),
    ],
)
def test_time_is_read_in_the_typists_zone_of_that_day(
    slack: Sandbox, team: Team, seamark: Seamark, who: str, typed: str, at: str
) -> None:
    room = declare(slack, team)

    getattr(team, who).types(f"/incident mark {typed}", room)

    assert f"|{at} UTC>" in line_with(team.bob, room, typed.rsplit(" ", maxsplit=1)[-1])


def test_author_marker_and_the_three_times_are_kept_apart(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    said = team.bob.says("it began to burn", team.ops)
    slack.clock.advance(timedelta(hours=2))
    declare_here(team)
    team.carol.reacts(said, "pushpin")
    menu = team.carol.types("/incident timeline", team.ops)
    team.carol.chooses("entry_menu", "Edit", within=menu)
    team.carol.form.fill({"When": "15:00"}).submit()

    with seamark.db.reading() as session:
        entry = session.exec(select(Entry).where(Entry.via == "message")).one()
        [mark] = session.exec(select(Mark)).all()
    assert (entry.author_id, mark.marker_id) == (team.bob.id, team.carol.id)
    assert entry.ts == said.ts
    assert f"{entry.happened_at:%H:%M}" == "09:30"  # what carol says: 15:00 in Kolkata
    assert entry.recorded_at >= slack.clock.now() - timedelta(minutes=1)


def test_mention_marks_its_message_with_time_and_kind(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    parent = team.bob.says("what now?", room)

    team.bob.says("@seamark mark 4:42 decision: roll back to v41", room, thread=parent)

    line = line_with(team.alice, room, "roll back to v41")
    assert line.startswith("🧭 <!date^1794822120^")  # 4:42 in New York is 9:42 UTC
    assert line.endswith("*bob*: roll back to v41")
    answer = team.bob.sees(room)[-1]
    assert (answer.ephemeral, answer.thread_ts, answer.buttons) == (True, parent.ts, ["Edit", "Undo"])


def test_mention_without_words_in_thread_marks_its_first_message(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    parent = team.bob.says("the cache is cold", room)

    team.carol.says("@seamark mark", room, thread=parent)

    assert line_with(team.alice, room, "the cache is cold").endswith("_(marked by carol)_")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("@seamark mark", "There was no text to mark"),
        ("@seamark mark 25:99 it began", "“25:99” looks like a time"),
        ("@seamark dance", "After `@Seamark` I understand only `mark`, so nothing was recorded."),
    ],
)
def test_mention_not_understood_is_answered_and_the_message_kept(
    slack: Sandbox, team: Team, seamark: Seamark, typed: str, told: str
) -> None:
    room = declare(slack, team)

    team.bob.says(typed, room)

    assert team.bob.sees(room)[-1].text.startswith(told)
    assert line_with(team.alice, room, typed.split(" ", 1)[1]).startswith("💬")


def test_mention_where_there_is_no_incident_offers_to_declare(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.bob.says("@seamark mark it began", team.ops)

    answer = team.bob.sees(team.ops)[-1]

    assert answer.text.startswith("This channel is not about an incident")
    assert answer.buttons == ["Declare"]


def test_thanks_to_seamark_in_passing_is_just_a_message(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)

    team.bob.says("thanks @seamark", room)

    assert line_with(team.alice, room, "thanks").startswith("💬")
    assert [one for one in team.bob.sees(room) if one.ephemeral] == []


def test_shortcut_marks_a_message_that_seamark_never_saw(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    said = team.bob.says("it begins", team.ops)
    room = declare_here(team, {"What was said before": "Nothing"})

    team.carol.uses_shortcut("Mark on timeline", said)
    team.carol.form.fill({"Kind": "🔔 Detection", "When": "15:20", "Note": "first sign"}).submit()

    [found, note] = timeline(team.alice, room)
    assert found.startswith("🔔 <!date^1794822600^")  # 15:20 in Kolkata is 9:50 UTC
    assert found.endswith("*bob*: it begins _(marked by carol)_")
    assert note.endswith("*carol*: first sign")


def test_shortcut_with_untouched_time_keeps_it_to_the_microsecond(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    said = team.bob.says("it begins", room)

    team.carol.uses_shortcut("Mark on timeline", said)
    team.carol.form.submit()

    with seamark.db.reading() as session:
        [entry] = session.exec(select(Entry)).all()
    assert f"{entry.happened_at.timestamp():.6f}" == said.ts


def test_many_messages_are_marked_at_once_over_pages(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    for number in range(5):
        team.bob.says(f"before {number}", team.ops)
    room = declare_here(team)
    for number in range(35):
        team.bob.says(f"after {number}", room)

    team.carol.clicks("Mark many", within=team.carol.types("/incident timeline", room))
    form = team.carol.form
    tick(form, "after 34", "after 10")
    team.carol.form.clicks("Earlier messages")
    tick(team.carol.form, "before 0", "before 4")
    team.carol.form.fill({"Kind": "📈 Data"}).submit()

    assert team.carol.sees(room)[-1].text == "4 messages are marked now as *Data*."
    marked = [line.split("*: ")[1].split(" _(")[0] for line in timeline(team.alice, room) if line.startswith("📈")]
    assert marked == ["before 0", "before 4", "after 10", "after 34"]


def tick(form: Dialog, *words: str) -> None:
    boxes = {label for label in form.labels if label != "Kind"}
    for label in boxes:
        here = [
            one
            for block in form.blocks
            if block["type"] == "input" and block["label"]["text"] == label
            for one in block["element"]["options"]
        ]
        chosen = [one["text"]["text"] for one in here if one["text"]["text"] in words]
        if chosen:
            form.fill({label: chosen})


def test_edit_of_a_mark_keeps_what_it_said_before(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    reply = team.alice.types("/incident mark 09:42 decision: roll back", room)

    team.alice.clicks("Edit", within=reply)
    team.alice.form.fill({"What happened": "roll back to <v41>", "When": "09:40", "Kind": "🔧 Action"}).submit()

    line = line_with(team.alice, room, "roll back")
    assert line.startswith("🔧 <!date^1794822000^")
    assert line.endswith("roll back to &lt;v41&gt; _(edited)_")
    with seamark.db.reading() as session:
        kept = [(one.text, one.kind, one.changed_by) for one in session.exec(select(EntryRevision))]
    assert kept == [
        ("roll back", "decision", team.alice.id),
        ("roll back to &lt;v41&gt;", "action", team.alice.id),
    ]


def test_whole_timeline_is_paged_and_marks_come_first(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    for number in range(40):
        team.bob.says(f"message {number:02}", room)
    team.alice.types("/incident mark the backbone", room)

    lines = timeline(team.carol, room)

    assert [line.split("*: ")[1] for line in lines] == ["the backbone", *[f"message {n:02}" for n in range(40)]]


def test_nothing_is_asked_of_slack_per_captured_message(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = declare(slack, team)
    team.bob.says("first", room)
    before = len(slack.calls)

    for number in range(20):
        team.bob.says(f"message {number}", room)

    assert slack.calls[before:] == []
    with seamark.db.reading() as session:
        assert outbox.counts(session).get("failed", 0) == 0
