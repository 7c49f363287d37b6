"""What people see of an incident: its opening message, its dialogs, the answers to `/incident`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.models.blocks import Block, InteractiveElement
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.incidents import KIND_LABELS, SEVERITIES
from bot.opening import Overview
from handlers.views import kit
from storage.models import Incident, IncidentKind, IncidentStatus, MilestoneKind

PAST = {"0": "Nothing", "1": "The last hour", "24": "The last day", "168": "The last week", "all": "Everything"}
"""How many hours of what was said before in "This channel" are taken in."""


def title_of(incident: Incident) -> str:
    drill = f"{KIND_LABELS[IncidentKind(incident.kind)]}: " if incident.kind != IncidentKind.INCIDENT else ""
    return f"{incident.key} {drill}{incident.title}"


def declare_dialog(
    *, title: str, kind: IncidentKind, channel_id: str, here_is_possible: bool, here_is_private: bool
) -> View:
    where = [kit.option("A new channel", "new")]
    if here_is_possible:
        where.append(kit.option("This channel", "here", "What was said here before can be taken in, see below"))
    blocks: list[Block] = [
        kit.text_field("title", "Title", initial=title, placeholder="Checkout fails for some customers", most=200),
        kit.choice_field("severity", "Severity", [kit.option(one, one) for one in SEVERITIES], initial="SEV3"),
        kit.text_field("services", "Services", optional=True, hint="Separated by commas", most=500),
        kit.text_field("environment", "Environment", optional=True, placeholder="production, eu-west", most=200),
        kit.text_field("summary", "What is happening", multiline=True, optional=True),
        kit.choice_field("kind", "Kind", [kit.option(label, one) for one, label in KIND_LABELS.items()], initial=kind),
        kit.choice_field("where", "Where", where, initial="new", radio=True),
    ]
    if here_is_possible:
        past = [kit.option(label, hours) for hours, label in PAST.items()]
        hint = 'Only for "This channel"'
        blocks.append(kit.choice_field("past", "What was said before", past, initial="24", hint=hint))
    blocks += [
        kit.users_field("people", "People to invite", hint="They are added to the channel"),
        kit.checkbox_field("private", "Private", "Only its members may see it, everywhere"),
    ]
    about = {"channel": channel_id, "private": here_is_private}
    return kit.modal("Declare incident", "declare", blocks, submit="Declare", metadata=about)


def declared(incident: Incident) -> View:
    place = "in its own channel; you are being invited" if incident.own_channel else "in this channel"
    text = f"*{mrkdwn.escape(title_of(incident))}* is declared, {place}. Say what you see there: it is remembered."
    return kit.notice("Declared", text)


def opening_message(now: Overview) -> dict[str, Any]:
    """The message at the top of the channel; it is edited as the incident goes on."""
    incident = now.incident
    state = "Open" if incident.status == IncidentStatus.OPEN else "Closed"
    facts = [f"*{state}* · *{incident.severity}* · {KIND_LABELS[IncidentKind(incident.kind)]}"]
    if incident.services:
        facts.append(f"Services: {mrkdwn.escape(', '.join(incident.services))}")
    if incident.environment:
        facts.append(f"Environment: {mrkdwn.escape(incident.environment)}")
    facts.append(
        f"Declared by {mrkdwn.person(now.names, incident.declared_by)} {mrkdwn.moment(incident.declared_at, day=True)}"
    )
    facts.append(_roles(now))
    blocks: list[Block] = [kit.header(title_of(incident)), kit.section("\n".join(facts))]
    if incident.summary:
        blocks += kit.sections(mrkdwn.escape(incident.summary))
    if now.milestones:
        blocks.append(kit.section(_milestones(now)))
    if incident.last_update and incident.last_update_at:
        update = mrkdwn.quiet(incident.last_update, now.names)
        blocks += kit.sections(f"*Latest update*, {mrkdwn.moment(incident.last_update_at)}: {update}")
    if incident.update_due_at:
        blocks.append(kit.context(f"The next update is due {mrkdwn.moment(incident.update_due_at, day=True)}."))
    if now.evidence:
        blocks += kit.sections("*Evidence*\n" + "\n".join(_evidence(now)))
    blocks.append(_opening_buttons(incident))
    blocks.append(
        kit.context(
            "Everything said here is remembered. Mark what matters with `/incident mark`, :pushpin:,"
            " or the message shortcut _Mark on timeline_."
        )
    )
    return kit.message(f"{mrkdwn.escape(title_of(incident))} ({incident.severity}, {state.lower()})", blocks)


def _opening_buttons(incident: Incident) -> Block:
    if incident.status == IncidentStatus.CLOSED:
        return kit.buttons(
            kit.button("Start retrospective", "retro_start", incident.id, style="primary"),
            kit.button("Timeline", "timeline_open", f"{incident.id}:0"),
        )
    return kit.buttons(
        kit.button("Mark", "mark_open", incident.id, style="primary"),
        kit.button("Milestone", "milestone_open", incident.id),
        kit.button("Update", "update_open", incident.id),
        kit.button("Timeline", "timeline_open", f"{incident.id}:0"),
        kit.button("Start retrospective", "retro_start", incident.id),
    )


def _roles(now: Overview) -> str:
    given = [
        f"{mrkdwn.escape(role)} {mrkdwn.person(now.names, user)}" for role, user in now.roles.items() if role != "lead"
    ]
    lead = f"lead {mrkdwn.person(now.names, now.lead)}"
    by_default = "" if "lead" in now.roles else " (the declarer, until `/incident role lead @somebody`)"
    return "Roles: " + ", ".join([lead + by_default, *given])


def _milestones(now: Overview) -> str:
    lines = [
        f"{kind.value.capitalize()}: {mrkdwn.moment(now.milestones[kind].at, day=True)}"
        for kind in MilestoneKind
        if kind in now.milestones
    ]
    took = {"Time to detect": "detect", "Time to acknowledge": "acknowledge", "Time to mitigate": "mitigate"}
    for label, span in {**took, "Time to resolve": "resolve"}.items():
        duration = getattr(now.durations, span)
        if duration.seconds is not None:
            lines.append(f"{label}: {duration.words}")
    return "\n".join(lines)


def _evidence(now: Overview) -> list[str]:
    """The latest ten, and how many there are besides."""
    lines = [_evidence_line(one.label, one.url, one.kind) for one in now.evidence[-10:]]
    more = len(now.evidence) - len(lines)
    return [*([f"… {more} earlier on the timeline"] if more else []), *lines]


def _evidence_line(label: str, url: str, kind: str) -> str:
    text = mrkdwn.escape(label or url)
    return f"• {kind.replace('_', ' ')}: <{url}|{text}>"


def announcement(now: Overview) -> dict[str, Any]:
    incident = now.incident
    text = (
        f"*{mrkdwn.escape(title_of(incident))}* ({incident.severity}) was declared by"
        f" {mrkdwn.person(now.names, incident.declared_by)} in <#{incident.channel_id}>."
    )
    return kit.message(text, [kit.section(text)])


def topic(incident: Incident, reached: Sequence[str]) -> str:
    """The channel's topic, at most 250 characters (https://docs.slack.dev/reference/methods/conversations.setTopic)."""
    state = reached[-1] if reached else "open"
    if incident.status == IncidentStatus.CLOSED:
        state = "closed"
    return mrkdwn.shorten(f"{incident.key} · {incident.severity} · {state} · {incident.title}", 250)


