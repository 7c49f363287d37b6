"""The Home tab: open incidents, my actions, what waits for me, the latest published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, ButtonElement
from slack_sdk.models.views import View

from bot import mrkdwn
from handlers.views import action_items, kit, publishing
from handlers.views.action_items import Listing, Reader
from handlers.views.incident import title_of
from storage.home import Page
from storage.models import Incident, IncidentStatus, Retrospective, RetroStatus

PAGE = 10
"""Rows of a part on one page: all four parts together stay below Slack's 100 blocks."""

PARTS = ("incidents", "actions", "waiting", "published")


@dataclass(frozen=True)
class Contents:
    """What a Home tab shows; `at` says for each part which row comes first."""

    incidents: Page
    actions: Listing
    waiting: Page
    published: Page
    at: dict[str, int]


def home(shown: Contents, reader: Reader) -> View:
    blocks: list[Block] = [
        *_part("Open incidents", "incidents", shown.incidents, _incidents(shown.incidents)),
        *_actions(shown, reader),
        *_part("Waiting for me", "waiting", shown.waiting, _waiting(shown.waiting, reader)),
        *_part("Latest published", "published", shown.published, _published(shown.published)),
    ]
    return View(type="home", callback_id="home", private_metadata=metadata(shown.at), blocks=blocks)


def metadata(at: dict[str, int]) -> str:
    return ",".join(str(at.get(part, 0)) for part in PARTS)


def read_metadata(written: str) -> dict[str, int]:
    numbers = written.split(",") if written else []
    return {part: int(number) for part, number in zip(PARTS, numbers, strict=False) if number.isdecimal()}


def _part(title: str, part: str, page: Page, rows: Sequence[Block]) -> list[Block]:
    blocks: list[Block] = [kit.header(f"{title} ({page.total})" if page.total else title)]
    blocks += rows or [kit.context("Nothing here.")]
    return [*blocks, *_turn(part, page.at, len(page.rows), page.total)]


def _turn(part: str, at: int, shown: int, total: int) -> list[Block]:
    turn = []
    if at > 0:
        turn.append(kit.button("Earlier", f"home_back_{part}", max(at - PAGE, 0)))
    if at + shown < total:
        turn.append(kit.button("More", f"home_on_{part}", at + shown))
    if not turn:
        return []
    return [kit.context(f"{at + 1} to {at + shown} of {total}"), kit.buttons(*turn)]


def _actions(shown: Contents, reader: Reader) -> list[Block]:
    page = shown.actions
    blocks: list[Block] = [kit.header(f"My actions ({page.total})" if page.total else "My actions")]
    for action, incident in page.rows:
        blocks += action_items.blocks_of(action, incident, reader)
    if not page.rows:
        blocks.append(kit.context("Nothing here."))
    return [*blocks, *_turn("actions", page.at, len(page.rows), page.total)]


def _incidents(page: Page) -> list[Block]:
    return [
        kit.section(
            f"*{mrkdwn.escape(title_of(incident))}* · {incident.severity}{_channel(incident)}\n"
            f"open since {mrkdwn.moment(incident.declared_at, day=True)}"
        )
        for incident, _ in page.rows
    ]


def _channel(incident: Incident) -> str:
    return f" · <#{incident.channel_id}>" if incident.channel_id else ""


def _waiting(page: Page, reader: Reader) -> list[Block]:
    blocks: list[Block] = []
    for incident, retro in page.rows:
        if retro is not None:
            doing, ways = _asks(retro, reader)
            due = action_items.due_words(retro.due_on, reader.today)
            blocks.append(kit.section(f"{_linked(incident, retro)}\n{doing} · {due}"))
            blocks += [kit.buttons(*ways)] if ways else []
    return blocks


def _asks(retro: Retrospective, reader: Reader) -> tuple[str, list[ButtonElement]]:
    """What a retrospective waits for, and how to give it."""
    in_review = retro.status == RetroStatus.REVIEW
    if retro.facilitator_id == reader.user_id:
        return ("in review" if in_review else "you lead it"), []
    if in_review:
        return "your review is asked for", publishing.review_buttons(retro.id, among_others=True)
    return "your account is asked for", [kit.button("Give my account", "retro_account", retro.id)]


def _published(page: Page) -> list[Block]:
    return [
        kit.section(
            f"{_linked(incident, retro)}\n"
            + (f"published {mrkdwn.moment(retro.published_at, day=True)}" if retro.published_at else "published")
        )
        for incident, retro in page.rows
        if retro is not None
    ]


def _linked(incident: Incident, retro: Retrospective) -> str:
    title = mrkdwn.escape(mrkdwn.shorten(title_of(incident), 150))
    where = "" if incident.status == IncidentStatus.CLOSED else " · still open"
    return (f"*<{retro.hub_link}|{title.replace('|', '¦')}>*" if retro.hub_link else f"*{title}*") + where
