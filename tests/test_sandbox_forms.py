from __future__ import annotations

import copy
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.blockkit import LIMITS, check_view, with_defaults
from sandbox.forms import (
    action,
    buttons,
    carry_over,
    client_errors,
    field_of,
    fields,
    fill,
    initial_values,
    read,
)

Json = dict[str, Any]
NAMES = {"U1": "bob", "C1": "ops"}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str) -> Json:
    return {"text": {**plain(text), "emoji": True}, "value": text.lower()}


AB = [option("A"), option("B")]
GROUPS = [{"label": plain("Letters"), "options": AB}]


def element(kind: str, **more: Any) -> Json:
    return {"type": kind, "action_id": "a", **more}


def asked(label: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": label.lower(), "label": plain(label), "element": element, **more}


def modal(*blocks: Json) -> Json:
    view = {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks)}
    assert check_view(view) == []
    return with_defaults(view, (f"b{n}" for n in count()))


def rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


FILE = {"id": "F1", "name": "graph.png"}
AT = datetime(2026, 11, 21, 13, 5, tzinfo=timezone(timedelta(hours=1)))
# element, its first value, what a person gives, what Slack keeps
EVERY = [
    (element("plain_text_input"), "value", None, "slow db", "slow db"),
    (element("plain_text_input", multiline=True, initial_value="x"), "value", "x", "a\nb", "a\nb"),
    (element("email_text_input"), "value", None, "a@b.example", "a@b.example"),
    (element("url_text_input"), "value", None, "https://a.example", "https://a.example"),
    (element("number_input", is_decimal_allowed=False), "value", None, 12345, "12345"),
    (element("rich_text_input"), "rich_text_value", None, "hi", rich("hi")),
    (element("static_select", options=AB), "selected_option", None, "B", AB[1]),
    (element("static_select", option_groups=GROUPS, initial_option=AB[0]), "selected_option", AB[0], "B", AB[1]),
    (element("external_select"), "selected_option", None, AB[1], AB[1]),
    (element("radio_buttons", options=AB, initial_option=AB[1]), "selected_option", AB[1], "A", AB[0]),
    (element("multi_static_select", options=AB), "selected_options", [], ["B", "A"], [AB[1], AB[0]]),
    (element("multi_external_select"), "selected_options", [], AB, AB),
    (element("checkboxes", options=AB, initial_options=AB[:1]), "selected_options", AB[:1], "B", AB[1:]),
    (element("checkboxes", options=AB[:1]), "selected_options", [], True, AB[:1]),
    (element("checkboxes", options=AB[:1], initial_options=AB[:1]), "selected_options", AB[:1], False, []),
    (element("users_select"), "selected_user", None, "U1", "U1"),
    (element("multi_users_select", initial_users=["U2"]), "selected_users", ["U2"], "U1", ["U1"]),
    (element("conversations_select"), "selected_conversation", None, "C1", "C1"),
    (element("multi_conversations_select"), "selected_conversations", [], ["C1", "U1"], ["C1", "U1"]),
    (element("channels_select", initial_channel="C2"), "selected_channel", "C2", "C1", "C1"),
    (element("multi_channels_select"), "selected_channels", [], ["C1"], ["C1"]),
    (element("datepicker", initial_date="2026-01-02"), "selected_date", "2026-01-02", AT.date(), "2026-11-21"),
    (element("datepicker"), "selected_date", None, "2026-11-21", "2026-11-21"),
    (element("timepicker"), "selected_time", None, time(1, 2, 3), "01:02"),
    (element("timepicker"), "selected_time", None, "13:05", "13:05"),
    (element("datetimepicker"), "selected_date_time", None, AT, 1795262700),
    (element("datetimepicker", initial_date_time=1), "selected_date_time", 1, 2, 2),
    (element("file_input"), "files", [], [FILE], [FILE]),
]


@pytest.mark.parametrize(("given_", "name", "first", "value", "kept"), EVERY, ids=[row[0]["type"] for row in EVERY])
def test_form_keeps_every_element_in_slacks_shape(given_: Json, name: str, first: Any, value: Any, kept: Any) -> None:
    view = modal(asked("Field", given_))
    values = initial_values(view)
    assert values == {"field": {"a": {"type": given_["type"], name: first}}}
    assert fill(view, values, "Field", value) == {"field": {"a": {"type": given_["type"], name: kept}}}
    assert values == initial_values(view)
    empty: Any = [] if isinstance(first, list) else None
    assert fill(view, values, "Field", None) == {"field": {"a": {"type": given_["type"], name: empty}}}


