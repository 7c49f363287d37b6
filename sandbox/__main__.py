"""`python -m sandbox --manifest manifest.yml [--config workspace.yml]`: a workspace for a bot to connect to."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import config, manifest
from sandbox.driver import Sandbox
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.driver import Person

_HELP = """\
Type as somebody:  alice #ops hello  |  alice #ops /command text  |  alice #ops  (what alice sees there)
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True, help="the app's manifest (YAML or JSON)")
    parser.add_argument("--config", type=Path, help="people and channels (YAML); see sandbox/README.md")
    parser.add_argument("--port", type=int, help="of 127.0.0.1; any free one by default")
    parser.add_argument("--page-port", type=int, default=0, help="of the page in a browser; any free one by default")
    parser.add_argument("--keep", type=Path, help="the workspace is kept in this file, and goes on with it next time")
    asked = parser.parse_args(arguments)
    try:
        described = config.load(asked.config) if asked.config else {}
        if asked.port is not None:
            described["port"] = asked.port
        return _serve(manifest.load(asked.manifest), described, asked.page_port, asked.keep)
    except (config.ConfigError, yaml.YAMLError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _serve(app: dict[str, Any], described: dict[str, Any], page_port: int, keep: Path | None) -> int:
    faults = manifest.check(app)
    for fault in faults:
        sys.stderr.write(f"manifest: {fault}\n")
    if faults:
        return 2
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    kept = keep.read_bytes() if keep is not None and keep.exists() else None
    with Sandbox(app, kept=kept, **config.options(described)) as slack:
        if kept is None:
            config.furnish(slack, described)
        people = {person.name: person for person in slack.people()}
        _tell(
            f"SLACK_API_URL={slack.api_url}",
            f"SLACK_BOT_TOKEN={slack.bot_token}",
            f"SLACK_APP_TOKEN={slack.app_token}",
            f"SLACK_SIGNING_SECRET={slack.signing_secret}",
        )
        sys.stderr.write(f"In a browser: {slack.serve_page(page_port)}\n")
        if "deliver_to" in described:
            threading.Thread(target=_deliver_to, args=(slack, described["deliver_to"]), daemon=True).start()
        try:
            if sys.stdin.isatty():
                _tell(_HELP)
            for line in sys.stdin:
                _typed(slack, people, line)
            threading.Event().wait()  # without a keyboard, until a signal
        except KeyboardInterrupt:
            pass
        finally:
            if keep is not None:
                _keep(slack, keep)
            for violation in slack.violations:
                sys.stderr.write(f"Slack would have refused: {violation}\n")
    return 0


def _keep(slack: Sandbox, file: Path) -> None:
    """Written beside and moved there, so that the file is whole at any time."""
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(slack.keep())
    part.replace(file)


def _deliver_to(slack: Sandbox, url: str) -> None:
    """Switch to HTTP as soon as the bot is up and answers the challenge."""
    while True:
        try:
            slack.deliver_to(url)
        except ValueError:
            threading.Event().wait(0.5)
        else:
            _tell(f"delivering to {url}")
            return


def _typed(slack: Sandbox, people: dict[str, Person], line: str) -> None:
    name, channel, text = ([*line.strip().split(maxsplit=2), "", "", ""])[:3]
    if not name:
        return
    if name not in people or not channel.startswith("#"):
        _tell(_HELP + f"People: {', '.join(people) or 'none; see --config'}")
        return
    try:
        _tell(_done(slack, people[name], channel, text))
    except (LookupError, PermissionError, Refused) as error:
        _tell(str(error))


def _done(slack: Sandbox, person: Person, channel: str, text: str) -> str:
    room = slack.find_channel(channel)
    if text.startswith("/"):
        reply = person.types(text, room)
        dialog = person.dialog
        return f"{dialog.title}\n{dialog.text}" if dialog else reply.text
    if text:
        person.says(text, room)
    return "\n".join(f"{shown.author}: {shown.text}" for shown in person.sees(room))


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
