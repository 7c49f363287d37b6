"""What people see of the library and of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot import mrkdwn
from bot.durations import in_words
from bot.figures import Figures, Share, Spread
from bot.search import Hit
from handlers.views import kit
from handlers.views.incident import title_of
from handlers.views.retro import STATES, day
from storage.models import RetroStatus

SHOWN = 10
AGAIN = 6

TIMES = {
    "detect": "Time to detect",
    "acknowledge": "Time to acknowledge",
    "mitigate": "Time to mitigate",
    "resolve": "Time to resolve",
    "publish": "Time to retrospective",
}


def results(hits: Sequence[Hit], typed: str, at: int) -> dict[str, Any]:
    """One page of what `typed` has found, from number `at` on."""
    if not hits:
        return kit.ephemeral("Nothing that you can see holds all of these words. Fewer words find more.")
    found = f"{len(hits)} incidents" if len(hits) > 1 else "1 incident"
    last = min(at + SHOWN, len(hits))
    which = f", {at + 1} to {last}" if len(hits) > SHOWN else ""
    lines = [f"*Found {found}*{which}, the most hits first", *(_hit(hit) for hit in hits[at:last])]
    more = [kit.button("More", "search_more", f"{last}|{typed}"[:2000])] if last < len(hits) else []
    return kit.ephemeral(*kit.paged(lines), buttons_=more)


def _hit(hit: Hit) -> str:
    incident = hit.incident
    parts = [f"• *{mrkdwn.escape(title_of(incident))}*", incident.severity, day(incident.declared_at.date())]
    if incident.services:
        parts.append(mrkdwn.escape(", ".join(incident.services)))
    if hit.retro is not None:
        state = STATES[RetroStatus(hit.retro.status)].lower()
        words = f"retrospective {state}"
        parts.append(f"<{hit.retro.hub_link}|{words}>" if hit.retro.hub_link else words)
    if incident.channel_id:
        parts.append(f"<#{incident.channel_id}>")
    where = f"\n    _{hit.where}_: {mrkdwn.escape(hit.snippet)}" if hit.snippet and hit.where != "title" else ""
    return " · ".join(parts) + where


# --- figures ---------------------------------------------------------------------------------------------


def metrics(now: Figures, *, days: int) -> dict[str, Any]:
    """The figures in words, with the times as a table and the severities as a chart."""
    blocks = kit.as_dicts(kit.sections("\n".join(_words(now, days))))
    blocks.append(_table(now))
    if now.severities:
        blocks.append(_chart(now))
    notes = [
        "Drills are left out" + (f" ({now.drills})" if now.drills else "") + ". Private incidents count only for"
        " members of their channel. Durations lie between milestones; a missing one leaves its incident out."
    ]
    blocks += kit.as_dicts([kit.context(*notes)])
    text = f"{_counted(now.incidents, 'incident', 'incidents')} in the last {days} days"
    return {"response_type": "ephemeral", "text": text, "blocks": blocks}


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _words(now: Figures, days: int) -> list[str]:
    near = f", {_counted(now.near_misses, 'near miss', 'near misses')}" if now.near_misses else ""
    by = ", ".join(f"{severity} {number}" for severity, number in now.severities.items())
    lines = [
        f"*The last {days} days: {_counted(now.incidents, 'incident', 'incidents')}*"
        + (f" ({by})" if by else "")
        + near
    ]
    lines += [f"{label}: {_spread(now.times[name])}" for name, label in TIMES.items()]
    lines += [
        f"Retrospectives published: {_share(now.published)}",
        f"Participants who gave their account: {_share(now.participation)}",
        f"Actions done: {_share(now.done)}; checked by another person: {_share(now.verified)}"
        + (f"; {now.declined} openly not done" if now.declined else ""),
        f"Actions that had the intended effect: {_share(now.helped)}",
        f"Incidents that shared a service or a kind of factor with an earlier one: {_share(now.repeats)}",
    ]
    if now.again:
        told = ", ".join(f"{mrkdwn.escape(tag)} ({number})" for tag, number in now.again[:AGAIN])
        lines.append(f"Seen again: {told}")
    return lines


def _spread(of: Spread) -> str:
    if of.median is None:
        return "unknown (n = 0)"
    if of.lower is None or of.upper is None:
        return f"{in_words(int(of.median))} (n = 1)"
    middle, lower, upper = (in_words(int(seconds)) for seconds in (of.median, of.lower, of.upper))
    return f"median {middle}, half of them {lower} to {upper} (n = {of.n})"


def _share(of: Share) -> str:
    return f"{of.part} of {of.of} ({round(100 * of.part / of.of)} %)" if of.of else "none yet (n = 0)"


def _table(now: Figures) -> dict[str, Any]:
    def text(words: str) -> dict[str, Any]:
        return {"type": "raw_text", "text": words}

    def time(seconds: float | None) -> dict[str, Any]:
        return text(in_words(int(seconds)) if seconds is not None else "–")  # noqa: RUF001 - a dash: no figure

    rows = [[text(head) for head in ("", "n", "Median", "Lower quartile", "Upper quartile")]]
    rows[0][0] = text("What")
    for name, label in TIMES.items():
        of = now.times[name]
        rows.append([text(label), text(str(of.n)), time(of.median), time(of.lower), time(of.upper)])
    return {"type": "data_table", "caption": "How long it took", "rows": rows}


def _chart(now: Figures) -> dict[str, Any]:
    categories = list(now.severities)
    data = [{"label": severity, "value": number} for severity, number in now.severities.items()]
    return {
        "type": "data_visualization",
        "title": "Incidents by severity",
        "chart": {
            "type": "bar",
            "series": [{"name": "Incidents", "data": data}],
            "axis_config": {"categories": categories, "y_label": "Incidents"},
        },
    }
