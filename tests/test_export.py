"""The document as a file: for a person in their direct messages, for an operator on the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bot import exporting, report
from bot.__main__ import main
from bot.app import Seamark
from bot.databases import check
from bot.exporting import Wanted
from bot.report import Report
from sandbox import Channel, Person, Sandbox
from sandbox.mrkdwn import pings_of_blocks
from storage import audit as trail
from storage.db import Database
from tests.conftest import Team
from tests.retro_story import begin, hub, incident

NASTY = (
    "<!channel> & <@U123> *bold* _it_ `code` ```fence``` | pipe | <script>alert(1)</script> [x](javascript:alert(1))"
    " שלום עולם \u202eevil 🔥👩‍👩‍👧 =1+1 # heading ~~~ \\ end"
)


def retro_of(slack: Sandbox, team: Team, *, private: bool = False) -> Channel:
    room = incident(slack, team, private=private)
    begin(team.carol, room)
    return room


def files_of(person: Person) -> dict[str, bytes]:
    return {file["name"]: person.read_file(file) for shown in person.direct_messages() for file in shown.files}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("md", Wanted("md")),
        ("HTML INC-7", Wanted("html", "inc-7")),
        ("7 json anonymised", Wanted("json", "7", anonymised=True)),
    ],
)
def test_export_reads_words_in_any_order(typed: str, wanted: Wanted) -> None:
    assert exporting.parse(typed) == wanted


def test_export_asked_for_twice_comes_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = retro_of(slack, team)

    team.bob.types("/retro export md", room)
    again = team.bob.types("/retro export md", room)

    assert again.text == "You asked for the document of INC-1 a moment ago, so it comes once, by direct message."
    assert [len(shown.files) for shown in team.bob.direct_messages() if shown.files] == [1]
    slack.clock.advance(timedelta(seconds=10))
    team.bob.types("/retro export md", room)
    assert [len(shown.files) for shown in team.bob.direct_messages() if shown.files] == [1, 1]


@pytest.mark.parametrize("typed", ["", "pdf", "md INC-1 INC-2", "INC-1"])
def test_export_without_a_form_says_which_there_are(typed: str) -> None:
    with pytest.raises(exporting.NoSuchForm):
        exporting.parse(typed)


def test_export_gives_the_file_in_direct_messages_once(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = retro_of(slack, team)
    slack.faults.reset("files.completeUploadExternal", after=True)

    answer = team.bob.types("/retro export md", room)
    slack.clock.advance(seconds=60)
    seamark.courier.drain()

    assert "comes to you by direct message" in answer.text
    assert [shown.files[0]["name"] for shown in team.bob.direct_messages() if shown.files] == [
        "inc-1-retrospective-draft.md"
    ]
    assert b"Orders are refused." in files_of(team.bob)["inc-1-retrospective-draft.md"]
    assert any("the draft" in shown.text for shown in team.bob.direct_messages())


def test_every_form_comes_and_json_follows_its_schema(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = retro_of(slack, team)
    for form in ("md", "html", "json", "csv"):
        team.bob.types(f"/retro export {form}", room)

    files = files_of(team.bob)
    document = json.loads(files["inc-1-retrospective-draft.json"])
    Draft202012Validator(report.schema()).validate(document)
    assert document["incident"]["key"] == "INC-1"
    assert files["inc-1-retrospective-draft.html"].lower().startswith(b"<!doctype html>")
    rows = list(csv.DictReader(io.StringIO(files["inc-1-retrospective-draft.csv"].decode())))
    assert "roll back to v41" in [row["text"] for row in rows]


def test_every_text_comes_out_intact_and_pings_nobody(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = retro_of(slack, team)
    team.alice.types(f"/incident mark note: {NASTY}", room)
    team.carol.clicks("Scope and impact", within=hub(team.carol, room))
    team.carol.form.fill({"What happened, in three sentences?": NASTY}).clicks("Save and leave")
    team.carol.form.close(whole_stack=True)
    team.carol.clicks("Contributing factors", within=hub(team.carol, room))
    team.carol.form.clicks("Add a factor")
    team.carol.form.fill({"What contributed": NASTY, "Another view": NASTY}).submit()
    team.carol.form.close(whole_stack=True)
    answer = team.carol.types("/retro publish", room)
    team.carol.clicks("Publish all the same", within=answer.message)
    for form in ("md", "html", "json", "csv"):
        team.bob.types(f"/retro export {form}", room)
    team.bob.types("/retro brief", room)
    team.bob.types("/retro search code", room)

    document = Report.model_validate_json(files_of(team.bob)["inc-1-retrospective-v1.json"])
    answers = {one.prompt: one.text for section in document.sections for one in section.answers}
    assert answers["summary"] == NASTY
    assert [(one.statement, one.another_view) for one in document.factors] == [(NASTY, NASTY)]
    html = files_of(team.bob)["inc-1-retrospective-v1.html"].decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    said = [*team.bob.sees(room), *team.bob.direct_messages(), *team.carol.direct_messages()]
    assert {ping for shown in said if shown.author == "Seamark" for ping in pings_of_blocks(shown.blocks)} == set()


def test_anonymised_export_names_nobody(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = retro_of(slack, team)
    team.alice.types("/incident mark note: alice asked bob, see https://wiki.example/x and #ops", room)

    team.bob.types("/retro export json anonymised", room)

    (content,) = files_of(team.bob).values()
    text = content.decode()
    assert Report.model_validate_json(text).is_anonymised
    for word in ("alice", "bob", "carol", "wiki.example", "#ops", team.alice.id):
        assert word not in text


def test_private_export_is_for_members_and_audited(slack: Sandbox, team: Team, seamark: Seamark, db: Database) -> None:
    room = retro_of(slack, team, private=True)
    dave = slack.person("dave")
    dave.joins(team.ops)

    assert "There is no such incident that you can see." in dave.types("/retro export md INC-1", team.ops).text
    assert dave.direct_messages() == []
    team.alice.types("/retro export md", room)

    assert list(files_of(team.alice)) == ["inc-1-retrospective-draft.md"]
    with db.reading() as session:
        told = [(one.actor_id, one.what) for one in trail.about(session, slack.team_id, "incident:1")]
    assert told == [(team.alice.id, "exported")]


# --- command line ----------------------------------------------------------------------------------------


@pytest.fixture
def ended(slack: Sandbox, team: Team, seamark: Seamark, monkeypatch: pytest.MonkeyPatch, db_url: str) -> Channel:
    monkeypatch.setenv("DATABASE_URL", db_url)
    monkeypatch.delenv("SEAMARK_GUIDES", raising=False)
    return retro_of(slack, team)


def test_command_line_prints_a_document(ended: Channel, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", "INC-1", "--format", "json"]) == 0

    assert Report.model_validate_json(capfdbinary.readouterr().out).incident.key == "INC-1"


def test_command_line_writes_a_file(ended: Channel, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"

    assert main(["export", "inc-1", "--format", "csv", "--output", str(file)]) == 0

    assert file.read_bytes().count(b"\r\n") > 5


def test_command_line_writes_everything(
    ended: Channel, slack: Sandbox, team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str], db_url: str
) -> None:
    incident(slack, team, title="Payroll leak", private=True)

    assert main(["export", "--all", "--output", str(tmp_path / "all")]) == 0

    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        f"inc-{number}.{form}"
        for number in ("1-checkout-fails", "2-payroll-leak")
        for form in ("csv", "html", "json", "md")
    ]
    assert capsys.readouterr().out == f"Wrote 8 documents into {tmp_path / 'all'}.\n"
    assert check(db_url) == []


def test_same_rows_make_the_same_bytes(ended: Channel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        main(["export", "--all", "--output", str(tmp_path / name)])

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export", "INC-9"], "There is no such incident in this database"),
        (["export", "nonsense"], "There is no such incident in this database"),
        (["export"], "Say which"),
        (["export", "--all"], "Say which"),
        (["export", "INC-1", "--all", "--output", "x"], "Say which"),
    ],
)
def test_command_line_refuses_in_a_sentence(
    ended: Channel, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err
