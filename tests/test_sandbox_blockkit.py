from __future__ import annotations

import copy
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import blockkit
from sandbox.blockkit import (
    LIMITS,
    check_attachments,
    check_message_blocks,
    check_options_answer,
    check_view,
    error_body_for_message,
    error_body_for_view,
    with_defaults,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
}
SERIES = {
    "type": "bar",
    "series": [{"name": "s", "data": [{"label": "a", "value": 1}]}],
    "axis_config": {"categories": ["a"]},
}
BY_FORMAT = {"url": "https://example.com/x", "https_url": "https://example.com/x", "number-string": "1"}
BY_NAME: Json = {
    "initial_date": "2026-11-21",
    "initial_time": "23:59",
    "timezone": "Europe/Berlin",
    "chart": SERIES,
    "initial_value": "1",
    "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": "y"}]],
}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str = "a", text: str = "A") -> Json:
    return {"text": plain(text), "value": value}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn("x"), **more}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks), **more}


def input_block(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("L"), "element": element, **more}


# -- samples made from limits.json: one valid value for each rule ---------------------------------------


def sample(name: str, rule: Json) -> Any:
    kind = rule["type"]
    if name in BY_NAME and kind != "block":
        return copy.deepcopy(BY_NAME[name])
    if kind in SAMPLES:
        return SAMPLES[kind](rule)
    return sample_fields(LIMITS["composition"][kind]["fields"], kind)


def sample_string(rule: Json) -> str:
    return str(rule.get("enum", [BY_FORMAT.get(rule.get("format", ""), "x" * max(1, rule.get("min_len", 1)))])[0])


def sample_array(rule: Json) -> list[Any]:
    item = {k: v for k, v in rule.items() if k in {"allowed", "enum", "text_types"}}
    return [sample("", item | {"type": rule["items"], "fields": rule.get("item_fields", {})})]


SAMPLES: dict[str, Callable[[Json], Any]] = {
    "string": sample_string,
    "boolean": lambda _: True,
    "integer": lambda rule: rule.get("min", 1),
    "number": lambda _: 1,
    "array": sample_array,
    "text_object": lambda rule: {"type": rule.get("text_types", ["plain_text"])[0], "text": "x"},
    "text_object|element": lambda _: mrkdwn("x"),
    "block": lambda rule: sample_block(rule.get("allowed", ["section"])[0]),
    "element": lambda rule: sample_element(rule["allowed"][0]),
    "object": lambda rule: {k: sample(k, v) for k, v in rule.get("fields", {}).items() if v.get("required") is True},
    "rich_text_container": lambda _: copy.deepcopy(RICH["elements"][0]),
    "column_setting|null": lambda _: {"align": "left"},
    "option": lambda _: option(),
}


def sample_fields(rules: Json, kind: str) -> Json:
    made = {name: sample(name, rule) for name, rule in rules.items() if rule.get("required") is True}
    match kind:
        case "image":
            made["image_url"] = "https://example.com/x.png"
        case "section":
            made["text"] = mrkdwn("x")
        case "static_select" | "multi_static_select":
            made["options"] = [option()]
        case "card" | "container":
            made["title"] = plain("x")
        case "conversation_filter":
            made["include"] = ["im"]
        case "slack_file":
            made["id"] = "F1"
    return made


def sample_block(kind: str) -> Json:
    return {"type": kind, **sample_fields(LIMITS["blocks"][kind]["fields"], kind)}


def sample_element(kind: str) -> Json:
    return {"type": kind, **sample_fields(LIMITS["elements"][kind]["fields"], kind)}


def surface_of(kind: str, what: str = "blocks") -> str:
    return str(next(s for s in ("message", "modal", "home") if s in LIMITS[what][kind]["surfaces"]))


def check(block: Json, surface: str) -> list[str]:
    """The faults with pointers from the block on."""
    if surface == "message":
        faults, at = check_message_blocks([block]), "/blocks/0"
    else:
        view = modal(block) if surface == "modal" else {"type": "home", "blocks": [block]}
        faults, at = check_view(view), "/view/blocks/0"
    return [fault.replace(f"json-pointer:{at}", "json-pointer:") for fault in faults]


def holder(element: Json) -> tuple[Json, str]:
    """A block that may hold the element, and the element's pointer in it."""
    kind = element["type"]
    blocks = LIMITS["elements"][kind]["blocks"]
    if "input" in blocks:
        return input_block(element), "/element"
    if kind == "url":
        return {**sample_block("task_card"), "sources": [element]}, "/sources/0"
    if kind == "image":
        return section(accessory=element), "/accessory"
    block = next(b for b in ("actions", "context_actions") if b in blocks)
    return {"type": block, "elements": [element]}, "/elements/0"


def all_fields(what: str) -> Iterator[tuple[str, str, Json]]:
    for kind, spec in LIMITS[what].items():
        if kind != "file":
            for name, rule in spec["fields"].items():
                yield kind, name, rule


def placed(what: str, kind: str, field: str, value: Any) -> list[str]:
    """Faults of the kind's sample with one field set, their pointers from the field's owner on."""
    if what == "blocks":
        return check({**sample_block(kind), field: value}, surface_of(kind))
    surface = surface_of(kind, what)
    surface = "modal" if "modal" in LIMITS[what][kind]["surfaces"] else surface
    block, at = holder({**sample_element(kind), field: value})
    faults = check(block, surface)
    return [fault.replace(f"json-pointer:{at}", "json-pointer:") for fault in faults]


BOTH = [(what, *row) for what in ("blocks", "elements") for row in all_fields(what)]
IDS = [f"{kind}.{name}" for _, kind, name, _ in BOTH]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), BOTH, ids=IDS)
def test_blockkit_field_takes_its_sample(what: str, kind: str, name: str, rule: Json) -> None:
    exclusive = {"slack_file", "option_groups", "slack_icon", "has_header_divider", "default_collapsed"}
    if name in exclusive or name == "submit_disabled":
        return
    value = ["a"] if name == "fallback" else sample(name, rule)
    if name == "fallback":
        value = [section()]
    expected: list[str] = []
    if kind == "task_card" and name == "status":
        expected = ["must be a valid enum value [json-pointer:/status]"]
    if kind == "input" and name == "element":
        value = {"type": "plain_text_input"}
    assert placed(what, kind, name, value) == expected


