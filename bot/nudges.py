"""Reminders: which rule says what to whom about what, planned once, and bundled into one message a day.

Two steps, both inside the caller's transaction and both safe to repeat. `look` takes the things about which a
rule has something to decide (`next_look_at`), plans a `Nudge` for each rule that has come due, and says when to
look again. `bundle` takes what waits for somebody, and when their time is right puts all of it into the one
message of their day (the outbox's key is `nudge:{person}:{day}`). When the time is not right it goes on waiting.

`now` is always an aware moment; days are days on the recipient's own clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from sqlmodel import Session

from bot import incidents, moments
from bot.policy import Policy
from bot.settings import Settings
from bot.working_hours import start_of
from storage import incidents as incident_rows
from storage import nudges, outbox, people, retros
from storage.db import add_once, one_at_a_time
from storage.models import ActionItem, ActionStatus, Incident, Nudge, Person, Retrospective, RetroStatus
from storage.nudges import ACTION, INCIDENT, RETRO

Subject = ActionItem | Retrospective | Incident


class To(StrEnum):
    """Whom a rule speaks to; each falls back to whoever can be asked instead."""

    OWNER = "owner"
    FACILITATOR = "facilitator"
    CONFIRMER = "confirmer"
    REVIEWERS = "reviewers"
    RESPONSIBLE = "responsible"
    CHANNEL = "channel"


class Since(StrEnum):
    """The day from which a rule counts."""

    DUE = "due"
    SNOOZED = "snoozed"
    AWAY = "away"
    DONE = "done"
    CONFIRMED = "confirmed"
    ASKED = "asked"
    CLOSED = "closed"


@dataclass(frozen=True)
class Rule:
    """One reason to say something; its words are `templates/nudges/{name}.jinja`.

    It holds while its subject is in one of `states`. It comes due `days` after the day `since` (before it, when
    negative), and after the last of them again `every` so many days. Rules of one `series` stand for each other:
    only what came due last is said. `asks` names the question that the message's buttons answer.
    """

    name: str
    subject: str
    states: tuple[str, ...]
    since: Since
    days: tuple[int, ...]
    to: To
    every: int | None = None
    series: str = ""
    asks: str = ""

    def came_due(self, since: date, today: date) -> int | None:
        """The latest of its days that has come; None before the first."""
        gone = (today - since).days
        last = max(self.days)
        if self.every and gone > last:
            return last + (gone - last) // self.every * self.every
        return max((day for day in self.days if day <= gone), default=None)

    def comes_due_next(self, since: date, today: date) -> date | None:
        """The next day, after today, on which it comes due; None when it never does again."""
        gone = (today - since).days
        later = [day for day in self.days if day > gone]
        if later:
            return since + timedelta(days=min(later))
        if self.every:
            last = max(self.days)
            return since + timedelta(days=last + ((gone - last) // self.every + 1) * self.every)
        return None


_OPEN = (ActionStatus.OPEN,)
_DONE = (ActionStatus.DONE,)
_VERIFIED = (ActionStatus.VERIFIED,)
_DRAFT, _REVIEW = (RetroStatus.DRAFT, RetroStatus.REVIEW), (RetroStatus.REVIEW,)
_ENDED = ("required", "suggested")

RULES: tuple[Rule, ...] = (
    Rule("due_soon", ACTION, _OPEN, Since.DUE, (-2,), To.OWNER, series="owner"),
    Rule("due_today", ACTION, _OPEN, Since.DUE, (0,), To.OWNER, series="owner"),
    Rule("overdue", ACTION, _OPEN, Since.DUE, (1, 3, 7), To.OWNER, every=7, series="owner"),
    Rule("snooze_over", ACTION, _OPEN, Since.SNOOZED, (0,), To.OWNER, series="owner"),
    Rule("overdue_facilitator", ACTION, _OPEN, Since.DUE, (7,), To.FACILITATOR),
    Rule("overdue_channel", ACTION, _OPEN, Since.DUE, (14,), To.CHANNEL),
    Rule("owner_away", ACTION, _OPEN, Since.AWAY, (0,), To.FACILITATOR),
    Rule("confirm", ACTION, _DONE, Since.DONE, (0, 3, 7), To.CONFIRMER, every=7, asks="confirm"),
    Rule("smoke_test", ACTION, _VERIFIED, Since.CONFIRMED, (2, 9), To.OWNER, asks="smoke"),
    Rule("effect", ACTION, _VERIFIED, Since.CONFIRMED, (30, 37), To.OWNER, asks="effect"),
    Rule("retro_due_soon", RETRO, _DRAFT, Since.DUE, (-2,), To.FACILITATOR, series="retro"),
    Rule("retro_due_today", RETRO, _DRAFT, Since.DUE, (0,), To.FACILITATOR, series="retro"),
    Rule("retro_late", RETRO, _DRAFT, Since.DUE, (1, 3, 7), To.FACILITATOR, every=7, series="retro"),
    Rule("retro_late_channel", RETRO, _DRAFT, Since.DUE, (14,), To.CHANNEL),
    Rule("review_waiting", RETRO, _REVIEW, Since.ASKED, (1, 3, 7), To.REVIEWERS, every=7),
    Rule("not_started", INCIDENT, _ENDED, Since.CLOSED, (1, 3), To.RESPONSIBLE, series="start"),
    Rule("still_not_started", INCIDENT, ("required",), Since.CLOSED, (7,), To.RESPONSIBLE, every=7, series="start"),
    Rule("not_started_channel", INCIDENT, ("required",), Since.CLOSED, (14,), To.CHANNEL),
)
BY_NAME = {rule.name: rule for rule in RULES}

AT_ONCE = frozenset({"handover", "not_yet"})
"""What one person says to another through a button: no reminder, so it is neither bundled nor put off."""

NOT_KNOWN = timedelta(minutes=2)
"""How long to wait for Slack to tell the zone of somebody who was never seen before."""

BUSY = timedelta(minutes=15)
"""How soon to look again at somebody who is in a live incident."""

SPOKE_WITHIN = timedelta(hours=2)
ALIVE_WITHIN = timedelta(hours=24)
"""An incident in which nothing happened for a day was left open, and keeps nobody from being reminded."""


@dataclass(frozen=True)
class Team:
    """What the rules need to know besides the database: whose workspace, its settings and its policy."""

    team_id: str
    settings: Settings
    policy: Policy


@dataclass(frozen=True)
class Recipient:
    """Somebody, or a channel, and the zone whose days count for them. `instead_of` is who cannot be reached."""

    id: str
    zone: tzinfo
    instead_of: str | None = None


def plan(session: Session, team: Team, now: datetime, *, looks: int = 200, recipients: int = 100) -> bool:
    """One turn of planning; returns whether there may be more to do at this moment."""
    one_at_a_time(session, f"nudges of {team.team_id}")
    due = nudges.work_due(session, team.team_id, now)
    looked = look(session, team, now, due, most=looks)
    bundled = bundle(session, team, now, most=recipients) if looked or due.waiting else 0
    if due.given_up:
        revive(session, team.team_id, now)
    return looked >= looks or bundled >= recipients


# --- looking ---------------------------------------------------------------------------------------------


def look(session: Session, team: Team, now: datetime, due: nudges.Work, *, most: int) -> int:
    """Plan what has come due about up to `most` things of each sort; returns how many were looked at."""
    things: list[Subject] = [
        *(nudges.due_actions(session, team.team_id, now, most) if due.actions else ()),
        *(nudges.due_retros(session, team.team_id, now, most) if due.retros else ()),
        *(nudges.due_incidents(session, team.team_id, now, most) if due.incidents else ()),
    ]
    for thing in things:
        thing.next_look_at = _look_at(session, team, thing, now)
        session.add(thing)
    session.flush()
    return len(things)


def _look_at(session: Session, team: Team, thing: Subject, now: datetime) -> datetime | None:
    """Plan what has come due about one thing; returns when to look at it again."""
    case = case_of(session, team, thing)
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
    for due in came_due.values():
        _plan(session, case, due, now)
    if isinstance(thing, Retrospective) and thing.status in nudges.UNPUBLISHED:
        again.append(now + timedelta(days=1))  # reviewers are asked, and answer, without telling us
    return max(min(again), now + timedelta(minutes=1)) if again else None


@dataclass(frozen=True)
class Due:
    """A rule that came due for somebody, on a day of theirs."""

    rule: Rule
    recipient: Recipient
    on: date
    occurrence: str


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


def _plan(session: Session, case: Case, due: Due, now: datetime) -> None:
    rule, recipient = due.rule, due.recipient
    hours = case.team.settings.working_hours
    nudge = Nudge(
        team_id=case.team.team_id,
        rule=rule.name,
        subject=rule.subject,
        subject_id=case.thing.id,
        occurrence=due.occurrence,
        recipient_id=recipient.id,
        planned_at=now,
        not_before=hours.next_moment(now, recipient.zone),
    )
    if not is_channel(recipient.id):
        nudge.not_before = max(nudge.not_before, _known_from(session, case.team.team_id, recipient.id, now))
    add_once(session, nudge, "team_id", "rule", "subject", "subject_id", "occurrence", "recipient_id")


def _known_from(session: Session, team_id: str, user_id: str, now: datetime) -> datetime:
    """From when on somebody's zone is known; who was never seen is asked for."""
    if _person(session, team_id, user_id) is not None:
        return now
    key = f"refresh_person:{team_id}:{user_id}:{now:%Y-%m-%d}"
    outbox.put(session, team_id, "refresh_person", {"user": user_id}, lane=f"person:{user_id}", now=now, key=key)
    return now + NOT_KNOWN


