"""The dialog of a step: its frame, its questions as inputs, and the dialogs about what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import answers, mrkdwn
from bot.answers import Conflict, parts
from bot.blameless import Remark
from bot.bylines import Bylines
from bot.guides import Prompt, Step
from handlers.payloads import Form
from handlers.views import kit

MOST_BLOCKS = 100
MOST_BYTES = 200_000
"""Slack takes views of 256,000 bytes; the rest is for the frame and what a kind shows."""

FRAME = 12
"""Blocks of a dialog that are no question's and no kind's: what it is about, notes, the ways on."""


@dataclass(frozen=True)
class Field:
    """A question, the version of its answer (0: nobody has answered), and the text to begin with.

    `key` says who is behind the codes in that text; see `bot.bylines`.
    """

    prompt: Prompt
    version: int
    text: str
    key: str = ""

    @property
    def name(self) -> str:
        return f"{self.prompt.key}@{self.version}"


@dataclass(frozen=True)
class StepFrame:
    title: str
    step: Step
    number: int
    of: int
    notes: Sequence[str]
    shown: Sequence[Block]
    fields: Sequence[Field]
    is_first: bool
    more: bool
    metadata: dict[str, Any]


def inputs(field: Field) -> list[Block]:
    """A question as one input, or as several when its text is longer than one can hold."""
    prompt, hint = field.prompt, _hint(field)
    if prompt.type in {"text", "long_text"}:
        found = _text_inputs(field, hint)
        return found if len(found) < MOST_BLOCKS - 2 * FRAME and weight(found) < MOST_BYTES else [_too_long(field)]
    chosen = [line for line in field.text.split("\n") if line]
    if prompt.type == "number":
        return [kit.number_field(field.name, prompt.label, initial=field.text, hint=hint)]
    if prompt.type == "date":
        day = date.fromisoformat(field.text) if field.text else None
        return [kit.date_field(field.name, prompt.label, initial=day, optional=True, hint=hint)]
    if prompt.type == "people":
        return [kit.users_field(field.name, prompt.label, initial=chosen, hint=hint)]
    options = [kit.option(one.label, one.key, one.about) for one in prompt.options]
    if prompt.type == "choices":
        return [kit.choices_field(field.name, prompt.label, options, initial=chosen, hint=hint)]
    return [kit.choice_field(field.name, prompt.label, options, initial=field.text, optional=True, hint=hint)]


def _text_inputs(field: Field, hint: str | None) -> list[Block]:
    prompt = field.prompt
    texts = parts(field.text)
    multiline = prompt.type == "long_text" or len(texts) > 1 or "\n" in field.text
    blocks: list[Block] = []
    for number, text in enumerate(texts):
        again = "" if number == 0 else " (continued)" if number == 1 else f" (continued {number})"
        blocks.append(
            kit.text_field(
                f"{field.name}~{number}" if number else field.name,
                prompt.label + again,
                initial=text,
                multiline=multiline,
                optional=True,
                hint=hint if number == 0 else None,
                placeholder=prompt.placeholder if number == 0 else None,
            )
        )
    return blocks


def _too_long(field: Field) -> Block:
    """An answer of a book's length: it is kept and printed whole, and cannot be edited here."""
    label = mrkdwn.escape(field.prompt.label)
    text = f"*{label}*\nThis answer has {len(field.text):,} characters, more than a dialog can hold."
    return kit.section(f"{text} It is kept, all of it, and goes into the documents as it is.")


def _hint(field: Field) -> str | None:
    needed = "Wanted before publishing." if field.prompt.required else None
    return " ".join(part for part in (field.prompt.hint, needed, field.key) if part) or None


def weight(blocks: Sequence[Block]) -> int:
    """How many bytes the blocks take in a request."""
    return len(json.dumps(kit.as_dicts(blocks)))


def page(fields: Sequence[Field], *, start: str, taken: int) -> tuple[list[Field], Field | None]:
    """As many questions as one dialog holds, from the one with the key `start` ("": the first); and the next one.

    `taken` is how many blocks the dialog has besides.
    """
    first = next((at for at, field in enumerate(fields) if field.prompt.key == start), 0)
    found: list[Field] = []
    blocks, size = taken, 0
    for field in fields[first:]:
        built = inputs(field)
        blocks, size = blocks + len(built), size + weight(built)
        if found and (blocks > MOST_BLOCKS or size > MOST_BYTES):
            return found, field
        found.append(field)
    return found, None