@pytest.mark.parametrize(("what", "kind", "name", "rule"), BOTH, ids=IDS)
def test_blockkit_field_refuses_null_and_another_type(what: str, kind: str, name: str, rule: Json) -> None:
    article = {"array": "an array", "integer": "an integer", "number": "a number", "string": "a string"}
    words = "must be a boolean" if rule["type"] == "boolean" else None
    words = words or f"must provide {article.get(rule['type'], 'an object')}"
    for wrong in (None, 1.5):
        assert f"{words} [json-pointer:/{name}]" in placed(what, kind, name, wrong)


LENGTHS = [row for row in BOTH if "max_len" in row[3] and row[2] != "initial_value"]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), LENGTHS, ids=[f"{r[1]}.{r[2]}" for r in LENGTHS])
def test_blockkit_length_is_taken_at_the_limit_and_refused_one_over(
    what: str, kind: str, name: str, rule: Json
) -> None:
    def of_length(size: int) -> Any:
        start = BY_FORMAT.get(rule.get("format", ""), "")
        text = start + "x" * (size - len(start))
        return {"type": rule["text_types"][0], "text": text} if rule["type"] == "text_object" else text

    at = f"/{name}/text" if rule["type"] == "text_object" else f"/{name}"
    most = rule["max_len"]
    assert placed(what, kind, name, of_length(most)) == []
    assert placed(what, kind, name, of_length(most + 1))[0] == (
        f"must be less than {most + 1} characters [json-pointer:{at}]"
    )
    if rule.get("min_len"):
        empty = {"type": rule["text_types"][0], "text": ""} if rule["type"] == "text_object" else ""
        assert placed(what, kind, name, empty) == [f"must be more than 0 characters [json-pointer:{at}]"]


COUNTS = [row for row in BOTH if "max_items" in row[3] and row[2] != "rows"]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), COUNTS, ids=[f"{r[1]}.{r[2]}" for r in COUNTS])
def test_blockkit_count_is_taken_at_the_limit_and_refused_one_over(what: str, kind: str, name: str, rule: Json) -> None:
    item = sample(name, rule)[0]

    def items(size: int) -> list[Any]:
        made = [copy.deepcopy(item) for _ in range(size)]
        if name == "options":
            made = [option(str(n)) for n in range(size)]
        return made

    def faults(size: int) -> list[str]:
        if name == "option_groups":
            block, at = holder({"type": kind, "option_groups": items(size)})
            return [fault.replace(f":{at}/", ":/") for fault in check(block, "message")]
        return placed(what, kind, name, items(size))

    most = rule["max_items"]
    assert faults(most) == []
    assert faults(most + 1) == [f"no more than {most} items allowed [json-pointer:/{name}]"]
    if rule.get("min_items"):
        assert faults(0) == [f"must provide at least {rule['min_items']} items [json-pointer:/{name}]"]


ENUMS = [row for row in BOTH if "enum" in row[3] and row[2] != "source"]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), ENUMS, ids=[f"{r[1]}.{r[2]}" for r in ENUMS])
def test_blockkit_enum_takes_its_values_only(what: str, kind: str, name: str, rule: Json) -> None:
    for value in rule["enum"]:
        if (kind, value) != ("task_card", "pending"):
            assert placed(what, kind, name, value) == []
    assert placed(what, kind, name, "default!") == [f"must be a valid enum value [json-pointer:/{name}]"]


RANGES = [row for row in BOTH if "max" in row[3] or "min" in row[3]]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), RANGES, ids=[f"{r[1]}.{r[2]}" for r in RANGES])
def test_blockkit_number_stays_in_its_range(what: str, kind: str, name: str, rule: Json) -> None:
    if "max" in rule:
        assert placed(what, kind, name, rule["max"]) == []
        assert placed(what, kind, name, rule["max"] + 1) == [f"must be less than {rule['max']} [json-pointer:/{name}]"]
    least = rule["min"]
    assert placed(what, kind, name, least) == []
    assert placed(what, kind, name, least - 1) == [f"must be greater than {least} [json-pointer:/{name}]"]


REQUIRED = [row for row in BOTH if row[3].get("required") is True]


@pytest.mark.parametrize(("what", "kind", "name", "rule"), REQUIRED, ids=[f"{r[1]}.{r[2]}" for r in REQUIRED])
def test_blockkit_required_field_is_missed(what: str, kind: str, name: str, rule: Json) -> None:
    if what == "blocks":
        block, at, surface = sample_block(kind), "", surface_of(kind)
        del block[name]
    else:
        element = sample_element(kind)
        del element[name]
        block, at = holder(element)
        surface = "modal" if "modal" in LIMITS[what][kind]["surfaces"] else "message"
    assert check(block, surface)[0] == f"missing required field: {name} [json-pointer:{at}]"


@pytest.mark.parametrize("kind", [kind for kind in LIMITS["blocks"] if kind != "file"])
def test_blockkit_block_is_unsupported_where_slack_does_not_show_it(kind: str) -> None:
    for surface in ("message", "modal", "home"):
        allowed = surface in LIMITS["blocks"][kind]["surfaces"]
        expected = [] if allowed else [f"unsupported type: {kind} [json-pointer:/type]"]
        assert check(sample_block(kind), surface) == expected


@pytest.mark.parametrize("kind", list(LIMITS["elements"]))
def test_blockkit_element_is_unsupported_in_other_blocks_and_surfaces(kind: str) -> None:
    element = sample_element(kind)
    for surface in ("message", "modal", "home"):
        for block, where in (
            (section(accessory=element), "accessory"),
            ({"type": "actions", "elements": [element]}, "elements/0"),
            (input_block(element), "element"),
        ):
            spec = LIMITS["elements"][kind]
            allowed = surface in spec["surfaces"] and block["type"] in spec["blocks"]
            expected = [] if allowed else [f"unsupported type: {kind} [json-pointer:/{where}/type]"]
            assert check(block, surface) == expected, (surface, where)


