"""The one message of a day, and what is posted to a channel: each thing with the reason why it is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from slack_sdk.models.blocks import Block, ButtonElement

from bot import mrkdwn
from bot.nudge_rules import AT_ONCE
from handlers.views import action_items, kit
from handlers.views.action_items import Reader
from storage.models import ActionItem, Incident

MOST = 20
"""Things shown with buttons in one message: two blocks each, of Slack's 50."""


@dataclass(frozen=True)
class Item:
    """One thing in a message: which rule speaks, and what its sentence needs besides.

    `action` is None for a retrospective or an incident, which bring `buttons` of their own. A `rule` that is
    empty says nothing any more: what it was about has changed since.
    """

    rule: str
    incident: Incident
    facts: Mapping[str, Any]
    action: ActionItem | None = None
    asks: str = ""
    buttons: Sequence[ButtonElement] = ()


@cache
def _templates() -> Environment:
    # Nothing here is HTML: what people typed is escaped for Slack, by the views.
    return Environment(loader=PackageLoader("templates", "nudges"), undefined=StrictUndefined, autoescape=False)  # noqa: S701


def say(template: str, **facts: object) -> str:
    return _templates().get_template(f"{template}.jinja").render(**facts)


def title_of(incident: Incident, link: str = "") -> str:
    """What an incident is called, as a link where there is one."""
    drill = "Drill: " if incident.kind == "drill" else ""
    words = mrkdwn.escape(f"{incident.key} {drill}{mrkdwn.shorten(incident.title, 150)}")
    return f"<{link}|{words.replace('|', '¦')}>" if link else words


def message(items: Sequence[Item], reader: Reader, *, to_channel: bool) -> dict[str, Any]:
    """The whole message; what is beyond Slack's blocks is named, and `/retro actions` has it."""
    heading = say("bundle", count=len(items), to_channel=to_channel)
    at_once = all(item.rule in AT_ONCE for item in items)
    blocks: list[Block] = [] if at_once else [kit.section(heading)]
    for item in items[:MOST]:
        blocks += _blocks(item, reader)
    if len(items) > MOST:
        keys = ", ".join(item.action.key if item.action else item.incident.key for item in items[MOST:])
        blocks.append(kit.section(mrkdwn.shorten(say("more", count=len(items) - MOST, keys=keys), kit.SECTION)))
    names = ", ".join(dict.fromkeys(_name(item) for item in items[:5]))
    return kit.message(f"{heading.replace('*', '')}: {names}" if not at_once else names, blocks)


def _name(item: Item) -> str:
    return (
        f"{item.action.key} {mrkdwn.escape(mrkdwn.shorten(item.action.what, 80))}" if item.action else item.incident.key
    )


def _blocks(item: Item, reader: Reader) -> list[Block]:
    before = say(item.rule, **item.facts) if item.rule else ""
    if item.action is not None:
        return action_items.blocks_of(item.action, item.incident, reader, asks=item.asks, before=before)
    text = before or f"The retrospective of *{title_of(item.incident)}*: nothing is waiting any more."
    blocks: list[Block] = [kit.section(text)]
    return [*blocks, kit.buttons(*item.buttons)] if item.buttons and before else blocks


def on_day(day: date) -> str:
    return action_items.day(day)
