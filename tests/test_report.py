"""The published report: its JSON, its order, what changed, and the form without names."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import documents, report
from bot.anonymity import anonymised
from bot.comparison import difference
from bot.report import Account, Answer, Change, Entry, Person, Report
from tests.example_report import PEOPLE, at, entries, prow, term

SCHEMA = Path(report.__file__).parent.parent / "templates/documents/report.schema.json"


def test_report_schema_in_the_repository_is_current() -> None:
    assert SCHEMA.read_text("utf-8") == report.schema_text()


def test_report_json_follows_the_schema_and_reads_back() -> None:
    written = documents.render(prow(), "json")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(json.loads(written))
    assert Report.model_validate_json(written) == prow()


def test_report_times_are_kept_in_utc_whatever_they_came_in() -> None:
    entry = Entry(id=1, at="2019-02-05T08:47:00-08:00", kind="note", text="x")
    assert json.loads(entry.model_dump_json())["at"] == "2019-02-05T16:47:00Z"


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("zone", "Mars/Olympus", "is no IANA time zone"),
        ("zone", "../etc", "is no IANA time zone"),
        ("version", 0, "greater than or equal to 1"),
        ("surprise", 1, "Extra inputs"),
    ],
)
def test_report_refuses_what_no_document_could_print(part: str, value: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        prow(**{part: value})


def test_report_drops_control_characters_and_foreign_line_ends() -> None:
    entry = Entry(id=1, at=at("2019-02-05T08:47:00-08:00"), kind="note", text="a\0b\x1b[31m\r\nc\rd\x85\te")
    assert entry.text == "ab[31m\nc\nd\te"


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_report_is_the_same_bytes_whatever_order_its_parts_come_in(random: Any) -> None:
    parts: dict[str, list[Any]] = {
        name: list(getattr(prow(), name)) for name in ("people", "milestones", "timeline", "factors", "actions")
    }
    for part in parts.values():
        random.shuffle(part)
    shuffled = prow(**parts)
    for form in documents.FORMS:
        assert documents.render(shuffled, form) == documents.render(prow(), form)


def test_report_orders_by_time_then_id_and_actions_by_number() -> None:
    moment = at("2019-02-05T08:47:00-08:00")
    same = [Entry(id=number, at=moment, kind="note", text="x") for number in (3, 10, 1)]
    early = Entry(id=99, at=moment - timedelta(seconds=1), kind="note", text="x")
    assert [entry.id for entry in prow(timeline=[*same, early]).timeline] == [99, 1, 3, 10]
    assert [action.key for action in prow().actions] == ["ACT-1", "ACT-2", "ACT-10"]


# -- what changed


def test_difference_of_the_same_is_nothing() -> None:
    assert difference(prow(), prow()) == []


def test_difference_is_told_in_words() -> None:
    old = prow()
    first, *rest = old.timeline
    new = prow(
        incident=old.incident.model_copy(update={"severity": "SEV1"}),
        timeline=[first.model_copy(update={"is_key": False}), *rest[:-1]],
        factors=old.factors[:-1],
        actions=[old.actions[0].model_copy(update={"owner": "U3", "status": "done"}), *old.actions[1:]],
        accounts=[*old.accounts, Account(answers=(Answer(prompt="hard", heading="Hard", text="Noise."),))],
    )
    assert difference(old, new) == [
        Change(part="Incident", how="changed", words="Severity: SEV2 → SEV1"),
        Change(
            part="Timeline",
            how="changed",
            words="Prow's auto-generated bump PR is merged, triggering a deploy. Outage begins. · key moment: yes → no",
        ),
        Change(
            part="Timeline",
            how="removed",
            words="@Katharine determines why an older branchprotector reverted the required branch protection changes.",
        ),
        Change(part="Account", how="added", words="An account was added"),
        Change(part="Factor", how="removed", words="GitHub was slow to deliver webhooks that morning."),
        Change(
            part="Action",
            how="changed",
            words="ACT-1 Before retrying, ensure the updated branchprotector run is not reverted: [#11134]"
            " · owner: Katharine → Cole Wagner; status: verified → done",
        ),
    ]


def test_difference_of_a_reworded_answer_shows_both() -> None:
    old = prow()
    learning = old.sections[4]
    answers = (learning.answers[0].model_copy(update={"text": "The rerun."}), *learning.answers[1:])
    new = prow(
        sections=[learning.model_copy(update={"answers": answers}) if s is learning else s for s in old.sections]
    )
    assert [change.words for change in difference(old, new)] == [
        (
            "What helped · text: Most of prow continued to function while job execution was unavailable Stuck"
            " jobs were automatically rerun after the revert successfully deployed. → The rerun."
        )
    ]


# -- without names


def test_anonymised_report_names_nobody_in_any_form() -> None:
    bare = anonymised(prow())
    told = "".join(documents.render(bare, form) for form in documents.FORMS) + documents.brief(bare)
    for gone in (
        "Katharine",
        "stevekuznetsov",
        "Cole",
        "Wagner",
        "Ines",
        "Moreau",
        "slack.com",
        "github.com",
        "inc-3-",
    ):
        assert re.findall(rf"(?i)(?<![a-z]){re.escape(gone)}", told) == []
    assert "Names, channels and links were left out." in told


def test_anonymised_report_lets_the_story_be_followed() -> None:
    texts = {entry.id: entry.text for entry in anonymised(prow()).timeline}
    assert texts[3] == "Participant A creates a PR to roll back the change pending investigation"
    assert texts[10] == "Participant B finds and fixes the typo causing prow to use the wrong namespace"


def test_anonymised_report_keeps_everything_else() -> None:
    bare, full = anonymised(prow()), prow()
    assert (bare.milestones[0].at, bare.durations, bare.risk, len(bare.factors)) == (
        full.milestones[0].at,
        full.durations,
        full.risk,
        len(full.factors),
    )
    assert [account.person for account in bare.accounts] == [None, None]
    assert anonymised(bare) == bare


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Katharine's deploy, says KATHARINE", "Participant A's deploy, says Participant A"),
        ("wagner and @Cole Wagner", "Participant A and Participant A"),
        ("mail cole@example.com or see https://x.test/a?b=c now", "mail [address] or see [link] now"),
        ("#inc-3-prow-outage and issue #42", "[channel] and issue #42"),
        ("colette and wagnerian stay", "colette and wagnerian stay"),
        ("Will said it will; mark it", "Participant A said it will; mark it"),
    ],
)
def test_anonymised_text(text: str, told: str) -> None:
    people = (*PEOPLE, Person(key="U5", name="Will Mark"))
    entry = entries()[0].model_copy(update={"text": text})
    empty = prow(people=people, timeline=(entry,), sections=(), accounts=(), factors=(), actions=())
    assert anonymised(empty).timeline[0].text == told


def test_anonymised_name_that_two_share_points_at_neither() -> None:
    people = (Person(key="U1", name="Ada Lovelace"), Person(key="U2", name="Ada Byron"))
    entry = entries()[0].model_copy(update={"text": "Ada called Byron"})
    empty = prow(people=people, timeline=(entry,), sections=(), accounts=(), factors=(), actions=())
    assert anonymised(empty).timeline[0].text == "a participant called Participant A"


def test_report_quick_terms_have_keys() -> None:
    assert term("What went our way").key == "what_went_our_way"
