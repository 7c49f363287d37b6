"""Dialogs and Home tabs: the stack before each person, hashes, triggers, and what is kept over an update."""

from __future__ import annotations

import copy
import secrets
from typing import TYPE_CHECKING, Any

from sandbox import blockkit, forms
from sandbox.workspace import Refused, Trigger, View

if TYPE_CHECKING:
    from sandbox.workspace import Workspace

Json = dict[str, Any]

_DEEPEST = 3


def checked(content: Any, surface: str = "modal") -> Json:
    """The view, if Slack would show it on this surface (modal or home); Refused with every fault otherwise."""
    faults = blockkit.check_view(content)
    if not faults and content["type"] != surface:
        faults = ["must be a valid enum value [json-pointer:/view/type]"]
    if faults:
        body = blockkit.error_body_for_view(faults)
        raise Refused(body.pop("error"), **{key: value for key, value in body.items() if key != "ok"})
    view: Json = content
    return view


def exchange(ws: Workspace, trigger_id: str) -> Trigger:
    """Use a trigger up. Sources: reference/methods/views.open (errors), views.push."""
    if len(trigger_id.split(".")) != 3:
        raise Refused("invalid_trigger_id")
    trigger = ws.triggers.get(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if ws.clock.now() >= trigger.expires:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger


def stack(ws: Workspace, user: str) -> list[View]:
    return ws.dialogs.setdefault(user, [])


def open_first(ws: Workspace, user: str, content: Json) -> View:
    """A new stack; what was open before it is gone."""
    for old in stack(ws, user):
        ws.gone_views.add(old.id)
    ws.dialogs[user] = []
    return _put(ws, user, content)


def push(ws: Workspace, user: str, content: Json) -> View:
    if not stack(ws, user):
        raise Refused("not_found")
    if len(stack(ws, user)) >= _DEEPEST:
        raise Refused("push_limit_reached")
    return _put(ws, user, content)


def update(ws: Workspace, view: View, content: Json, *, expected: str | None = None) -> View:
    """Other content in the same place; what was typed stays where block_id and action_id are the same."""
    if expected is not None and expected != view.hash:
        raise Refused("hash_conflict")
    _check_external_id(ws, content, but=view)
    filled = blockkit.with_defaults(content, ws.block_ids())
    view.values = forms.carry_over(view.content, view.values, filled)
    view.content, view.hash, view.errors, view.error = filled, _new_hash(ws), {}, ""
    return view


def publish(ws: Workspace, user: str, content: Json, *, expected: str | None = None) -> View:
    home = ws.homes.get(user)
    if home is not None:
        return update(ws, home, content, expected=expected)
    _check_external_id(ws, content)
    home = _new_view(ws, user, content, previous=None)
    ws.homes[user] = home
    return home


def close(ws: Workspace, view: View) -> None:
    views = stack(ws, view.user)
    if view in views:
        views.remove(view)
        ws.gone_views.add(view.id)


def by_id(ws: Workspace, view_id: str) -> View:
    for view in _all(ws):
        if view.id == view_id:
            return view
    raise Refused("not_found")


def by_external_id(ws: Workspace, external_id: str) -> View:
    for view in _all(ws):
        if external_id and view.content.get("external_id") == external_id:
            return view
    raise Refused("not_found")


def as_read(ws: Workspace, view: View) -> Json:
    """The view as payloads and views.* carry it."""
    content = copy.deepcopy(view.content)
    whole: Json = {
        "id": view.id,
        "team_id": ws.team_id,
        "type": content["type"],
        "blocks": content["blocks"],
        "private_metadata": content.get("private_metadata", ""),
        "callback_id": content.get("callback_id", ""),
        "state": {"values": copy.deepcopy(view.values)},
        "hash": view.hash,
        "title": content.get("title", {"type": "plain_text", "text": "View Title", "emoji": True}),
        "clear_on_close": content.get("clear_on_close", False),
        "notify_on_close": content.get("notify_on_close", False),
        "close": content.get("close"),
        "submit": content.get("submit"),
        "previous_view_id": view.previous,
        "root_view_id": view.root,
        "app_id": ws.app.app_id,
        "external_id": content.get("external_id", ""),
        "app_installed_team_id": ws.team_id,
        "bot_id": ws.app.bot_id,
    }
    return whole


def _all(ws: Workspace) -> list[View]:
    return [view for views in ws.dialogs.values() for view in views] + list(ws.homes.values())


def _put(ws: Workspace, user: str, content: Json) -> View:
    _check_external_id(ws, content)
    views = stack(ws, user)
    view = _new_view(ws, user, content, previous=views[-1] if views else None)
    views.append(view)
    return view


def _new_view(ws: Workspace, user: str, content: Json, *, previous: View | None) -> View:
    filled = blockkit.with_defaults(content, ws.block_ids())
    view_id = ws.new_id("V")
    return View(
        view_id,
        user,
        filled,
        _new_hash(ws),
        root=previous.root if previous else view_id,
        previous=previous.id if previous else None,
        values=forms.initial_values(filled),
    )


def _check_external_id(ws: Workspace, content: Json, *, but: View | None = None) -> None:
    wanted = content.get("external_id")
    if wanted and any(v is not but and v.content.get("external_id") == wanted for v in _all(ws)):
        raise Refused("duplicate_external_id")


def _new_hash(ws: Workspace) -> str:
    return f"{ws.unix()}.{secrets.token_urlsafe(6)}"
