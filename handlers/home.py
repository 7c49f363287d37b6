"""The Home tab, from the database alone; it is published after the event is acknowledged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from sqlmodel import Session

from handlers.action_items import refresh_home
from handlers.courier import Clock, Deliveries, Delivery
from handlers.nudges import reader_of
from handlers.payloads import Click
from handlers.views import home as views
from handlers.views.action_items import Listing
from storage import action_items, home, outbox, people
from storage.db import Database
from storage.models import Person

STALE_HOURS = 24


def register(app: App) -> None:
    app.event("app_home_opened")(opened)
    app.action(re.compile("home_(back|on)_(incidents|actions|waiting|published)"))(turned)


def register_deliveries(deliveries: Deliveries) -> None:
    deliveries.kind("publish_home")(publish)


def opened(ack: Ack, event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock) -> None:
    """Somebody looks at their Home tab: have it show what is true now."""
    if event.get("tab") == "home":
        now, team_id, user_id = clock(), str(body["team_id"]), str(event["user"])
        with db.transaction() as session:
            _remember(session, team_id, user_id, now)
            refresh_home(session, team_id, user_id, now)
    ack()


def _remember(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """Days are shown in the reader's own zone, so it has to be known and fresh."""
    known: Person | None = people.person(session, team_id, user_id)
    if known is None or not people.is_fresh(known, now, hours=STALE_HOURS):
        key = f"refresh_person:{team_id}:{user_id}:{now:%Y-%m-%d}"
        outbox.put(session, team_id, "refresh_person", {"user": user_id}, lane=f"home:{user_id}", now=now, key=key)


def turned(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """Another page of one part; the others stay where they are."""
    part = click.action_id.rpartition("_")[2]
    at = {**views.read_metadata(str(click.view.get("private_metadata") or "")), part: int(click.value.strip("-") or 0)}
    payload = {"user": click.user_id, "at": at}
    with db.transaction() as session:
        lane = f"home:{click.user_id}"
        outbox.put(session, click.team_id, "publish_home", payload, lane=lane, now=clock(), key=f"home:{click.key}")
    ack()


def publish(delivery: Delivery) -> None:
    """Publish somebody's Home tab as things stand now."""
    user_id, now = delivery.payload["user"], delivery.clock()
    with delivery.db.reading() as session:
        view = view_of(session, delivery.team_id, user_id, now, at=delivery.payload.get("at") or {})
    try:
        delivery.client.views_publish(user_id=user_id, view=view)
    except SlackApiError as error:
        # Who has left, or an app whose Home tab is off, needs no view.
        if error.response.get("error") not in {"not_enabled", "user_not_found", "user_disabled", "hash_conflict"}:
            raise


def view_of(session: Session, team_id: str, user_id: str, now: datetime, *, at: Mapping[str, int]) -> View:
    """The Home tab of one person, each part from its row `at` on."""
    reader = reader_of(session, team_id, user_id, now)
    found = action_items.unfinished(action_items.owned_by(action_items.visible(team_id, user_id), user_id))
    first = int(at.get("actions", 0))
    rows = action_items.page(session, found, offset=first, most=views.PAGE)
    mine = Listing("My actions", "mine", rows, first, action_items.count(session, found))

    def page(part: str, find: Any) -> Any:
        return find(session, team_id, user_id, at=int(at.get(part, 0)), most=views.PAGE)

    shown = views.Contents(
        incidents=page("incidents", home.open_incidents),
        actions=mine,
        waiting=page("waiting", home.waiting_retros),
        published=page("published", home.published),
        at=dict(at),
    )
    return views.home(shown, reader)
