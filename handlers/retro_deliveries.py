"""What is done in Slack for a retrospective: its hub kept true, its participants asked, its meeting announced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError

from bot import incidents, meeting, mrkdwn, rendering, retro
from bot import people as who
from bot.exporting import File
from handlers import dialogs, steps
from handlers.courier import Deliveries, Delivery, GiveUp
from handlers.deliveries import direct_message, open_conversation
from handlers.uploads import share_once
from handlers.views import accounts as account_views
from handlers.views import kit
from handlers.views import retro as views
from handlers.views.incident import title_of
from handlers.views.retro import is_direct
from storage import incidents as incident_rows
from storage import retros
from storage.models import Incident, Retrospective, RetroStatus

NO_PLACE = {
    "is_archived", "channel_not_found", "not_in_channel", "posting_to_channel_denied", "restricted_action",
    "restricted_action_read_only_channel", "cant_update_message", "is_inactive",
}  # fmt: skip
"""Slack's words when a channel no longer takes messages of ours."""


def register(deliveries: Deliveries) -> None:
    deliveries.kind("refresh_hub")(refresh_hub)
    deliveries.kind("ask_account")(ask_account)
    deliveries.kind("remind_account")(ask_account)
    deliveries.kind("ask_to_lead")(ask_to_lead)
    deliveries.kind("meeting_file")(meeting_file)
    deliveries.kind("meeting_reminder")(meeting_reminder)
    deliveries.kind("refresh_step")(refresh_step)


def _read(delivery: Delivery) -> tuple[Retrospective, Incident]:
    with delivery.db.reading() as session:
        found = retros.by_id(session, delivery.team_id, delivery.payload["retro"])
        if found is None:
            raise GiveUp("there is no such retrospective")
        return found, incident_rows.by_id(session, found.incident_id)


# --- hub -------------------------------------------------------------------------------------------------


def refresh_hub(delivery: Delivery) -> None:
    """Edit the hub to what is true now; post it where it is not there, and again only when it was deleted.

    A channel that takes no messages any more is left; the hub goes on in the facilitator's direct messages, and
    from those to the next facilitator's. Where it was, it says that it has moved.
    """
    found, incident = _read(delivery)
    with delivery.db.reading() as session:
        now = retro.progress(session, found, delivery.extras["guides"], delivery.clock())
    message = views.hub(now)
    home = _home(delivery, found, incident)
    if found.hub_channel_id and found.hub_ts:
        if home != found.hub_channel_id:
            _edited(delivery, found.hub_channel_id, found.hub_ts, views.hub_moved(incident))
        elif _edited(delivery, home, found.hub_ts, message):
            return
        elif delivery.progress.get("left"):
            home = _facilitators(delivery, found, incident)
    try:
        _post_hub(delivery, home, message)
    except SlackApiError as error:
        if error.response.get("error") not in NO_PLACE:
            raise
        _post_hub(delivery, _facilitators(delivery, found, incident), message)


def _home(delivery: Delivery, found: Retrospective, incident: Incident) -> str:
    """Where the hub belongs: where it was, or else in the incident's place; without one, with the facilitator.

    A private incident's goes nowhere else.
    """
    was = found.hub_channel_id
    may_stay = was is not None and not is_direct(was) and (was == incident.place or not incident.is_private)
    if delivery.progress.get("left") or (was is not None and is_direct(was)):
        return _facilitators(delivery, found, incident)
    return (was if may_stay else incident.place) or _facilitators(delivery, found, incident)


def _edited(delivery: Delivery, channel: str, ts: str, message: dict[str, Any]) -> bool:
    try:
        delivery.client.chat_update(channel=channel, ts=ts, **message)
    except SlackApiError as error:
        reason = error.response.get("error")
        if reason not in NO_PLACE | {"message_not_found"}:
            raise
        if reason != "message_not_found":
            delivery.note(left=True)
        return False
    return True


