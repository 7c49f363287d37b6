"""What people see of an incident: its opening message, its dialogs, the answers to `/incident`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.incidents import KIND_LABELS, SEVERITIES
from bot.kinds import TYPED, Kind
from bot.milestones import Contradiction
from bot.moments import duration_words
from bot.opening import Overview
from bot.timeline import Marked
from handlers.views import kit
from storage.models import Entry, Incident, IncidentKind, IncidentStatus, Mark, MilestoneKind

PAGE = 15
"""Entries on one page of a timeline: short enough to read on a phone, far below Slack's 50 blocks."""


def title_of(incident: Incident) -> str:
    drill = f"{KIND_LABELS[IncidentKind(incident.kind)]}: " if incident.kind != IncidentKind.INCIDENT else ""
    return f"{incident.key} {drill}{incident.title}"


def declare_dialog(*, title: str, kind: IncidentKind, channel_id: str, here_is_possible: bool) -> View:
    where = [kit.option("A new channel", "new")]
    if here_is_possible:
        where.append(kit.option("This channel", "here", "What was said here before can be taken in, too"))
    blocks: list[Block] = [
        kit.text_field("title", "Title", initial=title, placeholder="Checkout fails for some customers", most=200),
        kit.choice_field("severity", "Severity", [kit.option(one, one) for one in SEVERITIES], initial="SEV3"),
        kit.text_field("services", "Services", optional=True, hint="Separated by commas", most=500),
        kit.text_field("environment", "Environment", optional=True, placeholder="production, eu-west", most=200),
        kit.text_field("summary", "What is happening", multiline=True, optional=True),
        kit.choice_field("kind", "Kind", [kit.option(label, one) for one, label in KIND_LABELS.items()], initial=kind),
        kit.choice_field("where", "Where", where, initial="new", radio=True),
        kit.users_field("people", "People to invite", hint="They are added to the channel"),
        kit.checkbox_field("private", "Private", "Only its members may see it, everywhere"),
    ]
    return kit.modal("Declare incident", "declare", blocks, submit="Declare", metadata={"channel": channel_id})


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
        f"Declared by {_name(now.names, incident.declared_by)} {mrkdwn.moment(incident.declared_at, day=True)}"
    )
    if now.roles:
        facts.append("Roles: " + ", ".join(f"{role} {_name(now.names, user)}" for role, user in now.roles.items()))
    blocks: list[Block] = [kit.header(title_of(incident)), kit.section("\n".join(facts))]
    if incident.summary:
        blocks += kit.sections(mrkdwn.escape(incident.summary))
    if now.milestones:
        blocks.append(kit.section(_milestones(now)))
    if incident.last_update and incident.last_update_at:
        update = mrkdwn.quiet(incident.last_update, now.names)
        blocks += kit.sections(f"*Latest update*, {mrkdwn.moment(incident.last_update_at)}: {update}")
    if now.evidence:
        blocks += kit.sections(
            "*Evidence*\n" + "\n".join(_evidence_line(one.label, one.url, one.kind) for one in now.evidence[-10:])
        )
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
        kit.button("Timeline", "timeline_open", f"{incident.id}:0"),
        kit.button("Start retrospective", "retro_start", incident.id),
    )


def _milestones(now: Overview) -> str:
    lines = [
        f"{kind.value.capitalize()}: {mrkdwn.moment(now.milestones[kind].at, day=True)}"
        for kind in MilestoneKind
        if kind in now.milestones
    ]
    started = now.milestones.get("started")
    for kind in ("mitigated", "resolved"):
        reached = now.milestones.get(kind)
        if started and reached and reached.at >= started.at:
            lines.append(f"From started to {kind}: {duration_words(reached.at - started.at)}")
    return "\n".join(lines)


def _evidence_line(label: str, url: str, kind: str) -> str:
    text = mrkdwn.escape(label or url)
    return f"• {kind.replace('_', ' ')}: <{url}|{text}>"


def announcement(now: Overview) -> dict[str, Any]:
    incident = now.incident
    text = (
        f"*{mrkdwn.escape(title_of(incident))}* ({incident.severity}) was declared by"
        f" {_name(now.names, incident.declared_by)} in <#{incident.channel_id}>."
    )
    return kit.message(text, [kit.section(text)])


def topic(incident: Incident, reached: Sequence[str]) -> str:
    """The channel's topic, at most 250 characters (https://docs.slack.dev/reference/methods/conversations.setTopic)."""
    state = reached[-1] if reached else "open"
    if incident.status == IncidentStatus.CLOSED:
        state = "closed"
    return mrkdwn.shorten(f"{incident.key} · {incident.severity} · {state} · {incident.title}", 250)


def marked(done: Marked) -> dict[str, Any]:
    """The answer to a mark: what is on the timeline now, at which time, and two ways out."""
    entry = done.entry
    kind = Kind(entry.kind)
    words = mrkdwn.quiet(entry.text, {})
    text = f"{kind.emoji} Marked {mrkdwn.moment(entry.happened_at, day=True)} as *{kind.label}*: {words}"
    return kit.ephemeral(text, *_masked(done), buttons_=_mark_buttons(entry))


def _masked(done: Marked) -> list[str]:
    if not done.masked:
        return []
    kinds = ", ".join(sorted({finding.kind for finding in done.masked}))
    return [f"What looked like {kinds} was masked before it was kept."]


def _mark_buttons(entry: Entry) -> list[Any]:
    return [kit.button("Edit", "entry_edit", entry.id), kit.button("Undo", "entry_undo", entry.id)]


def undone(entry: Entry) -> str:
    words = mrkdwn.quiet(mrkdwn.shorten(entry.text, 200), {})
    return f"Taken off the timeline: {words}"


