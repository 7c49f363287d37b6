"""The kinds of delivery that belong to no single feature: answers, messages, people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.people import person_from
from handlers.courier import Deliveries, Delivery, GiveUp, Later
from handlers.views import kit
from storage import people

GONE = {"user_not_in_channel", "channel_not_found", "is_archived", "not_in_channel", "user_not_found"}
"""Slack's words when there is nobody or nowhere left to say something to in passing."""


def register(deliveries: Deliveries) -> None:
    deliveries.kind("whisper")(whisper)
    deliveries.kind("respond")(respond)
    deliveries.kind("post")(post)
    deliveries.kind("direct_message")(direct_message)
    deliveries.kind("refresh_person")(refresh_person)
    deliveries.kind("refresh_view")(refresh_view)


def whisper(delivery: Delivery) -> None:
    """Say something in a channel to one person; who has left it hears it by direct message instead."""
    message = {name: value for name, value in delivery.payload.items() if value is not None}
    try:
        delivery.client.chat_postEphemeral(**message)
    except SlackApiError as error:
        if error.response.get("error") not in GONE:
            raise
        direct_message(delivery)


def respond(delivery: Delivery) -> None:
    """Answer through a `response_url`; it lives for 30 minutes and five uses."""
    answer = WebhookClient(delivery.payload["url"], ssl=delivery.client.ssl).send_dict(delivery.payload["message"])
    if answer.status_code in {404, 410}:
        raise GiveUp("the response_url has expired")
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Later(f"the response_url answered {answer.status_code}", timedelta(seconds=2))
    if answer.status_code != 200:
        raise GiveUp(f"the response_url answered {answer.status_code} {answer.body}")


def post(delivery: Delivery) -> None:
    """Post a message into a channel."""
    message = {name: delivery.payload[name] for name in ("text", "blocks") if name in delivery.payload}
    delivery.post_once(delivery.payload["channel"], **message)


def direct_message(delivery: Delivery) -> None:
    """Send a message to one person, in the conversation with the bot."""
    message = {name: delivery.payload[name] for name in ("text", "blocks") if name in delivery.payload}
    delivery.post_once(open_conversation(delivery, delivery.payload["user"]), **message)


def open_conversation(delivery: Delivery, user_id: str) -> str:
    """The id of the conversation between the bot and a person."""
    known = delivery.progress.get("conversation")
    if known is None:
        known = str(delivery.client.conversations_open(users=[user_id])["channel"]["id"])
        delivery.note(conversation=known)
    return str(known)


def refresh_person(delivery: Delivery) -> None:
    """Ask Slack who somebody is, and remember it."""
    try:
        _ask_about(delivery, delivery.payload["user"])
    except SlackApiError as error:
        if error.response.get("error") in {"user_not_found", "user_not_visible"}:
            raise GiveUp(f"Slack shows no user {delivery.payload['user']}") from error
        raise


def meet(delivery: Delivery, user_ids: Iterable[str]) -> None:
    """Ask Slack about those of `user_ids` who are not known yet, so that what is posted names them."""
    with delivery.db.reading() as session:
        known = people.people(session, delivery.team_id, user_ids)
    for user_id in dict.fromkeys(user_ids):
        if user_id not in known:
            _ask_about(delivery, user_id)


def _ask_about(delivery: Delivery, user_id: str) -> None:
    answer = delivery.client.users_info(user=user_id)
    with delivery.db.transaction() as session:
        people.remember_person(session, person_from(delivery.team_id, answer["user"], delivery.clock()))


def refresh_view(delivery: Delivery) -> None:
    """Show a dialog anew; one that was closed meanwhile needs nothing."""
    try:
        delivery.client.views_update(view_id=delivery.payload["view_id"], view=delivery.payload["view"])
    except SlackApiError as error:
        if error.response.get("error") not in {"not_found", "hash_conflict"}:
            raise


def message_for(user: str, text: str, *blocks: Any) -> dict[str, Any]:
    """The payload of a direct message."""
    return {"user": user, **kit.message(text, blocks or kit.sections(text))}