def is_channel(recipient_id: str) -> bool:
    return recipient_id.startswith(("C", "G"))


# --- one thing and who is asked about it ------------------------------------------------------------------


def case_of(session: Session, team: Team, thing: Subject) -> Case:
    """A thing with what surrounds it; what several things share is read once in a transaction."""
    incident_id = thing.id if isinstance(thing, Incident) else thing.incident_id
    around: dict[int, Around] = session.info.setdefault("around", {})
    if incident_id not in around:
        incident = incident_rows.by_id(session, incident_id)
        around[incident_id] = Around(incident, retros.of_incident(session, incident_id))
    return Case(session, team, thing, around[incident_id])


@dataclass(frozen=True)
class Around:
    """An incident and its retrospective, with what was found out about people on the way."""

    incident: Incident
    retro: Retrospective | None
    away: dict[str, str | None] = field(default_factory=dict)
    leads: list[str | None] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """One thing with its incident and retrospective, as the rules look at it."""

    session: Session
    team: Team
    thing: Subject
    around: Around

    @property
    def incident(self) -> Incident:
        return self.around.incident

    @property
    def retro(self) -> Retrospective | None:
        return self.around.retro

    def opening(self, day: date, zone: tzinfo) -> datetime:
        """The first moment from a day on at which something may be said in a zone."""
        return self.team.settings.working_hours.next_moment(start_of(day, zone), zone)

    def concerns(self, rule: Rule) -> bool:
        return rule.subject == self.subject and self.state in rule.states and not self._answered(rule)

    @property
    def subject(self) -> str:
        if isinstance(self.thing, ActionItem):
            return ACTION
        return RETRO if isinstance(self.thing, Retrospective) else INCIDENT

    @property
    def state(self) -> str:
        """The state that rules ask for; of an incident that ended, how much a retrospective is wanted."""
        if not isinstance(self.thing, Incident):
            return str(self.thing.status)
        if self.thing.closed_at is None or self.retro is not None:
            return ""
        if self.thing.kind != "incident":
            return "suggested"
        return self.team.policy.severity(self.thing.severity).retrospective

    def is_far_from(self, rule: Rule, look: datetime | None) -> bool:
        """Whether a rule comes due only after the next `look`, in whatever zone: then nobody need be found yet."""
        if look is None or rule.since != Since.DUE or isinstance(self.thing, Incident):
            return False
        return self.thing.due_on + timedelta(days=min(rule.days) - 2) > look.date()

    def _answered(self, rule: Rule) -> bool:
        if not isinstance(self.thing, ActionItem):
            return False
        return (rule.asks == "smoke" and self.thing.smoke is not None) or (
            rule.asks == "effect" and self.thing.effect is not None
        )

    def still_asks(self, nudge: Nudge) -> bool:
        """Whether what a nudge says may still stand above its subject."""
        if isinstance(self.thing, ActionItem) and nudge.rule in AT_ONCE:
            waiting = nudge.rule == "not_yet" or self.thing.handover_to == nudge.recipient_id
            return self.thing.status == ActionStatus.OPEN and waiting
        rule = BY_NAME.get(nudge.rule)
        return rule is not None and self.concerns(rule)

    def asked_for(self, nudge: Nudge) -> str | None:
        """The reviewer in whose place a nudge's recipient is asked."""
        rule = BY_NAME.get(nudge.rule)
        asked = self.recipients(rule) if rule is not None else ()
        return next((one.instead_of for one in asked if one.id == nudge.recipient_id), None)

    def since(self, rule: Rule, recipient: Recipient) -> date | None:
        """The day a rule counts from, on the recipient's calendar; None when it does not apply."""
        thing, zone = self.thing, recipient.zone
        moment: datetime | None = None
        match rule.since:
            case Since.DUE:
                return None if isinstance(thing, Incident) else thing.due_on
            case Since.SNOOZED:
                return thing.snoozed_until if isinstance(thing, ActionItem) else None
            case Since.AWAY:
                moment = thing.owner_since or thing.created_at if isinstance(thing, ActionItem) else None
                return moment.astimezone(zone).date() if moment and self.away is not None else None
            case Since.DONE:
                moment = thing.done_at if isinstance(thing, ActionItem) else None
            case Since.CONFIRMED:
                moment = thing.verified_at if isinstance(thing, ActionItem) else None
            case Since.CLOSED:
                moment = self.incident.closed_at
            case Since.ASKED:
                moment = self._asked_at(recipient.instead_of or recipient.id)
        return moment.astimezone(zone).date() if moment else None

    def occasion(self, rule: Rule, since: date) -> str:
        """What tells this occasion from an earlier one of the same rule: its day, or who is away."""
        return self.thing.owner_id if rule.since == Since.AWAY and isinstance(self.thing, ActionItem) else str(since)

    def quiet_until(self, rule: Rule) -> date | None:
        """The day until which the owner asked to be left in peace."""
        if isinstance(self.thing, ActionItem) and rule.series == "owner" and rule.since != Since.SNOOZED:
            return self.thing.snoozed_until
        return None

    def counts_from(self, rule: Rule, zone: tzinfo) -> date:
        """The first day that counts: nobody is reminded of what came due before it was theirs."""
        if not isinstance(self.thing, ActionItem) or rule.since == Since.SNOOZED:
            return date.min
        moment = self.thing.created_at
        if rule.to == To.OWNER:
            moment = self.thing.owner_since or moment
        return moment.astimezone(zone).date()

    # Who is asked.

    def recipients(self, rule: Rule) -> Iterator[Recipient]:
        """Whom a rule speaks to at the moment; nobody, when nobody can be asked."""
        chosen: Iterator[str | None]
        match rule.to:
            case To.REVIEWERS:
                yield from self._reviewers()
                return
            case To.CHANNEL:
                yield from self._channel()
                return
            case To.OWNER:
                chosen = iter((self.owner, *(one for one in self._leads if one != self.owner)))
            case To.CONFIRMER:
                chosen = self._confirmers()
            case To.FACILITATOR:
                chosen = (one for one in self._leads if one != self.owner)
            case To.RESPONSIBLE:
                chosen = iter(self._leads)
        first = next((one for one in chosen if one and self.reachable(one)), None)
        if first is not None:
            yield self._person(first, instead_of=self.owner if rule.to == To.OWNER and first != self.owner else None)
        elif rule.to in {To.CONFIRMER, To.FACILITATOR, To.RESPONSIBLE, To.OWNER}:
            yield from self._channel()

    @property
    def owner(self) -> str | None:
        return self.thing.owner_id if isinstance(self.thing, ActionItem) else None

    @property
    def away(self) -> str | None:
        """Why the owner cannot be reminded, as the end of a sentence about them; None when they can."""
        return None if self.owner is None else self._why_away(self.owner)

    def reachable(self, user_id: str) -> bool:
        return self._why_away(user_id) is None

    def _why_away(self, user_id: str) -> str | None:
        known = self.around.away
        if user_id not in known:
            known[user_id] = why_away(self.session, self.incident, user_id)
        return known[user_id]

    @property
    def _leads(self) -> list[str | None]:
        """Those who keep an eye on it, the first first."""
        if not self.around.leads:
            retro, incident = self.retro, self.incident
            first = [retro.facilitator_id] if retro is not None else []
            lead = incident_rows.roles(self.session, incident.id).get("lead")
            started_by = retro.started_by if retro is not None else None
            self.around.leads.extend([*first, lead, incident.declared_by, incident.closed_by, started_by])
        return self.around.leads

    def _confirmers(self) -> Iterator[str | None]:
        if not isinstance(self.thing, ActionItem):
            return
        did_it = {self.thing.done_by, self.thing.owner_id}
        known = [*self._leads, self.thing.created_by]
        if self.retro is not None:
            known += [one.user_id for one in retros.participants(self.session, self.retro.id)]
        yield from (one for one in known if one not in did_it)

    def _reviewers(self) -> Iterator[Recipient]:
        if self.retro is None:
            return
        for review in nudges.reviews(self.session, self.retro.id):
            if review.decision is not None:
                continue
            if self.reachable(review.user_id):
                yield self._person(review.user_id)
            elif self.reachable(self.retro.facilitator_id):
                yield self._person(self.retro.facilitator_id, instead_of=review.user_id)

    def _asked_at(self, user_id: str) -> datetime | None:
        asked = nudges.reviews(self.session, self.retro.id) if self.retro is not None else []
        return next((one.asked_at for one in asked if one.user_id == user_id), None)

    def _channel(self) -> Iterator[Recipient]:
        channel = channel_for(self.session, self.team, self.incident)
        if channel is not None:
            yield Recipient(channel, moments.zone_named(self.team.settings.zone))

    def _person(self, user_id: str, instead_of: str | None = None) -> Recipient:
        return Recipient(user_id, zone_for(self.session, self.team, user_id), instead_of)