def mark_dialog(channel_id: str, *, message_ts: str = "", text: str = "") -> View:
    blocks: list[Block] = []
    if message_ts:
        blocks.append(kit.section(f"> {mrkdwn.quiet(mrkdwn.shorten(text, 500), {})}"))
    else:
        blocks.append(kit.text_field("text", "What happened", multiline=True))
    blocks += [
        kit.choice_field("kind", "Kind", kind_options(), initial=Kind.NOTE),
        kit.text_field("when", "When", optional=True, hint="10:42, -15m, yesterday 23:10; empty for now", most=60),
    ]
    if message_ts:
        blocks.append(kit.text_field("note", "Note", multiline=True, optional=True))
    return kit.modal(
        "Mark on timeline",
        "mark",
        blocks,
        submit="Mark",
        metadata={"channel": channel_id, "message_ts": message_ts},
    )


def edit_dialog(entry: Entry, typed: str, when: str) -> View:
    blocks: list[Block] = []
    if entry.via == "message":
        blocks.append(kit.section(f"> {mrkdwn.quiet(mrkdwn.shorten(entry.text, 2000), {})}"))
        blocks.append(kit.context("The words are their author's; kind and time can be changed."))
    else:
        blocks.append(kit.text_field("text", "What happened", initial=typed, multiline=True))
    blocks += [
        kit.choice_field("kind", "Kind", kind_options(), initial=entry.kind if entry.kind in TYPED else Kind.NOTE),
        kit.text_field("when", "When", initial=when, hint="In your own time zone", most=60),
    ]
    return kit.modal("Edit entry", "entry_edit", blocks, submit="Save", metadata={"entry": entry.id})


def kind_options() -> list[Any]:
    return [kit.option(f"{kind.emoji} {kind.label}", kind) for kind in TYPED]


def milestone_dialog(incident: Incident) -> View:
    kinds = [kit.option(kind.value.capitalize(), kind) for kind in MilestoneKind]
    blocks: list[Block] = [
        kit.choice_field("milestone", "Milestone", kinds),
        kit.text_field("when", "When", optional=True, hint="10:42, -15m, yesterday 23:10; empty for now", most=60),
        kit.text_field("note", "Note", optional=True),
    ]
    return kit.modal("Milestone", "milestone", blocks, submit="Set", metadata={"incident": incident.id})


def milestone_set(kind: str, at: datetime) -> str:
    return f"🏁 {kind.capitalize()} {mrkdwn.moment(at, day=True)}."


def contradiction(conflict: Contradiction, value: str) -> dict[str, Any]:
    choices = [
        kit.button("Set it all the same", "milestone_anyway", value, style="primary"),
        kit.button("Leave it", "dismiss"),
    ]
    return kit.ephemeral(conflict.sentence, buttons_=choices)


def status(now: Overview) -> dict[str, Any]:
    incident = now.incident
    state = "open" if incident.status == IncidentStatus.OPEN else "closed"
    lines = [
        f"*{mrkdwn.escape(title_of(incident))}* · {incident.severity} · {state}",
        f"{now.marked} marked, {now.said} more said and remembered.",
    ]
    if now.milestones:
        lines.append(_milestones(now))
    if now.roles:
        lines.append(", ".join(f"{role}: {_name(now.names, user)}" for role, user in now.roles.items()))
    return kit.ephemeral("\n".join(lines))


def timeline_page(
    incident: Incident,
    page: list[Entry],
    marks: Mapping[int, list[Mark]],
    names: Mapping[str, str],
    *,
    at: int,
    total: int,
) -> dict[str, Any]:
    """One page of the timeline; `at` is the number of its first entry among `total`, marked ones first."""
    last = at + len(page)
    heading = f"*{mrkdwn.escape(title_of(incident))}*: entries {at + 1} to {last} of {total}, marked ones first"
    lines = [heading] if total else [f"*{mrkdwn.escape(title_of(incident))}*: nothing on the timeline yet."]
    lines += [entry_line(entry, marks.get(entry.id, []), names) for entry in page]
    turn = []
    if at > 0:
        turn.append(kit.button("Earlier entries", "timeline_back", f"{incident.id}:{max(at - PAGE, 0)}"))
    if last < total:
        turn.append(kit.button("Later entries", "timeline_on", f"{incident.id}:{last}"))
    return kit.ephemeral(*kit.paged(lines), buttons_=turn)


def entry_line(entry: Entry, marks: Sequence[Mark], names: Mapping[str, str]) -> str:
    kind = Kind(entry.kind)
    author = mrkdwn.escape(entry.app_name or "") or _name(names, entry.author_id)
    text = mrkdwn.quiet(entry.text, names) or "_(no text)_"
    files = "".join(f" 📎 {mrkdwn.escape(str(file.get('name') or 'file'))}" for file in entry.files)
    others = sorted({mark.marker_id for mark in marks} - {entry.author_id})
    by = f" _(marked by {', '.join(_name(names, one) for one in others)})_" if others else ""
    edited = " _(edited)_" if entry.edited_at else ""
    return f"{kind.emoji} {mrkdwn.moment(entry.happened_at, day=True)} *{author}*: {text}{files}{edited}{by}"


def incident_list(rows: Sequence[Incident]) -> dict[str, Any]:
    if not rows:
        return kit.ephemeral("There are no incidents that you can see. `/incident declare` begins one.")
    lines = [
        f"• *{mrkdwn.escape(title_of(one))}* · {one.severity} · {one.status}"
        + (f" · <#{one.channel_id}>" if one.channel_id else "")
        for one in rows
    ]
    return kit.ephemeral(*kit.paged(lines))


def _name(names: Mapping[str, str], user_id: str | None) -> str:
    return mrkdwn.escape(names.get(user_id or "", user_id or "somebody"))
