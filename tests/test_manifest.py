"""The manifest asks for what is used, and for nothing else; what is registered is in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot import app, manifest
from bot.reports import Books
from sandbox import manifest as slack_manifest
from sandbox.delivery import _OPENS as OPENED_BY_SCOPE
from sandbox.web_api.call import METHODS
from tests.processes import TOP

MESSAGES = {"message.channels", "message.groups"}
"""What Slack calls the event `message` in a manifest, by kind of channel."""

HOUSEKEEPING = {"commands", "chat:write.public"}
"""Scopes that no method or event names: slash commands and shortcuts; posting where the bot is no member."""


class Registered:
    """Stands where Bolt's `App` stands, and writes down what features register with it."""

    def __init__(self) -> None:
        self.commands: set[str] = set()
        self.events: set[str] = set()
        self.shortcuts: set[str] = set()

    def command(self, name: str, **_: object) -> Callable[..., Any]:
        self.commands.add(name)
        return lambda listener: listener

    def event(self, wanted: str | dict[str, Any], **_: object) -> Callable[..., Any]:
        name = wanted if isinstance(wanted, str) else str(wanted["type"])
        self.events |= MESSAGES if name == "message" else {name}
        return lambda listener: listener

    def shortcut(self, name: str, **_: object) -> Callable[..., Any]:
        self.shortcuts.add(name)
        return lambda listener: listener

    def __getattr__(self, _: str) -> Callable[..., Callable[..., Any]]:
        return lambda *_args, **_options: lambda listener: listener


def registered() -> Registered:
    everything: Any = Registered()
    app.register_features(everything, Books.load(None))
    return everything  # type: ignore[no-any-return]


def methods_used() -> set[str]:
    """The Web API methods called in the product, e.g. `chat.postMessage`."""
    known = {name.replace(".", "_").lower(): name for name in METHODS}
    calls = {
        call.lower()
        for folder in ("handlers", "bot")
        for path in (TOP / folder).rglob("*.py")
        if path.name != "demo.py"
        for call in re.findall(r"client\.([a-zA-Z_]+)\b", path.read_text())
    }
    if "files_upload_v2" in calls:
        calls |= {"files_getuploadurlexternal", "files_completeuploadexternal"}
    return {known[call] for call in calls if call in known}


def test_slack_would_take_the_manifest() -> None:
    assert slack_manifest.check(manifest.load()) == []


def test_commands_events_and_shortcuts_are_those_registered() -> None:
    asked, code = manifest.load(), registered()

    assert slack_manifest.events(asked) == code.events
    assert set(slack_manifest.commands(asked)) == code.commands
    assert {one["callback_id"] for one in asked["features"]["shortcuts"]} == code.shortcuts


def test_every_scope_is_needed_by_a_method_or_an_event() -> None:
    events = slack_manifest.events(manifest.load())
    by_event = {scope for scope, opened in OPENED_BY_SCOPE.items() if events & set(opened)}
    by_method = {scope for name in methods_used() for scope in METHODS[name].scopes}

    assert manifest.bot_scopes() - by_event - by_method - HOUSEKEEPING == set()


def test_every_method_used_has_a_scope() -> None:
    granted = manifest.bot_scopes()

    assert [
        name for name in sorted(methods_used()) if METHODS[name].scopes and not granted & set(METHODS[name].scopes)
    ] == []
