"""The demo plays a real incident to its end, and its documents hold what was really said."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import stories
from bot.report import Report
from bot.stories import Story
from tests.processes import TOP


def play(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", "demo", "--headless", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `seamark demo --headless` printed, and the folder with its documents."""
    out = tmp_path_factory.mktemp("demo")
    done = play(out)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, out


@pytest.fixture(scope="module")
def report(played: tuple[str, Path]) -> Report:
    return Report.model_validate_json((played[1] / "inc-1-retrospective-v1.json").read_text())


@pytest.fixture(scope="module")
def story() -> Story:
    return stories.read(*stories.shipped())


def test_document_holds_every_marked_message_in_order_with_its_author_and_time(report: Report, story: Story) -> None:
    names = {person.key: person.name for person in report.people}
    written = [
        (entry.at.replace(microsecond=0), names[entry.author], entry.text)
        for entry in report.timeline
        if entry.permalink and entry.author and entry.is_marked
    ]

    assert written == [
        (line.at.replace(microsecond=0), line.who, line.text) for line in story.lines if line.at in story.marks
    ]
    assert len(written) == 13


def test_durations_are_those_of_the_published_report(report: Report, story: Story) -> None:
    assert "The outage lasted for 47 minutes" in story.texts("impact")[0]
    assert timedelta(seconds=report.durations.resolve.seconds or 0) == timedelta(minutes=47)
    assert {one.kind: one.at for one in report.milestones} == story.milestones


def test_actions_were_followed_until_confirmed(played: tuple[str, Path]) -> None:
    assert "was reminded: ACT-1 Before retrying" in played[0]
    assert "Robin confirmed it." in played[0]


def test_documents_are_written_and_named(played: tuple[str, Path]) -> None:
    printed, out = played

    assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".html", ".json", ".md"]
    assert all(path.name in printed for path in out.iterdir())


def test_another_incident_file_can_be_given(tmp_path: Path) -> None:
    """A report without a talk: its own lines are said by its people."""
    minutes = [datetime.fromisoformat("2026-03-02T10:00:00+00:00") + timedelta(minutes=5 * n) for n in range(4)]
    told = ["deploy 41 begins", "errors rise", "deploy 41 is taken back", "errors are gone"]
    incident = {
        "title": "Deploy 41",
        "timeline": [
            {"at": at.isoformat(), "who": "dana", "text": text} for at, text in zip(minutes, told, strict=True)
        ],
        "key_times": {"started": minutes[0].isoformat(), "resolved": minutes[3].isoformat()},
    }
    file = tmp_path / "incident.json"
    file.write_text(json.dumps(incident))

    done = play(tmp_path / "out", "--incident", str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert "From started to resolved: 15 min." in done.stdout


@pytest.mark.parametrize(
    "content", ["", "[]", '{"title": "x", "timeline": []}', '{"title": "x", "timeline": [{"at": "?"}]}']
)
def test_file_that_is_no_incident_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "incident.json"
    file.write_text(content)

    done = play(tmp_path / "out", "--incident", str(file))

    assert done.returncode == 2
    assert "nothing was played" in done.stderr
    assert "Traceback" not in done.stderr
