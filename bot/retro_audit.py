"""How the retrospectives themselves went: begun, published in time, followed by actions. It names nobody.

Drills and private incidents stay out, so that it can be said in front of everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from statistics import median

from sqlmodel import Session

from bot.policy import Policy
from bot.working_hours import start_of
from storage import digests, library
from storage.models import Incident, Retrospective


@dataclass(frozen=True)
class Case:
    """An incident that was closed, with what there was of its retrospective at the moment of the audit.

    Days are the team's; `due_on` is the policy's, whatever was agreed on for this one. `is_wanted`: by the policy,
    or because somebody began it.
    """

    incident: Incident
    retro: Retrospective | None
    closed_on: date
    due_on: date
    published_on: date | None
    is_wanted: bool


@dataclass(frozen=True)
class RetroAudit:
    """What was counted of the incidents closed in a period, as it stood `on` a later day.

    `in_time` were published by the policy's day; for `not_yet_due` that day is still to come, for `left_open` the
    policy leaves it open whether there is a retrospective, and nobody began one. `days` is the median from closing
    to publication. `agreed` and `verified` are actions. `late` are those, the first closed first, whose day came in
    the period or since and that are wanted and not published: also of incidents closed before the period.
    """

    on: date
    closed: int
    begun: int
    published: int
    in_time: int
    not_yet_due: int
    left_open: int
    days: float | None
    without_action: int
    agreed: int
    verified: int
    late: Sequence[Case]


def audit(
    session: Session, team_id: str, first: date, following: date, policy: Policy, *, zone: tzinfo, at: datetime
) -> RetroAudit:
    """Count what was closed from `first` until before `following`, days in `zone`, as it stood at a moment."""
    on, length = at.astimezone(zone).date(), following - first
    rows = digests.closed_incidents(session, team_id, start_of(first - length, zone), start_of(following, zone))
    # Those closed in the period before may have come due in this one: they would else be named in no review.
    known = [_case(incident, retro, policy, zone, at) for incident, retro in rows]
    cases = [one for one in known if one.closed_on >= first]
    out = [(one, one.published_on) for one in cases if one.published_on is not None]
    waiting = [one for one in cases if one.published_on is None and one.is_wanted]
    agreed = [one for one in library.actions(session, [one.incident.id for one in cases]) if one.created_at <= at]
    with_action = {one.incident_id for one in agreed}
    return RetroAudit(
        on=on,
        closed=len(cases),
        begun=sum(one.retro is not None for one in cases),
        published=len(out),
        in_time=sum(day <= one.due_on for one, day in out),
        not_yet_due=sum(one.due_on >= on for one in waiting),
        left_open=sum(not one.is_wanted for one in cases),
        days=median(max((day - one.closed_on).days, 0) for one, day in out) if out else None,
        without_action=sum(one.incident.id not in with_action for one, _ in out),
        agreed=len(agreed),
        verified=sum(one.verified_at is not None and one.verified_at <= at for one in agreed),
        late=[one for one in known if one.published_on is None and one.is_wanted and first <= one.due_on < on],
    )


def _case(incident: Incident, retro: Retrospective | None, policy: Policy, zone: tzinfo, at: datetime) -> Case:
    begun = retro if retro is not None and retro.started_at <= at else None
    published_at = begun.published_at if begun is not None else None
    closed_on = (incident.closed_at or incident.declared_at).astimezone(zone).date()
    return Case(
        incident=incident,
        retro=begun,
        closed_on=closed_on,
        due_on=policy.retrospective_due(incident.kind, incident.severity, closed_on),
        published_on=published_at.astimezone(zone).date() if published_at and published_at <= at else None,
        is_wanted=begun is not None or policy.wants_retrospective(incident.kind, incident.severity) != "optional",
    )