def status(now: Overview, offers: Sequence[InteractiveElement] = ()) -> dict[str, Any]:
    """How it stands; `offers` are the ways on for an incident that got no channel."""
    incident, now = now.incident, replace(now, names=mrkdwn.Mentions(now.names))
    reached = [kind.value for kind in MilestoneKind if kind in now.milestones]
    state = ", ".join(["open", *reached[-1:]]) if incident.status == IncidentStatus.OPEN else "closed"
    lines = [
        f"*{mrkdwn.escape(title_of(incident))}* · {incident.severity} · {state}{_place(incident)}",
        f"{now.marked} marked, {now.said} more said and remembered.",
    ]
    if now.milestones:
        lines.append(_milestones(now))
    lines.append(_roles(now))
    if incident.last_update and incident.last_update_at:
        update = mrkdwn.quiet(incident.last_update, now.names)
        lines.append(f"Latest update, {mrkdwn.moment(incident.last_update_at, day=True)}: {update}")
    if incident.update_due_at:
        lines.append(f"The next update is due {mrkdwn.moment(incident.update_due_at, day=True)}.")
    return kit.ephemeral(*kit.paged("\n".join(lines).split("\n")), buttons_=offers)


def incident_list(rows: Sequence[Incident]) -> dict[str, Any]:
    if not rows:
        return kit.ephemeral("There are no incidents that you can see. `/incident declare` begins one.")
    lines = [f"• *{mrkdwn.escape(title_of(one))}* · {one.severity} · {one.status}{_place(one)}" for one in rows]
    return kit.ephemeral(*kit.paged(lines))


