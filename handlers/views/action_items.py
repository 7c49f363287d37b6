"""What people see of actions: a line with its state and buttons, lists, and the dialogs behind the buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from slack_sdk.models.blocks import Block, ButtonElement, InputBlock, OptionGroup, PlainTextObject, StaticSelectElement
from slack_sdk.models.views import View

from bot import action_items, mrkdwn
from bot.action_items import EFFECTS, KINDS, LEVELS, Plan
from bot.blameless import Remark
from handlers.views import kit
from storage.models import ActionEvent, ActionItem, ActionStatus, Factor, Incident

OPTIONS = 100
"""A menu of Slack has at most so many options; more go into groups."""


SHOWN = 250
"""Characters of a text in lists; `/retro actions ACT-12` shows all of it."""


@dataclass(frozen=True)
class Reader:
    """Who reads: their id, the day it is for them, what everybody is called, and who cannot be reached and why.

    `outside` says of an action, by its id, why its owner cannot be reminded of this one.
    """

    user_id: str
    today: date
    names: Mapping[str, str]
    away: Mapping[str, str] = field(default_factory=dict)
    outside: Mapping[int, str] = field(default_factory=dict)

    def name(self, user_id: str | None) -> str:
        return mrkdwn.person(self.names, user_id)


# --- lines -----------------------------------------------------------------------------------------------


def line(action: ActionItem, incident: Incident, reader: Reader) -> str:
    """One action in a few lines of Slack text: what, whose, by when, and where it stands."""
    what = mrkdwn.escape(mrkdwn.shorten(action.what, SHOWN))
    struck = action.status in {ActionStatus.VERIFIED, ActionStatus.WONT_DO}
    head = f"*{action.key}* {f'~{what}~' if struck and '~' not in what and chr(10) not in what else what}"
    return f"{head}\n{state(action, reader)} · {_where(incident)}"


def _where(incident: Incident) -> str:
    drill = "drill " if incident.kind == "drill" else ""
    return f"{drill}{incident.key} {mrkdwn.escape(mrkdwn.shorten(incident.title, 100))}"


def state(action: ActionItem, reader: Reader) -> str:
    """Where an action stands, in words."""
    match action.status:
        case ActionStatus.DONE:
            how = mrkdwn.escape(mrkdwn.shorten(action.checked_how, SHOWN))
            return f"☑️ marked done by {reader.name(action.done_by)}, to be confirmed by another person: “{how}”"
        case ActionStatus.VERIFIED:
            return f"✅ done, confirmed by {reader.name(action.verified_by)}{_afterwards(action)}"
        case ActionStatus.WONT_DO:
            return f"🚫 won't do, because {mrkdwn.escape(mrkdwn.shorten(action.wont_do_because, SHOWN))}"
        case _:
            return " · ".join(_open_facts(action, reader))


def _afterwards(action: ActionItem) -> str:
    held = "; it holds" if action.smoke == "holds" else ""
    effect = f"; intended effect: {EFFECTS[action.effect].lower()}" if action.effect else ""
    return held + effect


def _open_facts(action: ActionItem, reader: Reader) -> list[str]:
    why = reader.away.get(action.owner_id) or reader.outside.get(action.id)
    away = f" ⚠️ {mrkdwn.escape(why)}" if why else ""
    facts = [reader.name(action.owner_id) + away, due_words(action.due_on, reader.today)]
    if action_items.is_quick_win(action):
        facts.append("⚡ quick win")
    if action.snoozed_until and action.snoozed_until > reader.today:
        facts.append(f"💤 snoozed until {day(action.snoozed_until)}")
    if action.handover_to:
        facts.append(f"being handed over to {reader.name(action.handover_to)}")
    return facts


def day(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b %Y}"


def due_words(due_on: date, today: date) -> str:
    """`due Fri 4 Dec 2026 (in 2 days)`, with the mark that overdue ones carry."""
    left = (due_on - today).days
    if left < 0:
        return f"🔴 due {day(due_on)}, {plural(-left, 'day')} over"
    near = {0: " (today)", 1: " (tomorrow)"}.get(left, f" (in {left} days)" if left <= 7 else "")
    return f"{'🟠' if left <= 2 else '⚪'} due {day(due_on)}{near}"


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# --- buttons ---------------------------------------------------------------------------------------------


def buttons(action: ActionItem, reader: Reader, *, place: str = "", asks: str = "") -> list[ButtonElement]:
    """What the reader can do about an action now.

    `place` is handed back with the click: which list to show anew. `asks` is `smoke` or `effect` where that
    question is put.
    """
    value = f"{action.id}|{place}"
    if action.status == ActionStatus.OPEN and action.handover_to == reader.user_id:
        return [
            kit.button("Accept", "action_accept", value, style="primary"),
            kit.button("Decline", "action_decline", value),
        ]
    if action.status == ActionStatus.OPEN:
        return [
            kit.button("Done", "action_done", value, style="primary"),
            kit.button("Snooze", "action_snooze", value),
            kit.button("Hand over", "action_hand_over", value),
            kit.button("Won't do", "action_wont_do", value),
        ]
    if action.status == ActionStatus.DONE and reader.user_id not in {action.done_by, action.owner_id}:
        return [
            kit.button("Confirm", "action_confirm", value, style="primary"),
            kit.button("Not yet", "action_not_yet", value),
        ]
    if action.status == ActionStatus.VERIFIED:
        return _later_questions(action, value, asks)
    return []


def _later_questions(action: ActionItem, value: str, asks: str) -> list[ButtonElement]:
    if asks == "smoke" and action.smoke is None:
        return [
            kit.button("It holds", "action_holds", value, style="primary"),
            kit.button("New trouble", "action_trouble", value),
        ]
    if asks == "effect" and action.effect is None:
        return [kit.button(label, f"action_effect_{key}", value) for key, label in EFFECTS.items()]
    return []


def blocks_of(
    action: ActionItem, incident: Incident, reader: Reader, *, place: str = "", asks: str = "", before: str = ""
) -> list[Block]:
    """An action with its buttons; `before` is a line above it, e.g. why it is shown."""
    text = f"{before}\n{line(action, incident, reader)}" if before else line(action, incident, reader)
    offered = buttons(action, reader, place=place, asks=asks)
    found: list[Block] = [kit.section(mrkdwn.shorten(text, kit.SECTION))]
    return [*found, kit.buttons(*offered)] if offered else found


# --- lists -----------------------------------------------------------------------------------------------

PAGE = 15
"""Actions on one page of a list: two blocks each, far below Slack's 50 in a message."""


