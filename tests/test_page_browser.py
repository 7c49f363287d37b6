"""The page in a real browser, with the real bot: what people do there from the declaration to the last nudge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from bot.app import Seamark
from sandbox import Sandbox
from tests import browser, everything, sandbox_app
from tests.browser import Visitor
from tests.conftest import MONDAY, Team

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def db_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough here: the page does not know it."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'seamark.db')}"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(slack: Sandbox, driver: webdriver.Chrome) -> Iterator[Visitor]:
    """The page, served; it ends without a word on the browser's console."""
    visitor = Visitor(driver, slack.serve_page())
    yield visitor
    leave(visitor)


def leave(page: Visitor) -> None:
    """Close the page, on whose console nothing may stand."""
    errors = page.errors()
    page.driver.get("about:blank")
    assert errors == []


def test_page_walks_from_the_declaration_to_done(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    """Three people at one page: alice declares and does the action, bob responds, carol facilitates."""

    def go_on() -> int:
        seamark.tick()
        return seamark.courier.drain()

    slack.after_each(go_on)
    _respond(page, slack, team)
    _look_back(page)
    _publish(page)
    _follow_through(page)
    assert page.violations() == []


def _respond(page: Visitor, slack: Sandbox, team: Team) -> None:
    page.opens(me=team.alice.id, room=team.ops.id)
    page.types("/incident declare Checkout returns 502")
    page.dialog("Declare incident")
    page.fills({"Severity": "SEV2", "What is happening": "Customers see 502.", "People to invite": ["Bob Brandt"]})
    assert page.violations() == []
    page.submits("Declare", then="Declared")
    page.closes()
    page.goes_to("inc-1-checkout-returns-502")
    page.sees("Customers see 502.", ".message")

    page.types("/incident mark decision: roll back to v41")
    page.sees("roll back to v41", ".message.ephemeral")
    page.acts_as("Bob Brandt")
    assert "Only visible to you" not in page.text()
    page.types("error rate is *falling*, <script>alert(1)</script>")
    page.hovers("error rate is falling", "React with pushpin")
    page.sees("pushpin, 1: you", ".reaction")
    page.hovers("error rate is falling", "More actions")
    page.menu("Edit message")
    page.sees("", ".editor textarea").send_keys(" :tada:")
    page.clicks("Save")
    page.sees("(edited)", ".message")
    assert page.violations() == []

    page.acts_as("Alice Ames")
    page.types("/incident resolved rolled back")
    page.wait(lambda: "resolved" in page.one(".topic").text)
    assert slack.find_channel("inc-1-checkout-returns-502").topic.startswith("INC-1 · SEV2 · resolved")


def _look_back(page: Visitor) -> None:
    page.acts_as("Carol Chen")
    page.clicks("Join channel")
    page.types("/retro start")
    page.dialog("Start retrospective")
    assert page.violations() == []
    page.submits("Start", then="Retrospective")
    page.closes()
    page.clicks("Scope and impact", within=page.message("steps done"))
    page.dialog("Scope and impact")
    page.fills({"What happened, in three sentences?": "The deploy of 10:02 broke payments."})
    for following in ("Milestones", "Timeline review", "Accounts", "Learning"):
        page.submits("Save and continue", then=following)
    page.fills({"What helped?": "The canary's dashboard.\nThe rollback took a minute."})
    page.submits("Save and continue", then="Contributing factors")
    assert page.violations() == []
    page.clicks("Add a factor", css=".dialog button")
    page.dialog("Add a factor")
    page.fills({"What contributed": "The canary gets no payments"})
    page.submits("Save", then="Contributing factors")
    page.sees("The canary gets no payments", ".dialog")
    page.submits("Save and continue", then="Actions")
    page.clicks("Add an action", css=".dialog button")
    page.dialog("Add an action")
    page.fills(
        {
            "What will be done": "Send a share of payments to the canary",
            "Owner": "Alice Ames",
            "Due date": "2026-11-19",
            "How will we know it worked?": "The next canary fails when payments fail",
        }
    )
    page.submits("Save", then="Actions")
    page.sees("Send a share of payments to the canary", ".dialog")
    page.submits("Save and continue", then="Review and publish")


def _publish(page: Visitor) -> None:
    page.clicks("Publish", css=".dialog button")
    page.clicks("Publish all the same", css=".dialog button")
    page.sees("is published", ".dialog")
    assert page.violations() == []
    page.clicks("Close", css=".dialog-head button")
    page.wait(lambda: not page.all(".dialog"))
    page.sees("is published, version 1", ".message")
    page.clicks_on("HTML", ".file-card")
    frame = page.sees("", ".viewer iframe")
    assert page.violations() == []
    assert frame.get_attribute("sandbox") == ""
    page.driver.switch_to.frame(frame)
    page.sees("The deploy of 10:02 broke payments.")
    page.driver.switch_to.default_content()
    page.clicks("Close", css=".viewer button")


def _follow_through(page: Visitor) -> None:
    page.acts_as("Alice Ames")
    page.clicks_on("", ".tool.clock")
    page.menu("+3 days")
    page.clicks_on("Seamark", ".sidebar .entry.unread")
    page.clicks("Done", within=page.message("Send a share of payments to the canary"))
    page.dialog("Done")
    page.fills({"How was it checked?": "Payments were refused in a drill; the canary failed"})
    page.submits("Done")
    page.sees("to be confirmed by another person", ".message")
    page.clicks("Home", css=".tab")
    page.sees("", ".home .block")


# --- whatever an app sends -------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[Sandbox]:
    """A workspace with a small app of its own in it."""
    with Sandbox(sandbox_app.MANIFEST, start=MONDAY) as slack:
        yield slack


def test_page_draws_every_block_and_runs_nothing(echo: Sandbox, driver: webdriver.Chrome) -> None:
    alice = echo.person("alice", real_name=everything.HOSTILE, tz="Asia/Kolkata")
    ops = echo.channel("ops", members=[alice])
    for blocks in (everything.TEXTS, everything.USED, everything.LINES):
        sandbox_app.client(echo).chat_postMessage(channel=ops.id, text="x", blocks=blocks)
    alice.says(everything.HOSTILE, ops)
    page = Visitor(driver, echo.serve_page())
    page.opens(me=alice.id, room=ops.id)
    page.sees("Everything at once")

    drawn = {name for one in page.all(".block") for name in str(one.get_attribute("class")).split()}
    assert {f"b-{block['type']}" for block in [*everything.TEXTS, *everything.USED, *everything.LINES]} <= drawn
    assert page.all(".unknown, .log script, .log img") == []
    assert driver.execute_script("return window.harmed") is None
    assert everything.HOSTILE in page.one(".message .content", "onerror").text
    words = page.one(".b-section", "Bold").text
    assert "<b>as text</b>" in words
    assert "snake_case_name and 2*3*4 stay" in words
    assert "Saturday, November 14th at 3:30 PM" in words
    assert "code https://example.com" in words
    assert page.violations() == []
    leave(page)


def test_page_fills_every_kind_of_field(echo: Sandbox, driver: webdriver.Chrome) -> None:
    alice = echo.person("alice", real_name="Alice Ames", tz="Asia/Kolkata")
    ops = echo.channel("ops", members=[alice])
    app, sent = sandbox_app.new_app(echo), []

    @app.command("/echo")
    def open_dialog(ack: Any, body: Any, client: Any) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=everything.dialog())
        ack()

    @app.options("value")
    def offer(ack: Any) -> None:
        ack(options=[everything.option("Found it")])

    @app.action("add")
    def add(ack: Any, body: Any, client: Any) -> None:
        view = everything.dialog()
        view["blocks"].insert(0, {"type": "section", "text": everything.marked("Added above")})
        client.views_update(view_id=body["view"]["id"], view=view)
        ack()

    @app.view("everything")
    def take(ack: Any, view: Any) -> None:
        values = {name: next(iter(value.values())) for name, value in view["state"]["values"].items()}
        sent.append({name: _chosen(value) for name, value in values.items()})
        wrong = {"text": "Something else, please."} if len(sent) == 1 else None
        ack(response_action="errors", errors=wrong) if wrong else ack()

    page = Visitor(driver, echo.serve_page())
    with sandbox_app.connected(echo, app):
        page.opens(me=alice.id, room=ops.id)
        page.types("/echo")
        page.dialog("Everything")
        page.submits("Send", then="Everything")
        page.sees("Please complete this required field.", ".error")
        page.fills({"Text": "typed & kept", "Number": "11", "Long text": "one\ntwo"})
        page.clicks("Add", css=".dialog button")
        page.sees("Added above", ".dialog")
        page.submits("Send", then="Everything")
        page.sees("Please enter 10 or less.", ".error")
        page.fills({"Number": "7", "Rich text": "*so*", "Mail": "a@example.com", "Address": "https://example.com"})
        page.fills({"One": "Second", "Grouped": "First", "Several": ["First", "Third"], "Found": "Found it"})
        page.fills({"Boxes": "Second", "Radio": "Third", "Date": "2026-11-20", "Time": "10:42"})
        page.fills({"Moment": "2026-11-20 10:42", "Person": "Alice Ames", "People": ["Alice Ames", "echo"]})
        page.fills({"Channel": "ops", "Conversation": "ops"})
        assert page.violations() == []
        page.submits("Send", then="Everything")
        page.sees("Something else, please.", ".error")
        assert driver.switch_to.active_element.get_attribute("value") == "typed & kept"
        page.submits("Send")

    assert sent[1] == {
        "text": "typed & kept", "long": "one\ntwo", "rich": "rich_text", "number": "7", "mail": "a@example.com",
        "url": "https://example.com", "one": "second", "groups": "first", "several": ["first", "third"],
        "found": "found-it", "boxes": ["second"], "radio": "third", "date": "2026-11-20", "time": "10:42",
        "moment": 1795151520, "person": alice.id, "people": [alice.id, echo.bot_user_id], "channel": ops.id,
        "talk": ops.id, "file": [],
    }  # fmt: skip
    leave(page)


