"""Retrospectives: begun, joined, led; how far they are and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session

from bot import audit, incidents, moments, mrkdwn
from bot import people as who
from bot.errors import FieldRefusal, Refusal
from bot.guides import Guide, Step
from bot.nudge_cases import Away, owners_away
from bot.policy import Policy, add_working_days
from storage import action_items, entries, outbox, people, retros
from storage import incidents as incident_rows
from storage.db import add_once
from storage.models import (
    Answer,
    Incident,
    MilestoneKind,
    Participant,
    Person,
    Retrospective,
    RetroStatus,
    StepState,
)

DONE, DRAFT = "done", "draft"


class NoRetrospective(Refusal):
    """There is no retrospective of this incident yet. `/retro start` begins it."""


class NotTakingPart(Refusal):
    """You do not take part in this retrospective yet, so nothing was changed. "Join" in its hub lets you in."""


class GuideGone(Refusal):
    """This retrospective's guide is no longer among the guides. Its answers are kept; put its file back."""


class NoSuchStep(Refusal):
    """The guide has no such step any more; its answers are kept. The hub shows the steps there are."""


class NotAPerson(Refusal):
    """A facilitator must be somebody who can be asked: no app, and nobody whose account is deactivated."""


class StillThere(Refusal):
    """The facilitator is still there and leads it. "Change details" in the hub hands it over to somebody else."""


def named(session: Session, team_id: str, words: str, *, channel_id: str, asked_by: str) -> Incident:
    """The incident called in `words`, e.g. `INC-7`, or else the channel's.

    Raises `NoSuchIncident` for one that the asker may not know of, `NoneNamed`.
    """
    if words.strip():
        return incidents.named(session, team_id, words.split(maxsplit=1)[0], asked_by=asked_by)
    return incidents.of_place(session, team_id, channel_id)


def here(session: Session, team_id: str, channel_id: str, words: str = "", *, asked_by: str) -> Retrospective:
    """The retrospective that somebody means: of `INC-7` when `words` begin so, else of the channel's incident.

    Raises `NoSuchIncident`, `NoneNamed`, `NoRetrospective`.
    """
    incident = named(session, team_id, words, channel_id=channel_id, asked_by=asked_by)
    found = retros.of_incident(session, incident.id)
    if found is None:
        raise NoRetrospective(
            f"There is no retrospective of {incident.key} yet. `/retro start {incident.key}` begins it."
        )
    return found


def seen(session: Session, team_id: str, retrospective_id: int, *, asked_by: str) -> tuple[Retrospective, Incident]:
    """A retrospective by its number, with its incident, for somebody who may know of it.

    Raises `NoSuchIncident` when they may not, or there is none.
    """
    found = retros.by_id(session, team_id, retrospective_id)
    if found is None:
        raise incidents.NoSuchIncident
    return found, incidents.seen(session, team_id, found.incident_id, asked_by=asked_by)


def may_edit(session: Session, retrospective: Retrospective, user_id: str) -> bool:
    """Whether somebody takes part: the facilitator and the participants do."""
    return user_id == retrospective.facilitator_id or (
        retros.participant(session, retrospective.id, user_id) is not None
    )


def must_take_part(session: Session, retrospective: Retrospective, user_id: str) -> None:
    """Raises `NotTakingPart` for somebody who does not."""
    if not may_edit(session, retrospective, user_id):
        raise NotTakingPart


def taking_part(
    session: Session, team_id: str, retrospective_id: int, *, asked_by: str
) -> tuple[Retrospective, Incident]:
    """A retrospective by its number, with its incident, for somebody who takes part in it.

    Raises `NoSuchIncident` when they may not know of it, or there is none, and `NotTakingPart`.
    """
    found, incident = seen(session, team_id, retrospective_id, asked_by=asked_by)
    must_take_part(session, found, asked_by)
    return found, incident


