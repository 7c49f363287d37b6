"""Answers to a guide's questions: every saved one is a revision, and two people at once both keep their words.

A text is kept as it was typed; several choices or people are their keys or ids, one to a line; a date is ISO.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from bot import mrkdwn
from bot.blameless import Remark
from bot.bylines import Bylines
from bot.errors import Refusal
from bot.guides import Prompt
from storage import retros
from storage.db import add_once
from storage.models import Answer, AnswerRevision, Retrospective

PART = 3000
"""What one input of Slack holds (https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element)."""

ROOM = 2000
"""A last part that is longer than this is followed by an empty one, so that there is room to go on."""


class NoSuchRevision(Refusal):
    """That earlier version is not there; nothing was changed."""


@dataclass(frozen=True)
class Conflict:
    """Two people answered the same question at once. Both texts are kept as revisions; `merged` stands now."""

    prompt: Prompt
    version: int
    mine: str
    theirs: str
    their_version: int
    by: str
    merged: str


@dataclass(frozen=True)
class Saved:
    """What came of saving: the questions whose answer is new, with what the writer had before; the conflicts."""

    changed: Mapping[str, str] = field(default_factory=dict)
    conflicts: Sequence[Conflict] = ()


def parts(text: str) -> list[str]:
    """The text in pieces that each fit into one input, broken where a reader would; joined they are the text.

    Lengths count UTF-16 units, the most that any of Slack's clients may count.
    """
    found: list[str] = []
    rest = text
    while _units(rest) > PART:
        piece = _head(rest)
        found.append(piece)
        rest = rest[len(piece) :]
    found.append(rest)
    if _units(rest) > ROOM:
        found.append("")
    return found


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def _head(text: str) -> str:
    """The longest beginning that fits, up to the last line's or word's end in its second half."""
    end, units = 0, 0
    for end, char in enumerate(text):  # noqa: B007 - where it stopped is the answer
        units += 1 + (char > "\uffff")
        if units > PART:
            break
    for pattern in (r"\n", r"\s", r"(?=[^\w\u200d\ufe0f])"):
        breaks = [found.end() for found in re.finditer(pattern, text[:end])]
        if breaks and breaks[-1] > end // 2:
            return text[: breaks[-1]]
    return text[:end]


def text_at(session: Session, answer: Answer | None, version: int) -> str | None:
    """What an answer said in that version; None for version 0, before anybody had answered."""
    if answer is None or version == 0:
        return None
    if answer.version == version:
        return answer.text
    return next((one.text for one in retros.revisions(session, answer.id) if one.version == version), answer.text)


def save(
    session: Session,
    retrospective: Retrospective,
    step: str,
    prompts: Sequence[Prompt],
    typed: Mapping[str, str],
    *,
    bases: Mapping[str, int],
    untouched: Mapping[str, str],
    by: str,
    now: datetime,
    accepting: bool,
) -> Saved:
    """Save what was typed into a step's dialog; only what differs from what stood there is new.

    `bases` are the versions the dialog was opened with, `untouched` what it offered where nobody had answered:
    that becomes an answer only when the writer is `accepting` it by going on. The retrospective must be held.
    """
    bylines = Bylines.of(session, retrospective)
    changed: dict[str, str] = {}
    conflicts: list[Conflict] = []
    for prompt in prompts:
        if prompt.key not in typed:
            continue
        base = bases.get(prompt.key, 0)
        known = retros.answer(session, retrospective.id, step, prompt.key)
        before = text_at(session, known, base)
        offered = untouched.get(prompt.key, "") if before is None else before
        mine = bylines.settled(typed[prompt.key])
        if mine != offered:
            changed[prompt.key] = before if before is not None else ""
        if _nothing_new(known, mine, offered, base, accepting=accepting):
            continue
        if known is None:
            known = begin(session, retrospective, step, prompt.key, by=by, now=now)
        if _others_words(session, known, base, offered, by):
            conflicts.append(_both(session, known, prompt, mine, base, by=by, now=now))
        else:
            put(session, known, mine, based_on=base, by=by, now=now)
    return Saved(changed, conflicts)


def _others_words(session: Session, known: Answer, base: int, offered: str, by: str) -> list[AnswerRevision]:
    """What others have saved since the dialog was opened, but for those who only accepted what it offered."""
    later = retros.revisions(session, known.id, after=base)
    return [one for one in later if one.saved_by != by and one.text != offered]


def _nothing_new(known: Answer | None, mine: str, offered: str, base: int, *, accepting: bool) -> bool:
    if known is None:
        return mine == offered and not (accepting and mine)
    return mine == known.text or (mine == offered and (known.version != base or base > 0))


def begin(session: Session, retrospective: Retrospective, step: str, prompt: str, *, by: str, now: datetime) -> Answer:
    """The answer to a question that nobody has answered yet: empty, version 0."""
    row = Answer(
        team_id=retrospective.team_id,
        retrospective_id=retrospective.id,
        step=step,
        prompt=prompt,
        saved_by=by,
        saved_at=now,
    )
    return add_once(session, row, "retrospective_id", "step", "prompt")[0]


def put(session: Session, answer: Answer, text: str, *, based_on: int, by: str, now: datetime) -> None:
    """Make `text` what stands now, as a revision of its own."""
    answer.version += 1
    answer.text, answer.saved_by, answer.saved_at = text, by, now
    session.add(answer)
    session.add(
        AnswerRevision(
            team_id=answer.team_id,
            answer_id=answer.id,
            version=answer.version,
            text=text,
            based_on=based_on,
            saved_by=by,
            saved_at=now,
        )
    )
    session.flush()


def _both(
    session: Session, answer: Answer, prompt: Prompt, mine: str, base: int, *, by: str, now: datetime
) -> Conflict:
    """Keep both texts: each is a revision, and what stands until somebody settles it loses neither."""
    later = retros.revisions(session, answer.id, after=base)
    theirs = [one for one in later if one.saved_by != by][-1]
    repeated = any(one.text == mine and one.based_on == base and one.saved_by == by for one in later)
    if not repeated:
        both = merged(prompt, answer.text, mine)
        put(session, answer, mine, based_on=base, by=by, now=now)
        put(session, answer, both, based_on=theirs.version, by=by, now=now)
    return Conflict(prompt, answer.version, mine, theirs.text, theirs.version, theirs.saved_by, answer.text)


def merged(prompt: Prompt, theirs: str, mine: str) -> str:
    """Both answers in one: of texts and lists every line, of a single choice theirs, until somebody settles it."""
    if prompt.type in {"choices", "people"}:
        return "\n".join(dict.fromkeys([*theirs.split("\n"), *mine.split("\n")])).strip("\n")
    if prompt.type not in {"text", "long_text"}:
        return theirs
    first, second = theirs.split("\n"), mine.split("\n")
    lines: list[str] = []
    for _, left, right, from_, to in difflib.SequenceMatcher(a=first, b=second, autojunk=False).get_opcodes():
        lines += first[left:right]
        lines += second[from_:to] if first[left:right] != second[from_:to] else []
    return "\n".join(lines)


def difference(theirs: str, mine: str) -> list[str]:
    """What each has that the other has not, line by line: `+` theirs, `-` mine."""
    told = difflib.ndiff(mine.split("\n"), theirs.split("\n"))
    return [line for line in told if line[:2] in {"+ ", "- "} and line[2:].strip()]


def restore(session: Session, retrospective: Retrospective, revision_id: int, *, by: str, now: datetime) -> Answer:
    """Make an earlier text stand again, as a new revision. Raises `NoSuchRevision`."""
    found = retros.revision(session, retrospective.id, revision_id)
    if found is None:
        raise NoSuchRevision
    revision, answer = found
    if answer.text != revision.text:
        put(session, answer, revision.text, based_on=answer.version, by=by, now=now)
    return answer


def new_remarks(remarks: Sequence[Remark], text: str, seen: str) -> list[Remark]:
    """Those remarks that are about lines of `text` which `seen` does not hold: what was seen is not said again."""
    known = set(seen.split("\n"))
    return [remark for remark in remarks if line_at(text, remark.start) not in known]


def line_at(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0]


def in_words(prompt: Prompt, text: str, names: Mapping[str, str]) -> str:
    """An answer as a person reads it: labels for keys, names for ids. `names` gives names by user id."""
    if prompt.type in {"choice", "choices"}:
        labels = {option.key: option.label for option in prompt.options}
        return ", ".join(labels.get(key, key) for key in text.split("\n") if key)
    if prompt.type == "people":
        return ", ".join(names.get(user, mrkdwn.SOMEBODY) for user in text.split("\n") if user)
    return text
