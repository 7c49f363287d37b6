"""users.*, usergroups.*, dnd.*."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.web_api.call import method
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from sandbox.web_api.call import Call
    from sandbox.workspace import User

Json = dict[str, Any]


@method("users.info", scopes=["users:read"], required=["user"])
def info(call: Call) -> Json:
    return {"user": _read(call, call.ws.user(call.text("user")))}


@method("users.list", scopes=["users:read"])
def list_all(call: Call) -> Json:
    page, after = call.page(list(call.ws.users.values()), default=1000)
    told = [_read(call, user) for user in page]
    return {"members": told, "cache_ts": call.ws.unix(), "response_metadata": after}


@method("users.lookupByEmail", scopes=["users:read.email"], required=["email"])
def lookup(call: Call) -> Json:
    wanted = call.text("email").lower()
    for user in call.ws.users.values():
        if user.email.lower() == wanted and not user.deleted:
            return {"user": _read(call, user)}
    raise Refused("users_not_found")


@method("usergroups.list", scopes=["usergroups:read"])
def groups(call: Call) -> Json:
    with_users = call.flag("include_users")
    told = [
        {key: value for key, value in group.items() if with_users or key != "users"}
        for group in call.ws.groups.values()
    ]
    return {"usergroups": told}


@method("usergroups.users.list", scopes=["usergroups:read"], required=["usergroup"])
def group_users(call: Call) -> Json:
    group = call.ws.groups.get(call.text("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": list(group["users"])}


@method("dnd.info", scopes=["dnd:read"])
def dnd(call: Call) -> Json:
    user = call.ws.user(call.text("user", call.ws.app.user_id))
    now = call.ws.clock.now()
    until = user.dnd_until
    snoozed = until is not None and now < until
    told: Json = {
        "dnd_enabled": snoozed,
        "next_dnd_start_ts": call.ws.unix() if snoozed else 1,
        "next_dnd_end_ts": int((until or now + timedelta()).timestamp()) if snoozed else 1,
        "snooze_enabled": snoozed,
    }
    return told | ({"snooze_endtime": int(until.timestamp())} if snoozed and until else {})


def _read(call: Call, user: User) -> Json:
    return call.ws.user_json(user, with_email="users:read.email" in call.ws.scopes)
