"""Contributing factors: listed in their step, added, changed, withdrawn and brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import answers, blameless, factors, retro
from bot import people as who
from bot.factors import TEXTS, Draft, Saved
from bot.guides import Guide
from bot.policy import Policy
from bot.taxonomy import Taxonomy
from handlers import dialogs, entry_menu, steps
from handlers.courier import Clock
from handlers.payloads import Click, Form
from handlers.steps import Visit
from handlers.views import factors as views
from storage import entries, retros
from storage import factors as factor_rows
from storage.db import Database
from storage.models import Factor, Incident, Retrospective


def register(app: App, taxonomy: Taxonomy) -> None:
    """Register the listeners, and what a step of this kind shows in the words of `taxonomy`."""
    steps.kinds.shows("factors")(partial(step_blocks, taxonomy=taxonomy))
    app.action("factor_add")(add_clicked)
    app.action("factor_edit")(edit_clicked)
    app.action("factor_withdraw")(withdraw_clicked)
    app.action("factor_bring_back")(bring_back_clicked)
    app.action("factors_back")(turned)
    app.action("factors_on")(turned)
    app.action("factor_keep")(keep_clicked)
    app.view("factor_save")(saved)


def step_blocks(session: Session, visit: Visit, *, taxonomy: Taxonomy) -> list[Block]:
    """The factors found so far, and the way to add one."""
    standing = factor_rows.of_retrospective(session, visit.retro.id)
    rows = factor_rows.evidence(session, [factor.id for factor in standing])
    last = max(len(standing) - 1, 0) // views.PAGE * views.PAGE
    listed = views.Listed(
        visit.retro.id,
        standing,
        factor_rows.of_retrospective(session, visit.retro.id, withdrawn=True),
        {of: sum(not row.against for row in found) for of, found in rows.items()},
        {of: sum(row.against for row in found) for of, found in rows.items()},
        at=min(int(visit.options.get("factors_at") or 0), last),
    )
    return views.step_blocks(listed, taxonomy)


def turned(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide], policy: Policy
) -> None:
    _show_step(client, db, click, guides, policy, clock(), factors_at=int(click.value.strip("-") or 0))
    ack()


def _show_step(
    client: WebClient,
    db: Database,
    click: Click,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
    **options: Any,
) -> None:
    with db.reading() as session:
        view = steps.shown_again(session, click, guides=guides, policy=policy, now=now, **options)
    dialogs.shown_instead(client, str(click.view["id"]), view)


# --- one factor ------------------------------------------------------------------------------------------


def add_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, taxonomy: Taxonomy) -> None:
    """The dialog "Add a factor", upon the step."""
    with db.reading() as session:
        found, incident = retro.taking_part(session, click.team_id, int(click.value), asked_by=click.user_id)
        view = _dialog(session, click, _blank(taxonomy), taxonomy, found, incident)
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Add a factor")
    ack()


def _blank(taxonomy: Taxonomy) -> Draft:
    return Draft(
        "",
        domain=taxonomy.domains[0].key,
        level=taxonomy.levels[0].key,
        confidence=taxonomy.confidence[0].key,
    )


def edit_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, taxonomy: Taxonomy) -> None:
    with db.reading() as session:
        found, incident = retro.taking_part(
            session, click.team_id, int(click.form.metadata["retro"]), asked_by=click.user_id
        )
        factor = factors.standing(session, found, int(click.value))
        view = _dialog(session, click, factors.draft_of(session, factor), taxonomy, found, incident, factor)
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Edit")
    ack()


def _dialog(
    session: Session,
    click: Click,
    draft: Draft,
    taxonomy: Taxonomy,
    found: Retrospective,
    incident: Incident,
    factor: Factor | None = None,
) -> View:
    metadata: dict[str, Any] = {"retro": found.id, "below": steps.below(click)}
    if factor is not None:
        metadata |= {"factor": factor.id, "version": factor.version}
    choices = _choices(session, taxonomy, found, incident, click.user_id, draft, factor)
    return views.factor_dialog(draft, choices, metadata)


def _choices(
    session: Session,
    taxonomy: Taxonomy,
    found: Retrospective,
    incident: Incident,
    viewer: str,
    draft: Draft,
    factor: Factor | None,
) -> views.Choices:
    known = factor_rows.of_retrospective(session, found.id)
    own = factor.id if factor is not None else None
    wanted = {*draft.evidence, *draft.against}
    lines = [entry for entry in entries.of_incident(session, incident.id) if entry.id in wanted] if wanted else []
    chosen = zip(lines, entry_menu.options(session, incident, viewer, lines), strict=True)
    return views.Choices(taxonomy, factors.possible_causes(known, own), {line.id: option for line, option in chosen})


# --- saved -----------------------------------------------------------------------------------------------


def saved(ack: Ack, form: Form, db: Database, clock: Clock, taxonomy: Taxonomy) -> None:
    """Keep a factor, new or changed; the writer alone sees what else was written, and wording help."""
    now, draft = clock(), views.read(form)
    with db.transaction() as session:
        found, incident = retro.taking_part(session, form.team_id, int(form.metadata["retro"]), asked_by=form.user_id)
        seen = _before(session, form)
        done = _save(session, form, draft, found, taxonomy, now)
        steps.refresh_below(session, form, now)
        retro.hub_refresh(session, found, now)
        standing = factors.draft_of(session, done.factor)
        after = views.After(
            who.names(session, form.team_id).get(done.by or "", ""),
            done.meanwhile,
            _remarks(session, incident, found, standing, seen),
        )
        if not after.meanwhile and not after.remarks:
            ack()
            return
        choices = _choices(session, taxonomy, found, incident, form.user_id, standing, done.factor)
    carried = {**form.metadata, "factor": done.factor.id, "version": done.factor.version}
    ack(
        response_action="update",
        view=views.factor_dialog(standing, choices, carried, notes=views.saved_notes(after)),
    )


def _before(session: Session, form: Form) -> Mapping[str, str]:
    """The texts as the writer found them: what was seen then is not remarked again."""
    if form.metadata.get("factor") is None:
        return {}
    body = factor_rows.body_of_version(session, int(form.metadata["factor"]), int(form.metadata["version"])) or {}
    return {name: str(body.get(name) or "") for name in TEXTS}


def _save(session: Session, form: Form, draft: Draft, found: Retrospective, taxonomy: Taxonomy, now: datetime) -> Saved:
    carried = form.metadata
    if carried.get("factor") is None:
        key = f"dialog:{form.view_id}"
        factor, added = factors.add(session, found, draft, taxonomy=taxonomy, by=form.user_id, source_key=key, now=now)
        if added:
            return Saved(factor)
        carried = {"factor": factor.id, "version": 1}
    return factors.change(
        session,
        int(carried["factor"]),
        draft,
        based_on=int(carried["version"]),
        retrospective=found,
        taxonomy=taxonomy,
        by=form.user_id,
        now=now,
    )


def _remarks(
    session: Session, incident: Incident, found: Retrospective, draft: Draft, seen: Mapping[str, str]
) -> list[tuple[str, blameless.Remark]]:
    names = who.names(session, incident.team_id)
    inside = retro.on_the_timeline(session, incident) | {one.user_id for one in retros.participants(session, found.id)}
    people = sorted(names[user] for user in inside if user in names)
    return [
        (label, remark)
        for name, label in TEXTS.items()
        for text in [str(getattr(draft, name))]
        if text
        for remark in answers.new_remarks(blameless.review(text, people=people), text, seen.get(name, ""))
    ]


def keep_clicked(ack: Ack, click: Click, client: WebClient) -> None:
    dialogs.shown_instead(client, str(click.view["id"]), views.kept())
    ack()


# --- withdrawn -------------------------------------------------------------------------------------------


def withdraw_clicked(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide], policy: Policy
) -> None:
    _stand(client, db, click, guides, policy, clock(), factors.withdraw)
    ack()


def bring_back_clicked(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide], policy: Policy
) -> None:
    _stand(client, db, click, guides, policy, clock(), factors.bring_back)
    ack()


def _stand(
    client: WebClient,
    db: Database,
    click: Click,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
    verb: Callable[..., Factor],
) -> None:
    with db.transaction() as session:
        found, _ = retro.taking_part(session, click.team_id, int(click.form.metadata["retro"]), asked_by=click.user_id)
        verb(session, found, int(click.value), by=click.user_id, now=now)
        retro.hub_refresh(session, found, now)
    _show_step(client, db, click, guides, policy, now)
