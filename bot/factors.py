"""Contributing factors: added, changed by several people at once, withdrawn; every state is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import audit
from bot.errors import FieldRefusal, Refusal
from bot.taxonomy import Taxonomy
from storage import factors
from storage.db import add_once, one_at_a_time
from storage.models import Factor, Retrospective, Revision


class NoSuchFactor(Refusal):
    """That factor is no longer there; nothing was changed."""


@dataclass(frozen=True)
class Draft:
    """A factor as somebody fills it in; texts as typed, the rest keys of the taxonomy and ids.

    `because_of` is the factor behind it; `evidence` and `against` are ids of timeline entries.
    """

    statement: str
    domain: str = "technical"
    level: str = "immediate"
    role: str = "condition"
    category: str = ""
    confidence: str = "hypothesis"
    because_of: int | None = None
    another_view: str = ""
    assumptions: str = ""
    evidence: tuple[int, ...] = ()
    against: tuple[int, ...] = ()


TEXTS = {"statement": "What contributed", "another_view": "Another view", "assumptions": "Assumptions"}
PLAIN = ("domain", "level", "role", "category", "confidence", "because_of")


@dataclass(frozen=True)
class Saved:
    """What came of saving: the factor, and what somebody else had saved in between.

    `meanwhile` holds, by the label of the field, the other's text; both stand, see `change`.
    """

    factor: Factor
    by: str | None = None
    meanwhile: Mapping[str, str] = field(default_factory=dict)


def add(
    session: Session,
    retrospective: Retrospective,
    draft: Draft,
    *,
    taxonomy: Taxonomy,
    by: str,
    source_key: str,
    now: datetime,
) -> tuple[Factor, bool]:
    """Add a factor; returns it, and whether this call added it (`source_key` names the dialog).

    Raises `FieldRefusal` as `change` does.
    """
    _check(session, retrospective, draft, taxonomy, own_id=None)
    row = Factor(
        team_id=retrospective.team_id,
        retrospective_id=retrospective.id,
        source_key=source_key,
        created_by=by,
        created_at=now,
        statement=draft.statement,
    )
    factor, added = add_once(session, row, "team_id", "source_key")
    if added:
        _put(session, factor, draft, by, now, "added")
    return factor, added


def change(
    session: Session,
    factor_id: int,
    draft: Draft,
    *,
    based_on: int,
    retrospective: Retrospective,
    taxonomy: Taxonomy,
    by: str,
    now: datetime,
) -> Saved:
    """Change a factor from its version `based_on`, the one the writer saw.

    What only the writer changed is taken; so is what only another changed meanwhile. Where both wrote a text,
    the writer's stands and the other's goes below it, or for the statement under "Another view": no words are
    lost. Of two different choices the later stands; the earlier is in the revisions.
    Raises `NoSuchFactor`, and `FieldRefusal` for an empty statement, a term or an entry that is not there, an
    entry on both sides, or a circle of causes.
    """
    one_at_a_time(session, f"factors of {retrospective.id}")
    factor = standing(session, retrospective, factor_id)
    current = draft_of(session, factor)
    base = _base(session, factor, based_on) or current
    merged, meanwhile = merge(base, current, draft)
    if merged == current:
        return Saved(factor)
    _check(session, retrospective, merged, taxonomy, own_id=factor_id)
    last = factors.revisions(session, factor_id)[-1].changed_by
    factor.version += 1
    _put(session, factor, merged, by, now, "changed")
    return Saved(factor, last if meanwhile else None, meanwhile)


def withdraw(session: Session, retrospective: Retrospective, factor_id: int, *, by: str, now: datetime) -> Factor:
    """Take a factor out; it stays among the revisions. A second time changes nothing. Raises `NoSuchFactor`."""
    factor = factors.by_id(session, retrospective.team_id, factor_id)
    if factor is None or factor.retrospective_id != retrospective.id:
        raise NoSuchFactor
    if factor.withdrawn_at is None:
        body = draft_of(session, factor)
        factor.withdrawn_at = now
        factor.version += 1
        _keep(session, factor, body, by, now)
        audit.record(session, factor.team_id, by, "withdrawn", f"factor:{factor.id}", {"version": factor.version}, now)
    return factor


def bring_back(session: Session, retrospective: Retrospective, factor_id: int, *, by: str, now: datetime) -> Factor:
    """Let a withdrawn factor stand again. Raises `NoSuchFactor`; when its cause is gone, it stands without one."""
    one_at_a_time(session, f"factors of {retrospective.id}")
    factor = factors.by_id(session, retrospective.team_id, factor_id)
    if factor is None or factor.retrospective_id != retrospective.id:
        raise NoSuchFactor
    if factor.withdrawn_at is not None:
        standing = factors.of_retrospective(session, retrospective.id)
        if factor.because_of_id not in {other.id for other in possible_causes([*standing, factor], factor.id)}:
            factor.because_of_id = None
        factor.withdrawn_at = None
        factor.version += 1
        _put(session, factor, draft_of(session, factor), by, now, "brought back")
    return factor


def draft_of(session: Session, factor: Factor) -> Draft:
    """The factor as a dialog shows it."""
    rows = factors.evidence(session, [factor.id]).get(factor.id, [])
    return Draft(
        **{name: getattr(factor, name) for name in (*TEXTS, *PLAIN) if name != "because_of"},
        because_of=factor.because_of_id,
        evidence=tuple(row.entry_id for row in rows if not row.against),
        against=tuple(row.entry_id for row in rows if row.against),
    )


def possible_causes(all_factors: list[Factor], own_id: int | None) -> list[Factor]:
    """The factors that may stand behind one without closing a circle; all of them for a new one."""
    parents = {factor.id: factor.because_of_id for factor in all_factors}
    return [factor for factor in all_factors if own_id is None or own_id not in _chain(parents, factor.id)]


def _chain(parents: Mapping[int, int | None], start: int | None) -> list[int]:
    """A factor and those behind it, nearest first; a circle is walked once."""
    chain: list[int] = []
    while start is not None and start not in chain:
        chain.append(start)
        start = parents.get(start)
    return chain


def standing(session: Session, retrospective: Retrospective, factor_id: int) -> Factor:
    """The factor, held against other writers. Raises `NoSuchFactor` for one that was withdrawn."""
    factor = factors.by_id(session, retrospective.team_id, factor_id)
    if factor is None or factor.withdrawn_at is not None or factor.retrospective_id != retrospective.id:
        raise NoSuchFactor
    return factor


def _base(session: Session, factor: Factor, version: int) -> Draft | None:
    body = factors.body_of_version(session, factor.id, version)
    return _from_body(body) if body is not None else None


def _from_body(body: Mapping[str, Any]) -> Draft:
    return Draft(**{**body, "evidence": tuple(body["evidence"]), "against": tuple(body["against"])})


def merge(base: Draft, current: Draft, mine: Draft) -> tuple[Draft, dict[str, str]]:
    """`mine` and `current`, both made from `base`, with no words lost; and the other's texts by label."""
    values: dict[str, Any] = {
        name: getattr(mine if getattr(mine, name) != getattr(base, name) else current, name)
        for name in (*TEXTS, *PLAIN)
    }
    clashes = {
        name: getattr(current, name)
        for name in TEXTS
        if getattr(current, name) not in {getattr(base, name), getattr(mine, name)}
        and getattr(mine, name) != getattr(base, name)
    }
    for name, theirs in clashes.items():
        beside = "another_view" if name == "statement" else name
        values[beside] = _both(values[beside], theirs)
    sides: dict[str, Any] = {
        name: _merge_sets(*(getattr(one, name) for one in (base, current, mine))) for name in SIDES
    }
    sides["against"] = tuple(one for one in sides["against"] if one not in sides["evidence"] or one in mine.against)
    sides["evidence"] = tuple(one for one in sides["evidence"] if one not in sides["against"])
    return Draft(**values, **sides), {TEXTS[name]: theirs for name, theirs in clashes.items()}


