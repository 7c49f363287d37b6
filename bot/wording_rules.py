"""The rules of the wording help, read from YAML; a faulty file is refused with file, line and reason.

A file may hold `people`, `also_machines`, `things`, `outsiders`, `departments`, `names` and `verbs` (words), `parts`
(pieces of patterns, used as `{part}`), `rules` and `softeners`. Files of all directories are read together, so a
team's own file may use and extend what the shipped ones say.

A pattern of a rule speaks by itself, or has `points` (its own or those of its rule). Points are added up in sentences
in which nothing speaks by itself, and the weightiest sign speaks when they come to `ENOUGH`. Softeners are patterns
that take points away, such as a reason given or thanks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import yaml

from bot.errors import Refusal
from bot.subjects import PERSON, Lexicon, Subject

SHIPPED = Path(str(files("templates"))) / "wording"
_FIELDS = ("account", "finding", "action", "criteria")
_SUBJECTS = {
    "any": frozenset(Subject),
    "person": frozenset({Subject.SELF, Subject.OTHER}),
    "not-a-thing": frozenset({Subject.SELF, Subject.OTHER, Subject.NOBODY, Subject.UNKNOWN}),
    "not-us": frozenset({Subject.OTHER, Subject.UNKNOWN}),
} | {subject.value: frozenset({subject}) for subject in Subject}
ENOUGH = 4  # points in one sentence
_ANYBODY = "@"  # among the words of a pattern: any word for a person, and any name
_PART = re.compile(r"\{([a-z_]+)\}")


class FaultyRulesError(Refusal):
    """The wording rules could not be read. Nothing was changed."""


class Check(StrEnum):
    """What no pattern can say about an action."""

    VERB_FIRST = "verb-first"
    BLANK = "blank"


@dataclass(frozen=True)
class Pattern:
    """A phrase: one of `words`, what follows, what stands before, who does it, and what makes it harmless."""

    words: frozenset[str]
    then: str | None
    after: str | None
    unless: str | None
    subjects: frozenset[Subject]
    negated: bool
    points: int | None


@dataclass(frozen=True)
class Rule:
    """One kind of phrase. `place` is its file and line; `source` says where the advice comes from."""

    name: str
    place: str
    why: str
    offer: str
    source: str
    fields: frozenset[str]
    patterns: tuple[Pattern, ...]
    check: Check | None
    unless_measured: bool
    hit: tuple[str, ...]
    no_hit: tuple[str, ...]


@dataclass(frozen=True)
class Rulebook:
    """All rules, their words, and which patterns to try at which word."""

    rules: tuple[Rule, ...]
    lexicon: Lexicon
    by_word: Mapping[str, tuple[tuple[Rule | None, Pattern], ...]]  # a softener belongs to no rule


@cache
def compiled(source: str) -> re.Pattern[str]:
    """The regular expression, compiled when first needed: all of them together take seconds."""
    return re.compile(source)


@cache
def shipped_rules() -> Rulebook:
    """The rules that come with Seamark."""
    return load_rules(SHIPPED)


def load_rules(*directories: Path) -> Rulebook:
    """Read every `*.yml` of the directories, in order of directory and name.

    Raises `FaultyRulesError`, which names file, line and reason.
    """
    paths = [path for directory in directories for path in sorted(directory.glob("*.yml"))]
    if not paths:
        raise FaultyRulesError(f"No wording rules in {', '.join(str(d) for d in directories)}.")
    documents = [_document(path) for path in paths]
    lexicon = Lexicon(**{f.name: frozenset(_words(documents, f.name)) for f in fields(Lexicon)})
    person = _person(lexicon)
    machine = r"(?!'s|-|\s+(?:dashboard|pod|service|rotation|schedule|config|error|account|token|role|channel)s?\b)"
    parts = {"person": f"{person}{machine}", "whose": f"{person}'s?"}
    for document in documents:
        if document.has("parts"):
            parts |= {name: node.text() for name, node in document["parts"].mapping().items()}
    rules = [_rule(node, parts) for document in documents for node in document.items("rules")]
    _refuse_repeated(rules)
    softeners = [_pattern(node, parts) for document in documents for node in document.items("softeners")]
    signs = [(rule, pattern) for rule in rules for pattern in rule.patterns] + [(None, soft) for soft in softeners]
    by_word: defaultdict[str, list[tuple[Rule | None, Pattern]]] = defaultdict(list)
    for rule, pattern in signs:
        for word in pattern.words - {_ANYBODY} | (lexicon.people | {PERSON} if _ANYBODY in pattern.words else set()):
            by_word[word].append((rule, pattern))
    return Rulebook(tuple(rules), lexicon, {word: tuple(found) for word, found in by_word.items()})


def _words(documents: Sequence[_Node], key: str) -> Iterator[str]:
    for document in documents:
        for node in document.items(key):
            phrase = node.text().lower()
            yield phrase
            if key in {"people", "outsiders", "also_machines"} and not phrase.endswith("s"):
                yield f"{phrase}s"


def _person(lexicon: Lexicon) -> str:
    """A regular expression for a person's noun phrase: "the on-call engineer", a name, a mention."""
    nouns = "|".join(sorted(map(re.escape, lexicon.people), key=lambda noun: (-len(noun), noun)))
    article = r"(?:(?:the|an?|our|their|some|that|this|those|one|of|another|his|her|my|your)\s+){0,3}"
    return rf"{article}(?:[\w-]+\s+){{0,2}}?(?:{PERSON}+|{nouns})\b"


def _refuse_repeated(rules: Sequence[Rule]) -> None:
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in seen:
            raise FaultyRulesError(f"{rule.place}: rule '{rule.name}' is already at {seen[rule.name].place}.")
        seen[rule.name] = rule


