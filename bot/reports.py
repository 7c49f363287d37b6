"""A report out of the database: everything of one incident and its retrospective, names resolved.

The same rows give the same report: nothing in it depends on the moment it is made, or on the order of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot import action_items as actions
from bot import durations, guides, moments, mrkdwn, policy, report, retro, taxonomy
from bot import people as who
from bot.answers import in_words
from bot.bylines import Bylines
from bot.guides import Guide, Option, Prompt, Step
from bot.policy import Policy
from bot.report import Answer, Report, Section, Term
from bot.taxonomy import Taxonomy
from storage import action_items, entries, factors, people, publications, retros
from storage import incidents as incident_rows
from storage.models import ActionItem, Entry, Evidence, Factor, Incident, Mark, Milestone, Retrospective

FOLLOW_UP = re.compile(r"entry_(\d+)")
"""The key of an answer about one line of the timeline; see `handlers.retro_timeline.follow_up_key`."""


CHECKLIST = "checklist"
"""Under which key of the review step the checklist's ticks are kept."""


@dataclass(frozen=True)
class Books:
    """What a report is written by: the team's guides, policy and taxonomy."""

    guides: Mapping[str, Guide]
    policy: Policy
    taxonomy: Taxonomy

    @classmethod
    def load(cls, folder: Path | None) -> Books:
        """What ships with Seamark, with a team's own `folder` before it. Raises `FaultyDefinition`."""
        folders = [folder] if folder is not None else []
        return cls(guides.load(*folders), policy.load(*folders), taxonomy.load(*folders))


def checklist(policy: Policy) -> Prompt:
    """The peer review's checklist as a question of the review step."""
    options = tuple(Option(key=item.key, label=item.label) for item in policy.checklist)
    return Prompt(
        key=CHECKLIST,
        label="Checklist",
        hint="Best ticked by somebody from outside who has read it.",
        type="choices",
        options=options,
        document="Review",
    )


@dataclass
class _Source:
    """Everything that is read of the database for one report."""

    session: Session
    incident: Incident
    retro: Retrospective | None
    books: Books
    names: Mapping[str, str]
    guide: Guide
    entries: Sequence[Entry]
    marks: Mapping[int, Sequence[Mark]]
    evidence: Mapping[int, Sequence[Evidence]]
    seen: set[str] = field(default_factory=set)

    def person(self, user_id: str | None) -> str | None:
        """The key of a person, who is then among the report's people."""
        if user_id is not None:
            self.seen.add(user_id)
        return user_id

    def plain(self, slack: str) -> str:
        return mrkdwn.plain(slack, self.names)


def build(session: Session, incident: Incident, books: Books) -> Report:
    """The report as it would be published now: the version after the last one, with no date of publication.

    Of an incident without a retrospective it holds the timeline, the milestones and the actions. Raises
    `GuideGone`.
    """
    found = retros.of_incident(session, incident.id)
    source = _read(session, incident, found, books)
    known = factors.of_retrospective(session, found.id) if found is not None else []
    parts = {
        "incident": _incident(source),
        "zone": _zone(source),
        "facilitator": source.person(found.facilitator_id) if found is not None else None,
        "guide": Term(key=source.guide.key, label=source.guide.name),
        "milestones": _milestones(source),
        "durations": durations.between({kind: one.at for kind, one in _reached(source).items()}),
        "risk": _risk(source),
        "timeline": [_entry(source, entry) for entry in source.entries],
        "sections": _sections(source),
        "accounts": _accounts(source),
        "factors": _factors(source, known),
        "actions": [_action(source, one, {f.id for f in known}) for one in _actions_of(source)],
        "limitations": _limitations(source),
        "thanks": _thanks(source),
        "version": (publications.last_number(session, found.id) if found is not None else 0) + 1,
    }
    return Report(**parts, people=_people(source))


def current(session: Session, incident: Incident, books: Books) -> Report:
    """What somebody who asks for the document gets: the published version, or the draft of the next one."""
    now = build(session, incident, books)
    last = latest(session, incident)
    return now if last is None or differs(last, now) else last


def latest(session: Session, incident: Incident) -> Report | None:
    """The version that was published last; None before the first."""
    found = retros.of_incident(session, incident.id)
    row = publications.last(session, found.id) if found is not None else None
    return Report.model_validate(row.report) if row is not None else None


