from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from slack_sdk import WebClient

from tests.sandbox_app import MANIFEST

WORKSPACE = {
    "start": "2026-03-01T09:30:00Z",
    "tokens": {"bot": "xoxb-mine"},
    "people": [{"name": "alice", "tz": "Europe/London"}, {"name": "bob"}],
    "channels": [{"name": "ops", "members": ["alice"]}],
    "groups": [{"handle": "oncall", "members": ["bob"]}],
}


def command(folder: Path, **settings: object) -> list[str]:
    (folder / "manifest.yml").write_text(yaml.safe_dump(MANIFEST))
    workspace = yaml.safe_dump(WORKSPACE | settings).replace("'2026-03-01T09:30:00Z'", "2026-03-01T09:30:00Z")
    (folder / "workspace.yml").write_text(workspace)
    files = ["--manifest", str(folder / "manifest.yml"), "--config", str(folder / "workspace.yml")]
    return [sys.executable, "-m", "sandbox", *files]


@contextmanager
def started(line: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_sandbox_runs_by_itself_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with started(command(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        told = dict(process.stdout.readline().strip().split("=", 1) for _ in range(4))
        assert told["SLACK_BOT_TOKEN"] == "xoxb-mine"
        web = WebClient(told["SLACK_BOT_TOKEN"], base_url=told["SLACK_API_URL"])
        assert [channel["name"] for channel in web.conversations_list()["channels"]] == ["ops"]
        process.stdin.write("alice #ops good morning\nbob #ops me too\n")
        process.stdin.flush()
        assert process.stdout.readline() == "alice: good morning\n"
        assert process.stdout.readline() == "bob is not in ops\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_sandbox_goes_on_with_the_workspace_it_kept(tmp_path: Path) -> None:
    line = [*command(tmp_path), "--keep", str(tmp_path / "kept.json")]
    for typed, shown in (
        ("alice #ops hello", ["alice: hello"]),
        ("alice #ops again", ["alice: hello", "alice: again"]),
    ):
        with started(line) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{typed}\n")
            process.stdin.flush()
            assert [process.stdout.readline().strip() for _ in range(4 + len(shown))][4:] == shown
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_file_that_holds_no_kept_workspace_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{}")
    line = [*command(tmp_path), "--keep", str(tmp_path / "kept.json")]

    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=20)

    assert done.returncode == 2
    assert done.stderr.startswith("that is no kept workspace")
    assert (tmp_path / "kept.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"persons": []}, "has unknown settings: persons"),
        ({"channels": [{"name": "ops", "members": ["carol"]}]}, "channels: carol must be among the people"),
        ({"people": [{"nick": "al"}]}, "people: {'nick': 'al'} is not understood"),
        ({"start": "soon"}, "start: must be a moment"),
        ({"tokens": {"user": "xoxp"}}, "tokens: knows bot, app, signing_secret, not user"),
    ],
)
def test_workspace_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, settings: dict[str, object], sentence: str
) -> None:
    done = subprocess.run(command(tmp_path, **settings), capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
