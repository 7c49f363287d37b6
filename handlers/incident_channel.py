"""An incident whose own channel Slack refuses: its declarer is told, and it is tried again, or goes on elsewhere."""

from __future__ import annotations

from datetime import datetime

from slack_bolt import Ack, App
from slack_sdk.models.blocks import ButtonElement
from sqlmodel import Session

from bot import incidents
from handlers.courier import Clock, Delivery
from handlers.incident_base import answer, opening_key, seen_by
from handlers.payloads import Click
from handlers.views import incident as views
from handlers.views import kit
from storage import outbox, people
from storage.db import Database, one_at_a_time
from storage.models import Incident, IncidentStatus, OutboxItem, OutboxState


def register(app: App) -> None:
    app.action("channel_again")(again_clicked)
    app.action("channel_here")(here_clicked)


def tell(delivery: Delivery, incident: Incident, why: str) -> None:
    """Let the declarer know, where they declared it, that there is no channel, why, and how to go on."""
    with delivery.db.transaction() as session:
        message = views.no_channel(incident, why, _buttons(session, incident, incident.declared_in))
        payload = {"channel": incident.declared_in, "user": incident.declared_by, **message}
        lane, key = f"whisper:{incident.declared_by}", f"no_channel:{incident.id}:{delivery.attempt}"
        outbox.put(session, delivery.team_id, "whisper", payload, lane=lane, now=delivery.clock(), key=key)


def offers(session: Session, incident: Incident, channel_id: str) -> list[ButtonElement]:
    """The ways on for an incident whose channel could not be opened, shown in `channel_id`; none for any other."""
    is_without = incident.channel_id is None and incident.status == IncidentStatus.OPEN
    return _buttons(session, incident, channel_id) if is_without and _given_up(session, incident) else []


def _buttons(session: Session, incident: Incident, channel_id: str) -> list[ButtonElement]:
    ways = [kit.button("Try again", "channel_again", incident.id, style="primary")]
    if channel_id == incident.declared_in and _may_be_there(session, incident):
        ways.append(kit.button("Use this channel", "channel_here", incident.id))
    return ways


def _may_be_there(session: Session, incident: Incident) -> bool:
    """Whether it may go on where it was declared: in a channel, and what is private in a private one only."""
    known = people.known_channel(session, incident.team_id, incident.declared_in)
    is_private = known is not None and known.is_private
    return not incident.declared_in.startswith("D") and (is_private or not incident.is_private)


def _given_up(session: Session, incident: Incident) -> OutboxItem | None:
    """The opening of its channel that was given up; None while it is still tried."""
    item = outbox.by_key(session, incident.team_id, opening_key(incident))
    return item if item is not None and item.state == OutboxState.FAILED else None


def again_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        of, opening = _held(session, click)
        if opening is not None:
            outbox.take_up_again(opening, now)
        _say(session, click, of, now)
    ack()


def here_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        of, opening = _held(session, click)
        if opening is not None and _may_be_there(session, of):
            incidents.use_place(session, of)
            outbox.take_up_again(opening, now)
        _say(session, click, of, now)
    ack()


def _held(session: Session, click: Click) -> tuple[Incident, OutboxItem | None]:
    """The incident, and the opening of its channel if that was given up; one click at a time."""
    one_at_a_time(session, f"incident {int(click.value)}")
    of = seen_by(session, click, int(click.value))
    is_without = of.channel_id is None and of.status == IncidentStatus.OPEN
    return of, _given_up(session, of) if is_without else None


def _say(session: Session, click: Click, of: Incident, now: datetime) -> None:
    if of.status == IncidentStatus.CLOSED:
        text = f"{of.key} is closed, so nothing was changed. `/incident reopen {of.key}` takes it up again."
    elif of.channel_id is None:
        text = f"I am opening a channel for {of.key}."
    else:
        text = f"{of.key} goes on in <#{of.channel_id}>."
    answer(session, click, text, now)
