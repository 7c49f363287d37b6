from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox import Channel, Person, Sandbox
from tests.sandbox_app import MANIFEST, client

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Hello*"}}


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(MANIFEST, start=START) as sandbox:
        yield sandbox


@pytest.fixture
def web(slack: Sandbox) -> WebClient:
    return client(slack)


@pytest.fixture
def alice(slack: Sandbox) -> Person:
    return slack.person("alice", real_name="Alice Ames", tz="Europe/London")


@pytest.fixture
def ops(slack: Sandbox, alice: Person) -> Channel:
    return slack.channel("ops", members=[alice])


def error(call: Any, **args: Any) -> str:
    """What Slack answers to a call that it refuses."""
    with pytest.raises(SlackApiError) as refused:
        call(**args)
    return str(refused.value.response["error"])


def scoped(*scopes: str, **features: Any) -> dict[str, Any]:
    return {"features": features, "oauth_config": {"scopes": {"bot": list(scopes)}}}


def test_auth_test_tells_who_the_bot_is_and_its_scopes_in_a_header(slack: Sandbox, web: WebClient) -> None:
    answer = web.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (slack.bot_user_id, slack.bot_id, slack.team_id)
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert answer.headers["x-oauth-scopes"] == ",".join(sorted(scopes))


@pytest.mark.parametrize(
    ("token", "method", "refusal"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("app", "chat.postMessage", "not_allowed_token_type"),
        ("bot", "apps.connections.open", "not_allowed_token_type"),
        ("bot", "chat.shout", "unknown_method"),
    ],
)
def test_calls_with_the_wrong_token_or_name_are_refused(slack: Sandbox, token: str, method: str, refusal: str) -> None:
    tokens = {"app": slack.app_token, "bot": slack.bot_token}
    web = WebClient(tokens.get(token, token), base_url=slack.api_url)
    assert error(web.api_call, api_method=method) == refusal
    assert [violation.partition(" ")[0] for violation in slack.violations] == [f"{method}:"]


def test_missing_scope_tells_what_is_needed_and_provided(slack: Sandbox) -> None:
    with Sandbox(scoped("chat:write", "commands")) as poor:
        with pytest.raises(SlackApiError) as refused:
            client(poor).users_info(user=poor.bot_user_id)
        body = refused.value.response.data
        assert body == {
            "ok": False,
            "error": "missing_scope",
            "needed": "users:read",
            "provided": "chat:write,commands",
        }


def test_missing_argument_is_told_as_slack_does(web: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        web.api_call("chat.postMessage", json={"text": "to nobody"})
    assert refused.value.response.data == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {"messages": ["[ERROR] missing required field: channel"]},
    }


@pytest.mark.parametrize("way", ["json", "form", "query"])
def test_arguments_come_as_json_form_or_query(slack: Sandbox, web: WebClient, ops: Channel, way: str) -> None:
    args = {"channel": ops.id, "text": "one & two"}
    if way == "query":
        query = urllib.parse.urlencode(args)
        request = urllib.request.Request(
            f"{slack.api_url}chat.postMessage?{query}", headers={"Authorization": f"Bearer {slack.bot_token}"}
        )
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["ok"]
    else:
        sent: dict[str, Any] = {"json" if way == "json" else "data": args}
        web.api_call("chat.postMessage", **sent)
    assert [call.args for call in slack.calls] == [args]
    assert web.conversations_history(channel=ops.id)["messages"][0]["text"] == "one & two"


def test_posted_message_is_answered_seen_and_kept(slack: Sandbox, web: WebClient, ops: Channel, alice: Person) -> None:
    answer = web.chat_postMessage(channel=ops.id, text="see https://example.com/a_b.")
    assert answer["message"]["text"] == "see <https://example.com/a_b>."
    assert [(shown.text, shown.author) for shown in alice.sees(ops)] == [("see https://example.com/a_b.", "echo")]
    assert answer["message"]["bot_id"] == slack.bot_id
    history = web.conversations_history(channel=ops.id)
    assert [message["ts"] for message in history["messages"]] == [answer["ts"]]