def step_dialog(frame: StepFrame) -> View:
    step = frame.step
    where = f"Step {frame.number} of {frame.of}" + (f" · {step.minutes} minutes" if step.minutes else "")
    blocks: list[Block] = [kit.context(where), kit.section(mrkdwn.escape(step.about))]
    if step.script:
        blocks.append(kit.context(f"_To say aloud:_ {mrkdwn.escape(step.script)}"))
    for note in frame.notes:
        blocks += kit.sections(note)
    blocks += frame.shown
    for field in frame.fields:
        blocks += inputs(field)
    if frame.more:
        blocks.append(kit.context("There is more of this step: it follows when you go on."))
    blocks.append(_ways(frame))
    return kit.modal(
        frame.title,
        "retro_step",
        blocks,
        submit="Save and continue",
        close="Close",
        metadata=frame.metadata,
    )


def _ways(frame: StepFrame) -> Block:
    ways = [kit.button("Save and leave", "retro_leave")]
    if not frame.is_first:
        ways.append(kit.button("Back", "retro_back"))
    ways.append(kit.button("Earlier versions", "retro_versions"))
    return kit.buttons(*ways)


# --- reading what was typed ------------------------------------------------------------------------------


def typed(form: Form, prompts: Sequence[Prompt]) -> dict[str, str]:
    """What stands in the dialog's inputs, by the key of the question; only those that the dialog shows."""
    names: dict[str, list[str]] = {}
    for name in form.names():
        names.setdefault(name.partition("@")[0], []).append(name)
    return {prompt.key: _typed(form, prompt, names[prompt.key]) for prompt in prompts if prompt.key in names}


def _typed(form: Form, prompt: Prompt, names: Sequence[str]) -> str:
    if prompt.type in {"text", "long_text"}:
        return "".join(form.text(name) for name in sorted(names, key=_part))
    name = names[0]
    if prompt.type == "number":
        return form.text(name)
    if prompt.type == "date":
        day = form.day(name)
        return day.isoformat() if day else ""
    if prompt.type == "people":
        return "\n".join(form.users(name))
    return "\n".join(form.choices(name)) if prompt.type == "choices" else form.choice(name)


def _part(name: str) -> int:
    return int(name.partition("~")[2] or 0)


def versions(metadata: Mapping[str, Any]) -> dict[str, int]:
    """The version of each answer that the dialog was opened with, by the key of the question."""
    return dict(metadata.get("v") or {})


# --- words of people, shown -------------------------------------------------------------------------------


def told(text: str) -> list[Block]:
    """What somebody typed, shown as it is: over as many sections as it needs, and unable to ping anybody."""
    return [kit.section(mrkdwn.escape(piece)) for piece in _pieces(text) if piece.strip()]


def _pieces(text: str) -> list[str]:
    found = []
    for part in parts(text):
        if len(mrkdwn.escape(part)) <= kit.SECTION:
            found.append(part)
        else:
            found += [part[at : at + 600] for at in range(0, len(part), 600)]
    return found


def fitting(groups: Sequence[Sequence[Block]], *, taken: int = FRAME) -> int:
    """How many of the groups of blocks, from the first on, fit into one dialog."""
    blocks, size = taken, 0
    for number, group in enumerate(groups):
        blocks, size = blocks + len(group), size + weight(group)
        if number and (blocks > MOST_BLOCKS or size > MOST_BYTES):
            return number
    return len(groups)


# --- two people at once -----------------------------------------------------------------------------------

DIFFERENCE = 2500
"""Characters of a difference that are shown above the field, which holds all of it."""


def conflict_dialog(
    title: str, conflicts: Sequence[Conflict], names: Mapping[str, str], bylines: Bylines, metadata: dict[str, Any]
) -> View:
    """What somebody sees whose words met another's: the difference, and a field that holds both."""
    groups = [_conflict(one, names, bylines) for one in conflicts]
    shown = fitting(groups)
    blocks: list[Block] = [block for group in groups[:shown] for block in group]
    blocks.append(kit.context("Both texts are kept under “Earlier versions”. Settle it here, or leave it as it is."))
    if shown < len(groups):
        left = "; ".join(mrkdwn.escape(one.prompt.label) for one in conflicts[shown:])
        blocks.append(kit.context(f"These hold both texts as well, for when you open the step again: {left}"[:2000]))
    of = {**metadata, "v": {one.prompt.key: one.version for one in conflicts[:shown]}}
    of["b"] = {one.prompt.key: one.their_version for one in conflicts[:shown]}
    return kit.modal(title, "retro_conflict", blocks, submit="Save and continue", close="Close", metadata=of)


