"""`seamark run`, as an operator sees it: ready, stopped, refused."""

from __future__ import annotations

import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import action_items, incidents, manifest, reaching
from bot.action_items import Plan
from bot.incidents import Declaration
from sandbox import Sandbox
from storage import migrate, outbox, people
from storage.db import Database
from storage.models import Person
from tests.processes import TOP, Running, environment, free_port, running


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    """A local Slack at the real time, since these bots are processes with a clock of their own."""
    with Sandbox(manifest=manifest.load()) as sandbox:
        yield sandbox


def seamark(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=TOP,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_run_says_one_line_when_ready_and_ends_well_on_sigterm(slack: Sandbox, db_url: str) -> None:
    with running(slack, db_url) as bot:
        assert bot.ready == f"Seamark is ready: Socket Mode, workspace {slack.team_id}.\n"
        assert bot.stop() == 0
        assert "Traceback" not in bot.log


def test_second_copy_on_sqlite_is_refused_with_a_sentence(slack: Sandbox, tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/seamark.db"
    with running(slack, url):
        second = seamark(environment(slack, url), "run")

    assert second.returncode == 2
    assert second.stderr.startswith("Another copy of Seamark uses this SQLite file")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack refused SLACK_BOT_TOKEN (invalid_auth)"),
        (
            {"SLACK_API_URL": "http://127.0.0.1:9/api/"},
            "Nothing was started, for Slack cannot be reached at http://127.0.0.1:9/api/: the connection is refused.",
        ),
        ({"DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none"}, "The database does not answer"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "Slack refused SLACK_APP_TOKEN"),
    ],
)
def test_run_refuses_in_one_sentence_without_traceback(
    slack: Sandbox, tmp_path: object, changed: dict[str, str], words: str
) -> None:
    done = seamark(environment(slack, f"sqlite:///{tmp_path}/x.db", **changed) | changed, "run")

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


class TestHttp:
    @pytest.fixture
    def bot(self, slack: Sandbox, tmp_path: object) -> Iterator[str]:
        """A bot in HTTP mode; yields its address."""
        port = free_port()
        env = environment(slack, f"sqlite:///{tmp_path}/x.db", SLACK_APP_TOKEN="", HOST="127.0.0.1", PORT=str(port))
        process = Running(env)
        assert process.ready == f"Seamark is ready: HTTP on port {port}, workspace {slack.team_id}.\n"
        yield f"http://127.0.0.1:{port}"
        assert process.stop() == 0
        assert "Traceback" not in process.log

    def test_commands_are_answered_over_signed_http(self, slack: Sandbox, bot: str) -> None:
        slack.deliver_to(f"{bot}/slack/events")
        alice = slack.person("alice")
        ops = slack.channel("ops", members=[alice], with_bot=True)

        alice.types("/incident declare", ops)
        alice.form.fill({"Title": "Over HTTP", "Where": "This channel"}).submit()

        assert "Marked" in alice.types("/incident mark it works", ops).text
        assert slack.violations == []

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1"},
            {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "soon"},
        ],
    )
    def test_unsigned_request_is_refused(self, bot: str, headers: dict[str, str]) -> None:
        request = urllib.request.Request(f"{bot}/slack/events", data=b"command=/incident&text=mark+x", headers=headers)

        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)

        with refused.value as answer:
            assert answer.code == 401

    def test_old_request_is_refused_though_rightly_signed(self, slack: Sandbox, bot: str) -> None:
        from slack_sdk.signature import SignatureVerifier  # noqa: PLC0415

        body, then = "command=/incident&text=mark+x", str(int(slack.clock.now().timestamp()) - 301)
        signature = SignatureVerifier(slack.signing_secret).generate_signature(timestamp=then, body=body)
        headers = {"X-Slack-Signature": str(signature), "X-Slack-Request-Timestamp": then}
        request = urllib.request.Request(f"{bot}/slack/events", data=body.encode(), headers=headers)

        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)

        with refused.value as answer:
            assert answer.code == 401

    def test_operators_pages_answer(self, bot: str) -> None:
        with urllib.request.urlopen(f"{bot}/healthz") as answer:
            assert answer.read() == b"ok"
        with urllib.request.urlopen(f"{bot}/metrics") as answer:
            assert b"seamark_outbox_items" in answer.read()


