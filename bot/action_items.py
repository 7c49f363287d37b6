"""Actions: agreed, changed, done, confirmed by another person, handed over, put off, or openly not done.

Every verb takes the action's id, holds its row, refuses what cannot be, and leaves a trace (`ActionEvent`) and
the earlier state (`Revision`). `now` is an aware UTC moment. After each, the nudge rules look at it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlmodel import Session

from bot import audit, incidents, moments, mrkdwn, retro
from bot import people as who
from bot.errors import FieldRefusal, Refusal
from storage import action_items, people, retros
from storage import incidents as incident_rows
from storage.db import add_once
from storage.models import ActionEvent, ActionItem, ActionStatus, Factor, Incident, Revision

LONGEST_SNOOZE = timedelta(days=90)
"""Beyond a quarter, a later due date says more honestly what is meant."""


@dataclass(frozen=True)
class Kind:
    """What an action changes. `is_process`: how people work together, rather than how machines do."""

    label: str
    about: str
    is_process: bool = False


KINDS: Mapping[str, Kind] = {
    "prevent": Kind("Prevent", "It cannot happen this way again"),
    "detect": Kind("Detect", "It is noticed sooner"),
    "mitigate": Kind("Mitigate", "It does less harm"),
    "respond": Kind("Respond", "People are found, and decide, sooner", is_process=True),
    "test": Kind("Test", "A test or a check that would have caught it"),
    "monitor": Kind("Monitor", "A signal, a dashboard, an alert"),
    "rollback": Kind("Rollback", "A faster or safer way back"),
    "runbook": Kind("Runbook", "What to do is written down where it is needed", is_process=True),
    "governance": Kind("Governance", "A rule, a review, a habit of the team", is_process=True),
}
LEVELS: Mapping[str, str] = {"high": "High", "medium": "Medium", "low": "Low"}
_WEIGHT = {"low": 1, "medium": 2, "high": 3}
_SEVERITY_RISK = {"SEV1": 12, "SEV2": 8, "SEV3": 4, "SEV4": 2}


class NoSuchAction(Refusal):
    """There is no such action that you can see. `/retro actions` shows those there are."""


class NotNow(Refusal):
    """The action is in another state by now, so nothing was changed."""


class NotYours(Refusal):
    """Only the person who was asked to take this action over can answer that. Nothing was changed."""


class NotYoursToChange(Refusal):
    """Only its owner and those who take part in the retrospective change what was agreed, so nothing was changed.
    "Join" in the retrospective's hub lets you in; "Done", "Hand over" and the other buttons are for everybody.
    """


class AnotherPerson(Refusal):
    """Somebody other than the one who did it confirms an action, so nothing was changed. Ask a colleague to look."""


class ChangedMeanwhile(Refusal):
    """Somebody changed this action while you were writing. Your words are kept in the dialog."""

    def __init__(self, action_id: int) -> None:
        super().__init__()
        self.action_id = action_id


@dataclass(frozen=True)
class Plan:
    """What somebody filled in for an action; texts as typed, `due_on` a day in the owner's zone."""

    what: str
    owner_id: str
    due_on: date
    kind: str = "prevent"
    factor_id: int | None = None
    success_criteria: str = ""
    impact: str = "medium"
    effort: str = "medium"


def add(
    session: Session,
    incident: Incident,
    plan: Plan,
    *,
    by: str,
    source_key: str,
    now: datetime,
    retrospective_id: int | None = None,
) -> ActionItem:
    """Agree on an action; the same `source_key` (the dialog) again is the same action.

    Raises `FieldRefusal` with the fields of the dialog `what`, `owner`, `due` and `addresses`.
    """
    known = action_items.by_source(session, incident.team_id, source_key)
    if known is not None:
        return known
    _check(session, incident, plan, retrospective_id)
    _check_due(session, incident.team_id, plan, by, now)
    action = ActionItem(
        team_id=incident.team_id,
        number=action_items.next_number(session, incident.team_id),
        source_key=source_key,
        incident_id=incident.id,
        retrospective_id=retrospective_id,
        created_by=by,
        created_at=now,
        owner_since=now,
        next_look_at=now,
        **_columns(plan),
    )
    action, is_new = add_once(session, action, "team_id", "source_key")
    if is_new:
        _trace(session, action, "added", by, now)
    return action


