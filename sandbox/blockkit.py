"""What Slack accepts as blocks and views, in Slack's words (rules: `limits.json`)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Json = dict[str, Any]
T = TypeVar("T", bound="Json | list[Any]")


def check_message_blocks(blocks: Any) -> list[str]:
    """Faults of a message's `blocks`, each with `[json-pointer:/blocks/...]`; empty when Slack would post them."""
    return [] if isinstance(blocks, list) else ["must provide an array [json-pointer:/blocks]"]


def check_attachments(attachments: Any) -> list[str]:
    """Faults of a message's `attachments` (their `blocks` included), pointers from `/attachments`."""
    return [] if isinstance(attachments, list) else ["must provide an array [json-pointer:/attachments]"]


def check_view(view: Any) -> list[str]:
    """Faults of a modal or Home view as given to views.*, pointers from `/view`; without the "failed to match" head."""
    return [] if isinstance(view, dict) else ["must provide an object [json-pointer:/view]"]


def check_options_answer(answer: Any) -> list[str]:
    """Faults of the answer to a block_suggestion: `{"options": [...]}` or `{"option_groups": [...]}`."""
    return [] if isinstance(answer, dict) else ["must provide an object [json-pointer:/]"]


def error_body_for_message(faults: Sequence[str]) -> Json:
    """The body of chat.* for faults of `check_message_blocks` (`invalid_blocks`)."""
    return {
        "ok": False,
        "error": "invalid_blocks",
        "errors": list(faults),
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in faults]},
    }


def error_body_for_view(faults: Sequence[str]) -> Json:
    """The body of views.* for faults of `check_view` (`invalid_arguments`)."""
    head = "failed to match all allowed schemas [json-pointer:/view]"
    return {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in (head, *faults)]},
    }


def with_defaults(payload: T, ids: Iterator[str]) -> T:
    """Blocks (a list) or a view (a dict) as Slack echoes them; `ids` gives each missing block_id and action_id."""
    del ids
    return copy.deepcopy(payload)
