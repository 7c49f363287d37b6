"""Dialogs opened in time: Slack lets an app open one only within three seconds of what somebody did."""

from __future__ import annotations

import logging
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.views import View

from handlers.courier import Clock
from handlers.payloads import Click
from handlers.views import kit
from storage import outbox
from storage.db import Database

log = logging.getLogger(__name__)

TOO_LATE = {"expired_trigger_id", "exchanged_trigger_id", "trigger_expired", "trigger_exchanged", "internal_error"}
"""Slack's words for a trigger that has passed (https://docs.slack.dev/reference/methods/views.open#errors)."""

SENTENCE = "Slack did not let the dialog open in time. Nothing is lost; please open it again."


def opened(client: WebClient, trigger_id: str, view: View, *, upon: bool = False) -> bool:
    """Open a dialog, or push it `upon` the one that is there; False when it was too late for that."""
    try:
        if upon:
            client.views_push(trigger_id=trigger_id, view=view)
        else:
            client.views_open(trigger_id=trigger_id, view=view)
    except SlackApiError as error:
        told = str(error.response)
        if error.response.get("error") not in TOO_LATE and "trigger_id" not in told:
            raise
    except (SlackClientError, URLError, OSError):
        log.warning("A dialog could not be opened: Slack did not answer in time.", exc_info=True)
    else:
        return True
    return False


def open_again(label: str, action_id: str, value: object) -> dict[str, Any]:
    """The private answer in place of a dialog that could not be opened: a sentence, and the button again."""
    return kit.ephemeral(SENTENCE, buttons_=[kit.button(label, action_id, value, style="primary")])


def offer_again(db: Database, clock: Clock, click: Click, label: str) -> None:
    """Say in private that the dialog behind a button did not open, with the same button."""
    message = open_again(label, click.action_id, click.value)
    message.pop("response_type")
    payload = {"user": click.user_id, **message}
    kind = "whisper" if click.channel_id else "direct_message"
    if click.channel_id:
        payload["channel"] = click.channel_id
    with db.transaction() as session:
        lane, key = f"whisper:{click.user_id}", f"open_again:{click.key}"
        outbox.put(session, click.team_id, kind, payload, lane=lane, now=clock(), key=key)


def shown_instead(client: WebClient, view_id: str, view: View) -> None:
    """Replace what a dialog shows; one that was closed meanwhile needs nothing: what it held is saved."""
    try:
        client.views_update(view_id=view_id, view=view)
    except SlackApiError as error:
        if error.response.get("error") not in {"not_found", "hash_conflict"}:
            raise
