"""Pieces of Block Kit that every view is made of.

Whatever a person typed is shown `verbatim`, so that Slack does not look for `@channel` in it. Limits:
https://docs.slack.dev/reference/block-kit/blocks (a section has 3,000 characters, a message 50 blocks).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    CheckboxesElement,
    ConfirmObject,
    ContextBlock,
    DatePickerElement,
    DateTimePickerElement,
    DividerBlock,
    ExternalDataMultiSelectElement,
    ExternalDataSelectElement,
    HeaderBlock,
    InputBlock,
    InteractiveElement,
    MarkdownTextObject,
    NumberInputElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    SectionBlock,
    StaticMultiSelectElement,
    StaticSelectElement,
    UserMultiSelectElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

SECTION = 3000
VALUE = "value"


def code(word: str) -> str:
    """A word that may stand between back-ticks."""
    return word.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}")[:100]


def paged(lines: Iterable[str], most: int = 2900) -> list[str]:
    """The lines joined into texts that each fit into one section; a line that is too long is split, not cut."""
    pages: list[str] = []
    for line in lines:
        for part in [line[at : at + most] for at in range(0, max(len(line), 1), most)]:
            if pages and len(pages[-1]) + len(part) < most:
                pages[-1] += "\n" + part
            else:
                pages.append(part)
    return pages


def words(text: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=text, verbatim=True)


def section(text: str, accessory: InteractiveElement | None = None, block_id: str | None = None) -> SectionBlock:
    return SectionBlock(text=words(text), accessory=accessory, block_id=block_id)


def sections(text: str) -> list[SectionBlock]:
    """A text of any length, over as many sections as it needs."""
    return [section(page) for page in paged(text.split("\n"))]


def context(*texts: str) -> ContextBlock:
    return ContextBlock(elements=[words(text) for text in texts])


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=text[:150], emoji=True))


def divider() -> DividerBlock:
    return DividerBlock()


def button(
    label: str,
    action_id: str,
    value: object = "",
    *,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    return ButtonElement(
        text=PlainTextObject(text=label, emoji=True),
        action_id=action_id,
        value=str(value) or "-",
        style=style,
        confirm=confirm,
    )


def buttons(*elements: InteractiveElement, block_id: str | None = None) -> ActionsBlock:
    return ActionsBlock(elements=list(elements), block_id=block_id)


def confirm(title: str, text: str, yes: str, no: str = "Cancel") -> ConfirmObject:
    return ConfirmObject(title=title, text=PlainTextObject(text=text), confirm=yes, deny=no)


def option(label: str, value: str, about: str | None = None) -> Option:
    return Option(text=PlainTextObject(text=label[:75]), value=value, description=about[:75] if about else None)


def _input(name: str, label: str, element: Any, *, optional: bool, hint: str | None) -> InputBlock:
    return InputBlock(
        block_id=name,
        label=PlainTextObject(text=label),
        element=element,
        optional=optional,
        hint=PlainTextObject(text=hint) if hint else None,
    )


def text_field(
    name: str,
    label: str,
    *,
    initial: str = "",
    multiline: bool = False,
    optional: bool = False,
    hint: str | None = None,
    placeholder: str | None = None,
    most: int = 3000,
) -> InputBlock:
    element = PlainTextInputElement(
        action_id=VALUE,
        initial_value=initial or None,
        multiline=multiline,
        max_length=most,
        placeholder=placeholder,
    )
    return _input(name, label, element, optional=optional, hint=hint)


def choice_field(
    name: str,
    label: str,
    options: Sequence[Option],
    *,
    initial: str | None = None,
    optional: bool = False,
    hint: str | None = None,
    radio: bool = False,
) -> InputBlock:
    chosen = next((one for one in options if one.value == initial), None)
    element = (
        RadioButtonsElement(action_id=VALUE, options=options, initial_option=chosen)
        if radio
        else StaticSelectElement(action_id=VALUE, options=options, initial_option=chosen)
    )
    return _input(name, label, element, optional=optional, hint=hint)


def choices_field(
    name: str,
    label: str,
    options: Sequence[Option],
    *,
    initial: Sequence[str] = (),
    optional: bool = True,
    hint: str | None = None,
) -> InputBlock:
    chosen = [one for one in options if one.value in initial]
    element = StaticMultiSelectElement(action_id=VALUE, options=options, initial_options=chosen or None)
    return _input(name, label, element, optional=optional, hint=hint)


def checkbox_field(name: str, label: str, text: str, *, checked: bool = False) -> InputBlock:
    """One box to tick; its value is `yes`."""
    box = option(text, "yes")
    element = CheckboxesElement(action_id=VALUE, options=[box], initial_options=[box] if checked else None)
    return _input(name, label, element, optional=True, hint=None)


def user_field(
    name: str, label: str, *, initial: str | None = None, optional: bool = False, hint: str | None = None
) -> InputBlock:
    return _input(name, label, UserSelectElement(action_id=VALUE, initial_user=initial), optional=optional, hint=hint)


def users_field(
    name: str, label: str, *, initial: Sequence[str] = (), optional: bool = True, hint: str | None = None
) -> InputBlock:
    element = UserMultiSelectElement(action_id=VALUE, initial_users=list(initial) or None)
    return _input(name, label, element, optional=optional, hint=hint)


def date_field(
    name: str, label: str, *, initial: date | None = None, optional: bool = False, hint: str | None = None
) -> InputBlock:
    element = DatePickerElement(action_id=VALUE, initial_date=initial.isoformat() if initial else None)
    return _input(name, label, element, optional=optional, hint=hint)


def number_field(
    name: str, label: str, *, initial: str = "", optional: bool = True, hint: str | None = None
) -> InputBlock:
    """Digits, with a decimal point or without."""
    element = NumberInputElement(action_id=VALUE, is_decimal_allowed=True, initial_value=initial or None)
    return _input(name, label, element, optional=optional, hint=hint)


def moment_field(
    name: str, label: str, *, initial: datetime | None = None, optional: bool = True, hint: str | None = None
) -> InputBlock:
    """A date and a time, which Slack shows and takes in the viewer's own zone; read with `Form.moment`."""
    element = DateTimePickerElement(
        action_id=VALUE, initial_date_time=int(initial.timestamp()) if initial is not None else None
    )
    return _input(name, label, element, optional=optional, hint=hint)


