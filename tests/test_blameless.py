"""The wording help: what it remarks on, what it leaves alone, and how its rules are read."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blameless import Remark, broken_examples, review, review_action
from bot.subjects import Subject, read, subject_of
from bot.wording_rules import SHIPPED, FaultyRulesError, Rulebook, compiled, load_rules, shipped_rules

if TYPE_CHECKING:
    from collections.abc import Collection

DATA = Path(__file__).parent / "data"
PUBLISHED, OWN = (
    [(row["text"], row["label"] == "blameful") for row in map(json.loads, (DATA / name).read_text().splitlines())]
    for name in ("blame_sentences.jsonl", "wording_cases.jsonl")
)
BLAME = "The operator failed to check the lag"

RULE = """rules:
  - rule: wizardry
    why: Nobody can follow magic.
    offer: Say what was typed.
    source: our own
    patterns:
      - words: magic
    hit: [this is magic]
    no_hit: [this is a script]
"""


def phrases(text: str, people: Collection[str] = ()) -> list[str]:
    return [remark.phrase for remark in review(text, people=people)]


def rules_of(remarks: list[Remark]) -> list[str]:
    return [remark.rule for remark in remarks]


def test_shipped_rules_do_what_their_examples_say() -> None:
    assert broken_examples(shipped_rules()) == []


def test_shipped_patterns_are_regular_expressions() -> None:
    patterns = [pattern for found in shipped_rules().by_word.values() for _, pattern in found]
    sources = {source for one in patterns for source in (one.then, one.after, one.unless) if source}
    assert len([compiled(source) for source in sources]) > 100


def test_shipped_rules_tell_why_what_else_and_from_where() -> None:
    assert [r.name for r in shipped_rules().rules if not (r.why and r.offer and r.source and r.hit and r.no_hit)] == []


@pytest.mark.parametrize(("text", "blameful"), OWN)
def test_own_case_is_judged_right(text: str, blameful: bool) -> None:
    assert bool(review(text)) is blameful


@pytest.mark.parametrize(
    "before",
    ["It began at 10:42. ", "- ", "* ", "1. ", "Then (at noon): ", "Why? Load!\n\n", "Login was slow; "],
)
def test_own_cases_are_judged_the_same_wherever_they_stand(before: str) -> None:
    movable = [row for row in OWN if not row[0].startswith((">", "They"))]  # a quoted line; who "they" are
    assert [text for text, blameful in movable if bool(review(f"{before}{text}")) is not blameful] == []


def test_published_sentences_keep_the_aims() -> None:
    ok = [not review(text) for text, blameful in PUBLISHED if not blameful]
    caught = [bool(review(text)) for text, blameful in PUBLISHED if blameful]
    assert sum(ok) >= 0.95 * len(ok)
    assert sum(caught) >= 0.85 * len(caught)


def test_frozen_sentences_keep_the_aims() -> None:
    rows = [json.loads(line) for line in (DATA / "wording_frozen.jsonl").read_text(encoding="utf-8").splitlines()]
    hinted: dict[str, list[bool]] = {"ok": [], "blameful": []}
    for row in rows:
        hinted[row["label"]].append(bool(review(row["text"], field="action" if row["kind"] == "action" else "finding")))
    assert sum(hinted["ok"]) <= 0.05 * len(hinted["ok"])
    assert sum(hinted["blameful"]) >= 0.85 * len(hinted["blameful"])


def test_sentences_by_strangers_keep_the_aims() -> None:
    rows = [json.loads(line) for line in (DATA / "wording_strangers.jsonl").read_text(encoding="utf-8").splitlines()]
    hinted = {
        label: [bool(review(row["text"])) for row in rows if row["label"] == label] for label in ("ok", "blameful")
    }
    assert sum(hinted["ok"]) <= 0.05 * len(hinted["ok"])
    assert sum(hinted["blameful"]) >= 0.85 * len(hinted["blameful"])


ADDING = """rules:
  - rule: verdict
    why: It adds up.
    offer: Say what happened.
    source: our own
    points: 2
    patterns:
      - words: badly
      - words: "@"
        then: ran
    hit: [The wizard ran it badly]
    no_hit: [It went badly, "The wizard ran it badly, because of the noise"]