def differs(published: Report, now: Report) -> bool:
    """Whether anything was changed since; what somebody is called is no change."""
    apart = {"version": 1, "published_at": None, "published_by": None, "changes": (), "people": ()}
    return published.model_copy(update=apart) != now.model_copy(update=apart)


def _read(session: Session, incident: Incident, found: Retrospective | None, books: Books) -> _Source:
    guide = (
        retro.guide_of(found, books.guides)
        if found is not None
        else books.guides[retro.suits(books.guides, incident.kind)]
    )
    lines = publications.lines(session, incident.id)
    evidence: dict[int, list[Evidence]] = {}
    for row in entries.evidence(session, incident.id):
        if row.entry_id is not None:
            evidence.setdefault(row.entry_id, []).append(row)
    return _Source(
        session,
        incident,
        found,
        books,
        who.names(session, incident.team_id),
        guide,
        lines,
        entries.marks(session, [entry.id for entry in lines]),
        evidence,
    )


# --- the incident ----------------------------------------------------------------------------------------


def _incident(source: _Source) -> report.Incident:
    incident = source.incident
    return report.Incident(
        number=incident.number,
        key=incident.key,
        title=incident.title,
        kind=incident.kind,
        severity=incident.severity,
        status=incident.status,
        services=tuple(incident.services),
        environment=incident.environment,
        description=incident.summary,
        is_private=incident.is_private,
        channel=_channel(source),
        declared_at=incident.declared_at,
        closed_at=incident.closed_at,
    )


def _channel(source: _Source) -> report.Channel | None:
    incident = source.incident
    if incident.channel_id is None:
        return None
    known = people.known_channel(source.session, incident.team_id, incident.channel_id)
    links = (entry.permalink for entry in source.entries if entry.permalink)
    address = next((link.rpartition("/p")[0] for link in links if f"/archives/{incident.channel_id}/p" in link), None)
    return report.Channel(name=known.name if known is not None and known.name else incident.channel_id, url=address)


def _zone(source: _Source) -> str:
    """The facilitator's zone, as the steps show times; before there is one, the declarer's."""
    reader = source.retro.facilitator_id if source.retro is not None else source.incident.declared_by
    zone = moments.zone_named(who.zone_of(source.session, source.incident.team_id, reader))
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def _reached(source: _Source) -> Mapping[str, Milestone]:
    return incident_rows.milestones(source.session, source.incident.id)


def _milestones(source: _Source) -> list[report.Milestone]:
    there = {entry.id for entry in source.entries}
    return [
        report.Milestone(
            kind=kind,
            at=row.at,
            set_by=source.person(row.set_by),
            note=source.plain(row.note),
            entry=row.entry_id if row.entry_id in there else None,
        )
        for kind, row in _reached(source).items()
    ]


def _entry(source: _Source, entry: Entry) -> report.Entry:
    gone = entry.deleted_at is not None
    marks = source.marks.get(entry.id, [])
    return report.Entry(
        id=entry.id,
        at=entry.happened_at,
        kind=entry.kind,
        text="" if gone else source.plain(entry.text),
        author=source.person(entry.author_id) if not entry.app_name else None,
        app=entry.app_name,
        is_marked=entry.is_marked,
        marked_by=tuple(sorted({mark.marker_id for mark in marks if source.person(mark.marker_id)})),
        is_key=entry.is_key,
        permalink=entry.permalink,
        evidence=() if gone else tuple(_links(source, entry)),
        thread=entry.thread_ts,
        edited_at=entry.edited_at,
        deleted_at=entry.deleted_at,
    )


def _links(source: _Source, entry: Entry) -> Iterable[report.Link]:
    for row in source.evidence.get(entry.id, []):
        yield report.Link(url=row.url, label=row.label, kind=row.kind)
    for file in entry.files:
        if file.get("permalink"):
            name = str(file.get("title") or file.get("name") or "")
            yield report.Link(url=str(file["permalink"]), label=name, kind="file")


# --- what was answered -----------------------------------------------------------------------------------


def _sections(source: _Source) -> list[Section]:
    """The guide's steps in their order, then what was answered to steps that it no longer has."""
    if source.retro is None:
        return []
    known = retros.answers(source.session, source.retro.id)
    bylines = Bylines.of(source.session, source.retro)
    said: dict[str, dict[str, str]] = {}
    for (step, prompt), row in known.items():
        if row.text.strip():
            said.setdefault(step, {})[prompt] = bylines.named(row.text)
    sections = [_section(source, step, said.get(step.key, {})) for step in source.guide.steps]
    gone = sorted(set(said) - {step.key for step in source.guide.steps})
    sections += [
        Section(key=key, title=key.replace("_", " ").capitalize(), answers=_unasked(said[key], said[key]))
        for key in gone
    ]
    return sections


