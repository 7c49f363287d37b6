"""A workspace described in YAML: who is there, and in which channels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.driver import Person, Sandbox

Json = dict[str, Any]

_SETTINGS = {"start", "port", "ack_seconds", "tokens", "people", "channels", "groups", "deliver_to"}
_TOKENS = {"bot": "bot_token", "app": "app_token", "signing_secret": "signing_secret"}


class ConfigError(Exception):
    """The description of the workspace cannot be used; the message says why."""


def load(path: Path) -> Json:
    """The description as it stands in the file. ConfigError when it is no YAML mapping, or has unknown settings."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path} must hold settings such as `people:` and `channels:`")
    unknown = sorted(set(config) - _SETTINGS)
    if unknown:
        raise ConfigError(f"{path} has unknown settings: {', '.join(unknown)}; known: {', '.join(sorted(_SETTINGS))}")
    return config


def options(config: Json) -> Json:
    """What `Sandbox` is made with. A `start` without a zone is UTC."""
    chosen: Json = {name: config[name] for name in ("port", "ack_seconds") if name in config}
    if "start" in config:
        start = config["start"]
        if not isinstance(start, datetime):
            raise ConfigError("start: must be a moment such as 2026-03-01T09:30:00Z")
        chosen["start"] = start if start.tzinfo else start.replace(tzinfo=UTC)
    return chosen


def furnish(slack: Sandbox, config: Json) -> dict[str, Person]:
    """Put tokens, people, channels and groups in place; the people by name."""
    for name, value in config.get("tokens", {}).items():
        if name not in _TOKENS:
            raise ConfigError(f"tokens: knows {', '.join(_TOKENS)}, not {name}")
        setattr(slack.server.site.ws, _TOKENS[name], str(value))
    people: dict[str, Person] = {}
    for entry in config.get("people", []):
        person = _made(slack.person, "people", entry)
        people[person.name] = person
    for kind, make in (("channels", slack.channel), ("groups", slack.group)):
        for entry in config.get(kind, []):
            names = entry.get("members", [])
            strangers = [name for name in names if name not in people]
            if strangers:
                raise ConfigError(f"{kind}: {', '.join(strangers)} must be among the people")
            _made(make, kind, entry | {"members": [people[name] for name in names]})
    return people


def _made(make: Any, kind: str, entry: Any) -> Any:
    try:
        return make(**entry)
    except TypeError as error:
        raise ConfigError(f"{kind}: {entry} is not understood ({error})") from error
