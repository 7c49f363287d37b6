"""Settings, from the environment or `.env`; a wrong one is told in a sentence that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from dotenv import dotenv_values
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot import working_hours
from bot.errors import Refusal
from bot.kinds import TYPED
from bot.working_hours import WorkingHours


class WrongSetting(Refusal):
    """A setting is wrong or missing; nothing was started."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


DIGESTS = frozenset({"weekly", "monthly", "quarterly"})
"""What is posted regularly unless it is switched off: the overdue list, and the review with figures."""


@dataclass(frozen=True)
class Settings:
    """What an operator decides. Tokens never appear in `repr`, and so not in a log.

    `zone` is the IANA zone of the team, for what is said to a channel; a person is spoken to in their own.
    """

    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    slack_api_url: str = "https://slack.com/api/"
    database_url: str = field(default="sqlite:///seamark.db", repr=False)
    host: str = "0.0.0.0"  # noqa: S104 - in HTTP mode a balancer or Slack itself must reach it
    port: int = 3000
    announce_channel: str = ""
    brief_channel: str = ""
    log_format: str = "text"
    mark_reactions: Mapping[str, str | None] = field(default_factory=lambda: dict(DEFAULT_REACTIONS))
    guides_folder: Path | None = None
    zone: str = "UTC"
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    follow_up_channel: str = ""
    digests: frozenset[str] = DIGESTS

    @property
    def socket_mode(self) -> bool:
        return bool(self.app_token)


DEFAULT_REACTIONS: Mapping[str, str | None] = {"pushpin": None}
"""Emoji that mark a message, each with the kind it gives, or None to leave the kind as it is."""


