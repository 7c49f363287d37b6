"""What Slack accepts as blocks and views, in Slack's words.

The rules are data, `limits.json`; this module walks a payload along them. Lengths count code points, as
Slack's own validator does (github slackhq/hack-json-schema: `mb_strlen`), from which the wording of the
faults comes too where `limits.json` has no template.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Json = dict[str, Any]
T = TypeVar("T", bound="Json | list[Any]")

LIMITS: Json = json.loads(files("sandbox").joinpath("limits.json").read_text(encoding="utf-8"))
_WORDS: dict[str, str] = LIMITS["errors"]["templates"] | {
    # Slack's validator library
    "wrong_type_array": "must provide an array [json-pointer:{ptr}]",
    "wrong_type_boolean": "must be a boolean [json-pointer:{ptr}]",
    "wrong_type_integer": "must provide an integer [json-pointer:{ptr}]",
    "wrong_type_number": "must provide a number [json-pointer:{ptr}]",
    "too_few": "must provide at least {min} items [json-pointer:{ptr}]",
    "too_small": "must be greater than {min} [json-pointer:{ptr}]",
    "too_big": "must be less than {max} [json-pointer:{ptr}]",
    "pattern": "input must match regex pattern: {pattern} [json-pointer:{ptr}]",
    "format": "input must be a valid: {format} [json-pointer:{ptr}]",
    "duplicates": "Input contains duplicate items [json-pointer:{ptr}]",
    # seen in public logs
    "id_taken": '`{name}` "{id}" already exists [json-pointer:{ptr}]',
    "one_table": "only_one_table_allowed [json-pointer:{ptr}]",
    # Slack's words are not known
    "not_an_option": "must be one of the `options` [json-pointer:{ptr}]",
    "focus": "only one element may have `focus_on_load` [json-pointer:{ptr}]",
    "conflict": "must not define both `{one}` and `{other}` [json-pointer:{ptr}]",
}
_TOO_LARGE = "view_too_large"
_TEXT_TYPES = ("plain_text", "mrkdwn")


def check_message_blocks(blocks: Any) -> list[str]:
    """Faults of a message's `blocks`, each with `[json-pointer:/blocks/...]`; empty when Slack takes them."""
    return _message(blocks, "/blocks")


def check_attachments(attachments: Any) -> list[str]:
    """Faults of a message's `attachments`: their number and their `blocks` (the legacy fields are free)."""
    walk = _Walk("message")
    if not _array(walk, {"max_items": LIMITS["messages"]["max_attachments"]}, attachments, "/attachments"):
        return walk.faults
    for index, attachment in enumerate(attachments):
        at = f"/attachments/{index}"
        if not isinstance(attachment, dict):
            walk.say("wrong_type_object", at)
        elif "blocks" in attachment:
            walk.faults += _message(attachment["blocks"], f"{at}/blocks")
    return walk.faults


def check_view(view: Any) -> list[str]:
    """Faults of a modal or Home view as given to views.*, with pointers from `/view`.

    A view that is too large for Slack has the one fault `view_too_large`, which is the method's error.
    """
    walk = _Walk(view["type"] if isinstance(view, dict) and isinstance(view.get("type"), str) else "")
    if not isinstance(view, dict):
        walk.say("wrong_type_object", "/view")
    elif "type" not in view:
        walk.say("missing", "/view", name="type")
    elif walk.surface not in LIMITS["views"]:
        walk.say("unsupported", "/view", type=view["type"])
    elif (
        len(json.dumps(view, ensure_ascii=False).encode(errors="surrogatepass"))
        > LIMITS["views"][walk.surface]["max_bytes"]
    ):
        walk.faults.append(_TOO_LARGE)
    else:
        _fields(walk, LIMITS["views"][walk.surface]["fields"], view, "/view")
        _submit(walk, view)
        _cells(walk, list(blocks_in(_list(view.get("blocks")))), "/view/blocks")
    return walk.faults


