"""Reminders at the edge: the tick plans, the courier says, and what people do elsewhere shows in the messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ButtonElement
from sqlmodel import Session

from bot import action_items as actions
from bot import incidents, moments, mrkdwn, nudge_outcomes, nudges, retro
from bot import people as who
from bot.nudge_cases import Case, Surroundings, Team, gone, is_channel
from bot.nudge_outcomes import Place
from bot.nudge_rules import AT_ONCE, BY_NAME
from bot.people import person_from
from handlers import courier
from handlers.courier import Clock, Deliveries, Delivery, GiveUp
from handlers.deliveries import open_conversation
from handlers.taking_back import take_back
from handlers.views import kit, publishing
from handlers.views import nudges as views
from handlers.views.action_items import Reader
from storage import action_items, outbox, people
from storage import nudges as rows_of
from storage.db import Database
from storage.models import ActionItem, Incident, Nudge, Person, Retrospective
from storage.nudges import ACTION, Known

log = logging.getLogger(__name__)

LOOKS, BUNDLES = 200, 100
"""Things and recipients taken in one transaction, so that nobody waits long for a row."""

NOBODY_THERE = {
    "user_not_found", "user_disabled", "user_not_visible", "users_not_found", "cannot_dm_bot", "messages_tab_disabled",
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel",
    "access_denied", "no_permission", "cant_invite_self", "method_not_supported_for_channel_type",
}  # fmt: skip
"""Slack's words when a person or a channel takes no messages from us (conversations.open, chat.postMessage)."""


def register(app: App) -> None:
    app.event("user_change")(user_changed)


def register_deliveries(deliveries: Deliveries) -> None:
    deliveries.kind("nudge")(deliver)
    deliveries.kind("refresh_nudge")(refresh)


# --- the tick --------------------------------------------------------------------------------------------


def tick(db: Database, team: Team, now: datetime) -> None:
    """Plan what has come due at `now`. Any number of copies may do so at once."""
    more = True
    while more:
        with db.transaction() as session:
            more = nudges.plan(session, team, now, looks=LOOKS, recipients=BUNDLES)


# --- saying it -------------------------------------------------------------------------------------------


def deliver(delivery: Delivery) -> None:
    """Say one bundle to one person or channel, once; late in the day it waits for the next."""
    try:
        _deliver(delivery)
    except SlackApiError as error:
        if courier.passes(error):
            raise
        reason = str(error.response.get("error"))
        with delivery.db.transaction() as session:
            _give_up(session, delivery, reason, delivery.clock())
        raise GiveUp(f"Slack refuses messages to {delivery.payload['recipient']}: {reason}") from error


def _deliver(delivery: Delivery) -> None:
    recipient = delivery.payload["recipient"]
    channel = recipient if is_channel(recipient) else _conversation(delivery, recipient)
    ts = delivery.posted_before(channel)
    if ts is None:
        with delivery.db.transaction() as session:
            message = _compose(Surroundings(session, _team(delivery)), delivery, delivery.clock())
        if message is None:
            return
        ts = delivery.post_last(channel, **message)
    where, now = Place(channel, ts), delivery.clock()
    delivery.at_end(lambda session: nudge_outcomes.sent(_open_rows(session, delivery), where, now))


def _conversation(delivery: Delivery, user_id: str) -> str:
    with delivery.db.reading() as session:
        known = rows_of.conversation(session, delivery.team_id, user_id)
    return known or open_conversation(delivery, user_id)


def _team(delivery: Delivery) -> Team:
    return Team(delivery.team_id, delivery.extras["settings"], delivery.extras["policy"])


def _open_rows(session: Session, delivery: Delivery) -> list[Nudge]:
    found = rows_of.of_bundle(session, delivery.team_id, delivery.payload["bundle"])
    return [nudge for nudge in found if nudge.settled_at is None]


def _compose(around: Surroundings, delivery: Delivery, now: datetime) -> dict[str, Any] | None:
    """The message as things stand now; None when there is nothing to say any more, or not at this hour."""
    recipient, open_rows = delivery.payload["recipient"], _open_rows(around.session, delivery)
    hours = around.team.settings.working_hours
    if not delivery.payload.get("at_once") and not hours.allow(now, around.zone(recipient)):
        nudge_outcomes.release(around, open_rows, now)
        return None
    said = nudges.holding(around, open_rows)
    told = {nudge.id for nudge in said}
    for nudge in open_rows:
        nudge.settled_at = None if nudge.id in told else now
    return _message(around, said, recipient, now) if said else None


