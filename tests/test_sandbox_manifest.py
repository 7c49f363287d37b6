from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import manifest

SAMPLE: dict[str, Any] = {
    "_metadata": {"major_version": 2},
    "display_information": {"name": "Retro", "background_color": "#1d3557"},
    "features": {
        "bot_user": {"display_name": "retro"},
        "slash_commands": [{"command": "/retro", "description": "Run it", "should_escape": True}],
        "shortcuts": [{"name": "Mark", "type": "message", "callback_id": "mark", "description": "Mark it"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
    "settings": {
        "event_subscriptions": {"bot_events": ["message.channels"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}


def test_manifest_tells_what_the_app_has() -> None:
    assert manifest.check(SAMPLE) == []
    assert manifest.commands(SAMPLE) == {"/retro": SAMPLE["features"]["slash_commands"][0]}
    assert manifest.shortcuts(SAMPLE) == {"mark": SAMPLE["features"]["shortcuts"][0]}
    assert manifest.scopes(SAMPLE) == {"commands", "chat:write"}
    assert manifest.events(SAMPLE) == {"message.channels"}


def test_manifest_without_features_has_none() -> None:
    bare = {"display_information": {"name": "Retro"}}
    assert manifest.check(bare) == []
    assert manifest.commands(bare) == manifest.shortcuts(bare) == {}
    assert manifest.scopes(bare) == manifest.events(bare) == set()


def test_manifest_loads_yaml_json_and_dicts(tmp_path: Path) -> None:
    for name, text in (("m.yml", yaml.safe_dump(SAMPLE)), ("m.json", json.dumps(SAMPLE))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert manifest.load(tmp_path / name) == SAMPLE
        assert manifest.load(str(tmp_path / name)) == SAMPLE
    assert manifest.load(SAMPLE) == SAMPLE


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("bogus", 1, "Additional properties are not allowed ('bogus' was unexpected) [json-pointer:/]"),
        (
            "display_information/name",
            "x" * 36,
            f"'{'x' * 36}' is too long [json-pointer:/display_information/name]",
        ),
        (
            "display_information/background_color",
            "blue",
            "'blue' is no colour like #1d3557 [json-pointer:/display_information/background_color]",
        ),
        (
            "features/slash_commands/0/command",
            "retro",
            "'retro' does not match '^\\\\/' [json-pointer:/features/slash_commands/0/command]",
        ),
        (
            "features/shortcuts/0/type",
            "thread",
            "'thread' is not one of ['message', 'global'] [json-pointer:/features/shortcuts/0/type]",
        ),
    ],
)
def test_manifest_faults_have_their_place(path: str, value: Any, fault: str) -> None:
    broken: Any = copy.deepcopy(SAMPLE)
    *way, last = path.split("/")
    place = broken
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    assert manifest.check(broken) == [fault]
