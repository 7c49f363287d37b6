"""Review and publication: what is still missing, who has read it, and the numbered versions that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bot import audit, blameless, documents, incidents, mrkdwn, reports, retro
from bot import people as who
from bot.errors import FieldRefusal, Refusal
from bot.guides import Guide
from bot.policy import Policy
from bot.report import Person, Report
from bot.reports import CHECKLIST, Books
from bot.settings import Settings
from storage import action_items, factors, outbox, publications, retros
from storage import incidents as incident_rows
from storage.db import add_once
from storage.models import (
    ActionStatus,
    DocumentVersion,
    Incident,
    MilestoneKind,
    Retrospective,
    RetroStatus,
    Review,
)


class NotAsked(Refusal):
    """You were not asked to review this retrospective, so nothing was changed. Its facilitator can ask you."""


class Decision(StrEnum):
    APPROVED = "approved"
    CHANGES = "changes"


# --- what is still missing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """Something that policy asks for and is not there; `step` is the key of the step it belongs to."""

    step: str
    words: str


def gaps(session: Session, retrospective: Retrospective, guide: Guide, policy: Policy, now: datetime) -> list[Gap]:
    """What is missing for this kind of incident, in the order of the steps; it never stops a publication.

    Required answers are asked of all. Where the policy requires a retrospective for the severity (and it is no
    drill or near miss), also milestones, accounts, several factors, actions, the checklist and a review.
    """
    stand = retro.progress(session, retrospective, {guide.key: guide}, now)
    order = {step.key: number for number, step in enumerate(guide.steps)}
    found = [Gap(step.key, f"{step.title}: {label}") for step, label in stand.missing]
    found += [
        Gap(guide.steps[-1].key, f"{one.key} has no way to tell that it worked")
        for one in action_items.of_incident(session, retrospective.incident_id)
        if one.status == ActionStatus.OPEN and not one.success_criteria.strip()
    ]
    found += _whole(session, retrospective, stand, policy)
    return sorted(found, key=lambda gap: order[gap.step])


def _whole(session: Session, retrospective: Retrospective, stand: retro.Progress, policy: Policy) -> list[Gap]:
    """What only the incidents need for which a retrospective is required."""
    incident, guide = stand.incident, stand.guide
    if policy.wants_retrospective(incident.kind, incident.severity) != "required":
        return []
    steps = {step.kind: step.key for step in guide.steps}
    ticked = retros.answers(session, retrospective.id).get((steps["review"], CHECKLIST))
    done = set(ticked.text.split("\n")) if ticked is not None else set()
    left = [item.label for item in policy.checklist if item.key not in done]
    reviews = publications.reviews(session, retrospective.id)
    wanted = {
        "milestones": _listed(
            "No time is set for", [kind.value for kind in MilestoneKind if kind.value in stand.unset]
        ),
        "accounts": "" if stand.answered else "Nobody has given an account yet",
        "factors": _several(session, retrospective),
        "actions": _agreed(session, retrospective, steps.get("actions", "")),
    }
    found = [Gap(steps[kind], words) for kind, words in wanted.items() if kind in steps and words]
    if left:
        found.append(Gap(steps["review"], _counted("Checklist", left)))
    if not any(one.decision == Decision.APPROVED for one in reviews):
        found.append(Gap(steps["review"], "Nobody has approved it yet"))
    found += [
        Gap(steps["review"], f"{stand.names.get(one.user_id, mrkdwn.SOMEBODY)} asks for changes")
        for one in reviews
        if one.decision == Decision.CHANGES
    ]
    return found


def _listed(what: str, words: Sequence[str]) -> str:
    return f"{what}: {', '.join(words)}" if words else ""


def _counted(what: str, left: Sequence[str]) -> str:
    return f"{what}: {left[0]}" if len(left) == 1 else f"{what}: {len(left)} points are not ticked"


def _several(session: Session, retrospective: Retrospective) -> str:
    number = len(factors.of_retrospective(session, retrospective.id))
    return {0: "No contributing factors yet", 1: "Only one contributing factor"}.get(number, "")


def _agreed(session: Session, retrospective: Retrospective, step: str) -> str:
    """To do nothing is a result as well, when it is said."""
    if action_items.of_incident(session, retrospective.incident_id):
        return ""
    said = retros.answers(session, retrospective.id).get((step, "declined"))
    return "" if said is not None and said.text.strip() else "No actions, and no word why none are needed"


# --- review ----------------------------------------------------------------------------------------------


def ask(
    session: Session, retrospective: Retrospective, user_ids: Sequence[str], *, by: str, now: datetime
) -> list[str]:
    """Ask people to review; those who asked for changes are asked again. Returns who is asked now.

    The retrospective must be held. Raises `FieldRefusal` (`reviewers`) for somebody who may not know of a
    private incident or cannot be written to.
    """
    incident = incident_rows.by_id(session, retrospective.incident_id)
    names = who.names(session, retrospective.team_id)
    there = retro.reachable(session, retrospective.team_id, user_ids)
    outside = [user for user in user_ids if user not in there or not incidents.may_see(session, incident, user)]
    if outside:
        told = ", ".join(names.get(user, mrkdwn.SOMEBODY) for user in outside)
        raise FieldRefusal(reviewers=f"{told} cannot be asked: only people who may see this incident can be.")
    asked = [user for user in user_ids if _ask_one(session, retrospective, user, by, now)]
    if asked and retrospective.status == RetroStatus.DRAFT:
        retrospective.status = RetroStatus.REVIEW
    retrospective.next_look_at = now
    session.add(retrospective)
    retro.hub_refresh(session, retrospective, now)
    return asked


def _ask_one(session: Session, retrospective: Retrospective, user_id: str, by: str, now: datetime) -> bool:
    row = Review(retrospective_id=retrospective.id, user_id=user_id, team_id=retrospective.team_id, asked_at=now)
    there, added = add_once(session, row, "retrospective_id", "user_id")
    if not added:
        if there.decision != Decision.CHANGES:
            return False
        there.asked_at, there.decision, there.words, there.decided_at = now, None, "", None
        session.add(there)
    payload = {"retro": retrospective.id, "user": user_id, "by": by}
    key = f"ask_review:{retrospective.id}:{user_id}:{now.isoformat()}"
    outbox.put(session, retrospective.team_id, "ask_review", payload, lane=f"dm:{user_id}", now=now, key=key)
    detail = {"reviewer": user_id}
    audit.record(session, retrospective.team_id, by, "asked for review", subject(retrospective), detail, now)
    return True


def decide(
    session: Session,
    retrospective: Retrospective,
    user_id: str,
    decision: Decision,
    words: str,
    now: datetime,
) -> Review:
    """A reviewer approves, or asks for changes in words; the facilitator hears of it. Raises `NotAsked`.

    The same decision with the same words again changes nothing.
    """
    review = publications.review_of(session, retrospective.id, user_id)
    if review is None:
        raise NotAsked
    if (review.decision, review.words) == (decision, words.strip()):
        return review
    review.decision, review.words, review.decided_at = decision, words.strip(), now
    session.add(review)
    what = "approved" if decision == Decision.APPROVED else "asked for changes"
    audit.record(session, retrospective.team_id, user_id, what, subject(retrospective), {}, now)
    if retrospective.facilitator_id != user_id:
        payload = {"retro": retrospective.id, "user": retrospective.facilitator_id, "by": user_id}
        payload |= {"decision": decision.value, "words": review.words}
        lane = f"dm:{retrospective.facilitator_id}"
        outbox.put(session, retrospective.team_id, "tell_review", payload, lane=lane, now=now)
    retrospective.next_look_at = now
    session.add(retrospective)
    retro.hub_refresh(session, retrospective, now)
    return review


def subject(retrospective: Retrospective) -> str:
    """What a retrospective is called in the audit trail."""
    return f"retrospective:{retrospective.id}"


# --- published -------------------------------------------------------------------------------------------


def publish(
    session: Session, retrospective: Retrospective, incident: Incident, books: Books, *, by: str, now: datetime
) -> tuple[Report, bool]:
    """Keep what there is as the next numbered version, and have it shared; the retrospective must be held.

    Returns the version that stands now, and whether this call made it: when nothing was changed since the last
    one, that stays. Raises `GuideGone`.
    """
    draft = reports.build(session, incident, books)
    last = reports.latest(session, incident)
    if last is not None and not reports.differs(last, draft):
        return last, False
    report = _stamped(session, retrospective, draft, last, by, now)
    version = DocumentVersion(
        team_id=retrospective.team_id,
        retrospective_id=retrospective.id,
        number=report.version,
        report=report.model_dump(mode="json"),
        published_by=by,
        published_at=now,
    )
    session.add(version)
    retrospective.status = RetroStatus.PUBLISHED
    retrospective.published_at = retrospective.published_at or now
    retrospective.next_look_at = now
    session.add(retrospective)
    detail = {"version": report.version}
    audit.record(session, retrospective.team_id, by, "published", subject(retrospective), detail, now)
    _share(session, retrospective, report.version, now)
    retro.hub_refresh(session, retrospective, now)
    return report, True


def _stamped(
    session: Session, retrospective: Retrospective, draft: Report, last: Report | None, by: str, now: datetime
) -> Report:
    people = draft.people
    if by not in {person.key for person in people}:
        name = who.names(session, retrospective.team_id).get(by, by)
        people = (*people, Person(key=by, name=name))
    changes = tuple(documents.difference(last, draft)) if last is not None else ()
    body = dict(draft) | {"people": people, "published_at": now, "published_by": by, "changes": changes}
    return Report.model_validate(body)


def _share(session: Session, retrospective: Retrospective, number: int, now: datetime) -> None:
    """Each on its own way: a document that cannot be uploaded holds up neither the message nor the brief."""
    payload = {"retro": retrospective.id, "version": number}
    for kind in ("share_version", "upload_version", "post_brief"):
        key = f"{kind}:{retrospective.id}:{number}"
        outbox.put(session, retrospective.team_id, kind, payload, lane=key, now=now, key=key)


def named_version(session: Session, retrospective: Retrospective, number: int) -> Report | None:
    """The version with that number; None when there is none."""
    row = publications.version(session, retrospective.id, number)
    return Report.model_validate(row.report) if row is not None else None


def brief_channel(settings: Settings, incident: Incident) -> str | None:
    """Where the brief is posted when the retrospective is published; a private incident's is posted nowhere."""
    return None if incident.is_private else settings.brief_channel or settings.announce_channel or None


def remarked_in_brief(report: Report) -> list[str]:
    """The sentences of the brief, read by people from outside, that may read as blame or hindsight."""
    people = [person.name for person in report.people]
    return [said for text in documents.Page(report).brief_texts for said in blameless.remarked(text, people=people)]


def thanked(report: Report) -> list[str]:
    """The names of those who worked on it, then of those who only told, by name, how it was."""
    names: Mapping[str, str] = {person.key: person.name for person in report.people}
    told = (account.person for account in report.accounts if account.person is not None)
    return [names[key] for key in dict.fromkeys((*report.thanks, *told)) if key in names]
