"""Digests at the edge: planned by the tick, written when they are sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from bot import digests, moments
from bot.nudge_cases import Team
from handlers.courier import Deliveries, Delivery
from handlers.nudges import reader_of
from handlers.views import digests as views
from storage.db import Database


def register_deliveries(deliveries: Deliveries) -> None:
    deliveries.kind("overdue_digest")(overdue)
    deliveries.kind("monthly_review")(monthly)


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


def monthly(delivery: Delivery) -> None:
    """Post how the follow-through went in a month."""
    team = _team(delivery)
    month = date.fromisoformat(delivery.payload["month"])
    with delivery.db.reading() as session:
        found = digests.months(session, team.team_id, month, moments.zone_named(team.settings.zone))
    delivery.post_once(delivery.payload["channel"], **views.review(found))
