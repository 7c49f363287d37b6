"""Documents of a retrospective: Markdown, HTML, JSON, CSV, and the one-page brief.

A document is its report and nothing else: no clock, no database; the same report gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot import causes_figure, markup, rich_text, timeline_figure
from bot.anonymity import anonymised
from bot.comparison import difference
from bot.durations import SPANS, in_sentence, in_words
from bot.kinds import Kind
from bot.report import Answer, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.report import Action, Entry, Factor, Link, Milestone, Report

__all__ = ["FORMS", "Form", "anonymised", "brief", "difference", "render"]

Form = Literal["md", "html", "json", "csv"]
FORMS: Final[tuple[Form, ...]] = ("md", "html", "json", "csv")

LANES: Final = tuple(
    kind.value
    for kind in (
        Kind.CHANGE,
        Kind.DETECTION,
        Kind.IMPACT,
        Kind.HYPOTHESIS,
        Kind.DATA,
        Kind.DECISION,
        Kind.ACTION,
        Kind.ESCALATION,
        Kind.COMMS,
        Kind.NOTE,
        Kind.MESSAGE,
    )
)
"""The lanes of the timeline's picture: from what happened, over what was seen and thought, to what was done."""

_STATUS: Final = {"open": "Open", "done": "Done, not verified", "verified": "Verified", "wont_do": "Will not be done"}
_KINDS: Final = {"incident": "Incident", "near_miss": "Near miss", "drill": "Drill"}
_ALWAYS: Final = (
    Section(key="milestones", title="Milestones", kind="milestones"),
    Section(key="timeline", title="Timeline", kind="timeline"),
    Section(key="accounts", title="Accounts", kind="accounts"),
    Section(key="factors", title="Contributing factors", kind="factors"),
    Section(key="actions", title="Actions", kind="actions"),
)
"""Sections printed also where the guide has no such step, if there is something to print."""


def render(report: Report, form: Form) -> str:
    """The document. `md` and `html` are for people, `json` follows `bot.report.schema`, `csv` is the timeline."""
    if form == "json":
        return report.model_dump_json(indent=2) + "\n"
    if form == "csv":
        return _csv(report)
    if form == "md":
        return _markdown(report, "report.md.jinja")
    return _HTML.get_template("report.html.jinja").render(report=report, page=Page(report))


def brief(report: Report) -> str:
    """One page of Markdown for everybody: what happened, what it meant, what is done about it; no names."""
    return _markdown(report, "brief.md.jinja")


def _markdown(report: Report, template: str) -> str:
    """Blank lines are the template's alone, since no text is put out with one: two are as good as more."""
    text = _MARKDOWN.get_template(template).render(report=report, page=Page(report))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


