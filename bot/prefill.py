"""What a retrospective's questions hold before anybody has answered: what the timeline tells already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from sqlmodel import Session

from bot import moments, mrkdwn
from bot import people as who
from bot.bylines import view_line
from bot.guides import Guide, Prompt, Step
from bot.kinds import Kind
from storage import entries, incidents, retros
from storage.models import Entry, Incident, Milestone, Retrospective

MOST = 9000
"""Characters of lines that are offered; what is left out is counted in the last line, and stays on the timeline."""

NAMED = {Kind.DECISION, Kind.ACTION, Kind.ESCALATION, Kind.COMMS}
"""Kinds where it matters who said it; of an impact or a signal only what was seen."""

FROM_THE_TIMELINE = {*Kind, "evidence"}
"""Prefills that are lines of others, so that nobody is told how they were worded."""


def text_for(
    session: Session,
    retrospective: Retrospective,
    incident: Incident,
    guide: Guide,
    step: Step,
    prompt: Prompt,
    *,
    zone: str,
) -> str:
    """What is offered as an answer to a question; "" where nothing is known.

    `zone` is an IANA name: times are written as a reader there sees them.
    """
    if prompt.prefill is None:
        return prompt.default or _from_accounts(session, retrospective, guide, step, prompt)
    where = moments.zone_named(zone)
    if prompt.prefill in set(Kind):
        return _lines(session, incident, Kind(prompt.prefill), where) or prompt.default or ""
    found = _fact(session, incident, prompt, where)
    if prompt.options and found not in {option.key for option in prompt.options}:
        return prompt.default or ""
    return found or prompt.default or ""


def _fact(session: Session, incident: Incident, prompt: Prompt, zone: tzinfo) -> str:
    if prompt.prefill == "duration":
        return _duration(incidents.milestones(session, incident.id), zone)
    if prompt.prefill == "evidence":
        return "\n".join(
            f"{one.kind.replace('_', ' ')}: {f'{one.label} ' if one.label and one.label != one.url else ''}{one.url}"
            for one in entries.evidence(session, incident.id)
        )
    facts = {
        "description": incident.summary,
        "severity": incident.severity,
        "services": ", ".join(incident.services),
        "environment": incident.environment,
    }
    return facts.get(prompt.prefill or "", "")


def _duration(reached: Mapping[str, Milestone], zone: tzinfo) -> str:
    started, resolved = reached.get("started"), reached.get("resolved") or reached.get("mitigated")
    if started is None or resolved is None or resolved.at < started.at:
        return ""
    days = started.at.astimezone(zone).date() != resolved.at.astimezone(zone).date()
    first, last = (_time(one.at, zone, day=days) for one in (started, resolved))
    return f"{moments.duration_words(resolved.at - started.at)}, from {first} to {last} ({_zone(started.at, zone)})"


def _lines(session: Session, incident: Incident, kind: Kind, zone: tzinfo) -> str:
    found = entries.of_incident(session, incident.id, kinds=[kind])
    names = who.names(session, incident.team_id)
    days = len({entry.happened_at.astimezone(zone).date() for entry in found}) > 1
    lines: list[str] = []
    size = 0
    for entry in found:
        line = _line(entry, kind, names, zone, day=days)
        size += len(line) + 1
        if size > MOST:
            lines.append(f"… and {len(found) - len(lines)} more on the timeline.")
            break
        lines.append(line)
    return "\n".join(lines)


def _line(entry: Entry, kind: Kind, names: Mapping[str, str], zone: tzinfo, *, day: bool) -> str:
    said = " ".join(mrkdwn.plain(entry.text, names).split())
    author = f"{names[entry.author_id]}: " if kind in NAMED and entry.author_id and entry.author_id in names else ""
    return f"{_time(entry.happened_at, zone, day=day)} {author}{said}"


def _time(at: datetime, zone: tzinfo, *, day: bool) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %H:%M}" if day else f"{local:%H:%M}"


def _zone(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).tzname() or str(zone)


def _from_accounts(session: Session, retrospective: Retrospective, guide: Guide, step: Step, prompt: Prompt) -> str:
    """What the participants wrote to a question of the same name, each as one view; nothing in other steps."""
    asked = guide.of_kind("accounts")
    if step.kind != "questions" or asked is None or asked.prompt(prompt.key) is None:
        return ""
    found = retros.accounts(session, retrospective.id)
    return "\n".join(view_line(one, prompt.key) for one in found if one.answers.get(prompt.key))
