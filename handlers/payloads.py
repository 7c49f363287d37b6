"""What Slack sends, as small typed values: a command, a click, a submitted dialog, a message shortcut.

Shapes: https://docs.slack.dev/interactivity/implementing-slash-commands and
https://docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.redaction import Finding

Body = Mapping[str, Any]

PRIVATE = "privategroup"
"""What Slack calls every private channel in the place of its name."""


@dataclass(frozen=True)
class Slash:
    """A slash command; `text` is Slack text, e.g. `mark decision: roll back`."""

    command: str
    text: str
    team_id: str
    channel_id: str
    user_id: str
    trigger_id: str
    response_url: str
    channel_name: str = ""

    @classmethod
    def of(cls, body: Body) -> Slash:
        names = ("command", "text", "team_id", "channel_id", "user_id", "trigger_id", "response_url", "channel_name")
        return cls(**{name: str(body.get(name) or "") for name in names})

    @property
    def subcommand(self) -> str:
        """The first word, in lower case; "" when there is none."""
        return self.text.split(maxsplit=1)[0].lower() if self.text.strip() else ""

    @property
    def rest(self) -> str:
        """What follows the first word."""
        parts = self.text.split(maxsplit=1)
        return parts[1].strip() if len(parts) > 1 else ""

    @property
    def in_private(self) -> bool:
        """Whether it was typed in a private channel, whose name Slack does not tell."""
        return self.channel_name == PRIVATE

    @property
    def key(self) -> str:
        """The same for a repeat of the same command, and for nothing else."""
        return f"command:{self.trigger_id}"


@dataclass(frozen=True)
class Click:
    """A button or menu in a message or a view; `value` is what it stands for, `masked` see `Form`."""

    action_id: str
    value: str
    team_id: str
    user_id: str
    channel_id: str
    message_ts: str
    trigger_id: str
    response_url: str
    view: Body
    channel_name: str = ""
    masked: Sequence[Finding] = ()

    @classmethod
    def of(cls, body: Body) -> Click:
        action = body["actions"][0]
        container = body.get("container") or {}
        place = body.get("channel") or {}
        channel = place.get("id") or container.get("channel_id") or ""
        return cls(
            action_id=action["action_id"],
            value=_chosen(action),
            team_id=_team(body),
            user_id=body["user"]["id"],
            channel_id=channel,
            message_ts=str(container.get("message_ts") or ""),
            trigger_id=str(body.get("trigger_id") or ""),
            response_url=str(body.get("response_url") or ""),
            view=body.get("view") or {},
            channel_name=str(place.get("name") or ""),
        )

    @property
    def in_private(self) -> bool:
        """Whether it was clicked in a private channel, whose name Slack does not tell."""
        return self.channel_name == PRIVATE

    @property
    def key(self) -> str:
        return f"click:{self.trigger_id}"

    @property
    def form(self) -> Form:
        """What the dialog around the button holds at this moment."""
        return Form(self.team_id, self.user_id, self.trigger_id, self.view, self.masked)


@dataclass(frozen=True)
class MessageShortcut:
    """A shortcut used on a message; `message` is that message as Slack stores it."""

    team_id: str
    user_id: str
    channel_id: str
    trigger_id: str
    response_url: str
    message: Body

    @classmethod
    def of(cls, body: Body) -> MessageShortcut:
        return cls(
            _team(body),
            body["user"]["id"],
            body["channel"]["id"],
            str(body.get("trigger_id") or ""),
            str(body.get("response_url") or ""),
            body["message"],
        )


@dataclass(frozen=True)
class Suggestion:
    """Somebody types into a menu whose options come from us; `typed` is what they have typed so far."""

    action_id: str
    block_id: str
    typed: str
    team_id: str
    user_id: str
    view: Body

    @classmethod
    def of(cls, body: Body) -> Suggestion:
        return cls(
            str(body["action_id"]),
            str(body["block_id"]),
            str(body.get("value") or ""),
            _team(body),
            body["user"]["id"],
            body.get("view") or {},
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dialog was opened with."""
        return dict(json.loads(self.view.get("private_metadata") or "{}"))


@dataclass(frozen=True)
class Form:
    """A dialog as it was filled in. Each field's block id is the field's name; its element is called `value`.

    `masked` are the likely secrets that were typed and are masked in `view` already (`handlers.typed_secrets`).
    """

    team_id: str
    user_id: str
    trigger_id: str
    view: Body
    masked: Sequence[Finding] = ()

    @classmethod
    def of(cls, body: Body) -> Form:
        return cls(_team(body), body["user"]["id"], str(body.get("trigger_id") or ""), body["view"])

    @property
    def view_id(self) -> str:
        return str(self.view["id"])

    @property
    def root_view_id(self) -> str:
        return str(self.view.get("root_view_id") or self.view["id"])

    @property
    def key(self) -> str:
        """The same when the same dialog, unchanged since it was shown, is submitted twice."""
        return f"view:{self.view_id}:{self.view.get('hash') or ''}"

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dialog was opened with."""
        return dict(json.loads(self.view.get("private_metadata") or "{}"))

    def _state(self, name: str) -> Body:
        block = self.view.get("state", {}).get("values", {}).get(name) or {}
        return next(iter(block.values()), None) or {}

    def names(self) -> list[str]:
        return list(self.view.get("state", {}).get("values", {}))

    def text(self, name: str) -> str:
        """A text, as typed; "" when left empty."""
        return str(self._state(name).get("value") or "")

    def choice(self, name: str) -> str:
        option = self._state(name).get("selected_option")
        return str(option["value"]) if option else ""

    def choices(self, name: str) -> list[str]:
        return [str(option["value"]) for option in self._state(name).get("selected_options") or []]

    def user(self, name: str) -> str:
        return str(self._state(name).get("selected_user") or "")

    def users(self, name: str) -> list[str]:
        return [str(user) for user in self._state(name).get("selected_users") or []]

    def day(self, name: str) -> date | None:
        chosen = self._state(name).get("selected_date")
        return date.fromisoformat(chosen) if chosen else None

    def time(self, name: str) -> str:
        """A time of day as `HH:MM`; "" when none was chosen."""
        return str(self._state(name).get("selected_time") or "")

    def moment(self, name: str) -> int | None:
        """A moment in seconds since 1970."""
        chosen = self._state(name).get("selected_date_time")
        return int(chosen) if chosen else None


def _team(body: Body) -> str:
    team = body.get("team") or {}
    return str(team.get("id") or body.get("team_id") or (body.get("user") or {}).get("team_id") or "")


def _chosen(action: Body) -> str:
    option = action.get("selected_option")
    if option:
        return str(option["value"])
    for name in ("value", "selected_user", "selected_date", "selected_time", "selected_conversation"):
        if action.get(name):
            return str(action[name])
    return ""
