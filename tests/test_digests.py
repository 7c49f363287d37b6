"""The digests: posted once, in the team's hours, to the right channel, and not at all when switched off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

from bot import action_items
from bot import app as composition
from bot.app import Seamark
from bot.digests import CADENCES, later
from handlers.nudges import NOTHING_LEFT
from sandbox import Channel, Sandbox
from sandbox.screen import Shown
from storage import retros
from storage.models import Incident
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
NEW_YEAR = datetime(2027, 1, 1, 9, 30, tzinfo=UTC)
"""A Friday, and for the bot a day like any other."""


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

        ticks(running, slack, NEW_YEAR)

        assert starting(team, team.ops, "Overdue this week") == []
        assert starting(team, team.ops, "Follow-through in") == []
        assert starting(team, team.ops, "Follow-through from") == []


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


def test_periods_follow_each_other() -> None:
    assert later(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert later(date(2026, 12, 1), 1) == date(2027, 1, 1)
    assert later(date(2026, 1, 1), -9) == date(2025, 4, 1)
    assert [CADENCES["quarterly"].begin(date(2026, month, 28)).month for month in range(1, 13)] == [
        1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10,
    ]  # fmt: skip
    assert CADENCES["monthly"].begin(date(2026, 12, 31)) == date(2026, 12, 1)


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


def test_weekly_list_that_cannot_be_edited_is_deleted_when_something_in_it_becomes_private(
    slack: Sandbox, team: Team, db_url: str
) -> None:
    reviews = slack.channel("follow-up", members=[team.alice])
    with bot(slack, db_url, follow_up_channel=reviews.id) as running:
        slack.clock.set(MONDAY_NIGHT)
        leak = closed_incident(running, slack, team.ops, team.alice, title="Keys leaked")
        agree(running, slack, leak, team.alice, due_in=-2, what="Rotate the keys")
        ticks(running, slack, MONDAY)
        slack.faults.refuse("chat.update", "edit_window_closed")

        team.alice.makes_private(team.ops)
        slack.settle()
        running.courier.drain()

        assert starting(team, reviews, "Overdue this week") == []


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


# --- the quarterly review --------------------------------------------------------------------------------


def over(
    running: Seamark,
    slack: Sandbox,
    team: Team,
    closed_on: date,
    *,
    title: str,
    room: Channel | None = None,
    begun: bool = True,
    private: bool = False,
    published_on: date | None = None,
    **facts: object,
) -> Incident:
    """An incident that was closed at noon (UTC) of a day, its retrospective begun then, published later or not."""
    here = room or slack.channel(title.lower().replace(" ", "-"), members=[team.alice])
    lead = team.alice if begun else None
    incident = closed_incident(
        running, slack, here, team.alice, title=title, private=private, facilitator=lead, status="draft"
    )
    with running.db.transaction() as session:
        incident.closed_at = noon(closed_on)
        for name, value in facts.items():
            setattr(incident, name, value)
        session.add(incident)
        retro = retros.of_incident(session, incident.id)
        if retro is not None:
            retro.started_at = noon(closed_on)
            if published_on is not None:
                retro.status, retro.published_at = "published", noon(published_on)
            session.add(retro)
    return incident


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


QUARTERLY = "Follow-through from October to December 2026"


def test_quarterly_review_has_the_last_four_quarters_as_chart_and_as_text(
    slack: Sandbox, team: Team, db_url: str
) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id) as running:
        november = datetime(2026, 11, 12, 10, tzinfo=UTC)
        slack.clock.set(november)
        of = closed_incident(running, slack, team.ops, team.alice)
        done, confirmed, declined, _late = [
            agree(running, slack, of, team.bob, due_in=3, what=what) for what in ("a", "b", "c", "d")
        ]
        with running.db.transaction() as session:
            for action in (done, confirmed):
                action_items.done(session, slack.team_id, action.id, by=team.bob.id, how="seen", now=november)
            action_items.confirm(session, slack.team_id, confirmed.id, by=team.alice.id, now=november)
            action_items.wont_do(session, slack.team_id, declined.id, by=team.bob.id, because="no", now=november)

        ticks(running, slack, NEW_YEAR - timedelta(hours=3), NEW_YEAR, NEW_YEAR + timedelta(days=5))

        (review,) = starting(team, team.ops, QUARTERLY)
        assert "0 actions agreed · 2 closed · 1 confirmed by another person · 1 openly not done" in review.text
        assert "1 overdue at the end of the quarter" in review.text
        assert [line for line in review.text.splitlines() if " overdue" in line and ":" in line] == [
            "Jan-Mar 2026: 0 agreed, 0 closed, 0 verified, 0 not done, 0 overdue",
            "Apr-Jun 2026: 0 agreed, 0 closed, 0 verified, 0 not done, 0 overdue",
            "Jul-Sep 2026: 4 agreed, 0 closed, 0 verified, 0 not done, 0 overdue",
            "Oct-Dec 2026: 0 agreed, 2 closed, 1 verified, 1 not done, 1 overdue",
        ]
        (chart,) = [block for block in review.blocks if block["type"] == "data_visualization"]
        assert chart["title"] == "Actions by quarter"
        series = chart["chart"]["series"]
        assert {one["name"]: [point["value"] for point in one["data"]] for one in series} == {
            "Closed": [0, 0, 0, 2],
            "Verified": [0, 0, 0, 1],
            "Overdue at the end": [0, 0, 0, 1],
        }


def test_quarterly_review_audits_the_retrospectives(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id) as running:
        keys = slack.channel("keys", members=[team.alice])
        vault = slack.channel("vault", members=[team.alice], private=True)
        soon = over(running, slack, team, date(2026, 10, 5), title="Soon", published_on=date(2026, 10, 8))
        over(running, slack, team, date(2026, 10, 6), title="Slowly", published_on=date(2026, 11, 5))
        over(running, slack, team, date(2026, 10, 7), title="Near", kind="near_miss", published_on=date(2026, 10, 11))
        over(running, slack, team, date(2026, 11, 2), title="Keys <leak> | twice", room=keys)
        over(running, slack, team, date(2026, 11, 3), title="Not begun", begun=False)
        over(running, slack, team, date(2026, 11, 4), title="Small", severity="SEV4", begun=False)
        over(running, slack, team, date(2026, 12, 30), title="Fresh")
        over(running, slack, team, date(2026, 9, 29), title="From before")
        over(running, slack, team, date(2026, 7, 1), title="Long ago")
        over(running, slack, team, date(2026, 11, 2), title="Exercise", kind="drill")
        over(running, slack, team, date(2026, 11, 2), title="Secret", room=vault, private=True)
        with running.db.transaction() as session:
            link = retros.of_incident(session, 4)
            assert link is not None
            link.hub_link = "https://example.com/hub"
            session.add(link)
        slack.clock.set(noon(date(2026, 12, 20)))
        held = agree(running, slack, soon, team.bob, due_in=30, what="a")
        agree(running, slack, soon, team.bob, due_in=30, what="b")
        with running.db.transaction() as session:
            now = slack.clock.now()
            action_items.done(session, slack.team_id, held.id, by=team.bob.id, how="seen", now=now)
            action_items.confirm(session, slack.team_id, held.id, by=team.alice.id, now=now)

        ticks(running, slack, NEW_YEAR)

        (review,) = starting(team, team.ops, QUARTERLY)
        assert review.text.partition("*Retrospectives of")[2].splitlines() == [
            " what was closed in this quarter*",
            "• 7 incidents were closed.",
            "• A retrospective was begun for 5 of 7.",
            "• For 1 the policy leaves it open whether there is one, and none was begun.",
            "• The retrospective is published for 3 of 7.",
            "• 2 of 3 were published by the day the policy sets.",
            "• For 1 not published yet, the policy's day is still to come.",
            "• The median from closing to publication is 4 days.",
            "• 2 of 3 published have no action, which may well be right.",
            "• 1 of 2 actions was confirmed by another person.",
            "*No publication by the day the policy sets: 3 incidents*",
            "• INC-8 From before in #from-before, closed Tue 29 Sep 2026",
            "• INC-4 Keys <leak> ¦ twice, closed Mon 2 Nov 2026",
            "• INC-5 Not begun in #not-begun, closed Tue 3 Nov 2026",
            "As it stood on Fri 1 Jan 2027. Near misses count as incidents. Drills and private incidents are left out.",
        ]
        assert "<https://example.com/hub|INC-4 Keys &lt;leak&gt; ¦ twice>" in str(review.blocks)


def test_quarterly_review_names_ten_and_counts_the_others(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id) as running:
        for number in range(12):
            over(running, slack, team, date(2026, 11, 2), title=f"Case {number}")

        ticks(running, slack, NEW_YEAR)

        (review,) = starting(team, team.ops, QUARTERLY)
        lines = review.text.splitlines()
        assert "• The retrospective is published for 0 of 12." in lines
        assert "• No action was agreed." in lines
        assert not [line for line in lines if "median" in line or "of 0" in line]
        begin = lines.index("*No publication by the day the policy sets: 12 incidents*")
        assert lines[begin + 10] == "• INC-10 Case 9 in #case-9, closed Mon 2 Nov 2026"
        assert lines[begin + 11] == "and 2 more"


def test_quarterly_review_counts_days_in_the_zone_of_the_team(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id, zone="Asia/Kolkata") as running:
        over(running, slack, team, date(2026, 10, 1), title="Soon", published_on=date(2026, 10, 2))
        for title, closed_at in (
            ("First", datetime(2026, 9, 30, 18, 30, tzinfo=UTC)),
            ("Too early", datetime(2026, 9, 30, 18, 29, tzinfo=UTC)),
            ("Too late", datetime(2026, 12, 31, 18, 30, tzinfo=UTC)),
        ):
            over(running, slack, team, date(2026, 9, 30), title=title, begun=False, closed_at=closed_at)

        ticks(running, slack, datetime(2027, 1, 1, 3, 29, tzinfo=UTC))
        assert starting(team, team.ops, QUARTERLY) == []
        ticks(running, slack, datetime(2027, 1, 1, 3, 30, tzinfo=UTC))

        (review,) = starting(team, team.ops, QUARTERLY)
        assert "• 2 incidents were closed." in review.text
        assert "• The median from closing to publication is 1 day." in review.text
        assert "INC-2 First in #first, closed Thu 1 Oct 2026" in review.text
        assert "INC-3 Too early in #too-early, closed Wed 30 Sep 2026" in review.text
        assert "Too late" not in review.text


def test_quarterly_review_without_anything_to_say_is_not_posted(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id) as running:
        vault = slack.channel("vault", members=[team.alice], private=True)
        secret = over(running, slack, team, date(2026, 11, 2), title="Secret", room=vault, private=True)
        over(running, slack, team, date(2026, 11, 2), title="Exercise", kind="drill")
        slack.clock.set(noon(date(2026, 12, 1)))
        agree(running, slack, secret, team.alice, due_in=2)

        ticks(running, slack, NEW_YEAR)

        assert starting(team, team.ops, "Follow-through") == []


def test_quarterly_review_comes_in_the_month_after_its_quarter_or_not(slack: Sandbox, team: Team, db_url: str) -> None:
    with bot(slack, db_url, announce_channel=team.ops.id, digests=frozenset({"quarterly"})) as running:
        over(running, slack, team, date(2026, 8, 3), title="Late")
        over(running, slack, team, date(2026, 11, 3), title="Soon")

        ticks(running, slack, datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 12, 31, 12, tzinfo=UTC))
        assert starting(team, team.ops, "Follow-through") == []

        ticks(running, slack, datetime(2027, 1, 29, 12, tzinfo=UTC), datetime(2027, 2, 1, 12, tzinfo=UTC))
        assert [shown.text.splitlines()[0] for shown in starting(team, team.ops, "Follow-through")] == [
            f"*{QUARTERLY}*"
        ]

        ticks(running, slack, datetime(2027, 4, 1, 12, tzinfo=UTC), datetime(2027, 7, 1, 12, tzinfo=UTC))
        assert len(starting(team, team.ops, "Follow-through")) == 1


def test_quarterly_review_of_two_copies_is_one(slack: Sandbox, team: Team, db_url: str) -> None:
    settings = {"announce_channel": team.ops.id, "digests": frozenset({"quarterly"})}
    with bot(slack, db_url, **settings) as running, bot(slack, db_url, **settings) as other:
        over(running, slack, team, date(2026, 11, 2), title="Late")
        slack.clock.set(NEW_YEAR)
        together = Barrier(2)

        def tick(copy: Seamark) -> None:
            together.wait()
            copy.tick()
            copy.courier.drain()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(tick, (running, other)))

        assert len(starting(team, team.ops, "Follow-through")) == 1


def test_quarterly_review_loses_what_became_private(slack: Sandbox, team: Team, db_url: str) -> None:
    rooms = [slack.channel(name, members=[team.alice], with_bot=True) for name in ("checkout", "search")]
    with bot(slack, db_url, announce_channel=team.ops.id, digests=frozenset({"quarterly"})) as running:
        for number in range(10):
            over(running, slack, team, date(2026, 11, 2), title=f"Keys leaked {number}", room=rooms[0])
        over(running, slack, team, date(2026, 11, 2), title="Search is slow", room=rooms[1], begun=False)
        ticks(running, slack, NEW_YEAR)
        (before,) = starting(team, team.ops, QUARTERLY)
        assert before.text.count("Keys leaked") == 10
        assert "and 1 more" in before.text

        team.alice.makes_private(rooms[0])
        slack.settle()
        running.courier.drain()

        (between,) = starting(team, team.ops, QUARTERLY)
        assert between.ts == before.ts
        assert "Keys leaked" not in between.text
        assert "• INC-11 Search is slow in #search, closed Mon 2 Nov 2026" in between.text
        assert "• 1 incident was closed." in between.text
        assert "As it stood on Fri 1 Jan 2027." in between.text

        team.alice.makes_private(rooms[1])
        slack.settle()
        running.courier.drain()

        (after,) = starting(team, team.ops, QUARTERLY)
        assert "Search is slow" not in after.text
        assert "• No incident was closed in this quarter." in after.text