def change(
    session: Session, team_id: str, action_id: int, plan: Plan, *, by: str, based_on: int, now: datetime
) -> ActionItem:
    """Put other words, owner or date; `based_on` is the version that was shown to the writer.

    Raises `ChangedMeanwhile` when that is no longer the latest and says something else; `NotYoursToChange`;
    `FieldRefusal` as `add` does, of a date only when it is another than before.
    """
    action = to_change(session, team_id, action_id, by, hold=True)
    wanted = _columns(plan)
    if all(getattr(action, name) == value for name, value in wanted.items()):
        return action
    if action.version != based_on:
        raise ChangedMeanwhile(action.id)
    _check(session, incident_rows.by_id(session, action.incident_id), plan, action.retrospective_id)
    if plan.due_on != action.due_on:
        _check_due(session, team_id, plan, by, now)
    _keep_earlier(session, action, by, now)
    said = ", ".join(
        f"{name} was {getattr(action, name)}" for name in ("owner_id", "due_on") if _differs(action, plan, name)
    )
    if action.owner_id != plan.owner_id:
        action.handover_to, action.owner_since = None, now
    for name, value in wanted.items():
        setattr(action, name, value)
    return _changed(session, action, "changed", by, now, said)


def done(session: Session, team_id: str, action_id: int, *, by: str, how: str, now: datetime) -> ActionItem:
    """Say that it is done and how that was checked; it counts only once another person confirms."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.OPEN)
    if not how.strip():
        raise FieldRefusal(how="Say in a few words how it was checked, so that somebody else can look, too.")
    _keep_earlier(session, action, by, now)
    action.status, action.done_by, action.done_at = ActionStatus.DONE, by, now
    action.checked_how, action.closed_at = how.strip(), now
    action.handover_to = action.snoozed_until = None
    return _changed(session, action, "done", by, now, how.strip())


def confirm(session: Session, team_id: str, action_id: int, *, by: str, words: str = "", now: datetime) -> ActionItem:
    """Confirm, as another person than the one who did it, that it is done and works."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.DONE)
    if by in {action.done_by, action.owner_id}:
        raise AnotherPerson
    _keep_earlier(session, action, by, now)
    action.status, action.verified_by, action.verified_at = ActionStatus.VERIFIED, by, now
    return _changed(session, action, "confirmed", by, now, words.strip())


def reopen(session: Session, team_id: str, action_id: int, *, by: str, words: str, now: datetime) -> ActionItem:
    """Take it up again: it was not done after all, brought new trouble, or is wanted now."""
    action = seen(session, team_id, action_id, by, hold=True)
    if action.status == ActionStatus.OPEN:
        raise NotNow(f"{action.key} is open already, so nothing was changed.")
    if not words.strip():
        raise FieldRefusal(words="Say in a few words what is missing, so that its owner can go on.")
    _keep_earlier(session, action, by, now)
    action.status = ActionStatus.OPEN
    action.done_by = action.verified_by = action.smoke = action.effect = None
    action.done_at = action.verified_at = action.closed_at = None
    action.checked_how = action.smoke_note = action.effect_note = action.wont_do_because = ""
    return _changed(session, action, "reopened", by, now, words.strip())


def snooze(session: Session, team_id: str, action_id: int, *, by: str, until: date | None, now: datetime) -> ActionItem:
    """Leave its owner in peace about it until a day (in the owner's zone); then everything goes on as before."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.OPEN)
    today = now.astimezone(zone_of(session, team_id, action.owner_id)).date()
    if until is None or until <= today:
        raise FieldRefusal(until="Choose a day that is still to come.")
    if until - today > LONGEST_SNOOZE:
        raise FieldRefusal(until=f"At most {LONGEST_SNOOZE.days} days; for longer, change the due date.")
    _keep_earlier(session, action, by, now)
    action.snoozed_until = until
    return _changed(session, action, "snoozed", by, now, until.isoformat())


def hand_over(
    session: Session, team_id: str, action_id: int, *, by: str, to: str, words: str = "", now: datetime
) -> ActionItem:
    """Ask somebody to take it over; until they accept, the owner stays the owner."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.OPEN)
    if to == action.owner_id:
        raise FieldRefusal(to="It is theirs already.")
    _check_owner(session, incident_rows.by_id(session, action.incident_id), to, field="to")
    _keep_earlier(session, action, by, now)
    action.handover_to = to
    return _changed(session, action, "handover", by, now, _joined(to, words))


def accept(session: Session, team_id: str, action_id: int, *, by: str, now: datetime) -> ActionItem:
    """Take over what one was asked to take over."""
    action = _asked(session, team_id, action_id, by)
    _keep_earlier(session, action, by, now)
    before, action.owner_id, action.owner_since = action.owner_id, by, now
    action.handover_to = action.snoozed_until = None
    return _changed(session, action, "accepted", by, now, before)


def decline(session: Session, team_id: str, action_id: int, *, by: str, words: str = "", now: datetime) -> ActionItem:
    """Leave it with its owner."""
    action = _asked(session, team_id, action_id, by)
    _keep_earlier(session, action, by, now)
    action.handover_to = None
    return _changed(session, action, "declined", by, now, words.strip())