def _give_up(session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
    recipient, open_rows = delivery.payload["recipient"], _open_rows(session, delivery)
    if reason in NOBODY_THERE:
        nudge_outcomes.refused(session, delivery.team_id, recipient, open_rows, reason, now)
        for nudge in open_rows:
            if nudge.rule == "handover":
                actions.not_reached(session, delivery.team_id, nudge.subject_id, asked=recipient, why=reason, now=now)
                refresh_about(session, delivery.team_id, ACTION, nudge.subject_id, now)
    else:
        for nudge in open_rows:
            nudge.failed, nudge.settled_at = reason, now


NOTHING_LEFT = "Nothing of this reminder can be shown here any more."


def refresh(delivery: Delivery) -> None:
    """Bring a message that was sent up to what is true now."""
    payload = delivery.payload
    with delivery.db.reading() as session:
        rows = rows_of.of_bundle(session, delivery.team_id, payload["bundle"])
        said = [nudge for nudge in rows if nudge.message_ts == payload["ts"]]
        around, recipient = Surroundings(session, _team(delivery)), payload["recipient"]
        message = _message(around, said, recipient, delivery.clock())
        known = {case.incident.id: case.incident for case in around.cases_of(said).values()}
        hidden = [incident for incident in known.values() if not may_read(session, incident, recipient)]
        where = _where(session, delivery.team_id, recipient)
    if not message.get("blocks"):
        message = kit.message(NOTHING_LEFT, [kit.section(NOTHING_LEFT)])
    if hidden:
        take_back(delivery, payload["channel"], payload["ts"], message, about=hidden, where=where)
        return
    try:
        delivery.client.chat_update(channel=payload["channel"], ts=payload["ts"], **message)
    except SlackApiError as error:
        if error.response.get("error") not in {*NOBODY_THERE, "message_not_found", "edit_window_closed"}:
            raise


def _where(session: Session, team_id: str, recipient: str) -> str:
    """Where somebody is reminded, or everybody in a channel, as Slack text."""
    if is_channel(recipient):
        return f"<#{recipient}>"
    return f"the direct messages of {mrkdwn.person(who.names(session, team_id, [recipient]), recipient)}"


def refresh_about(
    session: Session, team_id: str, subject: str, subject_id: int, now: datetime, *, most: int | None = 10
) -> None:
    """Have the latest messages that show something (all, when `most` is None) follow what just became of it."""
    for message in rows_of.messages_about(session, team_id, subject, subject_id, most=most):
        payload = {
            "recipient": message.recipient_id,
            "bundle": message.bundle,
            "channel": message.channel_id,
            "ts": message.ts,
        }
        lane = f"nudge:{message.recipient_id}"
        outbox.put_refresh(session, team_id, "refresh_nudge", payload, lane=lane, now=now)


# --- what a message says -----------------------------------------------------------------------------------


def _message(around: Surroundings, said: Sequence[Nudge], recipient: str, now: datetime) -> dict[str, Any]:
    by_thing: dict[tuple[str, int], list[Nudge]] = {}
    for nudge in said:
        by_thing.setdefault((nudge.subject, nudge.subject_id), []).append(nudge)
    cases = around.cases_of(said)
    known = around.persons(user for case in cases.values() for user in case.named)
    reader = Reader(recipient, now.astimezone(around.zone(recipient)).date(), *_names(known.values()))
    found = [_item(cases[key], same, reader) for key, same in by_thing.items() if key in cases]
    items = sorted((item for item in found if item is not None), key=_urgency)
    return views.message(items, reader, to_channel=is_channel(recipient))


def _urgency(item: views.Item) -> tuple[bool, str, str]:
    """What is longest overdue comes first; what is settled, last."""
    due = item.action.due_on.isoformat() if item.action else ""
    return (not item.rule, due, item.incident.key)


def reader_of(session: Session, team_id: str, user_id: str, now: datetime, zone: tzinfo | None = None) -> Reader:
    """Somebody as a reader of actions, on their own calendar, to whom everybody may be named."""
    own = zone or moments.zone_named(who.zone_of(session, team_id, user_id))
    return Reader(user_id, now.astimezone(own).date(), *_names(rows_of.directory(session, team_id)))


def _names(known: Iterable[Known | Person | None]) -> tuple[dict[str, str], dict[str, str]]:
    """What people are called, and why some cannot be reached; by id."""
    found = [person for person in known if person is not None]
    names = {person.user_id: person.name for person in found}
    why = {one.user_id: gone(deactivated=one.deactivated, unreachable=one.unreachable) for one in found}
    return names, {user: reason for user, reason in why.items() if reason is not None}


def _item(case: Case, same: Sequence[Nudge], reader: Reader) -> views.Item | None:
    """One thing as its most telling rule says it; None when its reader may not know of it any more."""
    thing, incident = case.thing, case.incident
    if not may_read(case.session, incident, reader.user_id):
        return None
    telling = [nudge for nudge in same if case.still_asks(nudge)]
    order = [*BY_NAME, *AT_ONCE]
    last = max(telling, key=lambda nudge: order.index(nudge.rule), default=None)
    rule = BY_NAME.get(last.rule) if last else None
    return views.Item(
        rule=last.rule if last else "",
        incident=incident,
        facts=_facts(case, last, reader) if last else {},
        action=thing if isinstance(thing, ActionItem) else None,
        asks=rule.asks if rule else "",
        buttons=_buttons(case, last),
    )


def _buttons(case: Case, telling: Nudge | None) -> list[ButtonElement]:
    """What can be done at once about an incident, or about a retrospective that waits for this reader's review."""
    if case.thing is case.incident:
        return [kit.button("Start retrospective", "retro_start", case.incident.id)]
    asks = telling is not None and telling.rule == "review_waiting" and case.asked_for(telling) is None
    return publishing.review_buttons(case.thing.id, among_others=True) if asks else []


def may_read(session: Session, incident: Incident, recipient: str) -> bool:
    """Whether a person, or everybody in a channel, may know of an incident: of a private one only its own channel."""
    if is_channel(recipient):
        return not incident.is_private or incident.channel_id == recipient
    return incidents.may_see(session, incident, recipient)


def _facts(case: Case, nudge: Nudge, reader: Reader) -> dict[str, Any]:
    """What the sentences of the templates may name; everything is Slack text."""
    thing = case.thing
    facts: dict[str, Any] = {
        "incident": views.title_of(case.incident, case.retro.hub_link if case.retro else ""),
        "key": case.incident.key,
        "facilitator": reader.name(case.retro.facilitator_id) if case.retro else "",
        "days": 0,
        "instead_of": "",
    }
    if isinstance(thing, ActionItem):
        facts |= _action_facts(case, thing, nudge.rule, reader) | {"away": mrkdwn.escape(case.away or "")}
    elif isinstance(thing, Retrospective):
        facts |= {"due": views.on_day(thing.due_on), "days": (reader.today - thing.due_on).days}
        facts["instead_of"] = reader.name(case.asked_for(nudge)) if case.asked_for(nudge) else ""
    elif thing.closed_at is not None:
        facts["days"] = (reader.today - thing.closed_at.date()).days
    return facts


def _action_facts(case: Case, action: ActionItem, rule: str, reader: Reader) -> dict[str, Any]:
    session = case.session
    facts: dict[str, Any] = {
        "owner": reader.name(action.owner_id),
        "days": (reader.today - action.due_on).days,
        "doer": reader.name(action.done_by),
        "confirmed": views.on_day(action.verified_at.date()) if action.verified_at else "",
        "criteria": mrkdwn.escape(mrkdwn.shorten(action.success_criteria, 300)),
    }
    if rule in {"overdue_facilitator", "overdue_channel"}:
        facts["reminded"] = rows_of.count_sent(session, action.team_id, ACTION, action.id, action.owner_id)
    if rule in AT_ONCE:
        trace = action_items.events(session, [action.id]).get(action.id, [])
        asked = next((event for event in reversed(trace) if event.what in {"handover", "reopened"}), None)
        asker = case.surroundings.person(asked.by) if asked and asked.by else None
        facts["asker"] = mrkdwn.escape(asker.name) if asker else "Somebody"
        facts["words"] = mrkdwn.escape(mrkdwn.shorten(actions.words_of(asked), 500)) if asked else ""
    return facts


# --- people who change -------------------------------------------------------------------------------------


def user_changed(ack: Ack, event: dict[str, Any], body: dict[str, Any], db: Database, clock: Clock) -> None:
    """Remember somebody's new name and zone, and have others asked for them when they have left."""
    now, user = clock(), event["user"]
    team_id = str(body.get("team_id") or user.get("team_id"))
    with db.transaction() as session:
        before = people.person(session, team_id, user["id"])
        if before is not None:
            was = (before.zone, before.deactivated, before.unreachable)
            after = people.remember_person(session, person_from(team_id, user, now))
            session.flush()
            if was != (after.zone, after.deactivated, after.unreachable):
                nudge_outcomes.person_changed(session, team_id, user["id"], now)
                retro.person_changed(session, after, now)
    ack()