SIDES = ("evidence", "against")


def _both(mine: str, theirs: str) -> str:
    return "\n\n".join(text for text in (mine, theirs) if text and (text == mine or text not in mine))


def _merge_sets(base: tuple[int, ...], current: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
    """What both kept, and what either added."""
    kept = set(base) & set(current) & set(mine)
    return tuple(sorted(kept | (set(current) - set(base)) | (set(mine) - set(base))))


def _check(
    session: Session, retrospective: Retrospective, draft: Draft, taxonomy: Taxonomy, *, own_id: int | None
) -> None:
    if not draft.statement.strip():
        raise FieldRefusal(statement="Say what contributed, in a sentence.")
    _check_terms(draft, taxonomy)
    if set(draft.evidence) & set(draft.against):
        raise FieldRefusal(against="The same line cannot speak for it and against it; leave it on one side.")
    _check_entries(session, retrospective, draft)
    _check_cause(session, retrospective, draft, own_id)


def _check_terms(draft: Draft, taxonomy: Taxonomy) -> None:
    role = taxonomy.role(draft.role)
    if role is None or draft.category not in {"", *(term.key for term in role.categories)}:
        raise FieldRefusal(category="The taxonomy no longer has that category; choose another.")
    chosen = {"domain": taxonomy.domains, "level": taxonomy.levels, "confidence": taxonomy.confidence}
    for name, terms in chosen.items():
        if getattr(draft, name) not in {term.key for term in terms}:
            raise FieldRefusal(**{name: "The taxonomy no longer has that one; choose another."})


def _check_entries(session: Session, retrospective: Retrospective, draft: Draft) -> None:
    wanted = {*draft.evidence, *draft.against}
    gone = wanted - factors.possible_evidence(session, retrospective.incident_id, wanted) if wanted else set()
    for name in SIDES:
        if gone & set(getattr(draft, name)):
            raise FieldRefusal(**{name: "A line you chose is no longer on this incident's timeline; take it out."})


def _check_cause(session: Session, retrospective: Retrospective, draft: Draft, own_id: int | None) -> None:
    if draft.because_of is None:
        return
    standing = factors.of_retrospective(session, retrospective.id)
    if draft.because_of not in {factor.id for factor in standing}:
        raise FieldRefusal(because_of="That factor was withdrawn meanwhile; choose another, or none.")
    if draft.because_of not in {factor.id for factor in possible_causes(standing, own_id)}:
        raise FieldRefusal(
            because_of="That would close a circle: the factor you chose comes about because of this one."
        )


def _put(session: Session, factor: Factor, draft: Draft, by: str, now: datetime, what: str) -> None:
    for name in (*TEXTS, *PLAIN):
        setattr(factor, "because_of_id" if name == "because_of" else name, getattr(draft, name))
    session.add(factor)
    session.flush()
    factors.set_evidence(
        session, factor, {**dict.fromkeys(draft.evidence, False), **dict.fromkeys(draft.against, True)}
    )
    _keep(session, factor, draft, by, now)
    audit.record(session, factor.team_id, by, what, f"factor:{factor.id}", {"version": factor.version}, now)


def _keep(session: Session, factor: Factor, draft: Draft, by: str, now: datetime) -> None:
    factors.keep(
        session,
        Revision(
            team_id=factor.team_id,
            subject=factors.SUBJECT,
            subject_id=factor.id,
            number=factor.version,
            body=asdict(draft),
            changed_by=by,
            changed_at=now,
        ),
    )
