"""The digests: the overdue list of a week, and the review of a month or quarter: a chart, the figures as text.

A quarter's also tells how the retrospectives went, in sentences that name nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from slack_sdk.models.blocks import Block

from bot import mrkdwn
from bot.digests import Cadence, Period, Review
from bot.retro_audit import Case, RetroAudit
from handlers.views import kit
from handlers.views.action_items import Reader, day, plural
from handlers.views.nudges import title_of
from storage.models import ActionItem, Incident

LINES = 40
"""Actions named in one list; the button has them all."""

NAMED = 10
"""Incidents named in a review, so that it stays one to read."""


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
    snoozed = f", snoozed until {day(until)}" if until and until > reader.today else ""
    return f"• *{action.key}* {what} ({incident.key}), {reader.name(action.owner_id)}, {over} over{snoozed}"


SERIES = {"Closed": "closed", "Verified": "verified", "Overdue at the end": "late"}


def review(shown: Review) -> dict[str, Any]:
    """The review of the latest of its periods, with the ones before it for comparison."""
    noun, latest = shown.cadence.noun, shown.periods[-1]
    heading = f"Follow-through {_span(latest)}"
    text = (
        f"*{heading}*\n"
        f"{plural(latest.added, 'action')} agreed · {latest.closed} closed · {latest.verified} confirmed by another"
        f" person · {latest.declined} openly not done · {latest.late} overdue at the end of the {noun}"
    )
    blocks = kit.as_dicts([kit.section(text)])
    blocks.append(_chart(shown.cadence, shown.periods))
    blocks += kit.as_dicts([kit.section("\n".join(_figures(period) for period in shown.periods))])
    if shown.audit is not None:
        blocks += kit.as_dicts(_audit(shown.audit, noun))
    return {"text": heading, "blocks": blocks}


def _span(period: Period) -> str:
    last = period.following - timedelta(days=1)
    if last.month == period.first.month:
        return f"in {last:%B %Y}"
    return f"from {period.first:%B} to {last:%B %Y}"


def _label(period: Period) -> str:
    last = period.following - timedelta(days=1)
    return f"{last:%b %Y}" if last.month == period.first.month else f"{period.first:%b}-{last:%b %Y}"


def _figures(period: Period) -> str:
    return (
        f"{_label(period)}: {period.added} agreed, {period.closed} closed, {period.verified} verified,"
        f" {period.declined} not done, {period.late} overdue"
    )


def _chart(cadence: Cadence, periods: Sequence[Period]) -> dict[str, Any]:
    """A line for each figure (a dict: the SDK has no class for it yet)."""
    labels = [_label(period) for period in periods]
    series = [
        {
            "name": name,
            "data": [
                {"label": label, "value": getattr(period, figure)}
                for label, period in zip(labels, periods, strict=True)
            ],
        }
        for name, figure in SERIES.items()
    ]
    axis = {"categories": labels, "x_label": cadence.noun.capitalize(), "y_label": "Actions"}
    return {
        "type": "data_visualization",
        "title": f"Actions by {cadence.noun}",
        "chart": {"type": "line", "series": series, "axis_config": axis},
    }


# --- how the retrospectives went -------------------------------------------------------------------------


def _audit(found: RetroAudit, noun: str) -> Iterator[Block]:
    sentences = "\n".join(f"• {sentence}" for sentence in _sentences(found, noun))
    yield kit.section(f"*Retrospectives of what was closed in this {noun}*\n{sentences}")
    if found.late:
        lines = [f"*No publication by the day the policy sets: {plural(len(found.late), 'incident')}*"]
        lines += [_late(one) for one in found.late[:NAMED]]
        lines += [f"and {len(found.late) - NAMED} more"] if len(found.late) > NAMED else []
        yield from map(kit.section, kit.paged(lines))
    yield kit.context(
        f"As it stood on {day(found.on)}. Near misses count as incidents. Drills and private incidents are left out."
    )


def _sentences(found: RetroAudit, noun: str) -> Iterator[str]:
    if not found.closed:
        yield f"No incident was closed in this {noun}."
        return
    yield f"{plural(found.closed, 'incident')} {_was(found.closed)} closed."
    yield f"A retrospective was begun for {found.begun} of {found.closed}."
    if found.left_open:
        yield f"For {found.left_open} the policy leaves it open whether there is one, and none was begun."
    yield f"The retrospective is published for {found.published} of {found.closed}."
    if found.published:
        yield f"{found.in_time} of {found.published} {_was(found.in_time)} published by the day the policy sets."
    if found.not_yet_due:
        yield f"For {found.not_yet_due} not published yet, the policy's day is still to come."
    if found.days is not None:
        yield f"The median from closing to publication is {_days(found.days)}."
    if found.published:
        yield _without_action(found)
    if found.agreed:
        agreed = plural(found.agreed, "action")
        yield f"{found.verified} of {agreed} {_was(found.verified)} confirmed by another person."
    else:
        yield "No action was agreed."


def _without_action(found: RetroAudit) -> str:
    if not found.without_action:
        return "Each published one has an action."
    have = "has" if found.without_action == 1 else "have"
    return f"{found.without_action} of {found.published} published {have} no action, which may well be right."


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _days(number: float) -> str:
    return f"{number:g} {'day' if number == 1 else 'days'}"


def _late(case: Case) -> str:
    """One incident, as a link to the retrospective's hub, or else with its channel."""
    link = case.retro.hub_link if case.retro is not None else ""
    channel = case.incident.channel_id
    where = f" in <#{channel}>" if channel and not link else ""
    return f"• {title_of(case.incident, link)}{where}, closed {day(case.closed_on)}"
