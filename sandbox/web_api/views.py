"""views.*: dialogs and the Home tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import dialogs
from sandbox.web_api.call import method
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import View

Json = dict[str, Any]


@method("views.open", required=["view", "trigger_id"])
def open_view(call: Call) -> Json:
    content = dialogs.checked(call.structure("view"))
    trigger = dialogs.exchange(call.ws, call.text("trigger_id"))
    return _shown(call, dialogs.open_first(call.ws, trigger.user, content))


@method("views.push", required=["view", "trigger_id"])
def push(call: Call) -> Json:
    content = dialogs.checked(call.structure("view"))
    trigger = dialogs.exchange(call.ws, call.text("trigger_id"))
    return _shown(call, dialogs.push(call.ws, trigger.user, content))


@method("views.update", required=["view"])
def update(call: Call) -> Json:
    if not call.given("view_id") and not call.given("external_id"):
        raise Refused("invalid_arguments")
    if call.given("view_id"):
        view = dialogs.by_id(call.ws, call.text("view_id"))
    else:
        view = dialogs.by_external_id(call.ws, call.text("external_id"))
    content = dialogs.checked(call.structure("view"), view.content["type"])
    expected = call.text("hash") or None
    return _shown(call, dialogs.update(call.ws, view, content, expected=expected))


@method("views.publish", required=["user_id", "view"])
def publish(call: Call) -> Json:
    if not call.ws.manifest.get("features", {}).get("app_home", {}).get("home_tab_enabled"):
        raise Refused("not_enabled")
    call.ws.user(call.text("user_id"))
    content = dialogs.checked(call.structure("view"), "home")
    expected = call.text("hash") or None
    return _shown(call, dialogs.publish(call.ws, call.text("user_id"), content, expected=expected))


def _shown(call: Call, view: View) -> Json:
    return {"view": dialogs.as_read(call.ws, view)}
