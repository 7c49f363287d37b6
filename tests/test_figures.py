"""The figures: right by hand, with n and spread, and without what is not to be counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import durations, figures
from bot.app import Seamark
from bot.figures import Share, Spread
from sandbox import Channel, Sandbox
from storage.models import ActionItem, Factor, Incident
from tests.conftest import Team
from tests.retro_story import begin, incident


@pytest.mark.parametrize(("typed", "days"), [("", 90), ("30d", 30), ("26w", 182), ("7", 7), ("2 weeks", 14)])
def test_span_is_read(typed: str, days: int) -> None:
    assert figures.days_of(typed) == days


@pytest.mark.parametrize("typed", ["0d", "soon", "90m", "99999d", "-3d"])
def test_no_span_is_refused(typed: str) -> None:
    with pytest.raises(figures.NoSuchSpan):
        figures.days_of(typed)


def test_spread_by_hand() -> None:
    assert figures.spread([]) == Spread()
    assert figures.spread([60]) == Spread(1, 60)
    assert figures.spread([10, 20, 30, 40, 100]) == Spread(5, 30, 20, 40)


@given(st.lists(st.integers(0, 10**7), min_size=2))
def test_spread_lies_within(values: list[int]) -> None:
    of = figures.spread(values)

    assert of.lower is not None
    assert of.median is not None
    assert of.upper is not None
    assert min(values) <= of.lower <= of.median <= of.upper <= max(values)
    assert of == figures.spread(sorted(values))


def counted(seamark: Seamark, slack: Sandbox, user: str, days: int = 90) -> figures.Figures:
    with seamark.db.reading() as session:
        return figures.count(
            session,
            team_id=slack.team_id,
            user_id=user,
            days=days,
            taxonomy=seamark.books.taxonomy,
            now=slack.clock.now(),
        )


def publish(team: Team, room: Channel) -> None:
    begin(team.carol, room)
    answer = team.carol.types("/retro publish", room)
    team.carol.clicks("Publish all the same", within=answer.message)


def test_metrics_are_told_with_n_and_spread(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    first = incident(slack, team)
    publish(team, first)
    second = incident(slack, team, title="Search is slow")
    team.alice.types("/incident detected 09:40", second)
    slack.clock.advance(seconds=timedelta(days=2).total_seconds())
    publish(team, second)

    told = team.alice.types("/retro metrics", team.ops).text

    assert "The last 90 days: 2 incidents (SEV2 2)" in told.replace("*", "")
    assert "Time to resolve: median 25 min, half of them 25 min to 25 min (n = 2)" in told
    assert "Time to detect: 10 min (n = 1)" in told
    assert "Time to acknowledge: unknown (n = 0)" in told
    assert "Retrospectives published: 2 of 2 (100 %)" in told
    assert "Participants who gave their account: 0 of" in told
    assert "Actions done: none yet (n = 0)" in told
    assert "Incidents that shared a service or a kind of factor with an earlier one: 1 of 2 (50 %)" in told
    assert "Seen again: service checkout (2), service payments (2)" in told
    assert "Drills are left out" in told
    assert "How long it took" in told
    assert "Incidents by severity" in told
    of = counted(seamark, slack, team.alice.id).times["publish"]
    assert of.n == 2
    assert of.upper is not None
    assert timedelta(days=1) < timedelta(seconds=of.upper) < timedelta(days=2)


def test_metrics_without_anything(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    told = team.alice.types("/retro metrics 30d", team.ops).text

    assert "The last 30 days: 0 incidents" in told.replace("*", "")
    assert "Say how far back" in team.alice.types("/retro metrics soon", team.ops).text


def test_drills_and_others_private_incidents_stay_out(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident drill failover", team.ops)
    team.alice.form.submit()
    incident(slack, team, title="Payroll", private=True)
    dave = slack.person("dave")

    mine, theirs = counted(seamark, slack, team.alice.id), counted(seamark, slack, dave.id)

    assert (mine.incidents, mine.drills) == (1, 1)
    assert (theirs.incidents, theirs.drills, theirs.again) == (0, 1, [])


def test_old_incidents_are_not_counted(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident(slack, team)
    slack.clock.advance(seconds=timedelta(days=31).total_seconds())

    assert counted(seamark, slack, team.alice.id, 30).incidents == 0
    assert counted(seamark, slack, team.alice.id, 32).incidents == 1


def test_rates_of_actions_and_of_factors_seen_again(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    for title in ("First", "Second"):
        room = incident(slack, team, title=title)
        publish(team, room)
    states = ["open", "done", "verified", "verified", "wont_do"]
    with seamark.db.transaction() as session:
        now = slack.clock.now()
        one = session.get(Incident, 1)
        assert one is not None
        one.services = []
        session.add(one)
        for number, state in enumerate(states, start=1):
            session.add(
                ActionItem(
                    team_id=slack.team_id,
                    number=number,
                    source_key=str(number),
                    incident_id=1,
                    what="x",
                    owner_id=team.bob.id,
                    due_on=now.date(),
                    status=state,
                    created_by=team.bob.id,
                    created_at=now,
                    effect="yes" if number == 3 else "no" if number == 4 else None,
                )
            )
        for retro_id, (category, confidence) in ((1, ("test_gap", "supported")), (2, ("test_gap", "hypothesis"))):
            session.add(
                Factor(
                    team_id=slack.team_id,
                    retrospective_id=retro_id,
                    source_key=f"f{retro_id}",
                    statement="x",
                    category=category,
                    confidence=confidence,
                    created_by=team.bob.id,
                    created_at=now,
                )
            )

    now_counted = counted(seamark, slack, team.alice.id)

    assert (now_counted.done, now_counted.verified, now_counted.declined) == (Share(3, 4), Share(2, 4), 1)
    assert now_counted.helped == Share(1, 2)
    assert now_counted.again == [("condition Test gap", 2)]
    assert now_counted.repeats == Share(1, 2)


def test_spans_are_those_of_the_durations() -> None:
    assert list(durations.SPANS) == ["detect", "acknowledge", "mitigate", "resolve"]
