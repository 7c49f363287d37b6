"""Why Slack could not be reached, in words for the operator."""

from __future__ import annotations

import socket
import ssl
from urllib.error import URLError

LOOK = "Look at DNS, the proxy settings (HTTPS_PROXY) and the firewall of this machine."


def away(url: str, error: Exception) -> str:
    """The rest of a sentence that begins with Slack: that it cannot be reached at `url`, why, and what to look at."""
    return f"cannot be reached at {url}: {_reason(error)}. {LOOK}"


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, socket.gaierror):
        return "its name is not known here"
    if isinstance(inner, ssl.SSLError):
        return "its certificate is not trusted here"
    if isinstance(inner, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(inner, TimeoutError):
        return "it does not answer in time"
    if "Tunnel connection failed" in str(inner):  # http.client has no class of its own for it
        return "the proxy lets nothing through"
    return "the connection fails"