class Page:
    """A report as its templates see it: in its zone, in words, with references resolved."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.zone = ZoneInfo(report.zone)
        self.entries = {entry.id: entry for entry in report.timeline}
        self.factors = {factor.id: factor for factor in report.factors}
        self.names = {person.key: person.name for person in report.people}
        self.offsets = sorted({self._offset(moment) for moment in self._moments()})
        marked = tuple(entry for entry in report.timeline if entry.is_marked)
        self.marked = marked or report.timeline
        self.unmarked = tuple(entry for entry in report.timeline if not entry.is_marked) if marked else ()

    # -- times

    def _moments(self) -> Iterable[datetime]:
        yield self.report.incident.declared_at
        yield from (milestone.at for milestone in self.report.milestones)
        yield from (entry.at for entry in self.report.timeline)

    def _offset(self, moment: datetime) -> str:
        told = f"{moment.astimezone(self.zone):%z}"
        return f"UTC{told[:3]}:{told[3:5]}".replace("UTC-", "UTC−")  # noqa: RUF001 - a minus sign, for print

    @property
    def zone_in_words(self) -> str:
        return f"{self.report.zone} ({' and '.join(self.offsets)})"

    def clock(self, moment: datetime) -> str:
        """Hours and minutes; with the offset where the report crosses a change of the clocks."""
        told = f"{moment.astimezone(self.zone):%H:%M}"
        return told if len(self.offsets) == 1 else f"{told} {self._offset(moment)}"

    def day(self, moment: datetime | date) -> str:
        local = moment.astimezone(self.zone) if isinstance(moment, datetime) else moment
        return f"{local:%a} {local.day} {local:%b} {local.year}"

    def full(self, moment: datetime) -> str:
        return f"{self.day(moment)}, {self.clock(moment)}"

    def machine(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).isoformat()

    def by_day(self, entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
        return [(day, list(group)) for day, group in groupby(entries, key=lambda entry: self.day(entry.at))]

    # -- people and labels

    def who(self, key: str | None) -> str:
        return self.names.get(key, "somebody") if key else ""

    def said_by(self, entry: Entry) -> str:
        return entry.app or self.who(entry.author)

    def others(self, entry: Entry) -> str:
        """Those who marked it, where it was not the author alone."""
        return ", ".join(self.who(key) for key in entry.marked_by if key != entry.author)

    def notes(self, entry: Entry) -> dict[str, str]:
        """Of what kind the links in its text are, by address; those that `evidence_below` tells again left out."""
        below = self.evidence_below(entry)
        told = (link for link in entry.evidence if link not in below and link.kind != "link")
        return {link.url: link.kind.replace("_", " ") for link in told}

    def evidence_below(self, entry: Entry) -> list[Link]:
        """What it points at and its text does not show, or not with its label."""
        shown = markup.addresses(entry.text)
        return [link for link in entry.evidence if link.url not in shown or link.label not in entry.text]

    def entry_label(self, kind: str) -> str:
        return Kind(kind).label if kind in set(Kind) else kind.capitalize()

    @property
    def kind(self) -> str:
        return _KINDS[self.report.incident.kind]

    @property
    def is_drill(self) -> bool:
        return self.report.incident.kind == "drill"

    def status(self, action: Action) -> str:
        return _STATUS[action.status]

    def behind(self, factor: Factor) -> Factor | None:
        return self.factors.get(factor.because_of) if factor.because_of is not None else None

    def addressed(self, action: Action) -> Factor | None:
        return self.factors.get(action.addresses) if action.addresses is not None else None

    def evidence(self, ids: Iterable[int]) -> list[Entry]:
        """The entries of these ids, in the order of the timeline; those that are no longer there are left out."""
        wanted = set(ids)
        return [entry for entry in self.report.timeline if entry.id in wanted]

    @property
    def thanks(self) -> list[str]:
        """Each sentence of thanks, only for what was done; who told without a name is not named here either."""
        told = dict.fromkeys(account.person for account in self.report.accounts if account.person is not None)
        done = ((self.report.thanks, "working on this"), (told, "telling how it was"))
        return [f"Thank you to {_listed(list(map(self.who, keys)))} for {what}." for keys, what in done if keys]

    def roles(self, role_of: str) -> str:
        roles = next((person.roles for person in self.report.people if person.key == role_of), ())
        own = ("facilitator",) if role_of == self.report.facilitator and "facilitator" not in roles else ()
        return ", ".join((*roles, *own))

    # -- parts

    @property
    def has_version(self) -> bool:
        """Whether its version says something: one was published, this or an earlier one."""
        return self.report.published_at is not None or self.report.version > 1

    @property
    def unpublished(self) -> str:
        return f"Version {self.report.version}, not published." if self.has_version else "Not published."

    @property
    def sections(self) -> list[Section]:
        """The guide's steps; and before the last one those that it lacks but the report has something for."""
        own = [section for section in self.report.sections if self._holds(section)]
        present = {section.kind for section in own}
        lacking = [section for section in _ALWAYS if section.kind not in present and self._holds(section)]
        place = len(own) - 1 if own and own[-1].kind == "review" else len(own)
        return [*own[:place], *lacking, *own[place:]]

    def _holds(self, section: Section) -> bool:
        content: dict[str, Sequence[Any]] = {
            "milestones": self.report.milestones,
            "timeline": self.report.timeline,
            "accounts": self.report.accounts,
            "factors": self.report.factors,
            "actions": self.report.actions,
        }
        return bool(content.get(section.kind)) or bool(self.answers(section))

    def answers(self, section: Section) -> list[Answer]:
        """What was answered, without a heading under which there is nothing but the facts at the document's top."""
        return [one for _, told in by_heading(section.answers) if not all(map(self._repeats, told)) for one in told]

    def _repeats(self, answer: Answer) -> bool:
        incident = self.report.incident
        facts = {
            "severity": incident.severity,
            "services": ", ".join(incident.services),
            "environment": incident.environment,
        }
        return answer.text.strip() == facts.get(answer.prompt) and not answer.other_views

    def not_in_header(self, section: Section) -> list[Answer]:
        """The section's answers without the summary, where a document starts with it."""
        return [answer for answer in self.answers(section) if answer.prompt != "summary"]

    def about(self, entry: Entry) -> list[Answer]:
        """What was answered about a line of the record, to be told with it."""
        told = (answer for section in self.report.sections for answer in answered(section.answers))
        return [answer for answer in told if answer.entry == entry.id] if entry in self.marked else []

    def not_in_record(self, answers: Sequence[Answer]) -> list[Answer]:
        """Those answers that are not told with their line of the record."""
        there = {entry.id for entry in self.marked}
        return [answer for answer in answers if answer.entry not in there]

    def about_action(self, action: Action) -> list[tuple[str, str]]:
        """What else is said about an action: a label and words each."""
        factor = self.addressed(action)
        checked = f"{action.checked_how} (verified by {self.who(action.verified_by)})" if action.verified_by else ""
        told = (
            ("Worked if", action.success_criteria),
            ("Addresses", shortened(factor.statement, 140) if factor else ""),
            ("Checked", checked or action.checked_how),
            ("Effect", action.effect),
            ("Because", action.wont_do_because),
        )
        return [(label, words) for label, words in told if words]

    @property
    def began(self) -> str:
        """The day by which it is known."""
        first = self.milestone("started") or self.milestone("detected")
        return self.day(first.at if first else self.report.incident.declared_at)

    @property
    def timeline_in_words(self) -> str:
        told = [f"{milestone.kind} {self.full(milestone.at)}" for milestone in self.report.milestones]
        return f"{len(self.marked)} entries by kind{'; ' if told else ''}{'; '.join(told)}."

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """The durations: what, how long, and what is counted; or why there is none, unless a milestone is missing:

        which ones are, the limitations say once.
        """
        durations = self.report.durations
        told = (
            ("Time to detect", "detect", durations.detect, "from started to detected"),
            ("Time to acknowledge", "acknowledge", durations.acknowledge, "from detected to acknowledged"),
            ("Time to mitigate", "mitigate", durations.mitigate, "from started to mitigated"),
            ("Time to resolve", "resolve", durations.resolve, "from started to resolved"),
        )
        known = {milestone.kind for milestone in self.report.milestones}
        return [
            (name, one.words, counted)
            if one.seconds is not None
            else (name, "not known", (one.because or "") if known.issuperset(SPANS[key]) else "")
            for name, key, one, counted in told
        ]

    def milestone(self, kind: str) -> Milestone | None:
        return next((found for found in self.report.milestones if found.kind == kind), None)

    def span(self, name: str) -> str:
        """A duration in a sentence ("1 hour and 5 minutes"); empty when there is none."""
        seconds = getattr(self.report.durations, name).seconds
        return in_sentence(seconds) if seconds is not None else ""

    def answer(self, *prompts: str) -> str:
        """The first text given to one of these prompts, wherever it was asked."""
        said = {answer.prompt: answer.text for section in self.report.sections for answer in section.answers}
        return next((said[prompt].strip() for prompt in prompts if said.get(prompt, "").strip()), "")

    @property
    def summary(self) -> str:
        return self.answer("summary") or self.report.incident.description

    @property
    def main_factors(self) -> list[Factor]:
        """What came together, for a brief: the first few that still stand and made it worse."""
        standing = [factor for factor in self.report.factors if factor.confidence.key != "refuted"]
        return [factor for factor in standing if factor.role.key != "mitigator"][:5]

    @property
    def main_actions(self) -> list[Action]:
        return [action for action in self.report.actions if action.status != "wont_do"][:6]

    @property
    def what_helped(self) -> list[str]:
        said = "\n".join((self.answer("helped", "held"), self.answer("went_our_way")))
        return [line.strip() for line in said.splitlines() if line.strip()][:4]

    @property
    def brief_texts(self) -> list[str]:
        """What people wrote of a brief's text, before it is shortened."""
        told = [self.summary, self.answer("impact", "could_have"), self.answer("affected")]
        told += [factor.statement for factor in self.main_factors]
        return [*told, *self.what_helped, *(action.what for action in self.main_actions)]

    # -- pictures

    @property
    def timeline(self) -> timeline_figure.Timeline | None:
        return timeline_figure.timeline(self.report, self.zone, LANES)

    @property
    def causes(self) -> list[causes_figure.Causes]:
        return causes_figure.causes(self.report)


