"""What was missed: the history of an incident's channel, its members, the people of the workspace.

Each of these deliveries goes on where it was when Slack asks to wait, or when it is begun anew after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from sqlmodel import Session

from bot import capture, nudge_outcomes, timeline
from bot.kinds import Kind
from bot.messages import NOISE, is_own, said_of
from bot.people import person_from
from bot.settings import Settings
from handlers import hiding
from handlers.capture import remember
from handlers.courier import Deliveries, Delivery, GiveUp, Later
from handlers.deliveries import respond
from handlers.payloads import Body
from handlers.views import kit
from storage import entries, outbox, people
from storage import incidents as incident_rows
from storage.models import Entry, Incident

log = logging.getLogger(__name__)

PAGE = 200
"""Messages asked for at a time. Slack takes up to 999; smaller pages are what it recommends."""

TURN = timedelta(seconds=20)
"""After so long a delivery lets others have their turn, long before its lease runs out."""

UNSURE = timedelta(minutes=1)
"""What history says of a mark younger than this may be older than the mark: the event is believed."""


def register(deliveries: Deliveries) -> None:
    deliveries.kind("fetch_history")(fetch_history)
    deliveries.kind("fetch_message")(fetch_message)
    deliveries.kind("fetch_members")(fetch_members)
    deliveries.kind("fetch_people")(fetch_people)
    deliveries.kind("restore_words")(restore_words)


# --- planning --------------------------------------------------------------------------------------------


def catch_up(session: Session, team_id: str, *, now: datetime) -> None:
    """After a start or a gap: have everything fetched that was said, and who came and left, meanwhile."""
    for incident in incident_rows.open_in_channels(session, team_id):
        put_fetch(session, incident, now=now)
    for incident in incident_rows.with_members(session, team_id):
        put_fetch_members(session, team_id, str(incident.channel_id), now=now)


def put_fetch(session: Session, incident: Incident, *, now: datetime) -> None:
    """Have the channel of an incident read anew, from the incident's first message on."""
    payload, lane = {"incident": incident.id}, f"history:{incident.channel_id}"
    outbox.put_refresh(session, incident.team_id, "fetch_history", payload, lane=lane, now=now)


def put_fetch_members(session: Session, team_id: str, channel_id: str, *, now: datetime) -> None:
    payload, lane = {"channel": channel_id}, f"members:{channel_id}"
    outbox.put_refresh(session, team_id, "fetch_members", payload, lane=lane, now=now)


def put_fetch_past(session: Session, incident: Incident, *, now: datetime) -> None:
    """Have an incident begin a day earlier, and what was said on that day fetched."""
    if incident.covers_from is not None:
        incident.covers_from -= timedelta(days=1)
        session.add(incident)
        put_fetch(session, incident, now=now)


def put_fetch_people(session: Session, team_id: str, *, now: datetime) -> None:
    """Have everybody of the workspace fetched, once a day at most."""
    key = f"fetch_people:{team_id}:{now:%Y-%m-%d}"
    outbox.put(session, team_id, "fetch_people", {}, lane=f"people:{team_id}", now=now, key=key)


# --- history ---------------------------------------------------------------------------------------------


def fetch_history(delivery: Delivery) -> None:
    """Read a channel anew: what is not there yet is taken in, what changed follows, what is gone is forgotten."""
    with delivery.db.reading() as session:
        incident = incident_rows.by_id(session, delivery.payload["incident"])
    if incident.channel_id is None:
        return
    reading = _Reading(delivery, incident)
    try:
        reading.run()
    except SlackApiError as error:
        if error.response.get("error") not in {"not_in_channel", "channel_not_found"}:
            raise
        raise GiveUp("Seamark is not in the channel any more") from error


