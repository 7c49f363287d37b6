"""What people see of capture: that something was masked, that something was marked."""

from __future__ import annotations

from typing import Any

from bot.redaction import Finding
from handlers.views import kit
from storage.models import Entry


def masked_notice(entry: Entry, masked: list[Finding]) -> dict[str, Any]:
    kinds = ", ".join(sorted({finding.kind for finding in masked}))
    text = (
        f"Your message looked as if it held {kinds}. Seamark masked it before keeping the message;"
        " Slack still shows it, so delete or change it there, and replace the secret."
    )
    return kit.message(text, [kit.section(text), kit.buttons(kit.button("It is no secret", "not_secret", entry.id))])
