"""Steps: the dialogs of a guide, and where a feature adds what its kind of step shows.

A step's dialog is one frame: what it is about, what its kind shows, its questions, and the ways on. A feature
registers for its kind (`factors`, `actions`, …) with the decorators of `kinds`:

    @kinds.shows("factors")
    def factor_list(session: Session, visit: Visit) -> list[Block]: ...

Dialogs opened out of a step are pushed upon it, with `below(click)` in their metadata under "below"; when one
is submitted, `refresh_below(session, form, now)` has the step below it show what is true then, and everything
typed there stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import answers, prefill, retro
from bot import people as who
from bot.bylines import Bylines
from bot.guides import Guide, Prompt, Step
from bot.policy import Policy
from handlers.payloads import Click, Form
from handlers.views import steps as views
from storage import outbox, retros
from storage.models import Answer, Incident, Retrospective


@dataclass(frozen=True)
class Visit:
    """One person's look at one step of a retrospective.

    `start` is the key of the first question on this page of the dialog, "" on the first page. `options` is what
    the dialog remembers of the kind's own between updates, e.g. a page number: small, and JSON. `bases` are the
    versions of the answers as they were when the dialog was opened.
    """

    retro: Retrospective
    incident: Incident
    guide: Guide
    step: Step
    viewer: str
    now: datetime
    policy: Policy
    start: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    bases: Mapping[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.guide.steps.index(self.step) + 1

    def metadata(self, bases: Mapping[str, int]) -> dict[str, Any]:
        """What a dialog of this visit carries; `bases` as it shows the answers."""
        carried: dict[str, Any] = {"retro": self.retro.id, "step": self.step.key, "v": dict(bases)}
        if self.start:
            carried["start"] = self.start
        if self.options:
            carried["o"] = dict(self.options)
        return carried


Shows = Callable[[Session, Visit], list[Block]]
Asks = Callable[[Session, Visit], Sequence[Prompt]]
Keeps = Callable[[Session, Visit, Form], str | None]


class Kinds:
    """What the kinds of steps show, ask and keep besides the guide's questions."""

    def __init__(self) -> None:
        self._shows: dict[str, Shows] = {}
        self._asks: dict[str, Asks] = {}
        self._keeps: dict[str, Keeps] = {}

    def shows(self, kind: str) -> Callable[[Shows], Shows]:
        """Register the blocks of a kind, at most 40: they stand above the questions."""

        def register(show: Shows) -> Shows:
            self._shows[kind] = show
            return show

        return register

    def asks(self, kind: str) -> Callable[[Asks], Asks]:
        """Register questions of a kind's own; they are saved, kept and merged like those of the guide."""

        def register(ask: Asks) -> Asks:
            self._asks[kind] = ask
            return ask

        return register

    def keeps(self, kind: str) -> Callable[[Keeps], Keeps]:
        """Register what saves the inputs among a kind's blocks.

        It returns None when all is saved, or words that keep the dialog open and say what is to be decided;
        `visit.options` then remember `"told"`, those words, so that the same submission goes through next time.
        """

        def register(keep: Keeps) -> Keeps:
            self._keeps[kind] = keep
            return keep

        return register

    def blocks(self, session: Session, visit: Visit) -> list[Block]:
        show = self._shows.get(visit.step.kind)
        return show(session, visit) if show is not None and not visit.start else []

    def questions(self, session: Session, visit: Visit) -> list[Prompt]:
        """Every question of the step, over all its pages; of the accounts step none, they are for the others."""
        ask = self._asks.get(visit.step.kind)
        own = ask(session, visit) if ask is not None else ()
        return [*own, *(() if visit.step.kind == "accounts" else visit.step.prompts)]

    def keep(self, session: Session, visit: Visit, form: Form) -> str | None:
        keep = self._keeps.get(visit.step.kind)
        return keep(session, visit, form) if keep is not None and not visit.start else None


kinds = Kinds()


def visit_of(
    session: Session,
    team_id: str,
    viewer: str,
    metadata: Mapping[str, Any],
    *,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
) -> Visit:
    """The visit that a dialog's metadata tell of. Raises `NoSuchIncident`, `GuideGone`, `NoSuchStep`."""
    found, incident = retro.seen(session, team_id, int(metadata["retro"]), asked_by=viewer)
    guide = retro.guide_of(found, guides)
    step = guide.step(str(metadata["step"]))
    if step is None:
        raise retro.NoSuchStep
    return Visit(
        found,
        incident,
        guide,
        step,
        viewer,
        now,
        policy,
        start=str(metadata.get("start") or ""),
        options=dict(metadata.get("o") or {}),
        bases=dict(metadata.get("v") or {}),
    )


