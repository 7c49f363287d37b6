"""The workspace's state: people, conversations, the installed app. Only the server's event loop touches it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sandbox import blockkit
from sandbox import manifest as manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.clock import Clock

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - Slack's answer, not a failure of the sandbox
    """Slack's `ok: false`: its error and whatever stands beside it in the body."""

    def __init__(self, error: str, **beside: Any) -> None:
        super().__init__(error)
        self.error = error
        self.body: Json = {"ok": False, "error": error, **beside}


@dataclass
class Integration:
    """An app with a bot user: the one under test, or another whose messages people see."""

    app_id: str
    bot_id: str
    user_id: str
    name: str


@dataclass
class User:
    id: str
    name: str
    real_name: str
    tz: str = "Etc/UTC"
    email: str = ""
    admin: bool = False
    guest: bool = False
    deleted: bool = False
    app: Integration | None = None
    dnd_until: datetime | None = None
    updated: int = 0
    display_name: str = ""

    @property
    def shown(self) -> str:
        """What readers see them called."""
        return self.app.name if self.app is not None else self.display_name or self.name


@dataclass
class Conversation:
    """A channel, private channel, DM or group DM, with everything that was said in it."""

    id: str
    name: str
    kind: str  # channel | group | im | mpim
    creator: str
    created: int
    members: list[str] = field(default_factory=list)
    topic: Json = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})
    purpose: Json = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})
    archived: bool = False
    general: bool = False
    previous_names: list[str] = field(default_factory=list)
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, as stored
    pins: dict[str, Json] = field(default_factory=dict)  # by ts: who pinned, and when
    bookmarks: list[Json] = field(default_factory=list)
    typed: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)  # what stands in inputs, by ts

    @property
    def direct(self) -> bool:
        return self.kind in {"im", "mpim"}

    @property
    def private(self) -> bool:
        return self.kind != "channel"


@dataclass
class File:
    id: str
    name: str
    title: str
    owner: str
    content: bytes
    created: int
    shares: dict[str, list[str]] = field(default_factory=dict)  # channel id -> ts of the messages


@dataclass
class Scheduled:
    """A message that waits for its time; `post_at` and `created` in Unix seconds."""

    id: str
    channel: str
    post_at: int
    created: int
    message: Json
    thread: str | None = None


@dataclass
class Trigger:
    """Leave to open a dialog: one use, three seconds. Source: interactivity/handling-user-interaction."""

    user: str
    expires: datetime
    view: str | None = None  # the dialog it was given out in
    used: bool = False


@dataclass
class ResponseUrl:
    """Leave to answer: five uses in thirty minutes. Source: interactivity/handling-user-interaction."""

    user: str
    channel: str
    expires: datetime
    thread: str | None = None
    message: str | None = None  # ts of the message with the button, if there is one
    ephemeral: bool = False
    uses: int = 0


@dataclass
class View:
    """A dialog or Home tab as one person has it before them."""

    id: str
    user: str
    content: Json
    hash: str
    root: str
    previous: str | None = None
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # label -> sentence
    error: str = ""  # what Slack itself says above the dialog
    submitted: dict[str, dict[str, Json]] | None = None


