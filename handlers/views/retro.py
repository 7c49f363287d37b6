"""What people see of a retrospective as a whole: how it is begun, its hub, where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import mrkdwn, rendering
from bot.guides import Guide
from bot.nudge_cases import Away
from bot.retro import DONE, DRAFT, Progress, StepProgress
from handlers.views import kit
from handlers.views.incident import title_of
from storage.models import Incident, Participant, Retrospective, RetroStatus

STATES = {
    RetroStatus.DRAFT: "Draft",
    RetroStatus.REVIEW: "In review",
    RetroStatus.PUBLISHED: "Published",
    RetroStatus.ARCHIVED: "Archived",
}
MARKS = {DONE: "✅", DRAFT: "✏️", "": "⬜"}
GONE_THROUGH = "☑️"
"""The mark of a step that somebody went through and that still lacks what is wanted."""

AWAY = 5
"""Owners who cannot be reminded that the hub names; `/retro actions` has them all."""

NAMED = 3
"""Missing questions that the hub names; of more it says how many."""


def day(of: date) -> str:
    return f"{of:%a} {of.day} {of:%b %Y}"


# --- beginning -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """What the dialog begins with, for the incident that is chosen in it."""

    incident: Incident
    incidents: Sequence[Incident]
    guides: Mapping[str, Guide]
    guide: str
    facilitator: str
    participants: Sequence[str]
    due: date
    note: str = ""
    told: str = ""


def start_dialog(start: Start) -> View:
    """The fields that follow from the incident carry its number, so that another incident fills them anew."""
    of = start.incident.id
    offered = [kit.option(title_of(one), str(one.id)) for one in start.incidents]
    incident = kit.choice_field("retro_incident", "Incident", offered, initial=str(of))
    incident.dispatch_action = True
    guides = [kit.option(guide.name, key) for key, guide in start.guides.items()]
    about = (
        "A retrospective finds out how it came about, what helped, and what to change. Its steps are filled with what"
        " the timeline tells; whoever leads it is told how."
    )
    blocks: list[Block] = [kit.section(start.note or about)]
    blocks += [
        incident,
        kit.choice_field(f"guide:{of}", "Guide", guides, initial=start.guide),
        kit.user_field(
            "facilitator", "Facilitator", initial=start.facilitator, hint="Best somebody who was not in it themselves"
        ),
        kit.users_field(
            f"participants:{of}",
            "Participants",
            initial=start.participants,
            hint="Everyone on the timeline, and whoever else should be heard. Each is asked by direct message.",
        ),
        kit.date_field(
            f"due:{of}", "Due", initial=start.due, hint="By when it is published; soon, while memory is fresh"
        ),
        kit.moment_field("meeting", "Meeting", hint="Leave it empty to do everything in writing"),
    ]
    metadata = {"incident": of, "told": start.told}
    return kit.modal("Start retrospective", "retro_start", blocks, submit="Start", metadata=metadata)


def details_dialog(of: Retrospective, participants: Sequence[Participant]) -> View:
    blocks: list[Block] = [
        kit.user_field("facilitator", "Facilitator", initial=of.facilitator_id),
        kit.users_field("participants", "Participants", initial=[one.user_id for one in participants]),
        kit.date_field("due", "Due", initial=of.due_on),
        kit.moment_field("meeting", "Meeting", initial=of.meeting_at),
    ]
    return kit.modal("Change details", "retro_details", blocks, submit="Save", metadata={"retro": of.id})


def not_neutral(shown: str) -> str:
    return (
        f"*{mrkdwn.escape(shown)} was in this incident.* Somebody who was not finds it easier to ask what seems plain"
        " to those who were. Choose somebody else, or press “Start” again to go on like this."
    )


def begun(retrospective: Retrospective, incident: Incident, channel_id: str | None, *, before: str = "") -> View:
    """`before` names who had begun it earlier; `channel_id` is where its hub is, None when it has no channel."""
    first = (
        f"*{mrkdwn.escape(title_of(incident))}* has its retrospective already; {mrkdwn.escape(before)} started it."
        if before
        else f"*The retrospective of {mrkdwn.escape(title_of(incident))} has begun.* Whoever takes part is asked for"
        " their account now, and the facilitator is told how it goes; its steps are in the hub."
    )
    return kit.notice("Retrospective", first, way_to_hub(retrospective, incident, channel_id))


def is_direct(channel_id: str) -> bool:
    """Whether a channel is the conversation of one person with Seamark."""
    return channel_id.startswith("D")


def way_to_hub(retrospective: Retrospective, incident: Incident, channel_id: str | None) -> str:
    same = f"`/retro status {incident.key}` shows the same to you alone."
    if channel_id is None or is_direct(channel_id):
        return f"Its hub is in the direct messages of whoever leads it; {same}"
    link = f"<{retrospective.hub_link}|Its hub>" if retrospective.hub_link else "Its hub"
    return f"{link} is in <#{channel_id}>; {same}"


def how_to_lead(retrospective: Retrospective, incident: Incident, guide: Guide) -> dict[str, Any]:
    """What a facilitator is told who may never have led one; with what to say first, and the first step."""
    hub = f"<{retrospective.hub_link}|the hub>" if retrospective.hub_link else "the hub"
    title, due = mrkdwn.escape(title_of(incident)), day(retrospective.due_on)
    days = guide.soak_days
    soak = f"{days} working day{'' if days == 1 else 's'}" if days else ""
    text = rendering.message("how_to_lead", title=title, due=due, hub=hub, soak=soak)
    aloud = f"_To say aloud at the beginning:_ {mrkdwn.escape(guide.opening)}"
    first = guide.steps[0]
    button = kit.button("Begin", "retro_step", f"{retrospective.id}:{first.key}", style="primary")
    return kit.message(text.partition("\n")[0], [*kit.sections(text), *kit.sections(aloud), kit.buttons(button)])


# --- hub -------------------------------------------------------------------------------------------------


def hub(now: Progress) -> dict[str, Any]:
    """The message that leads through the retrospective; it is edited as things go on."""
    blocks: list[Block] = [
        kit.header(f"Retrospective: {title_of(now.incident)}"),
        kit.section("\n".join(_facts(now))),
        kit.section("\n".join([_standing(now), _next(now)])),
        *(_step(now, number, step) for number, step in enumerate(now.steps, start=1)),
        kit.buttons(*_hub_buttons(now)),
        kit.context("Anybody in it can open any step, leave it, and come back; every answer keeps its history."),
    ]
    return kit.message(f"Retrospective of {mrkdwn.escape(title_of(now.incident))}: {_standing(now)}", blocks)


def hub_moved(incident: Incident) -> dict[str, Any]:
    """What stands where the hub was; it tells nothing more, since whoever reads it may not know of it any more."""
    text = f"The hub that was here has moved. `/retro status {incident.key}` shows where the retrospective stands."
    return kit.message(text, [kit.section(text)])


def _facts(now: Progress) -> list[str]:
    retro, names = now.retro, now.names
    late = "  :hourglass: *late*" if now.is_late else ""
    facts = [
        f"*{STATES[RetroStatus(retro.status)]}* · {mrkdwn.escape(now.guide.name)} · due {day(retro.due_on)}{late}",
        f"Facilitator: {mrkdwn.person(names, retro.facilitator_id)}"
        + (" (no longer here; somebody in it can take over)" if now.facilitator_is_gone else ""),
    ]
    if now.participants:
        facts.append(f"Participants: {_people([one.user_id for one in now.participants], names)}")
    else:
        facts.append("Participants: nobody yet; “Change details” adds them, or they press “Join”")
    if retro.meeting_at is not None:
        facts.append(f"Meeting: {mrkdwn.moment(retro.meeting_at, day=True)}")
    return facts + [_away(one, names) for one in now.away[:AWAY]]


def _away(one: Away, names: Mapping[str, str]) -> str:
    needs = "needs" if len(one.keys) == 1 else "need"
    who = mrkdwn.person(names, one.user_id)
    return f"⚠️ {who} {mrkdwn.escape(one.why)}: {mrkdwn.shorten(', '.join(one.keys), 200)} {needs} another owner"


def _people(user_ids: Sequence[str], names: Mapping[str, str], most: int = 20) -> str:
    shown = ", ".join(mrkdwn.person(names, user) for user in user_ids[:most])
    return shown + (f" and {len(user_ids) - most} more" if len(user_ids) > most else "")


def _standing(now: Progress) -> str:
    through = "gone through" if any(step.has_gaps for step in now.steps) else "done"
    parts = [f"{now.done} of {len(now.steps)} steps {through}"]
    if now.guide.of_kind("accounts") is not None and now.participants:
        parts.append(f"{now.answered} of {len(now.participants)} accounts")
    missing = len(now.missing)
    parts.append(f"{missing} wanted answers missing" if missing != 1 else "1 wanted answer missing")
    return " · ".join(parts if missing else parts[:-1])


def _next(now: Progress) -> str:
    """What to do now, for somebody who has never done this."""
    if now.following is None:
        out = now.retro.status == RetroStatus.PUBLISHED
        return "*Next:* nothing; it is published." if out else "*Next:* publish it, in the last step."
    step = now.following.step
    minutes = f", about {step.minutes} minutes" if step.minutes else ""
    return f"*Next:* {mrkdwn.escape(step.title)}{minutes}"


def _step(now: Progress, number: int, step: StepProgress) -> Block:
    title = mrkdwn.escape(step.step.title)
    mark = GONE_THROUGH if step.has_gaps else MARKS[step.state]
    lines = [f"{mark} *{number}. {title}*{_saved(now, step)}", *_notes(now, step)]
    button = kit.button(step.step.title, "retro_step", f"{now.retro.id}:{step.step.key}")
    return kit.section("\n".join(lines), button)


def _saved(now: Progress, step: StepProgress) -> str:
    if step.saved_at is None:
        return "" if step.step.required else " _(may be left out)_"
    state = "gone through" if step.has_gaps else "done" if step.state == DONE else "begun"
    return f" {state}, {mrkdwn.person(now.names, step.saved_by)} {mrkdwn.moment(step.saved_at, day=True)}"


def _notes(now: Progress, step: StepProgress) -> list[str]:
    notes = []
    if step.missing:
        more = len(step.missing) - NAMED
        named = "; ".join(mrkdwn.escape(label) for label in step.missing[:NAMED])
        notes.append(f"Missing: {named}" + (f"; and {more} more" if more > 0 else ""))
    if step.step.kind == "milestones" and now.unset:
        notes.append(f"Not set: {', '.join(now.unset)}")
    if step.step.kind == "accounts" and now.participants:
        notes.append(f"{now.answered} of {len(now.participants)} have answered")
    if step.step.after_soak and step.state != DONE and now.retro.status != RetroStatus.PUBLISHED:
        notes += _soak(now)
    return notes


def _soak(now: Progress) -> list[str]:
    if now.guide.soak_days == 0:
        return []
    if now.retro.soak_until is None:
        days = "day" if now.guide.soak_days == 1 else "days"
        return [f"Best left until {now.guide.soak_days} working {days} after you have talked"]
    return [f"Best left until {day(now.rest_until)}, when it has sunk in"] if now.rest_until else []


def soak_note(until: date) -> str:
    return (
        f":hourglass: Best left until {day(until)}: what has sunk in makes better actions. You can go on all the same."
    )


def _hub_buttons(now: Progress) -> list[Any]:
    of = now.retro.id
    found = [kit.button("Join", "retro_join", of), kit.button("Change details", "retro_details", of)]
    if now.guide.of_kind("accounts") is not None:
        found.insert(0, kit.button("Give my account", "retro_account", of))
    if now.facilitator_is_gone:
        found.append(kit.button("Take over as facilitator", "retro_take_over", of, style="primary"))
    return found


def status(now: Progress) -> dict[str, Any]:
    """The same as the hub, for one person alone, with the way to it."""
    shown = hub(now)
    link = f"<{now.retro.hub_link}|To the hub>" if now.retro.hub_link else ""
    blocks = [*shown["blocks"], *(kit.as_dicts([kit.context(link)]) if link else [])]
    return {"response_type": "ephemeral", "text": shown["text"], "blocks": blocks}


def has_begun(now: Progress, channel_id: str | None) -> dict[str, Any]:
    """The answer to starting what has been started: a sentence, and where it stands."""
    first = f"*{mrkdwn.escape(title_of(now.incident))}* has its retrospective already."
    sentence = f"{first} {way_to_hub(now.retro, now.incident, channel_id)}"
    blocks = [*kit.as_dicts([kit.section(sentence)]), *hub(now)["blocks"]]
    return {"response_type": "ephemeral", "text": sentence, "blocks": blocks}


def join_first(incident: Incident, value: str) -> View:
    """What somebody sees who may know of the incident and does not take part."""
    text = (
        f"You do not take part in the retrospective of *{mrkdwn.escape(title_of(incident))}* yet."
        " Those who do may write in it; join, and you are asked for your own account as well."
    )
    blocks: list[Block] = [kit.section(text), kit.buttons(kit.button("Join", "retro_join", value, style="primary"))]
    return kit.modal("Join", "notice", blocks, close="Close")


NOBODY = (
    "Nobody takes part yet, so nobody was asked. “Change details” in the hub adds participants, and each is asked by"
    " direct message. Till then there is nothing to do here; go on."
)


def who_has_answered(participants: Sequence[Participant], names: Mapping[str, str]) -> str:
    if not participants:
        return NOBODY
    given = [one.user_id for one in participants if one.answered]
    open_ = [one.user_id for one in participants if not one.answered]
    lines = [f"*Answered* ({len(given)}): {_people(given, names) or 'nobody yet'}"]
    if open_:
        lines.append(f"*Not yet* ({len(open_)}): {_people(open_, names)}")
    return "\n".join(lines)
