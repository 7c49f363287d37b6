"""What is done in Slack for an incident: its channel opened, its opening message kept true, its messages fetched."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from bot import incidents, mrkdwn, opening, timeline
from bot import people as who
from handlers import history, incident_answers, incident_channel
from handlers.courier import Deliveries, Delivery, GiveUp, passes
from handlers.deliveries import direct_message, meet, message_for, whisper
from handlers.views import incident as views
from handlers.views import timeline as timeline_views
from storage import entries, people
from storage import incidents as incident_rows
from storage.models import Incident, IncidentStatus, MilestoneKind

NAMES_TRIED = 20


def register(deliveries: Deliveries) -> None:
    deliveries.kind("open_incident")(open_incident)
    deliveries.kind("refresh_opening")(refresh_opening)
    deliveries.kind("archive_channel")(archive_channel)
    deliveries.kind("ask_update")(ask_update)
    deliveries.kind("tell_mark")(tell_mark)
    deliveries.kind("show_timeline")(incident_answers.deliver_page)


def open_incident(delivery: Delivery) -> None:
    """Open or enter the channel, invite, post and pin the opening message, set the topic, announce."""
    incident = _incident(delivery)
    if incident.own_channel and incident.channel_id is None:
        incident = _open_channel(delivery, incident)
    elif not incident.own_channel:
        entered = _enter_channel(delivery, incident)
        if entered is None:
            return
        incident = entered
    channel = str(incident.channel_id)
    if "opening" not in delivery.progress:
        meet(delivery, [incident.declared_by, *delivery.payload["people"]])
        with delivery.db.reading() as session:
            message = views.opening_message(opening.overview(session, incident))
        ts = delivery.post_once(channel, "opening", **message)
        _keep(delivery, opening_ts=ts)
    if "pinned" not in delivery.progress:
        _pin(delivery, channel)
        delivery.note(pinned=True)
    _set_topic(delivery, incident)
    _invite(delivery, channel)
    _announce(delivery, incident)
    with delivery.db.transaction() as session:
        now = delivery.clock()
        history.put_fetch_members(session, delivery.team_id, channel, now=now)
        if not incident.own_channel:
            history.put_fetch(session, incident, now=now)


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


def _open_channel(delivery: Delivery, incident: Incident) -> Incident:
    channel = _created_before(delivery) or _create_channel(delivery, incident)
    kept = _keep(delivery, channel_id=channel["id"])
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel["id"])
        row.name, row.is_private = channel["name"], incident.is_private
        session.add(row)
        people.add_members(session, delivery.team_id, channel["id"], delivery.payload["people"])
    return kept


def _enter_channel(delivery: Delivery, incident: Incident) -> Incident | None:
    """Be in the channel that was turned into an incident; None when only somebody there can see to that."""
    channel_id = str(incident.channel_id)
    try:
        channel = delivery.client.conversations_info(channel=channel_id)["channel"]
        if not channel.get("is_member") and not channel["is_private"]:
            delivery.client.conversations_join(channel=channel_id)
    except SlackApiError as error:
        if passes(error):
            raise
        text = (
            f"*{mrkdwn.escape(views.title_of(incident))}* is declared, but I cannot come into <#{channel_id}> (Slack"
            f" answered `{error.response.get('error')}`), so nothing that is said there is remembered yet. Invite me"
            " there with `/invite @Seamark`; what was said meanwhile is then fetched."
        )
        delivery.payload |= message_for(incident.declared_by, text)
        direct_message(delivery)
        return None
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel_id)
        row.name, row.is_private, row.bot_is_member = channel["name"], channel["is_private"], True
        session.add(row)
        people.add_members(session, delivery.team_id, channel_id, [incident.declared_by])
    return _keep(delivery, is_private=True) if channel["is_private"] else incident


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
            reason = error.response.get("error")
            if reason != "name_taken":
                if not passes(error):
                    incident_channel.tell(delivery, incident, f"Slack answered `{reason}`")
                raise
        else:
            return dict(answer["channel"])
    why = f"{NAMES_TRIED} channel names like {name} are taken"
    incident_channel.tell(delivery, incident, why)
    raise GiveUp(why)


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
        if f"invited:{user}" not in delivery.progress:
            _invite_one(delivery, channel, user)
            delivery.note(**{f"invited:{user}": True})


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
    if where and not _incident(delivery).is_private:
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
            "is_inactive",
            "channel_not_found",
            "not_in_channel",
        }:
            raise


def archive_channel(delivery: Delivery) -> None:
    """Archive a channel, because somebody asked for it."""
    channel = delivery.payload["channel"]
    try:
        delivery.client.conversations_archive(channel=channel)
    except SlackApiError as error:
        if error.response.get("error") != "already_archived":
            raise
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel)
        row.is_archived = True
        session.add(row)


def ask_update(delivery: Delivery) -> None:
    """Ask the lead for an update, unless there is nothing to ask for any more."""
    incident = _incident(delivery)
    every = delivery.extras["policy"].severity(incident.severity).update_minutes
    if incident.status == IncidentStatus.CLOSED or incident.update_due_at is None or every is None:
        return
    if incident.last_update_at is not None and incident.last_update_at > delivery.created_at:
        return
    with delivery.db.reading() as session:
        message = views.update_due(opening.overview(session, incident), every)
        asked = incidents.lead_who_may_see(session, incident)
    delivery.payload |= {"user": asked, **message}
    direct_message(delivery)


def tell_mark(delivery: Delivery) -> None:
    """Answer a mark privately; of what was deleted meanwhile nothing is said."""
    with delivery.db.reading() as session:
        entry = entries.by_id(session, delivery.team_id, delivery.payload.pop("entry"))
        names = who.names(session, delivery.team_id)
    if entry is None or entry.deleted_at is not None:
        return
    message = timeline_views.marked(timeline.Marked(entry), names)
    del message["response_type"]
    delivery.payload |= {"channel": entry.channel_id, "thread_ts": entry.thread_ts, **message}
    whisper(delivery)