def test_page_says_what_was_not_saved(echo: Sandbox, driver: webdriver.Chrome) -> None:
    alice = echo.person("alice", real_name="Alice Ames")
    ops = echo.channel("ops", members=[alice])
    app = sandbox_app.new_app(echo)

    @app.command("/echo")
    def open_dialog(ack: Any, body: Any, client: Any) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=everything.dialog())
        ack()

    @app.view("everything")
    def take(ack: Any) -> None:
        ack()

    page = Visitor(driver, echo.serve_page())
    page.opens(me=alice.id, room=ops.id)
    page.types("/echo")
    page.sees('/echo failed with the error "dispatch_failed"', ".notice")
    with sandbox_app.connected(echo, app):
        page.types("/echo")
        page.dialog("Everything")
        page.fills({"Text": "is kept"})
        echo.faults.withhold_acks()
        page.clicks("Send", css=".dialog-foot button")
        page.sees("We had some trouble connecting. Try again?", ".dialog-error")
        assert page.violations() == []
        page.submits("Send")
    assert echo.deliveries[-1].payload["view"]["state"]["values"]["text"]["value"]["value"] == "is kept"
    leave(page)


def _chosen(value: Any) -> Any:
    """The value as a test likes to read it."""
    (chosen,) = (content for name, content in value.items() if name != "type")
    if isinstance(chosen, list):
        return [one["value"] if isinstance(one, dict) else one for one in chosen]
    if isinstance(chosen, dict):
        return chosen.get("value") or chosen["type"]
    return chosen


