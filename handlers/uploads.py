"""Files shared in Slack, each once: an upload in three steps that can be taken up again where it broke off.

https://docs.slack.dev/messaging/working-with-files#uploading_files
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.request import Request, urlopen

from slack_sdk.errors import SlackApiError

from bot.exporting import File
from handlers.courier import Delivery, Later

TIMEOUT = 30
"""Seconds for the bytes of one file; nobody waits for them."""


def share_once(delivery: Delivery, channel: str, files: Sequence[File], comment: str, step: str = "files") -> None:
    """Share the files in one message of `channel` (an id) unless an earlier try did; `comment` is Slack text.

    Whether a message whose answer was lost is there is told by the ids of its files.
    """
    if delivery.progress.get(step):
        return
    if delivery.attempt > 1 and _is_there(delivery, channel, step, files):
        delivery.note(**{step: True})
        return
    uploaded: list[dict[str, str | None]] = [
        {"id": _uploaded(delivery, file, step), "title": file.title} for file in files
    ]
    try:
        delivery.client.files_completeUploadExternal(files=uploaded, channel_id=channel, initial_comment=comment)
    except SlackApiError as error:
        if error.response.get("error") != "file_not_found" or delivery.attempt > 3:
            raise
        delivery.note(**{f"{step}:{file.name}": None for file in files})
        raise Later("an upload was no longer there; it is made anew", timedelta(seconds=1)) from error
    delivery.note(**{step: True})


def _uploaded(delivery: Delivery, file: File, step: str) -> str:
    """The id of a file whose bytes are with Slack, not shared with anybody yet."""
    known = delivery.progress.get(f"{step}:{file.name}")
    if known is not None:
        return str(known)
    content = file.content.encode("utf-8", "replace")
    ticket = delivery.client.files_getUploadURLExternal(filename=file.name, length=len(content))
    request = Request(  # noqa: S310 - the address is the one Slack has just given
        ticket["upload_url"], data=content, method="POST", headers={"Content-Type": "application/octet-stream"}
    )
    with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        answer.read()
    delivery.note(**{f"{step}:{file.name}": ticket["file_id"]})
    return str(ticket["file_id"])


def _is_there(delivery: Delivery, channel: str, step: str, files: Sequence[File]) -> bool:
    ids = {delivery.progress.get(f"{step}:{file.name}") for file in files} - {None}
    if not ids:
        return False
    oldest = f"{(delivery.created_at - timedelta(minutes=1)).timestamp():.6f}"
    cursor = None
    while True:
        page = delivery.client.conversations_history(channel=channel, oldest=oldest, limit=200, cursor=cursor)
        if any(file["id"] in ids for message in page["messages"] for file in message.get("files") or []):
            return True
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return False
