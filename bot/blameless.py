"""Wording help: which phrases of a retrospective blame or look back in hindsight, why, and other words.

The rules are data, `templates/wording/*.yml`, and teams may add a directory of their own. A rule's pattern is
tried only where one of its words stands, and may ask who does what is said: a machine may fail, a person is
not judged. The grammar behind that question is in `bot.subjects`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import Literal, NamedTuple

from bot.subjects import PERSON, Subject, Text, negated, read, subject_of
from bot.wording_rules import ENOUGH, Check, Pattern, Rule, Rulebook, compiled, shipped_rules

Field = Literal["account", "finding", "action"]
_REACH = 200  # characters on each side of a word that a pattern may look at, so that no text is slow
_MOST_OF_A_WORD = 200  # a word is looked at so often in one text; no text that means something says it more often
_LEAD_IN = {"please", "also", "then", "and", "first", "to", "we", "i", "should", "will", "must", "let's", "team"}
_NOUN_START = {"a", "an", "the", "our", "more", "better", "less", "fewer", "no", "new", "some", "all", "every"}
_NOUN_ENDING = re.compile(r"\w{3,}(?:ing|tion|sion|ment|ity|ness|ance|ence)s?")


@dataclass(frozen=True)
class Remark:
    """One hint. `start` and `end` are offsets into the text it is `about`, as the writer typed it."""

    start: int
    end: int
    phrase: str
    rule: str
    why: str
    offer: str
    about: Literal["text", "success_criteria"] = "text"


def review(
    text: str,
    *,
    people: Collection[str] = (),
    field: Field = "finding",
    rules: Rulebook | None = None,
) -> list[Remark]:
    """Return the phrases worth another look, in their order, none overlapping.

    `people` are the display names, handles and Slack ids of those in the incident. `field` says what is being
    written: somebody's own account, a finding about what happened, or an action. Quotations, code and links
    are left alone. Source of the default `rules`: named in each of them.
    """
    return _review(text, people, field, rules or shipped_rules())


def remarked(text: str, *, people: Collection[str] = ()) -> list[str]:
    """Return the whole sentences of a finding in which `review` finds something, in their order."""
    starts = [remark.start for remark in review(text, people=people)] if text.strip() else []
    spans = read(text, people, shipped_rules().lexicon).sentences if starts else ()
    return [text[first:last].strip() for first, last in spans if any(first <= start < last for start in starts)]


def review_action(
    what: str,
    *,
    success_criteria: str,
    people: Collection[str] = (),
    rules: Rulebook | None = None,
) -> list[Remark]:
    """Return what keeps an action from being checked, and the wording hints of `review` for it.

    An action starts with a verb, changes a system rather than a person, and tells how one will know that it
    worked. A vague verb ("investigate") is fine when the success criteria give it an end.
    """
    book = rules or shipped_rules()
    measured = _review(success_criteria, people, "criteria", book)
    bounded = {rule.name for rule in book.rules if rule.unless_measured and not measured}
    told = [remark for remark in _review(what, people, "action", book) if remark.rule not in bounded]
    told += [
        _remark(rule, what, *span)
        for rule in book.rules
        if rule.check is Check.VERB_FIRST and (span := _start_without_verb(read(what, people, book.lexicon)))
    ]
    return _apart(told) + [replace(remark, about="success_criteria") for remark in measured]


def broken_examples(rules: Rulebook) -> list[str]:
    """Return the rules' own examples that do not do what they are there to show, in words."""
    return [
        f"{rule.place}: rule '{rule.name}' should {'find' if wanted else 'leave alone'}: {example}"
        for rule in rules.rules
        for wanted, examples in ((True, rule.hit), (False, rule.no_hit))
        for example in examples
        if wanted != (rule.name in _rules_that_speak(example, rule, rules))
    ]


def _rules_that_speak(example: str, rule: Rule, rules: Rulebook) -> set[str]:
    if rule.fields == {"criteria"}:
        remarks = review_action("Add an alert", success_criteria=example, rules=rules)
    elif rule.fields == {"action"}:
        remarks = review_action(example, success_criteria="", rules=rules)
    else:
        remarks = [r for field in sorted(rule.fields) for r in _review(example, (), field, rules)]
    return {remark.rule for remark in remarks}


