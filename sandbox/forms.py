"""A person at a dialog: the fields, what is typed into them, what is sent, and what can be read."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]
Values = dict[str, dict[str, Json]]  # state.values: block_id -> action_id -> value
Typed = str | bool | int | float | date | time | datetime | None | list[str]


@dataclass(frozen=True)
class Field:
    """One thing a person can fill in, found by what is written beside it."""

    label: str
    block_id: str
    element: Json
    optional: bool = True
    dispatches: bool = True  # choosing sends block_actions

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        return str(self.element["type"])


def fields(view: Json) -> dict[str, Field]:
    """The view's fields by label; section accessories and actions by their section's text or placeholder."""
    return {
        block["label"]["text"]: Field(
            block["label"]["text"],
            block["block_id"],
            block["element"],
            block.get("optional", False),
            block.get("dispatch_action", False),
        )
        for block in view["blocks"]
        if block["type"] == "input"
    }


def initial_values(view: Json) -> Values:
    """`state.values` of the view as it opens, before anybody types."""
    del view
    return {}


def fill(view: Json, values: Values, label: str, value: Typed) -> Values:
    """`values` with one field filled in as a person would; LookupError tells the labels or options there are."""
    del view, label, value
    return copy.deepcopy(values)


def client_errors(view: Json, values: Values) -> dict[str, str]:
    """What Slack's client says under a field, by label, before it sends anything; empty when it would submit."""
    del view, values
    return {}


def carry_over(old_view: Json, old_values: Values, new_view: Json) -> Values:
    """The updated view's values: what was typed stays only where block_id and action_id are both the same."""
    del old_view, old_values
    return initial_values(new_view)


def action(element: Json, block_id: str, value: Typed = None) -> Json:
    """The entry of `actions[]` when a person uses the element; `action_ts` is the caller's."""
    del value
    return {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}


def buttons(blocks: Sequence[Json]) -> list[tuple[str, str, Json]]:
    """Everything to click: (label, block_id, element); an overflow's element comes once per option, by its text."""
    del blocks
    return []


def read(blocks: Sequence[Json], *, names: Mapping[str, str], zone: str) -> str:
    """Everything a person reads, in order, a line per element; `names` maps ids to names, `zone` is IANA."""
    del blocks, names, zone
    return ""