def test_form_knows_every_input_element() -> None:
    assert {row[0]["type"] for row in EVERY} == set(LIMITS["blocks"]["input"]["fields"]["element"]["allowed"])


def test_form_timepicker_keeps_its_zone() -> None:
    view = modal(asked("When", element("timepicker", timezone="Europe/Berlin")))
    first = {"type": "timepicker", "selected_time": None, "timezone": "Europe/Berlin"}
    assert initial_values(view) == {"when": {"a": first}}
    assert fill(view, initial_values(view), "When", "01:00") == {"when": {"a": first | {"selected_time": "01:00"}}}


def test_form_empty_text_is_null() -> None:
    view = modal(asked("Note", element("plain_text_input", initial_value="x")))
    assert fill(view, initial_values(view), "Note", "") == {"note": {"a": {"type": "plain_text_input", "value": None}}}


def test_form_finds_fields_by_what_is_written_beside_them() -> None:
    select = element("static_select", options=AB, placeholder=plain("Choose"))
    view = modal(
        asked("Note", element("plain_text_input"), optional=True),
        {"type": "section", "block_id": "s", "text": mrkdwn("*Severity*"), "accessory": select},
        {"type": "actions", "block_id": "act", "elements": [select, element("datepicker") | {"action_id": "day"}]},
        asked("Note", element("plain_text_input")) | {"block_id": "n2", "dispatch_action": True},
        {"type": "section", "text": mrkdwn("x"), "accessory": {"type": "button", "text": plain("Go")}},
    )
    assert [
        (label, field.block_id, field.action_id, field.kind, field.optional, field.dispatches)
        for label, field in fields(view).items()
    ] == [
        ("Note", "note", "a", "plain_text_input", True, False),
        ("Severity", "s", "a", "static_select", True, True),
        ("Choose", "act", "a", "static_select", True, True),
        ("day", "act", "day", "datepicker", True, True),
        ("Note (2)", "n2", "a", "plain_text_input", False, True),
    ]
    assert set(initial_values(view)) == {"note", "s", "act", "n2"}
    assert set(initial_values(view)["act"]) == {"a", "day"}


def test_form_tells_what_there_is() -> None:
    view = modal(asked("Level", element("static_select", options=AB)), asked("Who", element("external_select")))
    with pytest.raises(LookupError, match=r"^no field 'Note'; there are: 'Level', 'Who'$"):
        field_of(view, "Note")
    with pytest.raises(LookupError, match=r"^no option 'C'; there are: 'A', 'B'$"):
        fill(view, initial_values(view), "Level", "C")
    with pytest.raises(LookupError, match="none before the app is asked"):
        fill(view, initial_values(view), "Who", "Ana")


def test_form_refuses_what_the_element_does_not_let_a_person_do() -> None:
    view = modal(
        asked("Line", element("plain_text_input")),
        asked("Who", element("multi_users_select", max_selected_items=1)),
        asked("When", element("datetimepicker")),
        asked("Day", element("datepicker")),
    )
    values = initial_values(view)
    with pytest.raises(ValueError, match="line break"):
        fill(view, values, "Line", "a\nb")
    with pytest.raises(TypeError, match="typed into"):
        fill(view, values, "Line", True)
    with pytest.raises(ValueError, match="no more than 1"):
        fill(view, values, "Who", ["U1", "U2"])
    with pytest.raises(ValueError, match="with its zone"):
        fill(view, values, "When", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="Invalid isoformat"):
        fill(view, values, "Day", "tomorrow")


REQUIRED = "Please complete this required field."