def search_field(
    name: str,
    label: str,
    action_id: str,
    *,
    placeholder: str | None = None,
    optional: bool = True,
    hint: str | None = None,
) -> InputBlock:
    """One choice out of many, found by typing; the options come from the listener of `action_id`."""
    element = ExternalDataSelectElement(action_id=action_id, placeholder=placeholder, min_query_length=0)
    return _input(name, label, element, optional=optional, hint=hint)


def searches_field(
    name: str,
    label: str,
    action_id: str,
    *,
    initial: Sequence[Option] = (),
    placeholder: str | None = None,
    optional: bool = True,
    hint: str | None = None,
) -> InputBlock:
    """Several choices out of many, found by typing; the options come from the listener of `action_id`."""
    element = ExternalDataMultiSelectElement(
        action_id=action_id, placeholder=placeholder, min_query_length=0, initial_options=list(initial) or None
    )
    return _input(name, label, element, optional=optional, hint=hint)


def modal(
    title: str,
    callback_id: str,
    blocks: Sequence[Block],
    *,
    submit: str | None = None,
    close: str = "Cancel",
    metadata: dict[str, Any] | None = None,
    external_id: str | None = None,
) -> View:
    return View(
        type="modal",
        title=PlainTextObject(text=title),
        callback_id=callback_id,
        submit=PlainTextObject(text=submit) if submit else None,
        close=PlainTextObject(text=close),
        private_metadata=json.dumps(metadata or {}, separators=(",", ":")),
        blocks=list(blocks),
        external_id=external_id,
    )


def as_dicts(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    return [block.to_dict() for block in blocks]


def message(text: str, blocks: Iterable[Block]) -> dict[str, Any]:
    """Arguments for posting; `text` is what a notification and a screen reader say."""
    return {"text": text, "blocks": as_dicts(blocks)}


def ephemeral(*texts: str, buttons_: Sequence[InteractiveElement] = ()) -> dict[str, Any]:
    """An answer that only the asker sees."""
    blocks: list[Block] = [block for text in texts for block in sections(text)]
    if buttons_:
        blocks.append(buttons(*buttons_))
    return {"response_type": "ephemeral", **message(texts[0][:SECTION], blocks[:50])}


def notice(title: str, *texts: str) -> View:
    """A small dialog that only says something."""
    return modal(title, "notice", [block for text in texts for block in sections(text)], close="Close")