def not_reached(session: Session, team_id: str, action_id: int, *, asked: str, why: str, now: datetime) -> None:
    """Note that the one who was asked to take it over cannot be reached; it stays with its owner."""
    action = action_items.held(session, team_id, action_id)
    if action is not None and action.handover_to == asked:
        _keep_earlier(session, action, asked, now)
        action.handover_to = None
        _changed(session, action, "not_reached", asked, now, why)


def words_of(event: ActionEvent) -> str:
    """What somebody wrote with a step of an action's trace, without the name it was addressed to."""
    return event.words.partition(": ")[2] if event.what == "handover" else event.words


def wont_do(session: Session, team_id: str, action_id: int, *, by: str, because: str, now: datetime) -> ActionItem:
    """Say openly that it will not be done, and for what reason."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.OPEN)
    if not because.strip():
        raise FieldRefusal(because="Give the reason in a sentence; it stands in the retrospective.")
    _keep_earlier(session, action, by, now)
    action.status, action.closed_at, action.wont_do_because = ActionStatus.WONT_DO, now, because.strip()
    action.handover_to = action.snoozed_until = None
    return _changed(session, action, "wont_do", by, now, because.strip())


def tell_smoke(
    session: Session, team_id: str, action_id: int, *, by: str, holds: bool, words: str = "", now: datetime
) -> ActionItem:
    """Answer, some days after it was confirmed, whether it holds; new trouble opens the action again."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.VERIFIED)
    if not holds:
        return reopen(session, team_id, action_id, by=by, words=words, now=now)
    _keep_earlier(session, action, by, now)
    action.smoke, action.smoke_note = "holds", words.strip()
    return _changed(session, action, "holds", by, now, words.strip())


EFFECTS: Mapping[str, str] = {"yes": "Yes", "partly": "Partly", "no": "No"}


def tell_effect(
    session: Session, team_id: str, action_id: int, *, by: str, effect: str, words: str = "", now: datetime
) -> ActionItem:
    """Answer, a month after it was confirmed, whether it had the intended effect (a key of `EFFECTS`)."""
    action = _in_state(session, team_id, action_id, by, ActionStatus.VERIFIED)
    _keep_earlier(session, action, by, now)
    action.effect, action.effect_note = effect, words.strip()
    return _changed(session, action, "effect", by, now, _joined(effect, words))


def seen(session: Session, team_id: str, action_id: int, by: str, *, hold: bool = False) -> ActionItem:
    """The action, if that person may know of it; raises `NoSuchAction` either way alike."""
    find = action_items.held if hold else action_items.by_id
    action = find(session, team_id, action_id)
    if action is None or not incidents.may_see(session, incident_rows.by_id(session, action.incident_id), by):
        raise NoSuchAction
    return action


def to_change(session: Session, team_id: str, action_id: int, by: str, *, hold: bool = False) -> ActionItem:
    """The action, if that person may change what was agreed: its owner, and who takes part in its retrospective.

    Publishing changes nothing about that: plans go on changing, and the trace shows how. Raises `NoSuchAction`,
    `NotYoursToChange`.
    """
    action = seen(session, team_id, action_id, by, hold=hold)
    of = retros.by_id(session, team_id, action.retrospective_id) if action.retrospective_id is not None else None
    if by != action.owner_id and of is not None and not retro.may_edit(session, of, by):
        raise NotYoursToChange
    return action


def zone_of(session: Session, team_id: str, user_id: str) -> tzinfo:
    """The zone a person's days are counted in."""
    return moments.zone_named(who.zone_of(session, team_id, user_id))


def priority(action: ActionItem, risk: int | None, severity: str) -> float:
    """Impact times risk divided by effort; the higher, the sooner it is worth doing.

    `risk` is likelihood times consequence (1 to 16); None, when the retrospective does not say it, takes what the
    incident's severity suggests.
    """
    weight = _SEVERITY_RISK.get(severity, 4) if risk is None else risk
    return _WEIGHT.get(action.impact, 2) * weight / _WEIGHT.get(action.effort, 2)


def by_priority(actions: Iterable[ActionItem], risk: int | None, severity: str) -> list[ActionItem]:
    """What is worth doing first, first; equal ones in the order of their dates."""
    return sorted(actions, key=lambda one: (-priority(one, risk, severity), one.due_on, one.number))


def is_quick_win(action: ActionItem) -> bool:
    """Much for little: worth doing at once."""
    return action.effort == "low" and action.impact != "low"