def test_check_finds_everything_well(slack: Sandbox, db_url: str) -> None:
    done = seamark(environment(slack, db_url), "check")

    assert (done.returncode, done.stderr) == (0, "")
    assert "WRONG" not in done.stdout


def test_check_says_in_words_what_is_wrong(slack: Sandbox, tmp_path: object) -> None:
    env = environment(slack, f"sqlite:///{tmp_path}/fresh.db", SLACK_APP_TOKEN="xapp-wrong")

    done = seamark(env, "check")

    assert done.returncode == 1
    assert "WRONG App token: Slack refuses SLACK_APP_TOKEN" in done.stdout


def test_check_before_the_first_run_finds_nothing_wrong_and_makes_nothing(slack: Sandbox, tmp_path: Path) -> None:
    done = seamark(environment(slack, f"sqlite:///{tmp_path}/fresh.db"), "check")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"ok    Database: none at {tmp_path}/fresh.db yet: `seamark run` makes it when it starts." in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_remarks_on_migrations_that_run_will_do(slack: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    done = seamark(environment(slack, f"sqlite:///{tmp_path}/empty.db"), "check")

    assert done.returncode == 0
    assert "ok    Migrations: 1 to run: `seamark run` does it when it starts, or `seamark db upgrade`." in done.stdout


def test_check_names_a_folder_that_the_database_cannot_be_made_in(slack: Sandbox, tmp_path: Path) -> None:
    done = seamark(environment(slack, f"sqlite:///{tmp_path}/none/x.db"), "check")

    assert done.returncode == 1
    assert f"WRONG Database: there is no folder {tmp_path}/none to make it in." in done.stdout


def given_up(url: str, days_ago: float, error: str) -> None:
    """As if a delivery had been given up so many days ago."""
    db = Database(url)
    migrate.upgrade(db)
    when = datetime.now(UTC) - timedelta(days=days_ago)
    with db.transaction() as session:
        item = outbox.put(session, "T1", "post", {}, lane="C1", now=when, key=error)
        outbox.give_up(item, when, error)
        session.add(item)
    db.close()


def test_check_is_troubled_by_what_was_given_up_lately_and_mentions_what_was_earlier(
    slack: Sandbox, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    given_up(url, 3, "is_archived")
    before = seamark(environment(slack, url), "check")
    given_up(url, 0.5, "channel_not_found")
    after = seamark(environment(slack, url), "check")

    assert before.returncode == 0
    assert (
        "ok    Deliveries: 0 waiting, none given up within a day; 1 earlier, the latest post: is_archived"
        in before.stdout
    )
    assert after.returncode == 1
    assert "WRONG Deliveries: given up within a day: post: channel_not_found; 1 earlier" in after.stdout


def test_check_names_owners_who_cannot_be_reminded(slack: Sandbox, tmp_path: Path) -> None:
    db, now = Database(f"sqlite:///{tmp_path}/x.db"), datetime.now(UTC)
    migrate.upgrade(db)
    with db.transaction() as session:
        for user, name in (("U1", "bob"), ("U2", "owns nothing")):
            row = Person(team_id="T1", user_id=user, name=name, unreachable="messages_tab_disabled", refreshed_at=now)
            people.remember_person(session, row)
        declared = Declaration("Checkout fails", own_channel=False)
        of, _ = incidents.declare(session, declared, team_id="T1", by="U1", channel_id="C1", source_key="x", now=now)
        action_items.add(session, of, Plan("Add an alert", "U1", now.date()), by="U1", source_key="y", now=now)
    db.close()

    done = seamark(environment(slack, f"sqlite:///{tmp_path}/x.db"), "check")

    (line,) = [line for line in done.stdout.splitlines() if "Reminders" in line]
    assert line == (
        "ok    Reminders: bob cannot be reached by direct message (messages_tab_disabled):"
        " asked in their place are the facilitators"
    )


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("policy.yml", "near_miss: {days: 3}\nrisky: 1\n", "WRONG Policy: {}, line"),
        ("taxonomy.yml", "domains: [\n", "WRONG Taxonomy: {}, line 2: is not valid YAML"),
        ("links.yml", "patterns: 3\n", "WRONG Links: {}, line 1"),
        ("mine.yml", "key: x\n", "WRONG Guides: {}, line"),
    ],
)
def test_check_reads_the_files_of_the_team(slack: Sandbox, tmp_path: Path, file: str, text: str, words: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / file).write_text(text, "utf-8")

    done = seamark(environment(slack, f"sqlite:///{tmp_path}/x.db", SEAMARK_GUIDES=str(folder)), "check")

    assert done.returncode == 1
    assert words.format(folder / file) in done.stdout
    assert "Traceback" not in done.stderr


