"""Incidents: declared, classified, closed, and who may know of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.errors import Refusal
from storage import incidents
from storage.db import add_once, one_at_a_time
from storage.models import Incident, IncidentKind, IncidentRole, IncidentStatus

SEVERITIES = ("SEV1", "SEV2", "SEV3", "SEV4")
KIND_LABELS = {
    IncidentKind.INCIDENT: "Incident",
    IncidentKind.NEAR_MISS: "Near miss",
    IncidentKind.DRILL: "Drill",
}
ROLES = ("lead", "comms", "scribe", "ops")


class NotAnIncident(Refusal):
    """This channel is not about an incident, so nothing was recorded. Declare one here, or go to its channel."""


class NoneNamed(NotAnIncident):
    """This channel is not about an incident. Name the one you mean."""


class AlreadyAnIncident(Refusal):
    """This channel is about an open incident already; close it first, or choose "A new channel"."""


class NoSuchIncident(Refusal):
    """There is no such incident that you can see. `/incident list` shows those there are."""


class NoSuchSeverity(Refusal):
    """A severity is one of SEV1, SEV2, SEV3, SEV4. Nothing was changed; try `/incident severity SEV2 why`."""


@dataclass(frozen=True)
class Declaration:
    """What somebody filled in when declaring an incident."""

    title: str
    kind: IncidentKind = IncidentKind.INCIDENT
    severity: str = "SEV3"
    services: Sequence[str] = ()
    environment: str = ""
    summary: str = ""
    is_private: bool = False
    own_channel: bool = True
    past: timedelta | None = timedelta(0)
    """How much of what was said before in "This channel" is taken in; None for all of it."""


def declare(
    session: Session,
    declaration: Declaration,
    *,
    team_id: str,
    by: str,
    channel_id: str,
    source_key: str,
    now: datetime,
) -> tuple[Incident, bool]:
    """Begin an incident; returns it, and whether this call began it.

    `channel_id` is where it was declared, which becomes its channel unless it gets one of its own.
    `source_key` names the dialog, so that one sent twice is one incident. Raises `AlreadyAnIncident`.
    """
    repeat = incidents.by_source(session, team_id, source_key)
    if repeat is not None:
        return repeat, False
    if not declaration.own_channel and _held_open_in(session, team_id, channel_id) is not None:
        raise AlreadyAnIncident
    past = None if declaration.own_channel else declaration.past
    incident = Incident(
        team_id=team_id,
        number=incidents.next_number(session, team_id),
        source_key=source_key,
        title=declaration.title.strip(),
        kind=declaration.kind,
        severity=declaration.severity,
        services=list(declaration.services),
        environment=declaration.environment.strip(),
        summary=declaration.summary.strip(),
        is_private=declaration.is_private,
        channel_id=None if declaration.own_channel else channel_id,
        own_channel=declaration.own_channel,
        declared_in=channel_id,
        declared_by=by,
        declared_at=now,
        covers_from=None if past is None else now - past,
    )
    return add_once(session, incident, "team_id", "source_key")


def here(session: Session, team_id: str, channel_id: str) -> Incident:
    """The incident of a channel; raises `NotAnIncident`."""
    incident = incidents.in_channel(session, team_id, channel_id)
    if incident is None:
        raise NotAnIncident
    return incident


def named(session: Session, team_id: str, words: str, *, asked_by: str) -> Incident:
    """The incident called e.g. `INC-7`, if the asker may know of it; raises `NoSuchIncident` either way alike."""
    match = re.fullmatch(r"(?:inc[- ]?)?#?(\d{1,9})[:;,.?!]*", words.strip(), re.IGNORECASE)
    incident = incidents.by_number(session, team_id, int(match[1])) if match else None
    if incident is None or not may_see(session, incident, asked_by):
        raise NoSuchIncident
    return incident


def meant(session: Session, team_id: str, words: str, *, channel_id: str, asked_by: str) -> tuple[Incident, str]:
    """The incident whose name `words` begin with, e.g. `INC-7`, or else the channel's; and the words behind the name.

    Raises `NoSuchIncident` for one that the asker may not know of, `NoneNamed`.
    """
    called = re.match(r"(inc-\S*|inc ?#?\d\S*|#\d\S*|\d+$)\s*", words, re.IGNORECASE)
    if called is None:
        return of_place(session, team_id, channel_id), words
    return named(session, team_id, called[1], asked_by=asked_by), words[called.end() :]


def of_place(session: Session, team_id: str, channel_id: str) -> Incident:
    """The incident of the channel in which somebody named none; raises `NoneNamed`."""
    found = incidents.in_channel(session, team_id, channel_id)
    if found is None:
        raise NoneNamed
    return found


def may_see(session: Session, incident: Incident, user_id: str) -> bool:
    """Whether a person may know of an incident: of a private one only the members of its channel."""
    return not incident.is_private or incidents.is_visible(session, incident, user_id)


def seen(session: Session, team_id: str, incident_id: int, *, asked_by: str, channel_id: str = "") -> Incident:
    """The incident by its row's id, for somebody who may know of it.

    Whoever is in its channel at this moment may (`channel_id`), also while their coming is not known yet.
    Raises `NoSuchIncident`.
    """
    incident = incidents.by_id(session, incident_id)
    is_here = bool(channel_id) and incident.channel_id == channel_id
    if incident.team_id != team_id or not (is_here or may_see(session, incident, asked_by)):
        raise NoSuchIncident
    return incident


def lead(incident: Incident, roles: Mapping[str, str]) -> str:
    """Who leads: whoever has that role, or else the declarer."""
    return roles.get("lead", incident.declared_by)


def lead_who_may_see(session: Session, incident: Incident) -> str:
    """Whom to tell about an incident: its lead, or the declarer when the lead may not know of it (any more)."""
    leading = lead(incident, incidents.roles(session, incident.id))
    return leading if may_see(session, incident, leading) else incident.declared_by


def set_role(session: Session, incident: Incident, role: str, user_id: str, now: datetime) -> None:
    one_at_a_time(session, f"incident {incident.id}")
    session.merge(
        IncidentRole(incident_id=incident.id, role=role, team_id=incident.team_id, user_id=user_id, since=now)
    )


def use_place(session: Session, incident: Incident) -> None:
    """Have an incident that got no channel of its own go on where it was declared, with what was said there since.

    Raises `AlreadyAnIncident`.
    """
    _claim(session, incident, incident.declared_in)
    incident.own_channel, incident.channel_id = False, incident.declared_in
    incident.covers_from = incident.declared_at
    session.add(incident)


def _claim(session: Session, incident: Incident, channel_id: str) -> None:
    there = _held_open_in(session, incident.team_id, channel_id)
    if there is not None and there.id != incident.id:
        raise AlreadyAnIncident(
            f"<#{channel_id}> is about {there.key}, which is open, so {incident.key} cannot go on there."
            f" Nothing was changed; `/incident close {there.key}` ends the other first."
        )


def _held_open_in(session: Session, team_id: str, channel_id: str) -> Incident | None:
    """The open incident of a channel; until the transaction ends nobody else gives the channel another one."""
    one_at_a_time(session, f"channel {channel_id}")
    return open_in(session, team_id, channel_id)


def open_in(session: Session, team_id: str, channel_id: str) -> Incident | None:
    there = incidents.in_channel(session, team_id, channel_id)
    return there if there is not None and there.status == IncidentStatus.OPEN else None


def close(session: Session, incident: Incident, *, by: str, now: datetime) -> bool:
    """End an incident; returns whether it was open until now."""
    _hold(session, incident)
    if incident.status == IncidentStatus.CLOSED:
        return False
    incident.status, incident.closed_by, incident.closed_at = IncidentStatus.CLOSED, by, now
    incident.update_due_at, incident.next_look_at = None, now
    session.add(incident)
    return True


def reopen(session: Session, incident: Incident) -> bool:
    """Take an incident up again; returns whether it was closed until now. Raises `AlreadyAnIncident`."""
    _hold(session, incident)
    if incident.status == IncidentStatus.OPEN:
        return False
    if incident.channel_id is not None:
        _claim(session, incident, incident.channel_id)
    incident.status, incident.closed_by, incident.closed_at = IncidentStatus.OPEN, None, None
    incident.next_look_at = None
    session.add(incident)
    return True


def _hold(session: Session, incident: Incident) -> None:
    """The incident as it is now, held against others who close or open it at the same moment."""
    one_at_a_time(session, f"incident {incident.id}")
    session.refresh(incident)


def parse_severity(word: str) -> str:
    """`sev2`, `SEV-2` or `2` as `SEV2`; raises `NoSuchSeverity`."""
    match = re.fullmatch(r"(?:sev[- ]?)?([1-4])", word.strip(), re.IGNORECASE)
    if match is None:
        raise NoSuchSeverity
    return f"SEV{match[1]}"


def channel_name(number: int, title: str, attempt: int = 0) -> str:
    """A name Slack takes, e.g. `inc-7-db-down`; a later `attempt` gets a suffix because names stay taken.

    Lower-case letters, digits, hyphens, at most 80 characters: https://docs.slack.dev/reference/methods/conversations.create.
    """
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_title.lower()).strip("-")
    suffix = f"-{attempt + 1}" if attempt else ""
    return f"inc-{number}-{words}"[: 60 - len(suffix)].rstrip("-") + suffix