def test_ts_follows_the_clock_and_is_never_the_same(slack: Sandbox, web: WebClient, ops: Channel) -> None:
    slack.clock.freeze()
    slack.clock.set(START)
    posted = [web.chat_postMessage(channel=ops.id, text="x")["ts"] for _ in range(3)]
    assert posted == [f"{int(START.timestamp())}.{micros:06d}" for micros in range(3)]


def test_metadata_is_kept_and_read_only_on_request(web: WebClient, ops: Channel) -> None:
    kept = {"event_type": "delivery", "event_payload": {"id": 7}}
    web.chat_postMessage(channel=ops.id, text="x", metadata=kept)
    assert "metadata" not in web.conversations_history(channel=ops.id)["messages"][0]
    read = web.conversations_history(channel=ops.id, include_all_metadata=True)["messages"][0]
    assert read["metadata"] == kept
    assert error(web.chat_postMessage, channel=ops.id, text="x", metadata={"id": 7}) == "invalid_metadata_format"


def test_long_text_is_cut_when_posted_and_refused_when_updated(web: WebClient, ops: Channel) -> None:
    posted = web.chat_postMessage(channel=ops.id, text="x" * 50_000)
    assert len(posted["message"]["text"]) == 40_000
    assert error(web.chat_update, channel=ops.id, ts=posted["ts"], text="x" * 4_001) == "msg_too_long"


def test_wrong_blocks_are_refused_in_slacks_words(slack: Sandbox, web: WebClient, ops: Channel) -> None:
    wrong = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel=ops.id, text="x", blocks=[wrong])
    words = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert refused.value.response.data == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [words],
        "response_metadata": {"messages": [f"[ERROR] {words}"]},
    }
    assert len(slack.violations) == 1


def test_posting_follows_membership_archive_and_privacy(slack: Sandbox, web: WebClient, alice: Person) -> None:
    public = slack.channel("public", members=[alice], with_bot=False)
    private = slack.channel("private", members=[alice], with_bot=False, private=True)
    old = slack.channel("old", members=[alice])
    alice.archives(old)
    assert error(web.chat_postMessage, channel=public.id, text="x") == "not_in_channel"
    assert error(web.chat_postMessage, channel=private.id, text="x") == "channel_not_found"
    assert error(web.chat_postMessage, channel=old.id, text="x") == "is_archived"
    assert error(web.chat_postMessage, channel="C404", text="x") == "channel_not_found"
    web.conversations_join(channel=public.id)
    assert web.chat_postMessage(channel=public.id, text="x")["ok"]
    assert slack.violations == []


def test_chat_write_public_posts_without_joining() -> None:
    with Sandbox(scoped("chat:write", "chat:write.public")) as slack:
        public = slack.channel("public", with_bot=False)
        assert client(slack).chat_postMessage(channel=public.id, text="x")["ok"]


def test_direct_messages_go_to_a_person_unless_deactivated(slack: Sandbox, web: WebClient, alice: Person) -> None:
    web.chat_postMessage(channel=alice.id, text="psst")
    assert [message.text for message in alice.direct_messages()] == ["psst"]
    opened = web.conversations_open(users=[alice.id])["channel"]["id"]
    assert opened == alice.dm().id
    alice.deactivate()
    assert error(web.conversations_open, users=[alice.id]) == "user_disabled"
    assert slack.violations == []


def test_direct_messages_need_the_messages_tab(alice: Person) -> None:
    with Sandbox(scoped("chat:write")) as slack:
        bob = slack.person("bob")
        assert error(client(slack).chat_postMessage, channel=bob.id, text="x") == "messages_tab_disabled"


