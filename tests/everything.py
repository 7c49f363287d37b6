"""One of everything that Slack draws: messages and a dialog for the page's own tests, with text that would harm."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, about: str = "") -> Json:
    return {"text": plain(text), "value": text.lower().replace(" ", "-")} | (
        {"description": plain(about)} if about else {}
    )


def raw(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def number(value: float) -> Json:
    return {"type": "raw_number", "value": value, "text": f"{value:g}"}


def rich(text: str, **style: bool) -> Json:
    inline: Json = {"type": "text", "text": text} | ({"style": style} if style else {})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [inline]}]}


OPTIONS = [option("First", "said to be quick"), option("Second"), option("Third")]


def _chart(kind: str) -> Json:
    months = ["Jul", "Aug", "Sep", "Oct"]
    series = [
        {"name": name, "data": [{"label": month, "value": value} for month, value in zip(months, values, strict=True)]}
        for name, values in (("SEV1", (1, 0, 2, 1)), ("SEV2", (4, 6, 3, 5)))
    ]
    return {
        "type": "data_visualization",
        "title": "Incidents a month",
        "chart": {"type": kind, "series": series, "axis_config": {"categories": months, "y_label": "Incidents"}},
    }


PIE: Json = {
    "type": "data_visualization",
    "title": "Where it came from",
    "chart": {"type": "pie", "segments": [{"label": "Change", "value": 12}, {"label": "Load", "value": 5.5}]},
}

TEXTS: list[Json] = [
    {"type": "header", "text": plain("Everything at once :tada:")},
    {
        "type": "section",
        "text": marked(
            "*Bold* _slanted_ ~gone~ `code <https://example.com|x>` <https://example.com/a?b=1&amp;c=2|a link>"
            "\n&gt; quoted &lt;b&gt;as text&lt;/b&gt;\n```SELECT 1\n  FROM dual```"
            "\nsnake_case_name and 2*3*4 stay; <!date^1794650400^{date_long} at {time}|then>; :no_such_emoji:"
        ),
        "accessory": {"type": "button", "text": plain("Beside"), "action_id": "beside"},
    },
    {"type": "section", "fields": [marked("*Severity*\nSEV2"), marked("*Lead*\nsomebody"), plain("plain *text*")]},
    {"type": "divider"},
    {"type": "context", "elements": [marked("small *words*"), plain("and more")]},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                    {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "rocket"}]},
                ],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said before"}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": HOSTILE}]},
        ],
    },
    {
        "type": "markdown",
        "text": "## A heading\n\nA **bold** word, a [link](https://example.com), `code`.\n\n"
        "- one\n- two\n  - inside\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n" + HOSTILE,
    },
    {
        "type": "image",
        "image_url": "https://example.com/x.png",
        "alt_text": "A graph of errors",
        "title": plain("Errors"),
    },
]  # fmt: skip

USED: list[Json] = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "text": plain("Primary"), "style": "primary", "action_id": "primary", "value": "1"},
            {
                "type": "button",
                "text": plain("Danger"),
                "style": "danger",
                "action_id": "danger",
                "confirm": {
                    "title": plain("Sure?"),
                    "text": marked("It *goes*."),
                    "confirm": plain("Do it"),
                    "deny": plain("No"),
                },
            },
            {"type": "static_select", "action_id": "pick", "placeholder": plain("Pick one"), "options": OPTIONS},
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-16"},
            {"type": "timepicker", "action_id": "time", "initial_time": "10:42"},
            {"type": "overflow", "action_id": "more", "options": OPTIONS},
        ],
    },
    {
        "type": "container",
        "title": plain("A container"),
        "subtitle": marked("with _something_ in it"),
        "is_collapsible": True,
        "child_blocks": [{"type": "section", "text": marked("inside")}],
    },
    {
        "type": "data_table",
        "caption": "Actions",
        "page_size": 2,
        "rows": [
            [raw("What"), raw("Days")],
            *([raw(name), number(days)] for name, days in (("Beta", 3), ("Alpha", 20), ("Gamma", 1))),
        ],
    },
    {
        "type": "table",
        "column_settings": [{"is_wrapped": True}, {"align": "right"}],
        "rows": [[raw("Service"), raw("Minutes")], [rich("checkout", bold=True), raw("42")]],
    },
    _chart("bar"),
    PIE,
]  # fmt: skip

LINES: list[Json] = [
    _chart("line"),
    _chart("area"),
    {
        "type": "card",
        "title": marked("*A card*"),
        "body": plain("with words"),
        "actions": [{"type": "button", "text": plain("On the card"), "action_id": "card"}],
    },
]


def _input(name: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "element": element | {"action_id": "value"},
        **more,
    }


def dialog() -> Json:
    """Every kind of field that a dialog can have, all optional but the first."""
    groups = [{"label": plain("Few"), "options": OPTIONS}]
    fields = [
        _input("text", "Text", {"type": "plain_text_input", "max_length": 60}, hint=plain("One line.")),
        _input("long", "Long text", {"type": "plain_text_input", "multiline": True}),
        _input("rich", "Rich text", {"type": "rich_text_input"}),
        _input("number", "Number", {"type": "number_input", "is_decimal_allowed": False, "max_value": "10"}),
        _input("mail", "Mail", {"type": "email_text_input"}),
        _input("url", "Address", {"type": "url_text_input"}),
        _input("one", "One", {"type": "static_select", "options": OPTIONS}),
        _input("groups", "Grouped", {"type": "static_select", "option_groups": groups}),
        _input("several", "Several", {"type": "multi_static_select", "options": OPTIONS}),
        _input("found", "Found", {"type": "external_select", "min_query_length": 0}),
        _input("boxes", "Boxes", {"type": "checkboxes", "options": OPTIONS}),
        _input("radio", "Radio", {"type": "radio_buttons", "options": OPTIONS}),
        _input("date", "Date", {"type": "datepicker"}),
        _input("time", "Time", {"type": "timepicker"}),
        _input("moment", "Moment", {"type": "datetimepicker"}),
        _input("person", "Person", {"type": "users_select"}),
        _input("people", "People", {"type": "multi_users_select"}),
        _input("channel", "Channel", {"type": "channels_select"}),
        _input("talk", "Conversation", {"type": "conversations_select"}),
        _input("file", "File", {"type": "file_input"}),
    ]  # fmt: skip
    return {
        "type": "modal",
        "callback_id": "everything",
        "title": plain("Everything"),
        "submit": plain("Send"),
        "blocks": [
            {"type": "alert", "level": "warning", "text": marked("Mind the *gap*")},
            *(field | {"optional": number > 0} for number, field in enumerate(fields)),
            {"type": "actions", "elements": [{"type": "button", "text": plain("Add"), "action_id": "add"}]},
        ],
    }
