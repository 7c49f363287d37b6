"""As much of Slack as one courier needs, in the test's own process: a year has too many messages for sockets.

It keeps what arrives, and on request fails: before anything happened, after it took effect, or by the death of
the process that asked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse


class Killed(BaseException):
    """The process ended here, as with SIGKILL."""


@dataclass
class Said:
    at: datetime
    channel: str
    key: str
    text: str


@dataclass
class PocketSlack(WebClient):
    """`mishaps` is the share of posts that do not go well."""

    chance: random.Random
    mishaps: float = 0.0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    said: list[Said] = field(default_factory=list)

    def conversations_open(self, **args: Any) -> SlackResponse:
        return self._answer("conversations.open", {"channel": {"id": f"D{args['users'][0]}"}})

    def conversations_history(self, **args: Any) -> SlackResponse:
        found = [
            one for one in self.said if one.channel == args["channel"] and one.at.timestamp() >= float(args["oldest"])
        ]
        messages = [{"ts": str(one.at.timestamp()), "metadata": {"event_payload": {"key": one.key}}} for one in found]
        return self._answer("conversations.history", {"messages": messages})

    def chat_postMessage(self, **args: Any) -> SlackResponse:  # noqa: N802 - Slack's name
        happens = self.chance.random() < self.mishaps
        way = self.chance.choice(("refused", "busy", "lost", "answer lost", "killed before", "killed after"))
        if happens and way == "refused":
            raise SlackApiError("no", self._answer("chat.postMessage", {"ok": False, "error": "internal_error"}))
        if happens and way == "busy":
            raise SlackApiError("wait", self._answer("chat.postMessage", {"ok": False}, 429, {"Retry-After": "30"}))
        if happens and way == "lost":
            raise URLError("connection refused")
        if happens and way == "killed before":
            raise Killed
        key = args["metadata"]["event_payload"]["key"]
        self.said.append(Said(self.now, args["channel"], key, str(args["blocks"])))
        if happens and way == "answer lost":
            raise URLError("connection reset")
        if happens and way == "killed after":
            raise Killed
        return self._answer("chat.postMessage", {"ts": str(self.now.timestamp())})

    def chat_update(self, **_: Any) -> SlackResponse:
        return self._answer("chat.update", {})

    def _answer(
        self, method: str, data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> SlackResponse:
        answer = {"ok": True, **data}
        return SlackResponse(
            client=self,
            http_verb="POST",
            api_url=method,
            req_args={},
            data=answer,
            headers=headers or {},
            status_code=status,
        )
