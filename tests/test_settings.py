"""A wrong or missing setting is one clear sentence that names it."""

from __future__ import annotations

import pytest

from bot import settings
from bot.logs import masked

RIGHT = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def test_right_settings_choose_socket_mode_when_there_is_an_app_token() -> None:
    assert settings.load(RIGHT, env_file=None).socket_mode
    assert not settings.load({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, env_file=None).socket_mode


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", ""),
        ("SLACK_BOT_TOKEN", "xoxp-1"),
        ("SLACK_APP_TOKEN", "xoxb-1"),
        ("SLACK_APP_TOKEN", ""),
        ("SLACK_API_URL", "slack.com/api"),
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", "what"),
        ("PORT", "many"),
        ("PORT", "70000"),
        ("SEAMARK_ANNOUNCE_CHANNEL", "#incidents"),
        ("SEAMARK_LOG_FORMAT", "xml"),
        ("SEAMARK_MARK_REACTIONS", "push pin"),
        ("SEAMARK_MARK_REACTIONS", "brain=thought"),
        ("SEAMARK_GUIDES", "not-there"),
        ("SEAMARK_DIGESTS", "daily"),
        ("SEAMARK_DIGESTS", "off,weekly"),
        ("SEAMARK_ZONE", "Berlin"),
        ("SEAMARK_FOLLOW_UP_CHANNEL", "#follow-up"),
    ],
)
def test_wrong_setting_is_a_sentence_that_names_it(name: str, value: str) -> None:
    with pytest.raises(settings.WrongSetting) as refused:
        settings.load({**RIGHT, name: value}, env_file=None)

    assert name in refused.value.sentence
    assert "\n" not in refused.value.sentence


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        ("", {"weekly", "monthly", "quarterly"}),
        ("quarterly, weekly", {"weekly", "quarterly"}),
        ("off", set()),
    ],
)
def test_digests_are_chosen(value: str, chosen: set[str]) -> None:
    assert settings.load({**RIGHT, "SEAMARK_DIGESTS": value}, env_file=None).digests == chosen


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SEAMARK_WORKING_HOURS", "9-17", "SEAMARK_WORKING_HOURS must look like Mon-Fri 9:00-17:00."),
        ("SEAMARK_HOLIDAYS", "Christmas", "SEAMARK_HOLIDAYS must look like 2026-12-25, 01-01."),
    ],
)
def test_wrong_hours_and_holidays_are_told_apart(name: str, value: str, sentence: str) -> None:
    with pytest.raises(settings.WrongSetting) as refused:
        settings.load({**RIGHT, name: value}, env_file=None)

    assert refused.value.sentence == sentence


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]),
        (
            RIGHT
            | {"SEAMARK_DIGESTS": "daily", "SEAMARK_HOLIDAYS": "Christmas", "SEAMARK_WORKING_HOURS": "9-17"}
            | {"SEAMARK_ZONE": "Berlin"},
            ["SEAMARK_ZONE", "SEAMARK_WORKING_HOURS", "SEAMARK_HOLIDAYS", "SEAMARK_DIGESTS"],
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once_a_sentence_each(given: dict[str, str], named: list[str]) -> None:
    with pytest.raises(settings.WrongSetting) as refused:
        settings.load(given, env_file=None)

    assert [line.split()[0] for line in refused.value.sentence.splitlines()] == named


def test_settings_show_no_token() -> None:
    shown = repr(settings.load({**RIGHT, "DATABASE_URL": "postgresql+psycopg://u:secret@h/d"}, env_file=None))

    assert "xoxb" not in shown
    assert "xapp" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "line",
    ["token xoxb-12-34-ab", "xapp-1-A0-9f", "xoxe.xoxb-1-abc", "postgresql+psycopg://u:secret@host/db failed"],
)
def test_log_line_has_no_token(line: str) -> None:
    assert "[masked]" in masked(line)
    assert not any(part in masked(line) for part in ("12-34", "A0-9f", "1-abc", "secret"))
