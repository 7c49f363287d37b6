"""Channels, and people with a keyboard and a mouse: what they type, click and see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import dialogs, forms, interactions, messages, mrkdwn, rooms
from sandbox.screen import Dialog, Home, Reply, Screen, Shown, shown
from sandbox.workspace import Conversation, File, Refused, User

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from sandbox.driver import Sandbox
    from sandbox.server import Server
    from sandbox.workspace import Workspace

Json = dict[str, Any]
Within = Shown | Reply | Screen


class Channel:
    """A channel, a private channel or a DM."""

    def __init__(self, sandbox: Sandbox, channel_id: str) -> None:
        self._sandbox = sandbox
        self.id = channel_id

    @property
    def name(self) -> str:
        return self.state().name

    @property
    def topic(self) -> str:
        return mrkdwn.unescape(self.state().topic["value"])

    @property
    def purpose(self) -> str:
        return mrkdwn.unescape(self.state().purpose["value"])

    @property
    def archived(self) -> bool:
        return self.state().archived

    @property
    def private(self) -> bool:
        return self.state().private

    @property
    def members(self) -> list[str]:
        """Names, the bot's too."""
        users = self._sandbox.server.site.ws.users
        return [users[member].name for member in self.state().members]

    @property
    def pins(self) -> list[str]:
        """The ts of each pinned message."""
        return list(self.state().pins)

    @property
    def bookmarks(self) -> list[Json]:
        return [dict(bookmark) for bookmark in self.state().bookmarks]

    def state(self) -> Conversation:
        return self._sandbox.server.site.ws.conversations[self.id]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"#{self.name}"


