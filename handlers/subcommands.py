"""Subcommands of a slash command: one decorated function each, its docstring is its line of help."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App, Args
from slack_bolt.kwargs_injection import build_required_kwargs

from handlers.payloads import Slash
from handlers.views import kit

Listener = Callable[..., None]


@dataclass(frozen=True)
class Subcommand:
    name: str
    help: str
    listener: Listener


class Subcommands:
    """The registry of one command, e.g. `/incident`; `about` heads its help, which shows `first` first."""

    def __init__(self, command: str, about: str, first: Sequence[str] = ()) -> None:
        self.command, self.about, self.first = command, about, first
        self.registered: dict[str, Subcommand] = {}

    def subcommand(self, listener: Listener) -> Listener:
        """Register a listener under its own name (`near_miss` answers to `near-miss`)."""
        return self.named(listener.__name__.replace("_", "-"))(listener)

    def named(self, *names: str) -> Callable[[Listener], Listener]:
        """Register a listener under several names; the first is the one that help shows."""

        def register(listener: Listener) -> Listener:
            about = " ".join(inspect.cleandoc(listener.__doc__ or "").split())
            for name in names:
                self.registered[name] = Subcommand(names[0], about, listener)
            return listener

        return register

    def register(self, app: App) -> None:
        """Hook the command into Bolt, as one listener: Bolt asks every listener before the right one in turn."""
        app.command(self.command)(self._carry_out)

    def _carry_out(self, args: Args, slash: Slash) -> None:
        asked = self.registered.get(slash.subcommand)
        listener = asked.listener if asked else self._help if slash.subcommand in {"", "help"} else self._unknown
        wanted = build_required_kwargs(
            logger=args.logger,
            required_arg_names=inspect.getfullargspec(listener).args,
            request=args.request,
            response=args.response,
            this_func=listener,
        )
        listener(**wanted)

    def _help(self, ack: Ack) -> None:
        ack(**kit.ephemeral(*self._help_texts()))

    def _unknown(self, ack: Ack, slash: Slash) -> None:
        near = difflib.get_close_matches(slash.subcommand, self.registered, n=3, cutoff=0.6)
        guess = f" Did you mean {' or '.join(f'`{self.command} {name}`' for name in near)}?" if near else ""
        wrong = f"There is no `{self.command} {kit.code(slash.subcommand)}`, so nothing was done.{guess}"
        ack(**kit.ephemeral(wrong, *self._help_texts()))

    def _help_texts(self) -> list[str]:
        there = {name: one for name, one in self.registered.items() if name == one.name}
        shown = [there[name] for name in dict.fromkeys([*self.first, *there])]
        lines = [f"• *{one.name}*: {one.help}" for one in shown]
        return [f"*{self.command}* {self.about}", *kit.paged(lines)]


def example_of(help_text: str) -> list[str]:
    """The examples in a line of help, e.g. `/incident mark …`: what the tests type."""
    return re.findall(r"`(/[^`]+)`", help_text)


def docs(*registries: Subcommands) -> dict[str, Any]:
    """Every subcommand with its help, for the README's table and the tests."""
    return {
        f"{registry.command} {one.name}": one.help for registry in registries for one in registry.registered.values()
    }