def why_away(session: Session, incident: Incident, user_id: str) -> str | None:
    """Why somebody cannot be reminded of what belongs to an incident; None when they can."""
    gone = _gone(_person(session, incident.team_id, user_id))
    if gone is None and not incidents.may_see(session, incident, user_id):
        return "is no longer in the channel of this private incident"
    return gone


def channel_for(session: Session, team: Team, incident: Incident) -> str | None:
    """Where something is said about an incident in front of others: the configured channel, or its own.

    Of a private incident only its own. None when there is none that can be written to.
    """
    configured = team.settings.follow_up_channel
    if configured and not incident.is_private:
        return configured
    if incident.channel_id is not None and _can_be_written(session, team.team_id, incident.channel_id):
        return incident.channel_id
    return None if incident.is_private else team.settings.announce_channel or None


def _can_be_written(session: Session, team_id: str, channel_id: str) -> bool:
    channel = people.known_channel(session, team_id, channel_id)
    return channel is None or (not channel.is_archived and channel.bot_is_member)


# --- bundling --------------------------------------------------------------------------------------------


def bundle(session: Session, team: Team, now: datetime, *, most: int = 100) -> int:
    """Put what waits for up to `most` people or channels into messages, where the time is right.

    Returns for how many anything waited whose time had come.
    """
    recipients = nudges.recipients_due(session, team.team_id, now, most)
    for recipient_id in recipients:
        _bundle_for(session, team, recipient_id, now)
    session.flush()
    return len(recipients)