def _rule(node: _Node, parts: Mapping[str, str]) -> Rule:
    node.allow("rule why offer source fields points patterns check unless_measured hit no_hit")
    check = Check(node["check"].one_of(tuple(Check))) if node.has("check") else None
    points = node["points"].number() if node.has("points") else None
    patterns = tuple(_pattern(item, parts, points) for item in node.items("patterns"))
    if not patterns and not check:
        node.refuse("needs `patterns` or `check`")
    named = [item.one_of(_FIELDS) for item in node.items("fields")]
    return Rule(
        name=node["rule"].text(),
        place=node.place,
        why=node["why"].text(),
        offer=node["offer"].text(),
        source=node["source"].text(),
        fields=frozenset(named or ("account", "finding", "action")),
        patterns=patterns,
        check=check,
        unless_measured=node.has("unless_measured") and node["unless_measured"].yes_or_no(),
        hit=tuple(item.text(empty=check is Check.BLANK) for item in node["hit"].sequence()),
        no_hit=tuple(item.text() for item in node["no_hit"].sequence()),
    )


def _pattern(node: _Node, parts: Mapping[str, str], points: int | None = None) -> Pattern:
    node.allow("words then after unless subject negated points")
    words = frozenset(node["words"].text().lower().split())
    return Pattern(
        words=words,
        then=node["then"].regex(parts, r"\s*(?:{})(?!\w)") if node.has("then") else None,
        after=node["after"].regex(parts, r"(?:{})\s*\Z") if node.has("after") else None,
        unless=node["unless"].regex(parts, r"(?<!\w)(?:{})(?!\w)") if node.has("unless") else None,
        subjects=_subjects(node),
        negated=node.has("negated") and node["negated"].yes_or_no(),
        points=node["points"].number() if node.has("points") else points,
    )


def _subjects(node: _Node) -> frozenset[Subject]:
    if not node.has("subject"):
        return _SUBJECTS["any"]
    names = node["subject"].text().replace(",", " ").split()
    unknown = [name for name in names if name not in _SUBJECTS]
    if unknown:
        node["subject"].refuse(f"'{unknown[0]}' is none of {', '.join(_SUBJECTS)}")
    return frozenset[Subject]().union(*(_SUBJECTS[name] for name in names))


class _Node:
    """A YAML node that knows its file, so that every refusal tells where."""

    def __init__(self, path: Path, node: yaml.Node) -> None:
        self.path, self.node = path, node

    @property
    def place(self) -> str:
        return f"{self.path}:{self.node.start_mark.line + 1}"

    def refuse(self, reason: str) -> NoReturn:
        raise FaultyRulesError(f"{self.place}: {reason}.")

    def mapping(self) -> dict[str, _Node]:
        if not isinstance(self.node, yaml.MappingNode):
            self.refuse("must be a mapping")
        found: dict[str, _Node] = {}
        for key, value in self.node.value:
            if key.value in found:
                _Node(self.path, key).refuse(f"`{key.value}` stands twice")
            found[str(key.value)] = _Node(self.path, value)
        return found

    def sequence(self) -> list[_Node]:
        if not isinstance(self.node, yaml.SequenceNode):
            self.refuse("must be a list")
        return [_Node(self.path, item) for item in self.node.value]

    def items(self, key: str) -> list[_Node]:
        """The list under this key; none when the key is missing."""
        return self[key].sequence() if self.has(key) else []

    def has(self, key: str) -> bool:
        return key in self.mapping()

    def __getitem__(self, key: str) -> _Node:
        found = self.mapping().get(key)
        return found or self.refuse(f"`{key}` is missing")

    def allow(self, keys: str) -> None:
        for key, value in self.mapping().items():
            if key not in keys.split():
                value.refuse(f"`{key}` is none of {', '.join(keys.split())}")

    def text(self, *, empty: bool = False) -> str:
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or not (empty or node.value.strip()):
            self.refuse("must be words")
        return str(node.value).strip()

    def one_of(self, allowed: Sequence[str]) -> str:
        word = self.text()
        return word if word in allowed else self.refuse(f"'{word}' is none of {', '.join(allowed)}")

    def yes_or_no(self) -> bool:
        value = str(self.node.value)
        return value == "true" if value in {"true", "false"} else self.refuse("must be true or false")

    def number(self) -> int:
        word = self.text()
        return int(word) if re.fullmatch(r"-?\d{1,2}", word) else self.refuse(f"'{word}' is no whole number")

    def regex(self, parts: Mapping[str, str], frame: str) -> str:
        """The pattern with its `{parts}`; a space stands for any white space."""
        source = self.text()
        for _ in range(3):  # parts may use parts
            source = _PART.sub(lambda found: self._part(found[1], parts), source)
        if self.path.parent != SHIPPED:  # a test compiles what is shipped; here it would take a second
            try:
                re.compile(frame.replace("{}", source.replace(parts["person"], "x").replace(" ", r"\s+")))
            except re.error as fault:
                self.refuse(f"'{self.text()}' is no regular expression: {fault}")
        return frame.replace("{}", source.replace(" ", r"\s+"))

    def _part(self, name: str, parts: Mapping[str, str]) -> str:
        return f"(?:{parts[name]})" if name in parts else self.refuse(f"part '{name}' is not known")


def _document(path: Path) -> _Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise FaultyRulesError(f"{path}:{line}: {fault.problem}.") from fault
    except (UnicodeDecodeError, yaml.YAMLError) as fault:
        raise FaultyRulesError(f"{path}:1: is no YAML: {fault}.") from fault
    if node is None:
        raise FaultyRulesError(f"{path}:1: is empty.")
    document = _Node(path, node)
    document.allow(" ".join([*(f.name for f in fields(Lexicon)), "parts", "rules", "softeners"]))
    return document