STEP_PAGE = 15
"""Actions on one page of the step's dialog, a block each."""


@dataclass(frozen=True)
class Listing:
    """One page of a list; `asked` is what was typed (`mine`, `overdue`, `all`, `INC-7`), `at` the first's number."""

    title: str
    asked: str
    rows: Sequence[tuple[ActionItem, Incident]]
    at: int
    total: int
    notes: Sequence[str] = ()


def listing_blocks(page: Listing, reader: Reader) -> list[Block]:
    last = page.at + len(page.rows)
    heading = f"*{mrkdwn.escape(page.title)}*: {page.total}"
    if page.total > len(page.rows):
        heading = f"*{mrkdwn.escape(page.title)}*: {page.at + 1} to {last} of {page.total}"
    blocks: list[Block] = [kit.section(heading if page.total else f"*{mrkdwn.escape(page.title)}*: none.")]
    blocks += [kit.context(mrkdwn.shorten(note, 2000)) for note in page.notes]
    place = f"{page.asked}|{page.at}"
    for action, incident in page.rows:
        blocks += blocks_of(action, incident, reader, place=place)
    turn = []
    if page.at > 0:
        turn.append(kit.button("Earlier", "actions_back", f"{page.asked}|{max(page.at - PAGE, 0)}"))
    if last < page.total:
        turn.append(kit.button("More", "actions_on", f"{page.asked}|{last}"))
    return [*blocks, kit.buttons(*turn)] if turn else blocks