def _bundle_for(session: Session, team: Team, recipient_id: str, now: datetime) -> None:
    waiting = nudges.waiting(session, team.team_id, recipient_id)
    zone, hours = zone_for(session, team, recipient_id), team.settings.working_hours
    today = now.astimezone(zone).date()
    key = f"nudge:{recipient_id}:{today}"
    if not hours.allow(now, zone):
        nudges.put_off(waiting, hours.next_moment(now, zone))
    elif nudges.outbox_item(session, team.team_id, key) is not None:
        nudges.put_off(waiting, hours.next_moment(now, zone, after=today))
    elif not is_channel(recipient_id) and is_busy(session, team.team_id, recipient_id, now):
        nudges.put_off(waiting, now + BUSY)
    else:
        still = {nudge.id for nudge in holding(session, team, waiting)}
        for nudge in waiting:
            nudge.bundle = key
            nudge.settled_at = None if nudge.id in still else now
        if still:
            payload = {"recipient": recipient_id, "bundle": key}
            lane = f"nudge:{recipient_id}"
            outbox.put(session, team.team_id, "nudge", payload, lane=lane, now=now, key=key)


def zone_for(session: Session, team: Team, recipient_id: str) -> tzinfo:
    """The zone of a person, as Slack last told; of a channel, the team's."""
    if is_channel(recipient_id):
        return moments.zone_named(team.settings.zone)
    person = _person(session, team.team_id, recipient_id)
    return moments.zone_named(person.zone if person else None)


