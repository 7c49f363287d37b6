"""Socket Mode: tickets, connections, and envelopes each of which goes to one connection.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.delivery import Undelivered

if TYPE_CHECKING:
    from sandbox.delivery import Delivery
    from sandbox.faults import Faults
    from sandbox.workspace import Workspace

Json = dict[str, Any]

_MOST = 10


class Connection:
    """One WebSocket of the app, with the envelopes that it has not acknowledged."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.request = request
        self.leaving = False  # told to go: gets nothing new
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self.served: list[str] = []  # envelopes sent here

    def abort(self) -> None:
        """Cut the line without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Sockets:
    def __init__(self, ws: Workspace, faults: Faults, *, ack_seconds: float) -> None:
        self.ws = ws
        self.faults = faults
        self.ack_seconds = ack_seconds
        self.connections: list[Connection] = []
        self._turn = itertools.count()

    def new_url(self) -> str:
        """For apps.connections.open: an address that serves one connection."""
        ticket = secrets.token_hex(16)
        self.ws.tickets.add(ticket)
        address = self.ws.base_url.replace("http://", "ws://")
        return f"{address}/link/?ticket={ticket}&app_id={self.ws.app.app_id}"

    async def accept(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self.ws.tickets or self.out():
            return web.Response(status=503 if self.out() else 404)
        self.ws.tickets.remove(ticket)
        socket = web.WebSocketResponse(compress=False, heartbeat=30)
        await socket.prepare(request)
        if len(self.connections) >= _MOST:
            await socket.send_json(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        connection = Connection(socket, request)
        self.connections.append(connection)
        try:
            await socket.send_json(self._hello())
            await self._listen(connection)
        except ConnectionError:
            pass  # the app hung up in mid-sentence: the same as hanging up
        finally:
            self._forget(connection)
        return socket

    def out(self) -> bool:
        until = self.faults.out_until
        return until is not None and self.ws.clock.now() < until

    async def send(self, delivery: Delivery, number: int, reason: str) -> Any:
        connection = self._next()
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope["envelope_id"]] = answer
        connection.served.append(envelope["envelope_id"])
        try:
            async with asyncio.timeout(self.ack_seconds):
                await connection.socket.send_json(envelope)
                return await answer
        except TimeoutError:
            raise Undelivered("http_timeout") from None
        except ConnectionError:
            raise Undelivered("connection_failed") from None
        finally:
            connection.waiting.pop(envelope["envelope_id"], None)

    async def refresh(self, reason: str) -> None:
        """Tell every connection to go: `warning`, `refresh_requested` or `link_disabled`."""
        for connection in self.connections:
            connection.leaving = reason != "warning"
            await connection.socket.send_json(_disconnect(reason))

    def drop(self) -> None:
        for connection in self.connections:
            connection.abort()

    async def stop(self) -> None:
        for connection in tuple(self.connections):
            await connection.socket.close()

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            try:
                said = json.loads(frame.data)
                answer = connection.waiting.get(said["envelope_id"])
            except (ValueError, TypeError, KeyError):
                self.ws.violated(f"not an acknowledgement, on the socket: {frame.data[:200]}")
                continue
            if answer is not None and not answer.done():
                answer.set_result(said.get("payload"))

    def _next(self) -> Connection:
        ready = [c for c in self.connections if not c.leaving and not c.socket.closed]
        if not ready:
            raise Undelivered("connection_failed")
        return ready[next(self._turn) % len(ready)]

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        for answer in connection.waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": 3600,
            },
            "connection_info": {"app_id": self.ws.app.app_id},
        }


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}}
