"""Bylines: codes in answers, names where they are read, nobody when a name was left out."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot import blameless, redaction
from bot.bylines import Bylines, code, view_line
from storage.models import Account

handles = st.text(min_size=1)


def account(handle: str, user_id: str | None = "U1") -> Account:
    words = {"hard": " The cache was cold.\n"}
    return Account(
        handle=handle, team_id="T1", retrospective_id=1, user_id=user_id, answers=words, saved_on=date(2026, 11, 16)
    )


@given(handles)
def test_byline_becomes_the_name_where_it_is_read_and_nobody_when_the_account_is_gone(handle: str) -> None:
    line = view_line(account(handle), "hard")
    there, gone = Bylines({code(account(handle)): "bob"}), Bylines()

    assert there.settled(line) == line
    assert there.named(line) == "The cache was cold. (bob)"
    assert gone.named(line) == gone.settled(line) == "The cache was cold. (a participant)"
    assert view_line(account(handle, None), "hard") == "The cache was cold. (a participant)"


def test_byline_looks_like_no_secret_and_is_no_blame() -> None:
    lines = "\n".join(view_line(account(str(number)), "hard") for number in range(200))

    assert redaction.mask(lines).text == lines
    assert list(blameless.review(lines, people=["bob"])) == []


@given(st.text())
def test_other_text_stays_as_it_is(text: str) -> None:
    bylines = Bylines({"KZVQTM": "bob"})

    assert (bylines.named(text), bylines.settled(text), bylines.key(text)) == (text, text, "")


def test_byline_survives_what_people_do_around_it() -> None:
    text = "Participant KZVQTM, and participant BDGHJK: cold. PARTICIPANT KZVQTM? participants KZVQTM"

    assert (
        Bylines({"KZVQTM": "bob"}).named(text)
        == "bob, and a participant: cold. PARTICIPANT KZVQTM? participants KZVQTM"
    )


def test_key_says_who_is_who_once_and_only_of_those_with_a_name() -> None:
    text = "a (participant KZVQTM)\nb (participant BDGHJK)\nc (participant KZVQTM)\nd (participant ZZZZZZ)"

    assert Bylines({"KZVQTM": "bob", "BDGHJK": "alice", "LLLLLL": "carol"}).key(text) == (
        "In documents, participant KZVQTM is bob, participant BDGHJK is alice."
    )