class Workspace:
    """Everything that Slack remembers. `outgoing` is called with each event that the app might be told of."""

    def __init__(self, manifest: Json, clock: Clock, team_name: str = "Sandbox") -> None:
        self.clock = clock
        self.manifest = manifest
        self.scopes = manifests.scopes(manifest)
        self.commands = manifests.commands(manifest)
        self.shortcuts = manifests.shortcuts(manifest)
        self.number = 0  # the last one given out
        self.used_ts: set[int] = set()
        self.base_url = ""
        self.violations: list[str] = []
        self.uninstalled = False
        self.outgoing: Callable[[str, Json], None] = lambda _subscription, _event: None

        self.team_id = self.new_id("T")
        self.team_name = team_name
        self.domain = team_name.lower().replace(" ", "-")
        self.bot_token = f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.app_token = f"xapp-sandbox-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.verification_token = secrets.token_hex(12)

        self.users: dict[str, User] = {}
        self.integrations: list[Integration] = []
        self.conversations: dict[str, Conversation] = {}
        self.ephemerals: list[Json] = []  # messages with `channel` and `recipient`
        self.files: dict[str, File] = {}
        self.uploads: dict[str, File] = {}
        self.groups: dict[str, Json] = {}
        self.scheduled: dict[str, Scheduled] = {}
        self.posting: dict[str, asyncio.Task[None]] = {}  # who waits with each of them
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.dialogs: dict[str, list[View]] = {}  # user id -> the stack, top last
        self.homes: dict[str, View] = {}
        self.gone_views: set[str] = set()
        self.tickets: set[str] = set()
        self.contexts: set[str] = set()

        slackbot = User("USLACKBOT", "slackbot", "Slackbot")
        self.users[slackbot.id] = slackbot
        self.app = self.install(self._bot_name(), bot_name=self._bot_name())

    def names_of_people(self) -> dict[str, str]:
        """What people may be called behind an @, in small letters, to their ids: the name, or the one that is shown."""
        shown = {user.real_name.lower(): user.id for user in self.users.values() if not user.deleted}
        return shown | {user.name.lower(): user.id for user in self.users.values()}

    def _bot_name(self) -> str:
        features = self.manifest.get("features", {})
        name = features.get("bot_user", {}).get("display_name")
        return str(name or self.manifest.get("display_information", {}).get("name", "app"))

    # -- names and numbers

    def new_number(self) -> int:
        self.number += 1
        return self.number

    def new_id(self, kind: str) -> str:
        return f"{kind}0SB{self.new_number():07d}"

    def block_ids(self) -> Iterator[str]:
        while True:
            yield secrets.token_urlsafe(4)[:5]

    def with_block_ids(self, blocks: list[Json]) -> list[Json]:
        return blockkit.with_defaults(blocks, self.block_ids())

    def unix(self) -> int:
        return int(self.clock.now().timestamp())

    def new_ts(self, at: datetime | None = None) -> str:
        """A message's `ts`: microseconds of the sandbox clock, never the same twice."""
        moment = at or self.clock.now()
        micros = int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        while micros in self.used_ts:
            micros += 1
        self.used_ts.add(micros)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    # -- people and apps

    def install(self, name: str, *, bot_name: str | None = None) -> Integration:
        """Another app with a bot user of its own."""
        integration = Integration(self.new_id("A"), self.new_id("B"), self.new_id("U"), name)
        self.integrations.append(integration)
        self.users[integration.user_id] = User(
            integration.user_id, (bot_name or name).lower().replace(" ", ""), bot_name or name, app=integration
        )
        return integration

    def user(self, user_id: str) -> User:
        if user_id not in self.users:
            raise Refused("user_not_found")
        return self.users[user_id]

    def names(self) -> dict[str, str]:
        """Ids to the names that a reader sees."""
        people = {user.id: user.shown for user in self.users.values()}
        channels = {room.id: room.name for room in self.conversations.values()}
        return {**people, **channels, **{group["id"]: group["handle"] for group in self.groups.values()}}

    def user_json(self, user: User, *, with_email: bool = True) -> Json:
        zone = ZoneInfo(user.tz)
        offset = self.clock.now().astimezone(zone).utcoffset() or timedelta()
        profile: Json = {
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "display_name": user.shown if user.app is None else "",
            "display_name_normalized": user.shown if user.app is None else "",
            "team": self.team_id,
        }
        if with_email and user.email:
            profile["email"] = user.email
        if user.app is not None:
            profile |= {"api_app_id": user.app.app_id, "bot_id": user.app.bot_id}
        return {
            "id": user.id,
            "team_id": self.team_id,
            "name": user.name,
            "deleted": user.deleted,
            "real_name": user.real_name,
            "tz": user.tz,
            "tz_label": self.clock.now().astimezone(zone).tzname(),
            "tz_offset": int(offset.total_seconds()),
            "profile": profile,
            "is_admin": user.admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": user.guest,
            "is_ultra_restricted": False,
            "is_bot": user.app is not None,
            "is_app_user": False,
            "updated": user.updated,
        }

    # -- leave to answer

    def new_trigger(self, user: str, view: str | None = None) -> str:
        trigger = f"{self.new_number()}.{self.new_number()}.{secrets.token_hex(16)}"
        self.triggers[trigger] = Trigger(user, self.clock.now() + timedelta(seconds=3), view)
        return trigger

    def new_response_url(self, kind: str, leave: ResponseUrl) -> str:
        """`kind` is what Slack has in the address: commands, actions or app."""
        path = f"{kind}/{self.team_id}/{self.new_number()}/{secrets.token_hex(12)}"
        self.response_urls[path] = leave
        return f"{self.base_url}/{path}"

    def expires(self) -> datetime:
        """When a response_url given out now stops working."""
        return self.clock.now() + timedelta(minutes=30)

    # -- telling the app

    def emit(self, subscription: str, event: Json) -> None:
        """Tell the app, if it subscribed to `subscription` (the manifest's name of the event)."""
        self.outgoing(subscription, event)

    def emit_in(self, where: Conversation, subscription: str, event: Json) -> None:
        """Tell the app of something that only a member of the conversation gets to know."""
        if self.app.user_id in where.members:
            self.emit(subscription, event)

    def violated(self, what: str) -> None:
        self.violations.append(what)
