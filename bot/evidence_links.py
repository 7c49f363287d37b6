"""Links in Slack text, recognised by kind, and what the messages of other apps are likely to be.

Which host and path is what is data (`templates/evidence/`); a team may put a file of its own before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from bot import definitions
from bot.definitions import Definition, FaultyDefinition
from bot.kinds import Kind
from bot.mrkdwn import unescape


class LinkKind(StrEnum):
    """What a link is evidence of; the value is what is stored and what the files name."""

    DASHBOARD = "dashboard"
    LOG = "log"
    TRACE = "trace"
    PULL_REQUEST = "pull_request"
    COMMIT = "commit"
    FILE = "file"
    DEPLOY = "deploy"
    TICKET = "ticket"
    DOCUMENT = "document"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the browser needs it (see `safe_url`), its label as plain text ("" for none), and its kind."""

    url: str
    label: str
    kind: LinkKind


class FaultyPatterns(FaultyDefinition):
    """The file of links cannot be used. The patterns that were in use stay in use."""


Glob = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LinkPattern(Definition):
    """One tool's links: a host and a path that fit the globs. Each example must fit."""

    name: str = Field(min_length=1, max_length=75)
    kind: LinkKind
    hosts: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    paths: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    examples: tuple[str, ...] = ()

    def fits(self, host: str, path: str) -> bool:
        return _fits(host, self.hosts) and _fits(path, self.paths)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.hosts == self.paths == ("*",):
            raise ValueError(f"`{self.name}` fits every link: give it hosts or paths")
        for example in self.examples:
            if not self.fits(*_host_and_path(example)):
                raise ValueError(f"the example {example} does not fit `{self.name}`")
        return self


class LinkPatterns(Definition):
    """Patterns in the order in which they are asked."""

    links: tuple[LinkPattern, ...]

    def kind_of(self, url: str) -> LinkKind:
        """The kind of a link that is safe; `LINK` when no pattern fits."""
        host, path = _host_and_path(url)
        return next((pattern.kind for pattern in self.links if pattern.fits(host, path)), LinkKind.LINK)


class _AppPattern(Definition):
    kind: Literal[Kind.DETECTION, Kind.CHANGE]
    apps: tuple[Glob, ...] = Field(min_length=1)
    says: tuple[Glob, ...] = ("*",)
    but_not: tuple[Glob, ...] = ()


class _AppPatterns(Definition):
    apps: tuple[_AppPattern, ...]


_FOLDER: Final = Path(str(resources.files("templates"))) / "evidence"
_CHARACTER: Final = r"(?:\[masked: [^\]\n]{1,40}\]|[^\s<>|\"`“”])"
_LINK: Final = re.compile(
    rf"<(?P<linked>https?://{_CHARACTER}{{1,4000}})(?:\|(?P<label>[^<>]*))?>|(?<!\w)(?P<bare>https?://{_CHARACTER}{{1,4000}})",
    re.IGNORECASE,
)
_MASKED: Final = re.compile(r"\[masked: [^\]\n]{1,40}\]")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\\]")
_ENCODED: Final = str.maketrans({"<": "%3C", ">": "%3E", "|": "%7C", '"': "%22", "'": "%27", "`": "%60"})


@cache
def default_patterns() -> LinkPatterns:
    """The patterns that come with Seamark."""
    return definitions.read(_FOLDER / "links.yml", LinkPatterns, FaultyPatterns)


def load_patterns(path: Path) -> LinkPatterns:
    """A team's own patterns before those of Seamark. Raises `FaultyPatterns` with file, line and reason."""
    own = definitions.read(path, LinkPatterns, FaultyPatterns)
    return LinkPatterns(links=own.links + default_patterns().links)


def patterns_of(folder: Path | None) -> LinkPatterns:
    """The patterns of a team that keeps its own in `links.yml` in `folder`, or of one that has none.

    Raises `FaultyPatterns`.
    """
    own = folder / "links.yml" if folder is not None else None
    return load_patterns(own) if own is not None and own.is_file() else default_patterns()


def links(text: str, *, patterns: LinkPatterns | None = None) -> list[Link]:
    """The links of a Slack text, in order, each once; `patterns` by default those of Seamark."""
    known = patterns or default_patterns()
    labels: dict[str, str] = {}
    for match in _LINK.finditer(text):
        url = safe_url(_MASKED.sub("masked", unescape(match["linked"] or _bare(match["bare"]))))
        label = " ".join(unescape(match["label"] or "").split())
        if url is not None:
            labels[url] = labels.get(url) or (label if label not in {url, match["linked"]} else "")
    return [Link(url, label, known.kind_of(url)) for url, label in labels.items()]


def safe_url(url: str) -> str | None:
    """The address if it is a whole one of the web (`http`, `https`), else None: then it is text, not a link.

    Signs that would end a link in Slack text or an attribute in HTML are percent-encoded.
    """
    url = url.strip()
    if _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(url)
        reached = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return url.translate(_ENCODED) if reached else None


def classify_app_message(app_name: str, text: str) -> Kind | None:
    """What a message of another app in the channel is likely to be: an alert a detection, a deploy a change.

    None when it is neither, e.g. an alert that was resolved.
    """
    name, said = app_name.lower(), " ".join(unescape(text).lower().split())
    for pattern in _app_patterns().apps:
        if _fits(name, pattern.apps) and _fits(said, pattern.says):
            return None if _fits(said, pattern.but_not) else pattern.kind
    return None


@cache
def _app_patterns() -> _AppPatterns:
    return definitions.read(_FOLDER / "apps.yml", _AppPatterns, FaultyPatterns)


def _fits(text: str, globs: tuple[str, ...]) -> bool:
    return _form(globs).match(text) is not None


@cache
def _form(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, globs)))


def _host_and_path(url: str) -> tuple[str, str]:
    """The host in lower case, and everything behind it, with at least a slash."""
    parts = urlsplit(url)
    return (parts.hostname or ""), (parts._replace(scheme="", netloc="").geturl() or "/")


def _bare(url: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays if it was opened within."""
    while True:
        shorter = url.rstrip(".,;:!?'*_~")
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter.endswith("]") and shorter.count("]") > shorter.count("["):
            shorter = shorter[:-1]
        if shorter == url:
            return url
        url = shorter
