"""How long a person waits for `/incident mark`: against a bare Bolt command, and against a bare insert.

One run measures all of them, each in a process of its own, over Socket Mode and over HTTP, with 1, 8 and 32
people typing at once; then Seamark again while every answer of the Web API takes 150 ms, and while 200
messages are waiting to be captured. What counts are the ratios: `bare` is Bolt's default mode, in which a
crash would lose the request; `insert` is the least that a durable answer can cost.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot import manifest
from sandbox import Channel, Person, Sandbox

ROUNDS = 40
"""How many times each number of people types at once, after those that do not count."""

WARM = 40
"""Rounds before: a bot that has just started makes its connections, and Python and SQLAlchemy their caches."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(slack: Sandbox, command: list[str], transport: str, folder: str) -> Iterator[None]:
    """The bot of `command` as a process of its own, connected to the local Slack."""
    port = free_port()
    environment = {
        **os.environ,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token if transport == "socket" else "",
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": f"sqlite:///{folder}/seamark.db",
        "BENCH_FILE": f"{folder}/bench.db",
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    log = Path(folder, "log")
    with log.open("w") as written:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=written, text=True)
        try:
            assert process.stdout is not None
            if "ready" not in process.stdout.readline():
                raise RuntimeError(log.read_text())
            if transport == "http":
                slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
            else:
                slack.wait_for_app()
            yield
        finally:
            process.terminate()
            process.wait()


def typed_at_once(
    slack: Sandbox, people: list[Person], channel: Channel, at_once: int, rounds: int = ROUNDS, warm: int = WARM
) -> float:
    """The median time until an acknowledgement, in milliseconds."""
    taken: list[float] = []
    for number in range(rounds + warm):
        before = len(slack.deliveries)
        replies = [
            person.types(f"/incident mark database {number} restarted", channel, wait=False)
            for person in people[:at_once]
        ]
        for reply in replies:
            reply.wait()
            if reply.error:
                raise RuntimeError(f"not acknowledged: {reply.error}")
        if number >= warm:
            new = [one for one in slack.deliveries[before:] if one.kind == "slash_commands"]
            taken += [one.attempts[-1].seconds * 1000 for one in new]
    return statistics.median(taken)


def measure(name: str, transport: str) -> dict[str, float]:
    """Median milliseconds by condition for one bot over one transport."""
    here = Path(__file__).parent
    command = {
        "seamark": [sys.executable, "-m", "bot", "run"],
        "bare": [sys.executable, str(here / "apps.py"), "bare"],
        "insert": [sys.executable, str(here / "apps.py"), "insert"],
    }[name]
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, Sandbox(manifest=manifest.load()) as slack:
        people = [slack.person(f"p{number}") for number in range(32)]
        ops = slack.channel("ops", members=people, with_bot=True)
        with running(slack, command, transport, folder):
            if name == "seamark":
                _declare(people[0], ops)
            for at_once in (1, 8, 32):
                results[f"{at_once} at once"] = typed_at_once(slack, people, ops, at_once)
            if name == "seamark":
                slack.faults.slow(seconds=0.15)
                results["8 at once, Slack in 150 ms"] = typed_at_once(slack, people, ops, 8)
                slack.faults.clear()
                results["behind 200 captures"] = _behind_captures(slack, people, ops)
    return results


def _declare(person: Person, channel: Channel) -> None:
    person.types("/incident declare", channel)
    person.form.fill({"Title": "Benchmark", "Where": "This channel"}).submit()


def _behind_captures(slack: Sandbox, people: list[Person], channel: Channel) -> float:
    """One person marks right after 200 messages were posted, ten times."""
    taken = []
    for _ in range(10):
        for number in range(200):
            people[number % 32].says(f"message {number}", channel, wait=False)
        taken.append(typed_at_once(slack, people, channel, 1, rounds=1, warm=5))
        slack.settle()
    return statistics.median(taken)


def main() -> None:
    for transport in ("socket", "http"):
        measured = {name: measure(name, transport) for name in ("bare", "insert", "seamark")}
        print(f"\n{transport}: median time until /incident mark is acknowledged, ms")
        for condition, seamark in measured["seamark"].items():
            base = condition if condition in measured["bare"] else ("8 at once" if "150" in condition else "1 at once")
            bare, insert = measured["bare"][base], measured["insert"][base]
            print(
                f"  {condition:28} seamark {seamark:6.1f}   bare {bare:6.1f} (x {seamark / bare:.2f})"
                f"   insert {insert:6.1f} (x {seamark / insert:.2f})"
            )


if __name__ == "__main__":
    main()
