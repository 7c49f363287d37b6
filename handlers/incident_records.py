"""What is recorded besides marks and milestones: severity, roles, updates, evidence; the end, and a new beginning."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from slack_bolt import Ack, App
from slack_sdk import WebClient
from sqlmodel import Session

from bot import evidence, evidence_links, incidents, mrkdwn, people, timeline, updates
from bot.errors import FieldRefusal, Refusal
from bot.kinds import Kind
from bot.policy import Policy
from handlers import dialogs
from handlers.capture import get_to_know
from handlers.courier import Clock
from handlers.history import put_fetch
from handlers.incident_base import answer, incident, lane, refresh, seen_by, whisper
from handlers.payloads import Click, Form, Slash
from handlers.views import incident as views
from handlers.views import kit
from handlers.views import timeline as timeline_views
from storage import outbox
from storage import people as people_rows
from storage.db import Database
from storage.models import Incident, IncidentStatus


class NoSuchRole(Refusal):
    """A role is one word and a name, like `/incident role lead @bob`, with the @ before the name. Nothing changed."""


class NotInChannel(Refusal):
    """Only people in the channel of a private incident can have a role in it. Nobody was given the role;
    invite them there first.
    """


class NoSuchLink(Refusal):
    """Evidence is a web address, with a label: `/incident evidence https://… error rate`. Nothing was added."""


class NothingToTell(Refusal):
    """An update needs words, like `/incident update half of the pods are back`. Nothing was recorded."""


class IsClosed(Refusal):
    """The incident is closed, so nothing was changed. `/incident reopen` takes it up again."""


def register(app: App) -> None:
    app.action("update_open")(update_clicked)
    app.view("update")(update_submitted)
    app.action("update_snooze")(update_snoozed)
    app.action("archive_channel")(archive_clicked)


@incident.subcommand
def severity(ack: Ack, slash: Slash, db: Database, clock: Clock, policy: Policy) -> None:
    """how bad it is, e.g. `/incident severity SEV2 half of the orders fail`"""
    now = clock()
    word, _, why = slash.rest.partition(" ")
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        before, here.severity = here.severity, incidents.parse_severity(word)
        session.add(here)
        was = f"Severity stays {before}" if here.severity == before else f"Severity {here.severity} (was {before})"
        text = was + (f": {why.strip()}" if why.strip() else "")
        _record(session, here, slash, text, now)
        updates.schedule(session, here, policy, now=now)
    ack(**kit.ephemeral(f"{here.key} is {here.severity} now."))


@incident.subcommand
def role(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """who does what, e.g. `/incident role lead @bob`"""
    now = clock()
    user = next(iter(mrkdwn.mentioned(slash.rest)), None)
    words = [word for word in mrkdwn.plain(slash.rest, {}).split() if not word.startswith("@")]
    if user is None or len(words) != 1:
        raise NoSuchRole
    called = words[0].lower().strip(":,")
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        if user != slash.user_id and not incidents.may_see(session, here, user):
            raise NotInChannel
        incidents.set_role(session, here, called, user, now)
        get_to_know(session, slash.team_id, user, now, lane=lane(here))
        _record(session, here, slash, f"Role {mrkdwn.escape(called)}: <@{user}>", now)
        shown = mrkdwn.person(mrkdwn.Mentions(people.names(session, slash.team_id)), user)
    ack(**kit.ephemeral(f"{shown} has the role {mrkdwn.escape(called)} now."))


def _record(session: Session, of: Incident, slash: Slash, text: str, now: datetime, kind: Kind = Kind.NOTE) -> None:
    timeline.record(session, of, kind, text, by=slash.user_id, source_key=slash.key, at=now, now=now)
    refresh(session, of, now)


# --- updates ---------------------------------------------------------------------------------------------


@incident.subcommand
def update(ack: Ack, slash: Slash, db: Database, clock: Clock, policy: Policy) -> None:
    """how it stands, for everybody who looks in, e.g. `/incident update half of the pods are back`"""
    if not slash.rest:
        raise NothingToTell
    now = clock()
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        done = _tell(session, here, slash.rest, by=slash.user_id, key=slash.key, now=now, policy=policy)
        names = people.names(session, slash.team_id)
    ack(**timeline_views.marked(done, names, "It stands in the opening message, too."))


def _tell(
    session: Session, of: Incident, text: str, *, by: str, key: str, now: datetime, policy: Policy
) -> timeline.Marked:
    entry, added = timeline.record(session, of, Kind.COMMS, text, by=by, source_key=key, at=now, now=now, via="update")
    if added:
        of.last_update, of.last_update_at = entry.text, now
        for user in mrkdwn.mentioned(entry.text):
            get_to_know(session, of.team_id, user, now, lane=lane(of))
        updates.schedule(session, of, policy, now=now)
        refresh(session, of, now)
    return timeline.Marked(entry)


def update_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.reading() as session:
        of = seen_by(session, click, int(click.value))
    if not dialogs.opened(client, click.trigger_id, views.update_dialog(of, click.channel_id)):
        dialogs.offer_again(db, clock, click, "Update")
    ack()


def update_submitted(ack: Ack, form: Form, db: Database, clock: Clock, policy: Policy) -> None:
    now, text = clock(), mrkdwn.escape(form.text("text"))
    if not text.strip():
        raise FieldRefusal(text="An update needs words.")
    with db.transaction() as session:
        of = seen_by(session, form, int(form.metadata["incident"]))
        _tell(session, of, text, by=form.user_id, key=f"dialog:{form.root_view_id}", now=now, policy=policy)
        whisper(session, form, "The update is on the timeline and in the opening message.", now)
    ack()


def update_snoozed(ack: Ack, click: Click, db: Database, clock: Clock, policy: Policy) -> None:
    """The lead puts the update off; that leaves a trace."""
    now = clock()
    with db.transaction() as session:
        of = seen_by(session, click, int(click.value))
        if of.status == IncidentStatus.CLOSED:
            raise IsClosed
        updates.schedule(session, of, policy, now=now)
        if of.update_due_at is None:
            answer(session, click, f"{of.key} asks for no update any more.", now)
        else:
            until = mrkdwn.moment(of.update_due_at, day=True)
            text = f"Update put off until {until}"
            timeline.record(session, of, Kind.NOTE, text, by=click.user_id, source_key=click.key, at=now, now=now)
            refresh(session, of, now)
            answer(session, click, f"The update of {of.key} is put off until {until}; the timeline says so.", now)
    ack()


# --- evidence --------------------------------------------------------------------------------------------


@incident.named("evidence")
def add_evidence(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """a link that proves something, e.g. `/incident evidence https://grafana.example/d/1 error rate`"""
    now = clock()
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        link = _first_link(session, slash.rest)
        text = f"Evidence: <{link.url}|{mrkdwn.escape(link.label)}>" if link.label else f"Evidence: <{link.url}>"
        entry, _ = timeline.record(
            session, here, Kind.DATA, text, by=slash.user_id, source_key=slash.key, at=now, now=now
        )
        refresh(session, here, now)
        names = people.names(session, slash.team_id)
    kind = link.kind.replace("_", " ")
    ack(**timeline_views.marked(timeline.Marked(entry), names, f"It is evidence of the kind {kind}."))


def _first_link(session: Session, typed: str) -> evidence_links.Link:
    """The link in what was typed, labelled with the words beside it."""
    found = next(iter(evidence.links(session, typed)), None)
    if found is None:
        raise NoSuchLink
    beside = re.sub(r"<[^>]*>|https?://\S+", "", typed, count=1)
    label = " ".join(mrkdwn.plain(beside, {}).split()).replace("|", "/")
    return replace(found, label=label or found.label)


# --- the end ---------------------------------------------------------------------------------------------


@incident.subcommand
def close(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """end the incident: `/incident close`, `/incident close INC-7`, or with its channel `/incident close archive`"""
    now = clock()
    with db.transaction() as session:
        of, words = _meant(session, slash)
        archive = words.lower() == "archive"
        closed_now = incidents.close(session, of, by=slash.user_id, now=now)
        if closed_now:
            why = f": {words}" if words and words.lower() != "archive" else ""
            _record(session, of, slash, f"Incident closed{why}", now)
        archived = _archived(session, of, now) if archive and of.channel_id else None
    if archived:
        ack(**kit.ephemeral(f"{of.key} is closed. {archived}"))
    else:
        ack(**views.closed(of, already=not closed_now))


def _meant(session: Session, slash: Slash) -> tuple[Incident, str]:
    return incidents.meant(session, slash.team_id, slash.rest, channel_id=slash.channel_id, asked_by=slash.user_id)


def archive_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        of = seen_by(session, click, int(click.value))
        answer(session, click, _archived(session, of, now), now)
    ack()


def _archived(session: Session, of: Incident, now: datetime) -> str:
    """Have the channel archived, behind everything that is still to be said there; returns what came of it."""
    another = incidents.open_in(session, of.team_id, str(of.channel_id))
    if another is not None:
        return f"<#{of.channel_id}> is about {another.key}, which is open, so the channel was not archived."
    payload = {"channel": of.channel_id}
    outbox.put(session, of.team_id, "archive_channel", payload, lane=lane(of), now=now)
    return f"The channel of {of.key} is being archived."


@incident.subcommand
def reopen(ack: Ack, slash: Slash, db: Database, clock: Clock, policy: Policy) -> None:
    """take a closed incident up again: `/incident reopen`, or another: `/incident reopen INC-7`"""
    now = clock()
    with db.transaction() as session:
        of, words = _meant(session, slash)
        opened_now = incidents.reopen(session, of)
        if opened_now:
            _record(session, of, slash, f"Incident reopened{f': {words}' if words else ''}", now)
            updates.schedule(session, of, policy, now=now)
            put_fetch(session, of, now=now)
        known = people_rows.known_channel(session, of.team_id, of.channel_id or "")
    is_archived = known is not None and known.is_archived
    ack(**kit.ephemeral(views.reopened(of, already=not opened_now, is_archived=is_archived)))
