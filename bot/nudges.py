"""Reminders: what has come due by which rule, planned once, and bundled into one message a day.

Two steps, both inside the caller's transaction and both safe to repeat. `look` takes the things about which a
rule has something to decide (`next_look_at`), plans a `Nudge` for each rule that has come due, and says when to
look again. `bundle` takes what waits for somebody, and when their time is right puts all of it into the one
message of their day (the outbox's key is `nudge:{person}:{day}`). When the time is not right it goes on waiting.

`now` is always an aware moment; days are days on the recipient's own clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from bot.nudge_cases import Case, Recipient, Surroundings, Team, is_channel
from bot.nudge_outcomes import revive
from bot.nudge_rules import RULES, Rule
from storage import nudges, outbox
from storage.db import add_many_once, one_at_a_time
from storage.models import Nudge, Retrospective

NOT_KNOWN = timedelta(minutes=2)
"""How long to wait for Slack to tell the zone of somebody who was never seen before."""

BUSY = timedelta(minutes=15)
"""How soon to look again at somebody who is in a live incident."""

SPOKE_WITHIN = timedelta(hours=2)
ALIVE_WITHIN = timedelta(hours=24)
"""An incident in which nothing happened for a day was left open, and keeps nobody from being reminded."""


def plan(session: Session, team: Team, now: datetime, *, looks: int = 200, recipients: int = 100) -> bool:
    """One turn of planning; returns whether there may be more to do at this moment."""
    one_at_a_time(session, f"nudges of {team.team_id}")
    due = nudges.work_due(session, team.team_id, now)
    around = Surroundings(session, team)
    looked = look(around, now, due, most=looks)
    bundled = bundle(around, now, most=recipients) if looked or due.waiting else 0
    if due.given_up:
        revive(session, team.team_id, now)
    return looked >= looks or bundled >= recipients


# --- looking ---------------------------------------------------------------------------------------------


def look(around: Surroundings, now: datetime, due: nudges.Work, *, most: int) -> int:
    """Plan what has come due about up to `most` things of each sort; returns how many were looked at."""
    session, team_id = around.session, around.team.team_id
    cases = around.cases(
        [
            *(nudges.due_actions(session, team_id, now, most) if due.actions else ()),
            *(nudges.due_retros(session, team_id, now, most) if due.retros else ()),
            *(nudges.due_incidents(session, team_id, now, most) if due.incidents else ()),
        ]
    )
    planned: list[Nudge] = []
    for case in cases:
        came_due, case.thing.next_look_at = _look_at(case, now)
        planned += [_planned(case, one, now) for one in came_due]
        session.add(case.thing)
    session.flush()
    if planned:
        key = ("team_id", "rule", "subject", "subject_id", "occurrence", "recipient_id")
        add_many_once(session, planned, *key, returning="id")
    return len(cases)


@dataclass(frozen=True)
class Due:
    """A rule that came due for somebody, on a day of theirs."""

    rule: Rule
    recipient: Recipient
    on: date
    occurrence: str


def _look_at(case: Case, now: datetime) -> tuple[list[Due], datetime | None]:
    """What has come due about one thing, and when to look at it again."""
    came_due: dict[tuple[str, str], Due] = {}
    again: list[datetime] = []
    for rule in RULES:
        if not case.concerns(rule) or case.is_far_from(rule, min(again, default=None)):
            continue
        for recipient in case.recipients(rule):
            found, following = _apply(case, rule, recipient, now)
            again += [following] if following is not None else []
            known = came_due.get((rule.series or rule.name, recipient.id))
            if found is not None and (known is None or known.on <= found.on):
                came_due[rule.series or rule.name, recipient.id] = found
    if isinstance(case.thing, Retrospective) and case.thing.status in nudges.UNPUBLISHED:
        again.append(now + timedelta(days=1))  # reviewers are asked, and answer, without telling us
    return list(came_due.values()), max(min(again), now + timedelta(minutes=1)) if again else None


def _apply(case: Case, rule: Rule, recipient: Recipient, now: datetime) -> tuple[Due | None, datetime | None]:
    """What has come due by one rule, and when it does so next."""
    since = case.since(rule, recipient)
    if since is None:
        return None, None
    today = now.astimezone(recipient.zone).date()
    quiet_until = case.quiet_until(rule)
    if quiet_until is not None and quiet_until > today:
        return None, case.opening(quiet_until, recipient.zone)
    found, offset = None, rule.came_due(since, today)
    if offset is not None and since + timedelta(days=offset) >= case.counts_from(rule, recipient.zone):
        occurrence = f"{case.occasion(rule, since)}{offset:+d}"
        found = Due(rule, recipient, since + timedelta(days=offset), occurrence)
    following = rule.comes_due_next(since, today)
    return found, case.opening(following, recipient.zone) if following is not None else None


def _planned(case: Case, due: Due, now: datetime) -> Nudge:
    recipient = due.recipient
    opens = case.team.settings.working_hours.next_moment(now, recipient.zone)
    return Nudge(
        team_id=case.team.team_id,
        rule=due.rule.name,
        subject=due.rule.subject,
        subject_id=case.thing.id,
        occurrence=due.occurrence,
        recipient_id=recipient.id,
        planned_at=now,
        not_before=opens if is_channel(recipient.id) else max(opens, _known_from(case.surroundings, recipient.id, now)),
    )


def _known_from(around: Surroundings, user_id: str, now: datetime) -> datetime:
    """From when on somebody's zone is known; who was never seen is asked for."""
    if around.person(user_id) is not None:
        return now
    team_id = around.team.team_id
    key = f"refresh_person:{team_id}:{user_id}:{now:%Y-%m-%d}"
    outbox.put(around.session, team_id, "refresh_person", {"user": user_id}, lane=f"person:{user_id}", now=now, key=key)
    return now + NOT_KNOWN


