from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.blockkit import check_message_blocks
from sandbox.mrkdwn import (
    date_text,
    escape,
    from_composer,
    pings,
    pings_of_blocks,
    readable,
    rich_text_lines,
    unescape,
)

Json = dict[str, Any]
USERS = {"bob": "U1", "bob.jones": "U2", "Ana María": "U3", "oncall": "S1"}
CHANNELS = {"ops": "C1", "ops-eu": "C2"}
NAMES = {ident: name for name, ident in (USERS | CHANNELS).items()}


def typed(text: str) -> tuple[str, list[Json]]:
    """The stored text and the elements of its one rich_text block."""
    stored, blocks = from_composer(text, USERS, CHANNELS)
    return stored, blocks[0]["elements"] if blocks else []


def inline(text: str) -> tuple[str, list[Json]]:
    stored, elements = typed(text)
    assert [element["type"] for element in elements] == ["rich_text_section"]
    return stored, elements[0]["elements"]


def t(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


# -- typing ------------------------------------------------------------------------------------------------


def test_composer_leaves_plain_text_plain() -> None:
    assert inline("db is slow, 2*3 and snake_case_name") == (
        "db is slow, 2*3 and snake_case_name",
        [t("db is slow, 2*3 and snake_case_name")],
    )
    assert from_composer("", USERS, CHANNELS) == ("", [])


def test_composer_escapes_the_three_characters() -> None:
    assert inline("a < b & c > <!channel>") == (
        "a &lt; b &amp; c &gt; &lt;!channel&gt;",
        [t("a < b & c > <!channel>")],
    )


def test_composer_mentions_who_it_knows() -> None:
    assert inline("hi @bob.jones, @bob. ask @Ana María and @nobody or me@bob") == (
        "hi <@U2>, <@U1>. ask <@U3> and @nobody or me@bob",
        [
            t("hi "),
            {"type": "user", "user_id": "U2"},
            t(", "),
            {"type": "user", "user_id": "U1"},
            t(". ask "),
            {"type": "user", "user_id": "U3"},
            t(" and @nobody or me@bob"),
        ],
    )
    assert inline("@here @oncall") == (
        "<!here> <!subteam^S1|@oncall>",
        [{"type": "broadcast", "range": "here"}, t(" "), {"type": "usergroup", "usergroup_id": "S1"}],
    )
    assert inline("see #ops-eu not #ops2") == (
        "see <#C2|ops-eu> not #ops2",
        [t("see "), {"type": "channel", "channel_id": "C2"}, t(" not #ops2")],
    )


def test_composer_links_addresses() -> None:
    url = "https://example.com/a_b?x=1&y=2"
    assert inline(f"({url}). ana@example.com") == (
        "(<https://example.com/a_b?x=1&amp;y=2>). <mailto:ana@example.com|ana@example.com>",
        [
            t("("),
            {"type": "link", "url": url},
            t("). "),
            {"type": "link", "url": "mailto:ana@example.com", "text": "ana@example.com"},
        ],
    )


def test_composer_keeps_emoji_in_colon_form() -> None:
    assert inline(":fire: at 10:30:45 :+1:") == (
        ":fire: at 10:30:45 :+1:",
        [{"type": "emoji", "name": "fire"}, t(" at 10:30:45 "), {"type": "emoji", "name": "+1"}],
    )


def test_composer_styles_nest() -> None:
    assert inline("*bold _both_ @bob* ~no~") == (
        "*bold _both_ <@U1>* ~no~",
        [
            t("bold ", bold=True),
            t("both", bold=True, italic=True),
            t(" ", bold=True),
            {"type": "user", "user_id": "U1", "style": {"bold": True}},
            t(" "),
            t("no", strike=True),
        ],
    )
    assert inline("a * not bold* and *neither") == (
        "a * not bold* and *neither",
        [t("a * not bold* and *neither")],
    )


def test_composer_leaves_code_alone() -> None:
    assert inline("`SELECT * FROM a WHERE b < 1 -- @bob` ok") == (
        "`SELECT * FROM a WHERE b &lt; 1 -- @bob` ok",
        [t("SELECT * FROM a WHERE b < 1 -- @bob", code=True), t(" ok")],
    )
    assert typed("see\n```\n@here *x*\nhttps://a.example\n```\ndone") == (
        "see\n```@here *x*\nhttps://a.example```\ndone",
        [
            {"type": "rich_text_section", "elements": [t("see")]},
            {"type": "rich_text_preformatted", "elements": [t("@here *x*\nhttps://a.example")]},
            {"type": "rich_text_section", "elements": [t("done")]},
        ],
    )


def test_composer_makes_quotes_and_lists() -> None:
    assert typed("> said @bob\n> twice\n- one\n- *two*\n1. first\n2. second") == (
        "&gt; said <@U1>\n&gt; twice\n• one\n• *two*\n1. first\n2. second",
        [
            {
                "type": "rich_text_quote",
                "elements": [t("said "), {"type": "user", "user_id": "U1"}, t("\ntwice")],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "indent": 0,
                "border": 0,
                "elements": [
                    {"type": "rich_text_section", "elements": [t("one")]},
                    {"type": "rich_text_section", "elements": [t("two", bold=True)]},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "indent": 0,
                "border": 0,
                "elements": [
                    {"type": "rich_text_section", "elements": [t("first")]},
                    {"type": "rich_text_section", "elements": [t("second")]},
                ],
            },
        ],
    )


MARKS = ["*", "_", "~", "`", "```", "&", "<", ">", "|", ":", ".", "(", ")", "- ", "1. ", " ", "\n"]
WORDS = ["@bob", "@here", "#ops", "<!channel>", "<@U9>", ":fire:", "a", "b1", "é", "🔥", "x@example.com"]
snippets = st.sampled_from([*MARKS, *WORDS, "https://example.com/?a=1&b=2"])
texts = st.lists(snippets, max_size=12).map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts)
def test_composer_makes_valid_blocks(text: str) -> None:
    _, blocks = from_composer(text, USERS, CHANNELS)
    assert check_message_blocks(blocks) == []
    assert bool(blocks) == bool(text)


@given(texts.filter(lambda text: not set("`\n") & set(text) and text[:1] not in {*">-*•0123456789"}))
def test_composer_text_reads_as_it_was_typed(text: str) -> None:
    stored, _ = from_composer(text, USERS, CHANNELS)
    assert readable(stored, names=NAMES, zone="UTC") == text


@given(texts)
def test_composer_text_and_blocks_notify_the_same(text: str) -> None:
    stored, blocks = from_composer(text, USERS, CHANNELS)
    assert pings(stored) == pings_of_blocks(blocks)
    assert pings(stored) <= {"U1", "here"} | ({"U2"} if ".jones" in text else set())


# -- reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        ("<@U1> and <@U9|zoe> and <@U9>", "@bob and @zoe and @U9"),
        ("<#C1|old-name> <#C9|gone> <#C9|> <#C9>", "#ops #gone #C9 #C9"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1> <!subteam^S9|@sre> <!subteam^S9>", "@oncall @sre @S9"),
        ("<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2"),
        ("<https://a.example|the &lt;page&gt;>", "the <page>"),
        ("<mailto:a@b.example|a@b.example> <mailto:a@b.example>", "a@b.example a@b.example"),
        ("a &lt; b &amp;amp; c &gt; d", "a < b &amp; c > d"),
        ("&lt;!channel&gt; *bold* :fire:", "<!channel> *bold* :fire:"),
        ("<!date^1392734382^{date_short} at {time}|then>", "Feb 18, 2014 at 2:39 PM"),
        ("<!date^1392734382^{date_num}^https://a.example|then>", "2014-02-18"),
        ("<!date^soon^{date}|then &amp; there> <!date^99999999999999^{date}|never>", "then & there never"),
        ("<!date^1392734382^{moon}|then>", "{moon}"),
    ],
)
def test_readable_shows_what_a_person_sees(stored: str, seen: str) -> None:
    assert readable(stored, names=NAMES, zone="UTC") == seen


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        ("{date_num}", "2014-02-18"),
        ("{date_slash}", "02/18/2014"),
        ("{date}", "February 18th, 2014"),
        ("{date_short}", "Feb 18, 2014"),
        ("{date_long}", "Tuesday, February 18th, 2014"),
        ("{date_long_full}", "Tuesday, February 18th, 2014"),
        ("{date_pretty}", "February 18th, 2014"),
        ("{day_divider_pretty}", "Tuesday, February 18th, 2014"),
        ("{time}", "6:39 AM"),
        ("{time_secs}", "6:39:42 AM"),
        ("{ago}", "February 18th, 2014 at 6:39 AM"),
    ],
)
def test_date_text_follows_slacks_page_in_the_readers_zone(token: str, seen: str) -> None:
    assert date_text(1392734382, token, zone="America/Los_Angeles") == seen