def listing(page: Listing, reader: Reader) -> dict[str, Any]:
    """The answer to `/retro actions`, seen by the asker alone."""
    text = f"{page.title}: {page.total}"
    return {"response_type": "ephemeral", **kit.message(text, listing_blocks(page, reader))}


def detail(
    action: ActionItem, incident: Incident, factor: Factor | None, trace: Sequence[ActionEvent], reader: Reader
) -> dict[str, Any]:
    """Everything about one action, seen by the asker alone, with "Edit" besides the usual buttons."""
    facts = [
        f"Kind: {mrkdwn.escape(KINDS[action.kind].label if action.kind in KINDS else action.kind)}",
        f"Impact: {LEVELS.get(action.impact, action.impact)}, effort: {LEVELS.get(action.effort, action.effort)}",
    ]
    if factor is not None:
        facts.append(f"Addresses: {mrkdwn.escape(mrkdwn.shorten(factor.statement, 300))}")
    blocks: list[Block] = [kit.section(f"*{action.key}*"), *kit.sections(mrkdwn.escape(action.what))]
    blocks.append(kit.section(f"{state(action, reader)} · {_where(incident)}"))
    if action.success_criteria:
        blocks += kit.sections(f"*How will we know it worked?* {mrkdwn.escape(action.success_criteria)}")
    blocks.append(kit.section("\n".join(facts)))
    blocks += kit.sections("\n".join(event_line(event, reader) for event in trace[-40:]))
    place = f"{action.key}|0"
    offered = buttons(action, reader, place=place)
    last = (
        kit.button("Edit", "action_edit", f"{action.id}|{place}")
        if action.status == ActionStatus.OPEN
        else kit.button("Reopen", "action_reopen", f"{action.id}|{place}")
    )
    return {
        "response_type": "ephemeral",
        **kit.message(action.key, [*blocks[:48], kit.buttons(*offered, last)]),
    }


_EVENTS = {
    "added": "agreed",
    "changed": "changed",
    "done": "marked done",
    "confirmed": "confirmed",
    "reopened": "opened again",
    "snoozed": "snoozed until",
    "handover": "asked to take over:",
    "accepted": "took it over from",
    "declined": "declined to take it over",
    "not_reached": "could not be asked to take it over:",
    "wont_do": "won't be done, because",
    "holds": "it holds",
    "effect": "intended effect:",
}


def event_line(event: ActionEvent, reader: Reader) -> str:
    words = mrkdwn.shorten(event.words, 300)
    for user_id, name in reader.names.items():
        if user_id in words:
            words = words.replace(user_id, name)
    said = f" {mrkdwn.escape(words)}" if words else ""
    return f"• {mrkdwn.moment(event.at, day=True)} {reader.name(event.by)}: {_EVENTS.get(event.what, event.what)}{said}"


# --- dialogs ---------------------------------------------------------------------------------------------


def action_dialog(
    plan: Plan, factors: Sequence[Factor], metadata: dict[str, Any], *, notes: Sequence[Block] = ()
) -> View:
    """The dialog "Add an action", or the same fields for one that is there (its id in `metadata`).

    Typed words survive showing it anew, because the fields keep their names.
    """
    editing = metadata.get("action") is not None
    blocks: list[Block] = [
        *notes,
        kit.text_field(
            "what",
            "What will be done",
            initial=plan.what,
            multiline=True,
            placeholder="Add an alert for more than 1 % errors of the checkout",
            hint="Begin with a verb; one can tell when it is done.",
        ),
        kit.user_field("owner", "Owner", initial=plan.owner_id or None),
        kit.date_field("due", "Due date", initial=plan.due_on),
        kit.choice_field(
            "kind", "Kind", [kit.option(one.label, key, one.about) for key, one in KINDS.items()], initial=plan.kind
        ),
        _factor_field(factors, plan.factor_id),
        kit.text_field(
            "criteria",
            "How will we know it worked?",
            initial=plan.success_criteria,
            multiline=True,
            optional=True,
            placeholder="The alert fires within 5 minutes in the next drill",
        ),
        kit.choice_field("impact", "Impact", _levels(), initial=plan.impact, hint="How much it would have helped"),
        kit.choice_field(
            "effort", "Effort", _levels(), initial=plan.effort, hint="Little effort, much impact: a quick win"
        ),
    ]
    title = "Edit action" if editing else "Add an action"
    return kit.modal(title, "action_save", blocks, submit="Save", metadata=metadata)