class Person:
    """Somebody in the workspace, with a keyboard and a mouse."""

    def __init__(self, sandbox: Sandbox, user_id: str) -> None:
        self._sandbox = sandbox
        self.server: Server = sandbox.server
        self.id = user_id

    @property
    def name(self) -> str:
        return self._user.name

    @property
    def real_name(self) -> str:
        return self._user.real_name

    @property
    def tz(self) -> str:
        return self._user.tz

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Person) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"@{self.name}"

    # -- typing

    def types(self, line: str, channel: Channel, *, wait: bool = True) -> Reply:
        """A slash command. Without `wait` the reply is on its way: its fields wait for it."""

        async def typing() -> interactions.Outcome:
            self._can_write(channel)
            return await interactions.command(self.server.site, self._user, channel.state(), line)

        return self._reply(typing(), channel, wait=wait)

    def says(
        self, text: str, channel: Channel, *, thread: Shown | None = None, broadcast: bool = False, wait: bool = True
    ) -> Shown:
        """A message as typed into the composer: `@bob`, `#ops`, links and `*marks*` become what Slack makes of them."""

        def say() -> Shown:
            self._can_write(channel)
            said = messages.by_person(self._ws, self.id, *self._composed(text))
            return self._post(channel, said, thread=thread, broadcast=broadcast)

        return self._sandbox.act(say, wait=wait)

    def me_says(self, text: str, channel: Channel) -> Shown:
        """`/me text`."""

        def say() -> Shown:
            self._can_write(channel)
            said = messages.by_person(self._ws, self.id, self._composed(text)[0], [])
            return self._post(channel, said | {"subtype": "me_message"})

        return self._sandbox.act(say)

    def edits(self, message: Shown, text: str) -> Shown:
        def edit() -> Shown:
            room = self._room(message)
            if messages.find(room, message.ts).get("user") != self.id:
                raise PermissionError("only one's own messages can be edited")
            written, blocks = self._composed(text)
            fields: Json = {"text": written, "blocks": blocks}
            changed = messages.change(self._ws, room, message.ts, fields, editor=self.id)
            return shown(self._ws, self._user, room, changed)

        return self._sandbox.act(edit)

    def deletes(self, message: Shown) -> None:
        def delete() -> None:
            room = self._room(message)
            if messages.find(room, message.ts).get("user") != self.id and not self._user.admin:
                raise PermissionError("only one's own messages can be deleted, except by admins")
            messages.delete(self._ws, room, message.ts)

        self._sandbox.act(delete)

    def shares(
        self, name: str, channel: Channel, *, text: str = "", content: bytes = b"content", thread: Shown | None = None
    ) -> Shown:  # fmt: skip
        """A file with the message that it comes in."""

        def share() -> Shown:
            self._can_write(channel)
            ws = self._ws
            file = File(ws.new_id("F"), name, name, self.id, content, ws.unix())
            ws.files[file.id] = file
            said = messages.by_person(ws, self.id, *self._composed(text))
            parent = thread.thread_ts or thread.ts if thread else None
            posted = messages.share_files(ws, channel.state(), said, [file], thread=parent)
            return shown(ws, self._user, channel.state(), posted)

        return self._sandbox.act(share)

    def reacts(self, message: Shown, emoji: str) -> None:
        """`emoji` without colons."""
        self._sandbox.act(lambda: messages.react(self._ws, self._room(message), message.ts, self.id, emoji))

    def unreacts(self, message: Shown, emoji: str) -> None:
        self._sandbox.act(lambda: messages.unreact(self._ws, self._room(message), message.ts, self.id, emoji))

    def pins(self, message: Shown) -> None:
        self._sandbox.act(lambda: messages.pin(self._ws, self._room(message), message.ts, self.id))

    def unpins(self, message: Shown) -> None:
        self._sandbox.act(lambda: messages.unpin(self._ws, self._room(message), message.ts, self.id))

    # -- channels

    def creates(self, name: str, *, private: bool = False) -> Channel:
        """A new channel, as it happens: those who may know are told."""
        return self._sandbox.act(
            lambda: Channel(self._sandbox, rooms.create(self._ws, name, self.id, private=private).id)
        )

    def joins(self, channel: Channel) -> None:
        def join() -> None:
            if channel.private:
                raise PermissionError("one is invited to a private channel")
            rooms.join(self._ws, channel.state(), self.id)

        self._sandbox.act(join)

    def leaves(self, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.leave(self._ws, channel.state(), self.id))

    def invites(self, person: Person, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.join(self._ws, channel.state(), person.id, inviter=self.id))

    def kicks(self, person: Person, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.leave(self._ws, channel.state(), person.id, kicked_by=self.id))

    def kicks_bot(self, channel: Channel) -> None:
        self.kicks(self._sandbox.bot, channel)

    def renames(self, channel: Channel, name: str) -> None:
        self._sandbox.act(lambda: rooms.rename(self._ws, channel.state(), self.id, name))

    def sets_topic(self, channel: Channel, topic: str) -> None:
        self._sandbox.act(lambda: rooms.describe(self._ws, channel.state(), self.id, "topic", topic))

    def archives(self, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.archive(self._ws, channel.state(), self.id))

    def unarchives(self, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.unarchive(self._ws, channel.state(), self.id))

    def makes_private(self, channel: Channel) -> None:
        self._sandbox.act(lambda: rooms.make_private(self._ws, channel.state(), self.id))

    # -- oneself

    def change(self, *, tz: str | None = None, real_name: str | None = None, name: str | None = None) -> None:
        """Change one's profile; the app is told with user_change."""

        def change() -> None:
            user = self._user
            user.tz, user.real_name, user.name = tz or user.tz, real_name or user.real_name, name or user.name
            user.display_name = "" if name else user.display_name
            self._changed()

        self._sandbox.act(change)

    def deactivate(self) -> None:
        def deactivate() -> None:
            self._user.deleted = True
            self._changed()

        self._sandbox.act(deactivate)

    def does_not_disturb(self, until: datetime | None) -> None:
        """Notifications are off until then (aware); None: on again."""

        def snooze() -> None:
            self._user.dnd_until = until

        self.server.call(snooze)

    # -- shortcuts, buttons, dialogs

    def uses_shortcut(self, name: str, message: Shown) -> Reply:
        """A shortcut on a message, by the name in its menu."""
        channel = Channel(self._sandbox, message.channel)

        async def using() -> interactions.Outcome:
            callback_id = self._shortcut(name, "message")
            found = messages.find(channel.state(), message.ts)
            return await interactions.shortcut(
                self.server.site, self._user, callback_id, message=found, room=channel.state()
            )

        return self._reply(using(), channel)

    def uses_global_shortcut(self, name: str) -> Reply:
        async def using() -> interactions.Outcome:
            return await interactions.shortcut(self.server.site, self._user, self._shortcut(name, "global"))

        return self._reply(using(), None)

    def clicks(self, label: str, *, within: Within, nth: int = 0) -> Reply:
        """A button, or an item of an overflow menu; what it asks ("Are you sure?") is confirmed."""

        def action() -> Json:
            there = forms.buttons(self._blocks(within))
            found = [(block_id, element) for text, block_id, element in there if text == label]
            if len(found) <= nth:
                raise LookupError(
                    f"no button {label!r}; there are: {', '.join(repr(t) for t, _, _ in there) or 'none'}"
                )
            block_id, element = found[nth]
            several = element["type"] in {"overflow", "feedback_buttons"}
            return forms.action(element, block_id, label if several else None)

        return self.acts(within, self.server.call(action))

    def chooses(self, label: str, option: Any, *, within: Within) -> Reply:
        """A select, date, menu or the like, by its label or section's text, its placeholder, or its action_id."""
        if isinstance(within, Dialog):
            within.fill({label: option})
            return self._nothing()
        typed = getattr(option, "id", option)

        def action() -> Json:
            view: Json = {"blocks": self._blocks(within)}
            found = _field_like(view, label)
            if found is None:
                return _menu_item(view, label, str(option))
            self._keep(within, forms.fill(view, self._values(within, view), found[0], typed))
            return forms.action(found[1].element, found[1].block_id, typed)

        return self.acts(within, self.server.call(action))

    def acts(self, within: Within, action: Json) -> Reply:
        """Send one entry of `actions[]` (without its action_ts) from this place."""
        if isinstance(within, Screen):

            async def in_view() -> interactions.Outcome:
                return await interactions.act_in_view(self.server.site, self._user, within.state(), action)

            return self._reply(in_view(), None)
        message = within.message if isinstance(within, Reply) else within
        channel = Channel(self._sandbox, message.channel)

        async def in_message() -> interactions.Outcome:
            room, found = channel.state(), self._current(message)
            return await interactions.act_in_message(self.server.site, self._user, room, found, action)

        return self._reply(in_message(), channel)

    @property
    def dialog(self) -> Dialog | None:
        """The dialog on top, None when there is none open."""
        top = self.server.call(lambda: dialogs.stack(self._ws, self.id)[-1:])
        return Dialog(self, top[0].id) if top else None

    @property
    def form(self) -> Dialog:
        """The dialog on top; LookupError when there is none open."""
        top = self.dialog
        if top is None:
            raise LookupError(f"{self.name} has no dialog open")
        return top

    def home(self) -> Home:
        """Open the app's Home tab, and look at it once the app has acknowledged that."""
        self._opens_app("home")
        if self.id not in self._ws.homes:
            raise LookupError("the app has not published a Home tab for " + self.name)
        return Home(self, self._ws.homes[self.id].id)

    def opens_messages(self) -> Channel:
        """Open the app's Messages tab, which is the DM with it; the app is told with app_home_opened."""
        self._opens_app("messages")
        return self.dm()

    # -- reading

    def sees(self, channel: Channel) -> list[Shown]:
        """Everything visible to this person in the channel, in order: threads and what only they see, too."""

        def look() -> list[Shown]:
            room = channel.state()
            if room.private and self.id not in room.members:
                raise PermissionError(f"{self.name} cannot see {room.name}")
            whispered = [e for e in self._ws.ephemerals if e["channel"] == room.id and e["recipient"] == self.id]
            there = sorted([*messages.in_order(room), *whispered], key=lambda m: (len(m["ts"]), m["ts"]))
            names = self._ws.names()
            return [shown(self._ws, self._user, room, message, names) for message in there]

        return self.server.call(look)

    def dm(self, other: Person | None = None) -> Channel:
        """The DM with somebody, the bot by default."""
        members = [self.id, (other or self._sandbox.bot).id]
        return Channel(self._sandbox, self.server.call(lambda: rooms.direct(self._ws, members).id))

    def direct_messages(self) -> list[Shown]:
        """What the bot wrote to this person alone."""
        return [message for message in self.sees(self.dm()) if message.payload.get("bot_id") == self._ws.app.bot_id]

    def read_file(self, file: Json) -> bytes:
        return self.server.call(lambda: self._ws.files[file["id"]].content)

    def cannot_write(self, channel: Channel) -> str:
        """Why this person cannot write there; empty when they can."""
        room = channel.state()
        if self._user.deleted:
            return f"{self.name} is deactivated"
        if self.id not in room.members:
            return f"{self.name} is not in {room.name}"
        if room.archived:
            return f"{room.name} is archived"
        if room.kind == "im" and self._ws.app.user_id in room.members and not _may_write_to_app(self._ws.manifest):
            return "sending messages to this app has been turned off"
        return ""

    # -- within

    @property
    def _ws(self) -> Workspace:
        return self.server.site.ws

    @property
    def _user(self) -> User:
        return self._ws.users[self.id]

    def _can_write(self, channel: Channel) -> None:
        reason = self.cannot_write(channel)
        if reason:
            raise PermissionError(reason)

    def _composed(self, text: str) -> tuple[str, list[Json]]:
        ws = self._ws
        users = ws.names_of_people()
        groups = {group["handle"]: group["id"] for group in ws.groups.values()}
        channels = {room.name: room.id for room in ws.conversations.values() if not room.direct}
        written, blocks = mrkdwn.from_composer(text, users | groups, channels)
        return written, blocks and ws.with_block_ids(blocks)

    def _post(self, channel: Channel, said: Json, *, thread: Shown | None = None, broadcast: bool = False) -> Shown:
        parent = thread.thread_ts or thread.ts if thread else None
        posted = messages.post(self._ws, channel.state(), said, thread=parent, broadcast=broadcast)
        return shown(self._ws, self._user, channel.state(), posted)

    def _room(self, message: Shown) -> Conversation:
        return self._ws.conversations[message.channel]

    def _opens_app(self, tab: str) -> None:
        def opened() -> None:
            ws = self._ws
            room = rooms.direct(ws, [self.id, ws.app.user_id])
            event: Json = {
                "type": "app_home_opened",
                "user": self.id,
                "channel": room.id,
                "tab": tab,
                "event_ts": ws.new_ts(),
            }
            if tab == "home" and self.id in ws.homes:
                event["view"] = dialogs.as_read(ws, ws.homes[self.id])
            ws.emit("app_home_opened", event)

        self._sandbox.act(opened)

    def _changed(self) -> None:
        ws = self._ws
        self._user.updated = ws.unix()
        event = {"type": "user_change", "user": ws.user_json(self._user), "cache_ts": ws.unix()}
        ws.emit("user_change", event | {"event_ts": ws.new_ts()})

    def _shortcut(self, name: str, kind: str) -> str:
        there = {s["name"]: callback for callback, s in self._ws.shortcuts.items() if s["type"] == kind}
        if name not in there:
            raise LookupError(f"no {kind} shortcut {name!r}; there are: {', '.join(map(repr, there)) or 'none'}")
        return there[name]

    def _current(self, message: Shown) -> Json:
        """The message as it stands now: a person clicks on what is there."""
        if message.ephemeral:
            for whispered in self._ws.ephemerals:
                if whispered["ts"] == message.ts and whispered["recipient"] == self.id:
                    return whispered
            raise Refused("message_not_found")
        return messages.find(self._room(message), message.ts)

    def _blocks(self, within: Within) -> list[Json]:
        if isinstance(within, Screen):
            return list(within.state().content["blocks"])
        message = self._current(within.message if isinstance(within, Reply) else within)
        nested = [block for a in message.get("attachments", []) for block in a.get("blocks", [])]
        return [*message.get("blocks", []), *nested]

    def _values(self, within: Within, view: Json) -> Any:
        if isinstance(within, Screen):
            return within.state().values
        message = within.message if isinstance(within, Reply) else within
        return self._ws.conversations[message.channel].typed.get(message.ts) or forms.initial_values(view)

    def _keep(self, within: Within, values: Any) -> None:
        if isinstance(within, Screen):
            within.state().values = values
        else:
            message = within.message if isinstance(within, Reply) else within
            self._ws.conversations[message.channel].typed[message.ts] = values

    def _reply(
        self, doing: Coroutine[Any, Any, interactions.Outcome], channel: Channel | None, *, wait: bool = True
    ) -> Reply:
        async def replying() -> tuple[str, str, list[Shown]]:
            outcome = await doing
            room = channel.state() if channel else None
            read = [shown(self._ws, self._user, room, message) for message in outcome.shown] if room else []
            return outcome.error, outcome.sentence, read

        reply = Reply(self.server.submit(replying()))
        if wait:
            reply.wait()
            self.server.rest()
        return reply

    def _nothing(self) -> Reply:
        async def nothing() -> interactions.Outcome:
            return interactions.Outcome()

        return self._reply(nothing(), None)


def _may_write_to_app(manifest: Json) -> bool:
    home = manifest.get("features", {}).get("app_home", {})
    return bool(home.get("messages_tab_enabled")) and not home.get("messages_tab_read_only_enabled")


def _field_like(view: Json, label: str) -> tuple[str, forms.Field] | None:
    """The field with this label, placeholder or action_id, under its label."""
    there = forms.fields(view)
    if label in there:
        return label, there[label]
    for name, field in there.items():
        if label in {field.action_id, field.element.get("placeholder", {}).get("text")}:
            return name, field
    return None


def _menu_item(view: Json, label: str, option: str) -> Json:
    """The item of an overflow menu, when `label` is the menu's action_id or the menu the only one."""
    items = forms.buttons(view["blocks"])
    menus = [(text, block_id, element) for text, block_id, element in items if element["type"] == "overflow"]
    named = [item for item in menus if item[2]["action_id"] == label]
    for text, block_id, element in named or menus:
        if text == option:
            return forms.action(element, block_id, option)
    there = [*forms.fields(view), *(text for text, _, _ in menus)]
    raise LookupError(f"nothing to choose at {label!r}; there are: {', '.join(map(repr, there)) or 'none'}")
