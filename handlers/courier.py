"""The courier: carries what is in the outbox to Slack, each thing once, in the order of its lane."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from sqlmodel import Session

from storage import outbox
from storage.db import Database
from storage.models import OutboxItem

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

LEASE = timedelta(seconds=30)
"""How long a worker may hold an item without noting progress: three calls that time out. After a crash
another takes it when this has passed."""

PAUSES = [timedelta(seconds=seconds) for seconds in (1, 2, 5, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400)]
"""Growing pauses between tries, together about eight hours; then the courier gives up, visibly."""

PASSING = {
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "accesslimited", "failed_sending", "message_limit_exceeded",
}  # fmt: skip
"""Slack's errors that pass (https://docs.slack.dev/reference/methods/chat.postMessage#errors)."""


def passes(error: SlackApiError) -> bool:
    """Whether Slack may say something else when it is asked again."""
    answer: Any = error.response
    return _asked_to_wait(error) is not None or answer.get("error") in PASSING or answer.status_code >= 500


def _asked_to_wait(error: SlackApiError) -> int | None:
    """The seconds Slack wants us to wait, when it is too much for it."""
    answer: Any = error.response
    wait = answer.headers.get("Retry-After") or answer.headers.get("retry-after")
    return int(wait or 1) if answer.status_code == 429 or wait else None


class GiveUp(Exception):  # noqa: N818 - an outcome, told to whoever asked for it
    """This can never be delivered; the message says why."""


class Later(Exception):  # noqa: N818 - an outcome
    """This cannot be delivered yet: try again after `pause`."""

    def __init__(self, why: str, pause: timedelta) -> None:
        super().__init__(why)
        self.pause = pause


@dataclass
class Delivery:
    """One item under way: what to deliver, with what, and what is done of it already."""

    item_id: int
    kind: str
    key: str
    team_id: str
    payload: dict[str, Any]
    progress: dict[str, Any]
    attempt: int
    created_at: datetime
    client: WebClient
    db: Database
    clock: Clock
    worker: str
    extras: dict[str, Any] = field(default_factory=dict)
    writes: list[Callable[[Session], None]] = field(default_factory=list)

    def note(self, **done: Any) -> None:
        """Remember a step that is done, so that a later try does not do it again."""
        self.progress.update(done)
        with self.db.transaction() as session:
            item = outbox.held(session, self.item_id, self.worker)
            if item is not None:
                item.progress, item.leased_until = dict(self.progress), self.clock() + LEASE
                session.add(item)

    def at_end(self, write: Callable[[Session], None]) -> None:
        """Have what follows from this delivery written in the transaction that notes its end."""
        self.writes.append(write)

    def post_once(self, channel: str, step: str = "post", **message: Any) -> str:
        """Post a message unless an earlier try posted it; returns its `ts`.

        Slack has no idempotency key for apps: after a crash or a time-out between sending and noting, the
        message's metadata tells whether it is there (https://docs.slack.dev/messaging/message-metadata).
        """
        if step in self.progress:
            return str(self.progress[step])
        found = self.post_last(channel, step, **message)
        self.note(**{step: found})
        return found

    def post_last(self, channel: str, step: str = "post", **message: Any) -> str:
        """The same as the last step of a delivery, which its end notes."""
        found = self.posted_before(channel, step)
        if found is None:
            metadata = {"event_type": "seamark_delivery", "event_payload": {"key": f"{self.key}/{step}"}}
            answer = self.client.chat_postMessage(
                channel=channel, metadata=metadata, unfurl_links=False, unfurl_media=False, **message
            )
            found = str(answer["ts"])
        return found

    def posted_before(self, channel: str, step: str = "post") -> str | None:
        """The `ts` of what an earlier try posted, also when it could not note it any more."""
        if step in self.progress:
            return str(self.progress[step])
        return self._with_metadata(channel, f"{self.key}/{step}") if self.attempt > 1 else None

    def _with_metadata(self, channel: str, key: str) -> str | None:
        oldest = f"{(self.created_at - timedelta(minutes=1)).timestamp():.6f}"
        cursor = None
        while True:
            page = self.client.conversations_history(
                channel=channel, oldest=oldest, include_all_metadata=True, limit=200, cursor=cursor
            )
            for message in page["messages"]:
                if (message.get("metadata") or {}).get("event_payload", {}).get("key") == key:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None


Carry = Callable[[Delivery], None]


class Deliveries:
    """The kinds of delivery: one function each, resumable and idempotent."""

    def __init__(self) -> None:
        self._kinds: dict[str, Carry] = {}

    def kind(self, name: str) -> Callable[[Carry], Carry]:
        def register(carry: Carry) -> Carry:
            self._kinds[name] = carry
            return carry

        return register

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    def __getitem__(self, name: str) -> Carry:
        return self._kinds[name]


