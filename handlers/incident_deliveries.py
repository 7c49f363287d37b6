"""What is done in Slack for an incident: its channel opened, its opening message kept true, its messages fetched."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from bot import capture, incidents, opening
from handlers.capture import said_of
from handlers.courier import Deliveries, Delivery, GiveUp
from handlers.views import incident as views
from storage import incidents as incident_rows
from storage import people
from storage.models import Incident, MilestoneKind

NAMES_TRIED = 20


def register(deliveries: Deliveries) -> None:
    deliveries.kind("open_incident")(open_incident)
    deliveries.kind("refresh_opening")(refresh_opening)
    deliveries.kind("fetch_message")(fetch_message)


def open_incident(delivery: Delivery) -> None:
    """Open the channel, invite, post and pin the opening message, set the topic, announce."""
    incident = _incident(delivery)
    if incident.channel_id is None:
        incident = _open_channel(delivery, incident)
    channel = str(incident.channel_id)
    if "opening" not in delivery.progress:
        with delivery.db.reading() as session:
            message = views.opening_message(opening.overview(session, incident))
        ts = delivery.post_once(channel, "opening", **message)
        _keep(delivery, opening_ts=ts)
    _once(delivery, "pinned", lambda: _pin(delivery, channel))
    _set_topic(delivery, incident)
    _invite(delivery, channel)
    _announce(delivery, incident)


def _incident(delivery: Delivery) -> Incident:
    with delivery.db.reading() as session:
        return incident_rows.by_id(session, delivery.payload["incident"])


def _keep(delivery: Delivery, **columns: Any) -> Incident:
    with delivery.db.transaction() as session:
        incident = incident_rows.by_id(session, delivery.payload["incident"])
        for name, value in columns.items():
            setattr(incident, name, value)
        session.add(incident)
        return incident


def _once(delivery: Delivery, step: str, do: Any) -> None:
    if step not in delivery.progress:
        do()
        delivery.note(**{step: True})


def _open_channel(delivery: Delivery, incident: Incident) -> Incident:
    channel = _created_before(delivery) or _create_channel(delivery, incident)
    kept = _keep(delivery, channel_id=channel["id"])
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel["id"])
        row.name, row.is_private = channel["name"], incident.is_private
        session.add(row)
        people.add_members(session, delivery.team_id, channel["id"], delivery.payload["people"])
    return kept


def _created_before(delivery: Delivery) -> dict[str, Any] | None:
    """The channel an earlier try made and could not note, found by the name it was going to have."""
    wanted = delivery.progress.get("name")
    if delivery.attempt == 1 or wanted is None:
        return None
    for page in delivery.client.users_conversations(types="public_channel,private_channel", limit=200):
        for channel in page["channels"]:
            if channel["name"] == wanted:
                return dict(channel)
    return None


def _create_channel(delivery: Delivery, incident: Incident) -> dict[str, Any]:
    for attempt in range(NAMES_TRIED):
        name = incidents.channel_name(incident.number, incident.title, attempt)
        delivery.note(name=name)
        try:
            answer = delivery.client.conversations_create(name=name, is_private=incident.is_private)
        except SlackApiError as error:
            if error.response.get("error") != "name_taken":
                raise
        else:
            return dict(answer["channel"])
    raise GiveUp(f"{NAMES_TRIED} channel names like {name} are taken")


def _pin(delivery: Delivery, channel: str) -> None:
    try:
        delivery.client.pins_add(channel=channel, timestamp=delivery.progress["opening"])
    except SlackApiError as error:
        # The message is there and says what it says; only its place at the top is missing.
        if error.response.get("error") not in {"already_pinned", "too_many_pins", "restricted_action"}:
            raise


def _set_topic(delivery: Delivery, incident: Incident) -> None:
    """Set the topic where it is ours; each time posts a visible line, so only when it says something new."""
    channel = str(incident.channel_id)
    with delivery.db.reading() as session:
        reached = incident_rows.milestones(session, incident.id)
        known = people.known_channel(session, delivery.team_id, channel)
    topic = views.topic(incident, [kind for kind in MilestoneKind if kind in reached])
    if not incident.own_channel or (known is not None and known.topic == topic):
        return
    _ignoring_gone(lambda: delivery.client.conversations_setTopic(channel=channel, topic=topic))
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel)
        row.topic = topic
        session.add(row)


def _invite(delivery: Delivery, channel: str) -> None:
    """Invite one by one: one person who cannot come must not keep the others out."""
    for user in delivery.payload["people"]:
        _once(delivery, f"invited:{user}", lambda user=user: _invite_one(delivery, channel, user))  # type: ignore[misc]


def _invite_one(delivery: Delivery, channel: str, user: str) -> None:
    try:
        delivery.client.conversations_invite(channel=channel, users=user)
    except SlackApiError as error:
        refused = error.response.get("error")
        if refused not in {
            "already_in_channel",
            "cant_invite_self",
            "user_not_found",
            "cant_invite",
            "ura_max_channels",
        }:
            raise
        delivery.note(**{f"not_invited:{user}": refused})


def _announce(delivery: Delivery, incident: Incident) -> None:
    where = delivery.extras["settings"].announce_channel
    if where and not incident.is_private:
        with delivery.db.reading() as session:
            message = views.announcement(opening.overview(session, incident))
        delivery.post_once(where, "announced", **message)


def refresh_opening(delivery: Delivery) -> None:
    """Edit the opening message, and set the topic where it is ours, to what is true now."""
    incident = _incident(delivery)
    if incident.channel_id is None or incident.opening_ts is None:
        return
    with delivery.db.reading() as session:
        message = views.opening_message(opening.overview(session, incident))
    _ignoring_gone(lambda: delivery.client.chat_update(channel=incident.channel_id, ts=incident.opening_ts, **message))
    _set_topic(delivery, incident)


def _ignoring_gone(call: Any) -> None:
    try:
        call()
    except SlackApiError as error:
        if error.response.get("error") not in {
            "message_not_found",
            "is_archived",
            "channel_not_found",
            "not_in_channel",
        }:
            raise


def fetch_message(delivery: Delivery) -> None:
    """Fetch the words of a message that was marked before it was seen; replies are found too."""
    channel, ts = delivery.payload["channel"], delivery.payload["ts"]
    answer = delivery.client.conversations_replies(
        channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=1
    )
    found = next((message for message in answer["messages"] if message["ts"] == ts), None)
    if found is None:
        raise GiveUp("the message is no longer there")
    with delivery.db.transaction() as session:
        capture.said(session, said_of(delivery.team_id, channel, found), now=delivery.clock())
