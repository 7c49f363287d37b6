"""The command line: `seamark`, or `python -m bot`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bot import manifest
from bot import settings as settings_module
from bot.errors import Refusal

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 something is wrong, 2 it was asked for wrongly."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments)
    except Refusal as refusal:
        print(refusal.sentence, file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="seamark", description="A Slack bot for incident channels.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "run", run, "connect to Slack until told to stop")
    _add(commands, "check", check, "say what is missing or wrong")
    _add(commands, "manifest", print_manifest, "print the Slack app's manifest")
    _add_demo(commands)
    _add_export(commands)
    _add_import(commands)
    _add_db(commands)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "demo", demo, "play a real incident through, without a Slack account")
    parser.add_argument("--headless", action="store_true", help="play the story to its end and exit")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), metavar="DIR", help="where documents go (demo-out)"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the page's port on 127.0.0.1 (any free one)")
    parser.add_argument("--open", action=argparse.BooleanOptionalAction, default=True, help="open a browser on it")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help="keep the workspace and the bot's database in FILE, and go on with them next time",
    )
    parser.add_argument("--incident", type=Path, metavar="FILE", help="another incident file, as in stories/")
    parser.add_argument("--talk", type=Path, metavar="DIR", help="the Slack export of that incident's channel")


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "export", export, "write an incident's document, or those of every incident")
    parser.add_argument("incident", nargs="?", metavar="INC-3", help="which incident")
    parser.add_argument("--format", choices=("md", "html", "json", "csv"), help="md unless --all, then each")
    parser.add_argument("--all", action="store_true", help="every incident")
    parser.add_argument("--output", type=Path, metavar="PATH", help="a file, or with --all a folder")


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "import", import_export, "make a channel of a Slack export an incident")
    parser.add_argument("path", type=Path, metavar="PATH", help="the export: a folder or a zip")
    parser.add_argument("--channel", required=True, metavar="NAME", help="the channel whose messages are wanted")
    about = "a day like 2026-11-20, or a moment like 2026-11-20T09:30, in SEAMARK_ZONE"
    parser.add_argument("--from", dest="since", metavar="WHEN", help=f"only what was said from then on: {about}")
    parser.add_argument("--to", dest="until", metavar="WHEN", help="only what was said until then, a day included")


def _add_db(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    db = commands.add_parser("db", help="the database", description="The database.")
    actions = db.add_subparsers(required=True, metavar="ACTION")
    _add(actions, "upgrade", db_upgrade, "bring the database to this version's tables")
    _add(actions, "check", db_check, "say what is wrong with the database")
    backup = _add(actions, "backup", db_backup, "copy the database to FILE while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE")


def run(_: argparse.Namespace) -> int:
    from bot import running  # noqa: PLC0415 - the other commands start faster without Bolt

    running.run(settings_module.load())
    return 0


def check(_: argparse.Namespace) -> int:
    from bot import app, checking  # noqa: PLC0415

    settings, wrong = settings_module.read()
    findings = list(checking.check(settings, wrong, app.utc_now))
    for finding in findings:
        print(f"{'ok   ' if finding.well else 'WRONG'} {finding.what}: {finding.words}")
    return 0 if all(finding.well for finding in findings) else 1


def print_manifest(_: argparse.Namespace) -> int:
    print(manifest.text(), end="")
    return 0


def demo(arguments: argparse.Namespace) -> int:
    from bot import demo as playing  # noqa: PLC0415

    headless = arguments.headless or not (sys.stdin.isatty() and sys.stdout.isatty())
    page = None if headless else playing.Page(arguments.port, arguments.open)
    # Told to stop, or the terminal is closed: as with Ctrl-C, which a shell has ignored for what runs behind it.
    for ended in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended, signal.default_int_handler)
    return playing.play(arguments.out, incident=arguments.incident, talk=arguments.talk, page=page, keep=arguments.keep)


def export(arguments: argparse.Namespace) -> int:
    from bot import app, exporting  # noqa: PLC0415

    if arguments.all == bool(arguments.incident) or (arguments.all and arguments.output is None):
        raise Refusal("Say which: `seamark export INC-3 --format md`, or `seamark export --all --output DIR`.")
    url, folder, now = settings_module.database_url(), settings_module.guides_folder(), app.utc_now()
    if arguments.all:
        forms = (arguments.format,) if arguments.format else exporting.FORMS
        written = exporting.everything(url, arguments.output, forms, folder=folder, now=now)
        print(f"Wrote {len(written)} documents into {arguments.output}." if written else "There are no incidents yet.")
        return 0
    content = exporting.one(url, arguments.incident, arguments.format or "md", folder=folder, now=now)
    if arguments.output is not None:
        exporting.write(arguments.output, content)
        print(f"Wrote {arguments.output}.")
    else:
        sys.stdout.buffer.write(content.encode("utf-8", "replace"))
    return 0


def import_export(arguments: argparse.Namespace) -> int:
    from bot import app, importing  # noqa: PLC0415

    values = settings_module.values()
    zone = settings_module.zone(values)
    wanted = importing.Wanted(
        arguments.channel,
        importing.moment_named(arguments.since, zone, end=False),
        importing.moment_named(arguments.until, zone, end=True),
        settings_module.mark_reactions(values),
    )
    outcome = importing.with_progress(settings_module.database_url(values), arguments.path, wanted, now=app.utc_now())
    print(importing.in_words(outcome))
    return 0


def db_upgrade(_: argparse.Namespace) -> int:
    from bot import databases  # noqa: PLC0415

    print(databases.upgrade(settings_module.database_url()))
    return 0


def db_check(_: argparse.Namespace) -> int:
    from bot import databases  # noqa: PLC0415

    wrong = databases.check(settings_module.database_url())
    print("\n".join(wrong) or "The database is as it should be.")
    return 1 if wrong else 0


def db_backup(arguments: argparse.Namespace) -> int:
    from bot import databases  # noqa: PLC0415

    print(databases.backup(settings_module.database_url(), arguments.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
