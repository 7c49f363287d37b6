"""A workspace put into bytes, to go on with another day: people, conversations, files, Home tabs, ids, the clock.

What a client forgets when it is closed is not kept: open dialogs, triggers, the inspector's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sandbox.workspace import Conversation, File, Integration, Json, ResponseUrl, Scheduled, User, View

if TYPE_CHECKING:
    from sandbox.workspace import Workspace

VERSION = 1
"""Of the form below: it grows when a field is added, gone or of another kind."""


class UnreadableError(ValueError):
    """That is no workspace that this version has kept."""


@dataclass
class State:
    """What is kept of a `Workspace`, by its names there."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", extra="forbid")

    version: int
    now: datetime
    base_url: str
    number: int
    team_id: str
    team_name: str
    domain: str
    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    uninstalled: bool
    users: dict[str, User]
    integrations: list[Integration]
    conversations: dict[str, Conversation]
    ephemerals: list[Json]
    files: dict[str, File]
    groups: dict[str, Json]
    scheduled: dict[str, Scheduled]
    response_urls: dict[str, ResponseUrl]
    homes: dict[str, View]


_STATE = TypeAdapter(State)
_OWN = {"version", "now"}
_NAMES = [name for name in State.__dataclass_fields__ if name not in _OWN]


def dump(ws: Workspace) -> bytes:
    """The workspace as it is now."""
    state = State(VERSION, ws.clock.now(), **{name: getattr(ws, name) for name in _NAMES})
    return _STATE.dump_json(state)


def load(kept: bytes) -> State:
    """What `dump` gave. UnreadableError when it is damaged, or another version's."""
    try:
        state = _STATE.validate_json(kept)
    except ValidationError as error:
        raise UnreadableError(f"that is no kept workspace: {error}") from error
    if state.version != VERSION:
        raise UnreadableError(f"that workspace was kept by version {state.version}; this is version {VERSION}")
    return state


def restore(ws: Workspace, state: State) -> None:
    """Make `ws`, which is new, what it was when `state` was kept."""
    for name in _NAMES:
        setattr(ws, name, getattr(state, name))
    for integration in ws.integrations:
        ws.users[integration.user_id].app = integration
    ws.app = ws.integrations[0]
    said = [ts for room in ws.conversations.values() for ts in room.messages]
    whispered = [message["ts"] for message in ws.ephemerals]
    ws.used_ts = {int(ts.replace(".", "")) for ts in (*said, *whispered)}