class Courier:
    """Takes due items under a lease and carries them, with several threads or on demand.

    `worker` names this process; `extras` is what deliveries need besides client, database and clock.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        *,
        db: Database,
        client: WebClient,
        clock: Clock,
        worker: str,
        extras: dict[str, Any] | None = None,
        threads: int = 4,
    ) -> None:
        self._deliveries, self._db, self._client, self._clock = deliveries, db, client, clock
        self._worker, self._extras, self._threads = worker, extras or {}, threads
        self._running: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._work = threading.Semaphore(0)
        self.beat: datetime | None = None

    def start(self) -> None:
        self._db.after_commit(self.wake)
        for number in range(self._threads):
            thread = threading.Thread(target=self._run, args=(f"{self._worker}/{number}",), name=f"courier-{number}")
            thread.start()
            self._running.append(thread)

    def wake(self) -> None:
        """Look for work now instead of at the next turn."""
        self._work.release()

    def stop(self) -> None:
        """Finish what is in flight, and no more."""
        self._stopping.set()
        for _ in self._running:
            self._work.release()
        for thread in self._running:
            thread.join()
        self._running.clear()

    def drain(self) -> int:
        """Carry everything that is due now; returns how many items were tried."""
        tried = 0
        while self._carry_next(f"{self._worker}/drain"):
            tried += 1
        return tried

    def _run(self, worker: str) -> None:
        while not self._stopping.is_set():
            try:
                carried = self._carry_next(worker)
            except Exception:
                # The database may be away for a while; a courier that died of it would stay silent for ever.
                log.exception("The courier could not look into the outbox; it tries again in a second.")
                carried = False
            if not carried:
                self._work.acquire(timeout=1)

    def _carry_next(self, worker: str) -> bool:
        now = self.beat = self._clock()
        with self._db.transaction() as session:
            items = outbox.claim(session, worker=worker, now=now, lease=LEASE, most=1)
        for item in items:
            self._carry(item, worker)
        return bool(items)

    def _carry(self, item: OutboxItem, worker: str) -> None:
        outcome: Callable[[OutboxItem], None]
        writes: list[Callable[[Session], None]] = []
        try:
            if item.kind not in self._deliveries:
                raise GiveUp(f"this version does not know deliveries of the kind {item.kind}")  # noqa: TRY301
            delivery = self._delivery(item, worker)
            self._deliveries[item.kind](delivery)
        except GiveUp as why:
            outcome = self._given_up(str(why))
        except Later as later:
            outcome = self._put_off(str(later), later.pause)
        except SlackApiError as error:
            outcome = self._after_refusal(item, error)
        except (SlackClientError, URLError, OSError) as error:
            outcome = self._try_again(item, f"Slack could not be reached: {error}")
        except Exception as error:
            # A fault of ours in one delivery must not stop the others; it is logged, retried, and then visible.
            log.exception("Delivering %s %s failed.", item.kind, item.key)
            outcome = self._try_again(item, f"{type(error).__name__}: {error}")
        else:
            outcome, writes = self._finished, delivery.writes
        with self._db.transaction() as session:
            held = outbox.held(session, item.id, worker)
            if held is not None:  # else another took it over, and notes what came of it
                for write in writes:
                    write(session)
                outcome(held)
                session.add(held)

    def _delivery(self, item: OutboxItem, worker: str) -> Delivery:
        return Delivery(
            item_id=item.id,
            kind=item.kind,
            key=item.key,
            team_id=item.team_id,
            payload=dict(item.payload),
            progress=dict(item.progress),
            attempt=item.attempts,
            created_at=item.created_at,
            client=self._client,
            db=self._db,
            clock=self._clock,
            worker=worker,
            extras=self._extras,
        )

    def _finished(self, item: OutboxItem) -> None:
        outbox.finish(item, self._clock())

    def _put_off(self, why: str, pause: timedelta) -> Callable[[OutboxItem], None]:
        return lambda item: outbox.put_off(item, self._clock() + pause, why)

    def _given_up(self, why: str) -> Callable[[OutboxItem], None]:
        def give_up(item: OutboxItem) -> None:
            log.error("Gave up delivering %s %s: %s", item.kind, item.key, why)
            outbox.give_up(item, self._clock(), why)

        return give_up

    def _try_again(self, item: OutboxItem, why: str) -> Callable[[OutboxItem], None]:
        if item.attempts > len(PAUSES):
            return self._given_up(f"{why} (after {item.attempts} tries)")
        return self._put_off(why, PAUSES[item.attempts - 1])

    def _after_refusal(self, item: OutboxItem, error: SlackApiError) -> Callable[[OutboxItem], None]:
        answer: Any = error.response
        wait = _asked_to_wait(error)
        if wait is not None:
            return self._put_off("Slack asked to wait", timedelta(seconds=wait))
        reason = str(answer.get("error") or answer.status_code)
        if passes(error):
            return self._try_again(item, f"Slack answered {reason}")
        details = "; ".join((answer.get("response_metadata") or {}).get("messages") or [])
        return self._given_up(f"Slack refused: {reason} {details}".strip())
