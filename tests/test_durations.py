"""Durations between milestones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.durations import Duration, between, in_sentence, in_words

START = datetime(2026, 11, 20, 22, 50, tzinfo=UTC)


def test_durations_count_whole_days() -> None:
    spans = between(
        {
            "started": START,
            "detected": START + timedelta(minutes=4),
            "acknowledged": START + timedelta(minutes=9),
            "mitigated": START + timedelta(days=1, hours=3),
            "resolved": START + timedelta(days=3, minutes=20),
        }
    )
    assert (spans.detect, spans.acknowledge, spans.mitigate, spans.resolve) == (
        Duration(seconds=240),
        Duration(seconds=300),
        Duration(seconds=97200),
        Duration(seconds=260400),
    )
    assert spans.mitigate.words == "1 d 3 h"


def test_durations_say_why_there_is_none() -> None:
    spans = between({"detected": START, "acknowledged": START - timedelta(minutes=1)})
    assert spans.detect == Duration(because="It is not known when it was started.")
    assert spans.acknowledge == Duration(because="It was acknowledged before it was detected.")
    assert spans.resolve == Duration(because="It is not known when it was started and resolved.")
    assert spans.resolve.words == "unknown"


def test_durations_across_a_change_of_clocks_are_those_of_a_stopwatch() -> None:
    before = datetime.fromisoformat("2026-10-25T01:30:00+02:00")
    after = datetime.fromisoformat("2026-10-25T03:30:00+01:00")
    assert between({"started": before, "detected": after}).detect == Duration(seconds=3 * 3600)


@pytest.mark.parametrize(
    ("seconds", "words", "sentence"),
    [
        (0, "0 s", "0 seconds"),
        (59, "59 s", "59 seconds"),
        (60, "1 min", "1 minute"),
        (2820, "47 min", "47 minutes"),
        (3600, "1 h", "1 hour"),
        (3900, "1 h 5 min", "1 hour and 5 minutes"),
        (86400, "1 d", "1 day"),
        (86460, "1 d", "1 day"),
        (183600, "2 d 3 h", "2 days and 3 hours"),
    ],
)
def test_durations_in_words(seconds: int, words: str, sentence: str) -> None:
    assert (in_words(seconds), in_sentence(seconds)) == (words, sentence)


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_durations_are_never_negative(one: int, other: int) -> None:
    span = between({"started": START + timedelta(seconds=one), "resolved": START + timedelta(seconds=other)})
    assert span.resolve.seconds == (other - one if other >= one else None)
