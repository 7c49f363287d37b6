"""Socket Mode: one connection to Slack that can be closed without dropping an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

GRACE_SECONDS = 3
"""How long an answer may still take when the bot stops: Slack would not wait longer either."""


class Connection:
    """A Socket Mode connection whose requests are answered by `bolt`, `concurrency` at a time.

    `after_gap` is called whenever the connection is there after nobody listened: at first, and when it was lost.
    """

    def __init__(
        self, bolt: App, app_token: str, *, client: WebClient, concurrency: int, after_gap: Callable[[], None]
    ) -> None:
        self._handler = _Counting(bolt, app_token, web_client=client, concurrency=concurrency, after_gap=after_gap)

    def open(self) -> None:
        self._handler.client.connect()

    def is_open(self) -> bool:
        return bool(self._handler.client.is_connected())

    def close(self) -> None:
        """Take no more requests (Slack gives them to another connection), answer those under way, hang up."""
        self._handler.finish()
        client = self._handler.client
        client.auto_reconnect_enabled = False
        client.closed = True
        session = client.current_session
        if session is not None and session.sock is not None:
            # The client's reader would otherwise sit in its read for up to three seconds.
            with suppress(OSError):
                session.sock.shutdown(socket.SHUT_RD)
        # Likewise its processor sits a second in an empty queue.
        client.message_processor.event.set()
        client.enqueue_message("{}")
        client.close()


class _Counting(SocketModeHandler):
    def __init__(
        self, app: App, app_token: str, *, web_client: WebClient, concurrency: int, after_gap: Callable[[], None]
    ) -> None:
        super().__init__(app, app_token, web_client=web_client, concurrency=concurrency)
        self.client.on_message_listeners += [self._send_at_once, self._notice_gap]
        self._after_gap = after_gap
        self._refreshing = False
        self._changed = threading.Condition()
        self._under_way = 0
        self._stopping = False

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        with self._changed:
            if self._stopping:
                return
            self._under_way += 1
        try:
            super().handle(client, req)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _send_at_once(self, message: str) -> None:
        """On each greeting, have the new socket send small frames without waiting for the one before.

        Otherwise the second of two acknowledgements waits up to 40 ms (Nagle's algorithm, RFC 896).
        """
        session = self.client.current_session
        if '"hello"' in message and session is not None and session.sock is not None:
            session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _notice_gap(self, message: str) -> None:
        """A greeting is the first word after a gap, unless Slack asked for the new connection beforehand.

        When it asks, the new connection is open before the old one is closed, so nothing is missed.
        """
        if '"disconnect"' in message[:200] and '"envelope_id"' not in message:
            self._refreshing = True
        elif '"hello"' in message[:200] and '"envelope_id"' not in message:
            if not self._refreshing:
                self._after_gap()
            self._refreshing = False

    def finish(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: self._under_way == 0, timeout=GRACE_SECONDS)
