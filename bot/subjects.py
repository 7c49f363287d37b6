"""Who does what a sentence says: a person, a thing, or nobody that can be told.

No model and no parser: the text is masked (quotations, code and links stand for a thing, mentions and known
names for a person), cut into sentences and words, and the subject of a word is found by walking to the left.
What cannot be told counts as unknown, so that rules which judge persons stay silent.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

PERSON = "ꙮ"  # each masked character of a name or mention; rare letters, so that a run of them is one word
THING = "ꖴ"  # each masked character of a quotation, code or link


class Subject(StrEnum):
    """Who a word is said about."""

    SELF = "self"  # we, I
    OTHER = "other"  # another person: a role, a name, a mention, you, they
    NOBODY = "nobody"
    THING = "thing"
    UNKNOWN = "unknown"  # a capitalised word that is no known name
    NONE = "none"  # a fragment or an imperative


class Token(NamedTuple):
    """One word or mark; `word` is lower case and masked, the offsets are those of the original text."""

    start: int
    end: int
    word: str
    capital: bool
    sentence: int


@dataclass(frozen=True)
class Lexicon:
    """The words that the rule files tell: who is a person, and which verbs an action may start with."""

    people: frozenset[str] = frozenset()
    also_machines: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()
    outsiders: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()

    def is_person(self, token: Token) -> bool:
        return token.word[0] == PERSON or token.word in self.people


@dataclass(frozen=True)
class Text:
    """A text made ready: `masked` is as long as the original, lower case; `sentences` are their offsets."""

    masked: str
    tokens: Sequence[Token]
    sentences: Sequence[tuple[int, int]]
    lexicon: Lexicon = field(repr=False)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_SELF = frozenset({"we", "i", "we've", "i've", "we'd", "i'd", "i'm", "we're", "ourselves"})
_NOBODY = frozenset({"nobody", "none", "neither"})
_PRONOUNS = _words("he she you someone somebody everyone everybody anyone anybody he'd she'd you'd who who'd you've")
_THEY = frozenset({"they", "they'd", "they've"})
_THINGS = _words("it this that these those which there it'd something anything everything nothing")
_DETERMINERS = _words(
    "the a an our my your his her its their this that these those some any each every another no one's both"
)
_PREPOSITIONS = _words(
    "of in on at during for from with by to into onto over under about within without via per through across"
    " between despite due like against out"
)
_AUXILIARIES = _words(
    "had has have having was were is are am be been being did does do should would could might must will can may"
    " shall not never didn't doesn't don't hadn't hasn't haven't wasn't weren't isn't aren't won't wouldn't"
    " couldn't shouldn't can't ain't 'd ought used"
)
_TRANSPARENT = _AUXILIARIES | _words(
    "also then just even still ever always often both all again later soon almost first now actually once to"
    " decided chose opted tried managed wanted seemed appeared happened seem appear seems appears began started"
    " kept been yet somehow far too so very way yesterday today already"
)
_BOUNDARIES = _words(
    ", : ; ( ) - \u2013 \u2014 \u2026 and but or so because since as when while if although though unless until whether"
    " where that which who whom before after than however therefore how why what"
)
_ALSO_PREPOSITIONS = frozenset({"after", "before", "since", "until", "than", "as"})
_RELATIVES = frozenset({"who", "which", "that"})
_COORDINATORS = frozenset({",", "and", "but", "or", "then"})
_PARTITIVES = _words("one some none most many all two three several part both members member any each")
_NEGATORS = _words(
    "not no never nobody none neither nor without rarely hardly isn't wasn't aren't weren't don't doesn't didn't"
    " cannot can't couldn't wouldn't won't hasn't haven't hadn't avoid instead rather regardless stop"
    " prevent prevents nothing than shouldn't less fewer"
)
_VERBS = _words(
    "saw was were had has did made took got went ran came thought knew left chose gave put set sent felt said told"
    " wrote read found broke hit let led kept lost began brought built"
)

_MEANS = (
    dict.fromkeys(_SELF, Subject.SELF)
    | dict.fromkeys(_NOBODY, Subject.NOBODY)
    | dict.fromkeys(_THINGS | {THING}, Subject.THING)
    | dict.fromkeys(_PRONOUNS | {PERSON}, Subject.OTHER)
)
_CLAUSE = 40  # words; longer clauses do not exist, texts without any punctuation do

_OPAQUE = re.compile(
    r"""
      (?P<thing>
        ```.*?(?:```|\Z) | `[^`\n]+`                      # code
      | ^[ \t]*(?:>|&gt;)[^\n]*                            # quoted lines
      | <(?:https?|mailto):[^<>\n]*> | <\#[^<>\n]*> | \bhttps?://[^\s>)\]]+ | \]\([^()\n]*\)
      | ["\u201e][^"\u201c\u201e\n]+" | \u201c[^\u201c\u201d\n]+\u201d      # "…" of several kinds
      | \u201e[^\u201c-\u201e\n]+[\u201c\u201d] | «[^«»\n]+»
      | (?<!\w)'(?=\S)[^'\n]*(?:(?<=\w)'(?=\w)[^'\n]*)*'(?!\w)
      | (?<!\w)\u2018[^\u2018\n]*?\u2019(?!\w)
      )
    | (?P<person> <@[UWB][^<>\n]*> | <!subteam\^[^<>\n]*> | (?<![\w.@])@\w[\w.-]*\w )
    | (?P<blank> <![^<>\n]*> | (?<!\w):[a-z0-9_+-]+:(?!\w) )
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_CAPITALISED = re.compile(r"(?<!\w)[^\W\d_a-z]\w+(?!\w)")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|!{2,}|[,:;()\u2026\u2013\u2014]|(?<=\s)-(?=\s)")
_SENTENCE_END = re.compile(r"[.!?]+[)\]]*(?:\s+|$)|\n\s*|;\s+")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|etc|approx|cf|no|incl)|\b\w)\Z")
_PLAIN = str.maketrans({"\u2019": "'", "\u02bc": "'", "_": " ", "*": " ", "~": " "})


def read(text: str, people: Collection[str], lexicon: Lexicon) -> Text:
    """Mask and cut a text. `people` are names, handles or ids of persons, in any of their usual forms."""
    unmarked = text.replace(PERSON, "x").replace(THING, "x")
    covered = _OPAQUE.sub(_cover, unmarked).translate(_PLAIN)
    named = _names(frozenset(people)).sub(lambda found: PERSON * len(found[0]), covered)
    named = _CAPITALISED.sub(lambda w: PERSON * len(w[0]) if w[0].lower() in lexicon.names else w[0], named)
    masked = re.sub(r"\bon call\b", "on-call", _lower(named))
    sentences = _sentences(masked)
    return Text(masked, _tokens(text, masked, sentences), sentences, lexicon)


def _cover(found: re.Match[str]) -> str:
    kind = found.lastgroup
    letter = THING if kind == "thing" else PERSON if kind == "person" else " "
    return re.sub(r"[^\n]", letter, found[0])


def _lower(text: str) -> str:
    """Lower case of the same length: a few letters grow when lowered, and stay as they are."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@lru_cache(maxsize=64)
def _names(people: frozenset[str]) -> re.Pattern[str]:
    """Match a person's name as given or capitalised, and the first names of those who have a longer one."""
    given = {name.translate(_PLAIN).strip().lstrip("@") for name in people} - {""}
    forms = given | {name[0].upper() + name[1:] for name in given}
    forms |= {name.split()[0] for name in given if " " in name and name[0].isupper() and len(name.split()[0]) > 2}
    longest_first = "|".join(re.escape(form) for form in sorted(forms, key=lambda f: (-len(f), f)))
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)" if forms else r"(?!)")


def _sentences(masked: str) -> list[tuple[int, int]]:
    spans = []
    start = 0
    for end in _SENTENCE_END.finditer(masked):
        if end[0].strip() == "." and _ABBREVIATION.search(masked, max(start, end.start() - 8), end.start()):
            continue
        spans.append((start, end.end()))
        start = end.end()
    return [*spans, (start, len(masked))]


def _tokens(text: str, masked: str, sentences: Sequence[tuple[int, int]]) -> list[Token]:
    tokens = []
    sentence = 0
    for found in _WORD.finditer(masked):
        start, end = found.span()
        while start >= sentences[sentence][1]:
            sentence += 1
        capital = text[start].isupper() and end - start > 1 and text[start + 1].islower()
        word = "!!" if found[0][0] == "!" else found[0]
        tokens.append(Token(start, end, word, capital, sentence))
    return tokens


def negated(text: Text, index: int) -> bool:
    """Whether the clause says no before this word: "not caused by human error"."""
    return any(token.word in _NEGATORS for token in _clause_before(text.tokens, index))


def subject_of(text: Text, index: int) -> Subject:
    """Who the verb at this word is said about."""
    return _subject(text, index, depth=4)


def _clause_before(tokens: Sequence[Token], index: int) -> Sequence[Token]:
    """The words of this clause to the left of a word, without the boundary."""
    low = index
    sentence = tokens[index].sentence
    while low > 0 and tokens[low - 1].sentence == sentence and tokens[low - 1].word not in _BOUNDARIES:
        if index - low > _CLAUSE:
            break
        low -= 1
    return tokens[low:index]


def _subject(text: Text, index: int, depth: int) -> Subject:
    tokens = text.tokens
    sentence = tokens[index].sentence
    at = index - 1
    while at >= 0 and tokens[at].sentence == sentence and _transparent(tokens[at].word):
        at -= 1
    if at < 0 or tokens[at].sentence != sentence:
        return Subject.NONE
    before = tokens[at]
    if before.word in _RELATIVES | _COORDINATORS | {")"}:
        return _inherited(text, at, depth)
    if before.word in _BOUNDARIES:
        return Subject.NONE
    clause = [*_clause_before(tokens, at), before]
    opening = at - len(clause)
    if opening >= 0 and tokens[opening].word in _RELATIVES and _says_something(clause):
        return _inherited(text, opening, depth)  # "the engineer who ran the job should …"
    return _head(clause, text)


def _says_something(clause: Sequence[Token]) -> bool:
    """Whether a relative clause has its own verb already: "who ran the job", "that the engineer restarted"."""
    return any(_looks_like_a_verb(token.word) for token in (clause[0], clause[-1]))


def _transparent(word: str) -> bool:
    return word in _TRANSPARENT or (word.endswith("ly") and len(word) > 3)


def _inherited(text: Text, at: int, depth: int) -> Subject:
    """The subject of a verb that follows "who", "which", a comma or "and": that of what stands before."""
    tokens = text.tokens
    word = tokens[at].word
    if at == 0 or depth == 0 or tokens[at - 1].sentence != tokens[at].sentence:
        return Subject.OTHER if word == "who" else Subject.NONE
    if word == ")":
        opening = at
        while opening > max(0, at - _CLAUSE) and tokens[opening].word != "(":
            opening -= 1
        return _subject(text, opening, depth - 1) if opening else Subject.NONE
    if word in _RELATIVES:
        return _antecedent(text, at)
    clause = _clause_before(tokens, at)
    verb = next((n for n, token in enumerate(clause) if _looks_like_a_verb(token.word)), len(clause))
    opening = at - len(clause) - 1
    if verb == len(clause) and opening >= 0 and tokens[opening].word in _ALSO_PREPOSITIONS:
        return _inherited(text, opening, depth - 1)  # "Bob deployed after lunch and …"
    if verb:
        return _head(clause[:verb], text)
    return _subject(text, at - len(clause), depth - 1)


def _antecedent(text: Text, at: int) -> Subject:
    """What "who", "which" or "that" stands for."""
    tokens = text.tokens
    who = tokens[at].word == "who"
    noun = at - 1 if tokens[at - 1].word != "," else at - 2
    if noun < 0 or tokens[noun].word in _BOUNDARIES:
        return Subject.OTHER if who else Subject.THING
    if who:
        return Subject.THING if tokens[noun].word in text.lexicon.outsiders else Subject.OTHER
    return _head([*_clause_before(tokens, noun), tokens[noun]], text)


def _looks_like_a_verb(word: str) -> bool:
    return word in _VERBS or word in _AUXILIARIES or (word.endswith("ed") and len(word) > 4)


def _head(phrase: Sequence[Token], text: Text) -> Subject:
    """Classify the head of the last noun phrase that no preposition governs."""
    head: Token | None = None
    inside = fresh = False  # inside a prepositional phrase; just after its preposition
    previous: Token | None = None
    last = None
    for token in phrase:
        word = token.word
        if word in _PREPOSITIONS:
            if word == "of" and head and head.word in _PARTITIVES:
                head = None
            elif head or not previous:
                inside = fresh = True
        elif (word in _DETERMINERS and token is not phrase[-1]) or word.endswith("'s"):
            head, inside = (head, True) if fresh else (None, False)
        elif not _transparent(word):
            if word in _SELF or word in _PRONOUNS or word in _THEY:
                inside = inside and fresh
            keep = head and previous and _belongs_to(head, previous, token, text)
            if not inside and not keep:
                head = token
            last, fresh = token, word.endswith("ing")  # "the engineer running the job", "adding a cache"
        previous = token
    return _classify(head or last, phrase, text)


def _belongs_to(head: Token, previous: Token, token: Token, text: Text) -> bool:
    """Whether this follows a role as its name or its doing: "engineer A", "the engineer running the job"."""
    named = token.capital or len(token.word) == 1 or token.word.endswith("ing")
    return previous is head and text.lexicon.is_person(head) and named


def _classify(head: Token | None, phrase: Sequence[Token], text: Text) -> Subject:
    if head is None:
        return Subject.NONE
    word, lexicon = head.word, text.lexicon
    place = next(n for n, token in enumerate(phrase) if token is head)
    before = phrase[place - 1] if place else None
    determined = before is not None and before.word in _DETERMINERS
    if before and before.word == "no" and (lexicon.is_person(head) or word == "one"):
        return Subject.NOBODY
    if word in _THEY:
        return _they(head, text)
    mark = word[0] if word[0] in {PERSON, THING} else word
    if mark in _MEANS:
        return _MEANS[mark]
    if word in lexicon.people:
        return Subject.THING if _is_machine(head, before, text) else Subject.OTHER
    return _named_otherwise(head, determined=determined, alone=_alone(phrase), lexicon=lexicon)


def _alone(phrase: Sequence[Token]) -> bool:
    return sum(not token.word.isdigit() for token in phrase) == 1


def _named_otherwise(head: Token, *, determined: bool, alone: bool, lexicon: Lexicon) -> Subject:
    if head.word in lexicon.departments and alone:
        return Subject.OTHER
    return Subject.UNKNOWN if head.capital and not determined else Subject.THING


def _is_machine(head: Token, before: Token | None, text: Text) -> bool:
    """Whether a word for a person is a machine here: "the Prometheus operator", "the package manager"."""
    if before is None:
        return False
    first = text.sentences[before.sentence][0] == before.start
    product = before.capital and not first and before.word not in _DETERMINERS
    known = f"{before.word} {head.word}" in text.lexicon.things
    return known or before.word[0] == THING or (product and head.word in text.lexicon.also_machines)


def _they(token: Token, text: Text) -> Subject:
    """A person, when this or the previous sentence has spoken of one."""
    place = bisect_left(text.tokens, token.start, key=lambda other: other.start)
    near = text.tokens[max(0, place - _CLAUSE) : place]
    spoken_of = any(text.lexicon.is_person(t) for t in near if t.sentence >= token.sentence - 1)
    return Subject.OTHER if place == 0 or spoken_of else Subject.UNKNOWN
