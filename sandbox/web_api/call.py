"""One call of the Web API as its method sees it, and the register of methods."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox import rooms
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.site import Site
    from sandbox.workspace import Conversation, Workspace

Json = dict[str, Any]
Answer = Callable[["Call"], Json]

_NOUNS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True)
class Method:
    name: str
    answer: Answer
    scopes: tuple[str, ...]  # any of them will do
    caller: str  # whose token it takes: bot, app (the app-level one), or anybody
    required: tuple[str, ...]


METHODS: dict[str, Method] = {}


def method(
    name: str, *, scopes: Sequence[str] = (), caller: str = "bot", required: Sequence[str] = ()
) -> Callable[[Answer], Answer]:
    """Register the function that answers `name`; `scopes`: any of these, `caller`: whose token, `required`:
    arguments.
    """

    def register(answer: Answer) -> Answer:
        METHODS[name] = Method(name, answer, tuple(scopes), caller, tuple(required))
        return answer

    return register


class Call:
    """The arguments, however they were sent: JSON values, or strings out of a form or query."""

    def __init__(self, site: Site, args: Json) -> None:
        self.site = site
        self.ws: Workspace = site.ws
        self.args = args

    # -- arguments

    def given(self, name: str) -> bool:
        return self.args.get(name) not in {None, ""} if _hashable(self.args.get(name)) else True

    def text(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.args.get(name)
        return default if value is None else value in {True, "1", "true", "True"}

    def number(self, name: str, default: int) -> int:
        value = self.args.get(name)
        if value in {None, ""}:
            return default
        try:
            return int(str(value))
        except ValueError:
            raise Refused("invalid_arguments", **_messages(f"must be an integer [json-pointer:/{name}]")) from None

    def structure(self, name: str, *, error: str = "invalid_arguments") -> Any:
        """A JSON argument, sent as such or as a string; `error` when it is not JSON."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise Refused(error) from None

    def listed(self, name: str) -> list[str]:
        """Values with commas between them, or a JSON array."""
        value = self.args.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [item.strip() for item in str(value or "").split(",") if item.strip()]

    # -- conversations and leave

    def room(self, name: str = "channel") -> Conversation:
        """The conversation; a private one without the bot is not found."""
        wanted = self.text(name)
        room = self.ws.conversations.get(wanted)
        if room is None or (room.private and self.ws.app.user_id not in room.members):
            raise Refused("channel_not_found")
        return room

    def joined_room(self, name: str = "channel") -> Conversation:
        room = self.room(name)
        if self.ws.app.user_id not in room.members:
            raise Refused("not_in_channel")
        return room

    def need(self, *scopes: str) -> None:
        """Refuse unless the token has one of these."""
        if not self.ws.scopes.intersection(scopes):
            provided = ",".join(sorted(self.ws.scopes))
            raise Refused("missing_scope", needed=",".join(scopes), provided=provided)

    def need_for(self, room: Conversation, leave: str, *others: str) -> None:
        """The scope for this kind of conversation: `leave` is read, history, manage, or write.topic and the like."""
        noun = _NOUNS[room.kind]
        if leave in {"read", "history"}:
            self.need(f"{noun}:{leave}")
        elif noun == "channels":
            self.need("channels:manage", *others)
        else:
            self.need(f"{noun}:write", *(other.replace("channels", noun) for other in others))

    # -- pages

    def page(self, items: Sequence[Any], *, default: int, most: int = 1000) -> tuple[list[Any], Json]:
        """One page of `items`, and `response_metadata` with the cursor of the next ("" at the end)."""
        limit = self.number("limit", default) or default
        if not 1 <= limit <= most:
            limit = min(max(limit, 1), most)
        start = _start(self.text("cursor"))
        after = start + limit
        cursor = base64.b64encode(f"next:{after}".encode()).decode() if after < len(items) else ""
        return list(items[start:after]), {"next_cursor": cursor}

    def channel_named(self, name: str) -> Conversation | None:
        return rooms.by_name(self.ws, name.removeprefix("#"))


def answer(site: Site, name: str, args: Json, token: str) -> Json:
    """Slack's answer; Refused where it says `ok: false`. Tokens: bot `xoxb-`, app-level `xapp-`."""
    wanted = METHODS.get(name)
    if wanted is None:
        raise Refused("unknown_method", req_method=name)
    ws = site.ws
    if wanted.caller != "anybody":
        if not token:
            raise Refused("not_authed")
        if token not in {ws.bot_token, ws.app_token}:
            raise Refused("invalid_auth")
        if ws.uninstalled and token == ws.bot_token:
            raise Refused("account_inactive")
        if token != (ws.bot_token if wanted.caller == "bot" else ws.app_token):
            raise Refused("not_allowed_token_type")
    call = Call(site, args)
    if wanted.scopes:
        call.need(*wanted.scopes)
    missing = [f"missing required field: {field}" for field in wanted.required if not call.given(field)]
    if missing:
        raise Refused("invalid_arguments", **_messages(*missing))
    return {"ok": True, **wanted.answer(call)}


def metadata(call: Call) -> Json | None:
    """The `metadata` of a message. Source: docs.slack.dev/messaging/message-metadata."""
    given: Any = call.structure("metadata", error="invalid_metadata_format")
    if given in (None, {}):
        return None
    if not isinstance(given, dict) or set(given) - {"event_type", "event_payload", "entities"}:
        raise Refused("invalid_metadata_format")
    if not isinstance(given.get("event_type"), str) or not isinstance(given.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(given)) > 16_000:
        raise Refused("metadata_too_large")
    return given


def _messages(*said: str) -> Json:
    return {"response_metadata": {"messages": [f"[ERROR] {line}" for line in said]}}


def _hashable(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        found = re.fullmatch(r"next:(\d+)", base64.b64decode(cursor, validate=True).decode())
    except ValueError:
        found = None
    if found is None:
        raise Refused("invalid_cursor")
    return int(found[1])