def _review(text: str, people: Collection[str], field: str, rules: Rulebook) -> list[Remark]:
    signs = list(_signs(read(text, people, rules.lexicon), field, rules))
    loud = [sign for sign in signs if sign.points is None]
    spoken = {sign.sentence for sign in loud}
    added_up = _added_up([sign for sign in signs if sign.sentence not in spoken])
    remarks = [_remark(sign.rule, text, *sign.span) for sign in [*loud, *added_up] if sign.rule]
    if not text.strip():
        remarks += [_remark(r, text, 0, 0) for r in rules.rules if r.check is Check.BLANK and field in r.fields]
    return _apart(remarks)


class _Sign(NamedTuple):
    """A pattern that was found; one without points speaks by itself, a softener has no rule."""

    rule: Rule | None
    points: int | None
    span: tuple[int, int]
    sentence: int


def _signs(told: Text, field: str, rules: Rulebook) -> Iterator[_Sign]:
    """What is found; a pattern that has points counts once in a sentence."""
    counted: set[tuple[int, int]] = set()
    met: Counter[str] = Counter()
    for index, token in enumerate(told.tokens):
        word = PERSON if token.word[0] == PERSON else token.word
        met[word] += 1
        for rule, pattern in rules.by_word.get(word, ()) if met[word] <= _MOST_OF_A_WORD else ():
            once = (token.sentence, id(pattern))
            if (
                (rule is None or field in rule.fields)
                and once not in counted
                and (span := _match(pattern, told, index))
            ):
                yield _Sign(rule, pattern.points, span, token.sentence)
                if pattern.points is not None:
                    counted.add(once)


def _added_up(signs: Sequence[_Sign]) -> Iterator[_Sign]:
    """The weightiest sign of each sentence whose points are enough."""
    for _, group in groupby(signs, key=lambda sign: sign.sentence):
        found = list(group)
        if sum(sign.points or 0 for sign in found) >= ENOUGH:
            yield max((sign for sign in found if sign.rule), key=lambda sign: sign.points or 0)


def _remark(rule: Rule, text: str, start: int, end: int) -> Remark:
    return Remark(start, end, text[start:end], rule.name, rule.why, rule.offer)


def _match(pattern: Pattern, text: Text, index: int) -> tuple[int, int] | None:
    """Where the phrase that begins with this word stands, when the pattern means it."""
    token = text.tokens[index]
    first, last = text.sentences[token.sentence]
    left, right = max(first, token.start - _REACH), min(last, token.end + _REACH)
    end = token.end
    if pattern.then:
        follows = compiled(pattern.then).match(text.masked, token.end, right)
        if not follows:
            return None
        end = follows.end()
    if pattern.after and not compiled(pattern.after).search(text.masked[left : token.start]):
        return None
    if pattern.unless and compiled(pattern.unless).search(text.masked, left, right):
        return None
    if not pattern.negated and negated(text, index):
        return None
    if pattern.subjects != frozenset(Subject) and subject_of(text, index) not in pattern.subjects:
        return None
    return token.start, end


def _apart(remarks: Sequence[Remark]) -> list[Remark]:
    """Keep the first and longest of those that overlap: one phrase, one hint."""

    def chosen() -> Iterator[Remark]:
        free = 0
        for remark in sorted(remarks, key=lambda r: (r.start, -r.end)):
            if remark.start >= free:
                free = max(remark.end, free)
                yield remark

    return list(chosen())


def _start_without_verb(text: Text) -> tuple[int, int] | None:
    lead = len(list(takewhile(lambda t: t.word in _LEAD_IN or text.lexicon.is_person(t), text.tokens)))
    if lead >= len(text.tokens):
        return None
    token = text.tokens[lead]
    if token.word in text.lexicon.verbs:
        return None
    looks_like_a_noun = token.word in _NOUN_START or _NOUN_ENDING.fullmatch(token.word)
    return (token.start, token.end) if looks_like_a_noun else None
