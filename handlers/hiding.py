"""What was said in front of others about an incident that has become private: it is taken back.

Reminders, weekly lists, reviews, the announcement and the brief stand where not only members of its channel read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from bot import moments, nudge_outcomes
from bot.settings import Settings
from handlers.courier import Deliveries, Delivery
from handlers.digests import review_of
from handlers.incident_base import lane as incident_lane
from handlers.nudges import NOTHING_LEFT, may_read, reader_of, refresh_about
from handlers.taking_back import take_back
from handlers.views import digests as views
from handlers.views import kit
from storage import action_items, digests, outbox, publications, retros
from storage import incidents as incident_rows
from storage.models import OutboxItem
from storage.nudges import ACTION, INCIDENT, RETRO

NEUTRAL = "What stood here is private now."


def register_deliveries(deliveries: Deliveries) -> None:
    deliveries.kind("hide_follow_through")(hide)
    deliveries.kind("edit_overdue_digest")(edit)
    deliveries.kind("edit_review")(edit_review)
    deliveries.kind("hide_posts")(hide_posts)
    deliveries.kind("hide_post")(hide_post)


def put_hide(session: Session, team_id: str, channel_id: str, now: datetime) -> None:
    """Have hidden what a channel was about that becomes private now; after it is known who is in it (its lane)."""
    for incident in incident_rows.of_channel(session, team_id, channel_id):
        if not incident.is_private:
            key, payload = f"hide_follow_through:{incident.id}", {"incident": incident.id}
            lane = f"members:{channel_id}"
            outbox.put(session, team_id, "hide_follow_through", payload, lane=lane, now=now, key=key)
            key = f"hide_posts:{incident.id}"
            outbox.put(session, team_id, "hide_posts", payload, lane=incident_lane(incident), now=now, key=key)


def hide(delivery: Delivery) -> None:
    """Have everything edited that was said about the incident's follow-through, and owners outside replaced."""
    now = delivery.clock()
    with delivery.db.transaction() as session:
        incident = incident_rows.by_id(session, delivery.payload["incident"])
        nudge_outcomes.became_private(session, incident, now)
        retro = retros.of_incident(session, incident.id)
        actions = {action.id for action in action_items.of_incident(session, incident.id)}
        about = [(INCIDENT, incident.id), *((ACTION, action) for action in sorted(actions))]
        about += [(RETRO, retro.id)] if retro is not None else []
        for subject, subject_id in about:
            refresh_about(session, delivery.team_id, subject, subject_id, now, most=None)
        for kind, named in (("overdue_digest", actions), ("review", {incident.id})):
            for item in digests.posted_lists(session, delivery.team_id, kind):
                if named & set(item.progress.get("listed", ())):
                    payload = {**item.payload, "listed": item.progress["listed"], "ts": item.progress["post"]}
                    outbox.put_refresh(session, delivery.team_id, f"edit_{kind}", payload, lane=item.lane, now=now)


def edit(delivery: Delivery) -> None:
    """Leave in a weekly list only what everybody in its channel may still know of."""
    payload, channel = delivery.payload, delivery.payload["channel"]
    zone = moments.zone_named(delivery.extras["settings"].zone)
    with delivery.db.reading() as session:
        listed = digests.listed(session, payload["listed"])
        rows = [(action, incident) for action, incident in listed if may_read(session, incident, channel)]
        hidden = {incident.id: incident for _, incident in listed if not may_read(session, incident, channel)}
        reader = reader_of(session, delivery.team_id, channel, delivery.clock(), zone=zone)
    reader = replace(reader, today=date.fromisoformat(payload["today"]))
    message: dict[str, Any] = kit.message(NOTHING_LEFT, [kit.section(NOTHING_LEFT)])
    left = views.overdue(rows, reader) if rows else message
    take_back(delivery, channel, payload["ts"], left, about=hidden.values(), where=f"<#{channel}>")


def edit_review(delivery: Delivery) -> None:
    """Leave in a review only what everybody may still know of."""
    payload, shown = delivery.payload, review_of(delivery)
    with delivery.db.reading() as session:
        named = [incident_rows.by_id(session, one) for one in payload["listed"]]
    if shown.audit is not None:
        late = [one for one in shown.audit.late if one.incident.id in payload["listed"]]
        shown = replace(shown, audit=replace(shown.audit, late=late))
    channel, hidden = payload["channel"], [one for one in named if one.is_private]
    take_back(delivery, channel, payload["ts"], views.review(shown), about=hidden, where=f"<#{channel}>")


def hide_posts(delivery: Delivery) -> None:
    """Have hidden where the incident was announced, and where its brief was posted, in other channels.

    Each on its own: one that Slack refuses holds up no other.
    """
    with delivery.db.transaction() as session:
        incident = incident_rows.by_id(session, delivery.payload["incident"])
        for item in publications.told_elsewhere(session, incident, retros.of_incident(session, incident.id)):
            channel, ts = _stands(item, delivery.extras["settings"])
            if channel and ts and channel != incident.channel_id:
                payload = {"incident": incident.id, "channel": channel, "ts": ts}
                lane = key = f"hide_post:{incident.id}:{channel}:{ts}"
                outbox.put(session, delivery.team_id, "hide_post", payload, lane=lane, now=delivery.clock(), key=key)


def _stands(item: OutboxItem, settings: Settings) -> tuple[str, str | None]:
    """The channel and the `ts` of what a delivery posted for others; None when it posted nothing of the kind."""
    if item.kind == "open_incident":
        return settings.announce_channel, item.progress.get("announced")
    if item.kind == "post_brief":
        return settings.brief_channel or settings.announce_channel, item.progress.get("brief")
    return item.payload["channel"], item.progress.get("post")


def hide_post(delivery: Delivery) -> None:
    """Put a neutral sentence in place of one message about the incident."""
    channel, ts = delivery.payload["channel"], delivery.payload["ts"]
    with delivery.db.reading() as session:
        incident = incident_rows.by_id(session, delivery.payload["incident"])
    message = kit.message(NEUTRAL, [kit.section(NEUTRAL)])
    take_back(delivery, channel, ts, message, about=[incident], where=f"<#{channel}>")