@pytest.mark.parametrize(
    ("given_", "value", "error"),
    [
        (element("plain_text_input"), None, REQUIRED),
        (element("plain_text_input"), "x" * 3000, None),
        (element("plain_text_input"), "x" * 3001, "Please write at most 3000 characters."),
        (element("plain_text_input", min_length=3), "ab", "Please write at least 3 characters."),
        (element("plain_text_input", min_length=3, max_length=3), "abc", None),
        (element("plain_text_input", max_length=3), "abcd", "Please write at most 3 characters."),
        (element("number_input", is_decimal_allowed=False), "12", None),
        (element("number_input", is_decimal_allowed=False), "1.5", "Please enter a whole number."),
        (element("number_input", is_decimal_allowed=True), "1.5", None),
        (element("number_input", is_decimal_allowed=True), "many", "Please enter a number."),
        (element("number_input", is_decimal_allowed=True), "Infinity", "Please enter a number."),
        (element("number_input", is_decimal_allowed=True, min_value="2"), "1.9", "Please enter 2 or more."),
        (element("number_input", is_decimal_allowed=True, max_value="2"), "2.1", "Please enter 2 or less."),
        (element("email_text_input"), "a@b.example", None),
        (element("email_text_input"), "a@b", "Please enter an email address."),
        (element("url_text_input"), "https://a.example/x", None),
        (element("url_text_input"), "a.example", "Please enter a link."),
        (element("url_text_input"), "http://[", "Please enter a link."),
        (element("static_select", options=AB), None, REQUIRED),
        (element("checkboxes", options=AB), [], REQUIRED),
        (element("users_select"), "U1", None),
    ],
)
def test_form_is_checked_before_it_is_sent(given_: Json, value: Any, error: str | None) -> None:
    view = modal(asked("Field", given_))
    expected = {"Field": error} if error else {}
    assert client_errors(view, fill(view, initial_values(view), "Field", value)) == expected
    if error == REQUIRED:
        view["blocks"][0]["optional"] = True
        assert client_errors(view, initial_values(view)) == {}


def test_form_requires_nothing_outside_inputs() -> None:
    section = {"type": "section", "text": mrkdwn("x"), "accessory": element("static_select", options=AB)}
    view = modal(section)
    assert client_errors(view, initial_values(view)) == {}


def test_form_typed_input_survives_an_update_with_the_same_ids_only() -> None:
    note = element("plain_text_input")
    old = modal(*(asked(label, note) for label in ("Same", "Block", "Action", "Type")))
    values = initial_values(old)
    for label in ("Same", "Block", "Action", "Type"):
        values = fill(old, values, label, "typed")
    new = modal(
        asked("Same", note | {"initial_value": "new"}),
        asked("Block", note | {"initial_value": "new"}) | {"block_id": "other"},
        asked("Action", note | {"initial_value": "new", "action_id": "other"}),
        asked("Type", element("number_input", is_decimal_allowed=False)),
        asked("More", note | {"initial_value": "new"}),
    )
    carried = carry_over(old, values, new)
    assert {label: carried[f.block_id][f.action_id]["value"] for label, f in fields(new).items()} == {
        "Same": "typed",
        "Block": "new",
        "Action": "new",
        "Type": None,
        "More": "new",
    }


def test_form_choice_that_is_no_longer_offered_is_dropped() -> None:
    old = modal(asked("Level", element("static_select", options=AB)))
    values = fill(old, initial_values(old), "Level", "B")
    fewer = modal(asked("Level", element("static_select", options=AB[:1])))
    assert carry_over(old, values, old) == values
    assert carry_over(old, values, fewer) == initial_values(fewer)


@given(st.permutations(["One", "Two", "Three"]), st.sets(st.sampled_from(["One", "Two", "Three"])))
def test_form_carries_over_in_any_order(order: list[str], kept: set[str]) -> None:
    old = modal(*(asked(label, element("plain_text_input")) for label in ("One", "Two", "Three")))
    values = initial_values(old)
    for label in order:
        values = fill(old, values, label, label)
    blocks = [asked(label, element("plain_text_input")) for label in order if label in kept]
    new = modal(*blocks, asked("Four", element("plain_text_input")))
    carried = carry_over(old, values, new)
    assert {block: value["a"]["value"] for block, value in carried.items()} == {
        "four": None,
        **{label.lower(): label for label in kept},
    }


# -- clicking ----------------------------------------------------------------------------------------------

OVERFLOW = element("overflow", options=AB)
FEEDBACK = element(
    "feedback_buttons",
    positive_button={"text": plain("Good"), "value": "+"},
    negative_button={"text": plain("Bad"), "value": "-"},
)


def button(label: str, **more: Any) -> Json:
    return {"type": "button", "action_id": label.lower(), "text": plain(label), **more}


