"""What is delivered to the app, over whichever transport: attempts, acknowledgements, retries, and their log."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sandbox import manifest as manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.faults import Faults
    from sandbox.workspace import Workspace

Json = dict[str, Any]

# Pause before each attempt at an event. Source: docs.slack.dev/apis/events-api ("Retries").
_PAUSES = (timedelta(), timedelta(), timedelta(minutes=1), timedelta(minutes=5))


# The events that each scope opens. Source: the page of each event under docs.slack.dev/reference/events.
_OPENS = {
    "channels:history": ("message.channels",),
    "groups:history": ("message.groups",),
    "im:history": ("message.im",),
    "mpim:history": ("message.mpim",),
    "app_mentions:read": ("app_mention",),
    "reactions:read": ("reaction_added", "reaction_removed"),
    "pins:read": ("pin_added", "pin_removed"),
    "channels:read": ("channel_created", "channel_rename", "channel_archive", "channel_unarchive", "channel_left",
                      "member_joined_channel", "member_left_channel"),
    "groups:read": ("group_rename", "group_archive", "group_unarchive", "group_left",
                    "member_joined_channel", "member_left_channel"),
    "files:read": ("file_shared",),
    "users:read": ("user_change", "team_join"),
}  # fmt: skip


def unheard(manifest: Json) -> list[str]:
    """Subscriptions of the manifest that Slack would not save for want of a scope."""
    scopes = manifests.scopes(manifest)
    wants = {
        event: [scope for scope, events in _OPENS.items() if event in events]
        for event in sorted(manifests.events(manifest))
    }
    return [
        f"the manifest subscribes to {event} without {' or '.join(needed)}"
        for event, needed in wants.items()
        if needed and not scopes.intersection(needed)
    ]


class Undelivered(Exception):  # noqa: N818 - an outcome that the sender looks at
    """No acknowledgement: `reason` in Slack's words (http_timeout, connection_failed, http_error)."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


@dataclass(frozen=True)
class Attempt:
    number: int  # 0 is the first
    at: datetime
    seconds: float  # real time until the acknowledgement, or until Slack gave up waiting
    outcome: str  # "acknowledged", or Slack's reason for the retry


@dataclass(eq=False)
class Delivery:
    """One payload on its way to the app."""

    kind: str  # events_api | slash_commands | interactive
    payload: Json
    due: datetime
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: bool = False
    answer: Any = None  # what the app said with its acknowledgement
    finished: bool = False
    resting: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def error(self) -> str:
        """Slack's reason when the latest attempt was not acknowledged."""
        return "" if self.acknowledged or not self.attempts else self.attempts[-1].outcome


class Transport(Protocol):
    async def send(self, delivery: Delivery, number: int, reason: str) -> Any:
        """Deliver once and return the app's answer; Undelivered when there is none."""


