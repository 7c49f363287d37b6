"""A person at the page, in a real headless Chromium: they read, type and click what is written there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WHY_NOT = "" if CHROMIUM and DRIVER else "no Chromium here (Debian: chromium and chromium-driver)"
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-prefers-reduced-motion --hide-scrollbars "
    "--force-device-scale-factor=1"
)
_AXE = Path(__file__).parent / "axe" / "axe.min.js"
_PASSING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    LookupError,
)

# Looking is one script, not a question to the browser for each element. Hidden words are nobody's.
_LOOK = """
const shown = one => one.checkVisibility({opacityProperty: true, visibilityProperty: true});
const said = one => shown(one) ? one.innerText.replaceAll('\\u00a0', ' ').trim() : '';
const heard = one => one.getAttribute('aria-label') ?? '';
const words = one => `${said(one)} ${heard(one)}`.trim();
const all = (css, within) => [...(within ?? document).querySelectorAll(css)];
"""

_LOOK_OVER = """
const done = arguments[0], page = document.documentElement, before = page.dataset.theme ?? null;
(async () => {
    const found = {};
    for (page.dataset.theme of ['light', 'dark']) found[page.dataset.theme] = (await axe.run(document)).violations;
    if (before === null) delete page.dataset.theme; else page.dataset.theme = before;
    done(found);
})();
"""

T = TypeVar("T")


@contextmanager
def chromium(profile: Path, width: int = 1280, height: int = 860) -> Iterator[webdriver.Chrome]:
    """A browser that has never been used before."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in [*_FLAGS.split(), f"--user-data-dir={profile}", f"--window-size={width},{height}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