# -- the message and the view as a whole ----------------------------------------------------------------


def test_blockkit_message_takes_fifty_blocks() -> None:
    divider = {"type": "divider"}
    assert check_message_blocks([divider] * 50) == []
    assert check_message_blocks([divider] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]
    assert check_message_blocks([]) == []
    assert check_message_blocks({"type": "divider"}) == ["must provide an array [json-pointer:/blocks]"]


def test_blockkit_views_take_a_hundred_blocks() -> None:
    divider = {"type": "divider"}
    for view in (modal(), {"type": "home", "blocks": []}):
        assert check_view({**view, "blocks": [divider] * 100}) == []
        over = ["no more than 100 items allowed [json-pointer:/view/blocks]"]
        assert check_view({**view, "blocks": [divider] * 101}) == over
    assert check_view(modal()) == ["must provide at least 1 items [json-pointer:/view/blocks]"]
    assert check_view({"type": "home", "blocks": []}) == []


@pytest.mark.parametrize("part", ["title", "submit", "close"])
def test_blockkit_modal_words_take_24_characters(part: str) -> None:
    assert check_view(modal(section(), **{part: plain("x" * 24)})) == []
    assert check_view(modal(section(), **{part: plain("x" * 25)})) == [
        f"must be less than 25 characters [json-pointer:/view/{part}/text]"
    ]
    assert check_view(modal(section(), **{part: mrkdwn("x")})) == [
        f"unsupported type: mrkdwn [json-pointer:/view/{part}/type]"
    ]


