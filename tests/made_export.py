"""Slack exports made for tests, of any size, written as a stream."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path

BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
PER_DAY = 5000


def write(path: Path, messages: int, *, around: str = "") -> Path:
    """A zip with one channel, `ops`, with that many messages in days of 5,000; `around`: a folder around it all."""
    people = [{"id": f"U{number}", "team_id": "T1", "name": f"p{number}", "tz": "UTC"} for number in range(20)]
    channel = {"id": "C1", "name": "ops", "members": [person["id"] for person in people]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{around}channels.json", json.dumps([channel]))
        archive.writestr(f"{around}users.json", json.dumps(people))
        for first in range(0, messages, PER_DAY):
            day = BEGIN + timedelta(days=first // PER_DAY)
            with archive.open(f"{around}ops/{day:%Y-%m-%d}.json", "w") as raw, TextIOWrapper(raw, "utf-8") as text:
                text.write("[")
                for number in range(first, min(first + PER_DAY, messages)):
                    text.write(("," if number > first else "") + json.dumps(_message(number, day)))
                text.write("]")
    return path


def _message(number: int, day: datetime) -> dict[str, object]:
    at = day.timestamp() + number % PER_DAY
    message: dict[str, object] = {
        "type": "message",
        "user": f"U{number % 20}",
        "ts": f"{at:.0f}.{number % 1000:06}",
        "text": f"message {number}: the error rate of checkout is {number % 17} percent, see the dashboard " + "." * 60,
    }
    if number % 50 == 0:
        message["reactions"] = [{"name": "pushpin", "users": ["U1"], "count": 1}]
    return message
