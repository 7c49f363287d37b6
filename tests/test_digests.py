"""The digests: posted once, in the team's hours, to the right channel, and not at all when switched off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from bot import action_items
from bot import app as composition
from bot.app import Seamark
from bot.digests import month_after, month_before
from handlers.nudges import NOTHING_LEFT
from sandbox import Channel, Sandbox
from sandbox.screen import Shown
from tests.conftest import Team, settings_for
from tests.follow_through import agree, closed_incident, know


@contextmanager
def bot(slack: Sandbox, db_url: str, **settings: object) -> Iterator[Seamark]:
    running = composition.create(settings_for(slack, db_url, **settings), clock=slack.clock.now)
    running.connect()
    slack.wait_for_app()
    yield running
    running.stop()


def ticks(running: Seamark, slack: Sandbox, *moments: datetime) -> None:
    for moment in moments:
        slack.clock.set(moment)
        running.tick()
        running.courier.drain()


def starting(team: Team, room: Channel, words: str) -> list[Shown]:
    return [shown for shown in team.alice.sees(room) if shown.text.lstrip("*").startswith(words)]


MONDAY_NIGHT = datetime(2026, 11, 16, 3, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_weekly_list_is_posted_once_a_week_where_it_belongs(slack: Sandbox, team: Team, db_url: str) -> None:
    other = slack.channel("search", members=[team.alice])
    with bot(slack, db_url) as running:
        slack.clock.set(MONDAY_NIGHT)
        with running.db.transaction() as session:
            know(session, slack, team.alice, team.bob)
        first = closed_incident(running, slack, team.ops, team.alice)
        second = closed_incident(running, slack, other, team.alice, title="Search is slow")
        agree(running, slack, first, team.bob, due_in=-2, what="Write the <!channel> runbook")
        agree(running, slack, first, team.bob, due_in=5, what="Not yet due")
        agree(running, slack, second, team.bob, due_in=-5, what="Cache less")

        ticks(running, slack, MONDAY_NIGHT, MONDAY, MONDAY + timedelta(hours=1), SUNDAY)

        (here,) = starting(team, team.ops, "Overdue this week: 1 action")
        assert "Write the <!channel> runbook (INC-1), bob, 2 days over" in here.text
        assert "Not yet due" not in here.text
        (there,) = starting(team, other, "Overdue this week")
        assert "Cache less" in there.text
        assert "runbook" not in there.text

        ticks(running, slack, MONDAY + timedelta(days=7))
        assert len(starting(team, team.ops, "Overdue this week")) == 2


def test_weekly_list_goes_to_the_configured_channel_but_private_ones_stay(
    slack: Sandbox, team: Team, db_url: str
) -> None:
    reviews = slack.channel("follow-up", members=[team.alice])
    war_room = slack.channel("war-room", members=[team.alice], private=True)
    with bot(slack, db_url, follow_up_channel=reviews.id) as running:
        slack.clock.set(MONDAY_NIGHT)
        secret = closed_incident(running, slack, war_room, team.alice, title="Keys leaked", private=True)
        plain = closed_incident(running, slack, team.ops, team.alice)
        agree(running, slack, secret, team.alice, due_in=-2, what="Rotate the keys")
        agree(running, slack, plain, team.alice, due_in=-2, what="Cache less")

        ticks(running, slack, MONDAY)

        (open_list,) = starting(team, reviews, "Overdue this week: 1 action")
        assert "Cache less" in open_list.text
        (private_list,) = starting(team, war_room, "Overdue this week: 1 action")
        assert "Rotate the keys" in private_list.text


def test_monthly_review_has_figures_as_chart_and_as_text(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id) as running:
        october = datetime(2026, 10, 12, 10, tzinfo=UTC)
        slack.clock.set(october)
        of = closed_incident(running, slack, team.ops, team.alice)
        drill = closed_incident(running, slack, slack.channel("x"), team.alice, title="Drill")
        with running.db.transaction() as session:
            drill.kind = "drill"
            session.add(drill)
        done, confirmed, declined, _late, _of_drill = [
            agree(running, slack, incident, team.bob, due_in=days, what=what)
            for incident, days, what in (
                (of, 3, "a"), (of, 3, "b"), (of, 3, "c"), (of, 3, "d"), (drill, 3, "e"),
            )
        ]  # fmt: skip
        with running.db.transaction() as session:
            for action in (done, confirmed):
                action_items.done(session, slack.team_id, action.id, by=team.bob.id, how="seen", now=october)
            action_items.confirm(session, slack.team_id, confirmed.id, by=team.alice.id, now=october)
            action_items.wont_do(session, slack.team_id, declined.id, by=team.bob.id, because="no", now=october)

        sunday = datetime(2026, 11, 1, 12, tzinfo=UTC)
        ticks(running, slack, sunday, sunday + timedelta(days=1), sunday + timedelta(days=2))

        (review,) = starting(team, team.ops, "Follow-through in October 2026")
        assert "2 closed · 1 confirmed by another person · 1 openly not done · 1 overdue" in review.text
        assert "Oct 2026: 0 agreed, 2 closed, 1 verified, 1 not done, 1 overdue" in review.text
        (chart,) = [block for block in review.blocks if block["type"] == "data_visualization"]
        assert [one["name"] for one in chart["chart"]["series"]] == ["Closed", "Verified", "Overdue at the end"]
        assert chart["chart"]["axis_config"]["categories"][-1] == "Oct 2026"


def test_digests_are_switched_off_by_a_setting(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, digests=frozenset(), announce_channel=team.ops.id) as running:
        slack.clock.set(MONDAY_NIGHT)
        of = closed_incident(running, slack, team.ops, team.alice)
        agree(running, slack, of, team.bob, due_in=-2)

        ticks(running, slack, MONDAY, datetime(2026, 12, 1, 12, tzinfo=UTC))

        assert starting(team, team.ops, "Overdue this week") == []
        assert starting(team, team.ops, "Follow-through in") == []


def test_digests_of_two_copies_are_one(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url) as running, bot(slack, db_url) as other:
        slack.clock.set(MONDAY_NIGHT)
        of = closed_incident(running, slack, team.ops, team.alice)
        agree(running, slack, of, team.bob, due_in=-2)
        slack.clock.set(MONDAY)

        running.tick()
        other.tick()
        running.courier.drain()
        other.courier.drain()

        assert len(starting(team, team.ops, "Overdue this week")) == 1


def test_months_follow_each_other() -> None:
    assert month_before(date(2026, 1, 1)) == date(2025, 12, 1)
    assert month_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert month_after(date(2026, 1, 1)) == date(2026, 2, 1)


def test_weekly_list_loses_what_became_private_and_keeps_the_rest(slack: Sandbox, team: Team, db_url: str) -> None:
    reviews = slack.channel("follow-up", members=[team.alice])
    with bot(slack, db_url, follow_up_channel=reviews.id) as running:
        slack.clock.set(MONDAY_NIGHT)
        with running.db.transaction() as session:
            know(session, slack, team.alice)
        leak = closed_incident(running, slack, team.ops, team.alice, title="Keys leaked")
        plain = closed_incident(running, slack, slack.channel("search"), team.alice, title="Search is slow")
        agree(running, slack, leak, team.alice, due_in=-2, what="Rotate the keys")
        done = agree(running, slack, plain, team.alice, due_in=-2, what="Cache less")
        ticks(running, slack, MONDAY)
        with running.db.transaction() as session:
            action_items.done(session, slack.team_id, done.id, by=team.alice.id, how="seen", now=slack.clock.now())

        team.alice.makes_private(team.ops)
        slack.settle()
        running.courier.drain()

        (shown,) = starting(team, reviews, "Overdue this week: 1 action")
        assert "Cache less (INC-2), alice, 2 days over" in shown.text
        assert "Rotate the keys" not in shown.text


def test_weekly_list_of_which_everything_became_private_says_so(slack: Sandbox, team: Team, db_url: str) -> None:
    reviews = slack.channel("follow-up", members=[team.alice])
    with bot(slack, db_url, follow_up_channel=reviews.id) as running:
        slack.clock.set(MONDAY_NIGHT)
        leak = closed_incident(running, slack, team.ops, team.alice, title="Keys leaked")
        agree(running, slack, leak, team.alice, due_in=-2, what="Rotate the keys")
        ticks(running, slack, MONDAY)

        team.alice.makes_private(team.ops)
        slack.settle()
        running.courier.drain()

        assert [shown.text for shown in team.alice.sees(reviews) if "Follow-through" not in shown.text] == [
            NOTHING_LEFT
        ]
