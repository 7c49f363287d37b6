"""What goes wrong on request: the network, Slack's own bad minutes, and deliveries out of order."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sandbox.clock import Clock

# Source: docs.slack.dev/apis/web-api/rate-limits, and each method's page; calls a minute.
_TIERS = {
    1: ("apps.event.authorizations.list",),
    20: (
        "bookmarks.add", "conversations.archive", "conversations.create", "conversations.list",
        "conversations.rename", "conversations.setPurpose", "conversations.setTopic", "conversations.unarchive",
        "emoji.list", "pins.add", "pins.list", "pins.remove", "reactions.remove", "usergroups.list",
        "usergroups.users.list", "users.list",
    ),
    100: (
        "chat.postEphemeral", "conversations.members", "files.completeUploadExternal", "files.getUploadURLExternal",
        "files.info", "users.info", "views.open", "views.publish", "views.push", "views.update",
    ),
    600: ("auth.test", "chat.getPermalink", "chat.postMessage"),
}  # fmt: skip
_ALLOWED = {method: per_minute for per_minute, methods in _TIERS.items() for method in methods}
_USUAL = 50


@dataclass
class Mishap:
    """One thing that will happen to calls of a method ("*": any), so many times."""

    kind: str  # rate_limit | status | reset_before | reset_after | refuse
    method: str
    times: int
    status: int = 0
    retry_after: int = 0
    error: str = ""


class Faults:
    """Asked for by a test; the server looks here before and after each call and each delivery."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mishaps: deque[Mishap] = deque()
        self._calls: dict[tuple[str, str], deque[datetime]] = {}
        self.cut: Callable[[], None] = lambda: None  # the server's: break every socket
        self.clear()

    def clear(self) -> None:
        """Nothing goes wrong any more. Deliveries held for reordering go out with the next `settle`."""
        self._mishaps.clear()
        self._calls.clear()
        self.seconds = 0.0
        self.slow_methods: dict[str, float] = {}
        self.by_tier = False
        self.doubled = 0
        self.acks_withheld = 0
        self.shuffle: random.Random | None = None
        self.hold = 0
        self.out_until: datetime | None = None

    # -- the Web API

    def rate_limit(self, method: str = "*", *, times: int = 1, retry_after: int = 1) -> None:
        """The next `times` calls are answered 429 with `Retry-After` (seconds)."""
        self._mishaps.append(Mishap("rate_limit", method, times, retry_after=retry_after))

    def fail(self, method: str = "*", *, times: int = 1, status: int = 503) -> None:
        """The next `times` calls are answered with this HTTP status, without effect."""
        self._mishaps.append(Mishap("status", method, times, status=status))

    def refuse(self, method: str, error: str, *, times: int = 1) -> None:
        """The next `times` calls are answered `ok: false` with this error, without effect."""
        self._mishaps.append(Mishap("refuse", method, times, error=error))

    def reset(self, method: str = "*", *, times: int = 1, after: bool = False) -> None:
        """The connection breaks: before anything happened, or `after` it took effect."""
        self._mishaps.append(Mishap("reset_after" if after else "reset_before", method, times))

    def slow(self, seconds: float = 0.15, method: str = "*") -> None:
        """Every call takes that long (0: no longer)."""
        if method == "*":
            self.seconds = seconds
        else:
            self.slow_methods[method] = seconds

    def rate_limits(self) -> None:
        """Slack's own: each method's tier, and one chat.postMessage a second and channel with bursts of five."""
        self.by_tier = True

    # -- deliveries

    def double(self, times: int = 1) -> None:
        """The next `times` events are delivered twice, with the same event_id."""
        self.doubled = times

    def reorder(self, *, seed: int = 0, hold: int = 1000) -> None:
        """Events are held back, and go out shuffled: when `hold` of them wait, or at `settle`."""
        self.shuffle, self.hold = random.Random(seed), hold

    def withhold_acks(self, times: int = 1) -> None:
        """The next `times` acknowledgements get lost: Slack behaves as if the app had said nothing."""
        self.acks_withheld = times

    def drop_sockets(self) -> None:
        """Every socket breaks without a word; the app may connect again at once."""
        self.cut()

    def outage(self, duration: timedelta | None = None) -> None:
        """No socket stays and none comes up, for so long on the sandbox's clock, or until `end_outage`."""
        self.out_until = self._clock.now() + (duration or timedelta(days=36_500))
        self.cut()

    def end_outage(self) -> None:
        self.out_until = None

    def in_words(self) -> list[str]:
        """What goes wrong at the moment."""
        told = [f"{mishap.times} times {mishap.kind.replace('_', ' ')} ({mishap.method})" for mishap in self._mishaps]
        slow = {"every method": self.seconds, **self.slow_methods}
        told += [f"{method} takes {seconds:g} s" for method, seconds in slow.items() if seconds]
        told += ["Slack's own rate limits"] if self.by_tier else []
        told += [f"the next {self.doubled} events come twice"] if self.doubled else []
        told += [f"the next {self.acks_withheld} acknowledgements get lost"] if self.acks_withheld else []
        told += ["events are held back and shuffled"] if self.shuffle is not None else []
        out = self.out_until is not None and self._clock.now() < self.out_until
        return told + (["no socket stays up"] if out else [])

    # -- asked by the server

    def strike(self, method: str, channel: str = "") -> Mishap | None:
        """What befalls this call, if anything; it counts."""
        for mishap in tuple(self._mishaps):
            if mishap.method in {"*", method}:
                mishap.times -= 1
                if mishap.times <= 0:
                    self._mishaps.remove(mishap)
                return mishap
        return self._over_the_limit(method, channel) if self.by_tier else None

    def pause(self, method: str) -> float:
        return self.slow_methods.get(method, self.seconds)

    def _over_the_limit(self, method: str, channel: str) -> Mishap | None:
        limits = [((method, ""), _ALLOWED.get(method, _USUAL), 60)]
        if method == "chat.postMessage":
            limits.append(((method, channel), 5, 5))
        now = self._clock.now()
        for key, most, seconds in limits:
            calls = self._calls.setdefault(key, deque())
            while calls and (now - calls[0]).total_seconds() >= seconds:
                calls.popleft()
            if len(calls) >= most:
                wait = int(seconds - (now - calls[0]).total_seconds()) + 1
                return Mishap("rate_limit", method, 1, retry_after=wait)
        for key, _, _ in limits:
            self._calls[key].append(now)
        return None