def test_buttons_are_found_everywhere() -> None:
    trash = element("icon_button", icon="trash", text=plain("Delete"))
    card = {"type": "card", "block_id": "b5", "title": plain("C"), "actions": [button("Open")]}
    inner = {"type": "section", "block_id": "b7", "text": plain("x"), "accessory": button("Inner")}
    blocks: list[Json] = [
        {"type": "section", "block_id": "b1", "text": plain("x"), "accessory": button("Edit")},
        {"type": "section", "block_id": "b2", "text": plain("x"), "accessory": OVERFLOW},
        {"type": "actions", "block_id": "b3", "elements": [button("Yes"), element("datepicker"), button("No")]},
        {"type": "context_actions", "block_id": "b4", "elements": [FEEDBACK, trash]},
        {"type": "carousel", "block_id": "b0", "elements": [card]},
        {"type": "container", "block_id": "b6", "title": plain("x"), "child_blocks": [inner]},
    ]
    assert [(label, block_id, found["type"]) for label, block_id, found in buttons(blocks)] == [
        ("Edit", "b1", "button"),
        ("A", "b2", "overflow"),
        ("B", "b2", "overflow"),
        ("Yes", "b3", "button"),
        ("No", "b3", "button"),
        ("Good", "b4", "feedback_buttons"),
        ("Bad", "b4", "feedback_buttons"),
        ("Delete", "b4", "icon_button"),
        ("Open", "b5", "button"),
        ("Inner", "b7", "button"),
    ]


def test_action_of_buttons_and_menus() -> None:
    assert action(button("Go", value="v", url="https://a.example", style="danger"), "b") == {
        "type": "button",
        "action_id": "go",
        "block_id": "b",
        "text": plain("Go"),
        "value": "v",
        "url": "https://a.example",
        "style": "danger",
    }
    assert action(OVERFLOW, "b", "B") == {
        "type": "overflow",
        "action_id": "a",
        "block_id": "b",
        "selected_option": AB[1],
    }
    assert action(FEEDBACK, "b", "Bad") == {
        "type": "feedback_buttons",
        "action_id": "a",
        "block_id": "b",
        "text": plain("Bad"),
        "value": "-",
    }
    with pytest.raises(LookupError, match=r"^no button 'Meh'; there are: 'Good', 'Bad'$"):
        action(FEEDBACK, "b", "Meh")


@pytest.mark.parametrize(("given_", "name", "first", "value", "kept"), EVERY, ids=[row[0]["type"] for row in EVERY])
def test_action_tells_every_element_in_slacks_shape(given_: Json, name: str, first: Any, value: Any, kept: Any) -> None:
    entry = {"type": given_["type"], "action_id": "a", "block_id": "b"}
    assert action(given_, "b", value) == entry | {name: kept}
    empty: Any = [] if isinstance(first, list) else None
    assert action(given_, "b") == entry | {name: empty}


# -- reading -----------------------------------------------------------------------------------------------


def seen(*blocks: Json, **more: Any) -> list[str]:
    filled = with_defaults(list(blocks), (f"b{n}" for n in count()))
    return read(filled, names=NAMES, zone="Europe/Berlin", **more).split("\n")


def image(alt: str) -> Json:
    return {"type": "image", "image_url": "https://a.example/x.png", "alt_text": alt}


def test_read_shows_texts_and_buttons() -> None:
    assert seen(
        {"type": "header", "text": plain("DB <slow>")},
        {"type": "section", "text": mrkdwn("<@U1> said &lt;hi&gt;"), "accessory": button("Edit")},
        {"type": "section", "fields": [mrkdwn("*Since*"), mrkdwn("<!date^0^{date_num} {time}|then>")]},
        {"type": "divider"},
        {"type": "context", "elements": [image("logo"), mrkdwn("in <#C1>"), plain("<@U1>")]},
        {"type": "actions", "elements": [button("Yes"), button("No"), OVERFLOW]},
        {"type": "context_actions", "elements": [FEEDBACK]},
        {**image("a graph"), "title": plain("Errors")},
        {"type": "markdown", "text": "# Title"},
        rich("rich"),
    ) == [
        "DB <slow>",
        "@bob said <hi>",
        "[Edit]",
        "*Since*",
        "1970-01-01 1:00 AM",
        "logo",
        "in #ops",
        "<@U1>",
        "[Yes]",
        "[No]",
        "[A]",
        "[B]",
        "[Good]",
        "[Bad]",
        "Errors",
        "a graph",
        "# Title",
        "rich",
    ]


