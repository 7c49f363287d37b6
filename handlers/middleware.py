"""What every listener may ask for by parameter name: typed payloads, the database, the clock, the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import App, BoltContext

from handlers.payloads import Click, Form, MessageShortcut, Slash, Suggestion

PAYLOADS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "block_actions": Click.of,
    "view_submission": Form.of,
    "message_action": MessageShortcut.of,
    "block_suggestion": Suggestion.of,
}
NAMES = {
    "block_actions": "click",
    "view_submission": "form",
    "message_action": "shortcut_use",
    "block_suggestion": "suggestion",
}


def register(app: App, **provided: Any) -> None:
    """Make `provided` (db, clock, settings, …) and the typed payloads known to Bolt's injection by name."""

    def provide(body: dict[str, Any], context: BoltContext, next_: Callable[[], None]) -> None:
        context.update(provided)
        kind = str(body.get("type") or "")
        if "command" in body:
            context["slash"] = Slash.of(body)
        elif kind in PAYLOADS:
            context[NAMES[kind]] = PAYLOADS[kind](body)
        next_()

    app.use(provide)