class Deliveries:
    """Sends each payload on a task of its own, in the order in which they came up."""

    def __init__(self, ws: Workspace, faults: Faults, *, ack_seconds: float) -> None:
        self.ws = ws
        self.faults = faults
        self.ack_seconds = ack_seconds
        self.log: list[Delivery] = []
        self.transport: Transport
        self.noted: Callable[[], None] = lambda: None  # the server's: this log has changed
        self._subscribed = manifests.events(ws.manifest)
        ws.violations += unheard(ws.manifest)
        self._open: set[Delivery] = set()
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, subscription: str, event: Json) -> None:
        """Deliver if the manifest subscribes to it; twice or later if the faults say so."""
        if subscription not in self._subscribed:
            return
        self.event_callback(self.envelope(event))

    def event_callback(self, payload: Json) -> list[Delivery]:
        """Deliver this whole payload, subscribed or not."""
        copies = [self._new("events_api", payload)]
        if self.faults.doubled:
            self.faults.doubled -= 1
            copies.append(self._new("events_api", payload))
        if self.faults.shuffle is None:
            for delivery in copies:
                self._start(delivery)
            return copies
        self._held += copies
        if len(self._held) >= self.faults.hold:
            self.release()
        return copies

    def send(self, kind: str, payload: Json) -> Delivery:
        """Deliver a command or an interaction: once, never again."""
        delivery = self._new(kind, payload)
        self._start(delivery)
        return delivery

    def release(self) -> None:
        """Let go of what was held back, in a shuffled order."""
        held, self._held = self._held, []
        if self.faults.shuffle is not None:
            self.faults.shuffle.shuffle(held)
        for delivery in held:
            self._start(delivery)

    async def settle(self) -> None:
        """Return when nothing is on its way and nothing is due. Retries of later wait for the clock."""
        self.release()
        while self._busy():  # noqa: ASYNC110 - what it waits for includes the clock
            await asyncio.sleep(0.001)

    async def rest(self, deliveries: Iterable[Delivery]) -> None:
        """Return when each of these was acknowledged, or Slack stopped trying for now."""
        for delivery in deliveries:
            if delivery not in self._held:
                await delivery.resting.wait()

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _busy(self) -> bool:
        now = self.ws.clock.now()
        sending = any(not d.resting.is_set() or d.due <= now for d in self._open)
        return sending or any(s.post_at <= now.timestamp() for s in self.ws.scheduled.values())

    def _new(self, kind: str, payload: Json) -> Delivery:
        delivery = Delivery(kind, payload, due=self.ws.clock.now())
        self.log.append(delivery)
        self.noted()
        return delivery

    def _start(self, delivery: Delivery) -> None:
        self._open.add(delivery)
        task = asyncio.get_running_loop().create_task(self._carry(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, delivery: Delivery) -> None:
        pauses = _PAUSES if delivery.kind == "events_api" else _PAUSES[:1]
        for number, pause in enumerate(pauses):
            if pause:
                delivery.due = self.ws.clock.now() + pause
                delivery.resting.set()
                await self.ws.clock.reaches(delivery.due)
                delivery.resting.clear()
            if await self._attempt(delivery, number):
                break
        else:
            if delivery.kind == "events_api":
                self.ws.violated(f"event never acknowledged: {_what(delivery.payload)} ({delivery.error})")
        delivery.finished = True
        self._open.discard(delivery)
        delivery.resting.set()

    async def _attempt(self, delivery: Delivery, number: int) -> bool:
        """Whether there is nothing more to try."""
        reason = delivery.attempts[-1].outcome if delivery.attempts else ""
        at, started = self.ws.clock.now(), time.monotonic()
        outcome, final = "acknowledged", True
        try:
            answer = await self.transport.send(delivery, number, reason)
            if self.faults.acks_withheld:
                self.faults.acks_withheld -= 1
                outcome, final = "http_timeout", False
            else:
                delivery.acknowledged, delivery.answer = True, answer
        except Undelivered as undelivered:
            outcome, final = undelivered.reason, undelivered.final
        delivery.attempts.append(Attempt(number, at, time.monotonic() - started, outcome))
        self.noted()
        return final

    def envelope(self, event: Json) -> Json:
        ws = self.ws
        channel = event.get("channel") or event.get("item", {}).get("channel") or event.get("channel_id", "")
        about = {"et": event["type"], "tid": ws.team_id, "aid": ws.app.app_id, "cid": str(channel)}
        context = "4-" + base64.b64encode(json.dumps(about).encode()).decode()
        ws.contexts.add(context)
        return {
            "token": ws.verification_token,
            "team_id": ws.team_id,
            "context_team_id": ws.team_id,
            "context_enterprise_id": None,
            "api_app_id": ws.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": ws.new_id("Ev"),
            "event_time": ws.unix(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": ws.team_id,
                    "user_id": ws.app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": context,
        }


def _what(payload: Json) -> str:
    event = payload.get("event", {})
    return ".".join(str(part) for part in (event.get("type"), event.get("subtype")) if part)
