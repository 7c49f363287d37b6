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


def test_page_walks_through_an_incident(slack: Sandbox, team: Team, seamark: Seamark, page: Visitor) -> None:
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
