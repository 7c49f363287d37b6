"""The milestones and the timeline as steps show them: times to put right, entries to look at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from slack_sdk.models.blocks import Block, Option
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.kinds import TYPED, Kind
from handlers.views import kit
from storage.models import Entry, Milestone, MilestoneKind

PAGE = 12
"""Entries on one page of the step: each may have a follow-up question below."""

EXCERPT = 600
"""Characters of an entry that are shown; all of it stands on the timeline."""


# --- milestones ------------------------------------------------------------------------------------------


MEANING = {
    MilestoneKind.STARTED: "When things first went differently, often before anybody knew",
    MilestoneKind.DETECTED: "When an alert or a person first noticed",
    MilestoneKind.ACKNOWLEDGED: "When somebody took it on",
    MilestoneKind.MITIGATED: "When users felt it no more, or much less",
    MilestoneKind.RESOLVED: "When it was back to normal, for good",
}


def milestone_fields(reached: Mapping[str, Milestone]) -> list[Block]:
    """The five times, and a way to take one over from something that was said then."""
    blocks: list[Block] = []
    for kind in MilestoneKind:
        known = reached.get(kind)
        initial = known.at if known else None
        field = kit.moment_field(f"milestone_{kind}", kind.capitalize(), initial=initial, hint=MEANING[kind])
        blocks.append(field)
    kinds = [kit.option(kind.capitalize(), kind) for kind in MilestoneKind]
    blocks += [
        kit.search_field(
            "milestone_entry",
            "Use this message's time",
            "retro_entries",
            placeholder="Type a few words of it",
            hint="Instead of choosing a time above",
        ),
        kit.choice_field("milestone_of", "As the time of", kinds, optional=True),
    ]
    return blocks


def contradictions(found: Sequence[tuple[str, datetime, Sequence[Milestone]]]) -> str:
    """What does not fit, each as kind, time and the milestones it would overtake."""
    lines = [
        f"• {kind.capitalize()} ({mrkdwn.moment(at, day=True)}) does not fit with "
        + " and ".join(f"{other.kind} ({mrkdwn.moment(other.at, day=True)})" for other in others)
        for kind, at, others in found
    ]
    return "\n".join(
        [
            "*These times contradict each other.* Your answers are saved, the times are not yet.",
            *lines,
            "Correct them below, or press the same button again to keep them as they are.",
        ]
    )


# --- timeline --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of entries; `at` is the number of its first one among `total`."""

    entries: Sequence[Entry]
    at: int
    total: int
    everything: bool


NOTHING_MARKED = (
    "*Nothing was marked.* “Show everything” lists what was said: “Edit” there puts a line right, and chosen as a key"
    " moment below it is marked. “Add what is missing” writes down what was not said in the channel."
)
NOTHING_SAID = (
    "*Nothing was said in the channel.* Go through calls, dashboards, deploys and direct messages together, and write"
    " each moment down with “Add what is missing”; it may lie before the incident was declared."
)


def entry_list(page: Page, key_moments: Sequence[Option], names: Mapping[str, str]) -> list[Block]:
    what = "everything that was said" if page.everything else "what was marked"
    last = page.at + len(page.entries)
    heading = f"*{what.capitalize()}*, {page.at + 1} to {last} of {page.total}"
    if not page.total:
        heading = NOTHING_SAID if page.everything else NOTHING_MARKED
    blocks: list[Block] = [kit.section(heading)]
    blocks += [
        kit.section(entry_line(entry, names), kit.button("Edit", "retro_entry_edit", entry.id))
        for entry in page.entries
    ]
    blocks.append(_turns(page))
    blocks.append(
        kit.searches_field(
            "key_moments",
            "Key moments",
            "retro_entries",
            initial=key_moments,
            placeholder="Type a few words",
            hint="After which it went another way; where a picture formed or changed",
        )
    )
    return blocks


def _turns(page: Page) -> Block:
    found = []
    if page.at > 0:
        found.append(kit.button("Earlier entries", "retro_entries_earlier", max(page.at - PAGE, 0)))
    if page.at + len(page.entries) < page.total:
        found.append(kit.button("Later entries", "retro_entries_later", page.at + PAGE))
    if page.everything:
        found.append(kit.button("Show marked only", "retro_entries_marked"))
    else:
        found.append(kit.button("Show everything", "retro_entries_all"))
    found.append(kit.button("Add what is missing", "retro_entry_add"))
    return kit.buttons(*found)


def entry_line(entry: Entry, names: Mapping[str, str]) -> str:
    kind = Kind(entry.kind)
    author = mrkdwn.escape(entry.app_name or "") or mrkdwn.person(mrkdwn.Mentions(names), entry.author_id)
    said = mrkdwn.escape(mrkdwn.shorten(mrkdwn.plain(entry.text, names), EXCERPT)) or "_(no text)_"
    star = ":star: " if entry.is_key else ""
    return f"{star}{kind.emoji} {mrkdwn.moment(entry.happened_at, day=True)} *{author}*: {said}"


def choice_label(entry: Entry, names: Mapping[str, str], zone: tzinfo, *, day: bool) -> str:
    """A line of the timeline to choose: its time in the reader's zone, who said it, its first words."""
    at = entry.happened_at.astimezone(zone)
    time = f"{at.day} {at:%b %H:%M}" if day else f"{at:%H:%M}"
    author = entry.app_name or names.get(entry.author_id or "", "")
    said = " ".join(mrkdwn.plain(entry.text, names).split()) or ", ".join(
        str(file.get("name") or "a file") for file in entry.files
    )
    emoji = Kind(entry.kind).emoji if entry.is_marked else ""
    label = " ".join(part for part in (time, emoji, f"{author}:" if author else "", said) if part)
    return mrkdwn.shorten(label, 75)


def add_dialog(metadata: dict[str, Any]) -> View:
    blocks: list[Block] = [
        kit.text_field(
            "text",
            "What happened",
            multiline=True,
            hint="One moment, as it was seen then. A link to what shows it becomes evidence.",
        ),
        kit.text_field("when", "When", hint="10:42, -15m, yesterday 23:10; in your own time zone", most=60),
        kit.choice_field("kind", "Kind", _kinds(), initial=Kind.NOTE),
    ]
    return kit.modal("Add what is missing", "retro_entry_add", blocks, submit="Add", metadata=metadata)


def edit_dialog(entry: Entry, typed: str, when: str, metadata: dict[str, Any]) -> View:
    """What was said in the channel keeps its author's words; a line that somebody wrote can be put otherwise."""
    blocks: list[Block] = []
    if entry.via == "message":
        blocks.append(kit.section(f"> {mrkdwn.escape(mrkdwn.shorten(typed, EXCERPT))}"))
        blocks.append(kit.context("The words are their author's; kind and time can be changed."))
    else:
        blocks.append(kit.text_field("text", "What happened", initial=typed[:3000], multiline=True))
    blocks += [
        kit.choice_field("kind", "Kind", _kinds(), initial=entry.kind if entry.kind in TYPED else Kind.NOTE),
        kit.text_field("when", "When", initial=when, hint="In your own time zone", most=60),
    ]
    return kit.modal("Edit entry", "retro_entry_edit", blocks, submit="Save", metadata=metadata)


def _kinds() -> list[Option]:
    return [kit.option(f"{kind.emoji} {kind.label}", kind) for kind in TYPED]
