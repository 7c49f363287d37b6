"""Likely secrets that somebody types into a dialog: masked before any listener sees them, and the writer told.

They are told in what the dialog shows next, and nowhere else: a row of the outbox would hold, beside the writer,
what an account without a name was masked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltResponse
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot import evidence, redaction
from bot.redaction import Finding
from handlers import dialogs
from handlers.courier import Clock
from handlers.payloads import Body, Click, Form
from handlers.views import typed_secrets as views
from storage.db import Database


def register(app: App) -> None:
    app.use(mask)
    app.action("dialog_no_secret")(no_secret)


def mask(context: BoltContext, db: Database, next_: Callable[[], None]) -> None:
    """Give the listeners what was typed with its likely secrets masked."""
    for name in ("form", "click"):
        said: Form | Click | None = context.get(name)
        if said is not None and _suspicious(said.view):
            view, found = masked(db, said.team_id, said.view)
            context[name] = replace(said, view=view, masked=found)
            if found and name == "form":
                context["ack"] = Telling(found, view)
    next_()


def _suspicious(view: Body) -> bool:
    return any(redaction.mask(text).findings for text in _texts(view).values())


def _texts(view: Body) -> dict[str, str]:
    """What was typed, by the field's name; a text that went over several inputs is one."""
    texts: dict[str, str] = {}
    for name, _, element in _inputs(view):
        of = name.partition("~")[0]
        texts[of] = texts.get(of, "") + str(element["value"])
    return texts


def _inputs(view: Body) -> list[tuple[str, str, dict[str, Any]]]:
    """The filled text inputs of a dialog, as block id, action id and state, in the order of their parts."""
    state = (view.get("state") or {}).get("values") or {}
    found = [
        (name, action, element)
        for name, actions in state.items()
        for action, element in actions.items()
        if element.get("type") == "plain_text_input" and element.get("value")
    ]
    return sorted(found, key=lambda one: int(one[0].partition("~")[2] or 0))


def masked(db: Database, team_id: str, view: Body) -> tuple[Body, tuple[Finding, ...]]:
    """The dialog with what was typed masked; the whole of a masked text stands in its first input."""
    with db.reading() as session:
        kept = {name: evidence.masked(session, team_id, text) for name, text in _texts(view).items()}
    clean = copy.deepcopy(dict(view))
    rest = {name: one.text for name, one in kept.items() if one.findings}
    for name, _, element in _inputs(clean):
        of = name.partition("~")[0]
        if kept[of].findings:
            element["value"] = rest.pop(of, None)
    return clean, tuple(finding for one in kept.values() for finding in one.findings)


class Telling(Ack):
    """The acknowledgement of a dialog in which something was masked: what is shown next says so."""

    def __init__(self, found: Sequence[Finding], view: Body) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._found, self._view = found, view

    def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        if kwargs.get("response_action") == "errors":
            return super().__call__(*args, **kwargs)
        shown = kwargs.get("view") or views.saved()
        return super().__call__(response_action="update", view=told(shown, self._found, self._view))


def told(shown: View, found: Sequence[Finding], typed: Body) -> View:
    """What is shown next after `typed`, a dialog, with a word above it about what was masked in that."""
    if found:
        unnamed = str(typed.get("callback_id")).startswith("retro_account")
        shown.blocks = [views.note(found, unnamed=unnamed), *(shown.blocks or [])]
    return shown


def no_secret(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    """What was masked is no secret: from now on it is kept as it is typed.

    About an account, which may be without a name, neither the person nor the time of day is remembered.
    """
    whose, _, fingerprints = click.value.partition(":")
    now = clock()
    by, at = (click.user_id, now) if whose else ("", now.replace(hour=0, minute=0, second=0, microsecond=0))
    with db.transaction() as session:
        evidence.allow_fingerprints(session, click.team_id, fingerprints.split(","), by=by, now=at)
    dialogs.shown_instead(client, str(click.view["id"]), views.without_button(click.view))
    ack()
