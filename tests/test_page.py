"""The page's server: who may speak to it, what each person is told, and the story's pace. No browser needed."""

from __future__ import annotations

import http.client
import json
import threading
import time
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from sandbox import Person, Sandbox
from tests.conftest import Team

Json = dict[str, Any]


@pytest.fixture
def address(slack: Sandbox) -> str:
    return urlsplit(slack.serve_page()).netloc


class Answer(NamedTuple):
    status: int
    headers: Message
    content: bytes


def ask(address: str, path: str, *, method: str = "GET", body: Json | str | None = None, **headers: str) -> Answer:
    """One request; headers by their names with underscores."""
    connection = http.client.HTTPConnection(address, timeout=5)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, dict):
        given, body = {"Content-Type": "application/json"} | given, json.dumps(body)
    connection.request(method, path, body, given)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def state(address: str, person: Person, **more: str) -> Json:
    answer = ask(address, f"/page/state?{urlencode({'as': person.id, **more})}")
    return dict(json.loads(answer.content))


def do(address: str, person: Person, **deed: Any) -> Json:
    answer = ask(address, f"/page/do?as={person.id}", method="POST", body=deed)
    return dict(json.loads(answer.content))


# --- who may speak to it ---------------------------------------------------------------------------------


def test_page_listens_on_loopback_only(slack: Sandbox) -> None:
    assert slack.page_url == ""
    assert slack.serve_page() == slack.page_url
    assert slack.page_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80"])
def test_page_answers_to_its_own_name_only(address: str, host: str) -> None:
    assert ask(address, "/page/state", Host=host).status == 421


