"""A simulated year, checked by rules written down once more and without the planner's code.

200 owners in 12 zones, 2,000 actions; Slack fails, processes die in the middle and start again, clocks change,
people move. Nobody is forgotten, nobody is written to twice, at night, on a weekend or on a holiday.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, update

from bot import incidents, nudge_outcomes, policy
from bot.incidents import Declaration
from bot.nudge_cases import Team
from bot.settings import Settings
from bot.working_hours import parse
from handlers import nudges as reminders
from handlers.courier import LEASE, Courier, Deliveries
from storage import nudges as rows_of
from storage import outbox, people
from storage.db import Database
from storage.models import ActionItem, ActionStatus, IncidentStatus, Person, Retrospective, RetroStatus
from tests.pocket_slack import Killed, PocketSlack

ZONES = (
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Kathmandu", "Asia/Tokyo", "Australia/Adelaide", "Pacific/Auckland", "Africa/Nairobi", "America/St_Johns",
)  # fmt: skip
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
HOLIDAYS = (date(2026, 4, 3), date(2026, 12, 24))
TEAM = "T1"
OWNERS, ACTIONS, INCIDENTS, MEETINGS, MOVES = 200, 2000, 40, 400, 20


@dataclass
class Agreed:
    """What the check knows of an action."""

    number: int
    owner: str
    facilitator: str
    due: date
    made: datetime
    ended: datetime | None = None
    row: int = 0


@dataclass
class Year:
    chance: random.Random
    db: Database
    zones: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    agreed: list[Agreed] = field(default_factory=list)
    ends: list[tuple[datetime, Agreed]] = field(default_factory=list)


@pytest.mark.slow
def test_nudges_of_a_year_are_neither_missed_nor_doubled_nor_out_of_hours(db: Database) -> None:
    if not db.is_sqlite:
        pytest.skip("one database is enough for a year; several copies on PostgreSQL have their own test")
    event.listen(db.engine, "connect", _hurry)
    year = Year(random.Random(7), db)
    _people(year)
    _actions(year)
    slack = PocketSlack(year.chance, mishaps=0.04)

    _live(year, slack)

    _check_hours(year, slack)
    _check_once(year, slack)
    _check_owners(year, slack)
    _check_facilitators(year, slack)


def _hurry(connection: Any, _record: Any) -> None:
    # The test ends no machine's power, only processes, so the disk may take its time.
    connection.execute("PRAGMA synchronous=OFF").close()


# --- the year --------------------------------------------------------------------------------------------


def _people(year: Year) -> None:
    with year.db.transaction() as session:
        for number in range(OWNERS):
            user = f"U{number:03}"
            year.zones[user] = ZONES[number % len(ZONES)]
            row = Person(team_id=TEAM, user_id=user, name=user, zone=year.zones[user], refreshed_at=BEGIN)
            people.remember_person(session, row)
        year.moved = set(year.chance.sample(sorted(year.zones), MOVES))


def _actions(year: Year) -> None:
    users = sorted(year.zones)
    with year.db.transaction() as session:
        led = [_incident(session, year.chance.choice(users), number) for number in range(INCIDENTS)]
    with year.db.transaction() as session:
        met = [(*year.chance.choice(led), year.chance.uniform(0, 300)) for _ in range(MEETINGS)]
        for number in range(ACTIONS):
            incident_id, retro_id, facilitator, day = year.chance.choice(met)
            made = BEGIN + timedelta(days=day)
            due = (made + timedelta(days=year.chance.randint(0, 60))).date()
            owner = year.chance.choice(users)
            _agree(session, year, number, incident_id, retro_id, Agreed(number + 1, owner, facilitator, due, made))


def _incident(session: Session, facilitator: str, number: int) -> tuple[int, int, str]:
    incident, _ = incidents.declare(
        session,
        Declaration(f"Outage {number}", own_channel=False),
        team_id=TEAM,
        by=facilitator,
        channel_id=f"C{number:03}",
        source_key=str(number),
        now=BEGIN,
    )
    incident.status = IncidentStatus.CLOSED
    retro = Retrospective(
        team_id=TEAM,
        incident_id=incident.id,
        guide="standard",
        status=RetroStatus.PUBLISHED,
        facilitator_id=facilitator,
        started_by=facilitator,
        started_at=BEGIN,
        due_on=END.date(),
    )
    session.add_all([incident, retro])
    session.flush()
    return incident.id, retro.id, facilitator


def _agree(session: Session, year: Year, number: int, incident_id: int, retro_id: int, agreed: Agreed) -> None:
    """The row as `action_items.add` makes it; 2,000 times the verb would take longer than the year."""
    action = ActionItem(
        team_id=TEAM,
        number=agreed.number,
        source_key=str(number),
        incident_id=incident_id,
        retrospective_id=retro_id,
        what=f"Add test {number}",
        owner_id=agreed.owner,
        due_on=agreed.due,
        created_by=agreed.owner,
        created_at=agreed.made,
        owner_since=agreed.made,
        next_look_at=agreed.made,
    )
    session.add(action)
    agreed.row, end = agreed.number, _end(year, agreed)
    if end is not None:
        year.ends.append((end, agreed))
    year.agreed.append(agreed)


def _end(year: Year, agreed: Agreed) -> datetime | None:
    """Most are done in time, some late, and a few never."""
    on_due_day = datetime(agreed.due.year, agreed.due.month, agreed.due.day, tzinfo=UTC)
    luck = year.chance.random()
    if luck < 0.8:
        return agreed.made + max(on_due_day - timedelta(days=3) - agreed.made, timedelta()) * year.chance.random()
    return on_due_day + timedelta(days=year.chance.uniform(1, 25)) if luck < 0.99 else None


def _live(year: Year, slack: PocketSlack) -> None:
    """Let the bot run through the year; it ticks when something is due, a few minutes late, and sometimes dies."""
    settings = Settings(
        bot_token="xoxb-", working_hours=parse("", ",".join(str(day) for day in HOLIDAYS)), digests=frozenset()
    )
    team = Team(TEAM, settings, policy.load())
    courier = _courier(year.db, slack, team)
    year.ends.sort(key=lambda end: end[0], reverse=True)
    moves = sorted((BEGIN + timedelta(days=year.chance.uniform(30, 330)), user) for user in year.moved)
    now = BEGIN
    while now < END:
        slack.now = now
        _happen(year, moves, now)
        reminders.tick(year.db, team, now)
        try:
            if _anything_to_say(year, now):
                courier.drain()
        except Killed:
            courier = _courier(year.db, slack, team)
        if year.chance.random() < 0.002:
            courier = _courier(year.db, slack, team)
        now = _next(year, moves, now)


def _anything_to_say(year: Year, now: datetime) -> bool:
    with year.db.reading() as session:
        due = outbox.next_due(session)
    return due is not None and due <= now


def _courier(db: Database, slack: PocketSlack, team: Team) -> Courier:
    kinds = Deliveries()
    reminders.register_deliveries(kinds)
    extras = {"settings": team.settings, "policy": team.policy}
    worker = f"w{slack.chance.random()}"
    return Courier(kinds, db=db, client=slack, clock=lambda: slack.now, worker=worker, extras=extras)


def _happen(year: Year, moves: list[tuple[datetime, str]], now: datetime) -> None:
    """People decide against actions, and move to other zones."""
    ended: list[int] = []
    while year.ends and year.ends[-1][0] <= now:
        agreed = year.ends.pop()[1]
        agreed.ended = now
        ended.append(agreed.row)
    if ended:
        _decided_against(year.db, ended, now)
    while moves and moves[0][0] <= now:
        _, user = moves.pop(0)
        with year.db.transaction() as session:
            zone = year.chance.choice(ZONES)
            people.remember_person(session, Person(team_id=TEAM, user_id=user, name=user, zone=zone, refreshed_at=now))
            session.flush()
            nudge_outcomes.person_changed(session, TEAM, user, now)


def _decided_against(db: Database, rows: list[int], now: datetime) -> None:
    """The rows as `action_items.wont_do` leaves them, for the same reason as above."""
    values = {"status": ActionStatus.WONT_DO, "closed_at": now, "next_look_at": now}
    with db.transaction() as session:
        session.exec(update(ActionItem).where(col(ActionItem.id).in_(rows)).values(**values))


def _next(year: Year, moves: list[tuple[datetime, str]], now: datetime) -> datetime:
    """When the clock is next looked at: soon while something is under way, else when something is due or happens."""
    with year.db.reading() as session:
        due = [rows_of.next_moment(session), outbox.next_due(session)]
    due += [moves[0][0]] if moves else []
    soonest = min((moment for moment in due if moment is not None), default=END)
    return max(soonest, now + LEASE) + timedelta(seconds=year.chance.uniform(1, 900))


# --- the check, which knows the rules as people were told them ------------------------------------------------


def _works(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def _next_working(day: date) -> date:
    while not _works(day):
        day += timedelta(days=1)
    return day


def _mentions(year: Year, slack: PocketSlack) -> Iterator[tuple[str, int, date, str]]:
    """Who was told about which action on which day of theirs, and in which message."""
    for said in slack.said:
        user = said.channel.removeprefix("D")
        if user in year.zones and user not in year.moved:
            day = said.at.astimezone(ZoneInfo(year.zones[user])).date()
            for number in re.findall(r"ACT-(\d+)", said.text):
                yield user, int(number), day, said.text


def _check_hours(year: Year, slack: PocketSlack) -> None:
    wrong = []
    for said in slack.said:
        user = said.channel.removeprefix("D")
        if user in year.zones and user not in year.moved:
            local = said.at.astimezone(ZoneInfo(year.zones[user]))
            if not (_works(local.date()) and 9 <= local.hour < 17):
                wrong.append((user, local))
    assert wrong == []
    assert len(slack.said) > 1500


def _check_once(year: Year, slack: PocketSlack) -> None:
    assert [key for key, times in Counter(said.key for said in slack.said).items() if times > 1] == []
    days: Counter[tuple[str, date]] = Counter()
    for said in slack.said:
        user = said.channel.removeprefix("D")
        if user in year.zones and user not in year.moved:
            days[user, said.at.astimezone(ZoneInfo(year.zones[user])).date()] += 1
    assert [day for day, times in days.items() if times > 1] == []


def _steps(due: date, last: date) -> Iterator[date]:
    yield from (due + timedelta(days=days) for days in (-2, 0, 1, 3, 7))
    day = due + timedelta(days=14)
    while day <= last:
        yield day
        day += timedelta(days=7)


def _expected(user_zone: str, agreed: Agreed, steps: Iterator[date]) -> tuple[set[date], date]:
    """The days on which somebody is told, and the first day about which nothing can be said any more."""
    zone = ZoneInfo(user_zone)
    made = agreed.made.astimezone(zone).date()
    ended = min(agreed.ended or END, END).astimezone(zone).date()
    return {_next_working(day) for day in steps if day >= made and _next_working(day) < ended}, ended


def _may_be(year: Year, one: Agreed) -> set[date]:
    """What came due on the very day it was agreed may be in that day's message or, when that was out, the next."""
    agreed_on = one.made.astimezone(ZoneInfo(year.zones[one.owner])).date()
    due_then = {day for day in _steps(one.due, one.due) if _next_working(day) == _next_working(agreed_on)}
    return {_next_working(agreed_on), _next_working(agreed_on + timedelta(days=1))} if due_then else set()


