"""What all of `/incident` shares: the registry, and small things that every part of it does."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import incidents, moments, people
from bot.errors import FieldRefusal
from handlers.deliveries import message_for
from handlers.payloads import Click, Form
from handlers.subcommands import Subcommands
from handlers.views import kit
from storage import outbox
from storage.models import Incident

incident = Subcommands(
    "/incident",
    "remembers an incident while you work on it.",
    first=[
        "declare",
        "mark",
        "update",
        "severity",
        "role",
        "started",
        "detected",
        "acknowledged",
        "mitigated",
        "resolved",
        "status",
    ],
)


def lane(of: Incident) -> str:
    """The order in which things are said about one incident."""
    return f"incident:{of.id}"


def opening_key(of: Incident) -> str:
    """Under this key the outbox knows the opening of an incident's channel."""
    return f"open_incident:{of.id}"


def refresh(session: Session, of: Incident, now: datetime) -> None:
    """Have the opening message and the topic follow what was just recorded."""
    outbox.put_refresh(session, of.team_id, "refresh_opening", {"incident": of.id}, lane=lane(of), now=now)


def seen_by(session: Session, by: Click | Form, incident_id: int) -> Incident:
    """The incident that a button or dialog is about, for somebody who may know of it. Raises `NoSuchIncident`."""
    return incidents.seen(session, by.team_id, incident_id, asked_by=by.user_id, channel_id=place_of(by))


def place_of(by: Click | Form) -> str:
    """The channel somebody is in while they click or fill in a dialog; "" when they are in none."""
    if isinstance(by, Click) and by.channel_id:
        return by.channel_id
    form = by.form if isinstance(by, Click) else by
    return str(form.metadata.get("channel") or "")


def answer(session: Session, click: Click, text: str, now: datetime, *, replaces: bool = True) -> None:
    """Say a sentence privately, by default in place of the message that the button was in."""
    message = {"replace_original": replaces, **kit.message(text, kit.sections(text))}
    payload = {"url": click.response_url, "message": message}
    lane_ = f"respond:{click.user_id}"
    outbox.put(session, click.team_id, "respond", payload, lane=lane_, now=now, key=f"answer:{click.key}")


def whisper(session: Session, by: Form, text: str, now: datetime) -> None:
    """Tell the one who filled in a dialog, privately, in the channel where they opened it."""
    payload = {"channel": place_of(by), "user": by.user_id, **kit.message(text, kit.sections(text))}
    lane_ = f"whisper:{by.user_id}"
    outbox.put(session, by.team_id, "whisper", payload, lane=lane_, now=now, key=f"whisper:{by.key}")


def tell_lead(session: Session, of: Incident, text: str, key: str, now: datetime) -> None:
    """Tell whoever leads an incident, by direct message; once under the same `key`."""
    lead = incidents.lead_who_may_see(session, of)
    payload, lane_ = message_for(lead, text), f"dm:{lead}"
    outbox.put(session, of.team_id, "direct_message", payload, lane=lane_, now=now, key=key)


def when(session: Session, form: Form, now: datetime) -> datetime | None:
    """The moment typed into a dialog's "When", None when it is empty; a wrong one is told at its field."""
    typed = form.text("when").strip()
    if not typed:
        return None
    try:
        at, rest = moments.split_when(typed, now=now, zone=people.zone_of(session, form.team_id, form.user_id))
    except moments.NoSuchTime as refusal:
        raise FieldRefusal(when=refusal.reason) from refusal
    if at is None or rest.strip():
        raise FieldRefusal(when=f"That is no time. Write it like {moments.EXAMPLES.replace('`', '')}.")
    return at