def guide_of(retrospective: Retrospective, guides: Mapping[str, Guide]) -> Guide:
    """The guide it follows. Raises `GuideGone`."""
    guide = guides.get(retrospective.guide)
    if guide is None:
        raise GuideGone
    return guide


def lane(retrospective_id: int) -> str:
    """The order in which things are said about one retrospective."""
    return f"retro:{retrospective_id}"


def hub_refresh(session: Session, retrospective: Retrospective, now: datetime) -> None:
    """Have the hub message follow what was just changed."""
    payload = {"retro": retrospective.id}
    of = lane(retrospective.id)
    outbox.put_refresh(session, retrospective.team_id, "refresh_hub", payload, lane=of, now=now)


# --- begun -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a retrospective shall begin: who leads it, who is asked, until when; `meeting_at` is aware."""

    guide: str
    facilitator_id: str
    participants: Sequence[str]
    due_on: date
    meeting_at: datetime | None = None


def suits(guides: Mapping[str, Guide], kind: str) -> str:
    """The key of the guide that is offered first for a kind of incident."""
    return next((guide.key for guide in guides.values() if kind in guide.suits), next(iter(guides)))


def due(policy: Policy, incident: Incident, *, zone: str, now: datetime) -> date:
    """The last day in time by policy, counted from the end of the incident; never one that is over already."""
    where = moments.zone_named(zone)
    today = now.astimezone(where).date()
    ended = (incident.closed_at or now).astimezone(where).date()
    by_policy = policy.retrospective_due(incident.kind, incident.severity, ended)
    return by_policy if by_policy >= today else policy.retrospective_due(incident.kind, incident.severity, today)


def on_the_timeline(session: Session, incident: Incident) -> set[str]:
    """Everyone who had a part in the incident: who said or marked something, has a role, or declared it."""
    said = entries.of_incident(session, incident.id)
    marked = {mark.marker_id for found in entries.marks(session, [one.id for one in said]).values() for mark in found}
    roles = set(incident_rows.roles(session, incident.id).values())
    return entries.authors(session, incident.id) | marked | roles | {incident.declared_by}


def reachable(session: Session, team_id: str, user_ids: Iterable[str]) -> list[str]:
    """Those who are persons and still there, sorted; somebody not known yet is taken for one."""
    known = people.people(session, team_id, user_ids)
    return sorted(user for user in set(user_ids) if _is_there(known.get(user)))


def insiders(session: Session, incident: Incident, user_ids: Iterable[str]) -> list[str]:
    """Those of `reachable` who may know of the incident: of a private one only the members of its channel."""
    there = reachable(session, incident.team_id, user_ids)
    return [user for user in there if incidents.may_see(session, incident, user)]


def must_know(session: Session, incident: Incident, user_ids: Iterable[str], *, field: str) -> None:
    """Raises `FieldRefusal` at `field` when one of them may not know of a private incident."""
    outside = [user for user in user_ids if not incidents.may_see(session, incident, user)]
    if outside:
        names = who.names(session, incident.team_id)
        told = ", ".join(names.get(user, mrkdwn.SOMEBODY) for user in outside)
        reason = f"Not in the channel of this private incident: {told}. Invite them first, or choose somebody else."
        raise FieldRefusal(**{field: reason})


def _is_there(person: Person | None) -> bool:
    return person is None or not (person.is_bot or person.deactivated)