def check_options_answer(answer: Any) -> list[str]:
    """Faults of the answer to a block_suggestion: `{"options": [...]}` or `{"option_groups": [...]}`."""
    walk = _Walk("modal")
    fields = {
        name: LIMITS["elements"]["static_select"]["fields"][name] | {"min_items": 0}
        for name in ("options", "option_groups")
    }
    if _fields(walk, fields, answer, ""):
        _options_or_groups(walk, answer, "")
    return walk.faults


def error_body_for_message(faults: Sequence[str]) -> Json:
    """The body of chat.* for the faults of `check_message_blocks`: `invalid_blocks`."""
    return {
        "ok": False,
        "error": "invalid_blocks",
        "errors": list(faults),
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in faults]},
    }


def error_body_for_view(faults: Sequence[str]) -> Json:
    """The body of views.* for the faults of `check_view`: `invalid_arguments`, or `view_too_large`."""
    if _TOO_LARGE in faults:
        return {"ok": False, "error": _TOO_LARGE}
    head = _WORDS["schema"].replace("{ptr}", "/view")
    return {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in (head, *faults)]},
    }


def blocks_in(blocks: Iterable[Any]) -> Iterator[Json]:
    """All blocks in reading order, each container, carousel and plan before the blocks inside it."""
    for block in blocks:
        if isinstance(block, dict):
            yield block
            for key in ("child_blocks", "tasks"):
                yield from blocks_in(_list(block.get(key)))
            if block.get("type") == "carousel":
                yield from blocks_in(_list(block.get("elements")))


def elements_of(block: Json) -> list[tuple[str, Json]]:
    """A block's own elements (not those of blocks inside it) with their pointers within the block."""
    rules: Json = LIMITS["blocks"].get(str(block.get("type")), {}).get("fields", {})
    found: list[tuple[str, Any]] = []
    for name, rule in rules.items():
        if rule["type"] == "element" and name in block:
            found.append((name, block[name]))
        elif "element" in str(rule.get("items", "")).split("|"):
            found += [(f"{name}/{index}", item) for index, item in enumerate(_list(block.get(name)))]
    return [(at, item) for at, item in found if isinstance(item, dict) and str(item.get("type")) in LIMITS["elements"]]


# -- the walk -------------------------------------------------------------------------------------------


@dataclass
class _Walk:
    """One payload's check: where it is shown, what is known so far, and the faults found."""

    surface: str
    faults: list[str] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    block: str = ""  # the type of the block the walk is in
    has_focus: bool = False

    def say(self, template: str, ptr: str, **words: Any) -> None:
        text = _WORDS[template].replace("{parent_ptr}", ptr).replace("{ptr}", ptr)
        for name, value in words.items():
            text = text.replace(name if name.startswith("`") else f"{{{name}}}", str(value))
        self.faults.append(text)

    @contextmanager
    def inside(self, block: str) -> Iterator[None]:
        outer, self.block = self.block, block
        yield
        self.block = outer


def _message(blocks: Any, at: str) -> list[str]:
    walk = _Walk("message")
    rule = {"items": "block", "max_items": LIMITS["messages"]["max_blocks"]}
    if _array(walk, rule, blocks, at):
        _totals(walk, blocks, at)
    return walk.faults


