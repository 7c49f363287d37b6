"""How the tests declare an incident, and read its timeline as people do."""

from __future__ import annotations

from typing import Any

from sandbox import Channel, Person, Reply, Sandbox, Shown
from tests.conftest import Team


def declare(slack: Sandbox, team: Team, **fields: Any) -> Channel:
    """An incident in a channel of its own, with bob and carol in it."""
    team.alice.types("/incident declare", team.ops)
    invited = {"People to invite": [team.bob, team.carol]}
    team.alice.form.fill({"Title": "Checkout fails", **invited, **fields}).submit()
    return slack.find_channel("inc-1-checkout-fails")


def declare_here(team: Team, fields: dict[str, Any] | None = None, *, channel: Channel | None = None) -> Channel:
    """An incident in the channel where people are already."""
    where = channel or team.ops
    team.alice.types("/incident declare", where)
    team.alice.form.fill({"Title": "Checkout fails", "Where": "This channel", **(fields or {})}).submit()
    return where


def timeline(person: Person, channel: Channel) -> list[str]:
    """Every line of the timeline, over all pages, as that person reads it."""
    reply: Reply | Shown = person.types("/incident timeline", channel)
    lines: list[str] = []
    while True:
        lines += sections(reply)[1:]
        if "Later entries" not in reply.buttons:
            return lines
        person.clicks("Later entries", within=reply)
        reply = person.sees(channel)[-1]


def sections(shown: Reply | Shown) -> list[str]:
    """The texts of the sections of a message, as Slack holds them."""
    return [block["text"]["text"] for block in shown.blocks if block["type"] == "section"]


def line_with(person: Person, channel: Channel, words: str) -> str:
    """The one line of the timeline with these words."""
    [line] = [line for line in timeline(person, channel) if words in line]
    return line


def is_marked(line: str) -> bool:
    """Whether a line is one of the timeline's backbone: messages nobody marked are shown as such."""
    return not line.startswith("💬")