def _section(source: _Source, step: Step, said: Mapping[str, str]) -> Section:
    asked = () if step.kind == "accounts" else step.prompts
    asked += (checklist(source.books.policy),) if step.kind == "review" else ()
    own = [_answer(source, prompt, said[prompt.key]) for prompt in asked if prompt.key in said]
    rest = {key: text for key, text in said.items() if key not in {prompt.key for prompt in asked}}
    follow_ups = _follow_ups(source, rest) if step.kind == "timeline" else []
    told = {answer.prompt for answer in follow_ups}
    answers = (*own, *follow_ups, *_unasked(rest, [key for key in rest if key not in told]))
    return Section(key=step.key, title=step.title, kind=step.kind, answers=answers)


def _answer(source: _Source, prompt: Prompt, text: str) -> Answer:
    for user in text.split("\n") if prompt.type == "people" else ():
        source.person(user)
    chosen = tuple(key for key in text.split("\n") if key) if prompt.options else ()
    labels = {option.key: option.label for option in prompt.options}
    return Answer(
        prompt=prompt.key,
        heading=prompt.heading,
        label=prompt.label,
        text="; ".join(labels.get(key, key) for key in chosen) or in_words(prompt, text, source.names),
        chosen=chosen,
    )


def _follow_ups(source: _Source, said: Mapping[str, str]) -> list[Answer]:
    """What was answered about single lines of the timeline, in its order."""
    zone = moments.zone_named(_zone(source))
    found = []
    for entry in source.entries:
        text = said.get(f"entry_{entry.id}")
        if text is None:
            continue
        words = mrkdwn.shorten(" ".join(source.plain(entry.text).split()) or "a deleted message", 200)
        question = next(iter(source.books.policy.follow_ups_for(entry.kind)), "")
        label = f"{entry.happened_at.astimezone(zone):%H:%M} {words}" + (f": {question}" if question else "")
        of = {"prompt": f"entry_{entry.id}", "heading": "Key moments", "label": label, "question": question}
        found.append(Answer(**of, entry=entry.id, text=text))
    return found


def _unasked(said: Mapping[str, str], keys: Iterable[str]) -> tuple[Answer, ...]:
    """Answers to questions that the guide no longer asks: kept, under the question's key."""
    return tuple(
        Answer(
            prompt=key,
            heading="Key moments" if FOLLOW_UP.fullmatch(key) else _heading(key),
            label=_heading(key),
            text=said[key],
        )
        for key in sorted(keys)
    )