# --- the page itself -------------------------------------------------------------------------------------


def test_page_works_with_keys_alone(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    team.bob.says("first", team.ops)
    team.bob.says("second", team.ops)
    page.opens(me=team.alice.id, room=team.ops.id)
    page.message("second")
    composer = page.one(".room .composer-input")
    composer.send_keys("/inc", Keys.TAB, "declare", Keys.ENTER)
    page.dialog("Declare incident")
    keys = page.driver.switch_to.active_element
    keys.send_keys("By keys", Keys.TAB, Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ENTER)
    page.wait(lambda: page.driver.switch_to.active_element.get_attribute("value") == "SEV2")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait(lambda: not page.all(".dialog"))
    assert page.driver.switch_to.active_element.get_attribute("data-focus") == "compose"

    page.driver.execute_script("document.querySelectorAll('.message')[1].focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_UP)
    assert "first" in page.driver.switch_to.active_element.text
    page.driver.switch_to.active_element.send_keys(Keys.ENTER, Keys.ENTER)
    page.sees("1", ".reaction.mine")
    assert page.driver.switch_to.active_element.get_attribute("aria-label") == "React with pushpin"


def test_page_is_live_and_shows_each_person_only_what_they_may_see(
    slack: Sandbox, team: Team, seamark: Seamark, page: Visitor
) -> None:
    secret = slack.channel("secret", members=[team.bob], private=True)
    page.opens(me=team.alice.id, room=team.ops.id)
    page.sees("", ".composer-input")
    message = team.bob.says("while she looks on", team.ops)
    page.message("while she looks on")
    team.bob.edits(message, "changed while she looks on")
    page.message("changed while she looks on")
    team.bob.says("in the thread", team.ops, thread=message)
    page.clicks_on("1 reply", ".replies")
    page.types("and so do I", css=".thread .composer-input")
    page.sees("and so do I", ".thread .message")
    assert page.violations() == []
    assert "secret" not in page.one(".sidebar").text
    page.acts_as("Bob Brandt")
    page.goes_to("secret")
    page.opens(me=team.alice.id, room=secret.id)
    assert "secret" not in page.one(".room .head").text


def test_page_goes_to_the_end_when_somebody_who_scrolled_up_types(
    slack: Sandbox, team: Team, seamark: Seamark, page: Visitor
) -> None:
    for number in range(40):
        team.bob.says(f"line {number}", team.ops)
    page.opens(me=team.alice.id, room=team.ops.id)
    page.message("line 39")
    page.driver.execute_script("document.querySelector('.log').scrollTop = 0")
    team.bob.says("while she reads on", team.ops)
    page.message("while she reads on")
    assert page.driver.execute_script("return document.querySelector('.log').scrollTop") == 0

    page.types("/incident list")
    page.sees("", ".message.ephemeral")
    left = "const log = document.querySelector('.log'); return log.scrollHeight - log.scrollTop - log.clientHeight"
    page.wait(lambda: page.driver.execute_script(left) < 2)


def test_page_shows_what_passes_and_lets_it_fail(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    page.opens(me=team.alice.id, room=team.ops.id, pane="inspector")
    page.types("/incident list")
    page.clicks_on("/incident list", ".traffic .line")
    page.sees('"command": "/incident"', ".payload")
    assert page.violations() == []
    page.clicks("Strictness", css=".tool")
    page.sees("Nothing: all of it would have passed.")
    page.clicks("Faults", css=".tool")
    page.clicks("Slow network: let it happen")
    page.sees("every method takes 1 s", ".fault-state")
    assert page.violations() == []
    page.clicks("All well again")
    page.sees("Nothing goes wrong at the moment.")
    assert slack.faults.in_words() == []


def test_page_is_accessible_on_a_phone(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    page.opens(me=team.alice.id, room=team.ops.id)
    page.driver.set_window_size(390, 800)
    try:
        page.types("/incident declare A title")
        page.dialog("Declare incident")
        assert page.violations() == []
        page.submits("Declare", then="Declared")
        page.closes()
        room = slack.find_channel("inc-1-a-title")
        slack.until(lambda: "alice" in room.members)
        message = team.alice.says("`code`, *bold* and @bob", room)
        team.alice.reacts(message, "pushpin")
        page.driver.execute_script("location.hash = arguments[0]", f"me={team.alice.id}&room={room.id}")
        page.message("bold")
        assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert page.violations() == []
    finally:
        page.driver.set_window_size(1280, 860)


def test_page_follows_a_story_at_the_visitors_pace(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    page.opens(me=team.alice.id, room=team.ops.id)
    general = slack.channel("general", members=[team.bob])
    slack.story.say("Bob looks at the dashboards", person=team.bob, channel=general)
    page.sees("Bob looks at the dashboards", ".story")
    page.wait(lambda: "Bob Brandt" in page.one(".actor").text and "general" in page.one(".room .head").text)
    page.clicks("4×", css=".story button")
    page.clicks("Pause", css=".story button")
    page.wait(lambda: slack.story.paused and slack.story.speed == 4)
    assert page.violations() == []
    page.clicks("Skip to the end", css=".story button")
    slack.story.wait(60)
    slack.story.done("The workspace is yours.\nTry first: move the clock.")
    page.sees("The workspace is yours.\nTry first: move the clock.", ".story")
