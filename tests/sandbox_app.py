"""A small Bolt app for the sandbox's own tests: it writes down what it hears, and each test teaches it more."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.interval_runner import IntervalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox

Json = dict[str, Any]

MANIFEST: Json = {
    "display_information": {"name": "Echo"},
    "features": {
        "bot_user": {"display_name": "echo"},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "slash_commands": [
            {"command": "/echo", "description": "says it again", "should_escape": True},
            {"command": "/raw", "description": "says it again, as typed"},
        ],
        "shortcuts": [
            {"name": "Keep it", "type": "message", "callback_id": "keep", "description": "on a message"},
            {"name": "Start", "type": "global", "callback_id": "start", "description": "anywhere"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read", "bookmarks:read", "bookmarks:write", "channels:history", "channels:join",
                "channels:manage", "channels:read", "chat:write", "commands", "dnd:read", "emoji:read", "files:read",
                "files:write", "groups:history", "groups:read", "groups:write", "im:history", "im:read", "im:write",
                "mpim:write", "pins:read", "pins:write", "reactions:read", "reactions:write", "team:read",
                "usergroups:read", "users:read", "users:read.email",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {
            "bot_events": [
                "app_home_opened", "app_mention", "channel_archive", "channel_created", "channel_left",
                "channel_rename", "channel_unarchive", "file_shared", "group_archive", "group_left", "group_rename",
                "group_unarchive", "member_joined_channel", "member_left_channel", "message.channels",
                "message.groups", "message.im", "pin_added", "pin_removed", "reaction_added", "reaction_removed",
                "team_join", "user_change",
            ]
        },
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}  # fmt: skip


def client(slack: Sandbox) -> WebClient:
    return WebClient(slack.bot_token, base_url=slack.api_url)


def new_app(slack: Sandbox, **options: Any) -> App:
    """Acknowledges after its listener, as an app does that does not want to lose anything."""
    pool = ThreadPoolExecutor(max_workers=10)
    return App(client=client(slack), process_before_response=True, listener_executor=pool, **options)


def heard(app: App) -> list[Json]:
    """The events that the app is told of from now on, in the order in which they come."""
    events: list[Json] = []

    @app.middleware
    def write_down(body: Json, next_: Any) -> None:
        if "event" in body:
            events.append(body["event"])
        next_()

    for kind in MANIFEST["settings"]["event_subscriptions"]["bot_events"]:

        @app.event(kind.partition(".")[0])
        def listen() -> None:
            """Being told is enough."""

    return events


@contextmanager
def connected(slack: Sandbox, app: App, sockets: int = 1) -> Iterator[None]:
    """The app on Socket Mode, with so many connections."""
    handlers = [SocketModeHandler(app, slack.app_token, ping_interval=0.2) for _ in range(sockets)]
    for handler in handlers:
        connect(handler)
    slack.wait_for_app(sockets)
    try:
        yield
    finally:
        for handler in handlers:
            close(handler)


def connect(handler: SocketModeHandler) -> None:
    """And listen at once: the client's reader looks only every tenth of a second whether there is a connection."""
    client = handler.client
    client.current_session_runner.shutdown()
    client.connect()
    client.current_session_runner = IntervalRunner(client._run_current_session).start()


def close(handler: SocketModeHandler) -> None:
    """At once: the client's reader would sit in its read for three seconds, its processor for one in its queue."""
    client = handler.client
    client.auto_reconnect_enabled = False
    client.closed = True
    if client.current_session is not None and client.current_session.sock is not None:
        with suppress(OSError):
            client.current_session.sock.shutdown(socket.SHUT_RD)
    reader = client.current_session_runner
    reader.event.set()
    while reader.is_alive():  # one that is just beginning takes the word back
        client.current_session_state.terminated = True
        reader.thread.join(0.02)
    client.message_processor.event.set()
    client.enqueue_message("{}")
    with suppress(AttributeError):  # the reader may have closed the socket in between
        client.disconnect()
    client.close()