def _place(incident: Incident) -> str:
    if incident.channel_id:
        return f" · <#{incident.channel_id}>"
    return " · no channel yet" if incident.status == IncidentStatus.OPEN else ""


def closed(incident: Incident, *, already: bool) -> dict[str, Any]:
    """The answer to closing; `already` when it had been closed before."""
    state = "was closed already" if already else "is closed"
    text = (
        f"{incident.key} {state}. `/retro start {incident.key}` begins the retrospective;"
        f" `/incident reopen {incident.key}` takes it up again."
    )
    if incident.channel_id is None:
        return kit.ephemeral(text)
    archive = kit.button(
        "Archive channel",
        "archive_channel",
        incident.id,
        confirm=kit.confirm("Archive the channel?", "Nothing more can be said there; it can be read.", "Archive"),
    )
    return kit.ephemeral(text, buttons_=[archive])


def reopened(incident: Incident, *, already: bool, is_archived: bool) -> str:
    """The answer to reopening; `already` when it had been open, `is_archived` when its channel takes nothing."""
    state = "is open already" if already else "is open again"
    if incident.channel_id is None:
        return f"{incident.key} {state}."
    if is_archived:
        return f"{incident.key} {state}, but <#{incident.channel_id}> is archived: unarchive it to go on there."
    heard = f"what is said in <#{incident.channel_id}> is remembered"
    return f"{incident.key} {state}: {heard}{'' if already else ', also what was said meanwhile'}."


def no_channel(incident: Incident, why: str, offers: Sequence[InteractiveElement]) -> dict[str, Any]:
    """What the declarer hears when Slack refuses the incident's own channel; `offers` are the ways on."""
    here = f", or go on in <#{incident.declared_in}>" if len(offers) > 1 else ""
    text = f"I could not open a channel for *{mrkdwn.escape(title_of(incident))}*: {why}. Try again{here}."
    return kit.message(text, [kit.section(text), kit.buttons(*offers)])


def update_dialog(incident: Incident, channel_id: str) -> View:
    blocks: list[Block] = [kit.text_field("text", "How does it stand?", multiline=True)]
    about = {"incident": incident.id, "channel": channel_id}
    return kit.modal("Update", "update", blocks, submit="Give update", metadata=about)


def update_due(now: Overview, minutes: int) -> dict[str, Any]:
    """What the lead is asked when an update is due."""
    incident = now.incident
    since = incident.last_update_at or incident.declared_at
    text = (
        f"An update is due for *{mrkdwn.escape(title_of(incident))}* ({incident.severity}: every {minutes} minutes)"
        f" in <#{incident.channel_id}>. The latest word is of {mrkdwn.moment(since, day=True)}."
    )
    ways = kit.buttons(
        kit.button("Give update", "update_open", incident.id, style="primary"),
        kit.button("Snooze", "update_snooze", incident.id),
    )
    return kit.message(text, [kit.section(text), ways])
