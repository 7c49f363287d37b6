"""What people see of a review and a publication: the readiness list, the request, the message, the brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, ButtonElement
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.documents import Page, shortened
from bot.publishing import Decision, Gap, remarked_in_brief, thanked
from bot.report import Change, Report
from handlers.views import kit
from handlers.views.incident import title_of
from storage.models import Incident, Retrospective, Review

MOST_CHANGES = 15
MOST_GAPS = 30
MOST_REMARKED = 5


@dataclass(frozen=True)
class Standing:
    """How a retrospective stands before it is published; `changes` are those since `version` (0: none yet)."""

    retro: Retrospective
    incident: Incident
    gaps: Sequence[Gap]
    reviews: Sequence[Review]
    names: Mapping[str, str]
    version: int = 0
    changes: Sequence[Change] = ()
    is_changed: bool = True


def review_blocks(now: Standing, *, sure: bool) -> list[Block]:
    """What the review step shows above its questions; `sure`: somebody pressed "Publish" and sees what is open."""
    blocks: list[Block] = [*kit.sections("\n".join(_state(now)))]
    if now.changes:
        blocks += kit.sections("\n".join(_changes(now.changes, now.version)))
    blocks += kit.sections("\n".join(_gaps(now, sure=sure)))
    blocks += kit.sections("\n".join(_reviewers(now)))
    value = now.retro.id
    ways = [
        kit.button("Ask for a review", "review_ask", value),
        kit.button("Read the draft", "export_open", f"{now.incident.id}:html"),
        kit.button("Anonymised version", "export_anonymised", f"{now.incident.id}:html:anonymised"),
    ]
    if now.is_changed:
        ways.insert(0, publish_button(value, anyway=sure and bool(now.gaps)))
    return [*blocks[:38], kit.buttons(*ways)]


def publish_button(value: object, *, anyway: bool) -> Any:
    if anyway:
        return kit.button("Publish all the same", "publish_anyway", value, style="danger")
    return kit.button("Publish", "publish", value, style="primary")


def _state(now: Standing) -> list[str]:
    if not now.version:
        return ["*Not published yet.*"]
    if now.is_changed:
        return [f"*Version {now.version} is published.* It was changed since; the next is version {now.version + 1}."]
    return [f"*Version {now.version} is published*, and nothing was changed since."]


def _changes(changes: Sequence[Change], since: int) -> list[str]:
    """The difference in a few lines; the document has all of it."""
    signs = {"added": "+", "removed": "–", "changed": "±"}  # noqa: RUF001 - a minus sign that stands out
    lines = [f"*Changes since version {since}*"]
    lines += [
        f"{signs[one.how]} {mrkdwn.escape(one.part)}: {mrkdwn.escape(mrkdwn.shorten(one.words, 300))}"
        for one in changes[:MOST_CHANGES]
    ]
    if len(changes) > MOST_CHANGES:
        lines.append(f"and {len(changes) - MOST_CHANGES} more, in the document")
    return lines


def _gaps(now: Standing, *, sure: bool = False) -> list[str]:
    if not now.gaps:
        return [f":white_check_mark: Nothing is missing for {now.incident.severity}."]
    head = "*Still open:*" if not sure else "*This is still open. It can be published all the same:*"
    lines = [head, *(f"• {mrkdwn.escape(gap.words)}" for gap in now.gaps[:MOST_GAPS])]
    return [*lines, f"and {len(now.gaps) - MOST_GAPS} more"] if len(now.gaps) > MOST_GAPS else lines


def _reviewers(now: Standing) -> list[str]:
    if not now.reviews:
        return ["*Reviewers:* nobody was asked yet. Somebody who was not there sees what has become invisible."]
    return ["*Reviewers*", *(_reviewer(one, now.names) for one in now.reviews)]


def _reviewer(one: Review, names: Mapping[str, str]) -> str:
    who = mrkdwn.person(mrkdwn.Mentions(names), one.user_id)
    if one.decision == Decision.APPROVED:
        return f":white_check_mark: {who} approved it"
    if one.decision == Decision.CHANGES:
        return f":pencil2: {who} asks for changes: {mrkdwn.escape(mrkdwn.shorten(one.words, 500))}"
    return f":hourglass: {who} was asked {mrkdwn.moment(one.asked_at, day=True)}"


def ask_dialog(metadata: dict[str, Any]) -> View:
    blocks: list[Block] = [
        kit.section("Each is asked by direct message, gets the draft, and answers “Approve” or “Ask for changes”."),
        kit.users_field("reviewers", "Reviewers", optional=False, hint="Best somebody from outside as well"),
    ]
    return kit.modal("Ask for a review", "review_ask", blocks, submit="Ask", metadata=metadata)


def review_request(incident: Incident, retro_id: int, asked_by: str) -> dict[str, Any]:
    title = mrkdwn.escape(title_of(incident))
    text = (
        f"*{mrkdwn.escape(asked_by)}* asks you to review the retrospective of *{title}*. The draft follows below."
        " Read it as somebody who was not there: is it complete, deep enough, fair, and readable for an outsider?"
    )
    return kit.message(text, [kit.section(text), kit.buttons(*review_buttons(retro_id))])


HERE = "here"


def review_buttons(retro_id: int, *, among_others: bool = False) -> list[ButtonElement]:
    """A reviewer's two answers; `among_others`: in a message or tab that shows more, which follows by itself."""
    value = f"{retro_id}|{HERE}" if among_others else str(retro_id)
    return [
        kit.button("Approve", "review_approve", value, style="primary"),
        kit.button("Ask for changes", "review_changes", value),
    ]


