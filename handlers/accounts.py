"""Accounts: asked for by direct message, given in a dialog with the name or without, read side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import accounts, answers, blameless, mrkdwn, rendering
from bot import people as who
from bot import retro as retrospectives
from bot.guides import Guide, Step
from bot.policy import Policy
from handlers import dialogs, retro_steps, typed_secrets
from handlers.courier import Clock
from handlers.payloads import Click, Form, Slash
from handlers.retro import retro
from handlers.steps import Visit, kinds
from handlers.views import accounts as views
from handlers.views import kit
from handlers.views import retro as retro_views
from handlers.views import steps as step_views
from handlers.views.incident import title_of
from storage import retros
from storage.db import Database
from storage.models import Retrospective

log = logging.getLogger(__name__)

SECONDS = 0.6
"""How long each of the two calls may take that hand over the way back: somebody waits for the answer to their
dialog, which Slack wants within three seconds."""


def register(app: App) -> None:
    app.action("retro_account")(account_clicked)
    app.action("retro_account_again")(again_clicked)
    app.view("retro_account")(account_submitted)
    app.view("retro_account_wording")(account_submitted)
    app.action("retro_account_wording_keep")(kept_as_written)
    app.action("retro_accounts_first")(accounts_turned)
    app.action("retro_accounts_more")(accounts_turned)
    app.action("retro_remind")(reminded)
    app.action("retro_weave")(woven)


# --- opened ----------------------------------------------------------------------------------------------


@retro.subcommand
def perspective(ack: Ack, slash: Slash, client: WebClient, db: Database, guides: Mapping[str, Guide]) -> None:
    """give your own account, with your name or without: `/retro perspective`"""
    with db.reading() as session:
        found = retrospectives.here(session, slash.team_id, slash.channel_id, slash.rest, asked_by=slash.user_id)
        view = _dialog(session, found, slash.user_id, guides)
    if not dialogs.opened(client, slash.trigger_id, view):
        ack(**dialogs.open_again("Give my account", "retro_account", found.id))
        return
    ack()


def account_clicked(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide]
) -> None:
    with db.reading() as session:
        found, _ = retrospectives.seen(session, click.team_id, int(click.value), asked_by=click.user_id)
        view = _dialog(session, found, click.user_id, guides)
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, "Give my account")
    ack()


def again_clicked(ack: Ack, click: Click, client: WebClient, db: Database, guides: Mapping[str, Guide]) -> None:
    """Open an unnamed account by its handle, which only its writer holds."""
    number, _, handle = click.value.partition(":")
    with db.reading() as session:
        found, _ = retrospectives.seen(session, click.team_id, int(number), asked_by=click.user_id)
        view = _dialog(session, found, click.user_id, guides, handle=handle)
    # When it opens too late nothing is said: the outbox must never hold a handle beside a person.
    dialogs.opened(client, click.trigger_id, view, upon=bool(click.view))
    ack()


def _dialog(
    session: Session, of: Retrospective, user_id: str, guides: Mapping[str, Guide], *, handle: str = ""
) -> View:
    accounts.must_be_open(of)
    step = accounts.asked(retrospectives.guide_of(of, guides))
    named = retros.account_of(session, of.id, user_id)
    unnamed = retros.account(session, handle) if handle else None
    if handle and (unnamed is None or unnamed.retrospective_id != of.id):
        raise accounts.NoSuchAccount
    stands = unnamed or (None if handle else named)
    row = retros.participant(session, of.id, user_id)
    notes = [views.GIVEN_WITHOUT_NAME] if row is not None and row.answered and stands is None else []
    words = dict(stands.answers) if stands else {}
    metadata: dict[str, Any] = {
        "retro": of.id,
        "h": handle or accounts.new_handle(),
        "again": bool(handle),
        "seen": _seen(session, of, step, words),
    }
    return _page(session, of, step, words, metadata, notes=notes, unnamed=unnamed is not None)


def _page(
    session: Session,
    of: Retrospective,
    step: Step,
    words: Mapping[str, str],
    metadata: dict[str, Any],
    *,
    unnamed: bool,
    notes: list[str] | None = None,
    start: str = "",
) -> View:
    fields = [step_views.Field(prompt, 0, words.get(prompt.key, "")) for prompt in step.prompts]
    page, following = step_views.page(fields, start=start, taken=step_views.FRAME)
    carried = {**metadata, "next": following.prompt.key if following else "", "later": bool(start), "un": unnamed}
    others = sum(one.user_id is None for one in retros.accounts(session, of.id))
    return views.account_dialog(
        views.AccountForm(
            step=step,
            fields=page,
            more=following is not None,
            unnamed=None if start else unnamed,
            others=others - unnamed,
            notes=notes or [],
            metadata=carried,
        )
    )


def _seen(session: Session, of: Retrospective, step: Step, words: Mapping[str, str]) -> list[str]:
    """Digests of the lines that were remarked about before; the dialog carries them, no table does."""
    found = _remarks(session, of, step, words, ())
    return [accounts.digest(answers.line_at(one.field.text, remark.start)) for one in found for remark in one.remarks][
        :80
    ]


def _remarks(
    session: Session, of: Retrospective, step: Step, words: Mapping[str, str], seen: Any
) -> list[step_views.Wording]:
    names = who.names(session, of.team_id)
    people = sorted(names[one.user_id] for one in retros.participants(session, of.id) if one.user_id in names)
    found = []
    for prompt in step.prompts:
        text = words.get(prompt.key, "")
        if text and prompt.looks_at_wording:
            remarks = accounts.unseen(blameless.review(text, people=people, field="account"), text, seen)
            if remarks:
                found.append(step_views.Wording(step_views.Field(prompt, 0, text), remarks))
    return found


# --- given -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """What came of a saved page: what is shown next, or the way back that has yet to be handed over.

    `is_new`: this save began the account. `handed_over`: whether its writer is known to have the way back.
    """

    view: View | None
    unnamed: bool
    value: str
    is_new: bool
    handed_over: bool
    title: str


def account_submitted(
    ack: Ack, form: Form, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide]
) -> None:
    ack(response_action="update", view=_give(form, client, db, clock, guides))


def kept_as_written(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide]
) -> None:
    view = _give(click.form, client, db, clock, guides)
    dialogs.shown_instead(client, str(click.view["id"]), typed_secrets.told(view, click.masked, click.view))
    ack()


def _give(form: Form, client: WebClient, db: Database, clock: Clock, guides: Mapping[str, Guide]) -> View:
    with db.transaction() as session:
        done = _kept(session, form, guides, clock)
    handed_over = done.handed_over
    if done.unnamed and done.is_new:
        handed_over = _hand_over(client, form.user_id, done.title, done.value)
    if done.view is not None:
        return views.carrying(done.view, again=handed_over)
    return views.given(unnamed=done.unnamed, value=done.value, handed_over=handed_over)


def _kept(session: Session, form: Form, guides: Mapping[str, Guide], clock: Clock) -> Given:
    found, incident = retrospectives.seen(session, form.team_id, int(form.metadata["retro"]), asked_by=form.user_id)
    found, now, metadata = retros.held(session, found.id), clock(), form.metadata
    step = accounts.asked(retrospectives.guide_of(found, guides))
    words = step_views.typed(form, step.prompts)
    is_first = "unnamed" in form.names()
    unnamed = bool(form.choices("unnamed")) if is_first else bool(metadata["un"])
    is_new = accounts.give(session, found, words, by=form.user_id, handle=metadata["h"], unnamed=unnamed, now=now)
    retrospectives.hub_refresh(session, found, now)
    view = _next_page(session, found, step, form, unnamed=unnamed)
    return Given(
        view=view,
        unnamed=unnamed,
        value=f"{found.id}:{metadata['h']}",
        is_new=is_new,
        handed_over=bool(metadata["again"]),
        title=mrkdwn.escape(title_of(incident)),
    )


def _next_page(session: Session, of: Retrospective, step: Step, form: Form, *, unnamed: bool) -> View | None:
    """The next page of the account, or wording help about what is new in it; None when all is said."""
    metadata = form.metadata
    stands = retros.account(session, metadata["h"]) if unnamed else retros.account_of(session, of.id, form.user_id)
    words = dict(stands.answers) if stands else {}
    if metadata.get("next"):
        return _page(session, of, step, words, metadata, unnamed=unnamed, start=str(metadata["next"]))
    if form.view.get("callback_id") == "retro_account_wording":
        return None
    remarked = _remarks(session, of, step, words, set(metadata["seen"]))
    if not remarked:
        return None
    carried = {**metadata, "un": unnamed, "next": ""}
    return step_views.wording_dialog("Wording", remarked, carried, callback_id="retro_account_wording")


def _hand_over(client: WebClient, user_id: str, title: str, value: str) -> bool:
    """Send the writer the way back to their unnamed account; False when Slack did not take it in time.

    This is the one message that does not go through the outbox: a row there would hold the handle beside its
    writer, and tell for good whose account it is.
    """
    quick = WebClient(token=client.token, base_url=client.base_url, ssl=client.ssl, retry_handlers=[])
    quick.timeout = SECONDS  # type: ignore[assignment]  # it is handed to urllib, which takes fractions
    text = rendering.message("unnamed_account", title=title)
    try:
        conversation = quick.conversations_open(users=[user_id])["channel"]["id"]
        quick.chat_postMessage(channel=conversation, **views.way_back(text, value))
    except (SlackApiError, SlackClientError, URLError, OSError):
        log.warning("The way back to an unnamed account could not be sent; its writer sees it in the dialog.")
        return False
    return True


# --- side by side ----------------------------------------------------------------------------------------


@kinds.shows("accounts")
def parallel_views(session: Session, visit: Visit) -> list[Block]:
    """What came in, question by question; who has answered is told to the facilitator alone."""
    names = who.names(session, visit.retro.team_id)
    taking_part = retros.participants(session, visit.retro.id)
    given = retros.accounts(session, visit.retro.id)
    at = int(visit.options.get("at") or 0)
    shown, rest = views.parallel(visit.step, given, names, at=at)
    leads = visit.viewer == visit.retro.facilitator_id
    waiting = any(not one.answered and one.reminded_at is None for one in taking_part)
    alone = [kit.context(views.ALONE)] if sum(one.user_id is None for one in given) == 1 else []
    return [
        *_who(taking_part, names, leads=leads),
        *alone,
        *shown,
        *views.ways(at=at, rest=rest, may_remind=leads and waiting, may_weave=bool(given)),
    ]


def _who(taking_part: list[Any], names: Mapping[str, str], *, leads: bool) -> list[Block]:
    if leads:
        return list(kit.sections(retro_views.who_has_answered(taking_part, names)))
    if not taking_part:
        return [kit.section(retro_views.NOBODY)]
    answered = sum(one.answered for one in taking_part)
    return [kit.section(f"{answered} of {len(taking_part)} have answered.")]


def accounts_turned(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    retro_steps.turn(click, client, db, clock(), guides, policy, at=int(click.value))
    ack()


def _held(session: Session, click: Click) -> Retrospective:
    """The retrospective, held, for somebody who takes part in it."""
    number = int(click.form.metadata["retro"])
    found, _ = retrospectives.taking_part(session, click.team_id, number, asked_by=click.user_id)
    return retros.held(session, found.id)


def reminded(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Remind everybody who has not answered; each is reminded once, ever."""
    now = clock()
    with db.transaction() as session:
        found = _held(session, click)
        accounts.remind(session, found, now)
    retro_steps.turn(click, client, db, now, guides, policy)
    ack()


def woven(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Add what the participants wrote to the learning questions of the same name, each view as it is."""
    now = clock()
    with db.transaction() as session:
        found = _held(session, click)
        guide = retrospectives.guide_of(found, guides)
        accounts.weave(session, found, guide, by=click.user_id, now=now)
        retrospectives.hub_refresh(session, found, now)
    retro_steps.turn(click, client, db, now, guides, policy)
    ack()