def test_update_replaces_text_and_drops_blocks_that_are_not_given(web: WebClient, ops: Channel) -> None:
    posted = web.chat_postMessage(channel=ops.id, text="one", blocks=[SECTION])
    with_blocks = web.chat_update(channel=ops.id, ts=posted["ts"], text="two", blocks=[SECTION])["message"]
    assert "edited" not in with_blocks
    without = web.chat_update(channel=ops.id, ts=posted["ts"], text="three")["message"]
    assert "blocks" not in without
    assert without["edited"]["user"] == posted["message"]["user"]


def test_only_own_messages_can_be_changed(web: WebClient, alice: Person, ops: Channel) -> None:
    said = alice.says("mine", ops)
    assert error(web.chat_update, channel=ops.id, ts=said.ts, text="yours") == "cant_update_message"
    assert error(web.chat_delete, channel=ops.id, ts=said.ts) == "cant_delete_message"
    assert error(web.chat_delete, channel=ops.id, ts="1.000001") == "message_not_found"


def test_ephemeral_is_seen_by_one_and_kept_by_nobody(
    slack: Sandbox, web: WebClient, alice: Person, ops: Channel
) -> None:
    bob = slack.person("bob")
    assert error(web.chat_postEphemeral, channel=ops.id, user=bob.id, text="x") == "user_not_in_channel"
    bob.joins(ops)
    before = web.conversations_history(channel=ops.id)["messages"]
    web.chat_postEphemeral(channel=ops.id, user=bob.id, text="for bob")
    assert [shown.text for shown in bob.sees(ops) if shown.ephemeral] == ["for bob"]
    assert [shown.text for shown in alice.sees(ops) if shown.ephemeral] == []
    assert web.conversations_history(channel=ops.id)["messages"] == before


def test_threads_are_read_with_replies_and_broadcasts_in_both(web: WebClient, alice: Person, ops: Channel) -> None:
    parent = alice.says("root", ops)
    first = alice.says("first", ops, thread=parent)
    loud = web.chat_postMessage(channel=ops.id, thread_ts=parent.ts, text="loud", reply_broadcast=True)
    history = web.conversations_history(channel=ops.id)["messages"]
    assert [message["ts"] for message in history] == [loud["ts"], parent.ts]
    assert (history[1]["reply_count"], history[1]["latest_reply"]) == (2, loud["ts"])
    for ts in (parent.ts, first.ts):
        replies = web.conversations_replies(channel=ops.id, ts=ts)["messages"]
        assert [message["text"] for message in replies] == ["root", "first", "loud"]
    assert replies[1]["parent_user_id"] == alice.id
    assert error(web.conversations_replies, channel=ops.id, ts="1.000001") == "thread_not_found"


def test_history_is_bounded_by_oldest_and_latest(web: WebClient, alice: Person, ops: Channel) -> None:
    one, two, three = (alice.says(word, ops).ts for word in ("one", "two", "three"))

    def read(**bounds: Any) -> list[str]:
        messages = web.conversations_history(channel=ops.id, **bounds)["messages"]
        return [message["text"] for message in messages]

    assert read(oldest=one) == ["three", "two"]
    assert read(oldest=one, latest=three) == ["two"]
    assert read(oldest=two, latest=three, inclusive=True) == ["three", "two"]
    assert read(latest=two, inclusive=True, limit=1) == ["two"]
    assert error(read, oldest="yesterday") == "invalid_ts_oldest"


def test_cursor_leads_through_all_pages(slack: Sandbox, web: WebClient, ops: Channel) -> None:
    for number in range(7):
        slack.person(f"person{number}")
    pages = [[member["id"] for member in page["members"]] for page in web.users_list(limit=3)]
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert len({user for page in pages for user in page}) == 10
    assert error(web.users_list, cursor="nonsense") == "invalid_cursor"


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("", "invalid_arguments"),
        ("Upper", "invalid_name_specials"),
        ("two words", "invalid_name_specials"),
        ("dots.too", "invalid_name_specials"),
        ("---", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
        ("ops", "name_taken"),
        ("secret", "name_taken"),
        ("old", "name_taken"),
    ],
)
def test_channel_names_are_checked_and_never_changed(
    slack: Sandbox, web: WebClient, alice: Person, ops: Channel, name: str, refusal: str
) -> None:
    slack.channel("secret", members=[alice], private=True, with_bot=False)
    alice.archives(slack.channel("old", members=[alice]))
    assert error(web.conversations_create, name=name) == refusal


