"""Bylines: whose words stand in an answer that accounts were woven into.

An answer never holds the name. Beside the words stands a code, "participant KZVQTM", made of the random handle of the
account that was given with the name. Whatever is read holds the name in its place (`Bylines.named`); a dialog, where
the text is edited, says below it who that is (`Bylines.key`). When the name is left out later, that account is gone:
its code becomes "a participant" wherever it stands, and when it comes back out of a dialog that was open meanwhile
(`Bylines.settled`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from bot import mrkdwn
from bot import people as who
from storage import retros
from storage.models import Account, Retrospective

NOBODY = "a participant"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels no code is a word."""

LENGTH = 6
MOST_KEY = 1000
"""Characters of the sentence below a field that tells who is who; Slack's hints have 2000."""

_BYLINE = re.compile(rf"\b[Pp]articipant ([{LETTERS}]{{{LENGTH}}})\b")


def code(account: Account) -> str:
    """What stands for the account's giver in an answer."""
    number = int.from_bytes(hashlib.sha256(account.handle.encode()).digest())
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(LENGTH))


def view_line(account: Account, question: str) -> str:
    """One participant's words to a question, by its key, as they are woven into an answer."""
    by = f"participant {code(account)}" if account.user_id is not None else NOBODY
    return f"{account.answers[question].strip()} ({by})"


@dataclass(frozen=True)
class Bylines:
    """Who is behind the codes of one retrospective's answers: names by code, of the accounts with a name."""

    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, retrospective: Retrospective) -> Bylines:
        given = {
            code(one): one.user_id for one in retros.accounts(session, retrospective.id) if one.user_id is not None
        }
        names = who.names(session, retrospective.team_id, set(given.values()))
        return cls({known: names.get(user, mrkdwn.SOMEBODY) for known, user in given.items()})

    def named(self, text: str) -> str:
        """The text as it is read: with names."""
        return _BYLINE.sub(lambda found: self.names.get(found[1], NOBODY), text)

    def settled(self, text: str) -> str:
        """The text as it may be kept: only with the codes of those whose account has their name now."""
        return _BYLINE.sub(lambda found: found[0] if found[1] in self.names else NOBODY, text)

    def key(self, text: str) -> str:
        """One plain sentence that says who is behind the codes in a text; "" when there are none."""
        codes = dict.fromkeys(found[1] for found in _BYLINE.finditer(text) if found[1] in self.names)
        told = ", ".join(f"participant {one} is {self.names[one]}" for one in codes)
        return mrkdwn.shorten(f"In documents, {told}.", MOST_KEY) if told else ""
