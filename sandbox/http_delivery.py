"""Signed HTTP deliveries to the app's request URL.

Sources: docs.slack.dev/authentication/verifying-requests-from-slack and apis/events-api/using-http-request-urls.
The signature carries real time, not the sandbox's, since the app checks it against its own watch.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from sandbox.delivery import Undelivered

if TYPE_CHECKING:
    from sandbox.delivery import Delivery
    from sandbox.workspace import Workspace

Json = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


class Requests:
    """Posts to one URL, as all three of Bolt's request URLs usually are."""

    def __init__(self, ws: Workspace, url: str, session: aiohttp.ClientSession, *, ack_seconds: float) -> None:
        self.ws = ws
        self.url = url
        self.session = session
        self.timeout = aiohttp.ClientTimeout(total=ack_seconds)

    async def send(self, delivery: Delivery, number: int, reason: str) -> Any:
        body, content_type = _body(delivery)
        headers = self.signed(body, content_type)
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        return await self._post(body, headers)

    async def verify(self) -> bool:
        """The handshake for a new request URL: whether the challenge came back."""
        challenge = secrets.token_hex(20)
        asked = {"token": self.ws.verification_token, "challenge": challenge, "type": "url_verification"}
        body = json.dumps(asked).encode()
        try:
            answer = await self._post(body, self.signed(body, "application/json"))
        except Undelivered:
            return False
        said = answer if isinstance(answer, dict) else {}
        echoed = said.get("challenge", str(said.get("text", "")).removeprefix("challenge="))
        return bool(echoed == challenge)

    def signed(self, body: bytes, content_type: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        base = f"v0:{stamp}:".encode() + body
        digest = hmac.new(self.ws.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {
            "Content-Type": content_type,
            "User-Agent": _AGENT,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }

    async def _post(self, body: bytes, headers: dict[str, str]) -> Any:
        try:
            async with self.session.post(
                self.url, data=body, headers=headers, timeout=self.timeout, allow_redirects=False
            ) as response:
                text = await response.text()
                if not 200 <= response.status < 300:
                    raise Undelivered("http_error", final=response.headers.get("X-Slack-No-Retry") == "1")
                return _read(text, response.content_type)
        except TimeoutError:
            raise Undelivered("http_timeout") from None
        except aiohttp.ClientError:
            raise Undelivered("connection_failed") from None


def _body(delivery: Delivery) -> tuple[bytes, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload).encode(), "application/json"
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload).encode(), _FORM
    return urlencode({"payload": json.dumps(delivery.payload)}).encode(), _FORM


def _read(text: str, content_type: str) -> Any:
    """The acknowledgement's body in the shape that Socket Mode gives it."""
    if not text.strip():
        return None
    if content_type != "application/json":
        return {"text": text}
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}
