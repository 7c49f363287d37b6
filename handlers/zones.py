"""The zone of somebody whom Seamark meets for the first time, when a time they typed depends on it."""

from __future__ import annotations

import logging
from datetime import datetime

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import moments
from bot.people import person_from
from storage import people
from storage.db import Database

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1
"""Slack is waiting for our answer meanwhile, three seconds at most."""

UNKNOWN = 'Slack did not tell your time zone just now, so the time was read as UTC; "Edit" corrects it.'


def learn(
    db: Database, client: WebClient, *, team_id: str, user_id: str, typed: str | None, now: datetime
) -> str | None:
    """The IANA zone in which to read what somebody typed; Slack is asked when they are new to us and it matters.

    `typed` is None when they are going to be shown a time. None when Slack did not tell the zone in time.
    """
    if typed is not None and not moments.depends_on_zone(typed, now=now):
        return "UTC"
    with db.reading() as session:
        known = people.person(session, team_id, user_id)
    if known is not None:
        return known.zone
    asking = WebClient(
        token=client.token, base_url=client.base_url, timeout=PATIENCE_SECONDS, ssl=client.ssl, retry_handlers=[]
    )
    try:
        user = asking.users_info(user=user_id)["user"]
    except (SlackApiError, SlackClientError, OSError):
        log.warning("Slack did not tell the zone of %s in time.", user_id, exc_info=True)
        return None
    with db.transaction() as session:
        return people.remember_person(session, person_from(team_id, user, now)).zone
