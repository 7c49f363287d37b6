"""WebSocket frames of any length (RFC 6455, section 5.2)."""

from __future__ import annotations

import secrets
import struct

_FINAL_TEXT = 0x81
_MASKED = 0x80


def text_frame(text: str) -> bytes:
    """`text` as one frame, masked as a client must.

    The SDK's own (`slack_sdk.socket_mode.builtin.internals`) ends at 65,535 bytes, and masks byte by byte.
    """
    payload = text.encode()
    length, mask = len(payload), secrets.token_bytes(4)
    if length <= 125:
        header = struct.pack("!BB", _FINAL_TEXT, _MASKED | length)
    elif length <= 0xFFFF:
        header = struct.pack("!BBH", _FINAL_TEXT, _MASKED | 126, length)
    else:
        header = struct.pack("!BBQ", _FINAL_TEXT, _MASKED | 127, length)
    key = int.from_bytes((mask * (length // 4 + 1))[:length])
    return header + mask + (int.from_bytes(payload) ^ key).to_bytes(length)