def changes_dialog(incident: Incident, metadata: dict[str, Any]) -> View:
    blocks: list[Block] = [
        kit.section(f"The retrospective of *{mrkdwn.escape(title_of(incident))}*"),
        kit.text_field("words", "What should change?", multiline=True, hint="Its facilitator reads this."),
    ]
    return kit.modal("Ask for changes", "review_changes", blocks, submit="Send", metadata=metadata)


def told(incident: Incident, reviewer: str, decision: str, words: str) -> str:
    """What the facilitator hears."""
    who, title = mrkdwn.escape(reviewer), mrkdwn.escape(title_of(incident))
    if decision == Decision.APPROVED:
        return f":white_check_mark: *{who}* approved the retrospective of *{title}*."
    quoted = "\n".join(f"> {line}" for line in mrkdwn.escape(words).split("\n"))
    return f":pencil2: *{who}* asks for changes to the retrospective of *{title}*:\n{quoted}"


# --- published -------------------------------------------------------------------------------------------


def heading(report: Report) -> str:
    """The incident as it is called everywhere; a drill says so."""
    kind = {"incident": "", "near_miss": "Near miss: ", "drill": "Drill: "}[report.incident.kind]
    return f"{report.incident.key} {kind}{report.incident.title}"


def published(report: Report) -> dict[str, Any]:
    """The message in the incident's channel; it thanks by name and pings nobody."""
    title = mrkdwn.escape(heading(report))
    by = mrkdwn.escape(report.name(report.published_by))
    lines = [f":books: *The retrospective of {title} is published*, version {report.version}, by {by}."]
    if report.changes:
        lines += _changes(report.changes, report.version - 1)
    names = thanked(report)
    if names and report.version == 1:
        lines.append(f"Thank you, {mrkdwn.escape(_listed(names))}.")
    text = "\n".join(lines)
    return kit.message(lines[0], [*kit.sections(text), kit.context("`/retro brief` shows it on one page.")])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def done(report: Report, *, is_new: bool, brief_in: str | None = None) -> str:
    """What the one who pressed "Publish" reads; `brief_in` is the channel that the brief goes to."""
    key = report.incident.key
    if not is_new:
        return f"Nothing was changed since version {report.version} of {key}, so that stays the latest."
    said = (
        f"*Version {report.version} of {key} is published.* The document goes to the incident's channel;"
        " those who contributed are thanked there."
    )
    hint = _wording(report, f"The brief goes to <#{brief_in}>.") if brief_in else ""
    return f"{said}\n\n{hint}" if hint else said


def asked_first(now: Standing) -> dict[str, Any]:
    """The private answer to `/retro publish` while something is open."""
    return kit.ephemeral(
        *kit.paged(_gaps(now, sure=True)), buttons_=[publish_button(now.retro.id, anyway=True), _leave()]
    )


def _leave() -> Any:
    return kit.button("Leave it", "dismiss")