class _Reading:
    """One reading of a channel, resumable: `progress` holds the cursor, and the threads still to be read."""

    def __init__(self, delivery: Delivery, incident: Incident) -> None:
        self.delivery, self.incident = delivery, incident
        self.channel = str(incident.channel_id)
        self.until = delivery.clock() + TURN
        self.settings: Settings = delivery.extras["settings"]
        self.own = str(delivery.extras["bot_user_id"])

    def run(self) -> None:
        self._begin()
        while True:
            self._read_threads()
            if "roots_done" in self.delivery.progress:
                break
            self._read_page()
        with self.delivery.db.transaction() as session:
            channel = people.channel(session, self.delivery.team_id, self.channel)
            channel.captured_until = self.delivery.progress["latest"]
            session.add(channel)

    def _begin(self) -> None:
        if "latest" in self.delivery.progress:
            return
        with self.delivery.db.reading() as session:
            threads = entries.threads(session, self.incident.id)
        end = self.incident.closed_at or self.delivery.clock() + timedelta(minutes=5)
        self.delivery.note(latest=timeline.stamp(end), threads=threads)

    def _bounds(self) -> dict[str, Any]:
        start = self.incident.covers_from
        oldest = timeline.stamp(start) if start else "0"
        return {"oldest": oldest, "latest": self.delivery.progress["latest"], "inclusive": True}

    def _read_page(self) -> None:
        self._take_turns()
        asked_at = self.delivery.clock()
        page = self.delivery.client.conversations_history(
            channel=self.channel, limit=PAGE, cursor=self.delivery.progress.get("cursor"), **self._bounds()
        )
        found = list(page["messages"])
        self._take_in(found, None, asked_at)
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        threads = [one["ts"] for one in found if one.get("reply_count")]
        known = self.delivery.progress["threads"] + self.delivery.progress.get("threads_done", [])
        done = {} if cursor else {"roots_done": True}
        self.delivery.note(cursor=cursor, threads=[ts for ts in threads if ts not in known], **done)

    def _read_threads(self) -> None:
        while self.delivery.progress["threads"]:
            first, *rest = self.delivery.progress["threads"]
            self._read_thread(first)
            done = [*self.delivery.progress.get("threads_done", []), first]
            self.delivery.note(threads=rest, threads_done=done)

    def _read_thread(self, ts: str) -> None:
        cursor = None
        while True:
            self._take_turns()
            asked_at = self.delivery.clock()
            try:
                page = self.delivery.client.conversations_replies(
                    channel=self.channel, ts=ts, limit=PAGE, cursor=cursor, **self._bounds()
                )
            except SlackApiError as error:
                if error.response.get("error") != "thread_not_found":
                    raise
                return
            self._take_in([one for one in page["messages"] if one["ts"] != ts], ts, asked_at)
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _take_turns(self) -> None:
        if self.delivery.clock() > self.until:
            raise Later("there is more to fetch", timedelta(0))

    def _take_in(self, found: list[Body], thread_ts: str | None, asked_at: datetime) -> None:
        """Remember these messages, then look for those that ought to stand between them and do not."""
        for few in _chunks(found, 25):
            with self.delivery.db.transaction() as session:
                for message in few:
                    self._take_one(session, message, asked_at)
        if not found:
            return
        there = {one["ts"] for one in found}
        with self.delivery.db.reading() as session:
            expected = entries.said_between(
                session, self.delivery.team_id, self.channel, min(there), max(there), thread_ts=thread_ts
            )
        for entry in expected:
            if entry.ts not in there:
                self._check_gone(entry)

    def _take_one(self, session: Session, message: Body, asked_at: datetime) -> None:
        team_id, now = self.delivery.team_id, self.delivery.clock()
        if message.get("subtype") == "tombstone":
            capture.deleted(session, team_id, self.channel, message["ts"], now=now)
        elif message.get("subtype") not in NOISE and not is_own(message, self.own):
            captured = remember(session, said_of(session, team_id, self.channel, message, self.own), now)
            if captured is not None and captured.entry.deleted_at is None:
                _follow_marks(session, captured.entry, message, self.settings, asked_at=asked_at, now=now)

    def _check_gone(self, entry: Entry) -> None:
        """Slack is asked once more before words are erased."""
        if _fetch_one(self.delivery, self.channel, str(entry.ts)) is None:
            with self.delivery.db.transaction() as session:
                capture.deleted(session, entry.team_id, self.channel, str(entry.ts), now=self.delivery.clock())


