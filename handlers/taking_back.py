"""Messages that say what some of their readers may not know any more: edited, or else deleted, or else told of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from slack_sdk.errors import SlackApiError

from handlers import courier
from handlers.courier import Delivery, GiveUp
from handlers.incident_base import tell_lead
from storage.models import Incident


def take_back(
    delivery: Delivery, channel: str, ts: str, message: dict[str, Any], *, about: Iterable[Incident], where: str
) -> None:
    """Put `message` in place of what stands there, or delete that when Slack refuses.

    When Slack refuses both, the leads of the incidents it is `about` hear where it still stands (`where`, as Slack
    text), and the delivery is given up. An archived channel and one that the bot was removed from can still be read.
    """
    client = delivery.client
    if _refused(lambda: client.chat_update(channel=channel, ts=ts, **message)) is None:
        return
    why = _refused(lambda: client.chat_delete(channel=channel, ts=ts))
    if why is None:
        return
    with delivery.db.transaction() as session:
        for incident in about:
            text = (
                f"{incident.key} is private, but what I said about it in {where} may still be read there, because Slack"
                f" lets me neither edit nor delete it ({why}): please ask an admin of your workspace to delete it."
            )
            tell_lead(session, incident, text, f"still_stands:{incident.id}:{channel}:{ts}", delivery.clock())
    raise GiveUp(f"what became private still stands: {why}")


def _refused(call: Callable[[], object]) -> str | None:
    """Slack's word when it refuses for good; None when it did as asked, or nothing stands there any more."""
    try:
        call()
    except SlackApiError as error:
        if courier.passes(error):
            raise
        reason = str(error.response.get("error"))
        return None if reason == "message_not_found" else reason
    return None