def unpaired(actions: Sequence[ActionItem]) -> str | None:
    """In a sentence, what a fix still needs beside it: technical changes last when work changes with them."""
    wanted = [one for one in actions if one.status != ActionStatus.WONT_DO]
    process = {KINDS[one.kind].is_process for one in wanted if one.kind in KINDS}
    if process == {False}:
        return (
            "These are all technical changes. Which change in how people work goes with them:"
            " a runbook, a habit, somebody who answers the new alert?"
        )
    if process == {True}:
        return (
            "These are all changes in how people work. Is there a technical one that would make the safe way the"
            " easy way: a test, a check, an alert?"
        )
    return None


def _columns(plan: Plan) -> dict[str, Any]:
    return {
        "what": plan.what.strip(),
        "owner_id": plan.owner_id,
        "due_on": plan.due_on,
        "kind": plan.kind,
        "factor_id": plan.factor_id,
        "success_criteria": plan.success_criteria.strip(),
        "impact": plan.impact,
        "effort": plan.effort,
    }


def _check(session: Session, incident: Incident, plan: Plan, retrospective_id: int | None) -> None:
    if not plan.what.strip():
        raise FieldRefusal(what="An action needs words: what will be different once it is done?")
    _check_owner(session, incident, plan.owner_id, field="owner")
    factor = session.get(Factor, plan.factor_id) if plan.factor_id is not None else None
    if plan.factor_id is not None and (factor is None or factor.retrospective_id != retrospective_id):
        raise FieldRefusal(addresses="That factor is not one of this retrospective; choose another, or none.")


def _check_due(session: Session, team_id: str, plan: Plan, by: str, now: datetime) -> None:
    """Today is in time, be it the owner's today or the writer's."""
    today = min(now.astimezone(zone_of(session, team_id, user)).date() for user in (plan.owner_id, by))
    if plan.due_on < today:
        raise FieldRefusal(due="This day is over; choose today or a day that is still to come.")


def _check_owner(session: Session, incident: Incident, user_id: str, *, field: str) -> None:
    person = people.person(session, incident.team_id, user_id)
    if person is not None and person.is_bot:
        raise FieldRefusal(**{field: "A bot cannot own an action; choose a person."})
    if person is not None and person.deactivated:
        raise FieldRefusal(**{field: f"{person.name} has left this workspace; choose somebody else."})
    if not incidents.may_see(session, incident, user_id):
        reason = "They are not in the channel of this private incident; invite them first, or choose somebody else."
        raise FieldRefusal(**{field: reason})


def _in_state(session: Session, team_id: str, action_id: int, by: str, status: ActionStatus) -> ActionItem:
    action = seen(session, team_id, action_id, by, hold=True)
    if action.status != status:
        raise NotNow(f"{action.key} {state_words(session, action)}, so nothing was changed.")
    return action


def _asked(session: Session, team_id: str, action_id: int, by: str) -> ActionItem:
    action = seen(session, team_id, action_id, by, hold=True)
    if action.handover_to is None:
        owner = _name(session, action, action.owner_id)
        raise NotNow(f"{action.key} is not being handed over any more; {owner} owns it. Nothing was changed.")
    if action.handover_to != by:
        raise NotYours
    return action


def state_words(session: Session, action: ActionItem) -> str:
    """The state of an action as the rest of a sentence, with whoever brought it there; Slack text."""
    match action.status:
        case ActionStatus.DONE:
            return f"was marked done by {_name(session, action, action.done_by)} and waits to be confirmed"
        case ActionStatus.VERIFIED:
            return f"is done, confirmed by {_name(session, action, action.verified_by)}"
        case ActionStatus.WONT_DO:
            return "will not be done"
        case _:
            return "is open"


def _name(session: Session, action: ActionItem, user_id: str | None) -> str:
    known = people.people(session, action.team_id, [user_id] if user_id else [])
    return mrkdwn.escape(who.name_of(known, user_id))


def _joined(first: str, words: str) -> str:
    return f"{first}: {words.strip()}" if words.strip() else first


def _differs(action: ActionItem, plan: Plan, name: str) -> bool:
    return bool(getattr(action, name) != getattr(plan, name))


def _keep_earlier(session: Session, action: ActionItem, by: str, now: datetime) -> None:
    session.add(
        Revision(
            team_id=action.team_id,
            subject="action",
            subject_id=action.id,
            number=action.version,
            body=action.model_dump(mode="json"),
            changed_by=by,
            changed_at=now,
        )
    )


def _changed(session: Session, action: ActionItem, what: str, by: str, now: datetime, words: str = "") -> ActionItem:
    action.version += 1
    action.next_look_at = now
    session.add(action)
    _trace(session, action, what, by, now, words)
    return action


def _trace(session: Session, action: ActionItem, what: str, by: str, now: datetime, words: str = "") -> None:
    event = ActionEvent(team_id=action.team_id, action_id=action.id, what=what, words=words, by=by, at=now)
    session.add(event)
    audit.record(session, action.team_id, by, what, f"action:{action.id}", {"version": action.version}, now)
