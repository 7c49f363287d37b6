"""What a line of the timeline is about, and how each kind is shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of an entry; the value is what is stored and, for `TYPED`, the word typed before a colon."""

    DECISION = "decision"
    ACTION = "action"
    DETECTION = "detection"
    HYPOTHESIS = "hypothesis"
    IMPACT = "impact"
    COMMS = "comms"
    ESCALATION = "escalation"
    CHANGE = "change"
    DATA = "data"
    NOTE = "note"
    MESSAGE = "message"
    MILESTONE = "milestone"

    @property
    def emoji(self) -> str:
        return _SHOWN[self][0]

    @property
    def label(self) -> str:
        return _SHOWN[self][1]


_SHOWN: Final[dict[Kind, tuple[str, str]]] = {
    Kind.DECISION: ("🧭", "Decision"),
    Kind.ACTION: ("🔧", "Action"),
    Kind.DETECTION: ("🔔", "Detection"),
    Kind.HYPOTHESIS: ("💡", "Hypothesis"),
    Kind.IMPACT: ("💥", "Impact"),
    Kind.COMMS: ("📣", "Communication"),
    Kind.ESCALATION: ("📟", "Escalation"),
    Kind.CHANGE: ("🚀", "Change"),
    Kind.DATA: ("📈", "Data"),
    Kind.NOTE: ("📝", "Note"),
    Kind.MESSAGE: ("💬", "Message"),
    Kind.MILESTONE: ("🏁", "Milestone"),
}

#: The kinds a person may type; a message and a milestone come about in other ways.
TYPED: Final = tuple(kind for kind in Kind if kind not in {Kind.MESSAGE, Kind.MILESTONE})
