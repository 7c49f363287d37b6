"""`python -m tests.screenshots [FOLDER]`: the README's pictures, of the page with the real bot (default `docs/`)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bot import app as composition
from bot import manifest
from sandbox import Channel, Person, Sandbox
from tests import browser
from tests.browser import Visitor
from tests.conftest import settings_for

START = datetime(2026, 11, 16, 10, 2, tzinfo=UTC)


@dataclass
class Scene:
    slack: Sandbox
    alice: Person
    bob: Person
    carol: Person
    room: Channel


def main() -> int:
    if browser.WHY_NOT:
        sys.stderr.write(f"{browser.WHY_NOT}\n")
        return 1
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        _scene(Path(scratch)) as scene,
        browser.chromium(Path(scratch) / "profile", 1280, 900) as driver,
    ):
        _shoot(scene, Visitor(driver, scene.slack.serve_page()), folder)
    return 0


@contextmanager
def _scene(scratch: Path) -> Iterator[Scene]:
    with Sandbox(manifest=manifest.load(), start=START) as slack:
        alice = slack.person("alice", real_name="Alice Ames", tz="Europe/London")
        bob = slack.person("bob", real_name="Bob Brandt", tz="Europe/Berlin")
        carol = slack.person("carol", real_name="Carol Chen", tz="Europe/London")
        slack.channel("general", members=[alice, bob, carol], general=True)
        ops = slack.channel("ops", members=[alice, bob, carol])
        running = composition.create(settings_for(slack, f"sqlite:///{scratch}/seamark.db"), clock=slack.clock.now)
        running.connect()
        slack.wait_for_app()

        def go_on() -> int:
            running.tick()
            return running.courier.drain()

        slack.after_each(go_on)
        try:
            for person in (alice, bob, carol):
                person.home()
            yield Scene(slack, alice, bob, carol, _incident(slack, ops, alice, bob, carol))
        finally:
            slack.after_each(None)
            running.stop()


def _incident(slack: Sandbox, ops: Channel, alice: Person, bob: Person, carol: Person) -> Channel:
    bob.says("anyone else seeing 502s on checkout? :eyes:", ops)
    alice.types("/incident declare Checkout returns 502", ops)
    alice.form.fill({"Severity": "SEV2", "Services": "checkout, payments", "People to invite": [bob, carol]})
    alice.form.fill({"What is happening": "Customers see 502 when they pay, since the deploy of 10:02."}).submit()
    alice.form.close()
    room = slack.channels()[-1]
    slack.clock.advance(minutes=3)
    slack.app_says("Grafana", "*[FIRING:1]* Checkout error rate is 12 % (threshold 1 %)", room)
    slack.clock.advance(minutes=2)
    said = bob.says("the errors begin with `v42`, payments time out after 5 s", room)
    carol.reacts(said, "pushpin")
    alice.reacts(said, "pushpin")
    slack.clock.advance(minutes=1)
    asked = carol.says("rolling forward takes 20 minutes, rolling back takes 2. Back?", room)
    alice.says("yes, back", room, thread=asked)
    bob.says("on it :rocket:", room, thread=asked)
    alice.types("/incident mark decision: roll back to v41 instead of fixing forward", room)
    slack.clock.advance(minutes=4)
    fixed = bob.says("v41 is out, error rate is back to *0.1 %*", room)
    for person, emoji in ((alice, "tada"), (carol, "tada"), (carol, "pushpin")):
        person.reacts(fixed, emoji)
    return room


def _shoot(scene: Scene, page: Visitor, folder: Path) -> None:
    def shot(name: str) -> None:
        page.driver.save_screenshot(str(folder / f"{name}.png"))

    slack, alice, carol, room = scene.slack, scene.alice, scene.carol, scene.room
    page.opens(me=alice.id, room=room.id)
    page.message("v41 is out")
    page.driver.execute_script("document.activeElement.blur()")
    shot("channel")
    page.driver.execute_script("document.documentElement.dataset.theme = 'dark'")
    page.clicks("Inspector", css=".tool")
    page.sees("/incident mark", ".traffic")
    shot("inspector")
    page.clicks("Inspector", css=".tool")
    page.driver.set_window_size(420, 860)
    shot("phone")
    page.driver.set_window_size(1280, 900)
    page.driver.execute_script("document.documentElement.dataset.theme = 'light'")

    for line in ("started 10:02", "detected 10:05", "acknowledged 10:06", "mitigated 10:10", "resolved 10:12"):
        alice.types(f"/incident {line}", room)
    alice.types("/incident close", room)
    _look_back(scene)
    page.opens(me=carol.id, room=room.id)
    hub = next(shown for shown in reversed(carol.sees(room)) if "Actions" in shown.buttons)
    carol.clicks("Contributing factors", within=hub)
    page.dialog("Contributing factors")
    shot("dialog")
    carol.form.close(whole_stack=True)
    slack.clock.advance(days=1)
    page.opens(me=alice.id, tab="home")
    alice.home()
    page.sees("Send a share of payments", ".home")
    shot("home")
    page.opens(me=carol.id, room=room.id)
    page.clicks_on("HTML", ".file-card")
    page.driver.switch_to.frame(page.sees("", ".viewer iframe"))
    page.sees("Checkout returns 502")
    page.driver.switch_to.default_content()
    shot("document")


def _look_back(scene: Scene) -> None:
    carol, room = scene.carol, scene.room
    carol.types("/retro start", room)
    dialog = carol.form.submit()
    if dialog is not None and dialog.submit_label:
        dialog.submit()
    if carol.dialog is not None:
        carol.form.close()
    hub = next(shown for shown in reversed(carol.sees(room)) if "Actions" in shown.buttons)
    carol.clicks("Contributing factors", within=hub)
    _add(carol, "Add a factor", {"What contributed": "The canary gets no payments", "Confidence": "Confirmed"})
    _add(carol, "Add a factor", {"What contributed": "The time-out of payments is longer than the gateway's"})
    carol.form.close(whole_stack=True)
    carol.clicks("Actions", within=hub)
    action = {
        "Owner": scene.alice,
        "Due date": date(2026, 11, 18),
        "How will we know it worked?": "It fails in a drill",
    }
    _add(carol, "Add an action", {"What will be done": "Send a share of payments to the canary", **action})
    carol.form.close(whole_stack=True)
    asked = carol.types("/retro publish", room)
    if "Publish all the same" in asked.buttons:
        carol.clicks("Publish all the same", within=asked.message)


def _add(person: Person, button: str, fields: dict[str, object]) -> None:
    person.form.clicks(button)
    person.form.fill(fields).submit()


if __name__ == "__main__":
    sys.exit(main())
