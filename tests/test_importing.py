"""`seamark import`, on a real export of 2016, a real one of 2019, and made ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot import capture, exports, importing, incidents
from bot.app import Seamark
from bot.importing import Outcome, Wanted
from sandbox import Sandbox
from storage import entries, migrate
from storage.db import Database
from storage.models import Entry, Evidence, Incident, Mark
from tests import made_export
from tests.conftest import Team
from tests.processes import TOP

OLD = Path(__file__).parent / "data" / "slack_export_2016"
TALK = TOP / "stories" / "k8s_testing_ops"
NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)


def export_of(path: Path, messages: dict[str, list[Any]], *, channels: str = "channels.json") -> Path:
    """A folder with one channel, `ops`; `messages` by the name of the file."""
    (path / "ops").mkdir(parents=True)
    (path / channels).write_text(json.dumps([{"id": "C1", "name": "ops", "members": ["U1"]}]))
    (path / "users.json").write_text(json.dumps([{"id": "U1", "team_id": "T1", "name": "ada", "tz": "UTC"}]))
    for name, said in messages.items():
        (path / "ops" / name).write_text(json.dumps(said))
    return path


def said(second: int, text: str, **others: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "ts": f"{1_709_300_000 + second}.000100", "text": text, **others}


def texts(db: Database) -> list[str]:
    with db.reading() as session:
        return [one.text for one in entries.of_incident(session, session.exec(select(Incident)).one().id)]


def imported(db: Database, path: Path, channel: str = "ops", **wanted: Any) -> Outcome:
    return importing.run(db, path, Wanted(channel, **wanted), now=NOW)


@pytest.fixture
def fresh(db: Database) -> Database:
    migrate.upgrade(db)
    return db


# --- real exports -----------------------------------------------------------------------------------------


def test_export_of_2016_is_imported_with_what_its_apps_said(fresh: Database) -> None:
    outcome = imported(fresh, OLD, "enrique")

    assert (outcome.added, dict(outcome.skipped), outcome.faults) == (96, {"Slack's own notices, such as joins": 6}, [])
    with fresh.reading() as session:
        rows = session.exec(select(Entry)).all()
        by_app = [one for one in rows if one.app_name]
    assert len([one for one in by_app if one.text]) == len(by_app) > 50


def test_files_of_2016_and_the_comment_on_one_are_kept(fresh: Database) -> None:
    imported(fresh, OLD, "traveling-sailor")

    with fresh.reading() as session:
        rows = [one for one in session.exec(select(Entry)) if (one.subtype or "").startswith("file_")]
    assert [(one.subtype, one.author_id, len(one.files)) for one in rows] == [
        ("file_share", "U0BMS113R", 1),
        ("file_share", "U0BMS113R", 1),
        ("file_comment", "U0BMS113R", 1),
        ("file_share", "U0BMQB6JE", 1),
    ]


def test_export_again_adds_nothing(fresh: Database) -> None:
    first = imported(fresh, TALK, "testing-ops")
    again = imported(fresh, TALK, "testing-ops")

    assert (first.added, again.added, again.skipped["there already"]) == (146, 0, 146)
    assert importing.in_words(again).startswith("INC-1: no message of #testing-ops from 2019-02-05")
    with fresh.reading() as session:
        assert len(session.exec(select(Incident)).all()) == 1


def test_part_of_an_export_by_day(fresh: Database) -> None:
    since = importing.moment_named("2019-02-05", "America/Los_Angeles", end=False)
    until = importing.moment_named("2019-02-05", "America/Los_Angeles", end=True)

    outcome = imported(fresh, TALK, "testing-ops", since=since, until=until)

    assert (outcome.added, dict(outcome.skipped)) == (95, {"outside of the time asked for": 51})
    with fresh.reading() as session:
        [incident] = session.exec(select(Incident)).all()
    assert incident.title == "#testing-ops, 2019-02-05"
    assert (incident.status, incident.update_due_at, incident.next_look_at) == ("closed", None, None)


def test_imported_incident_is_found_in_the_list_and_has_no_channel_to_capture(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    imported(seamark.db, TALK, "testing-ops")

    listed = team.alice.types("/incident list", team.ops).text
    assert listed == "• *INC-1 #testing-ops, 2019-02-05 to 2019-02-09* · SEV3 · closed"
    assert team.alice.types("/incident status", team.ops).text.startswith("This channel is not about an incident")


# --- layouts and oddities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "Team Slack export Jan 1 2024/"])
def test_zip_with_or_without_a_folder_around_it(fresh: Database, tmp_path: Path, around: str) -> None:
    path = made_export.write(tmp_path / "export.zip", 20, around=around)

    assert imported(fresh, path).added == 20


def test_message_in_pieces_of_any_size_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = said(1, 'ö"\\ ]}, ' * 3000)
    path = export_of(tmp_path / "x", {"2024-03-01.json": [long, said(2, "short"), [], "x", said(3, "]")]})

    for size in (1, 7, 1000, 65_536):
        monkeypatch.setattr(exports, "CHUNK", size)
        with exports.opened(path) as export:
            [day] = export.day_files(export.channel("ops"))
            read = [one for one, _ in export.messages(day)]
        assert read == [long, said(2, "short"), [], "x", said(3, "]")]


def test_what_is_skipped_is_said_with_its_reason(fresh: Database, tmp_path: Path) -> None:
    path = export_of(
        tmp_path / "x",
        {
            "2024-03-01.json": [
                said(1, "kept"),
                said(2, "<@U1> has joined the channel", subtype="channel_join"),
                said(3, "This message was deleted.", subtype="tombstone", user="USLACKBOT"),
                {"type": "message", "text": "no time"},
                "nonsense",
            ],
            "canvas_in_the_conversation.json": [{"id": "F1"}],
        },
    )
    (path / "ops" / "2024-03-02.json").write_text('[{"type": "message", "ts": "1709300100.000100", "text": "half')

    told = importing.in_words(imported(fresh, path))

    assert told == (
        "INC-1: 1 message of #ops from 2024-03-01 13:33 to 2024-03-01 13:33 UTC is new on its timeline.\n"
        "Skipped 1: Slack's own notices, such as joins.\n"
        "Skipped 1: canvas_in_the_conversation.json, which holds no messages.\n"
        "Skipped 1: deleted by its author.\n"
        "Skipped 2: not a message.\n"
        "Not read: 2024-03-02.json is no JSON from character 1 on."
    )


def test_reply_in_another_file_than_its_parent_and_thread_without_parent(fresh: Database, tmp_path: Path) -> None:
    parent = said(1, "parent", thread_ts="1709300001.000100", reply_count=1)
    reply = said(90_000, "reply of the next day", thread_ts="1709300001.000100")
    orphan = said(90_001, "whose parent is gone", thread_ts="1709200000.000100")
    path = export_of(tmp_path / "x", {"2024-03-02.json": [reply, orphan], "2024-03-01.json": [parent]})

    imported(fresh, path)

    with fresh.reading() as session:
        threads = {one.text: one.thread_ts for one in session.exec(select(Entry))}
    assert threads == {
        "parent": None,
        "reply of the next day": "1709300001.000100",
        "whose parent is gone": "1709200000.000100",
    }


def test_reactions_blocks_edits_links_and_hidden_files_come_along(fresh: Database, tmp_path: Path) -> None:
    blocks = [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "only "}, {"type": "user", "user_id": "U1"}],
                }
            ],
        }
    ]
    path = export_of(
        tmp_path / "x",
        {
            "2024-03-01.json": [
                said(1, "rolled back", reactions=[{"name": "pushpin", "users": ["U1", "U2"], "count": 2}]),
                said(2, "", blocks=blocks),
                said(3, "see https://grafana.example.com/d/1", edited={"user": "U1", "ts": "1709300009.000000"}),
                said(4, "", files=[{"id": "F1", "mode": "hidden_by_limit"}]),
            ]
        },
    )

    imported(fresh, path, reactions={"pushpin": None})

    with fresh.reading() as session:
        rows = session.exec(select(Entry).order_by(Entry.ts)).all()
        marks = {(one.marker_id, one.way) for one in session.exec(select(Mark))}
        links = [(one.kind, one.url) for one in session.exec(select(Evidence))]
    assert [one.text for one in rows] == ["rolled back", "only <@U1>", "see https://grafana.example.com/d/1", ""]
    assert [one.is_marked for one in rows] == [True, False, False, False]
    assert marks == {("U1", "reaction:pushpin"), ("U2", "reaction:pushpin")}
    assert links == [("dashboard", "https://grafana.example.com/d/1")]
    assert rows[2].edited_at == datetime.fromtimestamp(1709300009, UTC)
    assert rows[3].files == [{"id": "F1", "mode": "hidden_by_limit"}]


def test_newer_export_brings_the_edits_and_the_days_since(fresh: Database, tmp_path: Path) -> None:
    before = export_of(tmp_path / "a", {"2024-03-01.json": [said(1, "deploy 41"), said(2, "same")]})
    edited = said(1, "deploy 42", edited={"user": "U1", "ts": "1709300050.000000"})
    after = export_of(
        tmp_path / "b", {"2024-03-01.json": [edited, said(2, "same")], "2024-03-02.json": [said(90_000, "new")]}
    )

    imported(fresh, before)
    outcome = imported(fresh, after)

    assert texts(fresh) == ["deploy 42", "same", "new"]
    assert dict(outcome.skipped) == {"there already": 1, "there already, brought up to their latest edit": 1}


def test_what_the_bot_captured_itself_is_not_doubled(fresh: Database, tmp_path: Path) -> None:
    with fresh.transaction() as session:
        declaration = incidents.Declaration("Live", own_channel=False, past=None)
        at = datetime.fromtimestamp(1_709_300_000, UTC) - timedelta(hours=1)
        incidents.declare(session, declaration, team_id="T1", by="U1", channel_id="C1", source_key="x", now=at)
        live = capture.Said("T1", "C1", said(1, "")["ts"], "captured", author_id="U1")
        capture.said(session, live, now=NOW)
    path = export_of(tmp_path / "x", {"2024-03-01.json": [said(1, "captured"), said(2, "before it came")]})

    outcome = imported(fresh, path)

    assert (outcome.added, outcome.skipped["there already"]) == (1, 1)


def test_secrets_in_an_export_are_masked(fresh: Database, tmp_path: Path) -> None:
    path = export_of(tmp_path / "x", {"2024-03-01.json": [said(1, "key AKIAQ3EGRZ7XKJ5MBN4T ok")]})

    imported(fresh, path)

    assert ["AKIA" in text for text in texts(fresh)] == [False]


def test_private_channel_of_an_export_is_seen_by_its_members_only(
    slack: Sandbox, team: Team, seamark: Seamark, tmp_path: Path
) -> None:
    path = export_of(tmp_path / "x", {"2024-03-01.json": [said(1, "secret talk")]}, channels="groups.json")
    (path / "groups.json").write_text(json.dumps([{"id": "C9", "name": "ops", "members": [team.bob.id]}]))

    imported(seamark.db, path)

    assert "INC-1" not in team.alice.types("/incident list", team.ops).text
    assert "INC-1" in team.bob.types("/incident list", team.ops).text


# --- the command ------------------------------------------------------------------------------------------


def command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path}/seamark.db"}
    environment["PYTHONPATH"] = str(TOP)
    line = [sys.executable, "-m", "bot", "import", *arguments]
    return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_command_shows_progress_and_says_what_came_of_it(tmp_path: Path) -> None:
    done = command(tmp_path, str(TALK), "--channel", "#testing-ops", "--from", "2019-02-05", "--to", "2019-02-05")

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "INC-1: 95 messages of #testing-ops from 2019-02-05 16:27 to 2019-02-05 19:27 UTC are new on its timeline.",
        "Skipped 51: outside of the time asked for.",
    ]
    assert "32.7/32.7 kB" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "--channel", "ops"], "nowhere is not there, so nothing was imported."),
        (
            [str(TALK), "--channel", "testing"],
            "The export has no channel testing, so nothing was imported. It has testing-ops.",
        ),
        (
            [str(TALK), "--channel", "testing-ops", "--from", "soon"],
            "“soon” is no time like 2026-11-20 or 2026-11-20T09:30; nothing was imported.",
        ),
        (
            [str(TALK), "--channel", "testing-ops", "--from", "2020-01-01"],
            "There is no message of that channel in that time, so nothing was imported.",
        ),
        ([str(TOP / "templates"), "--channel", "ops"], "There are no day files"),
    ],
)
def test_command_refuses_in_one_sentence(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = command(tmp_path, *arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "--channel", "ops"], "nowhere is not there, so nothing was imported.\n"),
        (
            [str(TALK), "--channel", "#nope"],
            "The export has no channel nope, so nothing was imported. It has testing-ops.\n",
        ),
    ],
)
def test_export_or_channel_that_is_not_there_is_refused_before_anything_begins(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    assert command(tmp_path, *arguments).stderr == told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_hundred_thousand_messages_need_no_more_memory_than_five_thousand(tmp_path: Path) -> None:
    peaks = {}
    for count in (5_000, 100_000):
        path = made_export.write(tmp_path / f"{count}.zip", count)
        (tmp_path / str(count)).mkdir()
        peaks[count] = peak_of(tmp_path / str(count), path, count)

    assert peaks[100_000] < peaks[5_000] * 1.1


def peak_of(folder: Path, path: Path, count: int) -> int:
    """The most memory that the import of a made export needed."""
    environment = {"DATABASE_URL": f"sqlite:///{folder}/seamark.db", "PYTHONPATH": str(TOP)}
    line = [sys.executable, "-m", "bot", "import", str(path), "--channel", "ops"]
    with subprocess.Popen(line, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.read().startswith(f"INC-1: {count} messages of #ops")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0
    return used.ru_maxrss