def start(
    session: Session, incident: Incident, plan: Plan, *, guides: Mapping[str, Guide], by: str, now: datetime
) -> tuple[Retrospective, bool]:
    """Begin an incident's retrospective; returns it, and whether this call began it: there is one an incident.

    Raises `NotAPerson`.
    """
    if not reachable(session, incident.team_id, [plan.facilitator_id]):
        raise NotAPerson
    row = Retrospective(
        team_id=incident.team_id,
        incident_id=incident.id,
        guide=plan.guide,
        facilitator_id=plan.facilitator_id,
        started_by=by,
        started_at=now,
        due_on=plan.due_on,
        meeting_at=plan.meeting_at,
        next_look_at=now,
    )
    begun, is_new = add_once(session, row, "incident_id")
    if not is_new:
        return begun, False
    meet(session, begun, [plan.facilitator_id, by, *plan.participants], now)
    if plan.meeting_at is not None:
        _soak(session, begun, guides[plan.guide], plan.meeting_at)
    for user in reachable(session, incident.team_id, plan.participants):
        ask(session, begun, user, now)
    incident.next_look_at = now
    session.add(incident)
    _tell_when_late(session, begun, now)
    detail = {"guide": plan.guide, "facilitator": plan.facilitator_id, "due": plan.due_on.isoformat()}
    audit.record(session, begun.team_id, by, "started", f"retrospective:{begun.id}", detail, now)
    hub_refresh(session, begun, now)
    _ask_to_lead(session, begun, now)
    return begun, True


def _ask_to_lead(session: Session, retrospective: Retrospective, now: datetime) -> None:
    """Tell the facilitator, once each, that they lead it and how; after the hub, which that leads to."""
    user = retrospective.facilitator_id
    payload, key = {"retro": retrospective.id, "user": user}, f"ask_to_lead:{retrospective.id}:{user}"
    of = lane(retrospective.id)
    outbox.put(session, retrospective.team_id, "ask_to_lead", payload, lane=of, now=now, key=key)