def test_backup_of_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    env = {"PATH": "", "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none"}

    done = seamark(env, "db", "backup", str(tmp_path / "copy.dump"))

    assert done.returncode == 2
    assert done.stderr == "The database does not answer; nothing was changed. Look at DATABASE_URL.\n"


def test_manifest_is_printed(tmp_path: object) -> None:
    done = seamark({"PATH": ""}, "manifest")

    assert done.stdout == (TOP / "manifest.yml").read_text()


def test_check_without_settings_says_what_is_missing(tmp_path: object) -> None:
    done = seamark({"PATH": ""}, "check")

    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG Settings: SLACK_BOT_TOKEN is missing" in done.stdout


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/api/", "the connection is refused"),
        ("http://slack.invalid/api/", "its name is not known here"),
    ],
)
def test_check_says_why_slack_is_away_and_what_to_look_at(slack: Sandbox, tmp_path: Path, url: str, why: str) -> None:
    done = seamark(environment(slack, f"sqlite:///{tmp_path}/x.db", SLACK_API_URL=url), "check")

    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == (
        f"WRONG Slack: cannot be reached at {url}: {why}."
        " Look at DNS, the proxy settings (HTTPS_PROXY) and the firewall of this machine."
    )


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (urllib.error.URLError(ssl.SSLCertVerificationError(1, "self-signed")), "its certificate is not trusted here"),
        (urllib.error.URLError(OSError("Tunnel connection failed: 407")), "the proxy lets nothing through"),
        (TimeoutError("timed out"), "it does not answer in time"),
        (OSError(101, "Network is unreachable"), "the connection fails"),
    ],
)
def test_reason_why_slack_is_away_has_no_words_of_the_machine(error: Exception, why: str) -> None:
    assert reaching.away("https://x/", error) == f"cannot be reached at https://x/: {why}. {reaching.LOOK}"


def test_check_tells_every_wrong_setting_and_goes_on(slack: Sandbox, tmp_path: Path) -> None:
    wrong = {"SEAMARK_ZONE": "Berlin", "SEAMARK_DIGESTS": "daily"}

    done = seamark(environment(slack, f"sqlite:///{tmp_path}/x.db", **wrong), "check")

    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "WRONG Settings",
        "WRONG Settings",
        *(f"ok    {what}" for what in ("Bot token", "Scopes", "Clock", "App token", "Events")),
        *(f"ok    {what}" for what in ("Guides", "Policy", "Taxonomy", "Links", "Database")),
    ]


def test_check_tries_nothing_with_a_setting_that_is_wrong(tmp_path: Path) -> None:
    done = seamark({"PATH": "", "DATABASE_URL": "mysql://x/y", "SEAMARK_GUIDES": f"{tmp_path}/none"}, "check")

    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["WRONG", "Settings:", name]
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DATABASE_URL", "SEAMARK_GUIDES")
    ]


@pytest.mark.parametrize("command", [("db", "check"), ("db", "backup", "copy.db"), ("export", "INC-3")])
def test_commands_that_look_make_no_database(tmp_path: Path, command: tuple[str, ...]) -> None:
    env = {"PATH": "", "DATABASE_URL": f"sqlite:///{tmp_path}/none/x.db"}

    done = seamark(env, *command)

    assert done.returncode == 2
    assert done.stderr.startswith(f"There is no database at {tmp_path}/none/x.db yet")
    assert list(tmp_path.iterdir()) == []


def test_backup_copies_and_never_overwrites(tmp_path: Path) -> None:
    env = {"PATH": "", "DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}

    assert seamark(env, "db", "upgrade").stdout == "Ran 1 migration.\n"
    assert seamark(env, "db", "backup", str(tmp_path / "copy.db")).returncode == 0
    again = seamark(env, "db", "backup", str(tmp_path / "copy.db"))
    nowhere = seamark(env, "db", "backup", str(tmp_path / "no" / "copy.db"))

    assert again.stderr.endswith("nothing was written. Name a new file.\n")
    assert nowhere.stderr == f"There is no folder {tmp_path}/no; nothing was written.\n"
    assert seamark(env, "db", "check").stdout == "The database is as it should be.\n"