def _conflict(one: Conflict, names: Mapping[str, str], bylines: Bylines) -> list[Block]:
    by = mrkdwn.person(mrkdwn.Mentions(names), one.by)
    head = f"*{by} saved this meanwhile:* {mrkdwn.escape(one.prompt.label)}"
    if one.prompt.type in {"text", "long_text"}:
        difference = mrkdwn.shorten("\n".join(answers.difference(one.theirs, one.mine)), DIFFERENCE)
        lines = [f"`+` is theirs, `-` is yours; the field below holds both.\n{mrkdwn.escape(difference)}"]
    else:
        theirs, mine = (mrkdwn.escape(answers.in_words(one.prompt, text, names)) for text in (one.theirs, one.mine))
        lines = [f"Theirs: {theirs or 'nothing'}. Yours: {mine or 'nothing'}."]
    field = Field(one.prompt, one.version, one.merged, bylines.key(one.merged))
    return [kit.section(head), *(block for line in lines for block in kit.sections(line)), *inputs(field)]


# --- wording ----------------------------------------------------------------------------------------------

MOST_REMARKS = 6


@dataclass(frozen=True)
class Wording:
    """What is remarked about one answer: it was saved as it is, in that version."""

    field: Field
    remarks: Sequence[Remark]


def wording_dialog(title: str, found: Sequence[Wording], metadata: dict[str, Any], *, callback_id: str) -> View:
    """Which phrases blame or look back, why, and other words; for the writer alone, and nothing is held up."""
    groups = [_wording(one) for one in found]
    shown = fitting(groups)
    intro = (
        "*All of it is saved.* Some phrases may read as blame, or as looking back with what is known only now."
        " Only you see this; nothing is changed unless you change it."
    )
    blocks: list[Block] = [kit.section(intro)]
    blocks += [block for group in groups[:shown] for block in group]
    blocks.append(kit.buttons(kit.button("Keep as written", f"{callback_id}_keep")))
    of = {**metadata, "v": {one.field.prompt.key: one.field.version for one in found[:shown]}}
    return kit.modal(title, callback_id, blocks, submit="Save and continue", close="Close", metadata=of)


def _wording(one: Wording) -> list[Block]:
    lines = [
        f"• “{mrkdwn.escape(mrkdwn.shorten(remark.phrase, 200))}”: {mrkdwn.escape(remark.why)}"
        f" *Rather:* {mrkdwn.escape(remark.offer)}"
        for remark in one.remarks[:MOST_REMARKS]
    ]
    if len(one.remarks) > MOST_REMARKS:
        lines.append(f"• and {len(one.remarks) - MOST_REMARKS} more like these")
    head = f"*{mrkdwn.escape(one.field.prompt.label)}*"
    return [*kit.sections("\n".join([head, *lines])), *inputs(one.field)]


# --- earlier versions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """One saved text of an answer, ready to be shown."""

    revision_id: int
    label: str
    number: int
    text: str
    by: str
    at: datetime
    stands: bool


def versions_dialog(title: str, found: Sequence[Version], *, at: int, metadata: dict[str, Any], note: str = "") -> View:
    """Every text that was saved in a step, the newest first, from number `at` on; each can be made to stand again."""
    groups = [_version(one) for one in found[at:]]
    shown = fitting(groups)
    blocks: list[Block] = [kit.section(note)] if note else []
    blocks += [block for group in groups[:shown] for block in group]
    if not found:
        blocks.append(kit.section("Nothing has been saved in this step yet."))
    turn = []
    if at > 0:
        turn.append(kit.button("Newer", "retro_versions_newer", 0))
    if at + shown < len(found):
        turn.append(kit.button("Older", "retro_versions_older", at + shown))
    if turn:
        blocks.append(kit.buttons(*turn))
    return kit.modal(title, "notice", blocks, close="Back", metadata=metadata)


def _version(one: Version) -> list[Block]:
    state = "  _stands now_" if one.stands else ""
    head = f"*{mrkdwn.escape(one.label)}*\nVersion {one.number}, {mrkdwn.escape(one.by)},"
    head += f" {mrkdwn.moment(one.at, day=True)}{state}"
    restore = None if one.stands else kit.button("Restore", "retro_restore", one.revision_id)
    return [kit.section(head, restore), *(told(one.text) or [kit.context("_(empty)_")]), kit.divider()]


def kept(title: str, of: str) -> View:
    """What is said when somebody leaves a step."""
    text = f"*All of it is kept.* {mrkdwn.escape(of)} can be opened again from the hub, by you or by anybody in it."
    return kit.notice(title, text)


def finished(title: str, text: str) -> View:
    return kit.notice(title, text)
