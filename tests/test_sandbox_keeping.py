"""A workspace that was kept goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Channel, Person, Sandbox
from tests import sandbox_app
from tests.conftest import MONDAY

BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}],
}


@pytest.fixture
def first() -> Iterator[Sandbox]:
    with Sandbox(sandbox_app.MANIFEST, start=MONDAY) as slack:
        yield slack


@pytest.fixture
def alice(first: Sandbox) -> Person:
    return first.person("alice", real_name="Alice Ames", tz="Asia/Kolkata", is_admin=True)


@pytest.fixture
def ops(first: Sandbox, alice: Person) -> Channel:
    return first.channel("ops", members=[alice])


def again(first: Sandbox) -> Sandbox:
    """The same workspace on another day."""
    kept = first.keep()
    first.stop()
    return Sandbox(sandbox_app.MANIFEST, kept=kept)


def test_kept_workspace_holds_what_was_said_and_done(first: Sandbox, alice: Person, ops: Channel) -> None:
    message = alice.says("hello <b>", ops)
    alice.says("in the thread", ops, thread=message)
    alice.reacts(message, "eyes")
    alice.pins(message)
    client = sandbox_app.client(first)
    client.files_upload_v2(channel=ops.id, filename="a.bin", content=b"\x00\xff\x80")
    client.chat_postEphemeral(channel=ops.id, user=alice.id, text="for you")
    before = [(shown.text, shown.reactions, shown.pinned, shown.thread_ts) for shown in alice.sees(ops)]

    with again(first) as second:
        same, room = second.person_by_id(alice.id), second.find_channel("ops")
        after = [(shown.text, shown.reactions, shown.pinned, shown.thread_ts) for shown in same.sees(room)]
        file = next(shown for shown in same.sees(room) if shown.files).files[0]
        assert after == before
        assert (same.real_name, same.tz) == ("Alice Ames", "Asia/Kolkata")
        assert same.read_file(file) == b"\x00\xff\x80"
        assert (second.bot_token, second.api_url) == (first.bot_token, first.api_url)


def test_buttons_of_a_kept_workspace_still_work(first: Sandbox, alice: Person, ops: Channel) -> None:
    sandbox_app.client(first).chat_postMessage(channel=ops.id, text="Shall we?", blocks=[BUTTON])

    with again(first) as second:
        app, clicked = sandbox_app.new_app(second), []

        @app.action("go")
        def go(ack: Any, body: Any) -> None:
            clicked.append(body["message"]["text"])
            ack()

        with sandbox_app.connected(second, app):
            same = second.person_by_id(alice.id)
            same.clicks("Go", within=same.sees(second.find_channel("ops"))[-1])
        assert clicked == ["Shall we?"]
        assert second.violations == []


def test_clock_and_ids_go_on(first: Sandbox, alice: Person, ops: Channel) -> None:
    first.clock.advance(days=40)
    kept_at = first.clock.now()

    with again(first) as second:
        assert timedelta() <= second.clock.now() - kept_at < timedelta(minutes=1)
        assert len({alice.id, ops.id, second.person("bob").id, second.channel("news").id}) == 4


def test_scheduled_message_is_posted_after_all(first: Sandbox, alice: Person, ops: Channel) -> None:
    soon = int(MONDAY.timestamp()) + 3600
    sandbox_app.client(first).chat_scheduleMessage(channel=ops.id, post_at=soon, text="Lunch")

    with again(first) as second:
        second.clock.advance(hours=1, seconds=1)
        second.settle()
        assert [shown.text for shown in second.person_by_id(alice.id).sees(second.find_channel("ops"))] == ["Lunch"]


def test_home_tab_is_kept_and_can_be_published_anew(first: Sandbox, alice: Person) -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "Welcome"}}]
    published = sandbox_app.client(first).views_publish(user_id=alice.id, view={"type": "home", "blocks": blocks})

    with again(first) as second:
        view = {"type": "home", "blocks": blocks}
        hash_ = published["view"]["hash"]
        assert sandbox_app.client(second).views_publish(user_id=alice.id, view=view, hash=hash_)["ok"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 1}'])
def test_what_is_no_kept_workspace_is_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Sandbox(sandbox_app.MANIFEST, kept=damage)


def test_workspace_of_another_version_is_refused(first: Sandbox) -> None:
    other = json.dumps(json.loads(first.keep()) | {"version": 2}).encode()

    with pytest.raises(ValueError, match="version 2"):
        Sandbox(sandbox_app.MANIFEST, kept=other)
