"""Answers: nothing typed is lost, however long it is and whoever else was writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import answers
from bot.guides import Prompt
from handlers.views import kit
from handlers.views.steps import Field, inputs, page
from sandbox import blockkit

TEXT = st.text(max_size=12_000)
LINES = st.lists(st.text(alphabet="abc é😀", max_size=6), max_size=12).map("\n".join)
PROMPT = Prompt(key="summary", label="What happened?")


@given(TEXT)
def test_parts_joined_are_the_text_and_each_fits(text: str) -> None:
    found = answers.parts(text)

    assert "".join(found) == text
    assert [part for part in found if len(part.encode("utf-16-le", "surrogatepass")) // 2 > answers.PART] == []


@pytest.mark.parametrize("piece", ["x", "😀", "word ", "line\n", "عربي ", "👩‍👩‍👧‍👦", "&<>"])
def test_ten_thousand_characters_fit_into_a_dialog(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    blocks = inputs(Field(PROMPT, 1, text))
    view = kit.modal("T", "c", blocks, submit="Save").to_dict()

    assert blockkit.check_view(view) == []
    assert "".join(block.to_dict()["element"].get("initial_value", "") for block in blocks) == text


def test_parts_break_where_a_reader_would() -> None:
    text = "word " * 1000

    assert {part[-1:] for part in answers.parts(text)} == {" "}


def test_a_long_last_part_leaves_room_to_go_on() -> None:
    assert answers.parts("x" * 2500)[-1] == ""
    assert answers.parts("x" * 100) == ["x" * 100]


@given(LINES, LINES)
def test_merged_holds_every_line_of_both(theirs: str, mine: str) -> None:
    both = answers.merged(PROMPT, theirs, mine).split("\n")

    assert [line for line in [*theirs.split("\n"), *mine.split("\n")] if line not in both] == []


@given(LINES)
def test_merged_with_itself_is_itself(text: str) -> None:
    assert answers.merged(PROMPT, text, text) == text


def test_merged_lists_hold_what_either_chose() -> None:
    prompt = Prompt(key="told", label="Who is told?", type="choices", options=("a", "b", "c"))

    assert answers.merged(prompt, "a\nb", "b\nc") == "a\nb\nc"


def test_pages_hold_every_question_once() -> None:
    fields = [Field(Prompt(key=f"q{number}", label="Q"), 0, "😀" * 4000) for number in range(40)]
    seen, start = [], ""
    while True:
        found, following = page(fields, start=start, taken=12)
        seen += [field.prompt.key for field in found]
        if following is None:
            break
        start = following.prompt.key

    assert seen == [field.prompt.key for field in fields]


def test_an_answer_of_a_books_length_is_told_and_not_cut() -> None:
    blocks = inputs(Field(PROMPT, 1, "x" * 300_000))

    assert len(blocks) == 1
    assert "300,000 characters" in str(blocks[0].to_dict())


def test_in_words_are_labels_and_names() -> None:
    choice = Prompt(key="told", label="Who is told?", type="choices", options=("a", "b"))
    people = Prompt(key="readers", label="Who has read it?", type="people")

    assert answers.in_words(choice, "a\nb\nz", {}) == "a, b, z"
    assert answers.in_words(people, "U1\nU2", {"U1": "Ann"}) == "Ann, somebody"
