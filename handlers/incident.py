"""`/incident`: declared, marked, brought through its milestones, closed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from sqlmodel import Session

from bot import evidence, evidence_links, incidents, milestones, moments, mrkdwn, opening, people, timeline
from bot.errors import FieldRefusal, Refusal
from bot.kinds import Kind
from handlers.courier import Clock
from handlers.payloads import Click, Form, Slash
from handlers.subcommands import Subcommands
from handlers.views import incident as views
from handlers.views import kit
from storage import entries, outbox
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import Incident, IncidentKind, IncidentStatus, MilestoneKind

incident = Subcommands("/incident", "remembers an incident while you work on it.")


class NoSuchRole(Refusal):
    """A role is given like `/incident role lead @bob`. Nothing was changed."""


class NoSuchLink(Refusal):
    """Evidence is a web address, with a label: `/incident evidence https://… error rate`. Nothing was added."""


class NothingToTell(Refusal):
    """An update needs words, like `/incident update half of the pods are back`. Nothing was recorded."""


def register(app: App) -> None:
    incident.register(app)
    app.action("declare")(declare_clicked)
    app.view("declare")(declare_submitted)
    app.action("mark_open")(mark_clicked)
    app.view("mark")(mark_submitted)
    app.action("entry_edit")(edit_clicked)
    app.view("entry_edit")(edit_submitted)
    app.action("entry_undo")(undo_clicked)
    app.action("milestone_open")(milestone_clicked)
    app.view("milestone")(milestone_submitted)
    app.action("milestone_anyway")(milestone_anyway)
    app.action(re.compile("timeline_(open|back|on)"))(timeline_turned)
    app.action("dismiss")(dismissed)
    app.view("notice")(noticed)


# --- declare ---------------------------------------------------------------------------------------------


@incident.subcommand
def declare(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin an incident, e.g. `/incident declare checkout is failing`"""
    _open_declare(client, db, slash, IncidentKind.INCIDENT)
    ack()


