"""What people see of the timeline: its lines, the answers to a mark, the dialogs about entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import Block, CheckboxesElement, InputBlock, OverflowMenuElement, PlainTextObject
from slack_sdk.models.views import View

from bot import mrkdwn, timeline
from bot.kinds import TYPED, Kind
from bot.redaction import Finding, in_words
from bot.timeline import Marked
from handlers.views import kit
from storage.models import Entry, Incident, Mark

PAGE = 15
"""Entries on one page of a timeline: short enough to read on a phone, far below Slack's 50 blocks."""

SHOWN = 700
"""Characters of an entry on such a page; the link leads to all of it."""

PICKED = 30
"""Messages on one page of the picker: three groups of Slack's ten boxes."""


def marked(done: Marked, names: Mapping[str, str], *remarks: str, unmasked: str = "") -> dict[str, Any]:
    """The answer to a mark: what is on the timeline now, at which time, and the ways out.

    `unmasked` is what was typed, for the button that says it is no secret: Slack keeps it there, not we.
    """
    entry = done.entry
    words = mrkdwn.quiet(mrkdwn.shorten(entry.text, 2000), mrkdwn.Mentions(names)) or _files(entry) or "_(no text)_"
    kind = "" if entry.kind == Kind.MESSAGE else f" as *{Kind(entry.kind).label}*"
    text = f"{_emoji(entry)} Marked {mrkdwn.moment(entry.happened_at, day=True)}{kind}: {words}"
    ways = [kit.button("Edit", "entry_edit", entry.id), kit.button("Undo", "entry_undo", entry.id)]
    if done.masked and 0 < len(unmasked) <= 1900:
        ways.append(kit.button("It is no secret", "typed_no_secret", f"{entry.id}:{unmasked}"))
    return kit.ephemeral(text, *_masked(done.masked), *remarks, buttons_=ways)


def _masked(masked: Sequence[Finding]) -> list[str]:
    if not masked:
        return []
    return [f"What looked like {in_words(masked)} was masked before it was kept."]


def masked_notice(entry: Entry, masked: Sequence[Finding]) -> dict[str, Any]:
    """What the author of a message with likely secrets is told."""
    text = (
        f"Your message looked as if it held {in_words(masked)}. Seamark masked it before keeping the message;"
        " Slack still shows it, so delete or change it there, and replace the secret."
    )
    return kit.message(text, [kit.section(text), kit.buttons(kit.button("It is no secret", "not_secret", entry.id))])


def undone(entry: Entry, holding: Sequence[Mark], names: Mapping[str, str]) -> str:
    if holding:
        others = ", ".join(sorted({mrkdwn.person(mrkdwn.Mentions(names), mark.marker_id) for mark in holding}))
        return f"Your mark is taken back. The entry stays on the timeline, because {others} marked it, too."
    stays = " What was said is remembered as before." if entry.via == "message" else ""
    return f"Taken off the timeline: the mark of {mrkdwn.moment(entry.happened_at, day=True)}.{stays}"


def mark_dialog(channel_id: str, *, incident: Incident, entry: Entry | None = None, when: str = "") -> View:
    """Mark a moment in one's own words, or `entry`: a message. `when` is its time in the reader's zone."""
    blocks: list[Block] = []
    if entry is not None:
        blocks.append(kit.section(quoted(entry, 500)))
    else:
        blocks.append(kit.text_field("text", "What happened", multiline=True))
    hint = "Like 10:42, -15m or yesterday 23:10" + ("" if entry else "; now when left empty")
    blocks += [
        kit.choice_field("kind", "Kind", kind_options(), initial=_initial_kind(entry)),
        kit.text_field("when", "When", optional=True, initial=when, hint=hint, most=60),
    ]
    if entry is not None:
        blocks.append(kit.text_field("note", "Note", multiline=True, optional=True))
    else:
        blocks.append(kit.buttons(kit.button("Mark many messages", "pick_open", f"{incident.id}:0")))
    about = {"channel": channel_id, "entry": entry.id if entry else None}
    return kit.modal("Mark on timeline", "mark", blocks, submit="Mark", metadata=about)


def _initial_kind(entry: Entry | None) -> str:
    return entry.kind if entry is not None and entry.kind in TYPED else Kind.NOTE


def edit_dialog(entry: Entry, typed: str, when: str, channel_id: str) -> View:
    blocks: list[Block] = []
    if entry.via == "message":
        blocks.append(kit.section(quoted(entry, 2000)))
        blocks.append(kit.context("The words are their author's; kind and time can be changed."))
    else:
        blocks.append(kit.text_field("text", "What happened", initial=typed, multiline=True))
    blocks += [
        kit.choice_field("kind", "Kind", kind_options(), initial=_initial_kind(entry)),
        kit.text_field("when", "When", initial=when, hint="In your own time zone", most=60),
    ]
    about = {"entry": entry.id, "channel": channel_id}
    return kit.modal("Edit entry", "entry_edit", blocks, submit="Save", metadata=about)


def quoted(entry: Entry, most: int) -> str:
    words = mrkdwn.quiet(mrkdwn.shorten(entry.text, most), mrkdwn.Mentions()) or _files(entry) or "(no text)"
    return "> " + words.replace("\n", "\n> ")


def kind_options() -> list[Any]:
    return [kit.option(f"{kind.emoji} {kind.label}", kind) for kind in TYPED]