def _levels() -> list[Any]:
    return [kit.option(label, key) for key, label in LEVELS.items()]


def _factor_field(factors: Sequence[Factor], chosen: int | None) -> InputBlock:
    options = [kit.option("Nothing in particular", "0")]
    options += [kit.option(mrkdwn.shorten(one.statement, 75), str(one.id)) for one in factors]
    initial = next((one for one in options if one.value == str(chosen or 0) and chosen), None)
    if len(options) <= OPTIONS:
        element = StaticSelectElement(action_id=kit.VALUE, options=options, initial_option=initial)
    else:
        groups = [
            OptionGroup(
                label=PlainTextObject(text=f"{at + 1} to {min(at + OPTIONS, len(options))}"),
                options=options[at : at + OPTIONS],
            )
            for at in range(0, len(options), OPTIONS)
        ]
        element = StaticSelectElement(action_id=kit.VALUE, option_groups=groups, initial_option=initial)
    return InputBlock(
        block_id="addresses",
        label=PlainTextObject(text="Addresses"),
        element=element,
        optional=True,
        hint=PlainTextObject(text="The contributing factor it changes"),
    )


def remark_blocks(remarks: Sequence[Remark]) -> list[Block]:
    """Which phrases are worth another look, why, and other words."""
    return [
        kit.section(
            (f"“{mrkdwn.escape(mrkdwn.shorten(one.phrase, 300))}”\n" if one.phrase.strip() else "")
            + f"_{mrkdwn.escape(one.why)}_\n→ {mrkdwn.escape(one.offer)}"
        )
        for one in remarks[:20]
    ]


def saved_with_remarks(
    action: ActionItem, factors: Sequence[Factor], remarks: Sequence[Remark], metadata: dict[str, Any]
) -> View:
    """The action is saved; only its writer sees what would make it easier to do and to check."""
    notes: list[Block] = [
        kit.section(f"*{action.key} is saved.* Some of its words are worth another look; only you see this."),
        *remark_blocks(remarks),
        kit.buttons(kit.button("Keep as written", "action_keep", action.id, style="primary")),
        kit.divider(),
    ]
    return action_dialog(
        plan_of(action), factors, {**metadata, "action": action.id, "version": action.version}, notes=notes
    )


def kept(action: ActionItem) -> View:
    return kit.notice("Kept", f"*{action.key}* stays as you wrote it.")


def plan_of(action: ActionItem) -> Plan:
    return Plan(
        what=action.what,
        owner_id=action.owner_id,
        due_on=action.due_on,
        kind=action.kind,
        factor_id=action.factor_id,
        success_criteria=action.success_criteria,
        impact=action.impact,
        effort=action.effort,
    )


def _plan_words(plan: Plan, reader: Reader) -> dict[str, str]:
    return {
        "What will be done": plan.what.strip(),
        "Owner": reader.names.get(plan.owner_id, mrkdwn.SOMEBODY),
        "Due date": day(plan.due_on),
        "Kind": KINDS[plan.kind].label if plan.kind in KINDS else plan.kind,
        "How will we know it worked?": plan.success_criteria.strip() or "(empty)",
        "Impact": LEVELS.get(plan.impact, plan.impact),
        "Effort": LEVELS.get(plan.effort, plan.effort),
    }


def meanwhile(action: ActionItem, mine: Plan, reader: Reader) -> list[Block]:
    """What somebody else saved while the writer was writing, above what the writer typed."""
    said, typed = _plan_words(plan_of(action), reader), _plan_words(mine, reader)
    differences = [
        f"*{label}*: {mrkdwn.escape(mrkdwn.shorten(words, 600))}"
        for label, words in said.items()
        if typed[label] != words
    ]
    text = "*Somebody changed this action while you were writing.* It says now:\n" + "\n".join(differences)
    return [
        *kit.sections(text),
        kit.context("Below is what you typed. Save again to put it in place; the other words stay in the history."),
    ]