@pytest.mark.parametrize(("name", "most"), [("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)])
def test_blockkit_view_strings_have_limits(name: str, most: int) -> None:
    for view in (modal(section()), {"type": "home", "blocks": []}):
        assert check_view({**view, name: "x" * most}) == []
        assert check_view({**view, name: "x" * (most + 1)}) == [
            f"must be less than {most + 1} characters [json-pointer:/view/{name}]"
        ]


def test_blockkit_modal_needs_title_and_a_known_type() -> None:
    view = modal(section())
    del view["title"]
    assert check_view(view) == ["missing required field: title [json-pointer:/view]"]
    assert check_view({"blocks": []}) == ["missing required field: type [json-pointer:/view]"]
    assert check_view({"type": "dialog"}) == ["unsupported type: dialog [json-pointer:/view/type]"]
    assert check_view({"type": "modal", "title": plain("T")}) == ["missing required field: blocks [json-pointer:/view]"]
    assert check_view(None) == ["must provide an object [json-pointer:/view]"]


def test_blockkit_modal_with_an_input_must_define_submit() -> None:
    view = modal(section(), input_block({"type": "plain_text_input"}))
    del view["submit"]
    assert check_view(view) == [
        "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/1/input]"
    ]
    assert check_view({"type": "home", "blocks": view["blocks"]}) == []


@pytest.mark.parametrize("name", ["title", "submit", "close", "clear_on_close", "notify_on_close"])
def test_blockkit_home_refuses_what_only_modals_have(name: str) -> None:
    home = {"type": "home", "blocks": [], name: True}
    assert check_view(home) == [f"invalid additional property: {name} [json-pointer:/view]"]


@pytest.mark.parametrize("name", LIMITS["views"]["modal"]["server_fields"])
def test_blockkit_view_refuses_what_slack_fills_in(name: str) -> None:
    assert check_view(modal(section(), **{name: "x"})) == [f"invalid additional property: {name} [json-pointer:/view]"]


def test_blockkit_view_over_250_kilobytes_is_too_large() -> None:
    big = modal(*[section(text=mrkdwn("é" * 3000)) for _ in range(50)])
    assert check_view(big) == ["view_too_large"]
    assert error_body_for_view(check_view(big)) == {"ok": False, "error": "view_too_large"}


def test_blockkit_ids_are_unique() -> None:
    twice = [section(block_id="b"), section(block_id="b")]
    assert check_message_blocks(twice) == ['`block_id` "b" already exists [json-pointer:/blocks/1/block_id]']
    go = button(action_id="a")
    assert check_message_blocks([{"type": "actions", "elements": [go, go]}]) == [
        '`action_id` "a" already exists [json-pointer:/blocks/0/elements/1/action_id]'
    ]
    assert check_message_blocks([section(accessory=go), section(accessory=go)]) == []


def test_blockkit_one_element_may_have_the_focus() -> None:
    first, second = (input_block({"type": "plain_text_input", "focus_on_load": True}) for _ in range(2))
    assert check_view(modal(first)) == []
    assert check_view(modal(first, second)) == [
        "only one element may have `focus_on_load` [json-pointer:/view/blocks/1/element/focus_on_load]"
    ]


def test_blockkit_unknown_properties_are_refused_at_every_depth() -> None:
    assert check_message_blocks([section(text={**mrkdwn("x"), "emoji": True})]) == [
        "invalid additional property: emoji [json-pointer:/blocks/0/text]"
    ]
    assert check_message_blocks([{"type": "header", "text": {**plain("x"), "verbatim": True}}]) == [
        "invalid additional property: verbatim [json-pointer:/blocks/0/text]"
    ]
    assert check_message_blocks([section(hint="x")]) == ["invalid additional property: hint [json-pointer:/blocks/0]"]


def test_blockkit_types_are_missed_and_unsupported() -> None:
    assert check_message_blocks([{"text": plain("x")}]) == ["missing required field: type [json-pointer:/blocks/0]"]
    assert check_message_blocks([{"type": "paragraph"}]) == [
        "unsupported type: paragraph [json-pointer:/blocks/0/type]"
    ]
    assert check_message_blocks([section(text="x")]) == ["must provide an object [json-pointer:/blocks/0/text]"]
    assert check_message_blocks(["x"]) == ["must provide an object [json-pointer:/blocks/0]"]
    assert check_message_blocks([{"type": "header", "text": mrkdwn("x")}]) == [
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"
    ]
    assert check_message_blocks([{"type": ["section"]}]) == ["must provide a string [json-pointer:/blocks/0/type]"]


def test_blockkit_section_has_text_or_fields() -> None:
    assert check_message_blocks([{"type": "section"}]) == [
        "must define either `text` or `fields` [json-pointer:/blocks/0]"
    ]
    fields = {"type": "section", "fields": [mrkdwn("x" * 2000)]}
    assert check_message_blocks([fields]) == []
    fields["fields"] = [mrkdwn("x" * 2001)]
    assert check_message_blocks([fields]) == [
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"
    ]


def test_blockkit_lengths_count_code_points() -> None:
    assert check_message_blocks([section(text=mrkdwn("🔥" * 3000))]) == []


def test_blockkit_context_takes_texts_and_images() -> None:
    assert check_message_blocks([{"type": "context", "elements": [plain("x"), sample_element("image")]}]) == []
    assert check_message_blocks([{"type": "context", "elements": [button()]}]) == [
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]"
    ]


# -- options --------------------------------------------------------------------------------------------


def select(**more: Any) -> Json:
    return {"type": "static_select", "options": [option("a"), option("b")], **more}


def test_blockkit_options_have_limits() -> None:
    def faults(**parts: Any) -> list[str]:
        return check(section(accessory=select(options=[option() | parts])), "message")

    at = "[json-pointer:/accessory/options/0"
    assert faults(value="x" * 150, text=plain("x" * 75), description=plain("x" * 75)) == []
    assert faults(value="x" * 151) == [f"must be less than 151 characters {at}/value]"]
    assert faults(value="") == [f"must be more than 0 characters {at}/value]"]
    assert faults(text=plain("x" * 76)) == [f"must be less than 76 characters {at}/text/text]"]
    assert faults(text=mrkdwn("x")) == [f"unsupported type: mrkdwn {at}/text/type]"]
    assert faults(description=plain("x" * 76)) == [f"must be less than 76 characters {at}/description/text]"]
    assert faults(url="https://example.com") == [f"invalid additional property: url {at}]"]


@pytest.mark.parametrize("kind", ["checkboxes", "radio_buttons"])
def test_blockkit_boxes_and_radios_take_mrkdwn(kind: str) -> None:
    chosen = {"text": mrkdwn("*a*"), "value": "a", "description": mrkdwn("d")}
    initial: Json = {"initial_options": [chosen]} if kind == "checkboxes" else {"initial_option": chosen}
    assert check(section(accessory={"type": kind, "options": [chosen], **initial}), "message") == []


def test_blockkit_overflow_takes_urls() -> None:
    element = {"type": "overflow", "options": [option() | {"url": "https://example.com"}]}
    assert check(section(accessory=element), "message") == []
    element = {"type": "overflow", "options": [option(str(n)) for n in range(6)]}
    assert check_message_blocks([section(), section(), section(accessory=element)]) == [
        "no more than 5 items allowed [json-pointer:/blocks/2/accessory/options]"
    ]


@pytest.mark.parametrize("kind", ["static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons"])
def test_blockkit_options_are_distinct(kind: str) -> None:
    assert check(section(accessory={"type": kind, "options": [option(), option()]}), "message") == [
        "Input contains duplicate items [json-pointer:/accessory/options]"
    ]


def test_blockkit_select_has_options_or_groups() -> None:
    group = {"label": plain("x" * 75), "options": [option()]}
    grouped = {"type": "static_select", "option_groups": [group], "initial_option": option()}
    assert check(section(accessory=grouped), "message") == []
    assert check(section(accessory={"type": "static_select"}), "message") == [
        "must define either `options` or `option_groups` [json-pointer:/accessory]"
    ]
    assert check(section(accessory=select(option_groups=[group])), "message") == [
        "must not define both `options` and `option_groups` [json-pointer:/accessory]"
    ]
    long = {"type": "static_select", "option_groups": [group | {"label": plain("x" * 76)}]}
    assert check(section(accessory=long), "message") == [
        "must be less than 76 characters [json-pointer:/accessory/option_groups/0/label/text]"
    ]


@pytest.mark.parametrize("kind", ["static_select", "radio_buttons"])
def test_blockkit_initial_option_is_one_of_the_options(kind: str) -> None:
    def faults(initial: Any) -> list[str]:
        return check(section(accessory={"type": kind, "options": [option()], "initial_option": initial}), "home")

    at = "[json-pointer:/accessory/initial_option]"
    assert faults(option()) == []
    assert faults({"text": {**plain("A"), "emoji": True}, "value": "a"}) == []
    assert faults(option(text="B")) == [f"must be one of the `options` {at}"]
    assert faults(None) == [f"must provide an object {at}"]


@pytest.mark.parametrize("kind", ["multi_static_select", "checkboxes"])
def test_blockkit_initial_options_are_among_the_options(kind: str) -> None:
    def faults(*initial: Any) -> list[str]:
        element = {"type": kind, "options": [option("a"), option("b")], "initial_options": list(initial)}
        return check(section(accessory=element), "home")

    assert faults(option("b"), option("a")) == []
    assert faults(option("a"), option("c")) == [
        "must be one of the `options` [json-pointer:/accessory/initial_options/1]"
    ]
    none = ["must provide at least 1 items [json-pointer:/accessory/initial_options]"]
    assert faults() == (none if kind == "checkboxes" else [])


@pytest.mark.parametrize(
    ("name", "initial"),
    [
        ("static_select", "options"),
        ("external_select", "options"),
        ("users_select", "users"),
        ("conversations_select", "conversations"),
        ("channels_select", "channels"),
    ],
)
def test_blockkit_initial_choice_stays_under_max_selected_items(name: str, initial: str) -> None:
    chosen: list[Any] = [option("a"), option("b")] if initial == "options" else ["X1", "X2"]
    element: Json = {"type": f"multi_{name}", f"initial_{initial}": chosen, "max_selected_items": 2}
    if name == "static_select":
        element["options"] = chosen
    assert check(section(accessory=element), "modal") == []
    assert check(section(accessory={**element, "max_selected_items": 1}), "modal") == [
        f"no more than 1 items allowed [json-pointer:/accessory/initial_{initial}]"
    ]


def test_blockkit_options_answer() -> None:
    assert check_options_answer({"options": []}) == []
    assert check_options_answer({"options": [option(str(n)) for n in range(100)]}) == []
    assert check_options_answer({"options": [option(str(n)) for n in range(101)]}) == [
        "no more than 100 items allowed [json-pointer:/options]"
    ]
    assert check_options_answer({"option_groups": [{"label": plain("G"), "options": [option()]}]}) == []
    assert check_options_answer({}) == ["must define either `options` or `option_groups` [json-pointer:]"]
    assert check_options_answer({"options": [{"text": "A", "value": "a"}]}) == [
        "must provide an object [json-pointer:/options/0/text]"
    ]
    assert check_options_answer([option()]) == ["must provide an object [json-pointer:]"]


# -- elements with rules of their own -------------------------------------------------------------------


def test_blockkit_confirm_has_limits() -> None:
    confirm = {
        "title": plain("x" * 100),
        "text": mrkdwn("x" * 300),
        "confirm": plain("x" * 30),
        "deny": plain("x" * 30),
        "style": "danger",
    }
    assert check(section(accessory=button(confirm=confirm)), "message") == []
    for part, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        long = confirm | {part: plain("x" * (most + 1))}
        assert check(section(accessory=button(confirm=long)), "message") == [
            f"must be less than {most + 1} characters [json-pointer:/accessory/confirm/{part}/text]"
        ]
    del confirm["deny"]
    assert check(section(accessory=button(confirm=confirm)), "message") == [
        "missing required field: deny [json-pointer:/accessory/confirm]"
    ]


def test_blockkit_dates_times_and_zones_have_their_form() -> None:
    def faults(kind: str, **parts: Any) -> list[str]:
        return check(input_block({"type": kind, **parts}), "modal")

    at = "[json-pointer:/element"
    assert faults("datepicker", initial_date="2026-02-28") == []
    assert faults("datepicker", initial_date="28.2.2026") == [
        f"input must match regex pattern: ^\\d{{4}}-\\d{{2}}-\\d{{2}}$ {at}/initial_date]"
    ]
    assert faults("datepicker", initial_date="2026-02-30") == [f"input must be a valid: date {at}/initial_date]"]
    assert faults("timepicker", initial_time="24:00")[0].startswith("input must match regex pattern")
    assert faults("timepicker", timezone="Mars/Olympus") == [f"must be a valid enum value {at}/timezone]"]
    assert faults("datetimepicker", initial_date_time="1700000000") == [
        f"must provide an integer {at}/initial_date_time]"
    ]


def test_blockkit_text_input_keeps_to_its_own_lengths() -> None:
    def faults(**parts: Any) -> list[str]:
        return check(input_block({"type": "plain_text_input", **parts}), "modal")

    assert faults(initial_value="x" * 3000) == []
    assert faults(initial_value="x" * 3001) == [
        "must be less than 3001 characters [json-pointer:/element/initial_value]"
    ]
    assert faults(max_length=3, initial_value="four") == [
        "must be less than 4 characters [json-pointer:/element/initial_value]"
    ]
    assert faults(min_length=4, max_length=3) == ["must be less than 3 [json-pointer:/element/min_length]"]


def test_blockkit_number_input_keeps_to_its_range() -> None:
    def faults(*, decimal: bool = False, **parts: Any) -> list[str]:
        return check(input_block({"type": "number_input", "is_decimal_allowed": decimal, **parts}), "modal")

    at = "[json-pointer:/element"
    assert faults(min_value="1", max_value="10", initial_value="10") == []
    assert faults(decimal=True, initial_value="1.5") == []
    assert faults(initial_value="1.5") == [f"must provide an integer {at}/initial_value]"]
    assert faults(initial_value="one") == [f"input must be a valid: number-string {at}/initial_value]"]
    assert faults(min_value="2", initial_value="1") == [f"must be greater than 2 {at}/initial_value]"]
    assert faults(max_value="2", initial_value="3") == [f"must be less than 2 {at}/initial_value]"]
    assert faults(min_value="3", max_value="2") == [f"must be less than 2 {at}/min_value]"]


def test_blockkit_image_has_one_source() -> None:
    image = {"type": "image", "alt_text": "x"}
    assert check(image, "message") == ["missing required field: image_url [json-pointer:]"]
    assert check({**image, "slack_file": {"id": "F1"}}, "message") == []
    both = {**image, "slack_file": {"id": "F1"}, "image_url": "https://example.com"}
    assert check(both, "message") == ["must not define both `image_url` and `slack_file` [json-pointer:]"]
    assert check(section(accessory=both), "message") == [
        "must not define both `image_url` and `slack_file` [json-pointer:/accessory]"
    ]
    assert check({**image, "slack_file": {"id": "F1", "url": "u"}}, "message") == [
        "must not define both `id` and `url` [json-pointer:/slack_file]"
    ]
    assert check({**image, "image_url": "no url"}, "message") == [
        "input must be a valid: url [json-pointer:/image_url]"
    ]


def test_blockkit_files_are_not_posted_and_not_dispatched() -> None:
    assert check(sample_block("file"), "message") == ["unsupported type: file [json-pointer:/type]"]
    assert check(input_block({"type": "file_input"}, dispatch_action=True), "modal") == [
        "unsupported type: file_input [json-pointer:/element/type]"
    ]


def test_blockkit_response_url_is_for_inputs_of_modals() -> None:
    element = {"type": "channels_select", "response_url_enabled": True}
    assert check(input_block(element), "modal") == []
    assert check(section(accessory=element), "modal") == [
        "invalid additional property: response_url_enabled [json-pointer:/accessory]"
    ]
    assert check(input_block(element), "home") == [
        "invalid additional property: response_url_enabled [json-pointer:/element]"
    ]


def test_blockkit_conversation_filter_filters() -> None:
    def faults(**chosen: Any) -> list[str]:
        return check(section(accessory={"type": "conversations_select", "filter": chosen}), "modal")

    assert faults(include=["im", "private"]) == []
    assert faults() == ["failed to match all allowed schemas [json-pointer:/accessory/filter]"]
    assert faults(include=["secret"]) == ["must be a valid enum value [json-pointer:/accessory/filter/include/0]"]


def test_blockkit_lines_of_rich_text_input_are_in_order() -> None:
    element = {"type": "rich_text_input", "action_id": "a", "min_lines": 9, "max_lines": 8}
    assert check(input_block(element), "modal") == ["must be less than 8 [json-pointer:/element/min_lines]"]


# -- rich text ------------------------------------------------------------------------------------------


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def test_blockkit_rich_text_takes_what_people_write() -> None:
    inline: list[Json] = [
        {"type": "text", "text": "x", "style": {"bold": True, "code": False}},
        {"type": "link", "url": "https://example.com", "text": "x", "unsafe": True},
        {"type": "emoji", "name": "fire", "unicode": "1f525"},
        {"type": "user", "user_id": "U1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "broadcast", "range": "here"},
        {"type": "team", "team_id": "T1"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "x"},
        {"type": "color", "value": "#fff"},
        {"type": "citation", "anything": 1},
    ]
    block = rich(
        {"type": "rich_text_section", "elements": inline},
        {"type": "rich_text_quote", "elements": inline, "border": 1},
        {"type": "rich_text_preformatted", "elements": [inline[1]], "border": 0, "language": "sql"},
        {
            "type": "rich_text_list",
            "style": "ordered",
            "indent": 8,
            "offset": 2,
            "elements": [{"type": "rich_text_section", "elements": inline}],
        },
    )
    for surface in ("message", "modal", "home"):
        assert check(block, surface) == []


@pytest.mark.parametrize(
    ("container", "fault"),
    [
        ({"type": "rich_text_table"}, "unsupported type: rich_text_table [json-pointer:/elements/0/type]"),
        ({"type": "rich_text_section"}, "missing required field: elements [json-pointer:/elements/0]"),
        (
            {"type": "rich_text_section", "elements": [{"type": "bold"}]},
            "unsupported type: bold [json-pointer:/elements/0/elements/0/type]",
        ),
        (
            {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]},
            "must be more than 0 characters [json-pointer:/elements/0/elements/0/text]",
        ),
        (
            {"type": "rich_text_section", "elements": [{"type": "user"}]},
            "missing required field: user_id [json-pointer:/elements/0/elements/0]",
        ),
        (
            {"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "all"}]},
            "must be a valid enum value [json-pointer:/elements/0/elements/0/range]",
        ),
        (
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "x", "style": {"loud": True}}],
            },
            "invalid additional property: loud [json-pointer:/elements/0/elements/0/style]",
        ),
        (
            {"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]},
            "unsupported type: user [json-pointer:/elements/0/elements/0/type]",
        ),
        (
            {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]},
            "unsupported type: text [json-pointer:/elements/0/elements/0/type]",
        ),
        (
            {"type": "rich_text_list", "style": "dash", "elements": []},
            "must be a valid enum value [json-pointer:/elements/0/style]",
        ),
        (
            {"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": []},
            "must be less than 8 [json-pointer:/elements/0/indent]",
        ),
        (
            {"type": "rich_text_quote", "border": 2, "elements": []},
            "must be a valid enum value [json-pointer:/elements/0/border]",
        ),
    ],
)
def test_blockkit_rich_text_faults(container: Json, fault: str) -> None:
    assert check(rich(container), "message") == [fault]