def _chunks(items: list[Body], size: int) -> Iterable[list[Body]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _follow_marks(
    session: Session, entry: Entry, message: Body, settings: Settings, *, asked_at: datetime, now: datetime
) -> None:
    """Have the marks by reaction and pin be those that stand at the message in Slack."""
    there, surely_all = _marks_of(message, settings)
    known = {(mark.marker_id, mark.way): mark for mark in entries.all_marks(session, entry.id)}
    believed = timeline.stamp(asked_at - UNSURE)
    for (user, way), kind in there.items():
        mark = known.get((user, way))
        gone = mark is not None and mark.removed_at is not None and not mark.undone and mark.changed < believed
        if mark is None or gone:
            changed = f"{mark.changed}+" if mark else str(entry.ts)
            timeline.set_mark(session, entry, by=user, way=way, changed=changed, now=now, kind=kind)
    for (user, way), mark in known.items():
        if way in surely_all and (user, way) not in there and mark.removed_at is None and mark.changed < believed:
            timeline.unset_mark(session, entry, by=user, way=way, changed=f"{mark.changed}+", now=now)


def _marks_of(message: Body, settings: Settings) -> tuple[dict[tuple[str, str], Kind | None], set[str]]:
    """Who marked a message in which way, with the kind given; and the ways of which nobody is left out."""
    marks: dict[tuple[str, str], Kind | None] = {}
    ways = {"pin", *(f"reaction:{emoji}" for emoji in settings.mark_reactions)}
    for reaction in message.get("reactions") or []:
        emoji = reaction["name"].split("::")[0]
        if emoji in settings.mark_reactions:
            kind = settings.mark_reactions[emoji]
            for user in reaction["users"]:
                marks[user, f"reaction:{emoji}"] = Kind(kind) if kind else None
            if len(reaction["users"]) < reaction["count"]:
                ways.discard(f"reaction:{emoji}")
    if message.get("pinned_to"):
        pinned_by = (message.get("pinned_info") or {}).get("pinned_by")
        if pinned_by:
            marks[pinned_by, "pin"] = None
        else:
            ways.discard("pin")
    return marks, ways


def _fetch_one(delivery: Delivery, channel: str, ts: str) -> Body | None:
    """The message, a reply too; None when there is none any more."""
    try:
        answer = delivery.client.conversations_replies(
            channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=1
        )
    except SlackApiError as error:
        if error.response.get("error") != "thread_not_found":
            raise
        return None
    found = next((one for one in answer["messages"] if one["ts"] == ts), None)
    return None if found is None or found.get("subtype") == "tombstone" else found


def fetch_message(delivery: Delivery) -> None:
    """Fetch the words of a message that was marked before it was seen; replies are found too."""
    channel, ts = delivery.payload["channel"], delivery.payload["ts"]
    found, now = _fetch_one(delivery, channel, ts), delivery.clock()
    with delivery.db.transaction() as session:
        if found is None:
            capture.deleted(session, delivery.team_id, channel, ts, now=now)
        else:
            said = said_of(session, delivery.team_id, channel, found, str(delivery.extras["bot_user_id"]))
            remember(session, said, now)


def restore_words(delivery: Delivery) -> None:
    """Fetch a message whose author says that it holds no secret, and keep it as it is."""
    with delivery.db.reading() as session:
        entry = entries.by_id(session, delivery.team_id, delivery.payload["entry"])
    found = _fetch_one(delivery, entry.channel_id, str(entry.ts)) if entry and entry.deleted_at is None else None
    text = "The message is no longer there, so there is nothing to keep."
    if entry is not None and found is not None:
        own, now = str(delivery.extras["bot_user_id"]), delivery.clock()
        with delivery.db.transaction() as session:
            said = said_of(session, delivery.team_id, entry.channel_id, found, own)
            capture.restored(session, said, by=delivery.payload["by"], now=now)
        text = "The message is kept as it is, and the same words will not be masked again."
    message = {"replace_original": True, **kit.message(text, kit.sections(text))}
    delivery.payload["message"] = message
    respond(delivery)


# --- people ----------------------------------------------------------------------------------------------


def fetch_members(delivery: Delivery) -> None:
    """Ask Slack who is in a channel, and what it is called."""
    channel_id = delivery.payload["channel"]
    try:
        about = delivery.client.conversations_info(channel=channel_id)["channel"]
        members = _all_members(delivery, channel_id)
    except SlackApiError as error:
        if error.response.get("error") not in {"channel_not_found", "not_in_channel", "fetch_members_failed"}:
            raise
        raise GiveUp("Seamark is not in the channel any more") from error
    with delivery.db.transaction() as session:
        row = people.channel(session, delivery.team_id, channel_id)
        row.name, row.is_private, row.is_archived = about["name"], about["is_private"], about["is_archived"]
        session.add(row)
        before = people.members(session, delivery.team_id, channel_id)
        people.set_members(session, delivery.team_id, channel_id, members)
        if about["is_private"]:
            now = delivery.clock()
            hiding.put_hide(session, delivery.team_id, channel_id, now)
            incident_rows.make_private(session, delivery.team_id, channel_id)
            session.flush()
            for of in incident_rows.of_channel(session, delivery.team_id, channel_id):
                nudge_outcomes.members_changed(session, of, before.symmetric_difference(members), now)


def _all_members(delivery: Delivery, channel_id: str) -> list[str]:
    return _paged(
        lambda cursor: delivery.client.conversations_members(channel=channel_id, limit=PAGE, cursor=cursor), "members"
    )


def _paged(ask: Callable[[str | None], Any], name: str) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = ask(cursor)
        found += page[name]
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return found


def fetch_people(delivery: Delivery) -> None:
    """Remember everybody of the workspace: names and zones, before they type anything."""
    while "done" not in delivery.progress:
        page = delivery.client.users_list(limit=PAGE, cursor=delivery.progress.get("cursor"))
        for few in _chunks(page["members"], 25):
            with delivery.db.transaction() as session:
                for user in few:
                    people.remember_person(session, person_from(delivery.team_id, dict(user), delivery.clock()))
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        delivery.note(**({"cursor": cursor} if cursor else {"done": True}))
