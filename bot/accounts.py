"""Accounts: each participant's own view, with their name or without, and what is and is not hidden then.

An unnamed account has no user id, no time of its own and no place in an order: with each save all of them are
written anew, in a random order, so that neither rows nor transactions tell which is the latest.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from bot import answers
from bot.blameless import Remark
from bot.bylines import Bylines, view_line
from bot.errors import Refusal
from bot.guides import Guide, Step
from storage import outbox, retros
from storage.db import add_once
from storage.models import Account, Participant, Retrospective, RetroStatus

SHUFFLE = secrets.SystemRandom().shuffle


class NotAsked(Refusal):
    """This retrospective's guide asks for no accounts. What you would like to say has room in its steps."""


class TooLate(Refusal):
    """The retrospective is published, so accounts stay as they are. Nothing was changed."""


class NoSuchAccount(Refusal):
    """There is no such account any more. With "Give my account" you can give another one."""


def asked(guide: Guide) -> Step:
    """The step whose questions every participant is asked. Raises `NotAsked`."""
    step = guide.of_kind("accounts")
    if step is None or not step.prompts:
        raise NotAsked
    return step


def new_handle() -> str:
    return secrets.token_urlsafe(18)


def must_be_open(retrospective: Retrospective) -> None:
    """Raises `TooLate` when accounts can no longer be changed."""
    if retrospective.status in {RetroStatus.PUBLISHED, RetroStatus.ARCHIVED}:
        raise TooLate


def give(
    session: Session,
    retrospective: Retrospective,
    words: Mapping[str, str],
    *,
    by: str,
    handle: str,
    unnamed: bool,
    now: datetime,
) -> bool:
    """Keep somebody's account: `words` are texts by the keys of the questions; those not in it stay as they were.

    `handle` names the unnamed account that is begun or changed. Returns whether that handle was not there
    before: of a dialog sent twice only once. The retrospective must be held. Raises `TooLate`.
    """
    must_be_open(retrospective)
    named = retros.account_of(session, retrospective.id, by)
    there = retros.account(session, handle)
    if there is not None and there.retrospective_id != retrospective.id:
        raise NoSuchAccount
    own = named.answers if named is not None else {}
    given = there.answers if there is not None else own
    whole = {key: text for key, text in {**given, **words}.items() if text.strip()}
    if unnamed:
        if named is not None and there is None:
            session.delete(named)
            session.flush()
            retros.reword(session, retrospective.id, Bylines.of(session, retrospective).settled)
        _keep_unnamed(session, retrospective, handle, whole)
    else:
        if there is not None:
            session.delete(there)
            whole = _added(own, whole)
        _keep_named(session, retrospective, by, whole, now)
    _has_answered(session, retrospective, by)
    return there is None


def _added(own: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """What somebody had said with their name, and below it what they said without."""
    keys = dict.fromkeys([*own, *words])
    return {key: "\n\n".join(dict.fromkeys(text for text in (own.get(key), words.get(key)) if text)) for key in keys}


def _keep_named(session: Session, retrospective: Retrospective, by: str, words: dict[str, str], now: datetime) -> None:
    named = retros.account_of(session, retrospective.id, by) or Account(
        handle=new_handle(),
        team_id=retrospective.team_id,
        retrospective_id=retrospective.id,
        user_id=by,
        saved_on=now.date(),
    )
    named.answers, named.saved_on = words, now.date()
    session.add(named)
    session.flush()


def _keep_unnamed(session: Session, retrospective: Retrospective, handle: str, words: dict[str, str]) -> None:
    """Write all unnamed accounts of the retrospective anew, in a random order, dated by its beginning."""
    session.flush()
    others = [one for one in retros.take_out_unnamed(session, retrospective.id) if one.handle != handle]
    texts = [(one.handle, one.answers) for one in others] + [(handle, words)]
    SHUFFLE(texts)
    for name, told in texts:
        session.add(
            Account(
                handle=name,
                team_id=retrospective.team_id,
                retrospective_id=retrospective.id,
                answers=told,
                saved_on=retrospective.started_at.date(),
            )
        )
        session.flush()


def _has_answered(session: Session, retrospective: Retrospective, user_id: str) -> None:
    """Remember that somebody has answered; not when, since that would tell which account is theirs."""
    row = Participant(
        retrospective_id=retrospective.id,
        user_id=user_id,
        team_id=retrospective.team_id,
        asked_at=retrospective.started_at,
    )
    there, _ = add_once(session, row, "retrospective_id", "user_id")
    there.answered = True
    session.add(there)
    session.flush()


def remind(session: Session, retrospective: Retrospective, now: datetime) -> int:
    """Remind everybody who has not answered, each only once ever; returns how many."""
    waiting = [
        one for one in retros.participants(session, retrospective.id) if not one.answered and one.reminded_at is None
    ]
    for one in waiting:
        one.reminded_at = now
        session.add(one)
        payload = {"retro": retrospective.id, "user": one.user_id}
        key = f"remind_account:{retrospective.id}:{one.user_id}"
        lane = f"dm:{one.user_id}"
        outbox.put(session, retrospective.team_id, "remind_account", payload, lane=lane, now=now, key=key)
    return len(waiting)


def weave(session: Session, retrospective: Retrospective, guide: Guide, *, by: str, now: datetime) -> int:
    """Add the accounts' words to the answers of questions with the same key; returns how many were added.

    What an answer holds already is not added again. The retrospective must be held.
    """
    given = retros.accounts(session, retrospective.id)
    added = 0
    for step in guide.steps:
        for prompt in step.prompts if step.kind == "questions" else ():
            if asked(guide).prompt(prompt.key) is None:
                continue
            lines = [view_line(one, prompt.key) for one in given if one.answers.get(prompt.key)]
            added += _add_lines(session, retrospective, step.key, prompt.key, lines, by=by, now=now)
    return added


def _add_lines(
    session: Session, retrospective: Retrospective, step: str, prompt: str, lines: list[str], *, by: str, now: datetime
) -> int:
    known = retros.answer(session, retrospective.id, step, prompt)
    stands = known.text if known else ""
    missing = [line for line in lines if line not in stands]
    if missing:
        whole = "\n".join([*([stands] if stands.strip() else []), *missing])
        found = known or answers.begin(session, retrospective, step, prompt, by=by, now=now)
        answers.put(session, found, whole, based_on=found.version, by=by, now=now)
    return len(missing)


# --- wording, without a trace ----------------------------------------------------------------------------


def digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:8]


def unseen(remarks: list[Remark], text: str, seen: Collection[str]) -> list[Remark]:
    """Those remarks whose lines are not among the `seen` digests, which only the writer's dialog carries."""
    return [remark for remark in remarks if digest(answers.line_at(text, remark.start)) not in seen]