def _person(session: Session, team_id: str, user_id: str) -> Person | None:
    """A person, read once in a transaction: the session itself forgets whom nobody holds."""
    known: dict[str, Person | None] = session.info.setdefault("persons", {})
    if user_id not in known:
        known[user_id] = people.person(session, team_id, user_id)
    return known[user_id]


def is_busy(session: Session, team_id: str, user_id: str, now: datetime) -> bool:
    """Whether somebody is in a live incident and has no head for reminders."""
    return nudges.is_responding(
        session, team_id, user_id, spoke_after=now - SPOKE_WITHIN, alive_after=now - ALIVE_WITHIN
    )


def cases_of(session: Session, team: Team, rows: Iterable[Nudge]) -> dict[tuple[str, int], Case]:
    """What several nudges are about, as it is now; without what is no longer there."""
    found: dict[tuple[str, int], Case] = {}
    for nudge in rows:
        key = (nudge.subject, nudge.subject_id)
        thing = thing_of(session, nudge) if key not in found else None
        if thing is not None:
            found[key] = case_of(session, team, thing)
    return found


def holding(session: Session, team: Team, rows: Sequence[Nudge]) -> list[Nudge]:
    """Those of `rows` that are still so, and whose recipient is still the one to hear them."""
    cases = cases_of(session, team, rows)
    return [nudge for nudge in rows if _holds(cases.get((nudge.subject, nudge.subject_id)), nudge)]


