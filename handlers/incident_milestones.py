"""Milestones: by command, by dialog, by the time of a message; contradictions with a choice."""

from __future__ import annotations

from datetime import datetime

from slack_bolt import Ack, App
from slack_sdk import WebClient
from sqlmodel import Session

from bot import incidents, milestones, moments, mrkdwn, updates
from bot.errors import Refusal
from bot.policy import Policy
from handlers import dialogs, zones
from handlers.capture import get_to_know
from handlers.courier import Clock
from handlers.incident_base import answer, incident, refresh, seen_by, when, whisper
from handlers.payloads import Click, Form, Slash
from handlers.views import kit
from handlers.views import milestones as views
from storage import entries, receipts
from storage.db import Database
from storage.models import Entry, Incident, Milestone, MilestoneKind


class AnsweredAlready(Refusal):
    """That was answered already; nothing was changed. The opening message shows the milestones as they are."""


def register(app: App) -> None:
    app.action("milestone_open")(milestone_clicked)
    app.view("milestone")(milestone_submitted)
    app.action("milestone_anyway")(milestone_anyway)


@incident.subcommand
def started(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """when it began, often before anybody knew, e.g. `/incident started 08:47 deploy of the bump`"""
    _milestone(ack, slash, client, db, clock, policy, MilestoneKind.STARTED)


@incident.subcommand
def detected(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """when somebody or something noticed, e.g. `/incident detected 08:57`"""
    _milestone(ack, slash, client, db, clock, policy, MilestoneKind.DETECTED)


@incident.subcommand
def acknowledged(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """when somebody took it on, e.g. `/incident acknowledged -5m`"""
    _milestone(ack, slash, client, db, clock, policy, MilestoneKind.ACKNOWLEDGED)


@incident.subcommand
def mitigated(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """when users were helped, if not yet cured, e.g. `/incident mitigated traffic moved away`"""
    _milestone(ack, slash, client, db, clock, policy, MilestoneKind.MITIGATED)


@incident.subcommand
def resolved(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """when it was over, e.g. `/incident resolved 09:34 rollback is out`"""
    _milestone(ack, slash, client, db, clock, policy, MilestoneKind.RESOLVED)


def _milestone(
    ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock, policy: Policy, kind: MilestoneKind
) -> None:
    now, team_id, user_id = clock(), slash.team_id, slash.user_id
    zone = zones.learn(db, client, team_id=team_id, user_id=user_id, typed=slash.rest, now=now)
    try:
        with db.transaction() as session:
            here = incidents.here(session, team_id, slash.channel_id)
            get_to_know(session, team_id, user_id, now)
            at, note = moments.split_moment(slash.rest, now=now, zone=zone)
            done = _set(
                session,
                here,
                kind,
                at or now,
                note.strip(),
                by=user_id,
                key=slash.key,
                now=now,
                policy=policy,
                timed=at is not None,
                exact=moments.tells_seconds(slash.rest),
            )
    except milestones.Doubtful as conflict:
        ack(**views.contradiction(conflict, _keep(db, team_id, slash.key, conflict, now)))
        return
    ack(**kit.ephemeral(views.was_set(done.kind, done.at), *([] if zone else [zones.UNKNOWN])))


def _set(
    session: Session,
    of: Incident,
    kind: MilestoneKind,
    at: datetime,
    note: str,
    *,
    by: str,
    key: str,
    now: datetime,
    policy: Policy,
    timed: bool = True,
    exact: bool,
    anyway: bool = False,
) -> Milestone:
    done = milestones.set_milestone(
        session, of, kind, at=at, note=note, by=by, source_key=key, now=now, timed=timed, exact=exact, anyway=anyway
    )
    if kind == MilestoneKind.RESOLVED:
        session.flush()
        updates.schedule(session, of, policy, now=now)
    refresh(session, of, now)
    return done


def _keep(db: Database, team_id: str, key: str, conflict: milestones.Doubtful, now: datetime) -> str:
    """Keep what was wanted until the person has chosen; returns the name to find it by."""
    name = f"contradiction:{key}"
    kept = {
        "incident": conflict.incident_id,
        "kind": conflict.kind,
        "at": conflict.at.isoformat(),
        "note": conflict.note,
    }
    with db.transaction() as session:
        receipts.first_time(session, team_id, name, now, kept)
    return name


def milestone_anyway(ack: Ack, click: Click, db: Database, clock: Clock, policy: Policy) -> None:
    now = clock()
    with db.transaction() as session:
        kept = receipts.take(session, click.team_id, click.value)
        if not kept:
            raise AnsweredAlready
        of = seen_by(session, click, kept["incident"])
        at, kind = datetime.fromisoformat(kept["at"]), MilestoneKind(kept["kind"])
        done = _set(
            session,
            of,
            kind,
            at,
            kept["note"],
            by=click.user_id,
            key=click.key,
            now=now,
            policy=policy,
            exact=True,
            anyway=True,
        )
        answer(session, click, views.was_set(done.kind, done.at), now)
    ack()


def milestone_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        of = seen_by(session, click, int(click.value))
        get_to_know(session, click.team_id, click.user_id, clock())
    if not dialogs.opened(client, click.trigger_id, views.dialog(of)):
        dialogs.offer_again(db, clock, click, "Milestone")
    ack()


def milestone_submitted(ack: Ack, form: Form, db: Database, clock: Clock, policy: Policy) -> None:
    now = clock()
    try:
        with db.transaction() as session:
            of = seen_by(session, form, int(form.metadata["incident"]))
            entry = _entry(session, of, form)
            done = _set(
                session,
                of,
                MilestoneKind(form.choice("milestone")),
                _typed_time(session, form, entry, now),
                _note(form, entry),
                by=form.user_id,
                key=f"dialog:{form.key}",
                now=now,
                policy=policy,
                exact=moments.tells_seconds(form.text("when")),
                anyway=bool(form.choices("anyway")),
            )
            whisper(session, form, views.was_set(done.kind, done.at), now)
    except milestones.Contradiction as conflict:
        view = views.contradicted(conflict, when=form.text("when"), note=form.text("note"), metadata=form.metadata)
        ack(response_action="update", view=view)
        return
    ack()


def _entry(session: Session, of: Incident, form: Form) -> Entry | None:
    entry_id = form.metadata["entry"]
    entry = entries.by_id(session, form.team_id, int(entry_id)) if entry_id else None
    return entry if entry is not None and entry.incident_id == of.id else None


def _typed_time(session: Session, form: Form, entry: Entry | None, now: datetime) -> datetime:
    """The time typed into the dialog; untouched, it is the entry's own, to the microsecond."""
    at = when(session, form, now) or now
    return entry.happened_at if entry is not None and entry.happened_at.replace(microsecond=0) == at else at


def _note(form: Form, entry: Entry | None) -> str:
    """What was typed, and where the time comes from; the words of the message stay in the message."""
    typed = mrkdwn.escape(form.text("note").strip())
    if entry is None or not entry.permalink:
        return typed
    link = f"<{entry.permalink}|this message>"
    return f"{typed} ({link})" if typed else f"the time of {link}"