def _dialog(title: str, callback_id: str, action: ActionItem, metadata: dict[str, Any], *fields: Block) -> View:
    about = kit.section(f"*{action.key}* {mrkdwn.escape(mrkdwn.shorten(action.what, 2000))}")
    return kit.modal(title, callback_id, [about, *fields], submit=title, metadata=metadata)


def done_dialog(action: ActionItem, metadata: dict[str, Any]) -> View:
    hint = "Another person reads this and confirms."
    if action.success_criteria:
        hint = mrkdwn.shorten(f"It was to be told by: {action.success_criteria}", 1900)
    asked = kit.text_field("how", "How was it checked?", multiline=True, hint=hint)
    return _dialog("Done", "action_done", action, metadata, asked)


def snooze_dialog(action: ActionItem, today: date, metadata: dict[str, Any]) -> View:
    asked = kit.date_field(
        "until",
        "Until",
        initial=today + timedelta(days=7),
        hint="Until that day, this once, nobody asks its owner; it is noted in its history.",
    )
    return _dialog("Snooze", "action_snooze", action, metadata, asked)


def hand_over_dialog(action: ActionItem, metadata: dict[str, Any]) -> View:
    return _dialog(
        "Hand over",
        "action_hand_over",
        action,
        metadata,
        kit.user_field("to", "To", hint="They are asked, and accept or decline; until then it stays with its owner."),
        kit.text_field("words", "A word to them", multiline=True, optional=True, most=1000),
    )


def wont_do_dialog(action: ActionItem, metadata: dict[str, Any]) -> View:
    asked = kit.text_field("because", "Because", multiline=True, hint="A good answer when it is said openly.")
    return _dialog("Won't do", "action_wont_do", action, metadata, asked)


def decline_dialog(action: ActionItem, metadata: dict[str, Any]) -> View:
    asked = kit.text_field("words", "A word to the owner", multiline=True, optional=True, most=1000)
    return _dialog("Decline", "action_decline", action, metadata, asked)


def reopen_dialog(action: ActionItem, title: str, label: str, metadata: dict[str, Any]) -> View:
    asked = kit.text_field("words", label, multiline=True, hint="Its owner goes on from there.")
    return _dialog(title, "action_reopen", action, metadata, asked)


def effect_dialog(action: ActionItem, effect: str, metadata: dict[str, Any]) -> View:
    asked = kit.text_field("words", "What happened instead?", multiline=True, optional=True)
    return _dialog(EFFECTS[effect], f"action_effect_{effect}", action, metadata, asked)


def step_blocks(
    actions: Sequence[ActionItem], reader: Reader, *, retro_id: int, at: int, hint: str | None
) -> list[Block]:
    """What the actions step of a retrospective shows above its questions; `at` is the first action's number."""
    shown = actions[at : at + STEP_PAGE]
    blocks: list[Block] = [kit.buttons(kit.button("Add an action", "action_add", retro_id, style="primary"))]
    if hint:
        blocks.append(kit.context(f"💡 {hint}"))
    if not actions:
        blocks.append(kit.section("No actions yet. Few that get done beat many that do not."))
    for action in shown:
        text = f"*{action.key}* {mrkdwn.escape(mrkdwn.shorten(action.what, SHOWN))}\n{state(action, reader)}"
        blocks.append(kit.section(text, kit.button("Edit", "action_edit", f"{action.id}|")))
    if len(actions) > STEP_PAGE:
        blocks.append(kit.context(f"{at + 1} to {at + len(shown)} of {len(actions)}, what is worth most first"))
        turn = [kit.button("Earlier actions", "action_page_back", max(at - STEP_PAGE, 0))] if at else []
        if at + STEP_PAGE < len(actions):
            turn.append(kit.button("More actions", "action_page_on", at + STEP_PAGE))
        blocks.append(kit.buttons(*turn))
    return blocks