# -- the newer blocks, and sums over a message ----------------------------------------------------------


def test_blockkit_markdown_sums_to_12000_characters() -> None:
    half = {"type": "markdown", "text": "x" * 6000}
    assert check_message_blocks([half, half]) == []
    assert check_message_blocks([half, half, {"type": "markdown", "text": "x"}]) == [
        "must be less than 12001 characters [json-pointer:/blocks]"
    ]


def test_blockkit_markdown_counts_as_the_blocks_it_becomes() -> None:
    heading_and_text = "# x\n\ntext\n\n"
    assert check_message_blocks([{"type": "markdown", "text": heading_and_text * 25}]) == []
    assert check_message_blocks([{"type": "markdown", "text": heading_and_text * 26}]) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]
    code = "```\n" + "# comment\n" * 60 + "```"
    assert check_message_blocks([{"type": "markdown", "text": code}]) == []


def table(kind: str, rows: int, columns: int, text: str = "x") -> Json:
    more = {"caption": "c"} if kind == "data_table" else {}
    return {
        "type": kind,
        "rows": [[{"type": "raw_text", "text": text}] * columns for _ in range(rows)],
        **more,
    }


def test_blockkit_table_has_limits() -> None:
    assert check(table("table", 100, 20), "message") == []
    assert check(table("table", 101, 20), "home") == ["no more than 100 items allowed [json-pointer:/rows]"]
    assert check(table("table", 1, 21), "message") == ["no more than 20 items allowed [json-pointer:/rows/0]"]
    assert check(table("table", 100, 10, "x" * 10), "message") == []
    assert check_message_blocks([table("table", 91, 10, "x" * 11)]) == [
        "must be less than 10001 characters [json-pointer:/blocks]"
    ]
    assert check_message_blocks([table("table", 1, 1)] * 2) == ["only_one_table_allowed [json-pointer:/blocks]"]
    mixed = {"type": "table", "rows": [[RICH, {"type": "raw_number", "value": 1, "text": "1"}]]}
    assert check({**mixed, "column_settings": [None, {"align": "right", "is_wrapped": True}]}, "message") == []
    assert check({**mixed, "column_settings": [{"align": "top"}]}, "message") == [
        "must be a valid enum value [json-pointer:/column_settings/0/align]"
    ]
    assert check({"type": "table", "rows": [[{"type": "mrkdwn", "text": "x"}]]}, "message") == [
        "unsupported type: mrkdwn [json-pointer:/rows/0/0/type]"
    ]