def _check_owners(year: Year, slack: PocketSlack) -> None:
    told: dict[tuple[str, int], set[date]] = defaultdict(set)
    owners = {one.number: one.owner for one in year.agreed}
    for user, number, day, _ in _mentions(year, slack):
        if owners[number] == user:
            told[user, number].add(day)
    wrong: list[tuple[Agreed, object, object]] = []
    for one in year.agreed:
        if one.owner in year.moved:
            continue
        expected, ended = _expected(year.zones[one.owner], one, _steps(one.due, END.date()))
        may_be = _may_be(year, one)
        got = {day for day in told[one.owner, one.number] if day < ended} - may_be
        expected -= may_be
        if got != expected:
            wrong.append((one, sorted(expected - got), sorted(got - expected)))
        late = {day for day in told[one.owner, one.number] if day > ended}
        if late:
            wrong.append((one, "after its end", late))
    assert wrong == []


def _check_facilitators(year: Year, slack: PocketSlack) -> None:
    told: dict[tuple[str, int], set[date]] = defaultdict(set)
    by_number = {one.number: one for one in year.agreed}
    for user, number, day, _ in _mentions(year, slack):
        if by_number[number].facilitator == user and by_number[number].owner != user:
            told[user, number].add(day)
    wrong: list[tuple[Agreed, object, object]] = []
    for one in year.agreed:
        if one.facilitator in year.moved or one.facilitator == one.owner:
            continue
        expected, ended = _expected(year.zones[one.facilitator], one, iter([one.due + timedelta(days=7)]))
        got = {day for day in told[one.facilitator, one.number] if day < ended}
        if got != expected:
            wrong.append((one, expected, got))
    assert wrong == []
