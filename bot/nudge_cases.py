"""One thing that may need a reminder, with what surrounds it: its state, the days it counts from, who can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from sqlmodel import Session

from bot import incidents, moments
from bot.nudge_rules import AT_ONCE, BY_NAME, Rule, Since, To
from bot.policy import Policy
from bot.settings import Settings
from bot.working_hours import start_of
from storage import nudges, people, retros
from storage.action_items import UNFINISHED
from storage.models import ActionItem, ActionStatus, Incident, Nudge, Person, Retrospective, RetroStatus, Review
from storage.nudges import ACTION, INCIDENT, RETRO, Subject


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


def is_channel(recipient_id: str) -> bool:
    return recipient_id.startswith(("C", "G"))


# --- what is read once -----------------------------------------------------------------------------------


class Surroundings:
    """What the rules ask about incidents and people, each read once in a transaction, and many at a time."""

    def __init__(self, session: Session, team: Team) -> None:
        self.session, self.team = session, team
        self._around: dict[int, Around] = {}
        self._persons: dict[str, Person | None] = {}
        self._cases: dict[tuple[str, int], Case] = {}

    def cases(self, things: Iterable[Subject]) -> list[Case]:
        """The things with what surrounds them, in their order."""
        found = list(things)
        self._read_around(_incident_id(thing) for thing in found)
        cases = [Case(self, thing, self._around[_incident_id(thing)]) for thing in found]
        self._cases.update({(case.subject, case.thing.id): case for case in cases})
        self.persons(user for case in cases for user in case.named)
        return cases

    def cases_of(self, rows: Sequence[Nudge]) -> dict[tuple[str, int], Case]:
        """What several nudges are about, as it is now; without what is no longer there."""
        wanted = {(nudge.subject, nudge.subject_id) for nudge in rows}
        self.cases(nudges.subjects(self.session, wanted - self._cases.keys()).values())
        return {key: self._cases[key] for key in wanted & self._cases.keys()}

    def _read_around(self, incident_ids: Iterable[int]) -> None:
        unknown = set(incident_ids) - self._around.keys()
        rows = nudges.around(self.session, unknown) if unknown else []
        in_review = [retro.id for _, retro, _ in rows if retro is not None and retro.status == RetroStatus.REVIEW]
        reviews = nudges.reviews(self.session, in_review) if in_review else {}
        for incident, retro, lead in rows:
            asked = reviews.get(retro.id, []) if retro is not None else []
            self._around[incident.id] = Around(incident, retro, lead, asked)

    def persons(self, user_ids: Iterable[str]) -> Mapping[str, Person | None]:
        """These people and all who were asked for before, by id; None for those who were never seen."""
        unknown = set(user_ids) - self._persons.keys()
        if unknown:
            known = nudges.persons(self.session, self.team.team_id, unknown)
            self._persons.update({user: known.get(user) for user in unknown})
        return self._persons

    def person(self, user_id: str) -> Person | None:
        return self.persons([user_id])[user_id]

    def zone(self, recipient_id: str) -> tzinfo:
        """The zone of a person, as Slack last told; of a channel, the team's."""
        if is_channel(recipient_id):
            return moments.zone_named(self.team.settings.zone)
        person = self.person(recipient_id)
        return moments.zone_named(person.zone if person else None)

    def why_away(self, incident: Incident, user_id: str) -> str | None:
        """Why somebody cannot be reminded of what belongs to an incident; None when they can."""
        return why_away(self.session, incident, user_id, self.person(user_id))


@dataclass(frozen=True)
class Around:
    """An incident, its retrospective and who leads it, with what was found out about people on the way.

    `reviews` are those that a retrospective in review was asked for.
    """

    incident: Incident
    retro: Retrospective | None
    lead: str | None
    reviews: Sequence[Review] = ()
    away: dict[str, str | None] = field(default_factory=dict)

    @property
    def leads(self) -> list[str]:
        """Those who keep an eye on it, the first first."""
        retro, incident = self.retro, self.incident
        first, last = (retro.facilitator_id, retro.started_by) if retro is not None else (None, None)
        return [one for one in (first, self.lead, incident.declared_by, incident.closed_by, last) if one]


def _incident_id(thing: Subject) -> int:
    return thing.id if isinstance(thing, Incident) else thing.incident_id


@dataclass(frozen=True)
class Away:
    """An owner who cannot be reminded, why not (the end of a sentence about them), and of which actions."""

    user_id: str
    why: str
    keys: Sequence[str]


def owners_away(session: Session, incident: Incident, actions: Iterable[ActionItem]) -> list[Away]:
    """Those who own what is unfinished of an incident's `actions` and cannot be reminded of it."""
    owned: dict[str, list[str]] = {}
    for action in actions:
        if action.status in UNFINISHED:
            owned.setdefault(action.owner_id, []).append(action.key)
    known = nudges.persons(session, incident.team_id, owned)
    reasons = {user: why_away(session, incident, user, known.get(user)) for user in owned}
    return [Away(user, why, owned[user]) for user, why in reasons.items() if why is not None]


def why_away(session: Session, incident: Incident, user_id: str, person: Person | None) -> str | None:
    """Why somebody cannot be reminded of what belongs to an incident; None when they can."""
    why = gone(deactivated=person.deactivated, unreachable=person.unreachable) if person is not None else None
    if why is None and not incidents.may_see(session, incident, user_id):
        return "is no longer in the channel of this private incident"
    return why