@pytest.mark.parametrize(
    ("later", "template", "seen"),
    [
        (timedelta(hours=2), "{date_pretty} at {time}", "Today at 2:39 PM"),
        (timedelta(days=1), "due {date_short_pretty}", "due yesterday"),
        (timedelta(days=-1), "{date_long_pretty}", "Tomorrow"),
        (timedelta(days=9), "{date_long_pretty}", "Tuesday, February 18th"),
        (timedelta(days=9), "{date_short}", "Feb 18"),
        (timedelta(days=200), "{date_short}", "Feb 18, 2014"),
        (timedelta(minutes=3), "{ago}", "3 minutes ago"),
        (timedelta(hours=-1), "{ago}", "in 1 hour"),
        (timedelta(), "{ago}", "0 seconds ago"),
    ],
)
def test_date_text_is_told_from_now(later: timedelta, template: str, seen: str) -> None:
    now = datetime.fromtimestamp(1392734382, UTC) + later
    assert date_text(1392734382, template, zone="UTC", now=now) == seen


@pytest.mark.parametrize(
    ("day", "told"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")],
)
def test_date_text_has_english_ordinals(day: int, told: str) -> None:
    stamp = int(datetime(2026, 5, day, tzinfo=UTC).timestamp())
    assert date_text(stamp, "{date}", zone="UTC") == f"May {told}, 2026"


def test_rich_text_reads_line_by_line() -> None:
    text = "*hi* @bob :fire:\n> said\n- one\n- @here\n1. #ops\n```x\ny```"
    _, blocks = from_composer(text, USERS, CHANNELS)
    date = {"type": "date", "timestamp": 0, "format": "{date_num}", "fallback": "then"}
    link = {"type": "link", "url": "https://a.example", "text": "page"}
    blocks[0]["elements"].append({"type": "rich_text_section", "elements": [date, t(" "), link]})
    assert rich_text_lines(blocks[0], names=NAMES, zone="UTC") == [
        "hi @bob :fire:",
        "> said",
        "• one",
        "• @here",
        "1. #ops",
        "x",
        "y",
        "1970-01-01 page",
    ]


@given(st.text())
def test_escape_comes_back(text: str) -> None:
    assert unescape(escape(text)) == text


# -- notifying ---------------------------------------------------------------------------------------------


def test_pings_tells_who_is_notified() -> None:
    text = "<@U1> <@W2|bob> <!subteam^S1|@oncall> <!here> <!channel|channel> <!everyone> <#C1|ops> @here"
    assert pings(text) == {"U1", "W2", "S1", "here", "channel", "everyone"}
    assert pings("<!group>") == {"channel"}
    assert pings("@here @channel, @heresy me@channel") == set()
    assert pings("@here @channel, @heresy me@channel", parsed=True) == {"here", "channel"}


@given(texts)
def test_escaped_text_pings_nobody(text: str) -> None:
    assert pings(escape(text)) == set()
    verbatim = {"type": "mrkdwn", "text": escape(text), "verbatim": True}
    assert pings_of_blocks([{"type": "section", "text": verbatim}], escape(text)) == set()


def test_pings_of_blocks_looks_everywhere() -> None:
    def section(text: Json) -> Json:
        return {"type": "section", "text": text}

    bare = {"type": "mrkdwn", "text": "@here"}
    assert pings_of_blocks([section(bare)]) == {"here"}
    assert pings_of_blocks([section({**bare, "verbatim": True})]) == set()
    assert pings_of_blocks([section({**bare, "verbatim": False})]) == {"here"}
    assert pings_of_blocks([section({"type": "plain_text", "text": "@here <!here>"})]) == set()
    assert pings_of_blocks([{"type": "markdown", "text": "<@U1>"}], "@here <!channel>") == {"U1", "channel"}
    deep = {"type": "context", "elements": [{"type": "mrkdwn", "text": "<@U2>", "verbatim": True}]}
    rich = {
        "type": "rich_text_section",
        "elements": [
            t("@here <!here>"),
            {"type": "broadcast", "range": "everyone"},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "user", "user_id": "U3"},
        ],
    }
    container = {"type": "container", "child_blocks": [deep, {"type": "rich_text", "elements": [rich]}]}
    assert pings_of_blocks([container]) == {"U2", "everyone", "S1", "U3"}