def _value(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = rule["type"]
    if kind in _TYPES:
        _TYPES[kind](walk, rule, value, at)
    else:
        _fields(walk, LIMITS["composition"][kind]["fields"], value, at)
        _beyond(walk, f"composition.{kind}", value, at)


def _fields(walk: _Walk, rules: Json, value: Any, at: str) -> bool:
    """Whether `value` is an object; its fields are checked, unknown and missing ones told."""
    if not isinstance(value, dict):
        walk.say("wrong_type_object", at)
        return False
    option_rules = {k: v for k, v in rules.get("options", {}).items() if k.startswith("option_")}
    for name in value:
        if name not in rules or not _belongs(walk, rules[name]):
            walk.say("extra", at, name=name)
    for name, rule in rules.items():
        if name in value:
            _value(walk, option_rules | rule, value[name], f"{at}/{name}")
        elif rule.get("required") is True:
            walk.say("missing", at, name=name)
        elif str(rule.get("required")).startswith("unless:"):
            missing_too = str(rule["required"]).removeprefix("unless:")
            if missing_too not in value and list(rules).index(name) < list(rules).index(missing_too):
                walk.say("either", at, **{"`text`": f"`{name}`", "`fields`": f"`{missing_too}`"})
    return True


def _belongs(walk: _Walk, rule: Json) -> bool:
    return walk.surface in rule.get("surfaces", [walk.surface]) and walk.block in rule.get("blocks", [walk.block])


def _string(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    if not isinstance(value, str):
        walk.say("wrong_type_string", at)
        return
    if len(value) > rule.get("max_len", len(value)):
        walk.say("too_long", at, **{"max+1": rule["max_len"] + 1})
    if len(value) < rule.get("min_len", 0):
        walk.say("too_short", at, **{"min-1": rule["min_len"] - 1})
    if value not in rule.get("enum", [value]):
        walk.say("enum", at)
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        walk.say("pattern", at, pattern=rule["pattern"])
    if "format" in rule and not _FORMATS[rule["format"]](value):
        walk.say("format", at, format=rule["format"])


def _boolean(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    del rule
    if not isinstance(value, bool):
        walk.say("wrong_type_boolean", at)


def _number(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = rule["type"]
    if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
        walk.say(f"wrong_type_{kind}", at)
    elif value < rule.get("min", value) or value <= rule.get("exclusive_min", value - 1):
        walk.say("too_small", at, min=rule.get("min", rule.get("exclusive_min")))
    elif value > rule.get("max", value):
        walk.say("too_big", at, max=rule["max"])
    elif value not in rule.get("enum", [value]):
        walk.say("enum", at)


def _array(walk: _Walk, rule: Json, value: Any, at: str) -> bool:
    """Whether `value` is an array; its number of items and each item are checked."""
    if not isinstance(value, list):
        walk.say("wrong_type_array", at)
        return False
    if len(value) > rule.get("max_items", len(value)):
        walk.say("too_many", at, max=rule["max_items"])
    if len(value) < rule.get("min_items", 0):
        walk.say("too_few", at, min=rule["min_items"])
    if "items" in rule:
        item_rule = {k: v for k, v in rule.items() if k in _ITEM_KEYS} | {"type": rule["items"]}
        item_rule |= {"max_len": rule["item_max_len"]} if "item_max_len" in rule else {}
        item_rule |= {"fields": rule["item_fields"]} if "item_fields" in rule else {}
        for index, item in enumerate(value):
            _value(walk, item_rule, item, f"{at}/{index}")
    return True


_ITEM_KEYS = {"allowed", "enum", "text_types", "option_text_types", "option_url_allowed", "row_max_items"}


def _object(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    if "fields" in rule:
        _fields(walk, rule["fields"], value, at)
    elif not isinstance(value, dict):
        walk.say("wrong_type_object", at)


def _typed(walk: _Walk, value: Any, at: str, allowed: Iterable[str]) -> str | None:
    """The object's `type` when it has one of those allowed here."""
    if not isinstance(value, dict):
        walk.say("wrong_type_object", at)
    elif "type" not in value:
        walk.say("missing", at, name="type")
    elif not isinstance(value["type"], str):
        walk.say("wrong_type_string", f"{at}/type")
    elif value["type"] not in allowed:
        walk.say("unsupported", at, type=value["type"])
    else:
        return str(value["type"])
    return None


def _text(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = _typed(walk, value, at, rule.get("text_types", _TEXT_TYPES))
    if kind:
        rules = LIMITS["composition"][kind]["fields"]
        limits = {k: v for k, v in rule.items() if k in {"min_len", "max_len"}}
        _fields(walk, rules | {"text": rules["text"] | limits}, value, at)


def _block(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    if rule.get("allowed") == ["task_card"] and isinstance(value, dict):
        value = {"type": "task_card"} | value
    kind = _typed(walk, value, at, rule.get("allowed") or LIMITS["blocks"])
    if not kind:
        return
    spec = LIMITS["blocks"][kind]
    if walk.surface not in spec["surfaces"]:
        walk.say("unsupported", at, type=kind)
        return
    with walk.inside(kind):
        _fields(walk, {"type": {"type": "string"}} | spec["fields"], value, at)
    block_id = value.get("block_id")
    if isinstance(block_id, str) and block_id in walk.block_ids:
        walk.say("id_taken", f"{at}/block_id", name="block_id", id=block_id)
    walk.block_ids |= {block_id} if isinstance(block_id, str) else set()
    _action_ids(walk, value, at)
    _beyond(walk, f"blocks.{kind}", value, at)


def _action_ids(walk: _Walk, block: Json, at: str) -> None:
    seen: set[str] = set()
    for where, element in elements_of(block):
        action_id = element.get("action_id")
        if isinstance(action_id, str):
            if action_id in seen:
                walk.say("id_taken", f"{at}/{where}/action_id", name="action_id", id=action_id)
            seen.add(action_id)


def _element(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = _typed(walk, value, at, rule["allowed"])
    if not kind:
        return
    spec = LIMITS["elements"][kind]
    if walk.surface not in spec["surfaces"]:
        walk.say("unsupported", at, type=kind)
        return
    _fields(walk, {"type": {"type": "string"}} | spec["fields"], value, at)
    if value.get("focus_on_load") is True:
        if walk.has_focus:
            walk.say("focus", f"{at}/focus_on_load")
        walk.has_focus = True
    _beyond(walk, f"elements.{kind}", value, at)


def _text_or_element(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = _typed(walk, value, at, rule["allowed"])
    if kind in _TEXT_TYPES:
        _text(walk, {"text_types": rule["allowed"]}, value, at)
    elif kind:
        _element(walk, rule, value, at)


def _option(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    texts = {"text_types": rule.get("option_text_types", ["plain_text"])}
    rules = dict(LIMITS["composition"]["option"]["fields"])
    rules |= {name: rules[name] | texts for name in ("text", "description")}
    if not rule.get("option_url_allowed"):
        del rules["url"]
    _fields(walk, rules, value, at)


def _row(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    row = {"items": "cell", "max_items": rule.get("row_max_items", 20), "min_items": 1}
    _array(walk, row, value, at)


def _cell(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    del rule
    kind = _typed(walk, value, at, ("raw_text", "raw_number", "rich_text"))
    if kind == "rich_text":
        _fields(walk, {"type": {"type": "string"}} | LIMITS["blocks"]["rich_text"]["fields"], value, at)
    elif kind:
        _fields(walk, LIMITS["composition"][kind]["fields"], value, at)


def _column(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    del rule
    if value is not None:
        _fields(walk, LIMITS["composition"]["column_setting"]["fields"], value, at)


def _chart(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    del rule
    shapes = {
        kind: name
        for name in LIMITS["composition"]
        if name.startswith("chart.")
        for kind in name.removeprefix("chart.").split("|")
    }
    kind = _typed(walk, value, at, shapes)
    if kind:
        _fields(walk, LIMITS["composition"][shapes[kind]]["fields"], value, at)
        _beyond(walk, f"composition.{shapes[kind]}", value, at)


# -- rich text: limits.json describes it in shorthand ---------------------------------------------------


def _container(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    kind = _typed(walk, value, at, rule["allowed"])
    if kind:
        _fields(walk, _container_rules(kind), value, at)


@cache
def _container_rules(kind: str) -> Json:
    rules: Json = {"type": {"type": "string"}}
    for name, short in LIMITS["rich_text"]["containers"][kind].items():
        if name == "elements":
            rules[name] = {"type": "array", "required": True} | _items(short.removesuffix("[]"))
        elif isinstance(short, dict):
            rules[name] = {"type": "integer"} | short
        elif isinstance(short, list):
            rules[name] = {"type": "string" if isinstance(short[0], str) else "integer", "enum": short}
        else:
            rules[name] = {"type": short.split()[0]}
    if kind == "rich_text_list":
        rules["style"]["required"] = True
    return rules


def _items(short: str) -> Json:
    if short.startswith("rich_text"):
        return {"items": "rich_text_container", "allowed": [short]}
    return {"items": "inline"} | ({} if short == "inline" else {"allowed": short.split("|")})


def _inline(walk: _Walk, rule: Json, value: Any, at: str) -> None:
    known: Json = LIMITS["rich_text"]["inline"]
    kind = _typed(walk, value, at, rule.get("allowed", ({*known} | {*known["new_2026"]}) - {"new_2026"}))
    if kind in known:
        _fields(walk, _inline_rules(str(kind)), value, at)


@cache
def _inline_rules(kind: str) -> Json:
    """From "timestamp int", "range in a|b", "text?": a name, its type or choices, `?` when optional."""
    flags = {flag: {"type": "boolean"} for flag in LIMITS["rich_text"]["style_flags"]}
    rules: Json = {"type": {"type": "string"}, "style": {"type": "object", "fields": flags}}
    for short in LIMITS["rich_text"]["inline"][kind]:
        name, _, shape = short.partition(" ")
        rules[name.removesuffix("?")] = {
            "type": "integer" if shape == "int" else "boolean" if name == "unsafe?" else "string",
            "required": not name.endswith("?"),
        } | ({"enum": shape.removeprefix("in ").split("|")} if shape.startswith("in ") else {"min_len": 1})
    return rules


_TYPES: dict[str, Callable[[_Walk, Json, Any, str], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "array": _array,
    "object": _object,
    "text_object": _text,
    "block": _block,
    "element": _element,
    "text_object|element": _text_or_element,
    "option": _option,
    "array<cell>": _row,
    "cell": _cell,
    "column_setting|null": _column,
    "chart": _chart,
    "rich_text_container": _container,
    "inline": _inline,
}


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", text)


def _decimal(text: Any) -> Decimal | None:
    try:
        number = Decimal(text) if isinstance(text, str) and re.fullmatch(r"-?[\d.]+", text) else None
    except InvalidOperation:
        return None
    return number


_FORMATS: dict[str, Callable[[str], bool]] = {
    "url": _is_url,
    "https_url": lambda text: _is_url(text) and text.startswith("https://"),
    "number-string": lambda text: _decimal(text) is not None,
}


# -- rules that no single field can tell ----------------------------------------------------------------


def _beyond(walk: _Walk, what: str, value: Any, at: str) -> None:
    if isinstance(value, dict):
        for rule in _BEYOND.get(what, ()):
            rule(walk, value, at)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _card(walk: _Walk, card: Json, at: str) -> None:
    if not {"hero_image", "title", "actions", "body"} & card.keys():
        walk.say("schema", at)
    if {"icon", "slack_icon"} <= card.keys():
        walk.say("conflict", at, one="icon", other="slack_icon")


def _container_block(walk: _Walk, container: Json, at: str) -> None:
    if not {"title", "rich_text_title"} & container.keys():
        walk.say("missing", at, name="title")
    if container.get("default_collapsed") and container.get("is_collapsible") is not True:
        walk.say("schema", f"{at}/default_collapsed")
    if container.get("has_header_divider") and container.get("is_collapsible") is True:
        walk.say("conflict", at, one="is_collapsible", other="has_header_divider")


def _image(walk: _Walk, image: Json, at: str) -> None:
    if not {"image_url", "slack_file"} & image.keys():
        walk.say("missing", at, name="image_url")
    if {"image_url", "slack_file"} <= image.keys():
        walk.say("conflict", at, one="image_url", other="slack_file")


def _slack_file(walk: _Walk, file: Json, at: str) -> None:
    if not {"id", "url"} & file.keys():
        walk.say("missing", at, name="id")
    if {"id", "url"} <= file.keys():
        walk.say("conflict", at, one="id", other="url")


def _file_block(walk: _Walk, file: Json, at: str) -> None:
    walk.say("unsupported", at, type=file["type"])


def _dispatching_file(walk: _Walk, block: Json, at: str) -> None:
    element = block.get("element")
    if isinstance(element, dict) and element.get("type") == "file_input" and block.get("dispatch_action"):
        walk.say("unsupported", f"{at}/element", type="file_input")


def _pending_task(walk: _Walk, task: Json, at: str) -> None:
    if task.get("status") == "pending" and "/tasks/" not in at:
        walk.say("enum", f"{at}/status")


def _data_table(walk: _Walk, table: Json, at: str) -> None:
    rows = [row for row in _list(table.get("rows")) if isinstance(row, list)]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            walk.say("schema", f"{at}/rows/{index}")
    for index, cell in enumerate(rows[0] if rows else []):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            walk.say("unsupported", f"{at}/rows/0/{index}", type="rich_text")
    column = table.get("row_header_column_index")
    if rows and isinstance(column, int) and column >= len(rows[0]):
        walk.say("too_big", f"{at}/row_header_column_index", max=len(rows[0]))


def _series(walk: _Walk, chart: Json, at: str) -> None:
    axis = chart.get("axis_config")
    categories = _list(axis.get("categories")) if isinstance(axis, dict) else []
    series = [line if isinstance(line, dict) else {} for line in _list(chart.get("series"))]
    names = [line["name"] for line in series if isinstance(line.get("name"), str)]
    if len(set(names)) < len(names):
        walk.say("duplicates", f"{at}/series")
    for index, line in enumerate(series):
        labels = [point.get("label") if isinstance(point, dict) else None for point in _list(line.get("data"))]
        if Counter(map(repr, labels)) != Counter(map(repr, categories)):
            walk.say("schema", f"{at}/series/{index}/data")


def _conversation_filter(walk: _Walk, chosen: Json, at: str) -> None:
    if not chosen:
        walk.say("schema", at)


def _options_or_groups(walk: _Walk, element: Json, at: str) -> None:
    if {"options", "option_groups"} <= element.keys():
        walk.say("conflict", at, one="options", other="option_groups")
    groups = [group for group in _list(element.get("option_groups")) if isinstance(group, dict)]
    places = [("options", element.get("options"))]
    places += [(f"option_groups/{index}/options", group.get("options")) for index, group in enumerate(groups)]
    for where, options in places:
        values = [o["value"] for o in _list(options) if isinstance(o, dict) and isinstance(o.get("value"), str)]
        if len(set(values)) < len(values):
            walk.say("duplicates", f"{at}/{where}")


def options_of(element: Json) -> list[Json]:
    """An element's options, those of its groups included."""
    groups = [group.get("options") for group in _list(element.get("option_groups")) if isinstance(group, dict)]
    options = [option for part in (element.get("options"), *groups) for option in _list(part)]
    return [option for option in options if isinstance(option, dict)]


def _initial(walk: _Walk, element: Json, at: str) -> None:
    """What is chosen at first equals options, the defaults that Slack fills in aside."""
    offered = [_plain(option) for option in options_of(element)]
    chosen = [("initial_option", element["initial_option"])] if "initial_option" in element else []
    initial = _list(element.get("initial_options"))
    chosen += [(f"initial_options/{index}", option) for index, option in enumerate(initial)]
    for where, option in chosen:
        if isinstance(option, dict) and _plain(option) not in offered:
            walk.say("not_an_option", f"{at}/{where}")


def _plain(option: Json) -> Json:
    defaults = {"emoji": True, "verbatim": False}
    return {
        name: {k: v for k, v in part.items() if (k, v) not in defaults.items()} if isinstance(part, dict) else part
        for name, part in option.items()
    }


def _not_empty(walk: _Walk, element: Json, at: str) -> None:
    if element.get("initial_options") == []:
        walk.say("too_few", f"{at}/initial_options", min=1)


def _not_too_many(walk: _Walk, element: Json, at: str) -> None:
    most = element.get("max_selected_items")
    for name, value in element.items():
        if name.startswith("initial_") and isinstance(most, int) and len(_list(value)) > most:
            walk.say("too_many", f"{at}/{name}", max=most)


def _datepicker(walk: _Walk, element: Json, at: str) -> None:
    initial = element.get("initial_date")
    if isinstance(initial, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", initial):
        try:
            date.fromisoformat(initial)
        except ValueError:
            walk.say("format", f"{at}/initial_date", format="date")


def _timepicker(walk: _Walk, element: Json, at: str) -> None:
    zone = element.get("timezone")
    if isinstance(zone, str) and zone not in available_timezones():
        walk.say("enum", f"{at}/timezone")


def _text_input(walk: _Walk, element: Json, at: str) -> None:
    least, most, initial = (element.get(name) for name in ("min_length", "max_length", "initial_value"))
    if isinstance(least, int) and isinstance(most, int) and least > most:
        walk.say("too_big", f"{at}/min_length", max=most)
    if isinstance(initial, str) and isinstance(most, int):
        _string(walk, {"max_len": most}, initial, f"{at}/initial_value")


def _number_input(walk: _Walk, element: Json, at: str) -> None:
    numbers = {name: _decimal(element.get(name)) for name in ("min_value", "max_value", "initial_value")}
    least, most, initial = numbers.values()
    for name, number in numbers.items():
        if number is not None and element.get("is_decimal_allowed") is False and number % 1:
            walk.say("wrong_type_integer", f"{at}/{name}")
    if least is not None and most is not None and least > most:
        walk.say("too_big", f"{at}/min_value", max=most)
    if initial is not None and least is not None and initial < least:
        walk.say("too_small", f"{at}/initial_value", min=least)
    if initial is not None and most is not None and initial > most:
        walk.say("too_big", f"{at}/initial_value", max=most)


def _lines(walk: _Walk, element: Json, at: str) -> None:
    least, most = element.get("min_lines"), element.get("max_lines")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        walk.say("too_big", f"{at}/min_lines", max=most)


_BEYOND: dict[str, tuple[Callable[[_Walk, Json, str], None], ...]] = {
    "blocks.card": (_card,),
    "blocks.container": (_container_block,),
    "blocks.data_table": (_data_table,),
    "blocks.file": (_file_block,),
    "blocks.image": (_image,),
    "blocks.input": (_dispatching_file,),
    "blocks.task_card": (_pending_task,),
    "composition.chart.bar|area|line": (_series,),
    "composition.conversation_filter": (_conversation_filter,),
    "composition.slack_file": (_slack_file,),
    "elements.checkboxes": (_options_or_groups, _initial, _not_empty),
    "elements.datepicker": (_datepicker,),
    "elements.image": (_image,),
    "elements.multi_channels_select": (_not_too_many,),
    "elements.multi_conversations_select": (_not_too_many,),
    "elements.multi_external_select": (_not_too_many,),
    "elements.multi_static_select": (_options_or_groups, _initial, _not_too_many),
    "elements.multi_users_select": (_not_too_many,),
    "elements.number_input": (_number_input,),
    "elements.overflow": (_options_or_groups,),
    "elements.plain_text_input": (_text_input,),
    "elements.radio_buttons": (_options_or_groups, _initial),
    "elements.rich_text_input": (_lines,),
    "elements.static_select": (_options_or_groups, _initial),
    "elements.timepicker": (_timepicker,),
}


def _submit(walk: _Walk, view: Json) -> None:
    if walk.surface == "modal" and "submit" not in view:
        for index, block in enumerate(_list(view.get("blocks"))):
            if isinstance(block, dict) and block.get("type") == "input":
                walk.say("submit", f"/view/blocks/{index}", type="input")


# -- sums over a message --------------------------------------------------------------------------------


def _totals(walk: _Walk, blocks: list[Any], at: str) -> None:
    inside = list(blocks_in(blocks))
    for kind, spec in LIMITS["blocks"].items():
        most = spec.get("max_per_message")
        if most is not None and sum(block.get("type") == kind for block in inside) > most:
            walk.say("one_table" if kind == "table" else "too_many", at, max=most)
    texts = [str(block.get("text", "")) for block in inside if block.get("type") == "markdown"]
    most = LIMITS["messages"]["markdown_text_max"]
    if all(len(text) <= most for text in texts) and sum(map(len, texts)) > most:
        walk.say("too_long", at, **{"max+1": most + 1})
    expanded = len(blocks) + sum(_expansion(text) - 1 for text in texts)
    if expanded > LIMITS["messages"]["max_blocks"] >= len(blocks):
        walk.say("too_many", at, max=LIMITS["messages"]["max_blocks"])
    _cells(walk, inside, at)


def _cells(walk: _Walk, blocks: list[Json], at: str) -> None:
    for kind, most in (("table", 10_000), ("data_table", 20_000)):
        if sum(_cell_characters(block) for block in blocks if block.get("type") == kind) > most:
            walk.say("too_long", at, **{"max+1": most + 1})


def _expansion(markdown: str) -> int:
    """How many blocks Slack makes of a markdown block: headings and rules stand alone (others measured)."""
    outside_code = re.sub(r"(?ms)^(```|~~~).*?(^\1|\Z)", "code", markdown)
    alone = re.compile(r"(?m)^ {0,3}(?:#{1,6} .*|(?:-{3,}|\*{3,}|_{3,})\s*)$")
    between = [part for part in alone.split(outside_code) if part.strip()]
    return max(1, len(alone.findall(outside_code)) + len(between))


def _cell_characters(table: Json) -> int:
    return sum(_characters(cell) for row in _list(table.get("rows")) for cell in _list(row))


def _characters(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(_characters, node))
    if not isinstance(node, dict):
        return 0
    own = len(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + _characters(node.get("elements"))


# -- what Slack echoes ----------------------------------------------------------------------------------


def with_defaults(payload: T, ids: Iterator[str]) -> T:
    """Blocks or attachments (a list) or a view (a dict) as Slack echoes them; `payload` stays untouched.

    `ids` gives the missing block_ids and action_ids; one that the payload already uses is passed over.
    """
    filled = copy.deepcopy(payload)
    roots = filled if isinstance(filled, list) else filled["blocks"]
    inside = [block for root in roots for block in blocks_in([root] if "type" in root else root.get("blocks", []))]
    taken = {block.get("block_id") for block in inside}
    taken |= {element.get("action_id") for block in inside for _, element in elements_of(block)}
    free = (made for made in ids if made not in taken)
    for block in inside:
        _fill_block(block, free)
    _fill_texts(filled)
    if isinstance(filled, dict):
        _fill_view(filled)
    return filled


def _fill_block(block: Json, free: Iterator[str]) -> None:
    if "block_id" not in block:
        block["block_id"] = next(free)
    if block.get("type") == "input":
        block.setdefault("optional", False)
        block.setdefault("dispatch_action", False)
    for _, element in elements_of(block):
        rules = LIMITS["elements"][element["type"]]["fields"]
        if "action_id" in rules and "action_id" not in element:
            element["action_id"] = next(free)
        if "dispatch_action_config" in rules:
            element.setdefault("dispatch_action_config", {"trigger_actions_on": ["on_enter_pressed"]})


def _fill_texts(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _fill_texts(item)
    elif isinstance(node, dict) and node.get("type") in _TEXT_TYPES:
        name, value = ("emoji", True) if node["type"] == "plain_text" else ("verbatim", False)
        node.setdefault(name, value)
    elif isinstance(node, dict):
        for item in node.values():
            _fill_texts(item)


def _fill_view(view: Json) -> None:
    defaults = {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
    }
    for name, value in defaults.items():
        view.setdefault(name, value)