softeners:
  - words: because
    points: -1
"""


def test_points_add_up_within_a_sentence_and_a_softener_takes_them_away(tmp_path: Path) -> None:
    (tmp_path / "team.yml").write_text(f"people: [wizard]\n{ADDING}")
    adding = load_rules(tmp_path)
    assert broken_examples(adding) == []
    assert phrases_by(adding, "It went badly. The wizard ran it.") == []
    assert phrases_by(adding, "The wizard ran it badly, and badly again.") == ["wizard ran"]


def phrases_by(rules: Rulebook, text: str) -> list[str]:
    return [remark.phrase for remark in review(text, rules=rules)]


def test_points_are_added_only_where_nothing_speaks_by_itself(tmp_path: Path) -> None:
    (tmp_path / "adding.yml").write_text(f"people: [wizard]\n{ADDING}")
    (tmp_path / "magic.yml").write_text(RULE)
    both = load_rules(tmp_path)
    assert rules_of(review("The wizard ran magic badly.", rules=both)) == ["wizardry"]


def test_remark_stands_where_the_writer_typed_it() -> None:
    text = "Rolled back at 10:42. The operator should have checked the lag."
    (remark,) = review(text)
    assert (remark.phrase, remark.rule) == ("should have checked", "counterfactual")
    assert (remark.start, remark.end) == (text.index("should"), text.index(" the lag"))


def test_remark_explains_and_offers_words() -> None:
    (remark,) = review("The cause was human error.")
    rule = next(r for r in shipped_rules().rules if r.name == "human-error")
    assert (remark.why, remark.offer) == (rule.why, rule.offer)


@pytest.mark.parametrize(
    "text",
    [
        'The page says "{}".',
        "The page says “{}”.",
        "The page says „{}“.",
        "The page says «{}».",
        "The page says '{}'.",
        "The page says ‘{}’.",
        "> {}",
        "&gt; {}",
        "The log has `{}` in it.",
        "```\n{}\n```",
        "See <https://example.org/a?b=1|{}>.",
    ],
)
def test_quotations_code_and_links_are_left_alone(text: str) -> None:
    assert phrases(text.format(BLAME)) == []
    assert phrases(f"{text.format('x')}\n{BLAME}.") == ["failed to check"]


def test_apostrophes_are_no_quotation() -> None:
    assert phrases("The users' page wasn't there; the operator didn't check the users' tickets") == ["didn't check"]


@pytest.mark.parametrize(
    "formatted", ["*human error*", "_human error_", "~human error~", "Human\nerror is not; human error is"]
)
def test_slack_formatting_is_seen_through(formatted: str) -> None:
    assert phrases(f"It was {formatted}") == ["human error"]


@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("Katharine", ["Katharine"]),
        ("Katharine", ["Katharine O'Neil"]),
        ("Katharine O’Neil", ["Katharine O’Neil"]),
        ("bentheelder", ["bentheelder"]),
        ("@bentheelder", []),
        ("<@U0G9QF9C6>", []),
        ("<@U0G9QF9C6|kat>", ["U0G9QF9C6"]),
        ("<!subteam^S0614TZR7>", []),
        ("the release captain <@W123>", []),
        ("李雷", ["李雷"]),
    ],
)
def test_people_of_the_incident_are_no_cause(name: str, people: list[str]) -> None:
    assert phrases(f"At 14:02 {name} took down the cluster.", people) == ["took down"]


def test_unknown_name_is_not_judged_for_what_a_machine_may_do() -> None:
    assert phrases("At 14:02 Boskos took down the cluster and failed to restart.") == []


@pytest.mark.parametrize(
    ("sentence", "who"),
    [
        ("The operator failed", Subject.OTHER),
        ("The on-call engineer for the payment service failed", Subject.OTHER),
        ("The engineer on call failed", Subject.OTHER),
        ("One of the engineers failed", Subject.OTHER),
        ("In staging the operator failed", Subject.OTHER),
        ("The engineer running the import failed", Subject.OTHER),
        ("The engineer, who was new, failed", Subject.OTHER),
        ("The engineer (on the second shift) failed", Subject.OTHER),
        ("The engineer saw the page and failed", Subject.OTHER),
        ("Team Alpha failed", Subject.OTHER),
        ("The engineer who ran the import failed", Subject.OTHER),
        ("The import that the engineer restarted failed", Subject.THING),
        ("We failed", Subject.SELF),
        ("Nobody failed", Subject.NOBODY),
        ("No engineer failed", Subject.NOBODY),
        ("The operator's check failed", Subject.THING),
        ("The operator dashboard failed", Subject.THING),
        ("The Prometheus operator failed", Subject.THING),
        ("The operator noticed that the job failed", Subject.THING),
        ("The operator restarted the pod, which failed", Subject.THING),
        ("The check for the operator failed", Subject.THING),
        ("The pods restarted, but they failed", Subject.UNKNOWN),
        ("The engineers restarted, but they failed", Subject.OTHER),
        ("The engineer deployed after lunch and failed", Subject.OTHER),
        ("Legal failed", Subject.OTHER),
        ("The security settings failed", Subject.THING),
        ("Users who waited failed", Subject.THING),
        ("At noon Redis failed", Subject.UNKNOWN),
        ("Failed", Subject.NONE),
    ],
)
def test_subject_of_a_verb_is_found(sentence: str, who: Subject) -> None:
    text = read(sentence, (), shipped_rules().lexicon)
    assert subject_of(text, len(text.tokens) - 1) == who


@pytest.mark.parametrize(("field", "rules"), [("finding", ["missing-fix"]), ("account", []), ("action", [])])
def test_missing_things_are_remarked_on_only_in_findings(field: str, rules: list[str]) -> None:
    assert rules_of(review("There was a lack of monitoring.", field=field)) == rules  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "criteria", "rules"),
    [
        (
            "Add an alert for each case where this service returns more than 1 % errors",
            "The alert fires in staging",
            [],
        ),
        ("Investigate monitoring", "", ["open-ended", "no-criteria"]),
        ("Investigate monitoring", "A page lists the 12 alerts that nobody has answered since May", []),
        ("Investigate monitoring", "It works better", ["open-ended", "not-measurable"]),
        ("Be more careful", "Fewer than 2 pages a week", ["fix-the-person"]),
        ("Remind everyone to check the lag", "Fewer than 2 pages a week", ["fixes-people"]),
        ("Retrain the operators", "Everyone knows the runbook", ["fixes-people", "not-measurable"]),
        ("Retrain the fraud model", "Precision is above 0.9 on the May set", []),
        ("A better dashboard", "The lag is on the first page", ["starts-with-a-verb"]),
        ("Move the jobs at some point", "All 12 jobs run on the new cluster", ["unbounded"]),
        ("<@U123> to add an index on orders.created", "The query takes less than 50 ms", []),
    ],
)
def test_action_is_remarked_on_when_it_cannot_be_checked(what: str, criteria: str, rules: list[str]) -> None:
    assert rules_of(review_action(what, success_criteria=criteria)) == rules


def test_action_remark_tells_which_of_the_two_texts_it_is_about() -> None:
    remarks = review_action("Investigate monitoring", success_criteria="It works better")
    assert [(r.about, r.phrase) for r in remarks] == [
        ("text", "Investigate"),
        ("success_criteria", "works better"),
    ]


@given(
    st.text()
    | st.lists(
        st.sampled_from(
            ["should", "have", "İ", "ẞ", "we", "'", '"', "> ", "`", "!!", "failed to", "\n", ". ", "ꙮ", "Bob"]
        )
    ).map(" ".join)
)
def test_review_of_any_text_gives_phrases_in_order_and_apart(text: str) -> None:
    remarks = review(text, people=["Bob", "", "@x", "U1"])
    assert [text[r.start : r.end] for r in remarks] == [r.phrase for r in remarks]
    assert all(one.end <= other.start for one, other in pairwise(remarks))
    assert all(r.start < r.end for r in remarks)


@given(st.text(alphabet=st.characters(exclude_characters='"“”„'), max_size=40))
def test_review_never_speaks_of_a_quotation(inside: str) -> None:
    quoted = inside.replace("\n", " ").replace("\r", " ").replace("`", " ")
    assert phrases(f'It says "{quoted} {BLAME}" there.') == []


@pytest.mark.parametrize(
    "piece",
    [
        *["a", " ", "'", "'a ", " 'a", '"', "“", "„a", "«", "`", "```", "<@U", "](", "](a", "@", "!", "!!", ".", "-"],
        *[":a", "(", ")", "\n", "a-", "a'", "the ", "the the engineer ", "they forgot to ", "should have ", "had we "],
        *["if only ", "lack of ", "root cause of ", "in hindsight ", "why did ", "took a b c ", "in general ", "who "],
        *["engineer, ", "mistake by the ", "the operator and ", "cause of a a a a a a ", "Katharine ", "hold a "],
        *["everyone with ", "make sure that this ", "merged a a a without ", "despite the our ", "2 the "],
    ],
)
def test_review_of_ten_thousand_characters_stays_fast(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    start = perf_counter()
    review(text, people=["Katharine"])
    review_action(text, success_criteria=text)
    assert perf_counter() - start < 1.5


def test_team_adds_rules_and_words_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "team.yml").write_text(f"people: [wizard]\n{RULE}")
    shipped = load_rules(tmp_path)
    assert rules_of(review("This is Magic.", rules=shipped)) == ["wizardry"]
    assert broken_examples(shipped) == []


def test_team_rules_come_on_top_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "team.yml").write_text("people: [wizard]\n")
    assert phrases("The wizard failed to check the lag.") == []
    both = load_rules(SHIPPED, tmp_path)
    assert [r.phrase for r in review("The wizard failed to check the lag.", rules=both)] == ["failed to check"]


def test_example_that_does_not_hold_is_named(tmp_path: Path) -> None:
    (tmp_path / "team.yml").write_text(RULE.replace("[this is magic]", "[this is logic]"))
    assert broken_examples(load_rules(tmp_path)) == [
        f"{tmp_path}/team.yml:2: rule 'wizardry' should find: this is logic"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("    why: Nobody can follow magic.\n", "", 2, "`why` is missing"),
        ("words: magic", "words: magic\n        then: '(a'", 8, "'(a' is no regular expression: "),
        ("words: magic", "words: magic\n        then: '{wand}'", 8, "part 'wand' is not known"),
        ("words: magic", "words: magic\n        subject: witch", 8, "'witch' is none of "),
        ("words: magic", "words: magic\n        negated: perhaps", 8, "must be true or false"),
        ("words: magic", "words: magic\n        points: many", 8, "'many' is no whole number"),
        ("words: magic", "words: []", 7, "must be words"),
        ("- words: magic", "- magic", 7, "must be a mapping"),
        ("source: our own", "source: our own\n    colour: red", 6, "`colour` is none of "),
        ("source: our own", "source: our own\n    source: theirs", 6, "`source` stands twice"),
        ("source: our own", "source: our own\n    fields: [novel]", 6, "'novel' is none of "),
        ("    patterns:\n      - words: magic\n", "", 2, "needs `patterns` or `check`"),
        ("hit: [this is magic]", "hit: this is magic", 8, "must be a list"),
        ("hit: [this is magic]", "hit: [this is magic", 9, "did not find expected ',' or ']'"),
        ("rules:", "roles:", 2, "`roles` is none of "),
    ],
)  # fmt: skip
def test_faulty_file_is_refused_with_file_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    (tmp_path / "team.yml").write_text(RULE.replace(old, new, 1))
    with pytest.raises(FaultyRulesError) as refused:
        load_rules(tmp_path)
    place, told = refused.value.sentence.split(": ", 1)
    assert (place, told[: len(reason)]) == (f"{tmp_path}/team.yml:{line}", reason)


def test_rule_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    (tmp_path / "b.yml").write_text(RULE)
    with pytest.raises(FaultyRulesError) as refused:
        load_rules(tmp_path)
    assert refused.value.sentence == f"{tmp_path}/b.yml:2: rule 'wizardry' is already at {tmp_path}/a.yml:2."


def test_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultyRulesError, match="No wording rules in"):
        load_rules(tmp_path)
    (tmp_path / "a.yml").write_text("")
    with pytest.raises(FaultyRulesError, match=r"a\.yml:1: is empty\."):
        load_rules(tmp_path)
