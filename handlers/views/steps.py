"""The dialog of a step: its frame, its questions as inputs, and the dialogs about what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.answers import parts
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
    """A question, the version of its answer (0: nobody has answered), and the text to begin with."""

    prompt: Prompt
    version: int
    text: str

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
    prompt, hint = field.prompt, _hint(field.prompt)
    if prompt.type in {"text", "long_text"}:
        return _text_inputs(field, hint)
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


def _hint(prompt: Prompt) -> str | None:
    needed = "Needed before publishing." if prompt.required else None
    return " ".join(part for part in (prompt.hint, needed) if part) or None


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
