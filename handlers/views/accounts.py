"""What people see of accounts: the question, the dialog, what is hidden and what is not, the views side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.guides import Step
from handlers.views import kit, steps
from storage.models import Account

UNNAMED = "Leave my name out"
MOST_BLOCKS = 34
"""Blocks of accounts that are shown at once, out of the 40 that a step's kind has."""

HIDDEN = (
    "*If you leave your name out:* your words are kept without your name, without a time, and in no order;"
    " nobody can look up whose they are, not even in Seamark's database."
    "\n*What is not hidden:* that you have answered (the facilitator sees who has, not which answer is whose);"
    " how you write, and what only you can know; and whoever runs the server, or watches the answers come in, could"
    " notice when yours did. Slack itself knows that you used this dialog."
)


def hidden(others: int) -> str:
    """What leaving out the name hides; `others` is how many have done so before."""
    alone = "So far nobody else has left their name out. If it stays so, people may guess; write with that in mind."
    return HIDDEN if others else f"{HIDDEN}\n{alone}"


def invitation(retrospective_id: int, text: str) -> dict[str, Any]:
    button = kit.button("Give my account", "retro_account", retrospective_id, style="primary")
    return kit.message(text, [*kit.sections(text), kit.buttons(button)])


@dataclass(frozen=True)
class AccountForm:
    """The dialog as one person sees it; `unnamed` is None on a later page, where it is decided already."""

    step: Step
    fields: Sequence[steps.Field]
    more: bool
    unnamed: bool | None
    others: int
    notes: Sequence[str]
    metadata: dict[str, Any]


def account_dialog(form: AccountForm) -> View:
    blocks: list[Block] = [kit.section(note) for note in form.notes]
    if form.unnamed is not None:
        about = (
            "Your own view, in your own words; leave out what you have nothing to say to. Others may see it otherwise."
        )
        blocks.append(kit.section(about))
    for field in form.fields:
        blocks += steps.inputs(field)
    if form.unnamed is not None:
        blocks.append(kit.checkbox_field("unnamed", UNNAMED, "Keep my account without my name", checked=form.unnamed))
        blocks += kit.sections(hidden(form.others))
    submit = "Save and continue" if form.more else "Save"
    return kit.modal("My account", "retro_account", blocks, submit=submit, metadata=form.metadata)


def carrying(view: View, *, again: bool) -> View:
    """The next page of an account; `again`: its writer has the way back already."""
    view.private_metadata = json.dumps({**json.loads(view.private_metadata or "{}"), "again": again})
    return view


def given(*, unnamed: bool, value: str, handed_over: bool) -> View:
    """What is said when an account is saved; of an unnamed one `value` is the only way back to it."""
    if not unnamed:
        text = "*Your account is kept.* “Give my account” opens it again; you can change it until it is published."
        return kit.notice("My account", text)
    text = "*Your account is kept, without your name.*"
    text += (
        " The button in the direct message you got is the only way back to it."
        if handed_over
        else " This button is the only way back to it, unless a direct message of Seamark has it as well."
    )
    blocks: list[Block] = [kit.section(text)]
    if not handed_over:
        blocks.append(kit.buttons(kit.button("Change my account", "retro_account_again", value)))
    return kit.modal("My account", "notice", blocks, close="Close")


def way_back(text: str, value: str) -> dict[str, Any]:
    button = kit.button("Change my account", "retro_account_again", value)
    return kit.message(text, [*kit.sections(text), kit.buttons(button)])


ALONE = "One account came without a name. With so few it is easy to guess, and kind not to."

GIVEN_WITHOUT_NAME = (
    "You have answered, and there is no account with your name. If you left your name out, the button “Change my"
    " account” in your direct messages leads back to it; what you write here is kept as another one."
)


# --- side by side ----------------------------------------------------------------------------------------


def parallel(
    step: Step, given_: Sequence[Account], names: Mapping[str, str], *, at: int
) -> tuple[list[Block], int | None]:
    """The accounts, question by question, each view beside the others; from group `at`, and where the rest begins."""
    groups = [group for prompt in step.prompts for group in _views(prompt.heading, prompt.key, given_, names)]
    blocks: list[Block] = []
    size = 0
    for number, group in enumerate(groups[at:], start=at):
        size += steps.weight(group)
        if blocks and (len(blocks) + len(group) > MOST_BLOCKS or size > steps.MOST_BYTES):
            return blocks, number
        blocks += group
    return blocks, None


def _views(heading: str, key: str, given_: Sequence[Account], names: Mapping[str, str]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for one in given_:
        text = one.answers.get(key, "")
        if text.strip():
            by = mrkdwn.person(mrkdwn.Mentions(names), one.user_id) if one.user_id else "A participant"
            head: list[Block] = [] if groups else [kit.section(f"*{mrkdwn.escape(heading)}*")]
            groups.append([*head, *steps.told(text), kit.context(by)])
    return groups


def ways(*, at: int, rest: int | None, may_remind: bool, may_weave: bool) -> list[Block]:
    found = []
    if at > 0:
        found.append(kit.button("First accounts", "retro_accounts_first", 0))
    if rest is not None:
        found.append(kit.button("More accounts", "retro_accounts_more", rest))
    if may_remind:
        found.append(kit.button("Remind once", "retro_remind"))
    if may_weave:
        found.append(kit.button("Weave into learning", "retro_weave"))
    return [kit.buttons(*found)] if found else []
