"""The Socket Mode connection: large answers, and closed at a bad moment."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from handlers.frames import text_frame
from handlers.socket_mode import Connection
from sandbox import Sandbox


@pytest.fixture
def bolt(slack: Sandbox) -> App:
    return App(client=WebClient(slack.bot_token, base_url=slack.api_url), token_verification_enabled=False)


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536, 1_000_000])
def test_frames_of_every_length_are_read_back(length: int) -> None:
    text = "ä" * (length // 2) + "x" * (length % 2)
    frame = bytearray(text_frame(text))
    assert _read(frame) == text


def _read(frame: bytearray) -> str:
    """RFC 6455, section 5.2, read the other way round."""
    assert frame.pop(0) == 0b1000_0001
    length = frame.pop(0) & 0x7F
    wide = {126: 2, 127: 8}.get(length, 0)
    if wide:
        length = int.from_bytes(frame[:wide])
        del frame[:wide]
    mask, payload = frame[:4], frame[4:]
    assert len(payload) == length
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)).decode()


def test_an_answer_of_more_than_64_kilobytes_arrives(slack: Sandbox, bolt: App) -> None:
    alice = slack.person("alice")
    ops = slack.channel("ops", members=[alice], with_bot=True)
    long = "x" * 2900

    @bolt.command("/incident")
    def tell(ack: Ack) -> None:
        ack(text="much", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": long}} for _ in range(40)])

    line = Connection(bolt, slack.app_token, client=bolt.client, concurrency=1, after_gap=lambda: None)
    line.open()
    slack.wait_for_app()
    try:
        answer = alice.types("/incident status", ops)
        assert answer.text.count(long) == 40
    finally:
        line.close()


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
    slack: Sandbox, bolt: App, caplog: pytest.LogCaptureFixture
) -> None:
    line = Connection(bolt, slack.app_token, client=bolt.client, concurrency=1, after_gap=lambda: None)
    dawdling = Dawdling()
    caplog.set_level(logging.INFO, logger=line._client.logger.name)
    log = line._client.logger
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
