"""Socket Mode: one connection to Slack that can be closed without dropping an answer."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError, SlackClientNotConnectedError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.interval_runner import IntervalRunner
from slack_sdk.socket_mode.request import SocketModeRequest

from handlers.frames import text_frame

log = logging.getLogger(__name__)

GRACE_SECONDS = 3
"""How long an answer may still take when the bot stops: Slack would not wait longer either."""


PING_SECONDS = 3
"""How often the line is tried. The SDK gives it up when four tries were not answered; with its own 10 seconds a
line that went dead without a word would be silent for most of a minute."""


class Connection:
    """A Socket Mode connection whose requests are answered by `bolt`, `concurrency` at a time.

    `after_gap` is called whenever the connection is there after nobody listened: at first, and when it was lost.
    """

    def __init__(
        self, bolt: App, app_token: str, *, client: WebClient, concurrency: int, after_gap: Callable[[], None]
    ) -> None:
        self._after_gap = after_gap
        self._client = _Client(
            app_token,
            logger=bolt.logger,
            web_client=client,
            proxy=client.proxy,
            ping_interval=PING_SECONDS,
            concurrency=concurrency,
            on_message_listeners=[self._watch_line, self._notice_gap],
            on_error_listeners=[self._hang_up],
        )
        self._client.socket_mode_request_listeners.append(self._answer)
        self._adapter = _Adapter(bolt, self._client)
        self._refreshing = False
        self._changed = threading.Condition()
        self._under_way = 0
        self._stopping = False

    def open(self) -> None:
        self._client.open()

    def is_open(self) -> bool:
        return bool(self._client.is_connected())

    def close(self) -> None:
        """Take no more requests (Slack gives them to another connection), answer those under way, hang up."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: self._under_way == 0, timeout=GRACE_SECONDS)
        client = self._client
        client.auto_reconnect_enabled = False
        client.closed = True
        session = client.current_session
        if session is not None and session.sock is not None:
            # The client's reader would otherwise sit in its read for up to three seconds.
            with suppress(OSError):
                session.sock.shutdown(socket.SHUT_RD)
        self._end_reading()
        # Likewise its processor sits a second in an empty queue.
        client.message_processor.event.set()
        client.enqueue_message("{}")
        client.close()

    def _end_reading(self) -> None:
        """Tell the client's reader to end until it has: one that is just beginning takes the word back.

        `SocketModeClient._run_current_session` sets `terminated` to False after it was seen to be connected, and
        would then run, and be waited for by `SocketModeClient.close`, for ever.
        """
        reader = self._client.current_session_runner
        reader.event.set()
        while reader.is_alive():
            self._client.current_session_state.terminated = True
            reader.thread.join(0.02)

    def _answer(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        with self._changed:
            if self._stopping:
                return
            self._under_way += 1
        try:
            self._adapter.handle(cast("SocketModeClient", client), request)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _watch_line(self, message: str) -> None:
        """On each greeting, take the new socket over, see `_Line`."""
        session = self._client.current_session
        if _is(message, "hello") and session is not None and isinstance(session.sock, socket.socket):
            session.sock = cast("Any", _Line(session.sock, is_ours=lambda: self._client.closed))

    def _hang_up(self, error: Exception) -> None:
        """Give up a line whose reading failed, and open another at once; if that fails, the SDK tries again.

        The SDK itself would go on reading from it (https://github.com/slackapi/python-slack-sdk/issues/1701).
        """
        session = self._client.current_session
        if not isinstance(error, OSError) or session is None or self._client.closed:
            return
        session.disconnect()
        try:
            self._client.connect_to_new_endpoint()
        except (SlackApiError, SlackClientError, OSError):
            log.warning("The connection to Slack was lost, and is not back yet.", exc_info=True)

    def _notice_gap(self, message: str) -> None:
        """A greeting is the first word after a gap, unless Slack asked for the new connection beforehand.

        When it asks, the new connection is open before the old one is closed, so nothing is missed.
        """
        if _is(message, "disconnect"):
            self._refreshing = True
        elif _is(message, "hello"):
            if not self._refreshing:
                self._after_gap()
            self._refreshing = False


class _Adapter(SocketModeHandler):
    """Bolt's own way from a request to its answer, for a client that is there already."""

    def __init__(self, app: App, client: SocketModeClient) -> None:
        self.app, self.client = app, client


class _Client(SocketModeClient):
    """The SDK's client, but for sending: its own ends at 65,535 bytes, and may send a part of a frame only."""

    def open(self) -> None:
        """Connect for the first time, and read at once: the reader looks for a connection every 0.1 s only."""
        self.current_session_runner.shutdown()
        self.connect()
        self.current_session_runner = IntervalRunner(self._run_current_session).start()

    def send_message(self, message: str) -> None:
        frame = text_frame(message)
        try:
            self._send(frame)
        except SlackClientNotConnectedError:
            with self.connect_operation_lock:  # the line is being replaced by another
                self._send(frame)

    def _send(self, frame: bytes) -> None:
        session = self.current_session
        if session is None:
            raise SlackClientNotConnectedError
        try:
            with session.sock_send_lock:
                if session.sock is None:
                    raise SlackClientNotConnectedError
                session.sock.sendall(frame)
        except OSError as error:
            session.disconnect()  # a part of the frame may be out already, and nothing else can follow it
            raise SlackClientNotConnectedError from error


class _Line:
    """A socket that says when the other side has hung up, and sends small frames at once.

    The SDK reads an ended stream as silence, for most of a minute. And with Nagle's algorithm (RFC 896) the
    second of two acknowledgements would wait up to 40 ms for the first to be received.
    """

    def __init__(self, sock: socket.socket, *, is_ours: Callable[[], bool]) -> None:
        """`is_ours()`: whether it is we who are hanging up."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock, self._is_ours = sock, is_ours

    def recv(self, size: int) -> bytes:
        received = self._sock.recv(size)
        if not received and not self._is_ours():
            raise ConnectionResetError(errno.ECONNRESET, "Slack hung up")
        return received

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _is(message: str, kind: str) -> bool:
    """Whether it is Slack's own word on the connection, without parsing every event twice."""
    return f'"{kind}"' in message[:200] and '"envelope_id"' not in message
