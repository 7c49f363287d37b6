"""Channels: who comes and goes, and what becomes of the channel itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_bolt import App
from sqlmodel import Session

from bot import mrkdwn, nudge_outcomes, timeline
from bot.kinds import Kind
from handlers import hiding, history
from handlers.capture import get_to_know
from handlers.courier import Clock
from handlers.incident_base import lane, refresh, tell_lead
from handlers.payloads import Body
from handlers.views import kit
from storage import entries, outbox, people
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import Incident, IncidentStatus

RENAMED = ("channel_name", "group_name")
MADE_PRIVATE = "channel_convert_to_private"


def register(app: App) -> None:
    app.event("member_joined_channel")(joined)
    app.event("member_left_channel")(left)
    for kind in ("channel_left", "group_left"):
        app.event(kind)(bot_left)
    for kind in ("channel_rename", "group_rename"):
        app.event(kind)(renamed)
    for kind in ("channel_archive", "group_archive"):
        app.event(kind)(archived)
    for kind in ("channel_unarchive", "group_unarchive"):
        app.event(kind)(unarchived)
    app.event("channel_id_changed")(id_changed)


def register_lines(app: App) -> None:
    """Slack's own lines in a channel; to be called before capture, which takes every message."""
    app.event({"type": "message", "subtype": [*RENAMED, MADE_PRIVATE]})(told)