@incident.subcommand
def near_miss(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin a near miss: it nearly went wrong, e.g. `/incident near-miss backup was empty`"""
    _open_declare(client, db, slash, IncidentKind.NEAR_MISS)
    ack()


@incident.subcommand
def drill(ack: Ack, slash: Slash, client: WebClient, db: Database) -> None:
    """begin a drill; it stays out of the figures, e.g. `/incident drill region failover`"""
    _open_declare(client, db, slash, IncidentKind.DRILL)
    ack()


def _open_declare(client: WebClient, db: Database, slash: Slash, kind: IncidentKind) -> None:
    title = mrkdwn.plain(slash.rest, {})[:200]
    _show_declare(client, db, slash.trigger_id, slash.team_id, slash.channel_id, title, kind)


def _show_declare(
    client: WebClient,
    db: Database,
    trigger_id: str,
    team_id: str,
    channel_id: str,
    title: str,
    kind: IncidentKind,
) -> None:
    with db.reading() as session:
        there = incident_rows.in_channel(session, team_id, channel_id)
    free = not channel_id.startswith("D") and (there is None or there.status == IncidentStatus.CLOSED)
    view = views.declare_dialog(title=title, kind=kind, channel_id=channel_id, here_is_possible=free)
    client.views_open(trigger_id=trigger_id, view=view)


def declare_clicked(ack: Ack, click: Click, client: WebClient, db: Database) -> None:
    _show_declare(client, db, click.trigger_id, click.team_id, click.channel_id, "", IncidentKind.INCIDENT)
    ack()


def declare_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now, invited = clock(), form.users("people")
    if not form.text("title").strip():
        raise FieldRefusal(title="An incident needs a title, so that people can tell it from others.")
    declaration = incidents.Declaration(
        title=form.text("title"),
        kind=IncidentKind(form.choice("kind")),
        severity=incidents.parse_severity(form.choice("severity")),
        services=[word.strip() for word in form.text("services").split(",") if word.strip()],
        environment=form.text("environment"),
        summary=form.text("summary"),
        is_private=bool(form.choices("private")),
        own_channel=form.choice("where") != "here",
    )
    with db.transaction() as session:
        begun, is_new = incidents.declare(
            session,
            declaration,
            team_id=form.team_id,
            by=form.user_id,
            channel_id=form.metadata["channel"],
            source_key=f"dialog:{form.root_view_id}",
            now=now,
        )
        if is_new:
            _announce(session, begun, invited, now)
    ack(response_action="update", view=views.declared(begun))


def _announce(session: Session, begun: Incident, invited: list[str], now: datetime) -> None:
    payload = {"incident": begun.id, "people": list(dict.fromkeys([begun.declared_by, *invited]))}
    key = f"open_incident:{begun.id}"
    outbox.put(session, begun.team_id, "open_incident", payload, lane=lane(begun), now=now, key=key)


def lane(of: Incident) -> str:
    """The order in which things are said about one incident."""
    return f"incident:{of.id}"


def refresh(session: Session, of: Incident, now: datetime) -> None:
    """Have the opening message and the topic follow what was just recorded."""
    outbox.put_refresh(session, of.team_id, "refresh_opening", {"incident": of.id}, lane=lane(of), now=now)


# --- mark ------------------------------------------------------------------------------------------------


@incident.subcommand
def mark(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock) -> None:
    """remember this moment, e.g. `/incident mark 10:42 decision: roll back to v41`; without text, a dialog"""
    if not slash.rest:
        with db.reading() as session:
            incidents.here(session, slash.team_id, slash.channel_id)
        client.views_open(trigger_id=slash.trigger_id, view=views.mark_dialog(slash.channel_id))
        ack()
        return
    now = clock()
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        zone = people.zone_of(session, slash.team_id, slash.user_id)
        typed = moments.parse_mark(slash.rest, now=now, zone=zone)
        done = timeline.mark(
            session, here, typed, by=slash.user_id, source_key=slash.key, channel_id=slash.channel_id, now=now
        )
    ack(**views.marked(done))


def mark_clicked(ack: Ack, click: Click, client: WebClient) -> None:
    client.views_open(trigger_id=click.trigger_id, view=views.mark_dialog(click.channel_id))
    ack()


def mark_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now, channel_id = clock(), form.metadata["channel"]
    with db.transaction() as session:
        here = incidents.here(session, form.team_id, channel_id)
        at = _when(session, form, now)
        typed = moments.TypedMark(at, Kind(form.choice("kind")), mrkdwn.escape(form.text("text")))
        done = timeline.mark(
            session,
            here,
            typed,
            by=form.user_id,
            source_key=f"dialog:{form.root_view_id}",
            channel_id=channel_id,
            now=now,
        )
        said = {"channel": channel_id, "user": form.user_id, **_without_type(views.marked(done))}
        outbox.put(
            session,
            form.team_id,
            "whisper",
            said,
            lane=f"whisper:{form.user_id}",
            now=now,
            key=f"marked:{form.key}",
        )
    ack()


def _without_type(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "response_type"}


def _when(session: Session, form: Form, now: datetime) -> datetime | None:
    """The moment typed into a dialog's "When", None when it is empty; a wrong one is told at its field."""
    typed = form.text("when").strip()
    if not typed:
        return None
    try:
        at, rest = moments.split_when(typed, now=now, zone=people.zone_of(session, form.team_id, form.user_id))
    except moments.NoSuchTime as refusal:
        raise FieldRefusal(when=refusal.reason) from refusal
    if at is None or rest.strip():
        raise FieldRefusal(when=f"That is no time. Write it like {moments.EXAMPLES.replace('`', '')}.")
    return at


def edit_clicked(ack: Ack, click: Click, client: WebClient, db: Database) -> None:
    with db.reading() as session:
        entry = entries.by_id(session, click.team_id, int(click.value))
        zone = moments.zone_named(people.zone_of(session, click.team_id, click.user_id))
        names = people.names(session, click.team_id)
    if entry is None or entry.deleted_at is not None:
        raise timeline.NoSuchEntry
    when = f"{entry.happened_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    view = views.edit_dialog(entry, mrkdwn.plain(entry.text, names), when)
    client.views_open(trigger_id=click.trigger_id, view=view)
    ack()


def edit_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now, entry_id = clock(), int(form.metadata["entry"])
    with db.transaction() as session:
        entry = entries.by_id(session, form.team_id, entry_id)
        if entry is None:
            raise timeline.NoSuchEntry
        names = people.names(session, form.team_id)
        typed = form.text("text")
        timeline.edit(
            session,
            incident_rows.by_id(session, entry.incident_id),
            entry_id,
            by=form.user_id,
            text=None if typed == mrkdwn.plain(entry.text, names) else mrkdwn.escape(typed),
            kind=Kind(form.choice("kind")),
            at=_when(session, form, now) or entry.happened_at,
            now=now,
        )
    ack()


def undo_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        entry = timeline.undo(session, click.team_id, int(click.value), by=click.user_id, now=now)
        answer(session, click, views.undone(entry), now)
    ack()


def answer(session: Session, click: Click, text: str, now: datetime) -> None:
    """Replace the private message a button was in by a sentence."""
    message = {"replace_original": True, **kit.message(text, kit.sections(text))}
    payload = {"url": click.response_url, "message": message}
    outbox.put(
        session,
        click.team_id,
        "respond",
        payload,
        lane=f"respond:{click.user_id}",
        now=now,
        key=f"answer:{click.key}",
    )


def dismissed(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        answer(session, click, "Left as it was.", clock())
    ack()


def noticed(ack: Ack) -> None:
    ack()


# --- milestones ------------------------------------------------------------------------------------------


@incident.subcommand
def started(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """when it began, often before anybody knew, e.g. `/incident started 08:47 deploy of the bump`"""
    _milestone(ack, slash, db, clock, MilestoneKind.STARTED)


@incident.subcommand
def detected(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """when somebody or something noticed, e.g. `/incident detected 08:57`"""
    _milestone(ack, slash, db, clock, MilestoneKind.DETECTED)


@incident.subcommand
def acknowledged(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """when somebody took it on, e.g. `/incident acknowledged -5m`"""
    _milestone(ack, slash, db, clock, MilestoneKind.ACKNOWLEDGED)


@incident.subcommand
def mitigated(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """when users were helped, if not yet cured, e.g. `/incident mitigated traffic moved away`"""
    _milestone(ack, slash, db, clock, MilestoneKind.MITIGATED)


@incident.subcommand
def resolved(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """when it was over, e.g. `/incident resolved 09:34 rollback is out`"""
    _milestone(ack, slash, db, clock, MilestoneKind.RESOLVED)


def _milestone(ack: Ack, slash: Slash, db: Database, clock: Clock, kind: MilestoneKind) -> None:
    now = clock()
    try:
        with db.transaction() as session:
            here = incidents.here(session, slash.team_id, slash.channel_id)
            zone = people.zone_of(session, slash.team_id, slash.user_id)
            at, note = moments.split_when(slash.rest, now=now, zone=zone)
            done = milestones.set_milestone(
                session,
                here,
                kind,
                at=at or now,
                note=note.strip(),
                by=slash.user_id,
                source_key=slash.key,
                now=now,
            )
            refresh(session, here, now)
    except milestones.Contradiction as conflict:
        ack(**views.contradiction(conflict, _conflict_value(here, conflict)))
        return
    ack(**kit.ephemeral(views.milestone_set(done.kind, done.at)))


def _conflict_value(of: Incident, conflict: milestones.Contradiction) -> str:
    value = {
        "incident": of.id,
        "kind": conflict.kind,
        "at": conflict.at.timestamp(),
        "note": conflict.note[:1500],
    }
    return json.dumps(value)


def milestone_anyway(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    now, chosen = clock(), json.loads(click.value)
    with db.transaction() as session:
        here = incident_rows.by_id(session, chosen["incident"])
        at = datetime.fromtimestamp(chosen["at"], UTC)
        done = milestones.set_milestone(
            session,
            here,
            MilestoneKind(chosen["kind"]),
            at=at,
            note=chosen["note"],
            by=click.user_id,
            source_key=click.key,
            now=now,
            anyway=True,
        )
        refresh(session, here, now)
        answer(session, click, views.milestone_set(done.kind, done.at), now)
    ack()


def milestone_clicked(ack: Ack, click: Click, client: WebClient, db: Database) -> None:
    with db.reading() as session:
        of = incident_rows.by_id(session, int(click.value))
    client.views_open(trigger_id=click.trigger_id, view=views.milestone_dialog(of))
    ack()


def milestone_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now = clock()
    try:
        with db.transaction() as session:
            of = incident_rows.by_id(session, int(form.metadata["incident"]))
            milestones.set_milestone(
                session,
                of,
                MilestoneKind(form.choice("milestone")),
                at=_when(session, form, now) or now,
                note=mrkdwn.escape(form.text("note")),
                by=form.user_id,
                source_key=f"dialog:{form.root_view_id}",
                now=now,
            )
            refresh(session, of, now)
    except milestones.Contradiction as conflict:
        raise FieldRefusal(when=mrkdwn.plain(conflict.sentence, {})) from conflict
    ack()


# --- what is recorded besides ----------------------------------------------------------------------------


@incident.subcommand
def severity(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """how bad it is, e.g. `/incident severity SEV2 half of the orders fail`"""
    now = clock()
    word, _, why = slash.rest.partition(" ")
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        here.severity = incidents.parse_severity(word)
        session.add(here)
        text = f"Severity {here.severity}" + (f": {why.strip()}" if why.strip() else "")
        timeline.record(session, here, Kind.NOTE, text, by=slash.user_id, source_key=slash.key, at=now, now=now)
        refresh(session, here, now)
    ack(**kit.ephemeral(f"{here.key} is {here.severity} now."))


@incident.subcommand
def role(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """who does what, e.g. `/incident role lead @bob`"""
    now = clock()
    name, _, whom = slash.rest.partition(" ")
    user = next(iter(mrkdwn.mentioned(whom)), None)
    if not name or user is None:
        raise NoSuchRole
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        incidents.set_role(session, here, mrkdwn.plain(name, {}).lower(), user, now)
        text = f"Role {name.lower()}: <@{user}>"
        timeline.record(session, here, Kind.NOTE, text, by=slash.user_id, source_key=slash.key, at=now, now=now)
        refresh(session, here, now)
        shown = people.names(session, slash.team_id).get(user, user)
    ack(**kit.ephemeral(f"{mrkdwn.escape(shown)} has the role {name.lower()} now."))


@incident.subcommand
def update(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """how it stands, for everybody who looks in, e.g. `/incident update half of the pods are back`"""
    now = clock()
    if not slash.rest:
        raise NothingToTell
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        entry, _ = timeline.record(
            session, here, Kind.COMMS, slash.rest, by=slash.user_id, source_key=slash.key, at=now, now=now
        )
        here.last_update, here.last_update_at = entry.text, now
        session.add(here)
        refresh(session, here, now)
    ack(**kit.ephemeral("The update is on the timeline and in the opening message."))


@incident.named("evidence")
def add_evidence(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """a link that proves something, e.g. `/incident evidence https://grafana.example/d/1 error rate`"""
    now = clock()
    found = evidence_links.links(slash.rest)
    if not found:
        raise NoSuchLink
    label = mrkdwn.plain(re.sub(r"<[^>]*>|https?://\S+", "", slash.rest, count=1), {}).strip()
    link = replace(found[0], label=label or found[0].label)
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        text = f"Evidence: <{link.url}|{mrkdwn.escape(link.label)}>" if link.label else f"Evidence: <{link.url}>"
        entry, _ = timeline.record(
            session, here, Kind.DATA, text, by=slash.user_id, source_key=slash.key, at=now, now=now
        )
        evidence.add(session, here, link, entry=entry, by=slash.user_id, now=now)
        refresh(session, here, now)
    ack(**kit.ephemeral(f"Added as {link.kind.replace('_', ' ')}."))


# --- answers ---------------------------------------------------------------------------------------------


@incident.subcommand
def status(ack: Ack, slash: Slash, db: Database) -> None:
    """how the incident stands, only for you: `/incident status`"""
    with db.reading() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        now = opening.overview(session, here)
    ack(**views.status(now))


@incident.named("timeline")
def show_timeline(ack: Ack, slash: Slash, db: Database) -> None:
    """all entries, marked ones first, only for you: `/incident timeline`"""
    with db.reading() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        page = _page(session, here, 0)
    ack(**page)


def timeline_turned(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    incident_id, _, at = click.value.partition(":")
    with db.transaction() as session:
        of = incident_rows.by_id(session, int(incident_id))
        if not incidents.may_see(session, of, click.user_id):
            raise incidents.NoSuchIncident
        message = {"replace_original": click.action_id != "timeline_open", **_page(session, of, int(at))}
        payload = {"url": click.response_url, "message": message}
        lane_ = f"respond:{click.user_id}"
        outbox.put(session, click.team_id, "respond", payload, lane=lane_, now=clock(), key=f"page:{click.key}")
    ack()


def _page(session: Session, of: Incident, at: int) -> dict[str, Any]:
    marked, said = entries.count(session, of.id, marked=True), entries.count(session, of.id, marked=False)
    page = entries.of_incident(session, of.id, marked=True, offset=at, most=views.PAGE)
    if len(page) < views.PAGE:
        rest = max(at - marked, 0)
        page += entries.of_incident(session, of.id, marked=False, offset=rest, most=views.PAGE - len(page))
    marks = entries.marks(session, [entry.id for entry in page])
    names = people.names(session, of.team_id)
    return views.timeline_page(of, page, marks, names, at=at, total=marked + said)


@incident.named("list")
def list_incidents(ack: Ack, slash: Slash, db: Database) -> None:
    """incidents you can see, newest first: `/incident list`"""
    with db.reading() as session:
        rows = incident_rows.visible_to(session, slash.team_id, slash.user_id, most=50)
    ack(**views.incident_list(rows))


@incident.subcommand
def close(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """end the incident: `/incident close`"""
    now = clock()
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        if incidents.close(session, here, by=slash.user_id, now=now):
            text = "Incident closed" + (f": {slash.rest}" if slash.rest else "")
            timeline.record(session, here, Kind.NOTE, text, by=slash.user_id, source_key=slash.key, at=now, now=now)
            refresh(session, here, now)
    ack(
        **kit.ephemeral(
            f"{here.key} is closed. `/retro start` begins the retrospective; `/incident reopen` takes it up again."
        )
    )


@incident.subcommand
def reopen(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """take a closed incident up again: `/incident reopen`"""
    now = clock()
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        if incidents.reopen(session, here):
            timeline.record(
                session,
                here,
                Kind.NOTE,
                "Incident reopened",
                by=slash.user_id,
                source_key=slash.key,
                at=now,
                now=now,
            )
            refresh(session, here, now)
    ack(**kit.ephemeral(f"{here.key} is open; what is said here is remembered."))