def test_blockkit_data_table_has_limits() -> None:
    assert check(table("data_table", 201, 20), "message") == []
    assert check(table("data_table", 202, 1), "message") == ["no more than 201 items allowed [json-pointer:/rows]"]
    assert check(table("data_table", 1, 1), "message") == ["must provide at least 2 items [json-pointer:/rows]"]
    assert check_message_blocks([table("data_table", 101, 2, "x" * 100)]) == [
        "must be less than 20001 characters [json-pointer:/blocks]"
    ]
    uneven = table("data_table", 2, 2)
    uneven["rows"][1] = uneven["rows"][1][:1]
    assert check(uneven, "home") == ["failed to match all allowed schemas [json-pointer:/rows/1]"]
    head = table("data_table", 2, 1)
    head["rows"][0] = [RICH]
    assert check(head, "home") == ["unsupported type: rich_text [json-pointer:/rows/0/0/type]"]
    assert check({**table("data_table", 2, 2), "row_header_column_index": 2}, "home") == [
        "must be less than 2 [json-pointer:/row_header_column_index]"
    ]


def chart(**parts: Any) -> Json:
    return {"type": "data_visualization", "title": "T", "chart": {**copy.deepcopy(SERIES), **parts}}


def test_blockkit_charts_have_limits() -> None:
    assert check_message_blocks([chart()] * 2) == []
    assert check_message_blocks([chart()] * 3) == ["no more than 2 items allowed [json-pointer:/blocks]"]

    def pie(*segments: Json) -> list[str]:
        block = {
            "type": "data_visualization",
            "title": "T",
            "chart": {"type": "pie", "segments": list(segments)},
        }
        return check(block, "message")

    part = {"label": "x" * 20, "value": 0.5}
    assert pie(*[part] * 12) == []
    assert pie(*[part] * 13) == ["no more than 12 items allowed [json-pointer:/chart/segments]"]
    assert pie(part | {"value": 0}) == ["must be greater than 0 [json-pointer:/chart/segments/0/value]"]
    assert pie(part | {"label": "x" * 21}) == ["must be less than 21 characters [json-pointer:/chart/segments/0/label]"]
    assert check(chart(type="radar"), "message") == ["unsupported type: radar [json-pointer:/chart/type]"]


