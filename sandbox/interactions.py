"""What Slack's client sends for a person: commands, shortcuts, clicks, submissions; and what becomes of the answers.

Sources: docs.slack.dev/interactivity/implementing-slash-commands, reference/interaction-payloads.
"""

from __future__ import annotations

import asyncio
import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import answers, blockkit, dialogs, messages
from sandbox.mrkdwn import escape
from sandbox.workspace import Refused, ResponseUrl

if TYPE_CHECKING:
    from sandbox.delivery import Delivery
    from sandbox.site import Site
    from sandbox.workspace import Conversation, User, View, Workspace

Json = dict[str, Any]

_TROUBLE = "We had some trouble connecting. Try again?"
_NOT_INTERACTIVE = "This app is not configured to handle interactive responses."
_ADDRESS = re.compile(r"https?://[^\s<>]+")
_TYPED = re.compile(r"(?<![\w<@#])([@#])([^\s@#<>]+)")


@dataclass
class Outcome:
    """What came of it for the person: the messages shown meanwhile, or the error that Slack shows."""

    shown: list[Json] = field(default_factory=list)
    error: str = ""
    sentence: str = ""  # the error as the person reads it


async def command(site: Site, user: User, room: Conversation, typed: str) -> Outcome:
    """`typed` is the whole line, with the slash."""
    ws = site.ws
    name, _, text = typed.strip().partition(" ")
    known = ws.commands.get(name)
    if known is None:
        return Outcome(error="not_a_command", sentence=f"{name} is not a valid command.")
    leave = ResponseUrl(user.id, room.id, ws.expires())
    payload = {
        "token": ws.verification_token,
        "team_id": ws.team_id,
        "team_domain": ws.domain,
        "channel_id": room.id,
        "channel_name": _room_name(room),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": _escaped(ws, text.strip()) if known.get("should_escape") else text.strip(),
        "api_app_id": ws.app.app_id,
        "is_enterprise_install": "false",
        "response_url": ws.new_response_url("commands", leave),
        "trigger_id": ws.new_trigger(user.id),
    }
    began = ws.new_ts()
    delivery = site.deliveries.send("slash_commands", payload)
    await delivery.resting.wait()
    if not delivery.acknowledged:
        error = "operation_timeout" if delivery.error == "http_timeout" else "dispatch_failed"
        ws.violated(f'{typed!r} failed with the error "{error}"')
        return Outcome(error=error, sentence=f'{name} failed with the error "{error}"')
    return _answered(site, delivery, leave, began)


async def shortcut(site: Site, user: User, callback_id: str, *, message: Json | None = None,
                   room: Conversation | None = None) -> Outcome:  # fmt: skip
    """A global shortcut, or one on a message (`message` and its `room`)."""
    ws = site.ws
    payload: Json = {
        "type": "shortcut",
        "token": ws.verification_token,
        "action_ts": ws.new_ts(),
        "team": {"id": ws.team_id, "domain": ws.domain},
        "user": {"id": user.id, "username": user.name, "team_id": ws.team_id},
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": ws.new_trigger(user.id),
    }
    if message is not None and room is not None:
        leave = ResponseUrl(
            user.id, room.id, ws.expires(), thread=_thread_of(message), message=message["ts"], ephemeral=False
        )
        payload |= {
            "type": "message_action",
            "user": {"id": user.id, "name": user.name, "team_id": ws.team_id},
            "channel": {"id": room.id, "name": _room_name(room)},
            "message_ts": message["ts"],
            "message": messages.as_told(message),
            "response_url": ws.new_response_url("app", leave),
        }
    return await _interact(site, payload, room)


async def act_in_message(site: Site, user: User, room: Conversation, message: Json, action: Json) -> Outcome:
    """A button or select in a message, ephemeral ones too (they carry `recipient`)."""
    ws = site.ws
    ephemeral = "recipient" in message
    thread = _thread_of(message)
    leave = ResponseUrl(user.id, room.id, ws.expires(), thread=thread, message=message["ts"], ephemeral=ephemeral)
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": room.id,
        "is_ephemeral": ephemeral,
    }
    if thread:
        container["thread_ts"] = thread
    payload = _block_actions(ws, user, action) | {
        "container": container,
        "channel": {"id": room.id, "name": _room_name(room)},
        "state": {"values": copy.deepcopy(room.typed.get(message["ts"], {}))},
        "response_url": ws.new_response_url("actions", leave),
        "trigger_id": ws.new_trigger(user.id),
    }
    if not ephemeral:
        payload["message"] = messages.as_told(message)
    return await _interact(site, payload, room)


async def act_in_view(site: Site, user: User, view: View, action: Json) -> Outcome:
    read = dialogs.as_read(site.ws, view)
    payload = _block_actions(site.ws, user, action) | {
        "container": {"type": "view", "view_id": view.id},
        "view": read,
        "state": copy.deepcopy(read["state"]),
        "trigger_id": site.ws.new_trigger(user.id, view.id),
    }
    return await _interact(site, payload, None)