def gone(*, deactivated: bool, unreachable: str | None) -> str | None:
    """Why somebody cannot be reminded, as the end of a sentence about them; None when they can."""
    if deactivated:
        return "has left this workspace"
    return f"cannot be reached by direct message ({unreachable})" if unreachable else None


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


# --- one thing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One thing with its incident and retrospective, as the rules look at it."""

    surroundings: Surroundings
    thing: Subject
    around: Around

    @property
    def team(self) -> Team:
        return self.surroundings.team

    @property
    def session(self) -> Session:
        return self.surroundings.session

    @property
    def incident(self) -> Incident:
        return self.around.incident

    @property
    def retro(self) -> Retrospective | None:
        return self.around.retro

    @property
    def named(self) -> set[str]:
        """Whom rules and messages about it may name."""
        thing, leads = self.thing, set(self.around.leads)
        if isinstance(thing, ActionItem):
            own = (thing.owner_id, thing.done_by, thing.verified_by, thing.handover_to, thing.created_by)
            return leads | {user for user in own if user}
        if isinstance(thing, Retrospective):
            return leads | {review.user_id for review in self.around.reviews}
        return leads

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
        return self.team.policy.wants_retrospective(self.thing.kind, self.thing.severity)

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

    # What was said about it.

    def still_asks(self, nudge: Nudge) -> bool:
        """Whether what a nudge says may still stand above its subject."""
        if isinstance(self.thing, ActionItem) and nudge.rule in AT_ONCE:
            waiting = nudge.rule == "not_yet" or self.thing.handover_to == nudge.recipient_id
            return self.thing.status == ActionStatus.OPEN and waiting
        rule = BY_NAME.get(nudge.rule)
        if rule is None or not self.concerns(rule):
            return False
        return rule.to != To.REVIEWERS or any(one.id == nudge.recipient_id for one in self.recipients(rule))

    def holds(self, nudge: Nudge) -> bool:
        """Whether what a nudge was planned for is still so, and its recipient still the one to hear it."""
        if nudge.rule in AT_ONCE:
            return True
        rule = BY_NAME.get(nudge.rule)
        if rule is None or not self.concerns(rule):
            return False
        recipient = next((one for one in self.recipients(rule) if one.id == nudge.recipient_id), None)
        since = self.since(rule, recipient) if recipient is not None else None
        if since is None or not nudge.occurrence.startswith(self.occasion(rule, since)):
            return False
        quiet = self.quiet_until(rule)
        return quiet is None or quiet <= since + timedelta(days=_offset(nudge))

    def asked_for(self, nudge: Nudge) -> str | None:
        """The reviewer in whose place a nudge's recipient is asked."""
        rule = BY_NAME.get(nudge.rule)
        asked = self.recipients(rule) if rule is not None else ()
        return next((one.instead_of for one in asked if one.id == nudge.recipient_id), None)

    # Since when it counts.

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
        if rule.to == To.REVIEWERS:
            yield from self._reviewers()
        elif rule.to == To.CHANNEL:
            yield from self._channel()
        else:
            first = next((one for one in self._candidates(rule) if self.reachable(one)), None)
            replaced = self.owner if rule.to == To.OWNER and first != self.owner else None
            yield from self._channel() if first is None else [self._person(first, instead_of=replaced)]

    def _candidates(self, rule: Rule) -> Iterable[str]:
        """Those who may be asked, whom a rule means before those who come in their place."""
        others = [one for one in self.around.leads if one != self.owner]
        match rule.to:
            case To.OWNER:
                return [self.owner, *others] if self.owner is not None else others
            case To.CONFIRMER:
                return self._confirmers()
            case _:
                return others

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
            known[user_id] = self.surroundings.why_away(self.incident, user_id)
        return known[user_id]

    def _confirmers(self) -> Iterator[str]:
        if not isinstance(self.thing, ActionItem):
            return
        did_it = {self.thing.done_by, self.thing.owner_id}
        yield from (one for one in (*self.around.leads, self.thing.created_by) if one not in did_it)
        if self.retro is not None:
            there = (one.user_id for one in retros.participants(self.session, self.retro.id))
            yield from (one for one in there if one not in did_it)

    def _reviewers(self) -> Iterator[Recipient]:
        if self.retro is None:
            return
        for review in self.around.reviews:
            if review.decision is not None:
                continue
            if self.reachable(review.user_id):
                yield self._person(review.user_id)
            elif self.reachable(self.retro.facilitator_id):
                yield self._person(self.retro.facilitator_id, instead_of=review.user_id)

    def _asked_at(self, user_id: str) -> datetime | None:
        return next((one.asked_at for one in self.around.reviews if one.user_id == user_id), None)

    def _channel(self) -> Iterator[Recipient]:
        channel = channel_for(self.session, self.team, self.incident)
        if channel is not None:
            yield Recipient(channel, self.surroundings.zone(channel))

    def _person(self, user_id: str, instead_of: str | None = None) -> Recipient:
        return Recipient(user_id, self.surroundings.zone(user_id), instead_of)


def _offset(nudge: Nudge) -> int:
    at = max(nudge.occurrence.rfind("+"), nudge.occurrence.rfind("-"))
    return int(nudge.occurrence[at:])