def load(environment: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings; the environment goes before `env_file`. Raises `WrongSetting`, which names every fault."""
    settings, wrong = read(environment, env_file=env_file)
    if wrong:
        raise WrongSetting(*(sentence for sentences in wrong.values() for sentence in sentences))
    return settings


def read(
    environment: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")
) -> tuple[Settings, dict[str, tuple[str, ...]]]:
    """The settings as far as they are right, and for each field that is wrong, which has its default, why."""
    given = _values(environment, env_file)
    right: dict[str, Any] = {"bot_token": ""}
    wrong = {}
    for name, reading in _READINGS.items():
        try:
            right[name] = reading(given)
        except WrongSetting as fault:
            wrong[name] = fault.sentences
    return Settings(**right), wrong


def database_url(given: Mapping[str, str] | None = None) -> str:
    """The database's address alone, for commands that need no Slack. Raises `WrongSetting`."""
    values = _values(None, Path(".env")) if given is None else given
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", values.get("DATABASE_URL") or "sqlite:///seamark.db")
    try:
        name = make_url(url).drivername
    except ArgumentError:
        name = ""
    if name not in {"sqlite", "postgresql+psycopg"}:
        raise WrongSetting(
            "DATABASE_URL is no address that Seamark can use: write sqlite:///seamark.db or postgresql+psycopg://user@host/name."
        )
    return url


def guides_folder() -> Path | None:
    """The folder of the team's own guides alone, for commands that need no Slack. Raises `WrongSetting`."""
    return _folder("SEAMARK_GUIDES", values())


def values() -> dict[str, str]:
    """Everything that is set, from the environment and `.env`."""
    return _values(None, Path(".env"))


def zone(given: Mapping[str, str]) -> str:
    """The team's zone alone. Raises `WrongSetting`."""
    name = given.get("SEAMARK_ZONE") or "UTC"
    if name not in available_timezones():
        raise WrongSetting("SEAMARK_ZONE must be the name of a time zone like Europe/Berlin.")
    return name


def mark_reactions(given: Mapping[str, str]) -> dict[str, str | None]:
    """The emoji that mark, alone. Raises `WrongSetting`."""
    return _reactions(given.get("SEAMARK_MARK_REACTIONS", ""))


def _values(environment: Mapping[str, str] | None, env_file: Path | None) -> dict[str, str]:
    from_file = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    merged = {**from_file, **(os.environ if environment is None else environment)}
    return {name: value.strip() for name, value in merged.items() if value is not None}


def _bot_token(given: Mapping[str, str]) -> str:
    token = given.get("SLACK_BOT_TOKEN", "")
    if not token:
        raise WrongSetting("SLACK_BOT_TOKEN is missing: copy the bot token (xoxb-…) from the app's page, Install App.")
    if not token.startswith(("xoxb-", "xoxe.xoxb-")):
        raise WrongSetting("SLACK_BOT_TOKEN is not a bot token: it begins with xoxb-. Copy it from Install App.")
    return token


def _app_token(given: Mapping[str, str]) -> str:
    token = given.get("SLACK_APP_TOKEN", "")
    if token and not token.startswith("xapp-"):
        raise WrongSetting(
            "SLACK_APP_TOKEN is not an app-level token: it begins with xapp-. Make one under Basic Information."
        )
    if not token and not given.get("SLACK_SIGNING_SECRET"):
        raise WrongSetting(
            "SLACK_APP_TOKEN (for Socket Mode) or SLACK_SIGNING_SECRET (for HTTP) is missing: set one of them."
        )
    return token


def _api_url(value: str) -> str:
    url = value or "https://slack.com/api/"
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise WrongSetting("SLACK_API_URL is no web address: leave it out, or write e.g. http://127.0.0.1:8080/api/.")
    return url if url.endswith("/") else url + "/"


def _number(name: str, value: str, least: int, most: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= most:
        raise WrongSetting(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise WrongSetting(f"{name} must be one of {', '.join(allowed)}.")
    return value


def _channel(name: str, given: Mapping[str, str]) -> str:
    value = given.get(name, "")
    if value and not re.fullmatch(r"[CG][A-Z0-9]{2,}", value):
        raise WrongSetting(f"{name} must be a channel's id like C0123456789 (in the channel's details, at the bottom).")
    return value


def _reactions(value: str) -> dict[str, str | None]:
    if not value:
        return dict(DEFAULT_REACTIONS)
    chosen: dict[str, str | None] = {}
    for pair in value.split(","):
        emoji, _, kind = pair.strip().partition("=")
        if not re.fullmatch(r":?[a-z0-9_+'-]+:?", emoji.strip()):
            raise WrongSetting(
                "SEAMARK_MARK_REACTIONS must look like pushpin,brain=hypothesis,white_check_mark=decision."
            )
        if kind.strip() and kind.strip() not in TYPED:
            raise WrongSetting(f"SEAMARK_MARK_REACTIONS gives the kind {kind.strip()}; kinds are {', '.join(TYPED)}.")
        chosen[emoji.strip().strip(":")] = kind.strip() or None
    return chosen


def _folder(name: str, given: Mapping[str, str]) -> Path | None:
    value = given.get(name, "")
    if value and not Path(value).is_dir():
        raise WrongSetting(f"{name} names a folder that is not there.")
    return Path(value) if value else None


def _working_hours(hours: str, holidays: str) -> WorkingHours:
    wrong, chosen = [], WorkingHours()
    try:
        chosen = working_hours.parse(hours, "")
    except working_hours.NoSuchHours:
        wrong.append("SEAMARK_WORKING_HOURS must look like Mon-Fri 9:00-17:00.")
    try:
        chosen = working_hours.parse("" if wrong else hours, holidays)
    except working_hours.NoSuchHoliday:
        wrong.append("SEAMARK_HOLIDAYS must look like 2026-12-25, 01-01.")
    if wrong:
        raise WrongSetting(*wrong)
    return chosen


def _digests(name: str, given: Mapping[str, str]) -> frozenset[str]:
    value = given.get(name, "")
    chosen = frozenset(word.strip() for word in value.split(",") if word.strip()) or DIGESTS
    if chosen == {"off"}:
        return frozenset()
    if not chosen <= DIGESTS:
        raise WrongSetting(f"{name} must be off, or some of weekly,monthly,quarterly.")
    return chosen


_READINGS: Mapping[str, Callable[[Mapping[str, str]], object]] = {
    "bot_token": _bot_token,
    "app_token": _app_token,
    "signing_secret": lambda given: given.get("SLACK_SIGNING_SECRET", ""),
    "slack_api_url": lambda given: _api_url(given.get("SLACK_API_URL", "")),
    "database_url": database_url,
    "host": lambda given: given.get("HOST") or "0.0.0.0",  # noqa: S104
    "port": lambda given: _number("PORT", given.get("PORT") or "3000", 1, 65535),
    "announce_channel": partial(_channel, "SEAMARK_ANNOUNCE_CHANNEL"),
    "brief_channel": partial(_channel, "SEAMARK_BRIEF_CHANNEL"),
    "log_format": lambda given: _one_of(
        "SEAMARK_LOG_FORMAT", given.get("SEAMARK_LOG_FORMAT") or "text", ("text", "json")
    ),
    "mark_reactions": mark_reactions,
    "guides_folder": partial(_folder, "SEAMARK_GUIDES"),
    "zone": zone,
    "working_hours": lambda given: _working_hours(
        given.get("SEAMARK_WORKING_HOURS", ""), given.get("SEAMARK_HOLIDAYS", "")
    ),
    "follow_up_channel": partial(_channel, "SEAMARK_FOLLOW_UP_CHANNEL"),
    "digests": partial(_digests, "SEAMARK_DIGESTS"),
}
"""How each field of `Settings` is read from everything that is given."""