class Visitor:
    """Somebody who has the page open; everything is found by the words that stand on it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    # -- looking

    def wait(self, look: Callable[[], T], seconds: float = 8) -> T:
        """What `look` returns once that is true; what it was that could not be found is raised at the end."""
        end = time.monotonic() + seconds
        while True:
            try:
                found = look()
            except _PASSING:
                if time.monotonic() > end:
                    raise
            else:
                if found:
                    return found
                if time.monotonic() > end:
                    raise TimeoutError(f"not on the page within {seconds} s; there is:\n{self.text()}")
            time.sleep(0.03)

    def all(self, css: str, within: WebElement | None = None) -> list[WebElement]:
        return (within or self.driver).find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str, text: str = "", within: WebElement | None = None) -> WebElement:
        """The latest such element that says `text`, or, for a picture, has it heard."""
        latest = "return all(arguments[0], arguments[1]).findLast(one => words(one).includes(arguments[2])) ?? null"
        found: WebElement | None = self._look(latest, css, within, text)
        if found is None:
            raise LookupError(f"no {css} with {text!r}")
        return found

    def _look(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(_LOOK + script, *arguments)

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def sees(self, text: str, css: str = "body") -> WebElement:
        return self.wait(lambda: self.one(css, text))

    def message(self, text: str) -> WebElement:
        return self.wait(lambda: self.one(".message", text))

    def errors(self) -> list[str]:
        """What the browser's console holds."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    # -- doing

    def opens(self, **there: str) -> None:
        """Open the page as `me` (a user's id) at `room` (a conversation's id), `tab` or `pane`."""
        self.driver.get("about:blank")
        self.driver.get(self.url + "#" + "&".join(f"{name}={value}" for name, value in there.items()))
        self.wait(lambda: self.all(".actor"))

    def clicks(self, label: str, css: str = "button, a.button", within: WebElement | None = None) -> None:
        """The latest such button with exactly these words."""

        def click() -> bool:
            latest = """
                const there = all(arguments[0], arguments[1]);
                const fitting = there.findLast(one => [said(one), heard(one)].includes(arguments[2]));
                return [fitting ?? null, there.map(words)]"""
            found, there = self._look(latest, css, within, label)
            if found is None:
                raise LookupError(f"no button {label!r}; there are: {there}")
            found.click()
            return True

        self.wait(click)

    def clicks_on(self, text: str, css: str) -> None:
        """The latest such thing that says `text`."""

        def click() -> bool:
            self.one(css, text).click()
            return True

        self.wait(click)

    def acts_as(self, name: str) -> None:
        self.clicks_on("", ".actor")
        self.clicks_on(name, "[role=menuitemradio]")
        self.wait(lambda: name in self.one(".actor").text)

    def goes_to(self, name: str) -> None:
        """A conversation in the sidebar."""
        self.clicks_on(name, ".sidebar .entry")
        self.wait(lambda: self.one(".sidebar .entry[aria-current]", name))

    def types(self, line: str, css: str = ".room .composer-input") -> None:
        """Into the composer, and Enter; a suggestion that is open is left alone."""
        area = self.wait(lambda: self.one(css))
        area.send_keys(line + " ")
        area.send_keys(Keys.ENTER)
        self.wait(lambda: self.one(css).get_attribute("value") == "")

    def hovers(self, text: str, label: str) -> None:
        """A tool of the message with this text."""

        def click() -> bool:
            message = self.one(".message:not(.ephemeral)", text)
            self.driver.execute_script("arguments[0].focus()", message)
            self.one(".toolbar button", label, message).click()
            return True

        self.wait(click)

    def menu(self, label: str) -> None:
        self.clicks_on(label, "[role=menuitem]")

    # -- dialogs

    def dialog(self, title: str) -> WebElement:
        self.wait(lambda: self._titled(title))
        return self.one(".dialog", title)

    def _titled(self, title: str) -> bool:
        return bool(self._look("return all('.dialog .dialog-title span:last-child').map(said)") == [title])

    def fills(self, fields: dict[str, Any]) -> None:
        """Fields of the open dialog by their labels."""
        for label, value in fields.items():
            self.wait(lambda label=label, value=value: self._fill(label, value))  # type: ignore[misc]

    def submits(self, label: str, *, then: str | None = None) -> None:
        """Press the dialog's own button; `then` is the title of the dialog that follows, None: there is none."""
        self.clicks_on(label, ".dialog-foot button")
        if then is None:
            self.wait(lambda: not self.all(".dialog"))
        else:
            self.dialog(then)

    def closes(self) -> None:
        self.clicks("Close", css=".dialog-head button")
        self.wait(lambda: not self.all(".dialog"))

    def _fill(self, label: str, value: Any) -> bool:
        find = """
            const labelled = one => said(one.querySelector('.label')).replace(/ \\(optional\\)$/, '') === arguments[0];
            const frame = all('.dialog .field').find(labelled);
            if (!frame) return null;
            frame.scrollIntoView({block: 'center'});
            const controls = all('input, textarea', frame);
            return [frame, controls, controls[0].type, controls[0].getAttribute('role')]"""
        found = self._look(find, label)
        if found is None:
            raise LookupError(f"no field {label!r}")
        frame, controls, kind, role = found
        if role == "combobox":
            for one in value if isinstance(value, list) else [value]:
                self._choose(controls[0], one)
        elif kind in {"checkbox", "radio"}:
            self.one("label", value if isinstance(value, str) else "", frame).click()
        elif kind in {"date", "time"}:
            for control, part in zip(controls, str(value).split(" "), strict=False):
                _set(self.driver, control, part)
        else:
            controls[0].clear()
            controls[0].send_keys(value)
        return True

    def _choose(self, control: WebElement, option: str) -> None:
        control.click()
        control.send_keys(option)
        self.clicks_on(option, ".options .option")

    # -- checking

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it stands, in light and in dark: the rule, and where."""
        if not self.driver.execute_script("return Boolean(window.axe)"):
            self.driver.execute_script(_AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(_LOOK_OVER)
        return [
            f"{theme}, {one['id']}: {node['html'][:200]}"
            for theme, violations in found.items()
            for one in violations
            for node in one["nodes"]
        ]


def _set(driver: webdriver.Chrome, control: WebElement, value: str) -> None:
    """Dates and times are typed differently in every locale, so they are set as a picker sets them."""
    driver.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
        control,
        value,
    )
