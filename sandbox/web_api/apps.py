"""auth, apps, team, bots, emoji, and the check of blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import blockkit
from sandbox.web_api.call import method
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call

Json = dict[str, Any]


@method("api.test", caller="anybody")
def test(call: Call) -> Json:
    if call.given("error"):
        raise Refused(call.text("error"), args=call.args)
    return {"args": call.args}


@method("auth.test")
def auth_test(call: Call) -> Json:
    ws = call.ws
    return {
        "url": f"https://{ws.domain}.slack.com/",
        "team": ws.team_name,
        "user": ws.users[ws.app.user_id].name,
        "team_id": ws.team_id,
        "user_id": ws.app.user_id,
        "bot_id": ws.app.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", caller="app")
def connections_open(call: Call) -> Json:
    return {"url": call.site.sockets.new_url()}


@method("apps.event.authorizations.list", caller="app", required=["event_context"])
def authorizations(call: Call) -> Json:
    ws = call.ws
    if call.text("event_context") not in ws.contexts:
        raise Refused("invalid_event_context")
    one = {
        "enterprise_id": None,
        "team_id": ws.team_id,
        "user_id": ws.app.user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {"authorizations": [one]}


@method("team.info", scopes=["team:read"])
def team_info(call: Call) -> Json:
    ws = call.ws
    if call.text("team", ws.team_id) != ws.team_id:
        raise Refused("team_not_found")
    team = {"id": ws.team_id, "name": ws.team_name, "domain": ws.domain, "email_domain": "", "icon": {}}
    return {"team": team}


@method("bots.info", scopes=["users:read"])
def bots_info(call: Call) -> Json:
    wanted = call.text("bot", call.ws.app.bot_id)
    for app in call.ws.integrations:
        if app.bot_id == wanted:
            bot = {"id": app.bot_id, "deleted": False, "name": app.name, "updated": 0}
            return {"bot": bot | {"app_id": app.app_id, "user_id": app.user_id, "icons": {}}}
    raise Refused("bot_not_found")


@method("emoji.list", scopes=["emoji:read"])
def emoji_list(_call: Call) -> Json:
    return {"emoji": {}, "cache_ts": "0"}


@method("blocks.validate", caller="anybody")
def blocks_validate(call: Call) -> Json:
    given = [name for name in ("blocks", "message", "view") if call.given(name)]
    if len(given) != 1:
        raise Refused("invalid_arguments")
    faults = _faults(given[0], call.structure(given[0]))
    if faults:
        raise Refused("invalid_blocks", errors=[_fault(fault, given[0]) for fault in faults])
    return {}


def _faults(kind: str, value: Any) -> list[str]:
    if kind == "view":
        return blockkit.check_view(value)
    if kind == "blocks":
        return blockkit.check_message_blocks(value)
    if not isinstance(value, dict):
        return ["must provide an object [json-pointer:/message]"]
    extra = [
        f"invalid additional property: {name} [json-pointer:/message]"
        for name in sorted(set(value) - {"blocks", "attachments"})
    ]
    blocks = blockkit.check_message_blocks(value.get("blocks", []))
    return extra + blocks + blockkit.check_attachments(value.get("attachments", []))


def _fault(fault: str, kind: str) -> Json:
    said = re.fullmatch(r"(.*) \[json-pointer:(.*)\]", fault, re.DOTALL)
    words, pointer = (said[1], said[2]) if said else (fault, "")
    body = {"code": "schema_violation", "message": words, "pointer": pointer.removeprefix(f"/{kind}")}
    missing = re.match(r"missing required field: (\S+)", words)
    if missing:
        body |= {"code": "missing_field", "field": missing[1]}
    return body