# --- bundling --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """What waits for one person or channel, and the message of their day in which it is to be said."""

    recipient_id: str
    rows: Sequence[Nudge]
    today: date

    @property
    def bundle(self) -> str:
        return f"nudge:{self.recipient_id}:{self.today}"


def bundle(around: Surroundings, now: datetime, *, most: int = 100) -> int:
    """Put what waits for up to `most` people or channels into messages, where the time is right.

    Returns for how many anything waited whose time had come.
    """
    due = nudges.waiting_due(around.session, around.team.team_id, now, most)
    around.persons(recipient for recipient in due if not is_channel(recipient))
    waiting = [Waiting(one, rows, now.astimezone(around.zone(one)).date()) for one, rows in due.items()]
    ready = list(_ready(around, waiting, now))
    still = {nudge.id for nudge in holding(around, [nudge for one in ready for nudge in one.rows])}
    for one in ready:
        _say(around, one, still, now)
    around.session.flush()
    return len(due)


def _ready(around: Surroundings, waiting: Sequence[Waiting], now: datetime) -> Iterator[Waiting]:
    """Those to whom something may be said now; what waits for the others is put off."""
    session, team_id, hours = around.session, around.team.team_id, around.team.settings.working_hours
    said = nudges.said(session, team_id, [one.bundle for one in waiting])
    alive = nudges.live_incidents(session, team_id, alive_after=now - ALIVE_WITHIN) if waiting else []
    for one in waiting:
        zone = around.zone(one.recipient_id)
        if not hours.allow(now, zone):
            nudges.put_off(one.rows, hours.next_moment(now, zone))
        elif one.bundle in said:
            nudges.put_off(one.rows, hours.next_moment(now, zone, after=one.today))
        elif any(nudges.takes_part(session, live, one.recipient_id, after=now - SPOKE_WITHIN) for live in alive):
            nudges.put_off(one.rows, now + BUSY)
        else:
            yield one


def _say(around: Surroundings, one: Waiting, still: set[int], now: datetime) -> None:
    """Put what waits for somebody into their message; without what is no longer so (`still` has the others)."""
    for nudge in one.rows:
        nudge.bundle = one.bundle
        nudge.settled_at = None if nudge.id in still else now
    if any(nudge.id in still for nudge in one.rows):
        payload = {"recipient": one.recipient_id, "bundle": one.bundle}
        lane = f"nudge:{one.recipient_id}"
        outbox.put(around.session, around.team.team_id, "nudge", payload, lane=lane, now=now, key=one.bundle)


def holding(around: Surroundings, rows: Sequence[Nudge]) -> list[Nudge]:
    """Those of `rows` that are still so, and whose recipient is still the one to hear them."""
    cases = around.cases_of(rows)
    found = ((nudge, cases.get((nudge.subject, nudge.subject_id))) for nudge in rows)
    return [nudge for nudge, case in found if case is not None and case.holds(nudge)]
