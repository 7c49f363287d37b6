"""Private answers: how it stands, the timeline, the list."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App
from sqlmodel import Session

from bot import incidents, mrkdwn, opening, people
from handlers import incident_channel
from handlers.courier import Clock, Delivery
from handlers.deliveries import respond
from handlers.incident_base import answer, incident, seen_by
from handlers.payloads import Click, Slash
from handlers.views import incident as views
from handlers.views import timeline as timeline_views
from storage import entries, outbox
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import Incident


def register(app: App) -> None:
    app.action(re.compile("timeline_(open|back|on)"))(timeline_turned)
    app.action("dismiss")(dismissed)
    app.view("notice")(noticed)


@incident.subcommand
def status(ack: Ack, slash: Slash, db: Database) -> None:
    """how the incident stands, only for you: `/incident status`, or of another one `/incident status INC-7`"""
    with db.reading() as session:
        of = _meant(session, slash)
        now, offers = opening.overview(session, of), incident_channel.offers(session, of, slash.channel_id)
    ack(**views.status(now, offers))


@incident.named("timeline")
def show_timeline(ack: Ack, slash: Slash, db: Database) -> None:
    """all entries, marked ones first, only for you: `/incident timeline`, or `/incident timeline INC-7`"""
    with db.reading() as session:
        shown = page(session, _meant(session, slash), 0)
    ack(**shown)


def _meant(session: Session, slash: Slash) -> Incident:
    return incidents.meant(session, slash.team_id, slash.rest, channel_id=slash.channel_id, asked_by=slash.user_id)[0]


def timeline_turned(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """The page is put together when it is shown, so that no words lie about in the outbox."""
    incident_id, _, at = click.value.partition(":")
    replaces = click.action_id != "timeline_open"
    with db.transaction() as session:
        of = seen_by(session, click, int(incident_id))
        payload = {"incident": of.id, "at": int(at), "url": click.response_url, "replaces": replaces}
        lane = f"respond:{click.user_id}"
        outbox.put(session, click.team_id, "show_timeline", payload, lane=lane, now=clock(), key=f"page:{click.key}")
    ack()


def deliver_page(delivery: Delivery) -> None:
    """Show a page of a timeline through a `response_url`."""
    asked = delivery.payload
    with delivery.db.reading() as session:
        shown = page(session, incident_rows.by_id(session, asked["incident"]), asked["at"])
    delivery.payload["message"] = {"replace_original": asked["replaces"], **shown}
    respond(delivery)


def page(session: Session, of: Incident, at: int) -> dict[str, Any]:
    marked, said = entries.count(session, of.id, marked=True), entries.count(session, of.id, marked=False)
    shown = entries.of_incident(session, of.id, marked=True, offset=at, most=timeline_views.PAGE)
    if len(shown) < timeline_views.PAGE:
        rest, most = max(at - marked, 0), timeline_views.PAGE - len(shown)
        shown += entries.of_incident(session, of.id, marked=False, offset=rest, most=most)
    marks = entries.marks(session, [entry.id for entry in shown])
    names = people.names(session, of.team_id)
    title = mrkdwn.escape(views.title_of(of))
    return timeline_views.page(title, of, shown, marks, names, at=at, total=marked + said)


@incident.named("list")
def list_incidents(ack: Ack, slash: Slash, db: Database) -> None:
    """incidents you can see, newest first: `/incident list`"""
    with db.reading() as session:
        rows = incident_rows.visible_to(session, slash.team_id, slash.user_id, most=50)
    ack(**views.incident_list(rows))


def dismissed(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        answer(session, click, "Left as it was.", clock())
    ack()


def noticed(ack: Ack) -> None:
    ack()
