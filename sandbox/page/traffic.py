"""What went between the workspace and the app, for the inspector. On the server's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.delivery import Delivery
    from sandbox.site import Called, Site

Json = dict[str, Any]


def lines(site: Site, most: int) -> list[Json]:
    """The latest `most` payloads both ways, oldest first; each can be asked for whole by its `id`."""
    told = [
        *(_delivery(number, sent) for number, sent in enumerate(site.deliveries.log)),
        *(_call(f"c{number}", called) for number, called in enumerate(site.calls)),
        *(_call(f"h{number}", called) for number, called in enumerate(site.hooks)),
    ]
    return sorted(told, key=lambda line: line["at"])[-most:]


def whole(site: Site, ident: str) -> Json | None:
    """One payload with what was answered, None when there is no such one."""
    logs: dict[str, list[Any]] = {"d": site.deliveries.log, "c": site.calls, "h": site.hooks}
    log, number = logs.get(ident[:1], []), ident[1:]
    if not number.isdecimal() or int(number) >= len(log):
        return None
    entry = log[int(number)]
    if ident[0] == "d":
        attempts = [{"outcome": a.outcome, "seconds": round(a.seconds, 4)} for a in entry.attempts]
        return {"sent": entry.payload, "answered": entry.answer, "attempts": attempts}
    return {"sent": entry.args, "answered": entry.answer, "status": entry.status}


def _delivery(number: int, sent: Delivery) -> Json:
    outcome = "acknowledged" if sent.acknowledged else sent.error or "waiting"
    return {
        "id": f"d{number}",
        "way": "to",
        "at": (sent.attempts[0].at if sent.attempts else sent.due).timestamp(),
        "kind": sent.kind,
        "what": _what(sent),
        "milliseconds": round(sent.attempts[-1].seconds * 1000, 1) if sent.attempts else None,
        "attempts": len(sent.attempts),
        "outcome": outcome,
        "good": sent.acknowledged or not sent.attempts,
    }


def _call(ident: str, called: Called) -> Json:
    broken = called.answer is None
    refusal = called.error or (f"HTTP {called.status}" if called.status != 200 else "")
    return {
        "id": ident,
        "way": "from",
        "at": called.at.timestamp(),
        "kind": "response_url" if ident[0] == "h" else "web_api",
        "what": called.method,
        "milliseconds": round(called.seconds * 1000, 1),
        "attempts": 1,
        "outcome": "no answer" if broken else refusal or "ok",
        "good": not broken and not refusal,
    }


def _what(sent: Delivery) -> str:
    payload = sent.payload
    if sent.kind == "slash_commands":
        return f"{payload['command']} {payload['text']}".strip()
    if sent.kind == "events_api":
        event = payload.get("event", {})
        return " · ".join(str(part) for part in (event.get("type"), event.get("subtype")) if part)
    actions = payload.get("actions") or [{}]
    about = payload.get("callback_id") or payload.get("view", {}).get("callback_id")
    named = actions[0].get("action_id") or payload.get("action_id") or about
    return " · ".join(str(part) for part in (payload.get("type"), named) if part)
