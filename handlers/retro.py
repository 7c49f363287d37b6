"""`/retro`: the retrospective begun, how it stands, and its hub."""

from __future__ import annotations

from slack_bolt import App

from handlers.subcommands import Subcommands

retro = Subcommands("/retro", "leads you through a blameless retrospective, and follows what was agreed.")


def register(app: App) -> None:
    retro.register(app)
