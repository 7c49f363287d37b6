"""What somebody is told, in a dialog and in private, when what they typed was masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.redaction import Finding, in_words
from handlers.views import kit

BLOCK = "masked"
MOST = 30
"""Fingerprints of 64 characters that a button's value of 2,000 holds."""

AGAIN = "Thank you: that is no secret from now on. Where it says `[masked: …]`, please type it once more."


def note(found: Sequence[Finding], *, unnamed: bool) -> Block:
    """`unnamed`: it is about an account, so nothing shall tell who says that it is no secret."""
    text = (
        f":lock: *What you typed looked as if it held {in_words(found)}.* It was masked before anything was kept;"
        " only you see this. If it is a real one, it is best replaced."
    )
    marks = ",".join(dict.fromkeys(finding.fingerprint for finding in found[:MOST]))
    button = kit.button("It is no secret", "dialog_no_secret", f"{'' if unnamed else 'named'}:{marks}")
    return kit.section(text, button, block_id=BLOCK)


def saved() -> View:
    """What is shown after a dialog that would just have closed."""
    return kit.notice("Saved", "All the rest is kept as you typed it.")


def without_button(view: Mapping[str, Any]) -> View:
    """The dialog that somebody looks at, with thanks in place of the note; what is typed in it stays."""
    blocks = [kit.section(AGAIN).to_dict() if one["block_id"] == BLOCK else one for one in view["blocks"]]
    names = ("type", "title", "callback_id", "submit", "close", "private_metadata")
    return View(blocks=blocks, **{name: view[name] for name in names if view.get(name)})
