from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from sandbox import Channel, Person, Sandbox
from tests.sandbox_app import MANIFEST, client, connected, heard, new_app

Json = dict[str, Any]
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(MANIFEST, start=START) as sandbox:
        yield sandbox
        sandbox.settle()
        assert sandbox.violations == []


@pytest.fixture
def events(slack: Sandbox) -> Iterator[list[Json]]:
    app = new_app(slack, ignoring_self_events_enabled=False)
    told = heard(app)
    with connected(slack, app):
        yield told


@pytest.fixture
def alice(slack: Sandbox) -> Person:
    return slack.person("alice")


@pytest.fixture
def ops(slack: Sandbox, alice: Person) -> Channel:
    return slack.channel("ops", members=[alice])


def kinds(events: list[Json]) -> list[str]:
    return [".".join(filter(None, (event["type"], event.get("subtype")))) for event in events]


def test_message_of_a_person_is_escaped_linked_and_structured(
    slack: Sandbox, events: list[Json], alice: Person, ops: Channel
) -> None:
    bob = slack.person("bob")
    said = alice.says("hi @bob in #ops & <you>, see https://example.com", ops)
    text = f"hi <@{bob.id}> in <#{ops.id}|ops> &amp; &lt;you&gt;, see <https://example.com>"
    [event] = events
    assert event.pop("client_msg_id").count("-") == 4
    inline = event.pop("blocks")[0]["elements"][0]["elements"]
    assert [element["type"] for element in inline] == ["text", "user", "text", "channel", "text", "link"]
    assert event == {
        "type": "message",
        "user": alice.id,
        "text": text,
        "team": slack.team_id,
        "ts": said.ts,
        "event_ts": said.ts,
        "channel": ops.id,
        "channel_type": "channel",
    }
    assert said.text == "hi @bob in #ops & <you>, see https://example.com"


def test_mention_is_told_twice_except_in_direct_messages(events: list[Json], alice: Person, ops: Channel) -> None:
    alice.says("@echo mark this", ops)
    assert sorted(kinds(events)) == ["app_mention", "message"]
    alice.says("@echo mark this", alice.dm())
    assert [(event["type"], event["channel_type"]) for event in events[2:]] == [("message", "im")]


def test_mention_added_by_an_edit_is_told_with_the_edit(events: list[Json], alice: Person, ops: Channel) -> None:
    said = alice.says("mark this", ops)
    alice.edits(said, "@echo mark this")
    assert sorted(kinds(events)) == ["app_mention", "message", "message.message_changed"]
    mention = next(event for event in events if event["type"] == "app_mention")
    assert (mention["ts"], mention["edited"]["user"]) == (said.ts, alice.id)


def test_nothing_is_told_of_conversations_without_the_bot(slack: Sandbox, events: list[Json], alice: Person) -> None:
    away = slack.channel("away", members=[alice], with_bot=False)
    said = alice.says("quietly", away)
    alice.reacts(said, "eyes")
    alice.pins(said)
    alice.says("between us", alice.dm(slack.person("bob")))
    assert events == []


def test_only_subscribed_events_are_delivered() -> None:
    manifest = MANIFEST | {"settings": {"event_subscriptions": {"bot_events": ["reaction_added"]}}}
    with Sandbox(manifest) as slack:
        alice = slack.person("alice")
        ops = slack.channel("ops", members=[alice])
        app = new_app(slack)
        told = heard(app)
        with connected(slack, app):
            said = alice.says("hello", ops)
            alice.reacts(said, "eyes")
            alice.unreacts(said, "eyes")
        assert kinds(told) == ["reaction_added"]


def test_edit_carries_both_versions_and_deletion_the_last(events: list[Json], alice: Person, ops: Channel) -> None:
    said = alice.says("one", ops)
    alice.edits(said, "two")
    alice.deletes(said)
    _, changed, deleted = events
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("two", "one")
    assert changed["message"]["ts"] == said.ts != changed["ts"]
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (said.ts, "two")
    assert alice.sees(ops) == []


def test_deleted_parent_of_a_thread_leaves_a_tombstone(events: list[Json], alice: Person, ops: Channel) -> None:
    parent = alice.says("root", ops)
    alice.says("reply", ops, thread=parent)
    alice.deletes(parent)
    told = events[-1]
    assert kinds([told, told["message"]]) == ["message.message_changed", "message.tombstone"]
    assert (told["message"]["user"], told["message"]["text"]) == ("USLACKBOT", "This message was deleted.")
    assert [shown.text for shown in alice.sees(ops)] == ["This message was deleted.", "reply"]


