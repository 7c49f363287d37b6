"""The Slack app's manifest, which travels with the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def path() -> Path:
    """Where the manifest lies: beside the packages in a checkout, inside this one when installed."""
    beside = Path(__file__).parent.parent / "manifest.yml"
    return beside if beside.is_file() else Path(__file__).parent / "manifest.yml"


def text() -> str:
    return path().read_text(encoding="utf-8")


def load() -> dict[str, Any]:
    return dict(yaml.safe_load(text()))


def bot_scopes() -> set[str]:
    return set(load()["oauth_config"]["scopes"]["bot"])
