"""The demo plays a real incident to its end, and its documents hold what was really said."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pytest

from bot import demo, demo_bot, demo_keeping, manifest, stories
from bot.report import Report
from bot.stories import Story
from sandbox import Sandbox
from tests.conftest import MONDAY, settings_for
from tests.processes import TOP
from tests.test_page import ask


def play(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", "demo", "--headless", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps its workspace."""
    return tmp_path_factory.mktemp("kept") / "demo.zip"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, kept: Path) -> tuple[str, Path]:
    """What `seamark demo --headless` printed, and the folder with its documents."""
    out = tmp_path_factory.mktemp("demo")
    done = play(out, "--keep", str(kept))
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
        (line.at.replace(microsecond=0), story.people[line.who].name, line.text)
        for line in story.lines
        if line.at in story.marks
    ]
    assert len(written) == 13


def test_document_calls_everybody_as_the_talk_does(report: Report, story: Story) -> None:
    known = {somebody.name for somebody in (*story.people.values(), demo.FACILITATOR)}
    assert {person.name for person in report.people} <= known


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


@pytest.mark.slow
def test_bot_in_a_process_of_its_own_knows_at_once_that_the_clock_was_moved(tmp_path: Path) -> None:
    with Sandbox(manifest=manifest.load(), start=MONDAY) as slack:
        alice = slack.person("alice")
        ops = slack.channel("ops", members=[alice])
        with demo_bot.beside(settings_for(slack, f"sqlite:///{tmp_path}/demo.db"), slack):
            alice.types("/incident declare Deploy 41", ops)
            alice.form.fill({"Where": "This channel"}).submit()
            answers = []
            for _ in range(4):
                slack.clock.advance(hours=1)
                answers.append(alice.types(f"/incident mark {slack.clock.now():%Y-%m-%d %H:%M}Z errors rise", ops).text)

    assert [answer for answer in answers if "Nothing was marked" in answer] == []


# --- kept, and gone on with ------------------------------------------------------------------------------


class Visit:
    """`seamark demo` with a page, on a terminal of its own; `printed` is what stands there so far."""

    def __init__(self, kept: Path, *, skips: bool = False) -> None:
        self._skips = skips
        self._terminal, other_end = pty.openpty()
        command = [sys.executable, "-m", "bot", "demo", "--no-open", "--keep", str(kept), "--out", str(kept.parent)]
        self._process = subprocess.Popen(command, cwd=TOP, stdin=other_end, stdout=other_end, stderr=other_end)
        os.close(other_end)
        self.printed = ""

    def __enter__(self) -> Self:
        while "Ctrl-C ends it." not in self.printed:
            self.printed += os.read(self._terminal, 4096).decode(errors="replace")
            if self._skips and "(Ctrl-C ends it" in self.printed:
                self._skips = False
                do(self.address, "", do="story", skipped=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.send_signal(signal.SIGINT)
        with suppress(OSError):  # EIO: the other end is closed
            while said := os.read(self._terminal, 4096).decode():
                self.printed += said
        os.close(self._terminal)
        self.status = self._process.wait(20)

    @property
    def address(self) -> str:
        found = re.search(r"127\.0\.0\.1:\d+", self.printed)
        assert found is not None
        return found[0]


def seen(address: str, **query: str) -> Any:
    return json.loads(ask(address, f"/page/state?{urlencode(query)}").content)


def button(message: Any, label: str) -> dict[str, str]:
    """Which element of the message has that label."""
    return next(
        {"block": block["block_id"], "action": element["action_id"]}
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["text"]["text"] == label
    )


def do(address: str, user_id: str, **deed: Any) -> None:
    assert "error" not in json.loads(ask(address, f"/page/do?as={user_id}", method="POST", body=deed).content)


@pytest.mark.slow
def test_story_ends_with_what_to_try_first_on_the_page_and_on_the_terminal(tmp_path: Path) -> None:
    with Visit(tmp_path / "demo.zip", skips=True) as visit:
        at = visit.address
        told, room = seen(at)["story"], next(one["id"] for one in seen(at)["rooms"] if one["name"] == "testing-ops")
        do(at, "", do="command", room=room, text="/incident status")
        answer = json.dumps(seen(at, room=room)["room"]["messages"][-1])

    assert "INC-1" in answer
    assert told["text"] == demo.OVER
    assert all(line in visit.printed for line in demo.OVER.splitlines())


@pytest.mark.slow
def test_kept_demo_goes_on_where_it_was(played: tuple[str, Path], kept: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copy(kept, tmp_path))
    with Visit(mine) as visit:
        at = visit.address
        robin = next(one["id"] for one in seen(at)["people"] if one["real_name"] == "Robin")
        room = next(one["id"] for one in seen(at, **{"as": robin})["rooms"] if one["name"] == "testing-ops")
        there = seen(at, **{"as": robin}, room=room)
        opening = next(one for one in there["room"]["messages"] if "(SEV2" in one["text"])
        assert there["story"]["over"]
        assert datetime.fromtimestamp(there["now"], UTC).date() == date(2019, 3, 13)

        do(at, robin, do="act", room=room, ts=opening["ts"], **button(opening, "Timeline"))
        answer = seen(at, **{"as": robin}, room=room)["room"]["messages"][-1]
        assert (answer["ephemeral"], "stevekuznetsov" in json.dumps(answer)) == (True, True)
        do(at, robin, do="say", room=room, text="Back again")
        do(at, robin, do="clock", days=2)
    assert visit.status == 0

    with Sandbox(manifest=manifest.load(), kept=demo_keeping.read(mine).workspace) as slack:
        assert slack.person_by_id(robin).sees(slack.find_channel("testing-ops"))[-1].text == "Back again"
        assert slack.clock.now().date() == date(2019, 3, 15)


def test_headless_demo_with_a_kept_workspace_plays_nothing(
    played: tuple[str, Path], kept: Path, tmp_path: Path
) -> None:
    done = play(tmp_path / "out", "--keep", str(shutil.copy(kept, tmp_path)))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"This is the workspace of {tmp_path}/demo.zip, at Wednesday, 13 March 2019")
    assert not (tmp_path / "out").exists()


def _damaged(kept: Path, **parts: bytes) -> bytes:
    """The kept file with some of its parts replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(kept) as whole, zipfile.ZipFile(made, "w") as other:
        for name in whole.namelist():
            other.writestr(name, parts.get(name.partition(".")[0], whole.read(name)))
    return made.getvalue()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _: b"SQLite format 3\0", "it is damaged, or something else"),
        (lambda kept: kept.read_bytes()[:50_000], "it is damaged, or something else"),
        (lambda kept: _damaged(kept, workspace=b"{}"), "its workspace is damaged, or another version's"),
        (lambda kept: _damaged(kept, seamark=b"SQLite format 3\0" + bytes(9000)), "its database is damaged"),
    ],
)
def test_kept_file_that_is_none_is_refused_and_left_alone(
    played: tuple[str, Path], kept: Path, tmp_path: Path, damage: Callable[[Path], bytes], why: str
) -> None:
    file = tmp_path / "mine.zip"
    file.write_bytes(damage(kept))
    before = file.read_bytes()

    with pytest.raises(demo_keeping.NotKept, match=f"mine.zip cannot be gone on with: {why}"):
        demo.play(tmp_path, keep=file)

    assert file.read_bytes() == before


def test_place_that_cannot_be_kept_at_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    with pytest.raises(demo_keeping.CannotBeKept, match="There is no folder"):
        demo.play(tmp_path, keep=tmp_path / "nowhere" / "demo.zip")
