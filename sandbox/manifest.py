"""The app's manifest as Slack reads it (schema: github slackapi/manifest-schema)."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

Json = dict[str, Any]
_SCHEMA: Json = json.loads(files("sandbox").joinpath("manifest.schema.json").read_text())


def load(source: str | Path | Json) -> Json:
    """A manifest from a YAML or JSON file, or the dict itself."""
    if isinstance(source, dict):
        return source
    manifest: Json = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    return manifest


def check(manifest: Json) -> list[str]:
    """Faults against Slack's schema, each with its JSON pointer; empty when Slack would take it."""
    errors = sorted(Draft7Validator(_SCHEMA).iter_errors(manifest), key=lambda error: list(map(str, error.path)))
    faults = [f"{e.message} [json-pointer:/{'/'.join(map(str, e.absolute_path))}]" for e in errors]
    return faults + _color_faults(manifest)


def _color_faults(manifest: Json) -> list[str]:
    """The colour's form, which the schema means to tell but misspells (`regex` for `pattern`)."""
    color = manifest.get("display_information", {}).get("background_color", "#000")
    if re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", str(color)):
        return []
    return [f"{color!r} is no colour like #1d3557 [json-pointer:/display_information/background_color]"]


def commands(manifest: Json) -> dict[str, Json]:
    """Slash commands by name (with the slash)."""
    return {c["command"]: c for c in manifest.get("features", {}).get("slash_commands", [])}


def shortcuts(manifest: Json) -> dict[str, Json]:
    """Shortcuts by callback_id."""
    return {s["callback_id"]: s for s in manifest.get("features", {}).get("shortcuts", [])}


def scopes(manifest: Json) -> set[str]:
    """The bot token's scopes."""
    return set(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))


def events(manifest: Json) -> set[str]:
    """Event types the bot subscribes to, e.g. `message.channels`."""
    return set(manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events", []))