def test_replies_name_their_parent_and_broadcasts_carry_it(events: list[Json], alice: Person, ops: Channel) -> None:
    parent = alice.says("root", ops)
    alice.says("reply", ops, thread=parent)
    alice.says("loud", ops, thread=parent, broadcast=True)
    _, reply, loud = events
    assert (reply["thread_ts"], reply["parent_user_id"]) == (parent.ts, alice.id)
    assert (loud["subtype"], loud["root"]["ts"], loud["root"]["reply_count"]) == ("thread_broadcast", parent.ts, 2)


def test_own_messages_and_changes_come_back(slack: Sandbox, events: list[Json], ops: Channel) -> None:
    web = client(slack)
    posted = web.chat_postMessage(channel=ops.id, text="one", metadata={"event_type": "x", "event_payload": {}})
    web.chat_update(channel=ops.id, ts=posted["ts"], text="two")
    web.chat_delete(channel=ops.id, ts=posted["ts"])
    slack.settle()
    assert sorted(kinds(events)) == ["message", "message.message_changed", "message.message_deleted"]
    message = next(event for event in events if event["ts"] == posted["ts"])
    assert (message["user"], message["bot_id"]) == (slack.bot_user_id, slack.bot_id)
    assert "metadata" not in message


def test_unfurled_link_changes_the_message_without_an_edit(
    slack: Sandbox, events: list[Json], alice: Person, ops: Channel
) -> None:
    said = alice.says("https://example.com", ops)
    slack.unfurls(said, "Example Domain")
    changed = events[-1]
    assert kinds([changed]) == ["message.message_changed"]
    assert "edited" not in changed["message"]
    assert alice.sees(ops)[0].text == "https://example.com\nExample Domain"


def test_other_apps_speak_with_a_profile_or_as_a_webhook(
    slack: Sandbox, events: list[Json], alice: Person, ops: Channel
) -> None:
    slack.app_says("PagerDuty", "paged alice", ops)
    slack.app_says("Deploys", "v42 is out", ops, webhook=True)
    modern, classic = events
    assert ("subtype" not in modern, modern["bot_profile"]["name"]) == (True, "PagerDuty")
    assert (classic["subtype"], classic["username"], "user" in classic) == ("bot_message", "Deploys", False)
    assert [shown.author for shown in alice.sees(ops)] == ["PagerDuty", "Deploys"]


def test_reactions_name_the_message_and_its_author(events: list[Json], alice: Person, ops: Channel) -> None:
    said = alice.says("look", ops)
    alice.reacts(said, "pushpin")
    alice.unreacts(said, "pushpin")
    _, added, removed = events
    assert kinds([added, removed]) == ["reaction_added", "reaction_removed"]
    assert added["item"] == {"type": "message", "channel": ops.id, "ts": said.ts}
    assert (added["user"], added["item_user"], added["reaction"]) == (alice.id, alice.id, "pushpin")


def test_pins_carry_the_message(events: list[Json], alice: Person, ops: Channel) -> None:
    said = alice.says("look", ops)
    alice.pins(said)
    assert ops.pins == [said.ts]
    alice.unpins(said)
    _, added, removed = events
    assert (added["channel_id"], added["item"]["message"]["text"], added["pin_count"]) == (ops.id, "look", 1)
    assert (removed["type"], removed["has_pins"]) == ("pin_removed", False)


def test_files_come_with_a_message_and_an_event_of_their_own(events: list[Json], alice: Person, ops: Channel) -> None:
    shared = alice.shares("graph.png", ops, text="the spike", content=b"png")
    assert sorted(kinds(events)) == ["file_shared", "message.file_share"]
    message = next(event for event in events if event["type"] == "message")
    assert [(file["name"], file["mimetype"], file["size"]) for file in message["files"]] == [
        ("graph.png", "image/png", 3)
    ]
    assert alice.read_file(shared.files[0]) == b"png"


