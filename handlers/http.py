"""HTTP mode: Slack's requests, and what an operator's tools ask (`/healthz`, `/metrics`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from waitress import wasyncore
from waitress.server import create_server

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class HttpServer:
    """Serves `POST /slack/events` and the operator's pages on `host` and `port` (0: any free one).

    `healthy` says in a sentence what is wrong, None when nothing is; `metrics` is the text Prometheus reads.
    """

    def __init__(
        self,
        bolt: App,
        *,
        host: str,
        port: int,
        threads: int,
        healthy: Callable[[], str | None],
        metrics: Callable[[], bytes],
    ) -> None:
        self._slack: Any = SlackRequestHandler(bolt, path="/slack/events")
        self._healthy, self._metrics = healthy, metrics
        self._sockets: dict[int, Any] = {}
        server: Any = create_server(
            self._route, map=self._sockets, host=host, port=port, threads=threads, ident=None, asyncore_loop_timeout=1
        )
        self._server = server
        self.port = int(server.effective_port)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._stopping = False

    def start(self) -> None:
        self._thread.start()

    def _serve(self) -> None:
        try:
            self._server.run()
        except (OSError, ValueError):
            if not self._stopping:  # its sockets may be closed just while it polls them
                raise

    def stop(self) -> None:
        """Take no more requests, finish those that are being answered."""
        self._stopping = True
        self._server.task_dispatcher.shutdown()
        self._server.pull_trigger()
        while self._thread.is_alive():
            # The loop may be opening or polling one just now, so one round of closing is not always the last.
            wasyncore.close_all(self._sockets, ignore_all=True)
            self._thread.join(0.1)

    def _route(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == "/slack/events" and not environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "0").isdecimal():
            # The SDK's verifier would raise on it, and Bolt answer 500 where 401 is meant.
            return _say(start_response, "401 Unauthorized", b"invalid request")
        if path == "/slack/events":
            answer: Iterable[bytes] = self._slack(environ, start_response)
            return answer
        if path == "/healthz" and method == "GET":
            wrong = self._healthy()
            return _say(start_response, "503 Service Unavailable" if wrong else "200 OK", (wrong or "ok").encode())
        if path == "/metrics" and method == "GET":
            return _say(start_response, "200 OK", self._metrics())
        return _say(start_response, "404 Not Found", b"not found")


def _say(start_response: StartResponse, status: str, body: bytes) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