def joined(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """Somebody came; when it is the bot itself, what was said while it was not there is fetched."""
    team_id, channel_id, now = str(body["team_id"]), event["channel"], clock()
    with db.transaction() as session:
        of = incident_rows.in_channel(session, team_id, channel_id)
        if of is None:
            return
        if event["user"] != bot_user_id:
            people.add_members(session, team_id, channel_id, [event["user"]])
            get_to_know(session, team_id, event["user"], now)
            _plan_anew(session, team_id, channel_id, event["user"], now)
        elif of.opening_ts is None:
            _enter(session, of, event, now)
        else:
            _come_back(session, of, event, now)


def _enter(session: Session, of: Incident, event: Body, now: datetime) -> None:
    """The bot was invited into the channel where it was to be from the beginning."""
    payload = {"incident": of.id, "people": [of.declared_by]}
    key = f"open_incident:{of.id}:{event['event_ts']}"
    if not of.own_channel:
        outbox.put(session, of.team_id, "open_incident", payload, lane=lane(of), now=now, key=key)


def _come_back(session: Session, of: Incident, event: Body, now: datetime) -> None:
    row = people.channel(session, of.team_id, event["channel"])
    since = row.captured_until if not row.bot_is_member else None
    row.bot_is_member = True
    session.add(row)
    history.put_fetch_members(session, of.team_id, event["channel"], now=now)
    if of.status == IncidentStatus.OPEN:
        history.put_fetch(session, of, now=now)
        refresh(session, of, now)
    if since is not None:
        gone_at = datetime.fromtimestamp(float(since), now.tzinfo)
        _note(session, of, "Seamark is in the channel again", event, by=event.get("inviter") or event["user"], now=now)
        text = f"I am back. What was said here since {mrkdwn.moment(gone_at, day=True)} is being fetched."
        payload = {"channel": event["channel"], **kit.message(text, kit.sections(text))}
        key = f"back:{event['channel']}:{event['event_ts']}"
        outbox.put(session, of.team_id, "post", payload, lane=lane(of), now=now, key=key)


def left(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """Somebody went; who is no longer a member sees nothing of a private incident any more."""
    if event["user"] == bot_user_id:
        bot_left(event, body, db, clock, bot_user_id)
        return
    team_id, channel_id = str(body["team_id"]), event["channel"]
    with db.transaction() as session:
        people.remove_member(session, team_id, channel_id, event["user"])
        session.flush()
        _plan_anew(session, team_id, channel_id, event["user"], clock())


def _plan_anew(session: Session, team_id: str, channel_id: str, user_id: str, now: datetime) -> None:
    """Of a private incident other people are reminded when somebody comes or goes."""
    if any(of.is_private for of in incident_rows.of_channel(session, team_id, channel_id)):
        nudge_outcomes.person_changed(session, team_id, user_id, now)


def bot_left(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """The bot was removed: that is noted, and whoever leads is told what to do about it.

    Slack tells of it twice, as of any member and as of the bot.
    """
    team_id, channel_id, now = str(body["team_id"]), event["channel"], clock()
    with db.transaction() as session:
        of = incident_rows.in_channel(session, team_id, channel_id)
        if of is None:
            return
        row = people.channel(session, team_id, channel_id)
        if not row.bot_is_member:
            return
        row.bot_is_member, row.captured_until = False, event["event_ts"]
        session.add(row)
        if of.status == IncidentStatus.OPEN:
            _note(session, of, "Seamark was removed from the channel", event, by=bot_user_id, now=now)
            text = (
                f"I was removed from <#{channel_id}>, so from {mrkdwn.moment(now)} on nothing that is said there is"
                f" remembered for *{of.key}*. When I am invited again (`/invite @Seamark`), I fetch what was said."
            )
            tell_lead(session, of, text, f"removed:{channel_id}:{event['event_ts']}", now)


def _note(session: Session, of: Incident, text: str, event: Body, *, by: str, now: datetime) -> None:
    """Say on the timeline what became of the channel."""
    key = f"channel:{of.channel_id}:{event.get('event_ts') or event['ts']}"
    if of.status == IncidentStatus.OPEN:
        timeline.record(session, of, Kind.NOTE, text, by=by, source_key=key, at=now, now=now)


def renamed(event: dict[str, Any], body: dict[str, Any], db: Database) -> None:
    """Documents and lists call a channel by its name of now; `told` says who renamed it."""
    team_id, channel = str(body["team_id"]), event["channel"]
    with db.transaction() as session:
        if incident_rows.in_channel(session, team_id, channel["id"]) is not None:
            row = people.channel(session, team_id, channel["id"])
            row.name = channel["name"]
            session.add(row)


def archived(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    """The channel was archived; of an open incident whoever leads is told."""
    now = clock()
    with db.transaction() as session:
        of = _archive(session, str(body["team_id"]), event["channel"], is_archived=True)
        if of is None or of.status != IncidentStatus.OPEN:
            return
        _note(session, of, "The channel was archived", event, by=event.get("user") or bot_user_id, now=now)
        text = (
            f"<#{event['channel']}> was archived while *{of.key}* is still open. Nothing can be said or marked there:"
            " unarchive it to go on, or close the incident first next time."
        )
        tell_lead(session, of, text, f"archived:{event['channel']}:{event['event_ts']}", now)


def unarchived(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock, bot_user_id: str) -> None:
    now = clock()
    with db.transaction() as session:
        of = _archive(session, str(body["team_id"]), event["channel"], is_archived=False)
        if of is not None and of.status == IncidentStatus.OPEN:
            _note(session, of, "The channel was unarchived", event, by=event.get("user") or bot_user_id, now=now)
            history.put_fetch(session, of, now=now)
            refresh(session, of, now)


def _archive(session: Session, team_id: str, channel_id: str, *, is_archived: bool) -> Incident | None:
    of = incident_rows.in_channel(session, team_id, channel_id)
    if of is not None:
        row = people.channel(session, team_id, channel_id)
        row.is_archived = is_archived
        session.add(row)
    return of


def id_changed(event: dict[str, Any], body: dict[str, Any], db: Database) -> None:
    """Slack gave the channel another id, e.g. when it became shared with another company."""
    team_id, old, new = str(body["team_id"]), event["old_channel_id"], event["new_channel_id"]
    with db.transaction() as session:
        incident_rows.move_channel(session, team_id, old, new)
        people.move_channel(session, team_id, old, new)
        entries.move_channel(session, team_id, old, new)


def told(event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock) -> None:
    """Slack's own lines in a channel that matter: it was renamed, it was made private."""
    now = clock()
    with db.transaction() as session:
        of = incident_rows.in_channel(session, str(body["team_id"]), event["channel"])
        if of is None:
            return
        if event["subtype"] == MADE_PRIVATE:
            _make_private(session, of, event, now)
        else:
            name = mrkdwn.escape(str(event.get("name") or ""))
            _note(session, of, f"The channel is called {name} now", event, by=event["user"], now=now)


def _make_private(session: Session, of: Incident, event: Body, now: datetime) -> None:
    """From now on only members see it, in every answer; what was said of it elsewhere is taken back."""
    was_public = not of.is_private
    history.put_fetch_members(session, of.team_id, event["channel"], now=now)
    hiding.put_hide(session, of.team_id, event["channel"], now)
    incident_rows.make_private(session, of.team_id, event["channel"])
    row = people.channel(session, of.team_id, event["channel"])
    row.is_private = True
    session.add(row)
    if was_public:
        _note(session, of, "The channel was made private", event, by=event["user"], now=now)
        text = f"{of.key} is private now: from here on only members of this channel see it, in every answer and list."
        payload = {"channel": event["channel"], **kit.message(text, kit.sections(text))}
        outbox.put(session, of.team_id, "post", payload, lane=lane(of), now=now, key=f"private:{of.id}")