def test_blockkit_series_match_their_categories() -> None:
    def line(name: str, *labels: str) -> Json:
        return {"name": name, "data": [{"label": label, "value": 1} for label in labels]}

    axis = {"categories": ["a", "b"], "x_label": "x" * 50, "y_label": "y"}
    assert check(chart(series=[line("s", "a", "b"), line("t", "b", "a")], axis_config=axis), "message") == []
    assert check(chart(series=[line("s", "a")], axis_config=axis), "message") == [
        "failed to match all allowed schemas [json-pointer:/chart/series/0/data]"
    ]
    assert check(chart(series=[line("s", "a", "b")] * 2, axis_config=axis), "message") == [
        "Input contains duplicate items [json-pointer:/chart/series]"
    ]
    long = ["x" * 21]
    assert check(chart(series=[line("s", *long)], axis_config={"categories": long}), "message") == [
        "must be less than 21 characters [json-pointer:/chart/series/0/data/0/label]",
        "must be less than 21 characters [json-pointer:/chart/axis_config/categories/0]",
    ]


def test_blockkit_cards_containers_and_plans() -> None:
    assert check({"type": "card"}, "modal") == ["failed to match all allowed schemas [json-pointer:]"]
    assert check({"type": "card", "title": "x"}, "modal") == ["must provide an object [json-pointer:/title]"]
    icons = {"icon": sample_element("image"), "slack_icon": {"type": "icon", "name": "bug"}}
    assert check({"type": "card", "title": plain("x"), **icons}, "modal") == [
        "must not define both `icon` and `slack_icon` [json-pointer:]"
    ]
    box = {"type": "container", "title": plain("x"), "child_blocks": [section(block_id="b")]}
    assert check(box, "home") == []
    assert check_message_blocks([box, section(block_id="b")]) == [
        '`block_id` "b" already exists [json-pointer:/blocks/1/block_id]'
    ]
    assert check({**box, "child_blocks": [box]}, "message") == [
        "unsupported type: container [json-pointer:/child_blocks/0/type]"
    ]
    assert check({"type": "container", "child_blocks": [section()]}, "home") == [
        "missing required field: title [json-pointer:]"
    ]
    assert check({**box, "default_collapsed": True}, "home") == [
        "failed to match all allowed schemas [json-pointer:/default_collapsed]"
    ]
    assert check({**box, "is_collapsible": True, "has_header_divider": True}, "home") == [
        "must not define both `is_collapsible` and `has_header_divider` [json-pointer:]"
    ]
    task = {"task_id": "t", "title": "x", "status": "pending"}
    assert check({"type": "plan", "title": "x", "tasks": [task]}, "message") == []
    assert check({"type": "task_card", **task}, "message") == ["must be a valid enum value [json-pointer:/status]"]
    assert check({"type": "plan", "title": plain("x")}, "message") == ["must provide a string [json-pointer:/title]"]


def test_blockkit_attachments() -> None:
    assert check_attachments([{"color": "#f00", "blocks": [section()]}, {"text": "x"}]) == []
    assert check_attachments([{"blocks": [{"type": "section"}]}]) == [
        "must define either `text` or `fields` [json-pointer:/attachments/0/blocks/0]"
    ]
    assert check_attachments([{}] * 101) == ["no more than 100 items allowed [json-pointer:/attachments]"]
    assert check_attachments(["x"]) == ["must provide an object [json-pointer:/attachments/0]"]
    assert check_attachments("x") == ["must provide an array [json-pointer:/attachments]"]


# -- rules in limits.json that are sentences ------------------------------------------------------------

ELSEWHERE = {
    "view stack max 3": "the server's",
    "only one focus_on_load true": "every element",
    "unique block_id per view": "every block",
    "unique action_id per block": "every block",
    "max 1 element with focus": "every element",
    "text fields MUST be text objects (a bare string -> 'must provide an object')": "their type",
    "a modal with an input block MUST define submit": "every view",
    "cells: raw_text | raw_number | rich_text": "their type",
    "cells: raw_text | raw_number | rich_text (also action cells w/ button per third-party SDK)": "its type",
    "sum of characters over all cells of one table <= 20000": "every message",
    "sum over all tables in a message <= 20000": "every message",
    "sum of characters over all cells <= 10000 (per table and per message)": "every message",
    "sum of text over all markdown blocks of one payload <= 12000": "every message",
    "one markdown block may be expanded by Slack into several blocks; the 50-block cap then applies to the"
    " expanded list": "every message",
}