def answered(answers: Iterable[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.text.strip() or answer.other_views]


def by_heading(answers: Iterable[Answer]) -> list[tuple[str, list[Answer]]]:
    """What was answered, under its headings; a heading comes where it first does."""
    found: dict[str, list[Answer]] = {}
    for answer in answered(answers):
        found.setdefault(answer.heading, []).append(answer)
    return list(found.items())


def shortened(text: str, most: int) -> str:
    """The words on one line, cut after a sentence, or else a word, with an ellipsis when they are longer."""
    words = " ".join(rich_text.words(text).split())
    if len(words) <= most:
        return words
    cut = words[:most]
    sentence = max(cut.rfind(f"{end} ") for end in ".!?")
    return f"{cut[: sentence + 1] if sentence > most // 2 else cut.rpartition(' ')[0] or cut} …"


def _shortened_for_markdown(text: str, most: int) -> markup.Ready:
    return markup.literal(shortened(text, most))


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


COLUMNS: Final = (
    "id", "at", "kind", "author", "app", "text", "is_marked", "is_key", "marked_by", "thread", "edited_at",
    "deleted_at", "permalink", "evidence",
)  # fmt: skip


def _csv(report: Report) -> str:
    """RFC 4180, times in ISO 8601 with the offset of the report's zone; no cell starts a formula."""
    page = Page(report)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in report.timeline:
        writer.writerow(
            [
                entry.id,
                page.machine(entry.at),
                *map(markup.cell, (entry.kind, page.who(entry.author), entry.app or "", entry.text)),
                str(entry.is_marked).lower(),
                str(entry.is_key).lower(),
                markup.cell(", ".join(map(page.who, entry.marked_by))),
                markup.cell(entry.thread or ""),
                page.machine(entry.edited_at) if entry.edited_at else "",
                page.machine(entry.deleted_at) if entry.deleted_at else "",
                markup.cell(entry.permalink or ""),
                markup.cell("\n".join(link.url for link in entry.evidence)),
            ]
        )
    return out.getvalue()


def _environment(*, markdown: bool) -> Environment:
    """Whatever a template puts out is escaped: for Markdown by `finalize`, unless it is `Ready`."""
    environment = Environment(
        loader=PackageLoader("templates", "documents"),
        autoescape=not markdown,  # noqa: S701 - Markdown is no HTML: see finalize
        finalize=markup.made_ready if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "paragraph": markup.paragraph,
        "destination": markup.destination,
        "literal": markup.literal,
        "ready": markup.Ready,
        "formatted": markup.formatted,
        "inline": markup.inline,
        "plain_words": rich_text.words,
        "web_address": markup.web_address,
        "in_words": in_words,
        "shortened": _shortened_for_markdown if markdown else shortened,
        "by_heading": by_heading,
        "answered": answered,
    }
    return environment


_MARKDOWN: Final = _environment(markdown=True)
_HTML: Final = _environment(markdown=False)
