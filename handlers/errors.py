"""Refusals and faults, turned into one sentence on whatever surface the person is looking at."""

from __future__ import annotations

import json
import logging
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import FieldRefusal, Refusal
from bot.incidents import NoneNamed, NotAnIncident
from handlers.courier import Clock
from handlers.payloads import Body, Slash
from handlers.views import kit
from storage import outbox
from storage.db import Database

log = logging.getLogger(__name__)

NOT_SAVED = (
    "Something went wrong on Seamark's side and this was not saved. Please try again; if it fails again,"
    " tell whoever runs Seamark."
)


def register(app: App) -> None:
    app.error(tell)


def tell(
    error: Exception,
    body: dict[str, Any],
    context: BoltContext,
    client: WebClient,
    db: Database,
    clock: Clock,
) -> BoltResponse:
    """Answer a request whose listener raised. An event that failed is not acknowledged, so Slack sends it again."""
    if not isinstance(error, Refusal):
        log.error("A request failed.", exc_info=error)
        if body.get("type") == "event_callback":
            return BoltResponse(status=500)
        error = Refusal(NOT_SAVED)
    if "command" in body:
        return _json(_answer(error, Slash.of(body)))
    kind = body.get("type")
    if kind == "view_submission":
        return _json(_field_errors(error, body["view"]))
    if kind == "event_callback":
        _whisper(error, body, db, clock)
    elif body.get("response_url"):
        _respond(error, body, str(context.team_id), db, clock)
    elif body.get("trigger_id"):
        _open_notice(error, body, client)
    return BoltResponse(status=200)


def _json(payload: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body=json.dumps(payload), headers={"Content-Type": ["application/json"]})


def _answer(error: Refusal, typed: Slash | None = None) -> dict[str, Any]:
    """The refusal in words; `typed` is the command that was refused."""
    sentence = error.sentence
    if isinstance(error, NoneNamed) and typed is not None:
        example = f"`{typed.command} {kit.code(typed.subcommand)} INC-7`"
        sentence = f"{sentence.removesuffix('.')}: {example}. `/incident list` shows those there are."
    may_declare = isinstance(error, NotAnIncident) and (typed is None or typed.command == "/incident")
    return kit.ephemeral(sentence, buttons_=[kit.button("Declare", "declare", style="primary")] if may_declare else [])


def _field_errors(error: Refusal, view: Body) -> dict[str, Any]:
    """The dialog stays open with everything typed; a sentence without a field of its own goes to the first."""
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    fields = error.fields if isinstance(error, FieldRefusal) else {}
    known = {name: sentence for name, sentence in fields.items() if name in inputs}
    if known:
        return {"response_action": "errors", "errors": known}
    if inputs:
        return {"response_action": "errors", "errors": {inputs[0]: error.sentence}}
    return {"response_action": "update", "view": kit.notice("Not done", error.sentence).to_dict()}


def _whisper(error: Refusal, body: Body, db: Database, clock: Clock) -> None:
    event = body["event"]
    channel, user = event.get("channel"), event.get("user")
    if channel and user:
        payload = {"channel": channel, "user": user, "thread_ts": event.get("thread_ts"), **_answer(error)}
        payload.pop("response_type")
        with db.transaction() as session:
            key = f"refusal:{body['event_id']}"
            outbox.put(session, body["team_id"], "whisper", payload, lane=f"whisper:{user}", now=clock(), key=key)


def _respond(error: Refusal, body: Body, team_id: str, db: Database, clock: Clock) -> None:
    payload = {"url": body["response_url"], "message": {**_answer(error), "replace_original": False}}
    with db.transaction() as session:
        outbox.put(session, team_id, "respond", payload, lane=f"respond:{body['user']['id']}", now=clock())


def _open_notice(error: Refusal, body: Body, client: WebClient) -> None:
    view = kit.notice("Not done", error.sentence)
    opens = client.views_push if body.get("view", {}).get("type") == "modal" else client.views_open
    try:
        opens(trigger_id=body["trigger_id"], view=view)
    except (SlackApiError, SlackClientError, OSError):
        log.warning("A refusal could not be shown, because the dialog for it could not be opened.", exc_info=True)
