"""Retrospectives: who takes part, what was answered, what it said before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlmodel import Session, col, delete, select

from storage.models import (
    Account,
    Answer,
    AnswerRevision,
    Incident,
    Participant,
    Retrospective,
    RetroStatus,
    StepState,
)


def by_id(session: Session, team_id: str, retrospective_id: int) -> Retrospective | None:
    query = select(Retrospective).where(Retrospective.team_id == team_id, Retrospective.id == retrospective_id)
    return session.exec(query).one_or_none()


def held(session: Session, retrospective_id: int) -> Retrospective:
    """The retrospective, held against other writers until the transaction ends."""
    query = select(Retrospective).where(Retrospective.id == retrospective_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def of_incident(session: Session, incident_id: int) -> Retrospective | None:
    return session.exec(select(Retrospective).where(Retrospective.incident_id == incident_id)).one_or_none()


def incidents_without(session: Session, incidents: Iterable[Incident]) -> list[Incident]:
    """Those of `incidents` that have no retrospective yet, in their order."""
    asked = list(incidents)
    having = set(
        session.exec(
            select(Retrospective.incident_id).where(col(Retrospective.incident_id).in_([one.id for one in asked]))
        )
    )
    return [one for one in asked if one.id not in having]


def led_by(session: Session, team_id: str, user_id: str) -> list[Retrospective]:
    """Those not published yet that somebody facilitates or takes part in, oldest first."""
    part = select(Participant.retrospective_id).where(Participant.team_id == team_id, Participant.user_id == user_id)
    query = select(Retrospective).where(
        Retrospective.team_id == team_id,
        col(Retrospective.status).in_((RetroStatus.DRAFT, RetroStatus.REVIEW)),
        (col(Retrospective.facilitator_id) == user_id) | col(Retrospective.id).in_(part),
    )
    return list(session.exec(query.order_by(col(Retrospective.id))))


# --- who takes part --------------------------------------------------------------------------------------


def participants(session: Session, retrospective_id: int) -> list[Participant]:
    query = select(Participant).where(Participant.retrospective_id == retrospective_id)
    return list(session.exec(query.order_by(col(Participant.user_id))))


def participant(session: Session, retrospective_id: int, user_id: str) -> Participant | None:
    return session.get(Participant, (retrospective_id, user_id))


# --- steps and answers -----------------------------------------------------------------------------------


def step_states(session: Session, retrospective_id: int) -> dict[str, StepState]:
    """What was begun or done, by the step's key."""
    query = select(StepState).where(StepState.retrospective_id == retrospective_id)
    return {row.step: row for row in session.exec(query)}


def answers(session: Session, retrospective_id: int, step: str | None = None) -> dict[tuple[str, str], Answer]:
    """What stands now, by step and prompt."""
    query = select(Answer).where(Answer.retrospective_id == retrospective_id)
    if step is not None:
        query = query.where(Answer.step == step)
    return {(row.step, row.prompt): row for row in session.exec(query.order_by(col(Answer.id)))}


def answer(session: Session, retrospective_id: int, step: str, prompt: str) -> Answer | None:
    query = select(Answer).where(
        Answer.retrospective_id == retrospective_id, Answer.step == step, Answer.prompt == prompt
    )
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def revisions(session: Session, answer_id: int, *, after: int = 0) -> list[AnswerRevision]:
    """The revisions with a version above `after`, oldest first."""
    query = select(AnswerRevision).where(AnswerRevision.answer_id == answer_id, AnswerRevision.version > after)
    return list(session.exec(query.order_by(col(AnswerRevision.version))))


def revision(session: Session, retrospective_id: int, revision_id: int) -> tuple[AnswerRevision, Answer] | None:
    query = (
        select(AnswerRevision, Answer)
        .join(Answer, col(Answer.id) == col(AnswerRevision.answer_id))
        .where(Answer.retrospective_id == retrospective_id, AnswerRevision.id == revision_id)
    )
    return session.exec(query).one_or_none()


def revisions_of_step(session: Session, retrospective_id: int, step: str) -> list[tuple[AnswerRevision, Answer]]:
    """Every revision of every answer of a step, the newest first."""
    query = (
        select(AnswerRevision, Answer)
        .join(Answer, col(Answer.id) == col(AnswerRevision.answer_id))
        .where(Answer.retrospective_id == retrospective_id, Answer.step == step)
        .order_by(col(AnswerRevision.saved_at).desc(), col(AnswerRevision.id).desc())
    )
    return list(session.exec(query))


def reword(session: Session, retrospective_id: int, say: Callable[[str], str]) -> None:
    """Let `say` change the text of every answer of a retrospective, and all that was answered before."""
    found = list(session.exec(select(Answer).where(Answer.retrospective_id == retrospective_id)))
    earlier = select(AnswerRevision).where(col(AnswerRevision.answer_id).in_([one.id for one in found]))
    for row in (*found, *session.exec(earlier)):
        row.text = say(row.text)
        session.add(row)


# --- accounts --------------------------------------------------------------------------------------------


def account(session: Session, handle: str) -> Account | None:
    return session.get(Account, handle)


def account_of(session: Session, retrospective_id: int, user_id: str) -> Account | None:
    """The account somebody gave with their name."""
    query = select(Account).where(Account.retrospective_id == retrospective_id, Account.user_id == user_id)
    return session.exec(query).one_or_none()


def accounts(session: Session, retrospective_id: int) -> list[Account]:
    """All accounts, in the order of their random handles: the order tells nothing."""
    query = select(Account).where(Account.retrospective_id == retrospective_id)
    return list(session.exec(query.order_by(Account.handle)))


def take_out_unnamed(session: Session, retrospective_id: int) -> list[Account]:
    """Take every unnamed account out of the table and return them, to be put back in another order."""
    here, unnamed = col(Account.retrospective_id) == retrospective_id, col(Account.user_id).is_(None)
    found = list(session.exec(select(Account).where(here, unnamed)))
    session.exec(delete(Account).where(here, unnamed))
    for one in found:
        session.expunge(one)
    return found