def _post_hub(delivery: Delivery, channel: str, message: dict[str, Any]) -> None:
    ts = delivery.post_once(channel, f"hub:{channel}", **message)
    link = str(delivery.client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
    with delivery.db.transaction() as session:
        kept = retros.held(session, delivery.payload["retro"])
        kept.hub_channel_id, kept.hub_ts, kept.hub_link = channel, ts, link
        session.add(kept)


def _facilitators(delivery: Delivery, found: Retrospective, incident: Incident) -> str:
    """The direct messages of the facilitator, or of another participant when the facilitator is gone."""
    with delivery.db.reading() as session:
        taking_part = [one.user_id for one in retros.participants(session, found.id)]
        there = retro.insiders(session, incident, [found.facilitator_id, *taking_part])
    if not there:
        raise GiveUp("nobody is left who takes part")
    user = found.facilitator_id if found.facilitator_id in there else there[0]
    return open_conversation(delivery, user)


# --- people ----------------------------------------------------------------------------------------------


def ask_account(delivery: Delivery) -> None:
    """Ask somebody for their account, or remind them; not when the retrospective is out, or they have answered."""
    found, incident = _read(delivery)
    user = delivery.payload["user"]
    with delivery.db.reading() as session:
        row = retros.participant(session, found.id, user)
        names = who.names(session, found.team_id)
        may_see = incidents.may_see(session, incident, user)
    if found.status in {RetroStatus.PUBLISHED, RetroStatus.ARCHIVED} or row is None or row.answered:
        return
    if not may_see:
        raise GiveUp("they are not in the private incident's channel")
    text = rendering.message(
        delivery.kind,
        title=mrkdwn.escape(title_of(incident)),
        facilitator=mrkdwn.person(names, found.facilitator_id),
        due=views.day(found.due_on),
    )
    delivery.payload |= account_views.invitation(found.id, text)
    _tell(delivery)


def ask_to_lead(delivery: Delivery) -> None:
    """Tell the facilitator how it goes and what to say first; not when somebody else leads it meanwhile."""
    found, incident = _read(delivery)
    with delivery.db.reading() as session:
        may_see = incidents.may_see(session, incident, found.facilitator_id)
    out = found.status in {RetroStatus.PUBLISHED, RetroStatus.ARCHIVED}
    if found.facilitator_id != delivery.payload["user"] or not may_see or out:
        return
    guide = retro.guide_of(found, delivery.extras["guides"])
    delivery.payload |= views.how_to_lead(found, incident, guide)
    _tell(delivery)


def _tell(delivery: Delivery) -> None:
    try:
        direct_message(delivery)
    except SlackApiError as error:
        if error.response.get("error") not in {"user_disabled", "user_not_found", "user_not_visible"}:
            raise
        raise GiveUp("Slack does not let this person be written to") from error


# --- meeting ---------------------------------------------------------------------------------------------


def _meeting(delivery: Delivery) -> tuple[Retrospective, Incident, datetime] | None:
    """The meeting this is about; None when it was called off or put off meanwhile."""
    found, incident = _read(delivery)
    at = datetime.fromisoformat(delivery.payload["at"])
    return (found, incident, at) if found.meeting_at == at else None


def meeting_file(delivery: Delivery) -> None:
    """Post the calendar file beside the hub."""
    about = _meeting(delivery)
    if about is None:
        return
    found, incident, at = about
    if found.hub_channel_id is None:
        raise GiveUp("the retrospective has no hub to post beside")
    guide = retro.guide_of(found, delivery.extras["guides"])
    content = meeting.calendar(found, incident, guide, at, link=found.hub_link)
    said = rendering.message("meeting", title=mrkdwn.escape(title_of(incident)), at=mrkdwn.moment(at, day=True))
    name = f"{incident.key.lower()}-retrospective.ics"
    share_once(delivery, found.hub_channel_id, [File(name, name, content.decode())], said)


def meeting_reminder(delivery: Delivery) -> None:
    """Remind everybody who takes part, once each."""
    about = _meeting(delivery)
    if about is None:
        return
    found, incident, at = about
    with delivery.db.reading() as session:
        taking_part = [found.facilitator_id, *(one.user_id for one in retros.participants(session, found.id))]
        there = retro.insiders(session, incident, taking_part)
    said = rendering.message(
        "meeting_reminder",
        title=mrkdwn.escape(title_of(incident)),
        at=mrkdwn.moment(at, day=True),
        hub=found.hub_link,
    )
    for user in there:
        _remind_one(delivery, user, kit.message(said, kit.sections(said)))


def _remind_one(delivery: Delivery, user: str, message: dict[str, Any]) -> None:
    if f"to:{user}" in delivery.progress:
        return
    try:
        conversation = str(delivery.client.conversations_open(users=[user])["channel"]["id"])
        delivery.post_once(conversation, f"to:{user}", **message)
    except SlackApiError as error:
        # One person who cannot be written to must not keep the others from being reminded.
        if error.response.get("error") not in {"user_disabled", "user_not_found", "user_not_visible"}:
            raise
        delivery.note(**{f"to:{user}": str(error.response.get("error"))})


# --- dialogs ---------------------------------------------------------------------------------------------


def refresh_step(delivery: Delivery) -> None:
    """Show a step anew under the dialog that was pushed upon it; who may no longer see it keeps what they have."""
    under = delivery.payload["below"]
    with delivery.db.reading() as session:
        visit = steps.visit_of(
            session,
            delivery.team_id,
            delivery.payload["viewer"],
            under,
            guides=delivery.extras["guides"],
            policy=delivery.extras["policy"],
            now=delivery.clock(),
        )
        view = steps.view_of(session, visit)
    dialogs.shown_instead(delivery.client, under["view"], view)