def test_page_answers_to_localhost(address: str) -> None:
    assert ask(address, "/", Host=address.replace("127.0.0.1", "localhost")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_page_takes_nothing_from_other_pages(address: str, team: Team, headers: dict[str, str]) -> None:
    deed = {"do": "say", "room": team.ops.id, "text": "forged"}
    given = {name.replace("-", "_"): value for name, value in headers.items()}

    assert ask(address, f"/page/do?as={team.alice.id}", method="POST", body=deed, **given).status == 403
    assert team.alice.sees(team.ops) == []


def test_page_takes_only_json(address: str, team: Team) -> None:
    form = ask(address, f"/page/do?as={team.alice.id}", method="POST", body='{"do": "home"}', Content_Type="text/plain")

    assert form.status == 415


def test_page_may_load_and_run_its_own_files_only(address: str) -> None:
    page = ask(address, "/")
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert b"http" not in page.content.replace(b"http-equiv", b"")


@pytest.mark.parametrize("path", ["../serving.py", "..%2fserving.py", "js/../../serving.py", "nothing.js", "js"])
def test_page_serves_nothing_but_its_own_folder(address: str, path: str) -> None:
    assert ask(address, f"/static/{path}").status == 404


# --- what each is told -----------------------------------------------------------------------------------


def test_page_tells_each_person_only_what_they_may_see(slack: Sandbox, team: Team, address: str) -> None:
    secret = slack.channel("secret", members=[team.bob], private=True)
    team.bob.says("for few", secret)
    between = team.bob.dm(team.carol)
    team.bob.says("for two", between)

    assert [room["name"] for room in state(address, team.alice)["rooms"]] == ["ops"]
    assert state(address, team.alice, room=secret.id)["room"] is None
    assert state(address, team.bob, room=secret.id)["room"]["messages"][0]["text"] == "for few"
    assert state(address, team.carol, room=between.id)["room"]["messages"][0]["text"] == "for two"
    assert do(address, team.alice, do="say", room=secret.id, text="x") == {"error": "no such conversation"}


def test_page_tells_answers_only_to_whom_they_are_for(
    slack: Sandbox, team: Team, seamark: object, address: str
) -> None:
    team.alice.types("/incident help", team.ops)

    assert [m["ephemeral"] for m in state(address, team.alice, room=team.ops.id)["room"]["messages"]] == [True]
    assert state(address, team.bob, room=team.ops.id)["room"]["messages"] == []


def test_page_does_what_people_do(slack: Sandbox, team: Team, address: str) -> None:
    ts = do(address, team.alice, do="say", room=team.ops.id, text="hello *there*")["ts"]
    assert do(address, team.bob, do="react", room=team.ops.id, ts=ts, emoji="eyes") == {}
    assert do(address, team.bob, do="pin", room=team.ops.id, ts=ts) == {}
    assert do(address, team.bob, do="say", room=team.ops.id, text="yes", thread=ts)["ts"]
    assert do(address, team.alice, do="edit", room=team.ops.id, ts=ts, text="hello") == {}
    assert do(address, team.bob, do="edit", room=team.ops.id, ts=ts, text="no") == {
        "error": "only one's own messages can be edited"
    }

    (message,) = state(address, team.alice, room=team.ops.id)["room"]["messages"]
    assert (message["text"], message["edited"], message["reactions"]) == ("hello", True, {"eyes": [team.bob.id]})
    assert (message["pinned_by"], message["replies"]["count"]) == (team.bob.id, 1)
    assert [m["text"] for m in state(address, team.alice, room=team.ops.id, thread=ts)["thread"]["messages"]] == [
        "hello",
        "yes",
    ]
    assert do(address, team.alice, do="fly") == {"error": "nothing is called 'fly' here"}


def test_page_shows_the_latest_messages_and_how_many_came_before(team: Team, address: str) -> None:
    for number in range(5):
        team.alice.says(f"line {number}", team.ops)

    room = state(address, team.bob, room=team.ops.id, most="2")["room"]
    assert room["earlier"] == 3
    assert [message["text"] for message in room["messages"]] == ["line 3", "line 4"]


def test_page_moves_the_clock_in_the_persons_zone(slack: Sandbox, team: Team, address: str) -> None:
    slack.clock.freeze()
    do(address, team.bob, do="clock", tomorrow=9)  # New York, in winter
    assert slack.clock.now().isoformat() == "2026-11-17T14:00:00+00:00"
    do(address, team.bob, do="clock", days=3, hours=1)
    assert slack.clock.now().isoformat() == "2026-11-20T15:00:00+00:00"


def test_page_shows_a_file_without_script_and_only_to_who_may_see_it(slack: Sandbox, team: Team, address: str) -> None:
    secret = slack.channel("secret", members=[team.bob], private=True)
    (file,) = team.bob.shares("report.html", secret, content=b"<script>alert(1)</script>").files

    shown = ask(address, f"/page/files/{file['id']}?as={team.bob.id}")
    assert "sandbox; frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    taken = ask(address, f"/page/files/{file['id']}?as={team.bob.id}&download")
    assert taken.headers["Content-Disposition"] == "attachment; filename*=UTF-8''report.html"
    assert ask(address, f"/page/files/{file['id']}?as={team.alice.id}").status == 404


def test_page_inspector_holds_every_payload(slack: Sandbox, team: Team, seamark: object, address: str) -> None:
    team.alice.types("/incident help", team.ops)

    lines = json.loads(ask(address, "/page/traffic").content)
    (line,) = (line for line in lines if line["kind"] == "slash_commands")
    assert (line["what"], line["outcome"], line["way"]) == ("/incident help", "acknowledged", "to")
    whole = json.loads(ask(address, f"/page/traffic/{line['id']}").content)
    assert whole["sent"]["command"] == "/incident"
    assert "/incident declare" in json.dumps(whole["answered"])
    assert ask(address, "/page/traffic/d999").status == 404


def test_page_is_told_of_changes_as_they_come(slack: Sandbox, team: Team, address: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("GET", "/page/live")
    live = connection.getresponse()
    first = json.loads(live.readline().removeprefix(b"data: "))
    live.readline()
    assert slack.story.wait_for_viewer(5)
    team.alice.says("news", team.ops)

    assert json.loads(live.readline().removeprefix(b"data: "))["number"] > first["number"]
    connection.close()


def test_sandbox_tells_its_time_to_other_processes(slack: Sandbox) -> None:
    slack.clock.freeze()
    answer = ask(urlsplit(slack.api_url).netloc, "/clock")

    assert json.loads(answer.content) == {"now": slack.clock.now().timestamp(), "stands_still": True}


# --- the story -------------------------------------------------------------------------------------------


def test_story_without_a_page_waits_for_nothing(slack: Sandbox) -> None:
    started = time.monotonic()
    slack.story.say("Nobody looks on")
    slack.story.wait(60)
    assert not slack.story.wait_for_viewer(60)
    slack.story.done()
    assert time.monotonic() - started < 1


def test_story_is_held_and_goes_on(slack: Sandbox, team: Team, address: str) -> None:
    do(address, team.alice, do="story", paused=True, speed=4)
    slack.story.say("Once")
    telling = threading.Thread(target=slack.story.wait, args=(0.2,))
    telling.start()
    telling.join(0.3)
    assert telling.is_alive()
    assert state(address, team.alice)["story"]["paused"]

    do(address, team.alice, do="story", paused=False)
    telling.join(5)
    assert not telling.is_alive()


def test_story_skipped_waits_no_more(slack: Sandbox, team: Team, address: str) -> None:
    do(address, team.alice, do="story", skipped=True)
    started = time.monotonic()
    slack.story.wait(60)
    assert slack.story.wait_for_viewer(60)
    assert time.monotonic() - started < 1


def test_story_ends_when_the_page_goes(slack: Sandbox, address: str) -> None:
    telling = threading.Thread(target=slack.story.wait, args=(60,))
    telling.start()
    slack.story.close()
    telling.join(5)
    assert not telling.is_alive()