def page(
    title: str,
    incident: Incident,
    shown: Sequence[Entry],
    marks: Mapping[int, Sequence[Mark]],
    names: Mapping[str, str],
    *,
    at: int,
    total: int,
) -> dict[str, Any]:
    """One page of the timeline; `at` is the number of its first entry among `total`, marked ones first."""
    last, names = at + len(shown), mrkdwn.Mentions(names)
    heading = f"*{title}*: entries {at + 1} to {last} of {total}, marked ones first"
    blocks: list[Block] = [kit.section(heading if total else f"*{title}*: nothing on the timeline yet.")]
    blocks += [kit.section(entry_line(entry, marks.get(entry.id, []), names), _menu(entry)) for entry in shown]
    turn = []
    if at > 0:
        turn.append(kit.button("Earlier entries", "timeline_back", f"{incident.id}:{max(at - PAGE, 0)}"))
    if last < total:
        turn.append(kit.button("Later entries", "timeline_on", f"{incident.id}:{last}"))
    if total:
        turn.append(kit.button("Mark many", "pick_open", f"{incident.id}:0"))
        blocks.append(kit.buttons(*turn))
    return {"response_type": "ephemeral", **kit.message(heading, blocks)}


def _menu(entry: Entry) -> OverflowMenuElement | None:
    """What can be done with one line; a milestone is corrected by setting it anew."""
    if entry.kind == Kind.MILESTONE:
        return None
    ways = {"Edit": "edit", "Undo": "undo"} if entry.is_marked else {"Mark": "mark"}
    ways["Use its time"] = "time"
    options = [kit.option(label, f"{way}:{entry.id}") for label, way in ways.items()]
    return OverflowMenuElement(action_id="entry_menu", options=options)


def entry_line(entry: Entry, marks: Sequence[Mark], names: Mapping[str, str]) -> str:
    author = mrkdwn.escape(entry.app_name or "") or mrkdwn.person(names, entry.author_id)
    text = mrkdwn.quiet(mrkdwn.shorten(entry.text, SHOWN), names) or ("" if entry.files else "_(no text)_")
    markers = sorted({mrkdwn.person(names, mark.marker_id) for mark in marks if mark.marker_id != entry.author_id})
    by = f" _(marked by {', '.join(markers)})_" if markers else ""
    edited = " _(edited)_" if entry.edited_at else ""
    more = f" <{entry.permalink}|all of it>" if entry.permalink and len(entry.text) > SHOWN else ""
    at = mrkdwn.moment(entry.happened_at, day=True)
    return f"{_emoji(entry)} {at} *{author}*: {text}{more}{_files(entry)}{edited}{by}"


def _emoji(entry: Entry) -> str:
    """What a line is about at a glance; a message that was marked without a kind is told from all others."""
    return "📌" if entry.is_marked and entry.kind == Kind.MESSAGE else Kind(entry.kind).emoji


def _files(entry: Entry) -> str:
    return "".join(f" 📎 {_file(file)}" for file in entry.files[:10])


def _file(file: Mapping[str, Any]) -> str:
    label = mrkdwn.escape(str(file.get("name") or file.get("title") or "file"))[:100]
    return f"<{file['permalink']}|{label.replace('|', ' ')}>" if file.get("permalink") else label


def picker(
    title: str,
    incident: Incident,
    shown: Sequence[tuple[Entry, str]],
    names: Mapping[str, str],
    *,
    at: int,
    chosen: Sequence[int],
    more: bool,
    channel_id: str,
) -> View:
    """Many messages at once: `shown` are those of this page with their times, `chosen` those ticked so far."""
    blocks: list[Block] = [kit.section(f"*{title}*: messages that nobody marked yet, the latest first.")]
    blocks += [_boxes(shown[first : first + 10], names, chosen, first) for first in range(0, len(shown), 10)]
    if not shown:
        blocks.append(kit.section("There is nothing that is not marked already."))
    about = f"{incident.id}:{at}"
    turn = [kit.button("Later messages", "pick_back", about)] if at > 0 else []
    turn += [kit.button("Earlier messages", "pick_on", about)] if more else []
    if not more and not incident.own_channel:
        turn.append(kit.button("Fetch another day", "pick_past", about))
    if turn:
        blocks.append(kit.buttons(*turn))
    if shown or chosen:
        blocks.append(kit.choice_field("kind", "Kind", kind_options(), initial=Kind.NOTE))
    elsewhere = [one for one in chosen if one not in {entry.id for entry, _ in shown}]
    metadata = {"incident": incident.id, "channel": channel_id, "at": at, "chosen": elsewhere}
    submit = "Mark" if shown or chosen else None
    return kit.modal("Mark many", "pick", blocks, submit=submit, metadata=metadata)


def _boxes(
    shown: Sequence[tuple[Entry, str]], names: Mapping[str, str], chosen: Sequence[int], first: int
) -> InputBlock:
    options = [_box(entry, at, names) for entry, at in shown]
    ticked = [one for one in options if int(one.value or 0) in chosen]
    label = f"{first + 1} to {first + len(shown)}: {shown[0][1]} back to {shown[-1][1]}"
    return InputBlock(
        block_id=f"messages_{shown[0][0].id}_{first}",
        label=PlainTextObject(text=label),
        element=CheckboxesElement(action_id=kit.VALUE, options=options, initial_options=ticked or None),
        optional=True,
    )


def _box(entry: Entry, at: str, names: Mapping[str, str]) -> Any:
    author = entry.app_name or names.get(entry.author_id or "", mrkdwn.SOMEBODY)
    words = timeline.first_words(entry, names, 75) or "(no text)"
    return kit.option(words, str(entry.id), f"{author}, {at}")
