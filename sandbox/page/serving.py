"""The page's own address, on the sandbox's loop: loopback only, and only for pages that it served itself.

Whatever reaches it from another host name (DNS rebinding) or from another page (cross-site posts) is refused.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from sandbox.page import doing, looking, traffic
from sandbox.workspace import Refused

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from sandbox.driver import Sandbox
    from sandbox.page.story import Story
    from sandbox.workspace import User

Json = dict[str, Any]

_HOST = "127.0.0.1"
_STATIC = files("sandbox").joinpath("page/static")
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A file that somebody shared: shown without script, without its own origin, and with nothing from outside.
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
_SHOWN_AS = {
    "html": "text/html", "htm": "text/html", "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "gif": "image/gif",
}  # fmt: skip
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_MESSAGES = 2000
_TRAFFIC = 400
_BEAT = 5.0  # seconds between two signs of life on a live connection


class Page:
    """Serves the page until it is stopped."""

    def __init__(self, slack: Sandbox, story: Story, port: int) -> None:
        """`port` 0: any free one."""
        self._slack = slack
        self._story = story
        self._port = port
        self._runner: web.AppRunner | None = None
        self._hands = ThreadPoolExecutor(16, thread_name_prefix="page")
        self._leaving = asyncio.Event()
        self._instance = secrets.token_hex(4)
        self.url = ""

    async def open(self) -> None:
        """OSError when the port is taken."""
        app = web.Application(client_max_size=64 * 1024**2, middlewares=[self._guard])
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{path:.+}", self._static)
        app.router.add_get("/page/state", self._state)
        app.router.add_get("/page/traffic", self._traffic)
        app.router.add_get("/page/traffic/{id}", self._payload)
        app.router.add_get("/page/live", self._live)
        app.router.add_get("/page/files/{file}", self._file)
        app.router.add_post("/page/do", self._do)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://{_HOST}:{self._port}/"
        self._story.visible = True

    async def close(self) -> None:
        self._story.close()
        self._leaving.set()
        self._slack.server.site.changes.note()
        if self._runner is not None:
            await self._runner.cleanup()
        self._hands.shutdown(wait=False, cancel_futures=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        names = {f"{name}:{self._port}" for name in (_HOST, "localhost")}
        if request.host not in names:
            return web.Response(status=421, text="This page answers only to its own address.\n", headers=_HEADERS)
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin not in {f"http://{name}" for name in names}
        cross = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
        if foreign or (cross and request.path != "/"):
            return web.Response(status=403, text="Other pages may not use this one.\n", headers=_HEADERS)
        response = await handler(request)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response

    async def _index(self, _: web.Request) -> web.Response:
        return _asset("index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return _asset(request.match_info["path"])

    def _viewer(self, request: web.Request) -> User:
        """Who looks; by default the first of the people."""
        users = self._slack.server.site.ws.users
        user = users.get(request.query.get("as", ""))
        if user is not None and user.app is None:
            return user
        people = [one for one in users.values() if one.app is None and one.id != "USLACKBOT"]
        return people[0] if people else users["USLACKBOT"]

    async def _state(self, request: web.Request) -> web.Response:
        query = request.query
        asked = query.get("most", "")
        most = min(int(asked), _MOST_MESSAGES) if asked.isdecimal() else 200
        state = looking.workspace(
            self._slack,
            self._story,
            self._viewer(request),
            room=query.get("room", ""),
            thread=query.get("thread", ""),
            most=most,
        )
        return web.json_response(state)

    async def _traffic(self, _: web.Request) -> web.Response:
        return web.json_response(traffic.lines(self._slack.server.site, _TRAFFIC))

    async def _payload(self, request: web.Request) -> web.Response:
        found = traffic.whole(self._slack.server.site, request.match_info["id"])
        return web.json_response(found) if found else web.Response(status=404)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events: a number whenever there is something new to ask for."""
        headers = {**_HEADERS, "Content-Type": "text/event-stream", "Content-Security-Policy": _POLICY}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        site = self._slack.server.site
        self._story.joined(1)
        number = -1
        try:
            while not self._leaving.is_set():
                number = await site.changes.after(number, _BEAT)
                news = {"number": number, "sockets": len(site.sockets.connections), "instance": self._instance}
                await response.write(f"data: {json.dumps(news)}\n\n".encode())
        except ConnectionError:
            pass  # the page was closed: nothing to be told any more
        finally:
            self._story.joined(-1)
        return response

    async def _file(self, request: web.Request) -> web.Response:
        found = looking.file_for(self._slack.server.site.ws, self._viewer(request), request.match_info["file"])
        if found is None:
            return web.Response(status=404, text="There is no such file, or this person cannot see it.\n")
        name, content = found
        extension = name.rpartition(".")[2].lower()
        shown_as = _SHOWN_AS.get(extension)
        headers = {
            "Content-Type": shown_as or "text/plain; charset=utf-8",
            "Content-Security-Policy": _FILE_POLICY,
            "X-Frame-Options": "SAMEORIGIN",
        }
        if "download" in request.query:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        return web.Response(body=content, headers=headers)

    async def _do(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":  # what another page could post without asking first
            return web.Response(status=415, text="JSON is wanted.\n")
        try:
            args = await request.json()
        except ValueError:
            return web.Response(status=400, text="This is not JSON.\n")
        if not isinstance(args, dict):
            return web.Response(status=400, text="An object is wanted.\n")
        person = self._slack.person_by_id(self._viewer(request).id)
        loop = asyncio.get_running_loop()
        try:
            done = await loop.run_in_executor(self._hands, doing.do, self._slack, self._story, person, args)
        except KeyError as error:
            return web.json_response({"error": f"{error.args[0]} is missing"}, status=400)
        except (LookupError, PermissionError, ValueError, TypeError, Refused) as error:
            return web.json_response({"error": str(error)})
        return web.json_response(done)


def _asset(path: str) -> web.Response:
    """A file of the page; nothing but what lies in its folder."""
    parts = path.split("/")
    found = _STATIC.joinpath(*parts)
    kind = _TYPES.get(path.rpartition(".")[2])
    if ".." in parts or kind is None or not found.is_file():
        return web.Response(status=404)
    return web.Response(body=found.read_bytes(), content_type=kind, charset="utf-8")
