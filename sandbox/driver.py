"""The sandbox as tests and demos use it: people who type and click, synchronously.

What delivers something waits until the app has acknowledged it, or Slack has stopped waiting.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox import keeping, messages, rooms
from sandbox import manifest as manifests
from sandbox.clock import Clock
from sandbox.page import Page, Story
from sandbox.person import Channel, Person
from sandbox.screen import Shown, shown
from sandbox.server import Server
from sandbox.web_api.chat import content, linked
from sandbox.workspace import Conversation, User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sandbox.delivery import Delivery
    from sandbox.faults import Faults
    from sandbox.site import Called

__all__ = ["Channel", "Person", "Sandbox"]

Json = dict[str, Any]
T = TypeVar("T")


class Sandbox:
    """A Slack workspace with one app in it, the manifest's."""

    def __init__(
        self,
        manifest: Path | str | Json,
        *,
        start: datetime | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ack_seconds: float = 3.0,
        kept: bytes | None = None,
    ) -> None:
        """`start`: the moment its clock begins at; `ack_seconds`: how long (real time) the app may take.

        `kept`: what `keep` gave, to go on from there, at the same address if that is free. ValueError when it is
        damaged, or another version's.
        """
        state = keeping.load(kept) if kept is not None else None
        self.clock = Clock(state.now if state else start)
        self.server = Server(manifests.load(manifest), self.clock, host=host, port=port, ack_seconds=ack_seconds)
        self._ws = self.server.site.ws
        if state is not None:
            keeping.restore(self._ws, state)
        self.bot = Person(self, self._ws.app.user_id)
        self.story = Story(self.server.note)
        self._page: Page | None = None

    def start(self) -> Self:
        self.server.start()
        return self

    def keep(self) -> bytes:
        """The whole workspace as it is now, for a later `Sandbox(kept=...)`."""
        return self.server.call(lambda: keeping.dump(self._ws))

    def stop(self) -> None:
        if self._page is not None:
            self.server.submit(self._page.close()).result()
            self._page = None
        self.server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what the app needs to know

    @property
    def api_url(self) -> str:
        """The base of the Web API, with the slash that the SDK wants."""
        return f"{self._ws.base_url}/api/"

    @property
    def bot_token(self) -> str:
        return self._ws.bot_token

    @property
    def app_token(self) -> str:
        return self._ws.app_token

    @property
    def signing_secret(self) -> str:
        return self._ws.signing_secret

    @property
    def team_id(self) -> str:
        return self._ws.team_id

    @property
    def bot_user_id(self) -> str:
        return self._ws.app.user_id

    @property
    def bot_id(self) -> str:
        return self._ws.app.bot_id

    def deliver_to(self, url: str) -> None:
        """Deliver by signed HTTP to this URL instead of Socket Mode, after Slack's challenge."""
        if not self.server.wait_for(self.server.deliver_to(url)):
            raise ValueError(f"{url} did not answer with the value of the challenge parameter")

    def wait_for_app(self, connections: int = 1, seconds: float = 10) -> None:
        """Return once the app has that many sockets open."""
        self.until(lambda: len(self.server.site.sockets.connections) >= connections, seconds)

    # -- the workspace in a browser

    def serve_page(self, port: int = 0) -> str:
        """Serve the workspace as a page on 127.0.0.1 until `stop`; its address. OSError when the port is taken."""
        if self._page is None:
            page = Page(self, self.story, port)
            self.server.submit(page.open()).result()
            self._page = page
        return self._page.url

    @property
    def page_url(self) -> str:
        """Where the page is; empty when none is served."""
        return self._page.url if self._page is not None else ""

    # -- what was said and done

    @property
    def faults(self) -> Faults:
        return self.server.site.faults

    @property
    def calls(self) -> list[Called]:
        """Every call of the Web API."""
        return self.server.site.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Every payload for the app, with its attempts and answer."""
        return self.server.site.deliveries.log

    @property
    def violations(self) -> list[str]:
        """What Slack would have refused as wrong, or its users would have seen as an error."""
        return self._ws.violations

    def settle(self) -> None:
        """Return when nothing is being delivered, and nothing more is due."""

        async def settling() -> None:
            await self.server.site.deliveries.settle()

        self.server.wait_for(settling())

    def after_each(self, call: Callable[[], int] | None) -> None:
        """Have `call()` made whenever somebody has done something, so that an app's later work is done, too.

        It says how many things it did; it is called again until there is nothing left, since each may lead to more.
        """
        self.server.afterwards = call

    def until(self, holds: Callable[[], T], seconds: float = 5.0) -> T:
        """What `holds` returns once it is true, for what an app does after its acknowledgement."""
        end = time.monotonic() + seconds
        while not (found := holds()):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds} s")
            time.sleep(0.005)
        return found

    # -- who and what there is

    def person(
        self,
        name: str,
        *,
        real_name: str = "",
        display_name: str = "",
        tz: str = "Etc/UTC",
        email: str = "",
        is_admin: bool = False,
        guest: bool = False,
        announced: bool = False,
    ) -> Person:
        """Somebody new; without a `display_name` shown by `name`; `announced`: the app is told with team_join."""

        def add() -> Person:
            ws = self._ws
            address = email or f"{name}@{ws.domain}.example"
            user = User(ws.new_id("U"), name, real_name or name.title(), tz, address, admin=is_admin, guest=guest)
            user.display_name = display_name
            ws.users[user.id] = user
            for room in ws.conversations.values():
                if room.general and not guest:
                    room.members.append(user.id)
            if announced:
                ws.emit("team_join", {"type": "team_join", "user": ws.user_json(user), "event_ts": ws.new_ts()})
            return Person(self, user.id)

        return self.act(add)

    def channel(
        self,
        name: str,
        *,
        members: Sequence[Person] = (),
        private: bool = False,
        with_bot: bool = True,
        general: bool = False,
    ) -> Channel:
        """A channel that has been there for long: nobody is told, and nothing stands in it."""

        def add() -> Channel:
            ws = self._ws
            rooms.check_name(ws, name)
            ids = [member.id for member in members]
            creator = ids[0] if ids else "USLACKBOT"
            kind = "group" if private else "channel"
            room = Conversation(ws.new_id("C"), name, kind, creator, ws.unix(), members=ids, general=general)
            if with_bot:
                room.members.append(ws.app.user_id)
            ws.conversations[room.id] = room
            return Channel(self, room.id)

        return self.server.call(add)

    def find_channel(self, name: str) -> Channel:
        """The channel of that name, whoever opened it."""

        def find() -> Channel:
            room = rooms.by_name(self._ws, name.removeprefix("#"))
            if room is None:
                names = sorted(r.name for r in self._ws.conversations.values() if not r.direct)
                raise LookupError(f"no channel {name!r}; there are: {', '.join(names)}")
            return Channel(self, room.id)

        return self.server.call(find)

    def people(self) -> list[Person]:
        """Everybody but the apps, in the order they came."""
        return self.server.call(
            lambda: [Person(self, u.id) for u in self._ws.users.values() if u.app is None and u.id != "USLACKBOT"]
        )

    def person_by_id(self, user_id: str) -> Person:
        if user_id not in self._ws.users:
            raise LookupError(f"nobody has the id {user_id!r}")
        return Person(self, user_id)

    def channel_by_id(self, channel_id: str) -> Channel:
        if channel_id not in self._ws.conversations:
            raise LookupError(f"no conversation has the id {channel_id!r}")
        return Channel(self, channel_id)

    def channels(self) -> list[Channel]:
        """All but the DMs, in the order they were opened."""
        return self.server.call(
            lambda: [Channel(self, room.id) for room in self._ws.conversations.values() if not room.direct]
        )

    def group(self, handle: str, members: Sequence[Person]) -> str:
        """A user group; returns its id."""

        def add() -> str:
            group_id = self._ws.new_id("S")
            self._ws.groups[group_id] = {
                "id": group_id,
                "team_id": self.team_id,
                "is_usergroup": True,
                "name": handle,
                "handle": handle,
                "users": [member.id for member in members],
                "date_delete": 0,
                "user_count": len(members),
            }
            return group_id

        return self.server.call(add)

    # -- deliveries by hand

    def app_says(
        self, app: str, text: str, channel: Channel, *, blocks: list[Json] | None = None, webhook: bool = False,
        thread: Shown | None = None,
    ) -> Shown:  # fmt: skip
        """Another app's message; `webhook`: as classic ones send it, subtype bot_message without a user."""

        def say() -> Shown:
            ws = self._ws
            there = [known for known in ws.integrations if known.name == app]
            integration = there[0] if there else ws.install(app)
            said = messages.by_app(ws, integration, linked(text))
            if webhook:
                said = {"type": "message", "subtype": "bot_message", "text": linked(text), "username": app,
                        "bot_id": integration.bot_id}  # fmt: skip
            if blocks:
                said |= content(ws, {"blocks": blocks})
            parent = thread.thread_ts or thread.ts if thread else None
            posted = messages.post(ws, channel.state(), said, thread=parent)
            return shown(ws, ws.users[ws.app.user_id], channel.state(), posted)

        return self.act(say)

    def unfurls(self, message: Shown, title: str) -> None:
        """Slack adds a link's preview to a message, also one of the bot's own."""
        self.act(lambda: messages.unfurl(self._ws, self._ws.conversations[message.channel], message.ts, title))

    def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Tell the app to connect anew: `warning`, `refresh_requested` or `link_disabled`."""
        self.server.wait_for(self.server.site.sockets.refresh(reason))

    def uninstall(self) -> None:
        """Somebody removes the app: it is told, and its tokens are worth nothing any more."""

        def remove() -> None:
            ws = self._ws
            revoked: Json = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [ws.app.user_id]}}
            removed: Json = {"type": "app_uninstalled"}
            for event in (revoked, removed):
                ws.emit(event["type"], event | {"event_ts": ws.new_ts()})
            ws.uninstalled = True

        self.act(remove)

    def deliver_event(self, event: Json) -> Delivery:
        """Deliver this event whether or not the manifest subscribes to it."""
        deliveries = self.server.site.deliveries

        async def deliver() -> Delivery:
            sent = deliveries.event_callback(deliveries.envelope(event))
            await deliveries.rest(sent)
            return sent[0]

        return self.server.wait_for(deliver())

    def redeliver(self, delivery: Delivery | None = None) -> Delivery:
        """Deliver the same event again, the latest by default."""
        deliveries = self.server.site.deliveries
        last = delivery or next(d for d in reversed(deliveries.log) if d.kind == "events_api")

        async def deliver() -> Delivery:
            sent = deliveries.event_callback(last.payload)
            await deliveries.rest(sent)
            return sent[0]

        return self.server.wait_for(deliver())

    def act(self, doing: Callable[[], T], *, wait: bool = True) -> T:
        """Do something on the server's loop, and wait for the deliveries that follow from it."""
        deliveries = self.server.site.deliveries

        async def run() -> T:
            before = len(deliveries.log)
            done = doing()
            if wait:
                await deliveries.rest(deliveries.log[before:])
            return done

        return self.server.wait_for(run())