def test_read_shows_inputs_with_what_is_in_them() -> None:
    described = AB[0] | {"description": plain("first")}
    blocks = [
        asked("Note", element("plain_text_input", placeholder=plain("What happened")), hint=plain("Be brief")),
        asked("Who", element("multi_users_select", initial_users=["U1", "U9"]), optional=True),
        asked("Level", element("radio_buttons", options=[described, AB[1]], initial_option=AB[1])),
        asked("Pick", element("static_select", option_groups=GROUPS)),
        asked("When", element("datetimepicker", initial_date_time=0)),
        asked("Where", element("conversations_select", initial_conversation="C1")),
        asked("Text", element("rich_text_input", initial_value=rich("hi"))),
        asked("File", element("file_input")),
    ]
    options = ["- A: first", "- B"]
    grouped = ["Letters", "- A", "- B"]
    assert seen(*blocks) == [
        *["Note: (What happened)", "Be brief", "Who (optional): @bob, @U9", "Level: B", *options],
        *["Pick:", *grouped, "When: Jan 1, 1970 at 1:00 AM", "Where: #ops", "Text: hi", "File:"],
    ]
    view = modal(*blocks)
    values = fill(view, initial_values(view), "Note", "db is slow")
    values = fill(view, fill(view, values, "Level", "A"), "File", [FILE])
    assert seen(*blocks, values=values) == [
        *["Note: db is slow", "Be brief", "Who (optional): @bob, @U9", "Level: A", *options],
        *["Pick:", *grouped, "When: Jan 1, 1970 at 1:00 AM", "Where: #ops", "Text: hi", "File: graph.png"],
    ]


def test_read_shows_choices_outside_inputs() -> None:
    select = element("static_select", options=AB, placeholder=plain("Choose"))
    block = {"type": "section", "block_id": "s", "text": mrkdwn("Level"), "accessory": select}
    assert seen(block) == ["Level", "[(Choose)]", "- A", "- B"]
    values = {"s": {"a": {"type": "static_select", "selected_option": AB[1]}}}
    assert seen(block, values=values) == ["Level", "[B]", "- A", "- B"]


def test_read_shows_tables_charts_and_the_newer_blocks() -> None:
    def raw(text: str) -> Json:
        return {"type": "raw_text", "text": text}

    points = [{"label": "Mon", "value": 1}, {"label": "Tue", "value": 2.5}]
    axis = {"categories": ["Mon", "Tue"], "y_label": "errors"}
    bars = {"type": "bar", "series": [{"name": "api", "data": points}], "axis_config": axis}
    card = {"type": "card", "title": plain("Card"), "body": mrkdwn("*b*"), "actions": [button("Open")]}
    assert seen(
        {"type": "table", "rows": [[raw("a"), rich("b")], [raw("c"), raw("d")]]},
        {
            "type": "data_table",
            "caption": "Cap",
            "rows": [[raw("h")], [{"type": "raw_number", "value": 1, "text": "1"}]],
        },
        {"type": "data_visualization", "title": "Pie", "chart": {"type": "pie", "segments": points}},
        {"type": "data_visualization", "title": "Bars", "chart": bars},
        {"type": "carousel", "elements": [card]},
        {"type": "container", "title": plain("Box"), "child_blocks": [{"type": "header", "text": plain("In")}]},
        {
            "type": "plan",
            "title": "Plan",
            "tasks": [{"task_id": "t", "title": "Task", "status": "in_progress", "details": rich("more")}],
        },
        {"type": "alert", "text": plain("Careful"), "level": "warning"},
    ) == [
        *["a | b", "c | d", "Cap", "h", "1", "Pie", "Mon: 1", "Tue: 2.5", "Bars", "api: Mon 1, Tue 2.5", "errors"],
        *["Card", "*b*", "[Open]", "Box", "In", "Plan", "Task (in progress)", "more", "Careful"],
    ]


@given(st.text(min_size=1, max_size=40).filter(lambda text: not set(text) & set("\n\r")))
def test_form_takes_any_line_a_person_types(text: str) -> None:
    view = modal(asked("Note", element("plain_text_input")))
    before = copy.deepcopy(view)
    values = fill(view, initial_values(view), "Note", text)
    assert values["note"]["a"]["value"] == text
    assert client_errors(view, values) == {}
    assert view == before


@given(st.dates(min_value=date(1, 1, 1)), st.times(), st.integers(0, 9_999_999_999))
def test_form_takes_any_moment(day: date, hour: time, stamp: int) -> None:
    view = modal(
        asked("Day", element("datepicker")),
        asked("Hour", element("timepicker")),
        asked("At", element("datetimepicker")),
    )
    values = fill(view, initial_values(view), "Day", day)
    values = fill(view, values, "Hour", hour)
    values = fill(view, values, "At", datetime.fromtimestamp(stamp, UTC))
    assert date.fromisoformat(values["day"]["a"]["selected_date"]) == day
    assert values["hour"]["a"]["selected_time"] == f"{hour:%H:%M}"
    assert values["at"]["a"]["selected_date_time"] == stamp
