"""Secrets that are told by their name: `password=…`, `token: …`, "the password is …".

Chat is full of sentences about passwords and tokens that hold none ("token: expired"), so a value counts only
as far as its name, the sign between them and its own look together make it likely. `bot.secret_forms` finds
what has a form of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text, and what is there in plain words: "a password"."""

    start: int
    end: int
    kind: str


_PASSWORDS: Final = (
    *("password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "contrase[nñ]a", "senha", "pwd"),
    *(r"pw(?<![a-z0-9]pw)", r"creds(?<![a-z0-9]creds)", r"pass(?<=_pass)", r"pass(?<![a-z]pass)(?=[ ]?[:=])"),
)
_KEYS: Final = tuple(
    rf"{of}[ _.-]?key"
    for of in ("api", "access", "auth", "service", "account", "private", "encryption", "signing", "master", "storage")
)
_NAMES: Final = (*_PASSWORDS, r"secret(?:[ _-]?access)?(?:[ _-]?key|[_-]id)?", "token", *_KEYS)
_HINTS: Final = ("pass", "pw", "secret", "token", "key", "creds", "kennwort", "contrase", "senha")

_NAMED: Final = re.compile(
    # Each name begins with a letter, and there is no IGNORECASE, so that `re` may skip to the next candidate.
    rf"(?P<name>{'|'.join(_NAMES)})"
    r"""
    (?: [ _-]?(?:\d{1,2}|hash|b64|base64|prod|production|staging|stage|dev|test|old|new|value)(?![a-z0-9]) )?
    [\\"'`*_\]]{0,4}
    (?: (?: [ ](?:for|to|of|on|in)[ ]\S{1,60}(?:[ ]\S{1,60}){0,2}? )?
        (?: (?P<equals> [ \t]*(?:=>|=&gt;|:=|={1,3})[ \t]* )
          | (?P<colon> [ \t]*:[*_]{0,2}[ \t]*\n?[ \t]* )
          | (?P<is> [ \t]+(?:(?:is|was|has[ ]been)(?:[ ]now)?(?:[ ](?:changed|set|reset|rotated)[ ]to)?
                           |(?:changed|set|reset|rotated)[ ]to|-&gt;)[ ]?:?[ \t]+ ) )
      | (?P<blank> [ \t]+ ) )
    [*_]?
    (?: (?P<quote> \\?["'`]{1,3} )(?P<quoted> (?:(?!(?P=quote))[^\n]){1,2000} )(?P=quote)
      | \\?["'`]?(?P<bare> (?: &(?:amp|lt|gt);
                             | ,(?!\s|[\w.-]{1,60}[=:])
                             | \|(?![^<>\n]{0,200}>)   # the bar before the label of a link
                             | [^\s"'`<>;,|] ){1,64} ) # enough to tell; `_LONGER` takes the rest
      | (?P<mailed> <mailto:[^>\s]{1,300}> ) )         # Slack took user:pass@host for an address
    """,
    re.VERBOSE,
)
_LONGER: Final = re.compile(r"[^\s\"'`<>;,|]+")
_OTHER_TOKENS: Final = re.compile(
    r"(?:page|paging|pagination|next|continu(?:e|ation)|cancel(?:lation)?|cursor|sync|fencing|stop|eos|bos|per|max)"
    r"[ _.-]?\Z"
)
_LINE_ENDS: Final = re.compile(r"[\"'`*_.!)]{0,4}[ \t]*(?:\n|\Z)")
_WITHIN_MASK: Final = re.compile(r"\[masked: [^\]\n]{0,40}\Z")

_STATES: Final = frozenset(
    (  # noqa: SIM905 - words, not a column of strings
        "and are base64 bad blank broken changed compromised correct deleted denied disabled empty "
        "encoded encrypted error exists expired expires expiry failed failing false field forbidden found "
        "from generated hash hashed here hidden http2 https in incorrect injected invalid ipv4 ipv6 is it "
        "k8s leaked like lost malformed masked md5 mismatch missing n/a needed nil no none not null oauth "
        "oauth2 ok okay old optional passed please policy present prompt protected read redacted rejected "
        "removed renewed required reset returned reused revoked rotated rotation sent set sha1 sha256 "
        "sha512 stale str string stored successful synced tbd the this true unauthorized unchanged "
        "undefined unknown unset updated used utf8 valid validation was weak went works wrong yes "
    ).split()
)
_PLACEHOLDER: Final = re.compile(
    r"""
      \$\{.* | \$\(.* | \$[A-Z_][A-Z0-9_]* | \$\d | %[a-z(].* | \{.* | &lt;.* | <(?!mailto:).* | \[.*
    | (.)\1* | [xX*•.…?_:-]+
    """,
    re.VERBOSE | re.DOTALL,
)
_CODE: Final = re.compile(r".*\(.*|[A-Za-z_]+(?:\.[A-Za-z_]+)+|[A-Za-z_]+\[.*", re.DOTALL)
_MEASURE: Final = re.compile(
    r"""
      [\d:TZ.,+/-]+                       # a number, a time, a date
    | \d+(?:\.\d+)?[A-Za-z%]{1,4}         # 500ms
    | v?\d+(?:\.\d+)+[\w.+-]*             # a version
    | (?:sha\d+|md5):.* | \w+://.* | [~.]?/.* | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
    """,
    re.VERBOSE | re.DOTALL,
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_NO_LETTER: Final = re.compile(r"[\d!@#$%^&*+~?]")
_LABEL: Final = re.compile(r"(?:[a-z]+[-_./])+v?\d+")


def is_placeholder(value: str) -> bool:
    """`$TOKEN`, `<password>`, `****`, "expired": words that stand for a value, or tell of its state."""
    return not value or _PLACEHOLDER.fullmatch(value) is not None or value.lower().strip("!?.") in _STATES


def is_random(value: str, *, least: int) -> bool:
    """Whether a value of at least that many characters looks made up: letters mixed with digits or symbols."""
    if len(value) < least or _MEASURE.fullmatch(value) or not _LETTER.search(value):
        return False
    return _NO_LETTER.search(value.rstrip("!?")) is not None


def is_a_name(value: str) -> bool:
    """Whether half of the parts are words, as in `token-service-7d9f8b6c5-x2x4z`."""
    parts = [part for part in re.split(r"[-_./:]", value) if part]
    words = [part for part in parts if len(part) > 1 and part.isalpha() and (part.islower() or part[1:].islower())]
    return 2 * len(words) >= len(parts) and max(map(len, parts), default=0) < 24


def named(text: str, lower: str) -> Iterator[Span]:
    """The values told by name in `text`; `lower` is the same in lower case, character for character."""
    if not any(hint in lower for hint in _HINTS):
        return
    at = 0
    while match := _NAMED.search(lower, at):
        span = _value(match, text, lower)
        if span:
            yield span
        # A value that is none may hold the next name: `secret: password=…`.
        at = span.end if span else match.end("name")


def _value(match: re.Match[str], text: str, lower: str) -> Span | None:
    name, (start, end) = match["name"], match.span(match.lastgroup or "bare")
    identifier, is_query = _before(lower, match.start())
    if match["bare"]:
        end = _end_of_bare(text, start, end, is_query=is_query)
    value = text[start:end]
    if is_placeholder(value) or (match["bare"] and _CODE.fullmatch(value)):
        return None
    if name == "pwd" and value.startswith(("/", "~")):  # a shell's working directory
        return None
    is_password = name.startswith(("pass", "pw", "creds", "kenn", "contra", "senha"))
    typed = text[match.start("name") : match.end("name")]
    if not (_is_likely_password if is_password else _is_likely_key)(match, value, typed):
        return None
    if match["blank"] and not lower.startswith("--", identifier):
        return None
    before = lower[max(0, match.start() - 80) : match.start()]
    if _WITHIN_MASK.search(before) or (name == "token" and _OTHER_TOKENS.search(before)):
        return None
    if match["bare"] and end == match.end("bare") and not is_query and (longer := _LONGER.match(text, end)):
        end = longer.end()
    return Span(start, end, _kind(name, is_password=is_password))


def _before(lower: str, place: int) -> tuple[int, bool]:
    """Where the identifier that goes on at `place` begins, and whether it is one of a query's."""
    start, least = place, max(0, place - 80)
    while start > least and (lower[start - 1].isalnum() or lower[start - 1] in "_.-"):
        start -= 1
    return start, start > 0 and lower[start - 1] in "?&;"


def _end_of_bare(text: str, start: int, end: int, *, is_query: bool) -> int:
    """Without the rest of a query or connection string, and without a sentence's punctuation."""
    if is_query:
        whole = _LONGER.match(text, start)
        return start + len(re.split(r"[&#]", text[start : whole.end() if whole else end], maxsplit=1)[0])
    return start + len(text[start:end].rstrip(".,:)]}*_~"))


def _is_likely_password(match: re.Match[str], value: str, name: str) -> bool:
    if match["mailed"]:
        return match["blank"] is None
    if match["equals"]:
        return not (value.lower().endswith(name.lower()) or (name == "pass" and value.isdigit()))
    if match["blank"]:
        return is_random(value, least=5)
    if name.lower() == "pass":  # "pass: 12, fail: 3"
        return is_random(value, least=5) and not is_a_name(value)
    sole = match["colon"] is not None and _LINE_ENDS.match(match.string, match.end())
    if " " not in value and (match["quote"] or sole):
        return True
    return is_random(value, least=5) and not _LABEL.fullmatch(value)


def _is_likely_key(match: re.Match[str], value: str, name: str) -> bool:
    if match["mailed"]:
        return False
    if match["equals"] == "=" and name.isupper():  # the shell's way
        return not value.isdigit()
    least = 6 if match["equals"] else 12 if match["is"] else 8
    return is_random(value, least=least) and not is_a_name(value)


def _kind(name: str, *, is_password: bool) -> str:
    if is_password:
        return "a password"
    if name == "token":
        return "a token"
    return "a secret key" if "key" in name else "a secret"