def _heading(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _accounts(source: _Source) -> list[report.Account]:
    """Those with a name by name, then those without in the order of their words, which tells nothing."""
    step = source.guide.of_kind("accounts")
    if source.retro is None:
        return []
    prompts = step.prompts if step is not None else ()
    found = []
    for row in retros.accounts(source.session, source.retro.id):
        own = [_answer(source, prompt, row.answers[prompt.key]) for prompt in prompts if row.answers.get(prompt.key)]
        rest = sorted(set(row.answers) - {prompt.key for prompt in prompts})
        answers = (*own, *_unasked(row.answers, [key for key in rest if row.answers[key].strip()]))
        if answers:
            found.append(report.Account(person=source.person(row.user_id), answers=answers))
    return sorted(
        found, key=lambda one: (one.person is None, source.names.get(one.person or "", ""), repr(one.answers))
    )


def _risk(source: _Source) -> report.Risk | None:
    if source.retro is None:
        return None
    told = {prompt: row.text for (_, prompt), row in retros.answers(source.session, source.retro.id).items()}
    likelihood, consequence = told.get("likelihood"), told.get("consequence")
    score = source.books.policy.risk.score(likelihood, consequence)
    if score is None or likelihood is None or consequence is None:
        return None
    band = source.books.policy.risk.band(score)
    return report.Risk(
        likelihood=_option(source, "likelihood", likelihood),
        consequence=_option(source, "consequence", consequence),
        score=score,
        band=Term(key=band.key, label=band.label),
    )


def _option(source: _Source, prompt: str, key: str) -> Term:
    asked = (found for step in source.guide.steps if (found := step.prompt(prompt)) is not None)
    labels = {option.key: option.label for found in asked for option in found.options}
    return Term(key=key, label=labels.get(key, key))


# --- factors and actions ---------------------------------------------------------------------------------


def _factors(source: _Source, known: Sequence[Factor]) -> list[report.Factor]:
    rows = factors.evidence(source.session, [factor.id for factor in known])
    standing = {factor.id for factor in known}
    there = {entry.id for entry in source.entries}
    terms = source.books.taxonomy
    found = []
    for factor in known:
        evidence = [row for row in rows.get(factor.id, []) if row.entry_id in there]
        category = Term(key=factor.category, label=terms.label("categories", factor.category))
        found.append(
            report.Factor(
                id=factor.id,
                statement=factor.statement,
                domain=Term(key=factor.domain, label=terms.label("domains", factor.domain)),
                level=Term(key=factor.level, label=terms.label("levels", factor.level)),
                role=Term(key=factor.role, label=terms.label("roles", factor.role)),
                category=category if factor.category else None,
                confidence=Term(key=factor.confidence, label=terms.label("confidence", factor.confidence)),
                because_of=factor.because_of_id if factor.because_of_id in standing else None,
                evidence_for=tuple(row.entry_id for row in evidence if not row.against),
                evidence_against=tuple(row.entry_id for row in evidence if row.against),
                another_view=factor.another_view,
                assumptions=factor.assumptions,
            )
        )
    return found


def _actions_of(source: _Source) -> list[ActionItem]:
    return action_items.of_incident(source.session, source.incident.id)


def _action(source: _Source, action: ActionItem, standing: set[int]) -> report.Action:
    kind = actions.KINDS.get(action.kind)
    effect = ": ".join(part for part in (actions.EFFECTS.get(action.effect or "", ""), action.effect_note) if part)
    return report.Action(
        key=action.key,
        what=action.what,
        owner=source.person(action.owner_id),
        due=action.due_on,
        kind=Term(key=action.kind, label=kind.label if kind is not None else action.kind),
        addresses=action.factor_id if action.factor_id in standing else None,
        success_criteria=action.success_criteria,
        impact=_grade(source, action.impact),
        effort=_grade(source, action.effort),
        is_quick_win=actions.is_quick_win(action),
        status=action.status,
        done_at=action.done_at,
        checked_how=action.checked_how,
        verified_by=source.person(action.verified_by),
        verified_at=action.verified_at,
        effect=effect,
        wont_do_because=action.wont_do_because,
    )


def _grade(source: _Source, key: str) -> Term | None:
    return Term(key=key, label=source.books.taxonomy.label("grades", key)) if key else None


# --- what the record cannot show, and whom it is owed to -------------------------------------------------


def _limitations(source: _Source) -> list[str]:
    found = []
    unset = [kind for kind in report.MILESTONES if kind not in _reached(source)]
    if unset:
        found.append(f"It is not known when it was {_listed(unset)}.")
    deleted = sum(entry.deleted_at is not None for entry in source.entries)
    if deleted:
        found.append(
            f"{_counted(deleted, 'message was', 'messages were')} deleted; only the time and the author are left."
        )
    if source.retro is not None and source.guide.of_kind("accounts") is not None:
        asked = retros.participants(source.session, source.retro.id)
        given = sum(one.answered for one in asked)
        if given < len(asked):
            found.append(f"{given} of {len(asked)} participants gave an account of their own.")
    return found


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _thanks(source: _Source) -> list[str]:
    """Everybody who worked on it, whether they gave an account or not: the list must not tell who did not."""
    there = retro.on_the_timeline(source.session, source.incident)
    if source.retro is not None:
        there |= {source.retro.facilitator_id}
        there |= {one.user_id for one in publications.reviews(source.session, source.retro.id) if one.decision}
    known = people.people(source.session, source.incident.team_id, there)
    persons = [user for user in there if user in known and not known[user].is_bot]
    for user in persons:
        source.person(user)
    return sorted(persons, key=lambda user: (source.names.get(user, user).casefold(), user))


def _people(source: _Source) -> list[report.Person]:
    roles: dict[str, list[str]] = {}
    for role, user in sorted(incident_rows.roles(source.session, source.incident.id).items()):
        source.person(user)
        roles.setdefault(user, []).append(role)
    return [
        report.Person(
            key=user, name=source.names.get(user, f"{mrkdwn.SOMEBODY} ({user})"), roles=tuple(roles.get(user, ()))
        )
        for user in sorted(source.seen)
    ]
