"""The Socket Mode connection, closed at a bad moment."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from handlers.socket_mode import Connection
from sandbox import Sandbox


class Dawdling(logging.Handler):
    """Holds the client's reader up where it has seen the connection and has not begun to read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.beginning = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("Starting to receive"):
            self.beginning.set()
            time.sleep(0.3)


def test_a_connection_that_is_closed_while_its_reader_begins_ends(
    slack: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    bolt = App(client=WebClient(slack.bot_token, base_url=slack.api_url), token_verification_enabled=False)
    line = Connection(bolt, slack.app_token, client=bolt.client, concurrency=1, after_gap=lambda: None)
    dawdling = Dawdling()
    caplog.set_level(logging.INFO, logger=line._handler.client.logger.name)
    log = line._handler.client.logger
    log.addHandler(dawdling)
    try:
        line.open()
        assert dawdling.beginning.wait(5)
        closing = threading.Thread(target=line.close, daemon=True)
        closing.start()
        closing.join(5)
        assert not closing.is_alive()
    finally:
        log.removeHandler(dawdling)