def test_created_channel_has_its_creator_as_member(slack: Sandbox, web: WebClient, alice: Person) -> None:
    made = web.conversations_create(name="inc-7-db", is_private=True)["channel"]
    assert (made["is_private"], made["is_member"]) == (True, True)
    assert slack.find_channel("inc-7-db").members == ["echo"]
    web.conversations_invite(channel=made["id"], users=[alice.id])
    assert slack.find_channel("inc-7-db").members == ["echo", "alice"]


def test_invitations_are_refused_one_by_one(slack: Sandbox, web: WebClient, alice: Person, ops: Channel) -> None:
    bob = slack.person("bob")
    assert error(web.conversations_invite, channel=ops.id, users=alice.id) == "already_in_channel"
    assert error(web.conversations_invite, channel=ops.id, users=slack.bot_user_id) == "cant_invite_self"
    with pytest.raises(SlackApiError) as refused:
        web.conversations_invite(channel=ops.id, users=[alice.id, bob.id])
    assert refused.value.response["errors"] == [{"user": alice.id, "ok": False, "error": "already_in_channel"}]
    assert ops.members == ["alice", "echo"]
    web.conversations_invite(channel=ops.id, users=[alice.id, bob.id], force=True)
    assert ops.members == ["alice", "echo", "bob"]


def test_topic_is_set_up_to_250_characters(web: WebClient, ops: Channel, alice: Person) -> None:
    web.conversations_setTopic(channel=ops.id, topic="a & b")
    assert ops.topic == "a & b"
    assert [shown.payload["subtype"] for shown in alice.sees(ops)] == ["channel_topic"]
    assert error(web.conversations_setTopic, channel=ops.id, topic="x" * 251) == "too_long"


def test_name_of_a_user_group_is_taken(slack: Sandbox, web: WebClient, alice: Person) -> None:
    slack.group("oncall", [alice])

    assert error(web.conversations_create, name="oncall") == "name_taken"


def test_message_in_an_archived_channel_cannot_be_updated(web: WebClient, ops: Channel) -> None:
    ts = web.chat_postMessage(channel=ops.id, text="open")["ts"]
    web.conversations_archive(channel=ops.id)

    assert error(web.chat_update, channel=ops.id, ts=ts, text="closed") == "is_inactive"


@pytest.mark.parametrize(("how_many", "refusal"), [(9, "too_many_users"), (0, "users_list_not_supplied")])
def test_group_message_is_for_one_to_eight_people(slack: Sandbox, web: WebClient, how_many: int, refusal: str) -> None:
    people = [slack.person(f"p{number}").id for number in range(how_many)]

    assert error(web.conversations_open, users=people) == refusal


def test_archived_channel_refuses_changes_until_it_is_open_again(web: WebClient, ops: Channel) -> None:
    web.conversations_archive(channel=ops.id)
    assert ops.archived
    assert error(web.conversations_archive, channel=ops.id) == "already_archived"
    assert error(web.conversations_setTopic, channel=ops.id, topic="x") == "is_archived"
    assert error(web.conversations_rename, channel=ops.id, name="new") == "is_archived"
    assert error(web.conversations_join, channel=ops.id) == "is_archived"
    web.conversations_unarchive(channel=ops.id)
    assert not ops.archived


