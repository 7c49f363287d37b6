"""The steps of a retrospective: opened, filled in, saved by several people at once, left and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import answers, audit, blameless, mrkdwn, retro
from bot import people as who
from bot.bylines import Bylines
from bot.guides import Guide, Prompt
from bot.policy import Policy
from bot.prefill import FROM_THE_TIMELINE
from handlers import dialogs, steps, typed_secrets
from handlers.courier import Clock
from handlers.payloads import Click, Form
from handlers.steps import Visit
from handlers.views import retro as retro_views
from handlers.views import steps as views
from storage import retros
from storage.db import Database
from storage.models import RetroStatus

CONTINUE, LEAVE, BACK, STAY = "continue", "leave", "back", "stay"


def register(app: App) -> None:
    app.action("retro_step")(step_clicked)
    app.action("retro_join")(join_clicked)
    for dialog in ("retro_step", "retro_conflict", "retro_wording"):
        app.view(dialog)(submitted)
    app.action("retro_wording_keep")(kept_as_written)
    app.action("retro_leave")(left)
    app.action("retro_back")(went_back)
    app.action("retro_versions")(versions_clicked)
    app.action("retro_versions_newer")(versions_turned)
    app.action("retro_versions_older")(versions_turned)
    app.action("retro_restore")(restored)


# --- opened ----------------------------------------------------------------------------------------------


def step_clicked(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Show a step to somebody who takes part; who may know of it and does not is asked to join."""
    number, _, key = click.value.partition(":")
    metadata = {"retro": int(number), "step": key}
    with db.reading() as session:
        visit = steps.visit_of(
            session, click.team_id, click.user_id, metadata, guides=guides, policy=policy, now=clock()
        )
        takes_part = retro.may_edit(session, visit.retro, click.user_id)
        view = (
            steps.view_of(session, visit, *notes_for(session, visit))
            if takes_part
            else retro_views.join_first(visit.incident, click.value)
        )
    if takes_part and visit.incident.is_private:
        with db.transaction() as session:
            _note_view(session, visit)
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, visit.step.title)
    ack()


def _note_view(session: Session, visit: Visit) -> None:
    """Of a private incident's retrospective it is remembered who has looked into it."""
    subject, detail = f"retrospective:{visit.retro.id}", {"step": visit.step.key}
    audit.record(session, visit.retro.team_id, visit.viewer, "viewed", subject, detail, visit.now)


def notes_for(session: Session, visit: Visit) -> list[str]:
    """What is worth saying before somebody begins a step."""
    until = retro.rest_until(session, visit.retro, visit.now) if visit.step.after_soak else None
    return [retro_views.soak_note(until)] if until is not None else []


