"""Documents: every text comes back as it was, nothing in it acts, and pictures stay readable."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot import documents, markup, rich_text
from bot.causes_figure import causes
from bot.documents import LANES, brief, render
from bot.durations import between
from bot.lettering import text_width
from bot.report import (
    Account,
    Answer,
    Change,
    Entry,
    Factor,
    Link,
    Milestone,
    Person,
    Report,
    Section,
)
from bot.rich_text import Mark
from bot.timeline_figure import GUTTER, RIGHT, Dot, scale, timeline
from tests import browser
from tests.example_report import actions, at, factors, prow, term

if TYPE_CHECKING:
    from markdown_it.token import Token

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

nasty = st.text(
    alphabet=st.one_of(
        st.sampled_from("\\`*_[]<>&#|~$!+-=.:;)({}%@/'\" \n\t1aZ"),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    min_size=1,
    max_size=40,
).filter(lambda text: bool(text.strip()))

TRAPS = (
    "a | b * c ` d < e > f & g",
    "# no heading\n- no list\n1. no number\n> no quote\n\n    no code\n```\nno fence\n---\n| a | b |\n| - | - |",
    "<script>alert(1)</script><img src=x onerror=alert(1)> &lt; &amp;nbsp;",
    "</style></svg></title><!-- ]]> {{ 7 * 7 }} {% raw %}",
    "[x](javascript:alert(1)) ![y](http://z) <http://auto> [ref]: /url 'x'",
    '=HYPERLINK("http://evil")\n+1\n-1\n@SUM',
    "مرحبا \u202eabc\u202c 🔥👩‍🚀 日本語\u2028\u00a0end\u00a0",
    "  leading and trailing  \n\n",
    "the `a | b` of *this* and _that_, ~gone~, :tada: see https://a.test/x_y_?q=<1>.",
    "`<script>` ** _ `` ` *a _b_* ~~ `\\` *<b>x</b>* (*|*) _`_",
    "C:\\path\\to\\",
    ":tada: shipped https://example.com/x\n:warning: a | b\n:fire: `a-b`\n:x:1. one",
)  # fmt: skip


def inline_text(token: Token) -> str:
    """What a reader reads; anything that is neither text nor a line break is told apart."""
    read = []
    for child in token.children or []:
        if child.type in {"text", "text_special", "code_inline"}:
            read.append(child.content)
        elif child.type == "hardbreak" or (child.type, child.content) == ("html_inline", "<br>"):
            read.append("\n")
        elif child.type.removesuffix("_open").removesuffix("_close") not in {"em", "strong", "s", "link"} and (
            child.content not in {"<code>", "</code>"}
        ):
            read.append(f"<{child.type}>")
    return "".join(read)


def in_one_line(text: str) -> str:
    """What is to be read where Markdown has one line: the words, and ">" before those that were quoted."""
    read = []
    for block in rich_text.blocks(text):
        lines = block.text.split("\n")
        if block.mark is Mark.QUOTE:
            read.append("\n".join(f"> {rich_text.words(line)}" if line else "" for line in lines))
        else:
            read.append(block.text if block.mark is Mark.BLOCK else "\n".join(map(rich_text.words, lines)))
    return "".join(read)


def read_markdown(text: str) -> list[str]:
    tokens = MARKDOWN.parse(text)
    assert not [token.type for token in tokens if token.type in {"html_block", "code_block", "fence", "hr"}]
    return [inline_text(token) for token in tokens if token.type == "inline"]


class Reader(HTMLParser):
    """The texts marked as such, and everything that might act."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.open: list[tuple[str, bool]] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(given)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href", "action"}]
        is_text = "text" in (given.get("class") or "").split()
        if is_text:
            self.texts.append("")
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append((int(tag[1]), ""))
        if tag not in {"meta", "br"}:
            self.open.append((tag, is_text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if any(is_text for _, is_text in self.open):
            self.texts[-1] += data
        if self.open and self.open[-1][0] in {"h1", "h2", "h3", "h4"}:
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)


def filled(text: str) -> Report:
    """The report with that text everywhere a person may have written."""
    answer = Answer(prompt="hard", heading=text, label=text, text=text, other_views=(text,))
    return prow(
        incident=prow().incident.model_copy(
            update={"title": text, "services": (text,), "environment": text, "description": text}
        ),
        people=(Person(key="U1", name=text, roles=(text,)),),
        milestones=[milestone.model_copy(update={"note": text}) for milestone in prow().milestones],
        timeline=[
            Entry(
                id=1,
                at=at("2019-02-05T08:47:00-08:00"),
                kind="decision",
                text=text,
                author="U1",
                permalink=text,
                evidence=(Link(url=text, label=text, kind=text), Link(url="https://ok.test/?a=b&c=<d>|", label=text)),
            ),
            Entry(id=2, at=at("2019-02-05T08:48:00-08:00"), kind="note", text=text, app=text, is_marked=False),
        ],
        sections=(Section(key="learning", title=text, answers=(answer,)),),
        accounts=(Account(answers=(answer,)),),
        factors=[
            factor.model_copy(
                update={"statement": text, "another_view": text, "assumptions": text, "evidence_for": (1,)}
            )
            for factor in factors()
        ],
        actions=[
            action.model_copy(
                update={
                    "what": text,
                    "success_criteria": text,
                    "wont_do_because": text,
                    "owner": "U1",
                    "addresses": None,
                }
            )
            for action in actions()
        ],
        limitations=(text,),
        changes=(Change(part="Answer", how="changed", words=text),),
        facilitator=None,
        thanks=("U1",),
        version=2,
        published_by="U1",
    )


def with_traps(test: Any) -> Any:
    for trap in TRAPS:
        test = example(trap)(test)
    return settings(max_examples=60, deadline=None)(given(nasty)(test))


@with_traps
def test_markdown_gives_every_text_back(text: str) -> None:
    read, words = read_markdown(render(filled(text), "md")), in_one_line(text)
    assert read[0] == words
    assert read.count(words) >= 8, "title, section, heading, answer, other view, account, milestone notes, limitation"
    cells = [read[place : place + 4] for place, cell in enumerate(read) if cell == "Decision"]
    assert [row[1] for row in cells] == [words]
    assert cells[0][2].startswith(f"{words}\n→ ")
    assert [line for line in read if line.startswith("ACT-")] == ["ACT-1", "ACT-2", "ACT-10"]


@given(
    names=st.lists(st.sampled_from([":tada:", ":warning:", ":hash:", ":keycap_1:", ":no_such_emoji:"]), min_size=1),
    rest=st.text(" ab1:-#=+>|.)`*_~<&\\"),
)
@settings(max_examples=200, deadline=None)
def test_markdown_gives_lines_back_that_begin_with_emoji(names: list[str], rest: str) -> None:
    text = "".join(names) + rest
    assert read_markdown(markup.inline(text)) == [in_one_line(text)]


@with_traps
def test_brief_has_no_markup_but_its_own(text: str) -> None:
    read = read_markdown(brief(filled(text)))
    assert read[0] == documents.shortened(text, 120)
    assert not any("<html_inline>" in line or "<code_inline>" in line for line in read)


@with_traps
def test_html_gives_every_text_back_and_nothing_acts(text: str) -> None:
    page, words = Reader(render(filled(text), "html")), rich_text.words(text)
    assert next(words for level, words in page.headings if level == 1) == words
    expected = (
        1 + 4 + 2 + 2 + 1 + 8 * 3 + 3 * 3 + 1
    )  # summary, notes, entries, answer, account, factors, actions, change
    assert page.texts.count(words) == expected
    assert page.tags.isdisjoint({"script", "iframe", "object", "embed", "form", "img", "link", "base", "foreignobject"})
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    assert {address.partition(":")[0] for address in page.addresses if not address.startswith("#")} <= {"http", "https"}


@with_traps
def test_json_gives_every_text_back(text: str) -> None:
    assert Report.model_validate_json(render(filled(text), "json")) == filled(text)


@with_traps
def test_csv_gives_every_text_back_and_starts_no_formula(text: str) -> None:
    written = render(filled(text), "csv")
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [markup.uncelled(row["text"]) for row in rows] == [text, text]
    assert [markup.uncelled(row[name]) for row, name in zip(rows, ("author", "app"), strict=True)] == [text, text]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r＝＋－＠"))]


TALK = (
    "see *the* `default` pool, ~no~ _yes_ :tada: :our_parrot: https://a.test/x_y.\n"
    "> it *hangs*\n```\nkubectl get\n\n  x\n```\nend"
)


def test_html_shows_marks_as_what_they_mean() -> None:
    assert markup.formatted(TALK) == (
        'see <strong>the</strong> <code>default</code> pool, <s>no</s> <em>yes</em> 🎉 :our_parrot: <a href="https://a.test/x_y"'
        ' rel="noopener noreferrer">https://a.test/x_y</a>.\n<span class="quote">it hangs\n</span>'
        '<code class="block">kubectl get\n\n  x\n</code>end'
    )


def test_markdown_shows_marks_as_its_own() -> None:
    assert markup.paragraph(TALK) == (
        "see **the** `default` pool, ~~no~~ _yes_ 🎉 :our_parrot: <https://a.test/x_y>.\n\n"
        "> it **hangs**\n\n```\nkubectl get\n \n  x\n```\n\nend"
    )
    assert markup.inline("`a | b`\n*x* #5 #") == "<code>a &#124; b</code><br>**x** #5 \\#"


def test_markdown_escapes_only_what_begins_a_line() -> None:
    assert markup.inline(":tada: shipped https://example.com/x") == "🎉 shipped <https://example.com/x>"
    assert markup.inline(":warning: a | b") == "⚠ a &#124; b"
    assert markup.inline(":fire: `a-b`") == "🔥 `a-b`"
    assert markup.inline("- a-b\n12. x\n: y") == "\\- a-b<br>12\\. x<br>\\: y"


@pytest.mark.parametrize(
    "typed",
    [
        "2 * 3 * 4",
        "snake_case_name",
        "**kwargs",
        "__init__",
        "10:30:11",
        ":no_such_emoji:",
        "~/a ~/b",
        "`",
        "a*b*c",
        "*\n*",
    ],
)
def test_marks_are_only_taken_where_they_are_meant(typed: str) -> None:
    assert rich_text.spans(typed) == [(Mark.PLAIN, typed)]


@pytest.mark.parametrize("piece", ["```", "``` a", "*a ", "`a ", ":a", "> a\n", "_a_", "http://", "``` \n"])
def test_marks_of_a_long_text_are_found_fast(piece: str) -> None:
    start = perf_counter()
    markup.formatted(piece * 4000)
    markup.inline(piece * 4000)
    assert perf_counter() - start < 1.5


@pytest.mark.parametrize("form", documents.FORMS)
def test_documents_are_the_same_bytes_each_time(form: documents.Form) -> None:
    assert render(prow(), form) == render(prow(), form)


def test_html_is_a_page_of_its_own() -> None:
    page = Reader(document := render(prow(), "html"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in document
    assert "@import" not in document
    assert "url(" not in document
    assert page.open == []
    assert [level for level, _ in page.headings][:2] == [1, 2]
    assert all(after - before <= 1 for (before, _), (after, _) in pairwise(page.headings))
    anchors = {f"#{part}" for part in document.split('id="')[1:] for part in [part.partition('"')[0]]}
    assert {address for address in page.addresses if address.startswith("#")} <= anchors


def test_html_links_back_to_messages_and_evidence() -> None:
    addresses = Reader(render(prow(), "html")).addresses
    assert "https://example.slack.com/archives/C0INC3/p154938520000010" in addresses
    assert "https://github.com/kubernetes/test-infra/pull/11137" in addresses


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.test/x", "https://a.test/x"),
        (" http://a.test ", "http://a.test"),
        ("HTTPS://a.test", "https://a.test"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("//a.test/x", None),
        ("https://", None),
        ("https://[bad", None),
        (None, None),
    ],
)
def test_documents_link_to_the_web_only(url: str | None, address: str | None) -> None:
    assert markup.web_address(url) == address


def test_documents_print_sections_in_the_guides_order_and_miss_nothing() -> None:
    headings = [words for level, words in Reader(render(prow(), "html")).headings if level == 2]
    assert headings == [
        "Impact", "Detection and response", "Timeline", "Accounts", "What we learned", "Contributing factors",
        "Actions", "Communication and review", "Thanks", "Appendix: everything that was said", "People",
        "About this document",
    ]  # fmt: skip
    bare = prow(sections=(Section(key="review", title="Review", kind="review", answers=prow().sections[-1].answers),))
    assert [section.title for section in documents.Page(bare).sections] == [
        "Milestones", "Timeline", "Accounts", "Contributing factors", "Actions", "Review",
    ]  # fmt: skip


def test_documents_of_a_drill_say_so() -> None:
    drill = prow(incident=prow().incident.model_copy(update={"kind": "drill"}))
    for text in (render(drill, "md"), render(drill, "html"), brief(drill)):
        assert "was an exercise" in text
    assert "table-header-group" in render(drill, "html"), "what browsers repeat on every printed page"
    for text in (render(prow(), "md"), render(prow(), "html"), brief(prow())):
        assert "was an exercise" not in text


def test_documents_name_their_zone_and_print_its_times() -> None:
    text = render(prow(), "md")
    assert "All times are in America/Los_Angeles (UTC−08:00)." in text
    assert "| Started | Tue 5 Feb 2019, 08:47 |" in text
    assert "Wed 6 Feb 2019, 01:47" in render(prow(zone="Asia/Tokyo"), "md")


def test_documents_across_a_change_of_clocks_tell_both_offsets() -> None:
    moments = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    night = prow(
        zone="Europe/Berlin",
        milestones=(),
        incident=prow().incident.model_copy(update={"declared_at": moments[0]}),
        timeline=[Entry(id=hour, at=moment, kind="note", text="x") for hour, moment in enumerate(moments)],
    )
    page = documents.Page(night)
    assert [page.clock(moment) for moment in moments] == ["02:30 UTC+02:00", "02:30 UTC+01:00"]
    assert page.zone_in_words == "Europe/Berlin (UTC+01:00 and UTC+02:00)"


def test_documents_of_a_deleted_message_keep_only_when_and_who() -> None:
    assert "| 09:06 | Message | stevekuznetsov | *deleted by its author* |" in render(prow(), "md")


def test_documents_of_almost_nothing_can_be_printed() -> None:
    empty = Report(incident=prow().incident, guide=term("Standard"))
    for form in documents.FORMS:
        assert render(empty, form)
    assert "Nothing was agreed on yet." in brief(empty)


def test_brief_is_one_page_without_names() -> None:
    text = brief(prow())
    assert len(text.split()) < 450
    assert "It began on Tue 5 Feb 2019 at 08:47.\nWe noticed after 10 minutes." in text
    assert not [person.name for person in prow().people if person.name in text]
    assert "webhooks" not in text, "a factor that was set aside"


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of "#rrggbb"."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_html_contrast_is_enough_to_read(theme: str) -> None:
    css = (Path(documents.__file__).parent.parent / "templates/documents/report.css").read_text("utf-8")
    themes = dict(zip(("light", "dark", "print"), re.findall(r":root \{(.*?)\}", css, re.DOTALL), strict=True))
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", themes[theme]))
    bands = ("started", "detected", "acknowledged", "mitigated", "resolved")
    texts = [(text, ground) for text in ("ink", "soft") for ground in ("paper", "card", "wash", *bands)]
    texts += [("accent", "paper"), ("accent", "wash"), ("warn", "warn-wash"), ("good", "good-wash"), ("good", "card")]
    assert [pair for pair in texts if contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []
    dots = [(name, ground) for name in colours if name.startswith("k-") for ground in ("paper", *bands)]
    assert [pair for pair in dots if contrast(colours[pair[0]], colours[pair[1]]) < 3] == []


@pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT)
def test_html_reads_well_in_a_browser_however_long_its_words_are(tmp_path: Path) -> None:
    """On a desk and on a phone nothing runs out of the page sideways, and axe-core finds nothing to object to."""
    words = f"{TALK}\n{'W' * 300} https://a.test/{'x' * 300} `{'y' * 300}`\nتوقفت الخدمة `kubectl` بعد النشر"
    page = tmp_path / "report.html"
    page.write_text(render(filled(words), "html"), encoding="utf-8")
    with browser.chromium(tmp_path / "profile") as driver:
        for width in (1280, 390):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            visitor = browser.Visitor(driver, page.as_uri())
            driver.get(page.as_uri())
            assert driver.execute_script("return document.documentElement.scrollWidth") == width
            assert visitor.violations() == []


# -- pictures

SOME_TIMES = st.lists(
    st.integers(0, 10_000_000).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(SOME_TIMES)
def test_timeline_scale_keeps_the_order_and_the_frame(times: list[datetime]) -> None:
    across = scale(times, 0, 1000)
    places = [across.x(moment) for moment in sorted(set(times))]
    assert places == sorted(places)
    assert all(-1e-6 <= place <= 1000 + 1e-6 for place in places)
    assert len(places) == 1 or (places[0], round(places[-1], 6)) == (0, 1000)


def test_timeline_scale_cuts_long_silences_out() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = [0, 5, 12, 20, 26, 2000, 2004, 2013, 2020]
    across = scale([start + timedelta(minutes=one) for one in minutes], 0, 1000)
    assert across.breaks == ((start + timedelta(minutes=26), start + timedelta(minutes=2000)),)
    assert across.x(start + timedelta(minutes=26)) > 400


def taken(dot: Dot) -> tuple[float, float]:
    """From where to where a dot and its label reach."""
    width = text_width(dot.label, 12)
    left = dot.label_x if dot.anchor == "start" else dot.label_x - width
    return min(left, dot.x - 5), max(left + width, dot.x + 5)


@settings(max_examples=40, deadline=None)
@given(SOME_TIMES, st.data())
def test_timeline_labels_do_not_overlap(times: list[datetime], data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(LANES), min_size=len(times), max_size=len(times)))
    lines = [
        Entry(id=number, at=moment, kind=kind, text="Restarted the workers in eu-west " * (number % 3))
        for number, (moment, kind) in enumerate(zip(times, kinds, strict=True))
    ]
    milestones = dict(zip(("started", "detected", "mitigated"), sorted(times), strict=False))
    picture = timeline(
        prow(
            timeline=lines,
            milestones=[Milestone(kind=kind, at=moment) for kind, moment in milestones.items()],
            durations=between(milestones),
        ),
        ZoneInfo("Asia/Kolkata"),
        LANES,
    )
    assert picture is not None
    for lane in picture.lanes:
        for one, other in combinations([dot for dot in lane.dots if dot.label], 2):
            assert one.y != other.y or taken(one)[1] <= taken(other)[0] or taken(other)[1] <= taken(one)[0]
        assert all(lane.y < dot.y < lane.y + lane.height for dot in lane.dots)
        assert all(GUTTER < dot.x < RIGHT for dot in lane.dots)
    assert all(before.y + before.height == after.y for before, after in pairwise(picture.lanes))
    assert all(after.x - before.x >= 74 for before, after in pairwise(picture.ticks))
    assert next(tick.day for tick in picture.ticks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 29)), max_size=30))
