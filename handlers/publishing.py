"""Review, publication, brief and export: what a retrospective comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import audit, documents, exporting, publishing, reports, retro
from bot import people as who
from bot.errors import Refusal
from bot.guides import Prompt
from bot.publishing import Decision
from bot.report import Report
from bot.reports import Books
from bot.settings import Settings
from handlers import dialogs, incident_base, retro_steps, steps, typed_secrets
from handlers.action_items import refresh_home
from handlers.courier import Clock
from handlers.deliveries import message_for
from handlers.nudges import refresh_about
from handlers.payloads import Click, Form, Slash
from handlers.retro import retro as command
from handlers.steps import Visit
from handlers.views import kit
from handlers.views import publishing as views
from storage import outbox, publications, receipts, retros
from storage.db import Database
from storage.models import Incident, Retrospective
from storage.nudges import RETRO

DOUBLE_CLICK = timedelta(seconds=10)
"""The same asked for again within so short a time is the same wish; later, something may have changed."""


class NotItsChannel(Refusal):
    """A private incident's brief is only posted in that incident's own channel; nothing was posted."""


def register(app: App, books: Books) -> None:
    """Register the listeners, and what the review step shows and asks by these guides, policy and terms."""
    steps.kinds.shows("review")(partial(review_blocks, books=books))
    steps.kinds.asks("review")(review_questions)
    app.action("review_ask")(ask_clicked)
    app.view("review_ask")(ask_submitted)
    app.action("review_approve")(approve_clicked)
    app.action("review_changes")(changes_clicked)
    app.view("review_changes")(changes_submitted)
    app.action("publish")(publish_clicked)
    app.action("publish_anyway")(publish_clicked)
    app.action("export_open")(export_clicked)
    app.action("export_anonymised")(export_clicked)
    app.action("brief_post")(brief_clicked)


# --- the review step -------------------------------------------------------------------------------------


def review_questions(_: Session, visit: Visit) -> Sequence[Prompt]:
    return [reports.checklist(visit.policy)]


def review_blocks(session: Session, visit: Visit, *, books: Books) -> list[Block]:
    """What is still open, who has read it, what changed since the last version, and the ways on."""
    now = _standing(session, visit.retro, visit.incident, books, visit.now)
    return views.review_blocks(now, sure=bool(visit.options.get("sure")))


def _standing(
    session: Session, found: Retrospective, incident: Incident, books: Books, now: datetime
) -> views.Standing:
    guide = retro.guide_of(found, books.guides)
    last = reports.latest(session, incident)
    draft = reports.build(session, incident, books) if last is not None else None
    is_changed = last is None or draft is None or reports.differs(last, draft)
    return views.Standing(
        retro=found,
        incident=incident,
        gaps=publishing.gaps(session, found, guide, books.policy, now),
        reviews=publications.reviews(session, found.id),
        names=who.names(session, found.team_id),
        version=last.version if last is not None else 0,
        changes=documents.difference(last, draft) if last is not None and draft is not None and is_changed else (),
        is_changed=is_changed,
    )


def _held(session: Session, team_id: str, retro_id: int, user_id: str) -> tuple[Retrospective, Incident]:
    """The retrospective, held, for somebody who takes part in it."""
    found, incident = retro.taking_part(session, team_id, retro_id, asked_by=user_id)
    return retros.held(session, found.id), incident


def ask_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.reading() as session:
        retro.seen(session, click.team_id, int(click.value), asked_by=click.user_id)
    view = views.ask_dialog({"retro": int(click.value), "below": steps.below(click)})
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Ask for a review")
    ack()


def ask_submitted(ack: Ack, form: Form, db: Database, clock: Clock, bot_user_id: str) -> None:
    now = clock()
    with db.transaction() as session:
        found, _ = _held(session, form.team_id, int(form.metadata["retro"]), form.user_id)
        asked = [user for user in form.users("reviewers") if user != bot_user_id]
        publishing.ask(session, found, asked, by=form.user_id, now=now)
        steps.refresh_below(session, form, now)
    ack()


# --- a reviewer's answer ---------------------------------------------------------------------------------


def approve_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """In the request it is answered there; a reminder or Home tab, which shows more than this, follows."""
    now = clock()
    number, _, place = click.value.partition("|")
    with db.transaction() as session:
        found, incident = retro.seen(session, click.team_id, int(number), asked_by=click.user_id)
        publishing.decide(session, retros.held(session, found.id), click.user_id, Decision.APPROVED, "", now)
        text = f"You approved the retrospective of {incident.key}. Thank you; its facilitator hears of it."
        if click.response_url and not place:
            incident_base.answer(session, click, text, now)
        _decided(session, found, click.user_id, now)
    ack()


def _decided(session: Session, found: Retrospective, reviewer: str, now: datetime) -> None:
    """Have every place that still asks the reviewer follow."""
    refresh_about(session, found.team_id, RETRO, found.id, now)
    refresh_home(session, found.team_id, reviewer, now)


def changes_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    number, _, place = click.value.partition("|")
    with db.reading() as session:
        found, incident = retro.seen(session, click.team_id, int(number), asked_by=click.user_id)
        if publications.review_of(session, found.id, click.user_id) is None:
            raise publishing.NotAsked
    metadata = {"retro": found.id, "url": "" if place else click.response_url}
    if not dialogs.opened(client, click.trigger_id, views.changes_dialog(incident, metadata)):
        dialogs.offer_again(db, clock, click, "Ask for changes")
    ack()


def changes_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        found, incident = retro.seen(session, form.team_id, int(form.metadata["retro"]), asked_by=form.user_id)
        held = retros.held(session, found.id)
        publishing.decide(session, held, form.user_id, Decision.CHANGES, form.text("words"), now)
        text = f"You asked for changes to the retrospective of {incident.key}. Its facilitator has your words."
        if form.metadata["url"]:
            message = {"replace_original": True, **kit.message(text, kit.sections(text))}
            payload = {"url": form.metadata["url"], "message": message}
            lane, key = f"respond:{form.user_id}", f"answer:{form.key}"
            outbox.put(session, form.team_id, "respond", payload, lane=lane, now=now, key=key)
        _decided(session, found, form.user_id, now)
    ack()


# --- published -------------------------------------------------------------------------------------------


@command.subcommand
def publish(ack: Ack, slash: Slash, db: Database, clock: Clock, books: Books, settings: Settings) -> None:
    """publish the retrospective: `/retro publish`; what is still open is named first"""
    now = clock()
    with db.transaction() as session:
        there = retro.here(session, slash.team_id, slash.channel_id, slash.rest, asked_by=slash.user_id)
        found, incident = _held(session, slash.team_id, there.id, slash.user_id)
        standing = _standing(session, found, incident, books, now)
        if standing.is_changed and standing.gaps:
            ack(**views.asked_first(standing))
            return
        report, is_new = _publish(session, found, incident, books, slash.user_id, now)
    ack(**kit.ephemeral(_done(report, incident, settings, is_new=is_new)))


def _publish(
    session: Session, found: Retrospective, incident: Incident, books: Books, by: str, now: datetime
) -> tuple[Report, bool]:
    report, is_new = publishing.publish(session, found, incident, books, by=by, now=now)
    guide = retro.guide_of(found, books.guides)
    if is_new:
        retro.note_step(session, found, guide, guide.steps[-1].key, done=True, by=by, now=now)
    return report, is_new


def _done(report: Report, incident: Incident, settings: Settings, *, is_new: bool) -> str:
    return views.done(report, is_new=is_new, brief_in=publishing.brief_channel(settings, incident))


def publish_clicked(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, books: Books, settings: Settings
) -> None:
    """The button in the review step, which first keeps what was typed there, and in the answer to the command."""
    now = clock()
    view: View | None = None
    with db.transaction() as session:
        found, incident = _held(session, click.team_id, int(click.value), click.user_id)
        if click.view.get("type") != "modal":
            report, is_new = _publish(session, found, incident, books, click.user_id, now)
            incident_base.answer(session, click, _done(report, incident, settings, is_new=is_new), now)
        else:
            view = _published_in_step(session, click, found, incident, books, settings, now)
    if view is not None:
        dialogs.shown_instead(client, str(click.view["id"]), typed_secrets.told(view, click.masked, click.view))
    ack()


def _published_in_step(
    session: Session,
    click: Click,
    found: Retrospective,
    incident: Incident,
    books: Books,
    settings: Settings,
    now: datetime,
) -> View:
    view, is_step = retro_steps.kept(session, click, books.guides, books.policy, now, sure=True)
    guide = retro.guide_of(found, books.guides)
    is_open = publishing.gaps(session, found, guide, books.policy, now)
    if not is_step or (is_open and click.action_id != "publish_anyway"):
        return view
    report, is_new = _publish(session, found, incident, books, click.user_id, now)
    metadata = {**click.form.metadata, "v": {}, "o": {}}
    visit = steps.visit_of(
        session, click.team_id, click.user_id, metadata, guides=books.guides, policy=books.policy, now=now
    )
    return steps.view_of(session, replace(visit, bases={}), _done(report, incident, settings, is_new=is_new))


# --- brief -----------------------------------------------------------------------------------------------


@command.subcommand
def brief(ack: Ack, slash: Slash, db: Database, clock: Clock, books: Books) -> None:
    """one page without jargon, only for you at first: `/retro brief`, or of another incident: `/retro brief INC-7`"""
    with db.transaction() as session:
        incident = retro.named(session, slash.team_id, slash.rest, channel_id=slash.channel_id, asked_by=slash.user_id)
        report = reports.latest(session, incident) or reports.build(session, incident, books)
        _note_view(session, incident, slash.user_id, "viewed", clock(), as_="brief")
    may_post = not incident.is_private or incident.channel_id == slash.channel_id
    ack(**views.brief_answer(report, incident, may_post=may_post))


def brief_clicked(ack: Ack, click: Click, db: Database, clock: Clock, books: Books) -> None:
    """Show the brief to everybody in the channel where its button was pressed."""
    now = clock()
    with db.transaction() as session:
        incident = incident_base.seen_by(session, click, int(click.value))
        if incident.is_private and incident.channel_id != click.channel_id:
            raise NotItsChannel
        report = reports.latest(session, incident) or reports.build(session, incident, books)
        payload = {"channel": click.channel_id, **views.brief(report)}
        key = f"brief:{click.channel_id}:{incident.id}:{report.version}:{click.message_ts}"
        outbox.put(session, click.team_id, "post", payload, lane=f"incident:{incident.id}", now=now, key=key)
        incident_base.answer(session, click, "The brief is posted here.", now)
    ack()


def _note_view(session: Session, incident: Incident, by: str, what: str, now: datetime, **detail: Any) -> None:
    """Of a private incident it is remembered who has looked at it, and who has taken it along."""
    if incident.is_private:
        audit.record(session, incident.team_id, by, what, f"incident:{incident.id}", detail, now)


# --- export ----------------------------------------------------------------------------------------------


@command.subcommand
def export(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """the document as a file, for you: `/retro export html` (or md, json, csv), `/retro export md anonymised INC-7`"""
    now = clock()
    wanted = exporting.parse(slash.rest)
    with db.transaction() as session:
        incident = retro.named(
            session, slash.team_id, wanted.incident, channel_id=slash.channel_id, asked_by=slash.user_id
        )
        sent = _send(session, incident, slash.user_id, wanted.form, now, anonymised=wanted.anonymised, key=slash.key)
    comes = f"The document of {incident.key} comes to you by direct message."
    ack(**kit.ephemeral(comes if sent else _asked_twice(incident)))


def export_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    number, _, rest = click.value.partition(":")
    form, _, anonymised = rest.partition(":")
    now = clock()
    with db.transaction() as session:
        incident = incident_base.seen_by(session, click, int(number))
        if receipts.first_time(session, click.team_id, click.key, now):
            sent = _send(session, incident, click.user_id, form, now, anonymised=bool(anonymised), key=click.key)
            if not sent:
                payload, lane = message_for(click.user_id, _asked_twice(incident)), f"dm:{click.user_id}"
                outbox.put(session, click.team_id, "direct_message", payload, lane=lane, now=now)
    ack()


def _asked_twice(incident: Incident) -> str:
    return f"You asked for the document of {incident.key} a moment ago, so it comes once, by direct message."


def _send(
    session: Session, incident: Incident, user_id: str, form: str, now: datetime, *, anonymised: bool, key: str
) -> bool:
    """Have the document sent; False when the same was asked for a moment ago, e.g. by a double click."""
    wanted = f"export:{incident.id}:{user_id}:{form}:{anonymised}"
    if receipts.just_came(session, incident.team_id, wanted, now, within=DOUBLE_CLICK):
        return False
    payload = {"incident": incident.id, "user": user_id, "form": form, "anonymised": anonymised}
    lane = f"dm:{user_id}"
    outbox.put(session, incident.team_id, "export_document", payload, lane=lane, now=now, key=f"export:{key}")
    _note_view(session, incident, user_id, "exported", now, form=form, anonymised=anonymised)
    return True