async def suggest(site: Site, user: User, view: View, element: Json, block_id: str, typed: str) -> Json:
    """What an external select offers: `options` or `option_groups`."""
    ws = site.ws
    payload = {
        "type": "block_suggestion",
        "user": _user(ws, user),
        "container": {"type": "view", "view_id": view.id},
        "api_app_id": ws.app.app_id,
        "token": ws.verification_token,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": typed,
        "team": {"id": ws.team_id, "domain": ws.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "view": dialogs.as_read(ws, view),
    }
    delivery = site.deliveries.send("interactive", payload)
    await delivery.resting.wait()
    where = f"suggestions for {element['action_id']}"
    if not delivery.acknowledged:
        ws.violated(f"{where}: not answered ({delivery.error})")
        return {"options": []}
    faults = blockkit.check_options_answer(delivery.answer)
    if faults:
        ws.violated(f"{where}: {faults}")
        return {"options": []}
    answer: Json = delivery.answer
    return answer


async def submit(site: Site, user: User, view: View, *, times: int = 1) -> None:
    """Send the dialog, `times` times at once as a double click may, and do what the answers say."""
    ws = site.ws
    view.error, view.errors = "", {}
    if not _interactive(ws):
        view.error = _NOT_INTERACTIVE
        ws.violated("view_submission: the manifest does not enable interactivity")
        return
    read = dialogs.as_read(ws, view)
    payload = {
        "type": "view_submission",
        "team": {"id": ws.team_id, "domain": ws.domain},
        "user": _user(ws, user),
        "api_app_id": ws.app.app_id,
        "token": ws.verification_token,
        "view": read,
        "response_urls": _response_urls(ws, user, view),
        "is_enterprise_install": False,
        "enterprise": None,
    }
    sent = [
        site.deliveries.send("interactive", payload | {"trigger_id": ws.new_trigger(user.id, view.id)})
        for _ in range(times)
    ]
    await asyncio.gather(*(delivery.resting.wait() for delivery in sent))
    for delivery in sent:
        if view.id not in ws.gone_views:
            await _submitted(site, user, view, delivery)


async def close(site: Site, user: User, view: View, *, cleared: bool = False) -> None:
    """The person gives up on the dialog; `cleared`: on the whole stack at once."""
    ws = site.ws
    above = dialogs.stack(ws, user.id)
    cleared = cleared or bool(view.content.get("clear_on_close"))
    closing = list(reversed(above)) if cleared else [view]
    sent = []
    for gone in closing:
        told = dialogs.as_read(ws, gone)
        dialogs.close(ws, gone)
        if gone.content.get("notify_on_close"):
            sent.append(site.deliveries.send("interactive", _view_closed(ws, user, told, cleared=cleared)))
    for delivery in sent:
        await delivery.resting.wait()
        if not delivery.acknowledged:
            ws.violated(f"view_closed was not acknowledged ({delivery.error})")


async def _submitted(site: Site, user: User, view: View, delivery: Delivery) -> None:
    ws = site.ws
    about = f"submission of {view.content.get('callback_id') or view.id}"
    if not delivery.acknowledged:
        view.error = _TROUBLE
        ws.violated(f"{about}: {_TROUBLE} ({delivery.error})")
        return
    try:
        _take(ws, user, view, delivery.answer)
    except Refused as refused:
        view.error = _TROUBLE
        ws.violated(f"{about}: {refused.error} {refused.body.get('response_metadata', '')}".strip())


def _take(ws: Workspace, user: User, view: View, answer: Any) -> None:
    if answer in (None, {}, ""):
        dialogs.close(ws, view)
        return
    kind = answer.get("response_action") if isinstance(answer, dict) else None
    if kind == "errors":
        view.errors = _errors(view, answer.get("errors"))
    elif kind == "update":
        dialogs.update(ws, view, dialogs.checked(answer.get("view")))
    elif kind == "push":
        dialogs.push(ws, user.id, dialogs.checked(answer.get("view")))
    elif kind == "clear":
        for gone in list(dialogs.stack(ws, user.id)):
            dialogs.close(ws, gone)
    else:
        raise Refused(f"not an answer to a submission: {answer!r}")


def _errors(view: View, errors: Any) -> dict[str, str]:
    """Sentences by the label of the input; only input blocks can have one."""
    inputs = {b["block_id"]: b["label"]["text"] for b in view.content["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not all(isinstance(v, str) and v for v in errors.values()):
        raise Refused(f"errors must be sentences by block_id: {errors!r}")
    strange = sorted(set(errors) - set(inputs))
    if strange:
        raise Refused(f"errors for blocks that are no inputs of this view: {', '.join(strange)}")
    return {inputs[block_id]: sentence for block_id, sentence in errors.items()}


async def _interact(site: Site, payload: Json, room: Conversation | None) -> Outcome:
    ws = site.ws
    if not _interactive(ws):
        ws.violated(f"{payload['type']}: the manifest does not enable interactivity")
        return Outcome(error="not_interactive", sentence=_NOT_INTERACTIVE)
    began = ws.new_ts()
    delivery = site.deliveries.send("interactive", payload)
    await delivery.resting.wait()
    what = payload.get("callback_id") or payload.get("actions", [{}])[0].get("action_id")
    if not delivery.acknowledged:
        ws.violated(f"{payload['type']} {what}: {_TROUBLE} ({delivery.error})")
        return Outcome(error=delivery.error, sentence=_TROUBLE)
    if delivery.answer not in (None, {}, ""):
        ws.violated(f"{payload['type']} {what}: nobody sees the answer {delivery.answer!r}")
    return Outcome(shown=_since(ws, room, payload["user"]["id"], began))


def _answered(site: Site, delivery: Delivery, leave: ResponseUrl, began: str) -> Outcome:
    ws = site.ws
    room = ws.conversations[leave.channel]
    answer = delivery.answer
    if answer not in (None, {}, ""):
        try:
            answers.show(ws, answer if isinstance(answer, dict) else {"text": str(answer)}, leave)
        except Refused as refused:
            name = delivery.payload["command"]
            ws.violated(f"answer to {name}: {refused.error} {refused.body.get('errors', '')}".strip())
            error = "dispatch_failed"
            return Outcome(error=error, sentence=f'{name} failed with the error "{error}"')
    return Outcome(shown=_since(ws, room, leave.user, began))


def _interactive(ws: Workspace) -> bool:
    return bool(ws.manifest.get("settings", {}).get("interactivity", {}).get("is_enabled"))


def _since(ws: Workspace, room: Conversation | None, user: str, began: str) -> list[Json]:
    """What the bot has shown to this person in this place since `began` (a ts)."""
    if room is None:
        return []
    said = [m for m in room.messages.values() if m.get("bot_id") == ws.app.bot_id]
    whispered = [e for e in ws.ephemerals if e["recipient"] == user and e["channel"] == room.id]
    return [message for message in (*said, *whispered) if messages.moment(message["ts"]) > messages.moment(began)]


def _block_actions(ws: Workspace, user: User, action: Json) -> Json:
    return {
        "type": "block_actions",
        "user": _user(ws, user),
        "api_app_id": ws.app.app_id,
        "token": ws.verification_token,
        "team": {"id": ws.team_id, "domain": ws.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "actions": [action | {"action_ts": ws.new_ts()}],
    }


def _view_closed(ws: Workspace, user: User, view: Json, *, cleared: bool) -> Json:
    return {
        "type": "view_closed",
        "team": {"id": ws.team_id, "domain": ws.domain},
        "user": _user(ws, user),
        "api_app_id": ws.app.app_id,
        "token": ws.verification_token,
        "view": view,
        "is_cleared": cleared,
        "is_enterprise_install": False,
        "enterprise": None,
    }


def _response_urls(ws: Workspace, user: User, view: View) -> list[Json]:
    """One for each conversation chosen in a select with response_url_enabled."""
    urls = []
    for block in view.content["blocks"]:
        element = block.get("element", {})
        if not element.get("response_url_enabled"):
            continue
        value = view.values.get(block["block_id"], {}).get(element["action_id"], {})
        channel = value.get("selected_conversation") or value.get("selected_channel")
        if channel:
            leave = ResponseUrl(user.id, channel, ws.expires())
            urls.append(
                {
                    "block_id": block["block_id"],
                    "action_id": element["action_id"],
                    "channel_id": channel,
                    "response_url": ws.new_response_url("app", leave),
                }
            )
    return urls


def _user(ws: Workspace, user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": ws.team_id}


def _thread_of(message: Json) -> str | None:
    parent = message.get("thread_ts")
    return parent if parent != message["ts"] else None


def _room_name(room: Conversation) -> str:
    return {"im": "directmessage", "mpim": room.name, "group": "privategroup"}.get(room.kind, room.name)


def _escaped(ws: Workspace, text: str) -> str:
    """`should_escape`: people and channels as ids with their names, addresses in `<>`."""
    people = ws.names_of_people()
    channels = {room.name: room.id for room in ws.conversations.values() if not room.direct}

    def mention(found: re.Match[str]) -> str:
        sign, word = found[1], found[2]
        names = people if sign == "@" else channels
        for end in range(len(word), 0, -1):
            name = word[:end].lower() if sign == "@" else word[:end]
            if name in names:
                label = ws.users[names[name]].name if sign == "@" else name
                return f"<{sign}{names[name]}|{label}>{word[end:]}"
        group = next((g for g in ws.groups.values() if sign == "@" and g["handle"] == word), None)
        return f"<!subteam^{group['id']}|@{word}>" if group else found[0]

    parts = re.split(f"({_ADDRESS.pattern})", text)
    return "".join(
        f"<{escape(part)}>" if _ADDRESS.fullmatch(part) else _TYPED.sub(mention, escape(part)) for part in parts
    )
