"""The digests: the overdue list of a week, and the review of a month with its chart and the figures as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import Block

from bot import mrkdwn
from bot.digests import Month
from handlers.views import action_items, kit
from handlers.views.action_items import Reader, plural
from storage.models import ActionItem, Incident

LINES = 40
"""Actions named in one list; the button has them all."""


def overdue(rows: Sequence[tuple[ActionItem, Incident]], reader: Reader) -> dict[str, Any]:
    heading = f"Overdue this week: {plural(len(rows), 'action')}"
    lines = [_line(action, incident, reader) for action, incident in rows[:LINES]]
    if len(rows) > LINES:
        lines.append(f"and {len(rows) - LINES} more")
    blocks: list[Block] = [kit.section(f"*{heading}*"), *(kit.section(page) for page in kit.paged(lines))]
    blocks.append(kit.buttons(kit.button("Show with buttons", "actions_open", "overdue|0")))
    return kit.message(heading, blocks[:50])


def _line(action: ActionItem, incident: Incident, reader: Reader) -> str:
    what = mrkdwn.escape(mrkdwn.shorten(" ".join(action.what.split()), 150))
    over = plural((reader.today - action.due_on).days, "day")
    until = action.snoozed_until
    snoozed = f", snoozed until {action_items.day(until)}" if until and until > reader.today else ""
    return f"• *{action.key}* {what} ({incident.key}), {reader.name(action.owner_id)}, {over} over{snoozed}"


SERIES = {"Closed": "closed", "Verified": "verified", "Overdue at the end": "late"}


def review(months: Sequence[Month]) -> dict[str, Any]:
    """The review of the last of `months`, with the ones before it for comparison."""
    last = months[-1]
    heading = f"Follow-through in {last.first:%B %Y}"
    text = (
        f"*{heading}*\n"
        f"{plural(last.added, 'action')} agreed · {last.closed} closed · {last.verified} confirmed by another person"
        f" · {last.declined} openly not done · {last.late} overdue at the end of the month"
    )
    blocks = kit.as_dicts([kit.section(text)])
    blocks.append(_chart("Actions by month", months))
    blocks += kit.as_dicts([kit.section("\n".join(_figures(month) for month in months))])
    return {"text": heading, "blocks": blocks}


def _figures(month: Month) -> str:
    return (
        f"{month.first:%b %Y}: {month.added} agreed, {month.closed} closed, {month.verified} verified,"
        f" {month.declined} not done, {month.late} overdue"
    )


def _chart(title: str, months: Sequence[Month]) -> dict[str, Any]:
    """A line for each figure (a dict: the SDK has no class for it yet)."""
    labels = [f"{month.first:%b %Y}" for month in months]
    series = [
        {
            "name": name,
            "data": [
                {"label": label, "value": getattr(month, figure)} for label, month in zip(labels, months, strict=True)
            ],
        }
        for name, figure in SERIES.items()
    ]
    axis = {"categories": labels, "x_label": "Month", "y_label": "Actions"}
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {"type": "line", "series": series, "axis_config": axis},
    }
