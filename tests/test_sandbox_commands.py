from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from sandbox import Channel, Person, Sandbox
from tests.sandbox_app import MANIFEST, connected, new_app

Json = dict[str, Any]
BUTTON = {"type": "button", "action_id": "again", "value": "7", "text": {"type": "plain_text", "text": "Again"}}


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(MANIFEST, ack_seconds=0.3) as sandbox:
        yield sandbox


@pytest.fixture
def app(slack: Sandbox) -> Iterator[App]:
    app = new_app(slack)
    with connected(slack, app):
        yield app


@pytest.fixture
def alice(slack: Sandbox) -> Person:
    return slack.person("alice", tz="Asia/Tokyo")


@pytest.fixture
def ops(slack: Sandbox, alice: Person) -> Channel:
    return slack.channel("ops", members=[alice])


def post(url: str, body: Any) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data)) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_command_carries_what_slack_sends(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    sent: list[Json] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        sent.append(command)
        ack()

    bob = slack.person("bob")
    group = slack.group("oncall", [bob])
    reply = alice.types("/echo  tell @bob and @oncall in #ops: <a> & https://example.com  ", ops)
    assert (reply.text, reply.error, reply.shown) == ("", "", [])
    [command] = sent
    assert command.pop("response_url").startswith(slack.api_url.replace("/api/", "/commands/"))
    assert len(command.pop("trigger_id").split(".")) == 3
    del command["token"]
    mentions = f"<@{bob.id}|bob> and <!subteam^{group}|@oncall> in <#{ops.id}|ops>"
    assert command == {
        "team_id": slack.team_id,
        "team_domain": "sandbox",
        "channel_id": ops.id,
        "channel_name": "ops",
        "user_id": alice.id,
        "user_name": "alice",
        "command": "/echo",
        "text": f"tell {mentions}: &lt;a&gt; &amp; <https://example.com>",
        "api_app_id": command["api_app_id"],
        "is_enterprise_install": "false",
    }


def test_command_without_escaping_comes_as_typed(app: App, alice: Person, ops: Channel) -> None:
    @app.command("/raw")
    def raw(ack: Any, command: Json) -> None:
        ack(command["text"])

    assert alice.types("/raw <a> & @alice", ops).message.payload["text"] == "<a> & @alice"


@pytest.mark.parametrize(("private", "name"), [(True, "privategroup"), (False, "ops2")])
def test_command_names_the_kind_of_place(slack: Sandbox, app: App, alice: Person, private: bool, name: str) -> None:
    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        ack(command["channel_name"])

    assert alice.types("/echo", slack.channel("ops2", members=[alice], private=private, with_bot=False)).text == name
    assert alice.types("/echo", alice.dm()).text == "directmessage"


def test_answer_is_private_unless_it_is_for_the_channel(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        ack(text=command["text"], response_type=command["text"])

    bob = slack.person("bob")
    bob.joins(ops)
    assert alice.types("/echo ephemeral", ops).message.ephemeral
    assert not alice.types("/echo in_channel", ops).message.ephemeral
    assert [shown.text for shown in bob.sees(ops)] == ["@bob has joined the channel", "in_channel"]
    assert slack.violations == []


def test_reader_sees_dates_in_their_own_zone(app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any) -> None:
        ack("<!date^1767225600^{date_num} {time}|then>")

    assert alice.types("/echo", ops).text == "2026-01-01 9:00 AM"


def test_unknown_command_is_refused_to_the_typist(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    reply = alice.types("/ehco hello", ops)
    assert (reply.error, reply.text) == ("not_a_command", "/ehco is not a valid command.")
    assert slack.deliveries == []


def test_late_or_missing_acknowledgement_times_out(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any) -> None:
        time.sleep(0.4)
        ack("too late")

    reply = alice.types("/echo", ops)
    assert (reply.error, reply.text) == ("operation_timeout", '/echo failed with the error "operation_timeout"')
    assert alice.sees(ops) == []
    assert slack.violations == ["'/echo' failed with the error \"operation_timeout\""]


def test_command_without_a_connection_fails_at_once(slack: Sandbox, alice: Person, ops: Channel) -> None:
    assert alice.types("/echo", ops).error == "dispatch_failed"


def test_wrong_answer_is_an_error_and_a_violation(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any) -> None:
        ack(text="x", blocks=[{"type": "section"}])

    assert alice.types("/echo", ops).error == "dispatch_failed"
    assert [violation.partition(" [")[0] for violation in slack.violations] == ["answer to /echo: invalid_blocks"]


def test_command_sent_without_waiting_is_answered_later(app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        ack(command["text"])

    replies = [alice.types(f"/echo {number}", ops, wait=False) for number in range(5)]
    assert [reply.text for reply in replies] == ["0", "1", "2", "3", "4"]


def test_response_url_answers_five_times(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    urls: list[str] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        urls.append(command["response_url"])
        ack()

    alice.types("/echo", ops)
    answers = [post(urls[0], {"text": f"{number}"}) for number in range(6)]
    assert answers == [(200, "ok")] * 5 + [(404, "expired_url")]
    assert [(shown.text, shown.ephemeral) for shown in alice.sees(ops)] == [(f"{n}", True) for n in range(5)]
    assert slack.violations == ["response_url: expired_url"]


def test_response_url_lives_thirty_minutes_and_is_strict(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    urls: list[str] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        urls.append(command["response_url"])
        ack()

    alice.types("/echo", ops)
    slack.clock.advance(minutes=29)
    assert post(urls[0], {"text": "x", "blocks": [{"type": "section"}]}) == (400, "invalid_blocks")
    assert post(urls[0], {"response_type": "in_channel"}) == (400, "no_text")
    assert post(urls[0], b"{") == (400, "invalid_payload")
    assert post(urls[0], {"text": "in time", "response_type": "in_channel"}) == (200, "ok")
    slack.clock.advance(minutes=1)
    assert post(urls[0], {"text": "too late"}) == (404, "expired_url")
    assert [(shown.text, shown.ephemeral) for shown in alice.sees(ops)] == [("in time", False)]


def test_click_carries_the_message_and_may_replace_it(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    actions: list[Json] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        blocks = [{"type": "actions", "block_id": "b", "elements": [BUTTON]}]
        ack(text="choose", blocks=blocks, response_type=command["text"])

    @app.action("again")
    def again(ack: Any, body: Json, respond: Any) -> None:
        actions.append(body)
        ack()
        respond(text="clicked", replace_original=True)

    for kind in ("ephemeral", "in_channel"):
        reply = alice.types(f"/echo {kind}", ops)
        assert (reply.text, reply.buttons) == ("[Again]", ["Again"])
        alice.clicks("Again", within=reply)
    private, public = actions
    assert (private["container"]["is_ephemeral"], "message" in private) == (True, False)
    assert (public["container"]["is_ephemeral"], public["message"]["text"]) == (False, "choose")
    [action] = public["actions"]
    del action["action_ts"]
    assert action == {
        "type": "button",
        "action_id": "again",
        "block_id": "b",
        "value": "7",
        "text": {"type": "plain_text", "text": "Again", "emoji": True},
    }
    assert [shown.text for shown in alice.sees(ops)] == ["clicked", "clicked"]
    assert slack.violations == []


def test_click_may_delete_the_message(app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        ack(text="choose", blocks=[{"type": "actions", "elements": [BUTTON]}], response_type=command["text"])

    @app.action("again")
    def again(ack: Any, respond: Any) -> None:
        ack()
        respond(delete_original=True)

    for kind in ("ephemeral", "in_channel"):
        alice.clicks("Again", within=alice.types(f"/echo {kind}", ops))
    assert alice.sees(ops) == []


def test_click_that_replaces_one_message_by_another_shows_the_other(app: App, alice: Person, ops: Channel) -> None:
    @app.command("/echo")
    def echo(ack: Any) -> None:
        ack(text="choose", blocks=[{"type": "actions", "elements": [BUTTON]}], response_type="in_channel")

    @app.action("again")
    def again(ack: Any, respond: Any) -> None:
        respond(delete_original=True)
        respond(text="instead", response_type="in_channel", replace_original=False)
        ack()

    assert alice.clicks("Again", within=alice.types("/echo", ops)).text == "instead"
    assert [shown.text for shown in alice.sees(ops)] == ["instead"]


def test_click_in_a_thread_is_answered_there(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    @app.action("again")
    def again(ack: Any, respond: Any, body: Json) -> None:
        ack()
        respond(text=body["container"]["thread_ts"], replace_original=False)

    parent = alice.says("root", ops)
    posted = slack.app_says("echo", "x", ops)
    del posted
    app.client.chat_postMessage(
        channel=ops.id, thread_ts=parent.ts, text="choose", blocks=[{"type": "actions", "elements": [BUTTON]}]
    )
    reply = alice.clicks("Again", within=alice.sees(ops)[-1])
    assert (reply.text, reply.message.thread_ts, reply.message.ephemeral) == (parent.ts, parent.ts, True)


def test_overflow_and_selects_are_chosen_from(app: App, alice: Person, ops: Channel) -> None:
    chosen: list[Any] = []
    texts = [{"text": {"type": "plain_text", "text": word}, "value": word.lower()} for word in ("Snooze", "Drop")]
    people = {"type": "users_select", "action_id": "who", "placeholder": {"type": "plain_text", "text": "Owner"}}
    app.client.chat_postMessage(
        channel=ops.id,
        text="x",
        blocks=[
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*What next?*"},
                "accessory": {"type": "overflow", "action_id": "more", "options": texts},
            },
            {"type": "actions", "elements": [people]},
        ],
    )

    @app.action("more")
    def more(ack: Any, action: Json) -> None:
        chosen.append(action["selected_option"]["value"])
        ack()

    @app.action("who")
    def who(ack: Any, action: Json, body: Json) -> None:
        values = [value for block in body["state"]["values"].values() for value in block.values()]
        chosen.extend((action["selected_user"], [value["selected_user"] for value in values]))
        ack()

    message = alice.sees(ops)[-1]
    alice.clicks("Drop", within=message)
    alice.chooses("more", "Snooze", within=message)
    alice.chooses("Owner", alice, within=message)
    assert chosen == ["drop", "snooze", alice.id, [alice.id]]
    with pytest.raises(LookupError, match=r"no button 'Done'; there are: 'Snooze', 'Drop'"):
        alice.clicks("Done", within=message)


def test_message_shortcut_carries_the_message_also_where_the_bot_is_not(
    slack: Sandbox, app: App, alice: Person, ops: Channel
) -> None:
    kept: list[Json] = []

    @app.shortcut("keep")
    def keep(ack: Any, shortcut: Json, respond: Any) -> None:
        kept.append(shortcut)
        ack()
        respond("kept")

    away = slack.channel("away", members=[alice], with_bot=False)
    parent = alice.says("root", away)
    message = alice.says("look", away, thread=parent)
    assert alice.uses_shortcut("Keep it", message).text == "kept"
    [shortcut] = kept
    assert (shortcut["message_ts"], shortcut["message"]["thread_ts"]) == (message.ts, parent.ts)
    assert shortcut["channel"] == {"id": away.id, "name": "away"}
    with pytest.raises(LookupError, match="there are: 'Keep it'"):
        alice.uses_shortcut("Keep", message)


def test_global_shortcut_knows_no_channel(app: App, alice: Person) -> None:
    used: list[Json] = []

    @app.shortcut("start")
    def start(ack: Any, shortcut: Json) -> None:
        used.append(shortcut)
        ack()

    assert alice.uses_global_shortcut("Start").error == ""
    assert [("channel" in shortcut, "response_url" in shortcut) for shortcut in used] == [(False, False)]


def test_nobody_types_where_they_are_not(slack: Sandbox, alice: Person, ops: Channel) -> None:
    bob = slack.person("bob")
    with pytest.raises(PermissionError, match="bob is not in ops"):
        bob.types("/echo", ops)
    alice.archives(ops)
    with pytest.raises(PermissionError, match="ops is archived"):
        alice.says("hello", ops)
