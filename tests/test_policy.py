"""The policy: deadlines, questions, checklist, risk."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import guides, policy
from bot.policy import FaultyPolicy, add_working_days

FRIDAY = date(2026, 11, 20)
SHIPPED = Path(policy.__file__).parent.parent / "templates/guides/policy.yml"


@pytest.mark.parametrize(
    ("kind", "severity", "due"),
    [
        ("incident", "SEV1", date(2026, 11, 23)),
        ("incident", "SEV2", date(2026, 11, 27)),
        ("incident", "SEV4", date(2026, 12, 4)),
        ("near_miss", "SEV1", date(2026, 12, 4)),
        ("drill", "SEV1", date(2026, 11, 27)),
    ],
)
def test_policy_retrospective_is_due_by_kind_and_severity(kind: str, severity: str, due: date) -> None:
    assert policy.load().retrospective_due(kind, severity, FRIDAY) == due


@pytest.mark.parametrize(
    ("kind", "severity", "wanted"),
    [
        ("incident", "SEV1", "required"),
        ("incident", "SEV3", "suggested"),
        ("incident", "SEV4", "optional"),
        ("near_miss", "SEV1", "suggested"),
        ("drill", "SEV4", "suggested"),
    ],
)
def test_policy_retrospective_is_wanted_by_kind_and_severity(kind: str, severity: str, wanted: str) -> None:
    assert policy.load().wants_retrospective(kind, severity) == wanted


def test_policy_actions_and_updates_follow_the_severity() -> None:
    shipped = policy.load()
    assert [
        (severity.key, (shipped.actions_due(severity.key, FRIDAY) - FRIDAY).days, severity.update_minutes)
        for severity in shipped.severities
    ] == [("SEV1", 15, 30), ("SEV2", 30, 60), ("SEV3", 30, 120), ("SEV4", 60, None)]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
def test_policy_working_days_are_counted_without_weekends(day: date, number: int) -> None:
    end = add_working_days(day, number)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert end.weekday() < 5
    assert sum(one.weekday() < 5 for one in between) == max(number, 1 if day.weekday() >= 5 else 0)


def test_policy_questions_are_offered_by_kind_of_entry() -> None:
    shipped = policy.load()
    assert shipped.follow_ups_for("escalation")[0] == "What made you ask just then?"
    assert shipped.follow_ups_for("note") == ()
    assert [marker.key for marker in shipped.markers] == ["detection", "diagnosis", "repair", "key_moment"]


def test_policy_risk_is_the_product_of_two_answers_of_the_guides() -> None:
    risk = policy.load().risk
    factors = guides.load()["standard"].step("factors")
    assert factors is not None
    answers = {prompt.key: [option.key for option in prompt.options] for prompt in factors.prompts}
    assert answers["likelihood"] == list(risk.likelihood)
    assert answers["consequence"] == list(risk.consequence)
    scores = [risk.score("rare", "minor"), risk.score("likely", "moderate"), risk.score("certain", "severe")]
    assert scores == [1, 6, 16]
    assert [risk.band(score).label for score in scores if score] == ["Low", "High", "Very high"]
    assert risk.score("certain", None) is None


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("{days: 3}", "{days: 3, working_days: 2}", "needs either"),
        ("{days: 3}", "{days: 0}", "greater than 0"),
        ("key: SEV2", "key: SEV1", "severities: two have the same key"),
        ("at_least: 1}", "at_least: 2}", "must go from high to low"),
        ("key: SEV4", "key: SEV5", "pattern"),
    ],
)
def test_policy_fault_is_a_refusal(tmp_path: Path, before: str, after: str, reason: str) -> None:
    (tmp_path / "policy.yml").write_text(SHIPPED.read_text("utf-8").replace(before, after), "utf-8")
    with pytest.raises(FaultyPolicy, match=reason):
        policy.load(tmp_path)


def test_policy_file_of_a_team_comes_first(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(SHIPPED.read_text("utf-8").replace("{days: 3}", "{days: 1}"), "utf-8")
    assert policy.load(tmp_path).retrospective_due("incident", "SEV1", FRIDAY) == date(2026, 11, 21)
