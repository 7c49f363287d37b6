"""Guides as data: what ships, what a team adds, and how a fault is told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from bot import guides, taxonomy
from bot.guides import FaultyGuide

SMALL = """\
key: small
name: Small
about: For trying.
opening: Welcome.
steps:
  - key: ask
    title: Ask
    about: Ask it.
    prompts:
      - {key: one, label: "What happened?"}
      - {key: two, label: "What else?", type: choice, options: [Yes please, {key: no, label: No}]}
  - key: review
    title: Review
    about: Read it.
    kind: review
"""


def written(folder: Path, text: str, name: str = "own.yml") -> Path:
    (folder / name).write_text(dedent(text), "utf-8")
    return folder


def refused(folder: Path, text: str) -> FaultyGuide:
    with pytest.raises(FaultyGuide) as caught:
        guides.load(written(folder, text))
    return caught.value


def test_guides_shipped_come_in_their_order() -> None:
    assert [(key, guide.name) for key, guide in guides.load().items()] == [
        ("standard", "Standard"),
        ("ml", "ML"),
        ("near_miss", "Near miss"),
    ]


def test_guides_standard_has_the_steps_that_were_promised() -> None:
    assert [(step.title, step.kind) for step in guides.load()["standard"].steps] == [
        ("Scope and impact", "questions"),
        ("Milestones", "milestones"),
        ("Timeline review", "timeline"),
        ("Accounts", "accounts"),
        ("Learning", "questions"),
        ("Contributing factors", "factors"),
        ("Actions", "actions"),
        ("Review and publish", "review"),
    ]


def test_guides_ml_is_standard_with_two_steps_more_and_prompts_in_place() -> None:
    ml = guides.load()["ml"]
    assert [step.key for step in ml.steps] == [
        "scope", "milestones", "artifacts", "quality", "timeline", "accounts", "learning", "factors", "actions",
        "review",
    ]  # fmt: skip
    scope = ml.step("scope")
    assert scope is not None
    assert [prompt.key for prompt in scope.prompts][5:9] == ["partial", "predictions", "downstream", "business"]


def test_guides_near_miss_takes_a_quarter_of_an_hour() -> None:
    assert sum(step.minutes or 0 for step in guides.load()["near_miss"].steps) == 15


def test_guides_standard_takes_about_an_hour_and_half_of_it_or_so_is_the_timeline() -> None:
    minutes = {step.key: step.minutes or 0 for step in guides.load()["standard"].steps}
    assert (sum(minutes.values()), minutes["timeline"]) == (75, 25)


def test_guides_lead_from_step_to_step() -> None:
    standard = guides.load()["standard"]
    following = standard.following("learning")
    assert following is not None
    assert following.key == "factors"
    assert standard.following("review") is None
    assert standard.of_kind("accounts") == standard.step("accounts")
    assert standard.step("nowhere") is None


def test_guides_only_the_decision_on_actions_soaks() -> None:
    for guide in guides.load().values():
        soaking = [step.key for step in guide.steps if step.after_soak]
        assert soaking == (["actions"] if guide.soak_days else [])


def test_guides_of_a_team_add_to_the_shipped(tmp_path: Path) -> None:
    own = guides.load(written(tmp_path, SMALL))
    assert list(own) == ["standard", "ml", "near_miss", "small"]
    ask = own["small"].step("ask")
    assert ask is not None
    assert [(option.key, option.label) for option in ask.prompts[1].options] == [
        ("Yes please", "Yes please"),
        ("no", "No"),
    ]


def test_guides_of_a_team_replace_by_key(tmp_path: Path) -> None:
    own = guides.load(written(tmp_path, SMALL.replace("key: small", "key: standard")))
    assert [step.key for step in own["standard"].steps] == ["ask", "review"]
    assert own["ml"].step("factors") is not None


def test_guides_of_a_team_add_one_question_to_a_shipped_guide(tmp_path: Path) -> None:
    written(
        tmp_path,
        """\
        key: standard
        extends: standard
        name: Our standard
        steps:
          - key: scope
            prompts:
              - {key: contract, label: "Which promise to customers was touched?", after: business}
              - {key: partial, label: "What still worked?"}
        """,
    )
    ours, shipped = guides.load(tmp_path)["standard"], guides.load()["standard"]
    assert (ours.name, ours.about) == ("Our standard", shipped.about)
    scope, before = ours.step("scope"), shipped.step("scope")
    assert scope is not None
    assert before is not None
    keys = [prompt.key for prompt in before.prompts]
    keys.insert(keys.index("business") + 1, "contract")
    assert [prompt.key for prompt in scope.prompts] == keys
    partial, was = scope.prompt("partial"), before.prompt("partial")
    assert partial is not None
    assert was is not None
    assert (partial.label, partial.hint) == ("What still worked?", was.hint)
    assert ours.steps[1:] == shipped.steps[1:]


def test_guides_prompt_without_heading_is_printed_under_its_label(tmp_path: Path) -> None:
    ask = guides.load(written(tmp_path, SMALL))["small"].step("ask")
    assert ask is not None
    assert [(prompt.heading, prompt.looks_at_wording) for prompt in ask.prompts] == [
        ("What happened?", True),
        ("What else?", False),
    ]


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (("title: Ask", "title: A title of twenty-five ch"), 7, "too long; Slack allows 24 characters"),
        (('label: "What happened?"', f"label: {'x' * 76}"), 10, "too long; Slack allows 75 characters"),
        (("type: choice", "type: chioce"), 11, "Input should be 'text'"),
        (("options: [Yes please,", "options: [Yes please, Yes please,"), 11, "has the same option twice"),
        (
            ('{key: one, label: "What happened?"}', "{key: one, label: A, default: b, type: choice, options: [a]}"),
            10,
            "is none of its options",
        ),
        (("{key: one,", "{key: One,"), 10, "pattern"),
        (("key: two,", "key: one,"), 6, "two prompts with the same key"),
        (("    about: Ask it.\n", ""), 6, "steps → 1 → about is missing"),
        (("about: Ask it.", "abuot: Ask it."), 6, "steps → 1 → about is missing"),
        (("about: Ask it.", "about: Ask it.\n    help: no"), 9, "steps → 1 → help is not known here"),
        (("about: Ask it.", "about: Ask it.\n    about: twice"), 9, "`about` stands here twice"),
        (("kind: review", "kind: questions"), 12, "asks nothing"),
        (('"What happened?"', '"What" happened?'), 10, "is not valid YAML"),
        (('What happened?"', "What happened?"), 11, "is not valid YAML"),
    ],
)  # fmt: skip
def test_guides_fault_is_told_with_line_and_reason(
    tmp_path: Path, change: tuple[str, str], line: int, reason: str
) -> None:
    assert change[0] in SMALL
    fault = refused(tmp_path, SMALL.replace(*change, 1))
    assert reason in fault.reason
    assert (fault.file, fault.line) == (str(tmp_path / "own.yml"), line)
    assert fault.sentence.startswith(f"{tmp_path / 'own.yml'}, line {line}: ")


def test_guides_fault_in_an_extension_names_the_extension(tmp_path: Path) -> None:
    fault = refused(
        tmp_path,
        """\
        key: mine
        extends: standard
        steps:
          - key: learning
            title: A title that does not fit a dialog
        """,
    )
    assert (fault.file, fault.line) == (str(tmp_path / "own.yml"), 5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a list", "must be a mapping"),
        ("", "must be a mapping"),
        ("key: mine\nextends: nothing\n", "extends `nothing`, but there is no such guide."),
        ("key: mine\nextends: standard\nsteps:\n  - {key: x, after: y}\n", "`after: y` names nothing"),
        (SMALL.replace("kind: review", "kind: review\n  - {key: z, title: Z, about: Z, kind: actions}"), "last step"),
        ("key: &a [*a, *a]", "key: Input should be a valid string"),
        ("key: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_guides_fault_of_other_kinds_is_a_refusal_too(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refused(tmp_path, text).reason


def test_guides_two_files_with_one_key_are_refused(tmp_path: Path) -> None:
    written(tmp_path, SMALL, "a.yml")
    assert "already" in refused(tmp_path, SMALL).reason


def test_guides_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultyGuide, match="is no folder"):
        guides.load(tmp_path / "nowhere")


def test_guides_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_bytes(b"key: \xff")
    with pytest.raises(FaultyGuide, match="not UTF-8"):
        guides.load(tmp_path)


def test_taxonomy_has_the_categories_of_each_role() -> None:
    shipped = taxonomy.load()
    assert {role.key: len(role.categories) for role in shipped.roles} == {
        "trigger": 8,
        "condition": 13,
        "mitigator": 3,
    }
    assert [term.key for term in shipped.confidence] == ["hypothesis", "supported", "confirmed", "refuted"]


def test_taxonomy_key_that_was_removed_is_shown_as_it_is() -> None:
    shipped = taxonomy.load()
    assert shipped.label("categories", "deferred") == "Deferred work"
    assert shipped.label("domains", "long_gone") == "long_gone"
    assert shipped.role("nowhere") is None


def test_taxonomy_of_a_team_replaces_the_shipped(tmp_path: Path) -> None:
    shipped = (Path(guides.__file__).parent.parent / "templates/guides/taxonomy.yml").read_text("utf-8")
    (tmp_path / "taxonomy.yml").write_text(shipped.replace("label: Organizational", "label: People"), "utf-8")
    assert taxonomy.load(tmp_path).label("domains", "organizational") == "People"
    (tmp_path / "taxonomy.yml").write_text(shipped.replace("key: systemic", "key: immediate"), "utf-8")
    with pytest.raises(taxonomy.FaultyTaxonomy, match="levels: two have the same key"):
        taxonomy.load(tmp_path)
