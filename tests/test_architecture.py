"""`handlers -> bot -> storage`: the arrows, and the roots that may import everything."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
OURS = {"bot", "handlers", "storage", "sandbox", "templates", "stories"}
MAY_IMPORT = {
    "bot": {"bot", "storage", "templates"},
    "handlers": {"handlers", "bot", "storage"},
    "storage": {"storage"},
    "sandbox": {"sandbox"},
}
ROOTS = {
    "bot/__main__.py",
    "bot/app.py",
    "bot/checking.py",
    "bot/demo.py",
    "bot/demo_bot.py",
    "bot/running.py",
}
"""Where everything is put together: the command line, the composition, what runs it and what tries it."""

NOT_IN = {
    "bot": {"slack_sdk", "slack_bolt", "apscheduler"},
    "storage": {"slack_sdk", "slack_bolt", "apscheduler", "bot"},
}
"""Whole libraries that belong to the edge."""


def imports(source: str) -> set[str]:
    """The top-level packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def wrong_arrows(path: str, source: str) -> set[str]:
    """What the file at `path` (from the top of the project) must not import and does."""
    package = path.split("/", maxsplit=1)[0]
    if path in ROOTS:
        return set()
    used = imports(source)
    return ((used & OURS) - MAY_IMPORT[package]) | (used & NOT_IN.get(package, set()))


def files() -> list[str]:
    return sorted(
        str(path.relative_to(TOP))
        for package in MAY_IMPORT
        for path in (TOP / package).rglob("*.py")
        if "migrations" not in path.parts
    )


@pytest.mark.parametrize("path", files())
def test_file_imports_along_the_arrows(path: str) -> None:
    assert wrong_arrows(path, (TOP / path).read_text()) == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("storage/x.py", "from bot import incidents"),
        ("bot/x.py", "from handlers import courier"),
        ("bot/x.py", "def f():\n    import slack_sdk"),
        ("sandbox/x.py", "import storage.models"),
        ("handlers/x.py", "from sandbox import Sandbox"),
    ],
)
def test_import_against_the_arrows_is_found(path: str, source: str) -> None:
    assert wrong_arrows(path, source) != set()


def clock_reads(source: str) -> list[int]:
    """Lines that read the clock: `datetime.now()`, `utcnow()`, `today()`, `time.time()`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr)
        in {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("datetime", "today"), ("time", "time")}
    ]


@pytest.mark.parametrize("path", [path for path in files() if not path.startswith("sandbox/") and path not in ROOTS])
def test_time_is_an_argument_below_the_roots(path: str) -> None:
    assert clock_reads((TOP / path).read_text()) == []