def test_coming_and_going_is_told(slack: Sandbox, events: list[Json], alice: Person, ops: Channel) -> None:
    bob = slack.person("bob")
    alice.invites(bob, ops)
    bob.leaves(ops)
    alice.kicks_bot(ops)
    assert sorted(kinds(events)) == [
        "channel_left",
        "member_joined_channel",
        "member_left_channel",
        "member_left_channel",
        "message.channel_join",
        "message.channel_leave",
    ]
    joined = next(event for event in events if event["type"] == "member_joined_channel")
    assert (joined["user"], joined["inviter"], joined["channel_type"]) == (bob.id, alice.id, "C")
    alice.invites(slack.bot, ops)
    assert kinds(events)[6:] == ["member_joined_channel", "message.channel_join"] or kinds(events)[6:] == [
        "message.channel_join",
        "member_joined_channel",
    ]


def test_names_topics_and_archives_are_told(events: list[Json], alice: Person, ops: Channel) -> None:
    alice.renames(ops, "operations")
    alice.sets_topic(ops, "calm")
    alice.archives(ops)
    alice.unarchives(ops)
    assert sorted(kinds(events)) == [
        "channel_archive",
        "channel_rename",
        "channel_unarchive",
        "message.channel_archive",
        "message.channel_name",
        "message.channel_topic",
        "message.channel_unarchive",
    ]
    assert ops.name == "operations"


def test_private_channels_have_events_of_their_own(
    slack: Sandbox, events: list[Json], alice: Person, ops: Channel
) -> None:
    alice.makes_private(ops)
    assert kinds(events) == ["message.channel_convert_to_private"]
    assert events[0]["channel_type"] == "group"
    alice.renames(ops, "quiet")
    alice.archives(ops)
    assert sorted(kinds(events)[1:]) == ["group_archive", "group_rename", "message.group_archive", "message.group_name"]
    with pytest.raises(PermissionError):
        slack.person("bob").sees(ops)


def test_people_come_change_and_go(slack: Sandbox, events: list[Json], alice: Person) -> None:
    slack.person("carol", announced=True)
    alice.change(tz="Asia/Tokyo")
    alice.deactivate()
    assert kinds(events) == ["team_join", "user_change", "user_change"]
    assert [event["user"]["name"] for event in events] == ["carol", "alice", "alice"]
    assert (events[1]["user"]["tz"], events[2]["user"]["deleted"]) == ("Asia/Tokyo", True)


def test_home_is_told_each_time_and_shows_what_is_published(slack: Sandbox, events: list[Json], alice: Person) -> None:
    web = client(slack)
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "Nothing is on fire"}}]
    web.views_publish(user_id=alice.id, view={"type": "home", "blocks": blocks})
    assert alice.home().text == "Nothing is on fire"
    assert [(event["type"], event["tab"]) for event in events] == [("app_home_opened", "home")]
    assert events[0]["view"]["type"] == "home"


def test_me_messages_have_a_subtype(events: list[Json], alice: Person, ops: Channel) -> None:
    alice.me_says("waves", ops)
    assert kinds(events) == ["message.me_message"]


def test_context_leads_to_the_authorizations(slack: Sandbox, events: list[Json], alice: Person, ops: Channel) -> None:
    alice.says("hello", ops)
    payload = slack.deliveries[-1].payload
    web = client(slack)
    web.token = slack.app_token
    answer = web.apps_event_authorizations_list(event_context=payload["event_context"])
    assert answer["authorizations"] == payload["authorizations"]
    assert len(events) == 1


def test_manifest_without_the_scope_for_an_event_is_a_violation() -> None:
    manifest = {"settings": {"event_subscriptions": {"bot_events": ["pin_added", "app_home_opened"]}}}
    assert Sandbox(manifest).violations == ["the manifest subscribes to pin_added without pins:read"]


def test_messages_tab_is_told_apart_from_home(events: list[Json], alice: Person) -> None:
    assert alice.opens_messages() == alice.dm()
    assert [(event["tab"], "view" in event) for event in events] == [("messages", False)]


def test_removed_app_is_told_and_its_token_is_dead() -> None:
    settings = MANIFEST["settings"] | {"event_subscriptions": {"bot_events": ["app_uninstalled", "tokens_revoked"]}}
    with Sandbox(MANIFEST | {"settings": settings}) as slack:
        app = new_app(slack)
        told: list[str] = []
        for kind in ("app_uninstalled", "tokens_revoked"):
            app.event(kind)(lambda event: told.append(event["type"]))
        with connected(slack, app):
            slack.uninstall()
            with pytest.raises(SlackApiError, match="account_inactive"):
                client(slack).auth_test()
        assert sorted(told) == ["app_uninstalled", "tokens_revoked"]
