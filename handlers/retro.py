"""`/retro`: the retrospective begun, how it stands, and its hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import audit, incidents, meeting, moments, mrkdwn
from bot import people as who
from bot import retro as retrospectives
from bot.errors import FieldRefusal
from bot.guides import Guide
from bot.policy import Policy
from handlers import dialogs, retro_steps, retro_timeline
from handlers.courier import Clock
from handlers.incident_base import seen_by
from handlers.payloads import Click, Form, Slash
from handlers.subcommands import Subcommands
from handlers.views import retro as views
from storage import incidents as incident_rows
from storage import outbox, retros
from storage.db import Database
from storage.models import Incident, Retrospective

OFFERED = 100
"""Incidents to choose from: what a menu of Slack holds."""

retro = Subcommands("/retro", "leads you through a blameless retrospective, and follows what was agreed.")


def register(app: App) -> None:
    retro.register(app)
    app.action("retro_start")(start_clicked)
    app.action({"block_id": "retro_incident", "action_id": "value"})(incident_chosen)
    app.view("retro_start")(start_submitted)
    app.action("retro_take_over")(take_over_clicked)
    app.action("retro_details")(details_clicked)
    app.view("retro_details")(details_submitted)
    retro_steps.register(app)
    retro_timeline.register(app)


# --- begun -----------------------------------------------------------------------------------------------


@retro.subcommand
def start(
    ack: Ack,
    slash: Slash,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """begin a retrospective, here or of another incident, e.g. `/retro start INC-7`"""
    with db.reading() as session:
        incident = _meant(session, slash)
        begun = retros.of_incident(session, incident.id)
        if begun is None:
            view = views.start_dialog(_beginning(session, incident, slash.user_id, guides, policy, clock()))
        else:
            now = retrospectives.progress(session, begun, guides, clock())
    if begun is not None:
        ack(**views.has_begun(now, hub_channel(begun, incident)))
        return
    if not dialogs.opened(client, slash.trigger_id, view):
        ack(**dialogs.open_again("Start retrospective", "retro_start", incident.id))
        return
    ack()


def _meant(session: Session, slash: Slash) -> Incident:
    """The incident in words, this channel's, or else the latest that has no retrospective."""
    try:
        return retrospectives.named(
            session, slash.team_id, slash.rest, channel_id=slash.channel_id, asked_by=slash.user_id
        )
    except incidents.NoneNamed:
        free = _free(session, slash.team_id, slash.user_id)
        if not free:
            raise
        return free[0]


def _free(session: Session, team_id: str, user_id: str) -> list[Incident]:
    return retros.incidents_without(session, incident_rows.visible_to(session, team_id, user_id, most=OFFERED))


def start_clicked(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """The button on the opening message, and the one that opens the dialog again."""
    with db.reading() as session:
        incident = seen_by(session, click, int(click.value))
        begun = retros.of_incident(session, incident.id)
        view = (
            views.start_dialog(_beginning(session, incident, click.user_id, guides, policy, clock()))
            if begun is None
            else _begun_before(session, begun, incident)
        )
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, "Start retrospective")
    ack()


def _beginning(
    session: Session,
    incident: Incident,
    user_id: str,
    guides: Mapping[str, Guide],
    policy: Policy,
    now: datetime,
) -> views.Start:
    free = [one for one in _free(session, incident.team_id, user_id) if one.id != incident.id]
    there = retrospectives.on_the_timeline(session, incident)
    zone = who.zone_of(session, incident.team_id, user_id)
    return views.Start(
        incident=incident,
        incidents=[incident, *free][:OFFERED],
        guides=guides,
        guide=retrospectives.suits(guides, incident.kind),
        facilitator=user_id,
        participants=retrospectives.insiders(session, incident, there),
        due=retrospectives.due(policy, incident, zone=zone, now=now),
    )