def test_blockkit_knows_every_rule_sentence() -> None:
    unknown = [
        (kind, sentence)
        for what in ("views", "blocks", "elements", "composition")
        for kind, spec in LIMITS[what].items()
        for sentence in spec.get("rules", [])
        if sentence not in ELSEWHERE and f"{what}.{kind}" not in blockkit._BEYOND
    ]
    assert unknown == []


# -- error bodies and echoes ----------------------------------------------------------------------------


def test_blockkit_error_bodies_are_slacks() -> None:
    assert error_body_for_message(["x [json-pointer:/blocks]"]) == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": ["x [json-pointer:/blocks]"],
        "response_metadata": {"messages": ["[ERROR] x [json-pointer:/blocks]"]},
    }
    assert error_body_for_view(check_view(modal(section(), title=plain("x" * 25)))) == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {
            "messages": [
                "[ERROR] failed to match all allowed schemas [json-pointer:/view]",
                "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
            ]
        },
    }


def test_blockkit_echo_fills_in_defaults() -> None:
    view = modal(
        input_block({"type": "plain_text_input"}),
        {"type": "actions", "block_id": "b1", "elements": [button(), button(action_id="mine")]},
        section(),
    )
    before = copy.deepcopy(view)
    echo = with_defaults(view, (f"b{n}" for n in count(1)))
    assert view == before
    label = {"type": "plain_text", "text": "Go", "emoji": True}
    assert echo == {
        "type": "modal",
        "title": {**plain("T"), "emoji": True},
        "submit": {**plain("S"), "emoji": True},
        "close": None,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "blocks": [
            {
                "type": "input",
                "block_id": "b2",
                "label": {**plain("L"), "emoji": True},
                "optional": False,
                "dispatch_action": False,
                "element": {
                    "type": "plain_text_input",
                    "action_id": "b3",
                    "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
                },
            },
            {
                "type": "actions",
                "block_id": "b1",
                "elements": [
                    {"type": "button", "text": label, "action_id": "b4"},
                    {"type": "button", "text": label, "action_id": "mine"},
                ],
            },
            {"type": "section", "block_id": "b5", "text": {**mrkdwn("x"), "verbatim": False}},
        ],
    }


def test_blockkit_echo_fills_in_attachments() -> None:
    attachments = [{"color": "#f00", "blocks": [section()]}, {"text": "x"}]
    assert with_defaults(attachments, iter(["b1"])) == [
        {
            "color": "#f00",
            "blocks": [{"type": "section", "text": {**mrkdwn("x"), "verbatim": False}, "block_id": "b1"}],
        },
        {"text": "x"},
    ]


# -- generated payloads ---------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@st.composite
def from_rules(draw: st.DrawFn, rules: Json, kind: str) -> Json:
    """The sample, and any of its free optional fields with generated words."""
    made = sample_fields(rules, kind)
    for name, rule in rules.items():
        free = rule["type"] in {"string", "text_object"} and not {
            "enum",
            "format",
            "pattern",
            "unique_in",
        } & set(rule)
        if free and name not in BY_NAME and name != "type" and (name in made or draw(st.booleans())):
            text = draw(words)[: rule.get("max_len", 30)]
            made[name] = text if rule["type"] == "string" else {"type": rule["text_types"][-1], "text": text}
    return made


MESSAGE_BLOCKS = [
    kind
    for kind, spec in LIMITS["blocks"].items()
    if "message" in spec["surfaces"] and kind not in {"file", "markdown", "table", "data_visualization"}
]


@st.composite
def messages(draw: st.DrawFn) -> list[Json]:
    kinds = draw(st.lists(st.sampled_from(MESSAGE_BLOCKS), min_size=1, max_size=6))
    return [{"type": kind, **draw(from_rules(LIMITS["blocks"][kind]["fields"], kind))} for kind in kinds]


def paths(node: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the objects are whose fields Slack knows."""
    if isinstance(node, dict):
        if at and at[-1] != "call":
            yield at
        for name, value in node.items():
            yield from paths(value, (*at, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from paths(value, (*at, index))


def reach(node: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        node = node[step]
    return node


@given(messages())
def test_blockkit_generated_messages_pass(blocks: list[Json]) -> None:
    assert check_message_blocks(blocks) == []


@given(messages(), st.data())
def test_blockkit_mutated_messages_are_refused_where_they_are_wrong(blocks: list[Json], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(paths(blocks), key=repr)))
    broken = copy.deepcopy(blocks)
    reach(broken, path)["surprise"] = None
    pointer = "/blocks/" + "/".join(map(str, path))
    assert check_message_blocks(broken) == [f"invalid additional property: surprise [json-pointer:{pointer}]"]
    broken = copy.deepcopy(blocks)
    reach(broken, path[:-1])[path[-1]] = None
    assert f"must provide an object [json-pointer:{pointer}]" in check_message_blocks(broken)
    broken = copy.deepcopy(blocks)
    if "type" in reach(broken, path):
        reach(broken, path)["type"] = "surprise"
        assert check_message_blocks(broken) != []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "options", "rows", "fields"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(messages(), json_values, st.data())
def test_blockkit_any_json_gets_an_answer(blocks: list[Json], surprise: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(paths(blocks), key=repr)))
    name = data.draw(st.sampled_from(sorted(reach(blocks, path))))
    reach(blocks, path)[name] = surprise
    assert all(isinstance(fault, str) for fault in check_message_blocks(blocks))
    assert all(isinstance(fault, str) for fault in check_view(modal(*blocks)))


@given(messages())
def test_blockkit_echo_of_a_valid_message_is_valid(blocks: list[Json]) -> None:
    echo = with_defaults(blocks, (f"id{n}" for n in count()))
    assert check_message_blocks(echo) == []
    assert with_defaults(echo, iter(())) == echo
