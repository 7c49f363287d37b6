"""`/retro search` and `/retro metrics`: what was learned before, and the figures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from sqlmodel import Session

from bot import audit, figures, search
from bot.taxonomy import Taxonomy
from handlers.courier import Clock
from handlers.payloads import Click, Slash
from handlers.retro import retro
from handlers.views import library as views
from storage import outbox
from storage.db import Database


def register(app: App) -> None:
    app.action("search_more")(more_clicked)


@retro.named("search")
def find(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """what happened before, e.g. `/retro search connection pool sev:1 service:checkout after:2026-01`"""
    with db.transaction() as session:
        answer = _results(session, slash.team_id, slash.user_id, slash.rest, 0, clock())
    ack(**answer)


def more_clicked(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """The next results, in place of those shown."""
    at, _, typed = click.value.partition("|")
    now = clock()
    with db.transaction() as session:
        answer = _results(session, click.team_id, click.user_id, typed, int(at), now)
        payload = {"url": click.response_url, "message": {**answer, "replace_original": True}}
        lane, key = f"respond:{click.user_id}", f"page:{click.key}"
        outbox.put(session, click.team_id, "respond", payload, lane=lane, now=now, key=key)
    ack()


def _results(session: Session, team_id: str, user_id: str, typed: str, at: int, now: datetime) -> dict[str, Any]:
    """One page; of private incidents it is remembered who was shown them."""
    hits = search.search(session, search.parse(typed), team_id=team_id, user_id=user_id)
    for hit in hits[at : at + views.SHOWN]:
        if hit.incident.is_private:
            audit.record(session, team_id, user_id, "found", f"incident:{hit.incident.id}", {}, now)
    return views.results(hits, typed, at)


@retro.subcommand
def metrics(ack: Ack, slash: Slash, db: Database, clock: Clock, taxonomy: Taxonomy) -> None:
    """the figures, each with its n and spread, e.g. `/retro metrics 90d`"""
    days = figures.days_of(slash.rest)
    with db.reading() as session:
        now = figures.count(
            session, team_id=slash.team_id, user_id=slash.user_id, days=days, taxonomy=taxonomy, now=clock()
        )
    ack(**views.metrics(now, days=days))
