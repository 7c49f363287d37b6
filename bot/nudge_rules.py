"""The rules of follow-through, as data: what is said, about what, to whom, and on which days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from storage.models import ActionStatus, RetroStatus
from storage.nudges import ACTION, INCIDENT, RETRO


class To(StrEnum):
    """Whom a rule speaks to; each falls back to whoever can be asked instead."""

    OWNER = "owner"
    FACILITATOR = "facilitator"
    CONFIRMER = "confirmer"
    REVIEWERS = "reviewers"
    RESPONSIBLE = "responsible"
    CHANNEL = "channel"


class Since(StrEnum):
    """The day from which a rule counts."""

    DUE = "due"
    SNOOZED = "snoozed"
    AWAY = "away"
    DONE = "done"
    CONFIRMED = "confirmed"
    ASKED = "asked"
    CLOSED = "closed"


@dataclass(frozen=True)
class Rule:
    """One reason to say something; its words are `templates/nudges/{name}.jinja`.

    It holds while its subject is in one of `states`. It comes due `days` after the day `since` (before it, when
    negative), and after the last of them again `every` so many days. Rules of one `series` stand for each other:
    only what came due last is said. `asks` names the question that the message's buttons answer.
    """

    name: str
    subject: str
    states: tuple[str, ...]
    since: Since
    days: tuple[int, ...]
    to: To
    every: int | None = None
    series: str = ""
    asks: str = ""

    def came_due(self, since: date, today: date) -> int | None:
        """The latest of its days that has come; None before the first."""
        gone = (today - since).days
        last = max(self.days)
        if self.every and gone > last:
            return last + (gone - last) // self.every * self.every
        return max((day for day in self.days if day <= gone), default=None)

    def comes_due_next(self, since: date, today: date) -> date | None:
        """The next day, after today, on which it comes due; None when it never does again."""
        gone = (today - since).days
        later = [day for day in self.days if day > gone]
        if later:
            return since + timedelta(days=min(later))
        if self.every:
            last = max(self.days)
            return since + timedelta(days=last + ((gone - last) // self.every + 1) * self.every)
        return None


_OPEN = (ActionStatus.OPEN,)
_DONE = (ActionStatus.DONE,)
_VERIFIED = (ActionStatus.VERIFIED,)
_DRAFT, _REVIEW = (RetroStatus.DRAFT, RetroStatus.REVIEW), (RetroStatus.REVIEW,)
_ENDED = ("required", "suggested")

RULES: tuple[Rule, ...] = (
    Rule("due_soon", ACTION, _OPEN, Since.DUE, (-2,), To.OWNER, series="owner"),
    Rule("due_today", ACTION, _OPEN, Since.DUE, (0,), To.OWNER, series="owner"),
    Rule("overdue", ACTION, _OPEN, Since.DUE, (1, 3, 7), To.OWNER, every=7, series="owner"),
    Rule("snooze_over", ACTION, _OPEN, Since.SNOOZED, (0,), To.OWNER, series="owner"),
    Rule("overdue_facilitator", ACTION, _OPEN, Since.DUE, (7,), To.FACILITATOR),
    Rule("overdue_channel", ACTION, _OPEN, Since.DUE, (14,), To.CHANNEL),
    Rule("owner_away", ACTION, _OPEN, Since.AWAY, (0,), To.FACILITATOR),
    Rule("confirm", ACTION, _DONE, Since.DONE, (0, 3, 7), To.CONFIRMER, every=7, asks="confirm"),
    Rule("smoke_test", ACTION, _VERIFIED, Since.CONFIRMED, (2, 9), To.OWNER, asks="smoke"),
    Rule("effect", ACTION, _VERIFIED, Since.CONFIRMED, (30, 37), To.OWNER, asks="effect"),
    Rule("retro_due_soon", RETRO, _DRAFT, Since.DUE, (-2,), To.FACILITATOR, series="retro"),
    Rule("retro_due_today", RETRO, _DRAFT, Since.DUE, (0,), To.FACILITATOR, series="retro"),
    Rule("retro_late", RETRO, _DRAFT, Since.DUE, (1, 3, 7), To.FACILITATOR, every=7, series="retro"),
    Rule("retro_late_channel", RETRO, _DRAFT, Since.DUE, (14,), To.CHANNEL),
    Rule("review_waiting", RETRO, _REVIEW, Since.ASKED, (1, 3, 7), To.REVIEWERS, every=7),
    Rule("not_started", INCIDENT, _ENDED, Since.CLOSED, (1, 3), To.RESPONSIBLE, series="start"),
    Rule("still_not_started", INCIDENT, ("required",), Since.CLOSED, (7,), To.RESPONSIBLE, every=7, series="start"),
    Rule("not_started_channel", INCIDENT, ("required",), Since.CLOSED, (14,), To.CHANNEL),
)
BY_NAME = {rule.name: rule for rule in RULES}

AT_ONCE = frozenset({"handover", "not_yet"})
"""What one person says to another through a button: no reminder, so it is neither bundled nor put off."""
