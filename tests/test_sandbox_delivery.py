from __future__ import annotations

import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from sandbox import Channel, Person, Sandbox
from tests.sandbox_app import MANIFEST, client, connected, heard, new_app

Json = dict[str, Any]
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(MANIFEST, start=START, ack_seconds=0.3) as sandbox:
        sandbox.clock.freeze()
        yield sandbox


@pytest.fixture
def app(slack: Sandbox) -> App:
    return new_app(slack)


@pytest.fixture
def alice(slack: Sandbox) -> Person:
    return slack.person("alice")


@pytest.fixture
def ops(slack: Sandbox, alice: Person) -> Channel:
    return slack.channel("ops", members=[alice])


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Tests have nothing to say on stderr."""


@contextmanager
def serving(wsgi: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, wsgi, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/slack/events"
        finally:
            server.shutdown()
            thread.join()


def outcomes(slack: Sandbox) -> list[list[str]]:
    return [[attempt.outcome for attempt in delivery.attempts] for delivery in slack.deliveries]


# -- retries


def test_unacknowledged_event_comes_again_at_once_after_a_minute_and_after_five(
    slack: Sandbox, app: App, alice: Person, ops: Channel
) -> None:
    told = heard(app)
    slack.faults.withhold_acks(4)
    with connected(slack, app):
        alice.says("hello", ops)
        assert len(told) == 2
        slack.clock.advance(seconds=59)
        slack.settle()
        assert len(told) == 2
        slack.clock.advance(seconds=1)
        slack.settle()
        assert len(told) == 3
        slack.clock.advance(minutes=5)
        slack.settle()
        slack.clock.advance(days=1)
        slack.settle()
    assert len(told) == 4
    assert outcomes(slack) == [["http_timeout"] * 4]
    assert slack.violations == ["event never acknowledged: message (http_timeout)"]


def test_retry_over_the_socket_says_which_and_why(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    retries: list[Any] = []

    @app.middleware
    def note(req: Any, next_: Any) -> None:
        retries.append([req.headers.get(f"x-slack-retry-{name}", [""])[0] for name in ("num", "reason")])
        next_()

    heard(app)
    slack.faults.withhold_acks()
    with connected(slack, app):
        alice.says("hello", ops)
    assert retries == [["0", ""], ["1", "http_timeout"]]
    assert outcomes(slack) == [["http_timeout", "acknowledged"]]
    assert slack.violations == []


def test_failed_listener_is_not_acknowledged_and_tried_again(
    slack: Sandbox, app: App, alice: Person, ops: Channel
) -> None:
    seen: list[str] = []

    @app.event("message")
    def fail_once(event: Json) -> None:
        seen.append(event["text"])
        if len(seen) == 1:
            raise ValueError("once")

    with connected(slack, app):
        alice.says("hello", ops)
    assert seen == ["hello", "hello"]
    assert slack.deliveries[0].acknowledged


def test_events_wait_for_an_app_that_is_away(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    alice.says("anybody?", ops)
    assert outcomes(slack) == [["connection_failed"] * 2]
    with connected(slack, app):
        slack.clock.advance(minutes=1)
        slack.settle()
    assert [event["text"] for event in told] == ["anybody?"]


def test_commands_are_never_sent_again(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    typed: list[str] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        typed.append(command["text"])
        ack("heard")

    slack.faults.withhold_acks()
    with connected(slack, app):
        assert alice.types("/echo once", ops).error == "operation_timeout"
        slack.clock.advance(hours=1)
        slack.settle()
    assert typed == ["once"]


# -- doubled, reordered, by hand


def test_doubled_event_keeps_its_id(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    slack.faults.double()
    with connected(slack, app):
        alice.says("hello", ops)
        alice.says("again", ops)
        slack.redeliver()
    assert [event["text"] for event in told] == ["hello", "hello", "again", "again"]
    ids = [delivery.payload["event_id"] for delivery in slack.deliveries]
    assert [ids[0] == ids[1], ids[1] == ids[2], ids[2] == ids[3]] == [True, False, True]


def test_reordered_events_come_shuffled_but_all(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    slack.faults.reorder(seed=1)
    with connected(slack, app):
        for number in range(10):
            alice.says(f"{number}", ops)
        assert told == []
        slack.settle()
    words = [event["text"] for event in told]
    assert sorted(words) == [f"{number}" for number in range(10)]
    sent = [delivery.payload["event"]["text"] for delivery in slack.deliveries]
    assert sent == sorted(words)
    assert words != sent


def test_any_event_can_be_delivered_by_hand(slack: Sandbox, app: App) -> None:
    told = heard(app)
    event = {"type": "message", "channel": "C1", "text": "from nowhere", "ts": "1.000001", "user": "U1"}
    with connected(slack, app):
        delivery = slack.deliver_event(event)
    assert told == [event]
    assert delivery.acknowledged


# -- sockets


def test_each_envelope_goes_to_one_of_the_sockets_in_turn(
    slack: Sandbox, app: App, alice: Person, ops: Channel
) -> None:
    told = heard(app)
    with connected(slack, app, sockets=3):
        for number in range(6):
            alice.says(f"{number}", ops)
        counts = [len(connection.served) for connection in slack.server.site.sockets.connections]
    assert [event["text"] for event in told] == [f"{number}" for number in range(6)]
    assert counts == [2, 2, 2]


def test_dropped_socket_comes_back_and_nothing_is_lost(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    with connected(slack, app):
        slack.faults.drop_sockets()
        slack.until(lambda: not slack.server.site.sockets.connections)
        alice.says("hello", ops)
        slack.wait_for_app()
        slack.clock.advance(minutes=1)
        slack.settle()
    assert [event["text"] for event in told] == ["hello"]


def test_app_told_to_refresh_connects_anew(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    with connected(slack, app):
        [before] = slack.server.site.sockets.connections
        slack.refresh_sockets()
        slack.until(lambda: len({before, *slack.server.site.sockets.connections}) == 2)
        slack.until(lambda: before not in slack.server.site.sockets.connections)
        alice.says("hello", ops)
    assert [event["text"] for event in told] == ["hello"]
    opened = [call.method for call in slack.calls if call.method == "apps.connections.open"]
    assert len(opened) == 2


def test_socket_url_serves_one_connection(slack: Sandbox, app: App) -> None:
    web = client(slack)
    url = web.apps_connections_open(app_token=slack.app_token)["url"].replace("ws://", "http://")
    for status in (400, 404):  # the first is no handshake, the second has no ticket any more
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        with refused.value:
            assert refused.value.code == status


def test_outage_keeps_sockets_away_until_it_ends(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    told = heard(app)
    with connected(slack, app):
        slack.faults.outage(timedelta(minutes=1))
        slack.until(lambda: not slack.server.site.sockets.connections)
        alice.says("hello", ops)
        assert told == []
        slack.clock.advance(minutes=1)
        slack.wait_for_app()
        slack.settle()
        slack.clock.advance(minutes=5)
        slack.settle()
    assert [event["text"] for event in told] == ["hello"]


# -- HTTP


def test_http_deliveries_are_signed_and_answered(slack: Sandbox, alice: Person, ops: Channel) -> None:
    app = new_app(slack, signing_secret=slack.signing_secret)
    told = heard(app)

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        ack(command["text"])

    @app.shortcut("start")
    def start(ack: Any, shortcut: Json, client: Any) -> None:
        blocks = [{"type": "section", "text": {"type": "plain_text", "text": "Started"}}]
        view = {"type": "modal", "title": {"type": "plain_text", "text": "Start"}, "blocks": blocks}
        client.views_open(trigger_id=shortcut["trigger_id"], view=view)
        ack()

    with serving(SlackRequestHandler(app)) as url:
        slack.deliver_to(url)
        alice.says("hello", ops)
        assert alice.types("/echo straße & co", ops).text == "straße & co"
        alice.uses_global_shortcut("Start")
    assert [event["text"] for event in told] == ["hello"]
    assert alice.form.text == "Started"
    assert slack.violations == []


def test_http_signature_is_refused_with_another_secret(slack: Sandbox, alice: Person, ops: Channel) -> None:
    app = new_app(slack, signing_secret="another")
    with serving(SlackRequestHandler(app)) as url, pytest.raises(ValueError, match="challenge"):
        slack.deliver_to(url)


def test_http_retries_carry_number_and_reason_until_told_to_stop(slack: Sandbox, alice: Person, ops: Channel) -> None:
    requests: list[tuple[str | None, str | None]] = []
    verifier = SignatureVerifier(slack.signing_secret)

    def wsgi(environ: Json, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        stamp, signature = (environ[f"HTTP_X_SLACK_{name}"] for name in ("REQUEST_TIMESTAMP", "SIGNATURE"))
        assert verifier.is_valid(body=body, timestamp=stamp, signature=signature)
        if b"url_verification" in body:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [body]
        requests.append((environ.get("HTTP_X_SLACK_RETRY_NUM"), environ.get("HTTP_X_SLACK_RETRY_REASON")))
        stop = [("X-Slack-No-Retry", "1")] if len(requests) == 3 else []
        start_response("500 Internal Server Error", stop)
        return [b""]

    with serving(wsgi) as url:
        slack.deliver_to(url)
        alice.says("hello", ops)
        for _ in range(3):
            slack.clock.advance(minutes=5)
            slack.settle()
    assert requests == [(None, None), ("1", "http_error"), ("2", "http_error")]


def test_http_failures_are_errors_for_whoever_waits(slack: Sandbox, alice: Person, ops: Channel) -> None:
    app = new_app(slack, signing_secret=slack.signing_secret)
    with serving(SlackRequestHandler(app)) as url:
        slack.deliver_to(url)
        assert alice.types("/echo nobody listens", ops).error == "dispatch_failed"
    assert alice.types("/echo nobody is there", ops).error == "dispatch_failed"


# -- faults of the Web API


def test_rate_limit_and_server_errors_on_request(slack: Sandbox, ops: Channel) -> None:
    web = client(slack)
    slack.faults.rate_limit("chat.postMessage", times=2, retry_after=7)
    slack.faults.fail("chat.postMessage", status=503)
    slack.faults.refuse("chat.postMessage", "internal_error")
    answers = []
    for _ in range(4):
        with pytest.raises(SlackApiError) as refused:
            web.chat_postMessage(channel=ops.id, text="x")
        response = refused.value.response
        answers.append((response.status_code, response["error"], response.headers.get("Retry-After")))
    assert answers == [
        (429, "ratelimited", "7"),
        (429, "ratelimited", "7"),
        (503, "internal_error", None),
        (200, "internal_error", None),
    ]
    assert web.auth_test()["ok"]
    web.chat_postMessage(channel=ops.id, text="x")
    assert len(web.conversations_history(channel=ops.id)["messages"]) == 1
    assert slack.violations == []


@pytest.mark.parametrize(("after", "posted"), [(False, 1), (True, 2)])
def test_connection_breaks_before_or_after_the_effect(slack: Sandbox, ops: Channel, after: bool, posted: int) -> None:
    web = client(slack)
    slack.faults.reset("chat.postMessage", after=after)
    web.chat_postMessage(channel=ops.id, text="x")  # the SDK tries once more by itself
    assert len(web.conversations_history(channel=ops.id)["messages"]) == posted


def test_slow_calls_take_their_time(slack: Sandbox) -> None:
    web = client(slack)
    slack.faults.slow(0.05)
    web.auth_test()
    slack.faults.slow(0)
    web.auth_test()
    slow, fast = (call.seconds for call in slack.calls)
    assert slow >= 0.05 > fast


def test_slacks_own_limits_on_request(slack: Sandbox, ops: Channel) -> None:
    web = client(slack)
    slack.faults.rate_limits()
    for _ in range(5):
        web.chat_postMessage(channel=ops.id, text="x")
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel=ops.id, text="x")
    assert int(refused.value.response.headers["Retry-After"]) > 0
    slack.clock.advance(seconds=5)
    web.chat_postMessage(channel=ops.id, text="x")
    for _ in range(20):
        web.conversations_list()
    with pytest.raises(SlackApiError, match="ratelimited"):
        web.conversations_list()
    slack.faults.clear()
    web.conversations_list()