def _tell_when_late(session: Session, begun: Retrospective, now: datetime) -> None:
    """Have the hub say so when the day has passed on which it was due; in a lane that nothing else waits in."""
    zone = moments.zone_named(who.zone_of(session, begun.team_id, begun.facilitator_id))
    over = datetime.combine(begun.due_on + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    key, payload = f"hub_late:{begun.id}:{begun.due_on}", {"retro": begun.id}
    outbox.put(session, begun.team_id, "refresh_hub", payload, lane=key, now=now, key=key, not_before=over)


def meet(session: Session, retrospective: Retrospective, user_ids: Sequence[str], now: datetime) -> None:
    """Have Slack asked who those are that are not known yet, before the hub names them."""
    team_id = retrospective.team_id
    known = people.people(session, team_id, user_ids)
    for user in sorted(set(user_ids) - set(known)):
        key = f"refresh_person:{team_id}:{user}:{now:%Y-%m-%d}"
        of = lane(retrospective.id)
        outbox.put(session, team_id, "refresh_person", {"user": user}, lane=of, now=now, key=key)


def ask(session: Session, retrospective: Retrospective, user_id: str, now: datetime) -> None:
    """Let somebody take part, and ask them for their account."""
    row = Participant(retrospective_id=retrospective.id, user_id=user_id, team_id=retrospective.team_id, asked_at=now)
    if add_once(session, row, "retrospective_id", "user_id")[1]:
        payload = {"retro": retrospective.id, "user": user_id}
        key = f"ask_account:{retrospective.id}:{user_id}"
        lane_ = f"dm:{user_id}"
        outbox.put(session, retrospective.team_id, "ask_account", payload, lane=lane_, now=now, key=key)


def join(session: Session, retrospective: Retrospective, user_id: str, now: datetime) -> None:
    """Somebody who may know of the incident takes part from now on."""
    if not may_edit(session, retrospective, user_id):
        meet(session, retrospective, [user_id], now)
        ask(session, retrospective, user_id, now)
        subject = f"retrospective:{retrospective.id}"
        audit.record(session, retrospective.team_id, user_id, "joined", subject, {}, now)
        hub_refresh(session, retrospective, now)


def change(
    session: Session,
    retrospective: Retrospective,
    *,
    facilitator_id: str,
    participants: Sequence[str],
    due_on: date,
    meeting_at: datetime | None,
    guide: Guide,
    by: str,
    now: datetime,
) -> bool:
    """Change who leads, who takes part, until when, and when they meet; returns whether the meeting is a new one.

    Nobody is taken out who has given an account: that they did is part of the record. The retrospective must be
    held. Raises `NotTakingPart`, `NotAPerson`.
    """
    must_take_part(session, retrospective, by)
    if not reachable(session, retrospective.team_id, [facilitator_id]):
        raise NotAPerson
    meet(session, retrospective, [facilitator_id, *participants], now)
    is_new = meeting_at is not None and meeting_at != retrospective.meeting_at
    retrospective.facilitator_id, retrospective.due_on = facilitator_id, due_on
    retrospective.meeting_at, retrospective.next_look_at = meeting_at, now
    session.add(retrospective)
    if is_new and meeting_at is not None:
        _soak(session, retrospective, guide, meeting_at)
    for one in retros.participants(session, retrospective.id):
        if one.user_id not in participants and not one.answered:
            session.delete(one)
    session.flush()
    for user in reachable(session, retrospective.team_id, participants):
        ask(session, retrospective, user, now)
    _tell_when_late(session, retrospective, now)
    detail = {"facilitator": facilitator_id, "due": due_on.isoformat()}
    audit.record(session, retrospective.team_id, by, "changed", f"retrospective:{retrospective.id}", detail, now)
    hub_refresh(session, retrospective, now)
    _ask_to_lead(session, retrospective, now)
    return is_new


def facilitator_is_gone(session: Session, retrospective: Retrospective) -> bool:
    person = people.person(session, retrospective.team_id, retrospective.facilitator_id)
    return person is not None and person.deactivated


def take_over(session: Session, retrospective: Retrospective, user_id: str, now: datetime) -> None:
    """Somebody who takes part leads from now on, because the facilitator is gone.

    Raises `NotTakingPart`, `StillThere`.
    """
    if retrospective.facilitator_id == user_id:
        return
    must_take_part(session, retrospective, user_id)
    if not facilitator_is_gone(session, retrospective):
        raise StillThere
    detail = {"from": retrospective.facilitator_id}
    retrospective.facilitator_id = user_id
    retrospective.next_look_at = now
    session.add(retrospective)
    subject = f"retrospective:{retrospective.id}"
    audit.record(session, retrospective.team_id, user_id, "took over", subject, detail, now)
    hub_refresh(session, retrospective, now)
    _ask_to_lead(session, retrospective, now)


def person_changed(session: Session, person: Person, now: datetime) -> None:
    """Have the hubs follow when somebody who takes part was deactivated or came back."""
    for retrospective in retros.led_by(session, person.team_id, person.user_id):
        hub_refresh(session, retrospective, now)


# --- how far it is ---------------------------------------------------------------------------------------


def note_step(
    session: Session, retrospective: Retrospective, guide: Guide, step: str, *, done: bool, by: str, now: datetime
) -> None:
    """Remember that a step was saved; one that is done stays so when it is opened again and left."""
    there = session.get(StepState, (retrospective.id, step))
    state = DONE if done or (there is not None and there.state == DONE) else DRAFT
    session.merge(
        StepState(
            retrospective_id=retrospective.id,
            step=step,
            team_id=retrospective.team_id,
            state=state,
            saved_by=by,
            saved_at=now,
        )
    )
    following = guide.following(step)
    if done and retrospective.soak_until is None and following is not None and following.after_soak:
        _soak(session, retrospective, guide, now)
    hub_refresh(session, retrospective, now)


def _soak(session: Session, retrospective: Retrospective, guide: Guide, since: datetime) -> None:
    """From now on the steps after the pause have a day on which they are best begun."""
    if guide.soak_days == 0 or not any(step.after_soak for step in guide.steps):
        return
    zone = moments.zone_named(who.zone_of(session, retrospective.team_id, retrospective.facilitator_id))
    day = add_working_days(since.astimezone(zone).date(), guide.soak_days)
    retrospective.soak_until = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    session.add(retrospective)


@dataclass(frozen=True)
class StepProgress:
    """How one step stands; `state` is "done", "draft" or "" for untouched, `missing` are required questions."""

    step: Step
    state: str = ""
    saved_by: str | None = None
    saved_at: datetime | None = None
    missing: Sequence[str] = ()
    nobody_answered: bool = False

    @property
    def has_gaps(self) -> bool:
        """Whether somebody went through it and left out what is needed: it is not simply done."""
        return self.state == DONE and (bool(self.missing) or self.nobody_answered)


@dataclass(frozen=True)
class Progress:
    """How a retrospective stands at one moment, for the hub, `/retro status` and the review."""

    retro: Retrospective
    incident: Incident
    guide: Guide
    steps: Sequence[StepProgress]
    participants: Sequence[Participant]
    names: Mapping[str, str]
    is_late: bool
    facilitator_is_gone: bool
    unset: Sequence[str] = field(default_factory=tuple)
    away: Sequence[Away] = ()
    rest_until: date | None = None

    @property
    def following(self) -> StepProgress | None:
        """The first step that is not done; None when all are."""
        return next((step for step in self.steps if step.state != DONE), None)

    @property
    def done(self) -> int:
        return sum(step.state == DONE for step in self.steps)

    @property
    def answered(self) -> int:
        return sum(one.answered for one in self.participants)

    @property
    def missing(self) -> list[tuple[Step, str]]:
        """Every required question that nobody has answered, with its step."""
        return [(step.step, label) for step in self.steps for label in step.missing]


def progress(session: Session, retrospective: Retrospective, guides: Mapping[str, Guide], now: datetime) -> Progress:
    """How far a retrospective is and what it still needs. Raises `GuideGone`."""
    guide = guide_of(retrospective, guides)
    states = retros.step_states(session, retrospective.id)
    known = retros.answers(session, retrospective.id)
    zone = moments.zone_named(who.zone_of(session, retrospective.team_id, retrospective.facilitator_id))
    reached = incident_rows.milestones(session, retrospective.incident_id)
    incident = incident_rows.by_id(session, retrospective.incident_id)
    participants = retros.participants(session, retrospective.id)
    unheard = bool(participants) and not any(one.answered for one in participants)
    return Progress(
        retro=retrospective,
        incident=incident,
        guide=guide,
        steps=[_step_progress(step, states.get(step.key), known, unheard=unheard) for step in guide.steps],
        participants=participants,
        names=who.names(session, retrospective.team_id),
        is_late=retrospective.status != RetroStatus.PUBLISHED and now.astimezone(zone).date() > retrospective.due_on,
        facilitator_is_gone=facilitator_is_gone(session, retrospective),
        unset=[kind.value for kind in MilestoneKind if kind not in reached],
        away=owners_away(session, incident, action_items.of_retrospective(session, retrospective.id)),
        rest_until=rest_until(session, retrospective, now),
    )


def _step_progress(
    step: Step, state: StepState | None, known: Mapping[tuple[str, str], Answer], *, unheard: bool
) -> StepProgress:
    asked = () if step.kind == "accounts" else step.prompts
    missing = [
        prompt.label
        for prompt in asked
        if prompt.required and not ((found := known.get((step.key, prompt.key))) and found.text.strip())
    ]
    if state is None:
        return StepProgress(step, missing=missing)
    return StepProgress(step, state.state, state.saved_by, state.saved_at, missing, unheard and step.kind == "accounts")


def rest_until(session: Session, retrospective: Retrospective, now: datetime) -> date | None:
    """The day, in the facilitator's zone, until which what was talked about sinks in; None when it is not to come."""
    if retrospective.soak_until is None or now >= retrospective.soak_until:
        return None
    zone = moments.zone_named(who.zone_of(session, retrospective.team_id, retrospective.facilitator_id))
    return retrospective.soak_until.astimezone(zone).date()
