"""Digests at the edge: planned by the tick, written when they are sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from bot import digests, moments
from bot.digests import Review
from bot.nudge_cases import Team
from handlers.courier import Deliveries, Delivery
from handlers.nudges import reader_of
from handlers.views import digests as views
from storage.db import Database


def register_deliveries(deliveries: Deliveries) -> None:
    deliveries.kind("overdue_digest")(overdue)
    deliveries.kind("review")(review)


def tick(db: Database, team: Team, now: datetime) -> None:
    if team.settings.digests:
        with db.transaction() as session:
            digests.plan(session, team, now)


def _team(delivery: Delivery) -> Team:
    return Team(delivery.team_id, delivery.extras["settings"], delivery.extras["policy"])


def overdue(delivery: Delivery) -> None:
    """Post what is overdue now and belongs into this channel; nothing, when it was done meanwhile."""
    channel, team = delivery.payload["channel"], _team(delivery)
    today = date.fromisoformat(delivery.payload["today"])
    with delivery.db.reading() as session:
        rows = digests.by_channel(session, team, today).get(channel, [])
        zone = moments.zone_named(team.settings.zone)
        reader = replace(reader_of(session, team.team_id, channel, delivery.clock(), zone=zone), today=today)
    if rows:
        delivery.note(listed=[action.id for action, _ in rows])
        delivery.post_once(channel, **views.overdue(rows, reader))


def review(delivery: Delivery) -> None:
    """Post how a month or a quarter went; nothing, when nothing of it may be told any more."""
    shown = review_of(delivery)
    if shown.is_worth_telling:
        # Also those that are only counted: when one that is named is hidden, the next takes its place.
        delivery.note(listed=[one.incident.id for one in shown.audit.late] if shown.audit is not None else [])
        delivery.post_once(delivery.payload["channel"], **views.review(shown))


def review_of(delivery: Delivery) -> Review:
    """The review that a payload asks for, of what everybody may know of now."""
    payload = delivery.payload
    first, at = date.fromisoformat(payload["first"]), datetime.fromisoformat(payload["at"])
    with delivery.db.reading() as session:
        return digests.review(session, _team(delivery), payload["cadence"], first, at)