def _holds(case: Case | None, nudge: Nudge) -> bool:
    rule = BY_NAME.get(nudge.rule)
    if case is None or rule is None:
        return case is not None and nudge.rule in AT_ONCE
    if not case.concerns(rule):
        return False
    for recipient in case.recipients(rule):
        since = case.since(rule, recipient)
        if recipient.id == nudge.recipient_id and since is not None:
            quiet = case.quiet_until(rule)
            occasion = nudge.occurrence.startswith(case.occasion(rule, since))
            return occasion and (quiet is None or quiet <= since + timedelta(days=_offset(nudge)))
    return False


def _offset(nudge: Nudge) -> int:
    at = max(nudge.occurrence.rfind("+"), nudge.occurrence.rfind("-"))
    return int(nudge.occurrence[at:])


def thing_of(session: Session, nudge: Nudge) -> Subject | None:
    """What a nudge is about, as it is now; None when it is no longer there."""
    model = {ACTION: ActionItem, RETRO: Retrospective, INCIDENT: Incident}[nudge.subject]
    found: Subject | None = session.get(model, nudge.subject_id)  # type: ignore[arg-type]
    return found


# --- what comes of it --------------------------------------------------------------------------------------


def sent(rows: Sequence[Nudge], *, channel_id: str, ts: str, now: datetime) -> None:
    """Note that a bundle is said, and where it stands."""
    for nudge in rows:
        nudge.settled_at = nudge.sent_at = now
        nudge.channel_id, nudge.message_ts = channel_id, ts


