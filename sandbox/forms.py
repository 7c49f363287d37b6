"""A person at a dialog or a message: the fields, what is typed into them, what is sent, and what can be read.

Views and blocks are those that Slack echoes (`blockkit.with_defaults`): every block and element has its id.
Shapes of values and actions: docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox import mrkdwn
from sandbox.blockkit import blocks_in, elements_of, options_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Json = dict[str, Any]
Values = dict[str, dict[str, Json]]  # state.values: block_id -> action_id -> value
Typed = str | bool | int | float | Decimal | date | time | datetime | Json | Sequence[str | Json] | None


@dataclass(frozen=True)
class Field:
    """One thing a person can fill in, found by what is written beside it."""

    label: str
    block_id: str
    element: Json
    optional: bool  # whether Slack submits without it
    dispatches: bool  # whether filling it in sends block_actions

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        return str(self.element["type"])


@dataclass(frozen=True)
class _Kind:
    """How one type of element keeps what is chosen: under which name, first as what, read from a person how."""

    name: str
    initial: str
    empty: Any
    read: Callable[[Json, Any], Any]


# -- from what a person gives to what Slack keeps ----------------------------------------------------------


def _text(element: Json, value: Any) -> str | None:
    if not isinstance(value, str | int | float | Decimal) or isinstance(value, bool):
        raise TypeError(f"{element['type']} is typed into, not given {value!r}")
    if "\n" in str(value) and not element.get("multiline"):
        raise ValueError(f"a line break cannot be typed into the single line {element['action_id']!r}")
    return str(value) or None


def _option(element: Json, value: Any) -> Json:
    """The option with this text (or, for external selects, the option itself as the app offered it)."""
    if isinstance(value, dict):
        return value
    for option in options_of(element):
        if option["text"]["text"] == value:
            return option
    told = ", ".join(repr(option["text"]["text"]) for option in options_of(element))
    raise LookupError(f"no option {value!r}; there are: {told or 'none before the app is asked for them'}")


def _list_of(read: Callable[[Json, Any], Any]) -> Callable[[Json, Any], list[Any]]:
    def several(element: Json, value: Any) -> list[Any]:
        if isinstance(value, bool) and element["type"] == "checkboxes":
            value = [option["text"]["text"] for option in options_of(element)] if value else []
        chosen = [read(element, item) for item in ([value] if isinstance(value, str | dict) else value)]
        most: int = element.get("max_selected_items") or element.get("max_files") or len(chosen)
        if len(chosen) > most:
            raise ValueError(f"no more than {most} can be chosen in {element['action_id']!r}")
        return chosen

    return several


def _same(element: Json, value: Any) -> Any:
    del element
    return value


def _date(element: Json, value: Any) -> str:
    del element
    return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()


def _time(element: Json, value: Any) -> str:
    del element
    return (value if isinstance(value, time) else time.fromisoformat(value)).strftime("%H:%M")


def _date_time(element: Json, value: Any) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{element['action_id']!r} needs a datetime with its zone")
        return int(value.timestamp())
    return int(value)


def _rich_text(element: Json, value: Any) -> Json | None:
    del element
    if isinstance(value, dict):
        return value
    _, blocks = mrkdwn.from_composer(value, {}, {})
    return blocks[0] if blocks else None


_WRITTEN = _Kind("value", "initial_value", None, _text)
_ONE = _Kind("selected_option", "initial_option", None, _option)
_SEVERAL = _Kind("selected_options", "initial_options", [], _list_of(_option))
_KINDS: dict[str, _Kind] = {
    "plain_text_input": _WRITTEN,
    "email_text_input": _WRITTEN,
    "url_text_input": _WRITTEN,
    "number_input": _WRITTEN,
    "rich_text_input": _Kind("rich_text_value", "initial_value", None, _rich_text),
    "static_select": _ONE,
    "external_select": _ONE,
    "radio_buttons": _ONE,
    "multi_static_select": _SEVERAL,
    "multi_external_select": _SEVERAL,
    "checkboxes": _SEVERAL,
    "users_select": _Kind("selected_user", "initial_user", None, _same),
    "conversations_select": _Kind("selected_conversation", "initial_conversation", None, _same),
    "channels_select": _Kind("selected_channel", "initial_channel", None, _same),
    "multi_users_select": _Kind("selected_users", "initial_users", [], _list_of(_same)),
    "multi_conversations_select": _Kind("selected_conversations", "initial_conversations", [], _list_of(_same)),
    "multi_channels_select": _Kind("selected_channels", "initial_channels", [], _list_of(_same)),
    "datepicker": _Kind("selected_date", "initial_date", None, _date),
    "timepicker": _Kind("selected_time", "initial_time", None, _time),
    "datetimepicker": _Kind("selected_date_time", "initial_date_time", None, _date_time),
    "file_input": _Kind("files", "", [], _list_of(_same)),
}


# -- dialogs -----------------------------------------------------------------------------------------------


def fields(view: Json) -> dict[str, Field]:
    """The view's (or message's) fields by label, in order.

    An input's label is its own; that of another element is its section's text without marks, or else its
    placeholder, or else its action_id. A label that comes again gets " (2)", " (3)" and so on.
    """
    found: dict[str, Field] = {}
    for block in blocks_in(view["blocks"]):
        for _, element in elements_of(block):
            if element["type"] in _KINDS:
                field = _field(block, element)
                count = sum(known == field.label or _numbered(known, field.label) for known in found)
                found[f"{field.label} ({count + 1})" if count else field.label] = field
    return found


def _numbered(known: str, label: str) -> bool:
    return re.fullmatch(rf"{re.escape(label)} \(\d+\)", known) is not None


def _field(block: Json, element: Json) -> Field:
    is_input = block["type"] == "input"
    beside = block["label"] if is_input else block.get("text") if block["type"] == "section" else None
    beside = beside or element.get("placeholder") or {"text": element["action_id"]}
    label = str(beside["text"]) if is_input else str(beside["text"]).strip("*_~` \n")
    optional = bool(block.get("optional")) if is_input else True
    dispatches = bool(block.get("dispatch_action")) if is_input else True
    return Field(label, block["block_id"], element, optional, dispatches)


def initial_values(view: Json) -> Values:
    """`state.values` of the view as it opens, before anybody types."""
    values: Values = {}
    for field in fields(view).values():
        kind = _KINDS[field.kind]
        chosen = copy.deepcopy(field.element.get(kind.initial, kind.empty))
        values.setdefault(field.block_id, {})[field.action_id] = _value(field.element, chosen)
    return values


def _value(element: Json, chosen: Any) -> Json:
    zone = {"timezone": element["timezone"]} if "timezone" in element else {}
    return {"type": element["type"], _KINDS[element["type"]].name: chosen} | zone


def fill(view: Json, values: Values, label: str, value: Typed) -> Values:
    """`values` with one field filled in as a person would; None clears it.

    Options are given by their text, people and channels by id, several as a list, a box by True or False,
    moments as aware datetimes, files as file objects. LookupError tells the labels or options there are;
    ValueError and TypeError what the element does not let a person do.
    """
    field = field_of(view, label)
    changed = copy.deepcopy(values)
    changed.setdefault(field.block_id, {})[field.action_id] = _value(field.element, _chosen(field.element, value))
    return changed


def field_of(view: Json, label: str) -> Field:
    """The field with this label; LookupError tells the labels there are."""
    known = fields(view)
    if label not in known:
        raise LookupError(f"no field {label!r}; there are: {', '.join(map(repr, known)) or 'none'}")
    return known[label]


def is_field(element: Json) -> bool:
    """Whether a person fills it in, instead of only clicking on it."""
    return element["type"] in _KINDS


def label_of(view: Json, block_id: str, action_id: str) -> str:
    """The label under which `fill` knows the field; LookupError when there is none."""
    for label, field in fields(view).items():
        if (field.block_id, field.action_id) == (block_id, action_id):
            return label
    raise LookupError(f"no field {action_id!r} in block {block_id!r}")


def _chosen(element: Json, value: Typed) -> Any:
    kind = _KINDS[element["type"]]
    return copy.deepcopy(kind.empty if value is None else kind.read(element, value))


def carry_over(old_view: Json, old_values: Values, new_view: Json) -> Values:
    """The updated view's values: what was typed stays only where block_id and action_id are both the same.

    There the new initial value is passed over, as Slack does (reference/methods/views.update); an element of
    another type, or a choice that is no longer offered, starts anew.
    """
    before = {(field.block_id, field.action_id): field.kind for field in fields(old_view).values()}
    values = initial_values(new_view)
    for field in fields(new_view).values():
        kept = old_values.get(field.block_id, {}).get(field.action_id)
        if kept and before.get((field.block_id, field.action_id)) == field.kind and _offered(field, kept):
            values[field.block_id][field.action_id] = copy.deepcopy(kept)
    return values


def _offered(field: Field, kept: Json) -> bool:
    chosen = kept[_KINDS[field.kind].name]
    options = options_of(field.element)
    return not options or all(option in options for option in _as_list(chosen))


def _as_list(chosen: Any) -> list[Any]:
    return chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]


# -- what the client checks before it sends ----------------------------------------------------------------


def client_errors(view: Json, values: Values) -> dict[str, str]:
    """What Slack's client tells under its inputs, by label; empty when it would submit.

    Which inputs are refused is Slack's; the sentences are this module's own.
    """
    found: dict[str, str] = {}
    inputs = {block["block_id"] for block in blocks_in(view["blocks"]) if block["type"] == "input"}
    for label, field in fields(view).items():
        if field.block_id in inputs:
            chosen = values[field.block_id][field.action_id][_KINDS[field.kind].name]
            error = _error(field, chosen)
            if error:
                found[label] = error
    return found


def _error(field: Field, chosen: Any) -> str | None:
    if chosen in (None, "", []):
        return None if field.optional else "Please complete this required field."
    checks = {
        "plain_text_input": _length_error,
        "number_input": _number_error,
        "email_text_input": _email_error,
        "url_text_input": _url_error,
    }
    check = checks.get(field.kind)
    return check(field.element, chosen) if check else None


def _length_error(element: Json, text: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(text) < least:
        return f"Please write at least {least} characters."
    return f"Please write at most {most} characters." if len(text) > most else None


def _number_error(element: Json, text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "Please enter a number."
    if not number.is_finite():
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number % 1:
        return "Please enter a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Please enter {element['min_value']} or more."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Please enter {element['max_value']} or less."
    return None


def _email_error(element: Json, text: str) -> str | None:
    del element
    good = re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text)
    return None if good else "Please enter an email address."


def _url_error(element: Json, text: str) -> str | None:
    del element
    try:
        parts = urlsplit(text)
    except ValueError:
        return "Please enter a link."
    good = parts.scheme in {"http", "https"} and parts.hostname and not re.search(r"\s", text)
    return None if good else "Please enter a link."


# -- clicking ----------------------------------------------------------------------------------------------


def buttons(blocks: Sequence[Json]) -> list[tuple[str, str, Json]]:
    """Everything to click: (label, block_id, element).

    An overflow menu comes once for each option, feedback once for each side, by the words on it: `action`
    takes them as its value.
    """
    return [
        (label, block["block_id"], element)
        for block in blocks_in(blocks)
        for _, element in elements_of(block)
        for label in _button_labels(element)
    ]


def _button_labels(element: Json) -> list[str]:
    match element["type"]:
        case "button" | "icon_button" | "workflow_button":
            return [element["text"]["text"]]
        case "overflow":
            return [option["text"]["text"] for option in options_of(element)]
        case "feedback_buttons":
            return [element[side]["text"]["text"] for side in ("positive_button", "negative_button")]
    return []


def action(element: Json, block_id: str, value: Typed = None) -> Json:
    """The entry of `actions[]` when a person uses the element; `action_ts` is the caller's to add.

    `value` as for `fill`; for overflow and feedback the words clicked; for buttons none.
    """
    entry: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}
    if element["type"] == "overflow":
        return entry | {"selected_option": _option(element, value)}
    if element["type"] == "feedback_buttons":
        return entry | _pressed(_side(element, value))
    if element["type"] in _KINDS:
        return entry | _value(element, _chosen(element, value))
    return entry | _pressed(element)


def _pressed(button: Json) -> Json:
    return {name: copy.deepcopy(button[name]) for name in ("text", "value", "url", "style") if name in button}


def _side(element: Json, value: Typed) -> Json:
    sides: list[Json] = [element["positive_button"], element["negative_button"]]
    for side in sides:
        if side["text"]["text"] == value:
            return side
    raise LookupError(f"no button {value!r}; there are: {', '.join(map(repr, _button_labels(element)))}")


# -- reading -----------------------------------------------------------------------------------------------


def read(blocks: Sequence[Json], *, names: Mapping[str, str], zone: str, values: Values | None = None) -> str:
    """Everything a person reads, in order, a line for each element.

    `names` maps ids to names, `zone` is the reader's IANA zone, `values` what is filled in by now (without it
    what the fields start with). A button is `[Label]`, an input `Label: value`, an option `- text`, a row of a
    table `a | b`, an image its alt text.
    """
    reader = _Reader(names, zone, values or {})
    return "\n".join(line for block in blocks for line in reader.block(block) if line)


@dataclass(frozen=True)
class _Reader:
    names: Mapping[str, str]
    zone: str
    values: Values

    def text(self, part: Any) -> str:
        """A text object, a bare string, or nothing."""
        if isinstance(part, dict):
            if part["type"] == "mrkdwn":
                return mrkdwn.readable(part["text"], names=self.names, zone=self.zone)
            return str(part["text"])
        return str(part or "")

    def block(self, block: Json) -> Iterator[str]:
        readers: dict[str, Callable[[Json], Iterable[str]]] = {
            "input": self._input,
            "rich_text": self._rich,
            "context": self._context,
            "table": self._table,
            "data_table": self._table,
            "data_visualization": self._chart,
            "plan": self._plan,
            "task_card": self._task,
        }
        yield from readers.get(block["type"], self._any)(block)

    def _any(self, block: Json) -> Iterator[str]:
        """Any other block: its texts in the order a person meets them, then what can be used, then what is inside."""
        for name in ("name", "title", "rich_text_title", "subtitle", "text", "description", "body", "subtext"):
            part = block.get(name)
            is_block = isinstance(part, dict) and part["type"] == "rich_text"
            yield from self._rich(part) if is_block and part else [self.text(part)]
        yield from (self.text(part) for part in block.get("fields", []))
        yield str(block.get("alt_text", ""))
        for _, element in elements_of(block):
            yield from self._element(block, element)
        cards: list[Json] = block["elements"] if block["type"] == "carousel" else []
        for inner in block.get("child_blocks") or cards:
            yield from self.block(inner)

    def _rich(self, block: Json) -> Iterator[str]:
        yield from mrkdwn.rich_text_lines(block, names=self.names, zone=self.zone)

    def _context(self, block: Json) -> Iterator[str]:
        for element in block["elements"]:
            yield element["alt_text"] if element["type"] == "image" else self.text(element)

    def _input(self, block: Json) -> Iterator[str]:
        element = block["element"]
        label = self.text(block["label"]) + (" (optional)" if block.get("optional") else "")
        yield f"{label}: {self._shown(block, element)}".rstrip()
        yield from self._options(element)
        yield self.text(block.get("hint"))

    def _element(self, block: Json, element: Json) -> Iterator[str]:
        if element["type"] == "image":
            yield element["alt_text"]
        elif element["type"] in _KINDS:
            yield f"[{self._shown(block, element)}]"
            yield from self._options(element)
        else:
            yield from (f"[{label}]" for label in _button_labels(element))

    def _options(self, element: Json) -> Iterator[str]:
        groups = element.get("option_groups", [{"options": element.get("options", [])}])
        for group in groups:
            yield self.text(group.get("label"))
            for option in group["options"]:
                about = self.text(option.get("description"))
                yield f"- {self.text(option['text'])}" + (f": {about}" if about else "")

    def _shown(self, block: Json, element: Json) -> str:
        kind = _KINDS[element["type"]]
        filled = self.values.get(block["block_id"], {}).get(element["action_id"])
        chosen = filled[kind.name] if filled else element.get(kind.initial)
        told = ", ".join(self._told(element, item) for item in _as_list(chosen))
        placeholder = self.text(element.get("placeholder"))
        return told or (f"({placeholder})" if placeholder else "")

    def _told(self, element: Json, chosen: Any) -> str:
        kind = str(element["type"])
        if kind == "datetimepicker":
            return mrkdwn.date_text(chosen, "{date_short} at {time}", zone=self.zone)
        if kind == "rich_text_input":
            return "\n".join(self._rich(chosen))
        if isinstance(chosen, dict):
            return self.text(chosen["text"]) if "text" in chosen else str(chosen.get("name", ""))
        if "users" in kind:
            return f"@{self.names.get(chosen, chosen)}"
        if "channels" in kind or "conversations" in kind:
            return f"{'@' if chosen.startswith('U') else '#'}{self.names.get(chosen, chosen)}"
        return str(chosen)

    def _table(self, block: Json) -> Iterator[str]:
        yield str(block.get("caption", ""))
        for row in block["rows"]:
            yield " | ".join("\n".join(self._rich(c)) if c["type"] == "rich_text" else c["text"] for c in row)

    def _chart(self, block: Json) -> Iterator[str]:
        chart = block["chart"]
        yield block["title"]
        yield from (f"{part['label']}: {part['value']}" for part in chart.get("segments", []))
        for line in chart.get("series", []):
            figures = ", ".join(f"{point['label']} {point['value']}" for point in line["data"])
            yield f"{line['name']}: {figures}"
        axis = chart.get("axis_config", {})
        yield from (axis[name] for name in ("x_label", "y_label") if name in axis)

    def _plan(self, block: Json) -> Iterator[str]:
        yield block["title"]
        for task in block.get("tasks", []):
            yield from self._task(task)

    def _task(self, task: Json) -> Iterator[str]:
        yield task["title"] + (f" ({task['status'].replace('_', ' ')})" if "status" in task else "")
        for name in ("details", "output"):
            yield from self._rich(task[name]) if name in task else ()
        yield from (source["text"] for source in task.get("sources", []))
