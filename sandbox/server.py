"""The sandbox's addresses, on an event loop in a thread of its own.

All state lives on that loop: whoever is outside asks with `call` or `wait_for`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from sandbox import answers, messages
from sandbox.changes import Changes
from sandbox.delivery import Deliveries
from sandbox.faults import Faults
from sandbox.http_delivery import Requests
from sandbox.site import Called, Site
from sandbox.sockets import Sockets
from sandbox.web_api import answer
from sandbox.workspace import Refused, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from aiohttp.typedefs import Handler

    from sandbox.clock import Clock

Json = dict[str, Any]
T = TypeVar("T")

# Answers about the state of the workspace, which an app may ask for and must live with. Every other
# refusal of the Web API says that the app did something wrong, and is kept as a violation.
_NEWS = {
    "already_archived", "already_in_channel", "already_pinned", "already_reacted", "cant_invite", "channel_not_found",
    "file_not_found", "hash_conflict", "is_archived", "is_inactive", "message_not_found", "messages_tab_disabled",
    "name_taken", "no_pin", "no_reaction", "not_archived", "not_found", "not_in_channel", "ratelimited",
    "thread_not_found", "too_many_pins", "ura_max_channels", "user_disabled", "user_not_found",
    "user_not_in_channel", "users_not_found",
}  # fmt: skip


class Server:
    def __init__(self, manifest: Json, clock: Clock, *, host: str, port: int, ack_seconds: float) -> None:
        ws = Workspace(manifest, clock)
        faults = Faults(clock)
        deliveries = Deliveries(ws, faults, ack_seconds=ack_seconds)
        sockets = Sockets(ws, faults, ack_seconds=ack_seconds)
        deliveries.transport = sockets
        ws.outgoing = deliveries.event
        changes = Changes()
        deliveries.noted = changes.note
        clock.on_move(self.note)
        faults.cut = lambda: self.call(sockets.drop)
        self.site = Site(clock, ws, faults, deliveries, sockets, changes)
        self._host = host
        self._port = port
        self._ack_seconds = ack_seconds
        self.afterwards: Callable[[], int] | None = None
        self._resting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()
        self.wait_for(self._open())

    def stop(self) -> None:
        """Stopped again, nothing happens."""
        if self._thread is None:
            return
        self.wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None
        self._loop.close()

    def wait_for(self, asked: Coroutine[Any, Any, T]) -> T:
        """Run on the server's loop, and wait for what comes of it."""
        result = self.submit(asked).result()
        self.rest()
        return result

    def rest(self) -> None:
        """Let the app finish what it does after acknowledging, if it was said how (`Sandbox.after_each`)."""
        if self.afterwards is not None and not self._resting.locked():
            with self._resting:
                while self.afterwards():
                    self.submit(self.site.deliveries.settle()).result()

    def submit(self, asked: Coroutine[Any, Any, T]) -> Future[T]:
        """Run on the server's loop; what comes of it is in the future."""
        return asyncio.run_coroutine_threadsafe(self._noting(asked), self._loop)

    def note(self) -> None:
        """From any thread: something that is looked at has changed."""
        if self._thread is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.site.changes.note)

    async def _noting(self, asked: Coroutine[Any, Any, T]) -> T:
        try:
            return await asked
        finally:
            self.site.changes.note()

    def call(self, asked: Callable[[], T]) -> T:
        """Look on the server's loop, in one go."""

        async def run() -> T:
            return asked()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def deliver_to(self, url: str) -> bool:
        """Switch to signed HTTP, if the URL answers the challenge."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        requests = Requests(self.site.ws, url, self._session, ack_seconds=self._ack_seconds)
        if not await requests.verify():
            return False
        self.site.deliveries.transport = requests
        return True

    async def _open(self) -> None:
        app = web.Application(client_max_size=64 * 1024**2, middlewares=[self._noted])
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link/", self.site.sockets.accept)
        app.router.add_post("/upload/v1/{ticket}", self._upload)
        app.router.add_get("/clock", self._clock)
        app.router.add_get("/files-pri/{file}/{name:.*}", self._file)
        app.router.add_post("/{kind:commands|actions|app}/{team}/{number}/{secret}", self._response_url)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        await self._listen(self._runner)
        port = self._runner.addresses[0][1]
        self.site.ws.base_url = f"http://{self._host}:{port}"
        for scheduled in self.site.ws.scheduled.values():
            messages.post_when_due(self.site.ws, scheduled)

    async def _listen(self, runner: web.AppRunner) -> None:
        """On the port that was asked for; a kept workspace goes back to its own, where its files are, if it can."""
        own = self._port or urlsplit(self.site.ws.base_url).port or 0
        try:
            await web.TCPSite(runner, self._host, own).start()
        except OSError:
            if own == self._port:
                raise
            await web.TCPSite(runner, self._host, 0).start()

    async def _close(self) -> None:
        for waiting in self.site.ws.posting.values():
            waiting.cancel()
        await self.site.deliveries.stop()
        await self.site.sockets.stop()
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            self.site.changes.note()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        site, started = self.site, time.monotonic()
        name = request.match_info["method"]
        args = await _arguments(request)
        token = _token(request, args)
        called = Called(name, args, site.clock.now())
        site.calls.append(called)
        await asyncio.sleep(site.faults.pause(name))
        mishap = site.faults.strike(name, str(args.get("channel", "")))
        kind = mishap.kind if mishap else ""
        if mishap and kind in {"rate_limit", "status"}:
            called.status = 429 if kind == "rate_limit" else mishap.status
            called.answer = {"ok": False, "error": "ratelimited" if kind == "rate_limit" else "internal_error"}
            headers = {"Retry-After": str(mishap.retry_after)} if kind == "rate_limit" else {}
            return web.json_response(called.answer, status=called.status, headers=headers)
        if kind == "reset_before":
            return _reset(request)
        called.answer = self._answer(name, args, token, mishap.error if mishap else "")
        called.seconds = time.monotonic() - started
        if kind == "reset_after":
            return _reset(request)
        headers = {"x-oauth-scopes": ",".join(sorted(site.ws.scopes))} if token == site.ws.bot_token else {}
        return web.json_response(called.answer, headers=headers)

    def _answer(self, name: str, args: Json, token: str, error: str) -> Json:
        if error:
            return Refused(error).body
        try:
            return answer(self.site, name, args, token)
        except Refused as refused:
            if refused.error not in _NEWS:
                details = {key: value for key, value in refused.body.items() if key not in {"ok", "error"}}
                self.site.ws.violated(f"{name}: {refused.error} {details or ''}".strip())
            return refused.body

    async def _clock(self, _: web.Request) -> web.Response:
        """The sandbox's time, for an app in a process of its own: Unix seconds, and whether it stands still."""
        clock = self.site.clock
        return web.json_response({"now": clock.now().timestamp(), "stands_still": clock.stands_still})

    async def _upload(self, request: web.Request) -> web.Response:
        file = self.site.ws.uploads.get(request.match_info["ticket"])
        if file is None:
            return web.Response(status=404, text="file_not_found")
        if request.content_type == "multipart/form-data":
            posted = await request.post()
            parts = [value.file.read() for value in posted.values() if isinstance(value, web.FileField)]
            file.content = b"".join(parts)
        else:
            file.content = await request.read()
        return web.Response(text=f"OK - {len(file.content)}")

    async def _file(self, request: web.Request) -> web.Response:
        ws = self.site.ws
        file = ws.files.get(request.match_info["file"].partition("-")[2])
        if _token(request, {}) != ws.bot_token or "files:read" not in ws.scopes:
            return web.Response(status=302, headers={"Location": f"https://{ws.domain}.slack.com/"})
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.content)

    async def _response_url(self, request: web.Request) -> web.Response:
        text = await request.text()
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        status, said = answers.to_response_url(self.site.ws, request.path.strip("/"), given)
        args = given if isinstance(given, dict) else {"body": text}
        answer = {"ok": True} if status == 200 else {"ok": False, "error": said}
        self.site.hooks.append(Called("response_url", args, self.site.clock.now(), answer, status))
        return web.Response(status=status, text=said)


async def _arguments(request: web.Request) -> Json:
    """JSON body, form body or query, as each SDK sends them."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        given = json.loads(body) if body else {}
        return args | given if isinstance(given, dict) else args
    posted = await request.post()
    return args | {name: value for name, value in posted.items() if isinstance(value, str)}


def _token(request: web.Request, args: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header else str(args.pop("token", ""))


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