def incident_chosen(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    """Another incident was chosen in the dialog: what follows from it is filled in anew."""
    with db.reading() as session:
        incident = seen_by(session, click, int(click.value))
        view = views.start_dialog(_beginning(session, incident, click.user_id, guides, policy, clock()))
    dialogs.shown_instead(client, str(click.view["id"]), view)
    ack()


def start_submitted(
    ack: Ack,
    form: Form,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
    bot_user_id: str,
) -> None:
    """Begin it; who leads although they were in the incident is told so once, and may go on."""
    with db.transaction() as session:
        view = _started(session, form, guides, policy, bot_user_id, clock())
    ack(response_action="update", view=view)


def _started(
    session: Session,
    form: Form,
    guides: Mapping[str, Guide],
    policy: Policy,
    bot_user_id: str,
    now: datetime,
) -> View:
    incident = seen_by(session, form, int(form.choice("retro_incident")))
    before = retros.of_incident(session, incident.id)
    if before is not None:
        return _begun_before(session, before, incident, by=form.user_id, now=now)
    plan = _plan(session, form, incident, bot_user_id, now)
    there = retrospectives.on_the_timeline(session, incident)
    if plan.facilitator_id in there and form.metadata.get("told") != plan.facilitator_id:
        shown = who.names(session, form.team_id).get(plan.facilitator_id, plan.facilitator_id)
        again = _beginning(session, incident, form.user_id, guides, policy, now)
        return views.start_dialog(replace(again, note=views.not_neutral(shown), told=plan.facilitator_id))
    begun, is_new = retrospectives.start(session, incident, plan, guides=guides, by=form.user_id, now=now)
    if is_new and begun.meeting_at is not None:
        invite(session, begun, begun.meeting_at, now)
    return _begun_before(session, begun, incident, by=form.user_id, now=now)


def _plan(session: Session, form: Form, incident: Incident, bot_user_id: str, now: datetime) -> retrospectives.Plan:
    """What was filled in; what cannot be so is told at its field."""
    of = incident.id
    participants = [user for user in form.users(f"participants:{of}") if user != bot_user_id]
    retrospectives.must_know(session, incident, participants, field=f"participants:{of}")
    facilitator = _facilitator(session, form, bot_user_id)
    retrospectives.must_know(session, incident, [facilitator], field="facilitator")
    return retrospectives.Plan(
        guide=form.choice(f"guide:{of}"),
        facilitator_id=facilitator,
        participants=participants,
        due_on=_due(session, form, f"due:{of}", now),
        meeting_at=_meeting(form, now),
    )


def _facilitator(session: Session, form: Form, bot_user_id: str) -> str:
    chosen = form.user("facilitator")
    if chosen == bot_user_id or not retrospectives.reachable(session, form.team_id, [chosen]):
        raise FieldRefusal(facilitator=retrospectives.NotAPerson().sentence)
    return chosen


def _due(session: Session, form: Form, name: str, now: datetime, *, stands: date | None = None) -> date:
    """The day that was chosen; one that is over only where it `stands` already."""
    today = now.astimezone(moments.zone_named(who.zone_of(session, form.team_id, form.user_id))).date()
    due = form.day(name)
    if due is None or (due < today and due != stands):
        raise FieldRefusal(**{name: "That day is over. Choose today or a later one."})
    return due


def _meeting(form: Form, now: datetime, *, stands: datetime | None = None) -> datetime | None:
    meets = form.moment("meeting")
    at = datetime.fromtimestamp(meets, UTC) if meets is not None else None
    if at is not None and at <= now and at != stands:
        raise FieldRefusal(meeting="That moment has passed. Choose a later one, or leave it empty.")
    return at


def _begun_before(
    session: Session, begun: Retrospective, incident: Incident, *, by: str = "", now: datetime | None = None
) -> View:
    """Where the retrospective is. Who has just begun it, and sent the dialog twice, hears the same twice."""
    just_now = now is not None and begun.started_by == by and now - begun.started_at < timedelta(minutes=1)
    names = who.names(session, begun.team_id)
    before = "" if just_now else names.get(begun.started_by, mrkdwn.SOMEBODY)
    return views.begun(begun, incident, hub_channel(begun, incident), before=before)


def hub_channel(of: Retrospective, incident: Incident) -> str | None:
    """Where the hub is, or will be; None when that is with the facilitator."""
    return of.hub_channel_id or incident.place


def invite(session: Session, begun: Retrospective, at: datetime, now: datetime) -> None:
    """Have the meeting's calendar file posted, and everybody reminded shortly before."""
    payload = {"retro": begun.id, "at": at.isoformat()}
    key = f"{begun.id}:{at.isoformat()}"
    lane = retrospectives.lane(begun.id)
    outbox.put(session, begun.team_id, "meeting_file", payload, lane=lane, now=now, key=f"meeting_file:{key}")
    outbox.put(
        session,
        begun.team_id,
        "meeting_reminder",
        payload,
        lane=f"meeting:{key}",
        now=now,
        key=f"meeting_reminder:{key}",
        not_before=max(now, at - meeting.REMIND_BEFORE),
    )


# --- how it stands ---------------------------------------------------------------------------------------


@retro.subcommand
def status(ack: Ack, slash: Slash, db: Database, clock: Clock, guides: Mapping[str, Guide]) -> None:
    """where it stands, only for you: `/retro status`, or of another incident: `/retro status INC-7`"""
    with db.transaction() as session:
        found = retrospectives.here(session, slash.team_id, slash.channel_id, slash.rest, asked_by=slash.user_id)
        now = retrospectives.progress(session, found, guides, clock())
        if now.incident.is_private:
            subject = f"retrospective:{found.id}"
            audit.record(session, slash.team_id, slash.user_id, "viewed", subject, {}, clock())
    ack(**views.status(now))


def take_over_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """Somebody who takes part leads on when the facilitator's account was deactivated."""
    with db.transaction() as session:
        found, _ = retrospectives.seen(session, click.team_id, int(click.value), asked_by=click.user_id)
        retrospectives.take_over(session, retros.held(session, found.id), click.user_id, clock())
    ack()


# --- changed ---------------------------------------------------------------------------------------------


def details_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.reading() as session:
        found, incident = retrospectives.seen(session, click.team_id, int(click.value), asked_by=click.user_id)
        view = (
            views.details_dialog(found, retros.participants(session, found.id))
            if retrospectives.may_edit(session, found, click.user_id)
            else views.join_first(incident, str(found.id))
        )
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, "Change details")
    ack()


def details_submitted(
    ack: Ack, form: Form, db: Database, clock: Clock, guides: Mapping[str, Guide], bot_user_id: str
) -> None:
    now = clock()
    with db.transaction() as session:
        found, incident = retrospectives.seen(session, form.team_id, int(form.metadata["retro"]), asked_by=form.user_id)
        found = retros.held(session, found.id)
        facilitator = _facilitator(session, form, bot_user_id)
        participants = [user for user in form.users("participants") if user != bot_user_id]
        before = {one.user_id for one in retros.participants(session, found.id)}
        added = [user for user in participants if user not in before]
        retrospectives.must_know(session, incident, added, field="participants")
        if facilitator != found.facilitator_id:
            retrospectives.must_know(session, incident, [facilitator], field="facilitator")
        is_new = retrospectives.change(
            session,
            found,
            facilitator_id=facilitator,
            participants=participants,
            due_on=_due(session, form, "due", now, stands=found.due_on),
            meeting_at=_meeting(form, now, stands=found.meeting_at),
            guide=retrospectives.guide_of(found, guides),
            by=form.user_id,
            now=now,
        )
        if is_new and found.meeting_at is not None:
            invite(session, found, found.meeting_at, now)
    ack()