def view_of(session: Session, visit: Visit, *notes: str) -> View:
    """The dialog of a visit; `notes` (Slack text) stand at its top.

    A question that is among the visit's bases is shown as it was at that version, so that what was typed into
    it stays; the others as they are now.
    """
    shown = kinds.blocks(session, visit)
    questions = kinds.questions(session, visit)
    fields = _fields(session, visit, questions)
    page, following = views.page(fields, start=visit.start, taken=views.FRAME + len(shown) + len(notes))
    bases = {one.prompt.key: one.version for one in page}
    return views.step_dialog(
        views.StepFrame(
            title=visit.step.title,
            step=visit.step,
            number=visit.number,
            of=len(visit.guide.steps),
            notes=notes,
            shown=shown,
            fields=page,
            is_first=visit.number == 1 and not visit.start,
            more=following is not None,
            metadata=visit.metadata(bases),
        )
    )


def _fields(session: Session, visit: Visit, questions: Sequence[Prompt]) -> list[views.Field]:
    known = retros.answers(session, visit.retro.id, visit.step.key)
    bylines = Bylines.of(session, visit.retro)
    return [_field(session, visit, prompt, known.get((visit.step.key, prompt.key)), bylines) for prompt in questions]


def _field(session: Session, visit: Visit, prompt: Prompt, known: Answer | None, bylines: Bylines) -> views.Field:
    version = visit.bases.get(prompt.key, known.version if known else 0)
    text = answers.text_at(session, known, version)
    shown = filled_in(session, visit, prompt) if text is None else text
    return views.Field(prompt, version, shown, bylines.key(shown))


def filled_in(session: Session, visit: Visit, prompt: Prompt) -> str:
    """What a question holds before anybody has answered it."""
    zone = who.zone_of(session, visit.retro.team_id, visit.retro.facilitator_id)
    return prefill.text_for(session, visit.retro, visit.incident, visit.guide, visit.step, prompt, zone=zone)


def below(click: Click) -> dict[str, Any]:
    """What a dialog pushed upon a step carries in its metadata under "below"."""
    return {"view": click.view["id"], **click.form.metadata}


def refresh_below(session: Session, form: Form, now: datetime, *, anew: Sequence[str] = ()) -> None:
    """Have the step under a pushed dialog show what is true now, and keep what was typed there.

    `anew` are the keys of questions that shall show their present answer, whatever was typed.
    """
    under = form.metadata.get("below")
    if under is None:
        return
    under = {**under, "v": {key: version for key, version in under.get("v", {}).items() if key not in anew}}
    payload = {"below": under, "viewer": form.user_id}
    outbox.put(session, form.team_id, "refresh_step", payload, lane=f"view:{under['view']}", now=now)


def shown_again(
    session: Session,
    click: Click,
    *,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
    notes: Sequence[str] = (),
    **options: Any,
) -> View:
    """The step a button was clicked in, with some of its `options` changed; what was typed there stays."""
    visit = visit_of(session, click.team_id, click.user_id, click.form.metadata, guides=guides, policy=policy, now=now)
    return view_of(session, replace(visit, options={**visit.options, **options}), *notes)


# --- ways through the guide ------------------------------------------------------------------------------


def keys(session: Session, visit: Visit) -> list[str]:
    """The keys of a step's questions in their order, over all pages."""
    return [prompt.key for prompt in kinds.questions(session, visit)]


def after(session: Session, visit: Visit, last: str) -> Visit | None:
    """What follows the page that ends with the question `last`: the next page, the next step, None at the end."""
    order = keys(session, visit)
    rest = order[order.index(last) + 1 :] if last in order else []
    if rest:
        return replace(visit, start=rest[0], bases={})
    following = visit.guide.following(visit.step.key)
    return None if following is None else replace(visit, step=following, start="", options={}, bases={})


def before(session: Session, visit: Visit) -> Visit:
    """The page before this one, or the step before; the first page of the first step is before itself."""
    if visit.start:
        return replace(visit, start=_page_before(session, visit), bases={})
    steps = visit.guide.steps
    earlier = steps[max(visit.number - 2, 0)]
    return replace(visit, step=earlier, start="", options={}, bases={})


def _page_before(session: Session, visit: Visit) -> str:
    first = replace(visit, start="", bases={})
    questions = kinds.questions(session, first)
    fields = _fields(session, first, questions)
    start, taken = "", views.FRAME + len(kinds.blocks(session, first))
    while True:
        _, following = views.page(fields, start=start, taken=taken)
        if following is None or following.prompt.key == visit.start:
            return start
        start, taken = following.prompt.key, views.FRAME