def test_listings_leave_out_what_the_bot_may_not_know(
    slack: Sandbox, web: WebClient, alice: Person, ops: Channel
) -> None:
    slack.channel("secret", members=[alice], private=True, with_bot=False)
    mine = slack.channel("mine", members=[alice], private=True)
    alice.archives(slack.channel("old", members=[alice], with_bot=False))

    def names(call: Any, **args: Any) -> list[str]:
        return [channel["name"] for channel in call(types="public_channel,private_channel", **args)["channels"]]

    assert names(web.conversations_list) == ["ops", "mine", "old"]
    assert names(web.conversations_list, exclude_archived=True) == ["ops", "mine"]
    assert names(web.users_conversations) == ["ops", "mine"]
    assert names(web.users_conversations, user=alice.id) == ["ops", "mine", "old"]
    assert web.conversations_members(channel=mine.id)["members"] == [alice.id, slack.bot_user_id]
    assert error(web.conversations_list, types="secret") == "invalid_types"


def test_users_are_read_with_zone_and_email(slack: Sandbox, web: WebClient, alice: Person) -> None:
    slack.clock.set(datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    user = web.users_info(user=alice.id)["user"]
    assert (user["tz"], user["tz_label"], user["tz_offset"]) == ("Europe/London", "BST", 3600)
    assert web.users_lookupByEmail(email=user["profile"]["email"])["user"]["id"] == alice.id
    assert error(web.users_lookupByEmail, email="nobody@example.com") == "users_not_found"
    assert error(web.users_info, user="U404") == "user_not_found"
    assert web.users_info(user=slack.bot_user_id)["user"]["is_bot"]


def test_groups_and_do_not_disturb_are_read(slack: Sandbox, web: WebClient, alice: Person) -> None:
    group = slack.group("oncall", [alice])
    assert [g["handle"] for g in web.usergroups_list()["usergroups"]] == ["oncall"]
    assert web.usergroups_users_list(usergroup=group)["users"] == [alice.id]
    assert error(web.usergroups_users_list, usergroup="S404") == "no_such_subteam"
    assert not web.dnd_info(user=alice.id)["snooze_enabled"]
    until = slack.clock.now() + timedelta(hours=1)
    alice.does_not_disturb(until)
    assert web.dnd_info(user=alice.id)["snooze_endtime"] == int(until.timestamp())
    slack.clock.advance(hours=2)
    assert not web.dnd_info(user=alice.id)["snooze_enabled"]


def test_pins_reactions_and_bookmarks(web: WebClient, alice: Person, ops: Channel) -> None:
    said = alice.says("look", ops)
    web.pins_add(channel=ops.id, timestamp=said.ts)
    assert error(web.pins_add, channel=ops.id, timestamp=said.ts) == "already_pinned"
    assert [item["message"]["ts"] for item in web.pins_list(channel=ops.id)["items"]] == [said.ts] == ops.pins
    web.pins_remove(channel=ops.id, timestamp=said.ts)
    assert error(web.pins_remove, channel=ops.id, timestamp=said.ts) == "no_pin"
    web.reactions_add(channel=ops.id, timestamp=said.ts, name="eyes")
    assert error(web.reactions_add, channel=ops.id, timestamp=said.ts, name="eyes") == "already_reacted"
    assert error(web.reactions_add, channel=ops.id, timestamp=said.ts, name=":eyes:") == "invalid_name"
    assert error(web.reactions_add, channel=ops.id, timestamp="now", name="eyes") == "bad_timestamp"
    read = web.reactions_get(channel=ops.id, timestamp=said.ts)["message"]["reactions"]
    assert [(reaction["name"], reaction["count"]) for reaction in read] == [("eyes", 1)]
    web.reactions_remove(channel=ops.id, timestamp=said.ts, name="eyes")
    assert error(web.reactions_remove, channel=ops.id, timestamp=said.ts, name="eyes") == "no_reaction"
    web.bookmarks_add(channel_id=ops.id, title="Doc", type="link", link="https://example.com")
    assert [mark["title"] for mark in web.bookmarks_list(channel_id=ops.id)["bookmarks"]] == ["Doc"]
    assert error(web.bookmarks_add, channel_id=ops.id, title="Doc", type="link", link="here") == "invalid_link"


def test_permalink_names_the_thread(web: WebClient, alice: Person, ops: Channel) -> None:
    parent = alice.says("root", ops)
    reply = alice.says("reply", ops, thread=parent)
    root, answer = (
        web.chat_getPermalink(channel=ops.id, message_ts=message.ts)["permalink"] for message in (parent, reply)
    )
    assert root == f"https://sandbox.slack.com/archives/{ops.id}/p{parent.ts.replace('.', '')}"
    here = f"https://sandbox.slack.com/archives/{ops.id}/p{reply.ts.replace('.', '')}"
    assert answer == f"{here}?thread_ts={parent.ts}&cid={ops.id}"


def test_scheduled_message_is_posted_when_the_clock_comes_there(
    slack: Sandbox, web: WebClient, alice: Person, ops: Channel
) -> None:
    soon = int(slack.clock.now().timestamp()) + 3600
    web.chat_scheduleMessage(channel=ops.id, post_at=soon, text="later")
    gone = web.chat_scheduleMessage(channel=ops.id, post_at=soon, text="never")["scheduled_message_id"]
    web.chat_deleteScheduledMessage(channel=ops.id, scheduled_message_id=gone)
    slack.settle()
    assert alice.sees(ops) == []
    slack.clock.advance(hours=1, minutes=1)
    slack.settle()
    assert [shown.text for shown in alice.sees(ops)] == ["later"]
    assert error(web.chat_scheduleMessage, channel=ops.id, post_at=soon, text="x") == "time_in_past"
    far = soon + 121 * 86_400
    assert error(web.chat_scheduleMessage, channel=ops.id, post_at=far, text="x") == "time_too_far"


def test_files_are_uploaded_in_three_steps_and_shared(
    slack: Sandbox, web: WebClient, alice: Person, ops: Channel
) -> None:
    answer = web.files_upload_v2(channel=ops.id, filename="retro.md", content="# Retro", initial_comment="here")
    shown = alice.sees(ops)[-1]
    assert (shown.text, [file["name"] for file in shown.files]) == ("here", ["retro.md"])
    assert alice.read_file(shown.files[0]) == b"# Retro"
    info = web.files_info(file=answer["files"][0]["id"])["file"]
    assert info["shares"]["public"][ops.id][0]["ts"] == shown.ts
    request = urllib.request.Request(info["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"})
    with urllib.request.urlopen(request) as response:
        assert response.read() == b"# Retro"


def test_blocks_validate_needs_no_token_and_names_the_place(slack: Sandbox) -> None:
    web = WebClient("", base_url=slack.api_url)
    assert web.api_call("blocks.validate", data={"blocks": json.dumps([SECTION])})["ok"]
    with pytest.raises(SlackApiError) as refused:
        web.api_call("blocks.validate", data={"blocks": json.dumps([{"text": "no type"}])})
    assert refused.value.response["errors"] == [
        {"code": "missing_field", "message": "missing required field: type", "pointer": "/0", "field": "type"}
    ]


def test_team_bots_and_emoji_are_told(slack: Sandbox, web: WebClient) -> None:
    assert web.team_info()["team"]["id"] == slack.team_id
    assert web.bots_info(bot=slack.bot_id)["bot"]["user_id"] == slack.bot_user_id
    assert error(web.bots_info, bot="B404") == "bot_not_found"
    assert web.emoji_list()["emoji"] == {}


def test_home_tab_must_be_switched_on(alice: Person) -> None:
    with Sandbox(scoped("chat:write")) as slack:
        bob = slack.person("bob")
        home = {"type": "home", "blocks": [SECTION]}
        assert error(client(slack).views_publish, user_id=bob.id, view=home) == "not_enabled"