# --- brief -----------------------------------------------------------------------------------------------


def brief_blocks(report: Report) -> list[Block]:
    """One page for everybody, without names: what `documents.brief` says, as Slack shows it."""
    page = Page(report)
    parts = [("", _facts(page)), ("What happened", _happened(page)), *_meant(page)]
    parts.append(("What came together", _points(factor.statement for factor in page.main_factors)))
    parts.append(("What helped", _points(page.what_helped)))
    parts.append(("What we do about it", _to_do(page)))
    parts.append(("Terms", _points(line.strip() for line in page.answer("terms").splitlines() if line.strip())))
    blocks: list[Block] = [kit.header(heading(report)[:150])]
    for title, words in parts:
        if words:
            head = f"*{title}*\n" if title else ""
            blocks += kit.sections(f"{head}{words}")
    return blocks


def _facts(page: Page) -> str:
    parts = [page.began, f"times in {page.zone_in_words}"]
    if page.is_drill:
        parts.insert(0, "Drill: an exercise; no user was affected")
    if page.report.published_at is None:
        parts.insert(0, "Draft")
    return f"_{mrkdwn.escape(' · '.join(parts))}_"


def _happened(page: Page) -> str:
    lines = [shortened(page.summary, 600) if page.summary else "Nobody has written a summary yet."]
    started = page.milestone("started")
    if started is not None:
        lines.append(f"It began on {page.day(started.at)} at {page.clock(started.at)}.")
        lines += [f"We noticed after {page.span('detect')}."] if page.span("detect") else []
        over = page.span("mitigate") or page.span("resolve")
        for_users = "For users it" if page.span("mitigate") else "It"
        lines += [f"{for_users} was over after {over}."] if over else []
    return mrkdwn.escape(" ".join(lines))


def _meant(page: Page) -> list[tuple[str, str]]:
    impact, affected = page.answer("impact", "could_have"), page.answer("affected")
    told = [shortened(impact, 400) if impact else "", f"Affected: {shortened(affected, 160)}" if affected else ""]
    near = page.report.incident.kind == "near_miss"
    return [("What it might have meant" if near else "What it meant", mrkdwn.escape("\n".join(filter(None, told))))]


def _points(lines: Any) -> str:
    return "\n".join(f"• {mrkdwn.escape(shortened(line, 220))}" for line in lines)


def _to_do(page: Page) -> str:
    found = []
    for action in page.main_actions:
        state = " (done)" if action.status in {"done", "verified"} else ""
        due = f" (by {page.day(action.due)})" if action.due and not state else ""
        found.append(f"• {mrkdwn.escape(shortened(action.what, 180))}{state or due}")
    return "\n".join(found) or "Nothing was agreed on yet."


def brief(report: Report) -> dict[str, Any]:
    return kit.message(f"{mrkdwn.escape(heading(report))}: the brief", brief_blocks(report)[:50])


def brief_answer(report: Report, incident: Incident, *, may_post: bool) -> dict[str, Any]:
    """The brief for one person alone; where it may be shown to the others, with a button for that."""
    shown = brief(report)
    ways = [kit.button("Post it here", "brief_post", incident.id)] if may_post else []
    hint = _wording(report, "Before you pass this on:")
    below: list[Block] = [*(kit.sections(hint) if hint else []), *([kit.buttons(*ways)] if ways else [])]
    blocks = [*shown["blocks"][: 50 - len(below)], *kit.as_dicts(below)]
    return {"response_type": "ephemeral", "text": shown["text"], "blocks": blocks}


def _wording(report: Report, occasion: str) -> str:
    """A hint for one person alone about sentences of the brief; "" when there is nothing to say."""
    found = remarked_in_brief(report)
    if not found:
        return ""
    quoted = [f"• “{mrkdwn.escape(mrkdwn.shorten(' '.join(one.split()), 200))}”" for one in found[:MOST_REMARKED]]
    if len(found) > MOST_REMARKED:
        quoted.append(f"• and {len(found) - MOST_REMARKED} more like these")
    first = (
        f":speech_balloon: {occasion} Readers from outside may take these sentences as blame, or as looking back"
        " with what is known only now:"
    )
    last = "_The retrospective's steps take other words; nothing is held up, and only you see this hint._"
    return "\n".join([first, *quoted, last])
