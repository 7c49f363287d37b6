"""Settings, from the environment or `.env`; a wrong one is told in a sentence that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
    """Read the settings; the environment goes before `env_file`. Raises `WrongSetting`."""
    given = _values(environment, env_file)
    bot_token = given.get("SLACK_BOT_TOKEN", "")
    if not bot_token:
        raise WrongSetting("SLACK_BOT_TOKEN is missing: copy the bot token (xoxb-…) from the app's page, Install App.")
    if not bot_token.startswith(("xoxb-", "xoxe.xoxb-")):
        raise WrongSetting("SLACK_BOT_TOKEN is not a bot token: it begins with xoxb-. Copy it from Install App.")
    app_token, secret = given.get("SLACK_APP_TOKEN", ""), given.get("SLACK_SIGNING_SECRET", "")
    if app_token and not app_token.startswith("xapp-"):
        raise WrongSetting(
            "SLACK_APP_TOKEN is not an app-level token: it begins with xapp-. Make one under Basic Information."
        )
    if not app_token and not secret:
        raise WrongSetting(
            "SLACK_APP_TOKEN (for Socket Mode) or SLACK_SIGNING_SECRET (for HTTP) is missing: set one of them."
        )
    return Settings(
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=secret,
        slack_api_url=_api_url(given.get("SLACK_API_URL", "")),
        database_url=database_url(given),
        host=given.get("HOST") or "0.0.0.0",  # noqa: S104
        port=_number("PORT", given.get("PORT") or "3000", 1, 65535),
        announce_channel=_channel("SEAMARK_ANNOUNCE_CHANNEL", given.get("SEAMARK_ANNOUNCE_CHANNEL", "")),
        brief_channel=_channel("SEAMARK_BRIEF_CHANNEL", given.get("SEAMARK_BRIEF_CHANNEL", "")),
        log_format=_one_of("SEAMARK_LOG_FORMAT", given.get("SEAMARK_LOG_FORMAT") or "text", ("text", "json")),
        mark_reactions=_reactions(given.get("SEAMARK_MARK_REACTIONS", "")),
        guides_folder=_folder("SEAMARK_GUIDES", given.get("SEAMARK_GUIDES", "")),
        zone=_zone("SEAMARK_ZONE", given.get("SEAMARK_ZONE") or "UTC"),
        working_hours=_working_hours(given.get("SEAMARK_WORKING_HOURS", ""), given.get("SEAMARK_HOLIDAYS", "")),
        follow_up_channel=_channel("SEAMARK_FOLLOW_UP_CHANNEL", given.get("SEAMARK_FOLLOW_UP_CHANNEL", "")),
        digests=_digests("SEAMARK_DIGESTS", given.get("SEAMARK_DIGESTS", "")),
    )


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
    return _folder("SEAMARK_GUIDES", _values(None, Path(".env")).get("SEAMARK_GUIDES", ""))


def values() -> dict[str, str]:
    """Everything that is set, from the environment and `.env`."""
    return _values(None, Path(".env"))


def zone(given: Mapping[str, str]) -> str:
    """The team's zone alone. Raises `WrongSetting`."""
    return _zone("SEAMARK_ZONE", given.get("SEAMARK_ZONE") or "UTC")


def mark_reactions(given: Mapping[str, str]) -> dict[str, str | None]:
    """The emoji that mark, alone. Raises `WrongSetting`."""
    return _reactions(given.get("SEAMARK_MARK_REACTIONS", ""))


def _values(environment: Mapping[str, str] | None, env_file: Path | None) -> dict[str, str]:
    from_file = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    merged = {**from_file, **(os.environ if environment is None else environment)}
    return {name: value.strip() for name, value in merged.items() if value is not None}


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


def _channel(name: str, value: str) -> str:
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


def _folder(name: str, value: str) -> Path | None:
    if value and not Path(value).is_dir():
        raise WrongSetting(f"{name} names a folder that is not there.")
    return Path(value) if value else None


def _zone(name: str, value: str) -> str:
    if value not in available_timezones():
        raise WrongSetting(f"{name} must be the name of a time zone like Europe/Berlin.")
    return value


def _working_hours(hours: str, holidays: str) -> WorkingHours:
    try:
        return working_hours.parse(hours, holidays)
    except working_hours.NoSuchHours as fault:
        raise WrongSetting("SEAMARK_WORKING_HOURS must look like Mon-Fri 9:00-17:00.") from fault
    except working_hours.NoSuchHoliday as fault:
        raise WrongSetting("SEAMARK_HOLIDAYS must look like 2026-12-25, 01-01.") from fault


def _digests(name: str, value: str) -> frozenset[str]:
    chosen = frozenset(word.strip() for word in value.split(",") if word.strip()) or DIGESTS
    if chosen == {"off"}:
        return frozenset()
    if not chosen <= DIGESTS:
        raise WrongSetting(f"{name} must be off, or some of weekly,monthly,quarterly.")
    return chosen