def join_clicked(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Somebody takes part from now on; where they came to open a step, it opens."""
    number, _, key = click.value.partition(":")
    now = clock()
    view = None
    with db.transaction() as session:
        found, _ = retro.seen(session, click.team_id, int(number), asked_by=click.user_id)
        retro.join(session, retros.held(session, found.id), click.user_id, now)
        if key and click.view:
            metadata = {"retro": found.id, "step": key}
            visit = steps.visit_of(
                session, click.team_id, click.user_id, metadata, guides=guides, policy=policy, now=now
            )
            view = steps.view_of(session, visit, *notes_for(session, visit))
    if view is not None:
        dialogs.shown_instead(client, str(click.view["id"]), view)
    ack()


# --- saved -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came of saving a page of a step; `note` keeps the dialog open and says what is to be decided."""

    visit: Visit
    saved: answers.Saved
    note: str | None
    last: str
    looked_at: bool


def submitted(ack: Ack, form: Form, db: Database, clock: Clock, guides: Mapping[str, Guide], policy: Policy) -> None:
    """Keep what was typed, and show what follows: what met somebody else's words, wording help, or the next step."""
    with db.transaction() as session:
        view = _go(session, form, str(form.metadata.get("then") or CONTINUE), guides, policy, clock())
    ack(response_action="update", view=view)


def left(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    _went(click, client, db, LEAVE, guides, policy, clock())
    ack()


def went_back(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    _went(click, client, db, BACK, guides, policy, clock())
    ack()


def kept_as_written(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Go on; whatever was changed in the fields meanwhile is kept, too."""
    then = str(click.form.metadata.get("then") or CONTINUE)
    _went(click, client, db, then, guides, policy, clock())
    ack()


def turn(
    click: Click,
    client: WebClient,
    db: Database,
    now: datetime,
    guides: Mapping[str, Guide],
    policy: Policy,
    **options: Any,
) -> None:
    """Show the same step with some of its kind's `options` changed, after keeping what was typed on this page."""
    _went(click, client, db, STAY, guides, policy, now, options)


def kept(
    session: Session, click: Click, guides: Mapping[str, Guide], policy: Policy, now: datetime, **options: Any
) -> tuple[View, bool]:
    """Keep what was typed around a button; the dialog to show, and whether that is still the step.

    It is not while two people's words, or the wording help, are to be looked at first.
    """
    view = _go(session, click.form, STAY, guides, policy, now, options)
    return view, view.callback_id == "retro_step"


def _went(
    click: Click,
    client: WebClient,
    db: Database,
    then: str,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
    options: Mapping[str, Any] | None = None,
) -> None:
    with db.transaction() as session:
        view = _go(session, click.form, then, guides, policy, now, options)
    dialogs.shown_instead(client, str(click.view["id"]), typed_secrets.told(view, click.masked, click.view))


def _go(
    session: Session,
    form: Form,
    then: str,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
    options: Mapping[str, Any] | None = None,
) -> View:
    retros.held(session, int(form.metadata["retro"]))
    visit = steps.visit_of(session, form.team_id, form.user_id, form.metadata, guides=guides, policy=policy, now=now)
    retro.must_take_part(session, visit.retro, form.user_id)
    outcome = _save(session, visit, form, accepting=then == CONTINUE)
    return _what_follows(session, outcome, form, then, dict(options or {}))


def _save(session: Session, visit: Visit, form: Form, *, accepting: bool) -> Outcome:
    questions = [prompt for prompt in steps.kinds.questions(session, visit) if prompt.key in visit.bases]
    typed = views.typed(form, questions)
    untouched = {
        prompt.key: steps.filled_in(session, visit, prompt) for prompt in questions if visit.bases[prompt.key] == 0
    }
    saved = answers.save(
        session,
        visit.retro,
        visit.step.key,
        questions,
        typed,
        bases=visit.bases,
        untouched=untouched,
        by=visit.viewer,
        now=visit.now,
        accepting=accepting,
    )
    is_page = form.view.get("callback_id") == "retro_step"
    note = steps.kinds.keep(session, visit, form) if is_page else None
    if saved.changed:
        detail = {"step": visit.step.key, "answers": sorted(saved.changed)}
        subject = f"retrospective:{visit.retro.id}"
        audit.record(session, visit.retro.team_id, visit.viewer, "changed", subject, detail, visit.now)
    last = str(form.metadata.get("last") or next(reversed(list(visit.bases)), ""))
    return Outcome(visit, saved, note, last, looked_at=form.view.get("callback_id") == "retro_wording")


def _what_follows(session: Session, outcome: Outcome, form: Form, then: str, options: dict[str, Any]) -> View:
    visit = outcome.visit
    names = who.names(session, visit.retro.team_id)
    carried = {**visit.metadata({}), "then": then, "last": outcome.last}
    if then == STAY:
        carried["o"] = {**visit.options, **options}
    following = steps.after(session, visit, outcome.last)
    is_end = following is None or following.step.key != visit.step.key
    retro.note_step(
        session,
        visit.retro,
        visit.guide,
        visit.step.key,
        done=then == CONTINUE and is_end and not outcome.saved.conflicts and outcome.note is None,
        by=visit.viewer,
        now=visit.now,
    )
    if outcome.note is not None:
        told = {**visit.options, "told": outcome.note}
        return steps.view_of(session, replace(visit, options=told), outcome.note)
    if outcome.saved.conflicts:
        bylines = Bylines.of(session, visit.retro)
        return views.conflict_dialog(visit.step.title, outcome.saved.conflicts, names, bylines, carried)
    remarked = [] if outcome.looked_at else _remarks(session, outcome, form, names)
    if remarked:
        return views.wording_dialog("Wording", remarked, carried, callback_id="retro_wording")
    return _destination(session, visit, following, then, options)


def _destination(
    session: Session, visit: Visit, following: Visit | None, then: str, options: Mapping[str, Any]
) -> View:
    if then == LEAVE:
        return views.kept(visit.step.title, visit.step.title)
    if then == BACK:
        return steps.view_of(session, steps.before(session, visit))
    if then == STAY:
        return steps.view_of(session, replace(visit, options={**visit.options, **options}, bases={}))
    if following is None:
        return views.finished("Saved", _finished(visit))
    return steps.view_of(session, following, *notes_for(session, following))


def _finished(visit: Visit) -> str:
    if visit.retro.status == RetroStatus.PUBLISHED:
        return "*That was the last step*, and it is published. “Publish” in it publishes later changes."
    return "*That was the last step.* The hub shows what is still open; it is published with “Publish” in this step."


def _remarks(session: Session, outcome: Outcome, form: Form, names: Mapping[str, str]) -> list[views.Wording]:
    """What is remarked about the lines that this save has added; lines that stood there before were seen."""
    visit = outcome.visit
    of_conflict = dict(form.metadata.get("b") or {})
    known = retros.answers(session, visit.retro.id, visit.step.key)
    people = people_words(session, visit, names)
    bylines = Bylines.of(session, visit.retro)
    found = []
    for prompt in steps.kinds.questions(session, visit):
        answer = known.get((visit.step.key, prompt.key))
        if answer is None or not prompt.looks_at_wording:
            continue
        if prompt.key in of_conflict:
            seen = answers.text_at(session, answer, int(of_conflict[prompt.key])) or ""
        elif prompt.key in outcome.saved.changed:
            seen = outcome.saved.changed[prompt.key] + "\n" + _offered(session, visit, prompt)
        else:
            continue
        remarks = answers.new_remarks(blameless.review(answer.text, people=people), answer.text, seen)
        if remarks:
            field = views.Field(prompt, answer.version, answer.text, bylines.key(answer.text))
            found.append(views.Wording(field, remarks))
    return found


def _offered(session: Session, visit: Visit, prompt: Prompt) -> str:
    return steps.filled_in(session, visit, prompt) if prompt.prefill in FROM_THE_TIMELINE else ""


def people_words(session: Session, visit: Visit, names: Mapping[str, str]) -> list[str]:
    """The names of those in the incident, so that wording help knows a person from a machine."""
    inside = retro.on_the_timeline(session, visit.incident) | {
        one.user_id for one in retros.participants(session, visit.retro.id)
    }
    return sorted(names[user] for user in inside if user in names)


# --- earlier versions ------------------------------------------------------------------------------------


def versions_clicked(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    with db.reading() as session:
        visit = _visit(session, click, click.form.metadata, guides, policy, clock())
        view = _versions(session, visit, 0, {"below": steps.below(click)})
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Earlier versions")
    ack()


def versions_turned(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    metadata = click.form.metadata
    with db.reading() as session:
        visit = _visit(session, click, metadata["below"], guides, policy, clock())
        view = _versions(session, visit, int(click.value), metadata)
    dialogs.shown_instead(client, str(click.view["id"]), view)
    ack()


def restored(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Make an earlier text stand again, in the step below as well."""
    now, metadata = clock(), click.form.metadata
    with db.transaction() as session:
        retros.held(session, int(metadata["below"]["retro"]))
        visit = _visit(session, click, metadata["below"], guides, policy, now)
        retro.must_take_part(session, visit.retro, click.user_id)
        answer = answers.restore(session, visit.retro, int(click.value), by=click.user_id, now=now)
        subject, detail = f"retrospective:{visit.retro.id}", {"step": answer.step, "answers": [answer.prompt]}
        audit.record(session, visit.retro.team_id, click.user_id, "restored", subject, detail, now)
        steps.refresh_below(session, click.form, now, anew=[answer.prompt])
        retro.hub_refresh(session, visit.retro, now)
        view = _versions(session, visit, 0, metadata, note="*That text stands again.* What stood there is kept.")
    dialogs.shown_instead(client, str(click.view["id"]), view)
    ack()


def _visit(
    session: Session,
    click: Click,
    metadata: Mapping[str, Any],
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
) -> Visit:
    return steps.visit_of(session, click.team_id, click.user_id, metadata, guides=guides, policy=policy, now=now)


def _versions(session: Session, visit: Visit, at: int, metadata: Mapping[str, Any], *, note: str = "") -> View:
    names = who.names(session, visit.retro.team_id)
    prompts = {prompt.key: prompt for prompt in steps.kinds.questions(session, visit)}
    bylines = Bylines.of(session, visit.retro)
    found = []
    for revision, answer in retros.revisions_of_step(session, visit.retro.id, visit.step.key):
        prompt, text = prompts.get(answer.prompt), bylines.named(revision.text)
        found.append(
            views.Version(
                revision_id=revision.id,
                label=prompt.label if prompt else answer.prompt,
                number=revision.version,
                text=answers.in_words(prompt, text, names) if prompt else text,
                by=names.get(revision.saved_by, mrkdwn.SOMEBODY),
                at=revision.saved_at,
                stands=revision.version == answer.version,
            )
        )
    return views.versions_dialog("Earlier versions", found, at=at, metadata=dict(metadata), note=note)
