"""The page in a real browser, with the real bot: what people do there from the declaration to the last nudge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from bot.app import Seamark
from sandbox import Sandbox
from tests import browser
from tests.browser import Visitor
from tests.conftest import Team

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def db_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough here: the page does not know it."""
    path = tmp_path / "seamark.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(slack: Sandbox, driver: object) -> Iterator[Visitor]:
    """The page, served; it ends without a word on the browser's console."""
    visitor = Visitor(driver, slack.serve_page())  # type: ignore[arg-type]
    yield visitor
    assert visitor.errors() == []


def test_page_walks_from_the_declaration_to_done(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
    """Three people at one page: alice declares and does the action, bob responds, carol facilitates."""
    slack.after_each(lambda: (seamark.tick(), seamark.courier.drain())[1])
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
    page.wait(lambda: page.clicks("Scope and impact", within=page.message("steps done")) is None)
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
    assert frame.get_attribute("sandbox") == ""
    page.driver.switch_to.frame(frame)
    page.sees("The deploy of 10:02 broke payments.")
    page.driver.switch_to.default_content()
    page.clicks("Close", css=".viewer button")


def _follow_through(page: Visitor) -> None:
    page.acts_as("Alice Ames")
    page.clicks_on("", ".tool.clock")
    page.menu("+3 days")
    page.wait(lambda: page.one(".sidebar .entry.unread", "Seamark").click() is None)
    page.clicks("Done", within=page.message("Send a share of payments to the canary"))
    page.dialog("Done")
    page.fills({"How was it checked?": "Payments were refused in a drill; the canary failed"})
    page.submits("Done")
    page.sees("to be confirmed by another person", ".message")
    page.clicks("Home", css=".tab")
    page.sees("", ".home .block")