def test_causes_show_every_factor_once_and_no_boxes_overlap(behind: list[int | None]) -> None:
    many = [
        Factor(
            id=number,
            statement="Something was so. " * (1 + number % 8),
            domain=term("Technical"),
            level=term("Systemic"),
            role=term("Condition"),
            confidence=term("Hypothesis"),
            because_of=cause,
        )
        for number, cause in enumerate(behind)
    ]
    pictures = causes(prow(factors=many))
    assert sorted(box.factor.id for picture in pictures for box in picture.boxes) == list(range(len(many)))
    for picture in pictures:
        for one, other in combinations(picture.boxes, 2):
            assert (
                one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
        assert all(0 <= box.y <= picture.height - box.height + 1e-6 and box.x >= 0 for box in picture.boxes)


def test_causes_lead_from_the_deepest_to_the_incident() -> None:
    (picture,) = causes(prow())
    assert {box.factor.id: box.layer for box in picture.boxes} == {1: 1, 2: 2, 3: 3, 4: 1, 5: 1, 6: 2, 7: 1, 8: 1}
    assert len(picture.edges) == 8


def test_causes_in_a_circle_are_drawn_with_the_circle_cut_open() -> None:
    ring = [factor.model_copy(update={"because_of": factor.id % 3 + 1}) for factor in factors()[:3]]
    (picture,) = causes(prow(factors=ring))
    assert sorted(box.layer for box in picture.boxes) == [1, 2, 3]


# -- only what was done, and each thing once


def thanks_in(report: Report) -> list[str]:
    return re.findall(r"Thank you to [^.]*\.", render(report, "md"))


def test_documents_thank_only_for_what_was_done() -> None:
    told = Answer(prompt="hard", heading="Hard", text="The noise.")
    nobody_told = prow(accounts=(), thanks=("U1", "U2"))
    assert thanks_in(nobody_told) == ["Thank you to Katharine and stevekuznetsov for working on this."]
    assert "telling how it was" not in render(nobody_told, "html")
    unnamed = prow(accounts=(Account(answers=(told,)),), thanks=("U1",))
    assert thanks_in(unnamed) == ["Thank you to Katharine for working on this."]
    named = prow(accounts=(Account(person="U3", answers=(told,)),), thanks=("U1",))
    assert thanks_in(named) == [
        "Thank you to Katharine for working on this.",
        "Thank you to Cole Wagner for telling how it was.",
    ]
    assert thanks_in(prow(accounts=(), thanks=())) == []


@pytest.mark.parametrize("form", ["md", "html"])
def test_documents_that_were_never_published_have_no_version(form: documents.Form) -> None:
    never = render(prow(version=1, published_at=None, published_by=None, changes=()), form)
    assert "\nNot published.\n" in never
    assert not re.search(r"(?i)version \d", never)
    assert "Version 3, not published." in render(prow(version=3, published_at=None, published_by=None), form)


def test_documents_name_missing_milestones_once() -> None:
    missing = "It is not known when it was detected, acknowledged or mitigated."
    ends = {kind: at(f"2019-02-05T{hour}:00:00-08:00") for kind, hour in (("started", "08"), ("resolved", "09"))}
    milestones = [Milestone(kind=kind, at=moment) for kind, moment in ends.items()]
    text = render(prow(milestones=milestones, durations=between(ends), limitations=(missing,)), "md")
    assert [line for line in text.splitlines() if "| Time to" in line] == [
        "| Time to detect | not known |",
        "| Time to acknowledge | not known |",
        "| Time to mitigate | not known |",
        "| Time to resolve | 1 h (from started to resolved) |",
    ]
    assert text.count("It is not known") == 1


def test_documents_say_why_a_duration_that_ends_before_it_starts_is_not_known() -> None:
    ends = {kind: at(f"2019-02-05T{hour}:00:00-08:00") for kind, hour in (("started", "09"), ("detected", "08"))}
    milestones = [Milestone(kind=kind, at=moment) for kind, moment in ends.items()]
    text = render(prow(milestones=milestones, durations=between(ends)), "md")
    assert "| Time to detect | not known (It was detected before it was started.) |" in text


@pytest.mark.parametrize("form", ["md", "html"])
def test_documents_leave_out_a_heading_that_only_repeats_the_facts(form: documents.Form) -> None:
    severity = Answer(prompt="severity", heading="Scope", text="SEV2", chosen=("SEV2",))
    services = Answer(prompt="services", heading="Scope", text="Prow and Tide")
    before = prow(sections=(Section(key="scope", title="Impact", answers=(severity,)),))
    assert "Scope" not in render(before, form)
    changed = severity.model_copy(update={"text": "SEV1", "chosen": ("SEV1",)})
    for answers in ((changed,), (severity, services)):
        assert "Scope" in render(prow(sections=(Section(key="scope", title="Impact", answers=answers),)), form)


PULL = "https://github.com/acme/shop/pull/7"


@pytest.mark.parametrize(
    ("text", "link", "markdown", "html"),
    [
        (
            f"see {PULL}, then",
            Link(url=PULL, kind="pull_request"),
            f"see <{PULL}> (pull request), then |",
            '</a> <span class="small">(pull request)</span>, then</span>',
        ),
        (f"the fix ({PULL})", Link(url=PULL, label="the fix"), f"the fix (<{PULL}>) |", "</a>)</span>"),
        (
            f"see {PULL}",
            Link(url=PULL, label="the fix", kind="pull_request"),
            f"see <{PULL}><br>→ [the fix](<{PULL}>) (pull request) |",
            'the fix</a> <span class="small">pull request</span></span>',
        ),
        ("a file", Link(url=PULL, label="x.png", kind="file"), f"a file<br>→ [x.png](<{PULL}>) (file) |", "x.png</a>"),
        (f"`{PULL}`", Link(url=PULL), f"`{PULL}`<br>→ [{PULL}](<{PULL}>) (link) |", "</code>"),
    ],
)
def test_documents_print_a_link_once_unless_more_is_told(text: str, link: Link, markdown: str, html: str) -> None:
    line = Entry(id=1, at=at("2019-02-05T08:47:00-08:00"), kind="note", text=text, evidence=(link,))
    report = prow(timeline=(line,), milestones=(), factors=(), sections=(), accounts=(), actions=())
    assert f"| {markdown}\n" in render(report, "md")
    assert html in (page := render(report, "html"))
    assert ('class="evidence">→' in page) == ("→" in markdown)
