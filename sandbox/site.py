"""The parts of a running sandbox that belong together, and the log of calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.changes import Changes
    from sandbox.clock import Clock
    from sandbox.delivery import Deliveries
    from sandbox.faults import Faults
    from sandbox.sockets import Sockets
    from sandbox.workspace import Workspace

Json = dict[str, Any]


@dataclass
class Called:
    """One call of the Web API. Without an answer the connection broke, or the HTTP status says it all."""

    method: str
    args: Json
    at: datetime
    answer: Json | None = None
    status: int = 200
    seconds: float = 0.0

    @property
    def error(self) -> str:
        return str((self.answer or {}).get("error", ""))


@dataclass
class Site:
    clock: Clock
    ws: Workspace
    faults: Faults
    deliveries: Deliveries
    sockets: Sockets
    changes: Changes
    calls: list[Called] = field(default_factory=list)
    hooks: list[Called] = field(default_factory=list)  # what was sent to a response_url