def release(session: Session, team: Team, rows: Sequence[Nudge], now: datetime) -> None:
    """Let a bundle that could not be said in time wait again: it is put off, not used up."""
    for nudge in rows:
        zone = zone_for(session, team, nudge.recipient_id)
        today = now.astimezone(zone).date()
        nudge.bundle, nudge.settled_at = "", None
        nudge.not_before = team.settings.working_hours.next_moment(now, zone, after=today)


def refused(session: Session, team_id: str, recipient_id: str, rows: Sequence[Nudge], why: str, now: datetime) -> None:
    """Note that Slack will not take messages to somebody, and have others asked instead."""
    for nudge in rows:
        nudge.failed, nudge.settled_at = why, now
    person = people.person(session, team_id, recipient_id)
    if person is not None:
        person.unreachable = why
        session.add(person)
    session.info.pop("around", None)
    session.info.pop("persons", None)
    channel = people.known_channel(session, team_id, recipient_id)
    if channel is not None:
        channel.bot_is_member = False
        session.add(channel)
    person_changed(session, team_id, recipient_id, now)
    session.flush()


def person_changed(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """Plan anew what concerns somebody whose zone changed, who left, or who came back."""
    dropped = nudges.drop_waiting(session, team_id, user_id)
    for nudge in dropped:
        thing = thing_of(session, nudge)
        if thing is not None:
            thing.next_look_at = now
            session.add(thing)
    nudges.look_again(session, team_id, user_id, now)


def revive(session: Session, team_id: str, now: datetime) -> int:
    """Take up again deliveries that were given up only because Slack was away for long; returns how many.

    It is the same delivery, so that it first looks whether an earlier try arrived after all.
    """
    given_up = nudges.deliveries_given_up(session, team_id)
    for item in given_up:
        outbox.take_up_again(item, now + timedelta(hours=1))
        session.add(item)
    return len(given_up)


def at_once(
    session: Session, action: ActionItem, rule: str, *, to: str, occurrence: str, now: datetime, words: str = ""
) -> None:
    """Tell somebody about an action what another person has just asked or said, with its buttons.

    `rule` is one of `AT_ONCE`; `occurrence` tells this time from others.
    """
    key = f"{rule}:{action.id}:{occurrence}"
    nudge = Nudge(
        team_id=action.team_id,
        rule=rule,
        subject=ACTION,
        subject_id=action.id,
        occurrence=occurrence,
        recipient_id=to,
        planned_at=now,
        not_before=now,
        bundle=key,
    )
    add_once(session, nudge, "team_id", "rule", "subject", "subject_id", "occurrence", "recipient_id")
    payload = {"recipient": to, "bundle": key, "at_once": True, "words": words}
    outbox.put(session, action.team_id, "nudge", payload, lane=f"nudge:{to}", now=now, key=key)


def _gone(person: Person | None) -> str | None:
    return gone(deactivated=person.deactivated, unreachable=person.unreachable) if person is not None else None


def gone(*, deactivated: bool, unreachable: str | None) -> str | None:
    """Why somebody cannot be reminded, as the end of a sentence about them; None when they can."""
    if deactivated:
        return "has left this workspace"
    return f"cannot be reached by direct message ({unreachable})" if unreachable else None
