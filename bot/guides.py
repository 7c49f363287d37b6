"""Guides: the steps and questions of a retrospective, as data that a team may change or add to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bot import definitions
from bot.definitions import KEY, Definition, FaultyDefinition

if TYPE_CHECKING:
    from pathlib import Path

    import yaml

Kind = Literal["questions", "milestones", "timeline", "accounts", "factors", "actions", "review"]
PromptType = Literal["text", "long_text", "number", "choice", "choices", "people", "date"]

Prefill = Literal[
    "description",  # what the declarer wrote under "What is happening"
    "severity",
    "services",
    "environment",
    "duration",  # from started to resolved, in words
    "evidence",  # links on the timeline, one to a line
    # entries of that kind, one to a line, marked ones first:
    "impact",
    "detection",
    "decision",
    "action",
    "hypothesis",
    "comms",
    "escalation",
    "change",
    "data",
    "note",
]

NOT_GUIDES = {"taxonomy.yml", "policy.yml"}
"""Files beside the guides that are read by `bot.taxonomy` and `bot.policy`."""


class FaultyGuide(FaultyDefinition):
    """A guide cannot be used. The guides that were in use stay in use."""


class Option(Definition):
    """One answer to choose. Slack: text and value of an option, 75 and 150 characters."""

    key: str = Field(min_length=1, max_length=75)
    label: str = Field(min_length=1, max_length=75)
    about: str | None = Field(default=None, min_length=1, max_length=75)


def _option(value: object) -> object:
    return {"key": value, "label": value} if isinstance(value, str) else value


class Prompt(Definition):
    """One question of a dialog.

    `required` never holds up saving: an unanswered one is listed in the review. `wording` says whether blame
    help looks at the answer (by default at every text). `document` is the heading under which the answer is
    printed, by default the label; prompts may share one.
    """

    key: str = Field(pattern=KEY)
    label: str = Field(min_length=1, max_length=75)
    hint: str | None = Field(default=None, min_length=1, max_length=300)
    placeholder: str | None = Field(default=None, min_length=1, max_length=150)
    type: PromptType = "long_text"
    options: tuple[Annotated[Option, BeforeValidator(_option)], ...] = Field(default=(), max_length=100)
    required: bool = False
    default: str | None = Field(default=None, min_length=1, max_length=3000)
    prefill: Prefill | None = None
    wording: bool = True
    document: str | None = Field(default=None, min_length=1, max_length=75)

    @property
    def heading(self) -> str:
        return self.document or self.label

    @model_validator(mode="after")
    def _fits(self) -> Self:
        choosing = self.type in {"choice", "choices"}
        keys = [option.key for option in self.options]
        if choosing and not keys:
            raise ValueError(f"`{self.key}` is a {self.type} and needs options")
        if keys and not choosing:
            raise ValueError(f"`{self.key}` has options, so its type must be choice or choices")
        if len(set(keys)) != len(keys):
            raise ValueError(f"`{self.key}` has the same option twice")
        if choosing and self.default is not None and self.default not in keys:
            raise ValueError(f"`{self.key}`: the default `{self.default}` is none of its options")
        return self

    @property
    def looks_at_wording(self) -> bool:
        return self.wording and self.type in {"text", "long_text"}


class Step(Definition):
    """One dialog of the guide.

    `kind` says what the dialog shows besides its prompts: the milestones, the timeline, the accounts that
    came in (there the prompts are what each participant is asked), the factors, the actions, or the review.
    `minutes` is the time to plan for in a meeting; `script` the words a facilitator may say aloud.
    `after_soak`: better left until `Guide.soak_days` working days after the meeting. `document` is the heading of
    its part in the published document, by default the title.
    The title also labels a button and heads a dialog (Slack: 24 characters). The number of prompts leaves
    each two blocks, and the dialog's own parts twenty, of the 100 that Slack allows.
    """

    key: str = Field(pattern=KEY)
    title: str = Field(min_length=1, max_length=24)
    about: str = Field(min_length=1, max_length=600)
    kind: Kind = "questions"
    minutes: int | None = Field(default=None, ge=1, le=240)
    script: str | None = Field(default=None, min_length=1, max_length=1200)
    required: bool = True
    after_soak: bool = False
    document: str | None = Field(default=None, min_length=1, max_length=75)
    prompts: tuple[Prompt, ...] = Field(default=(), max_length=40)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        keys = [prompt.key for prompt in self.prompts]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the step `{self.key}` has two prompts with the same key")
        if self.kind == "questions" and not keys:
            raise ValueError(f"the step `{self.key}` asks nothing: give it prompts")
        return self

    @property
    def heading(self) -> str:
        return self.document or self.title

    def prompt(self, key: str) -> Prompt | None:
        return next((prompt for prompt in self.prompts if prompt.key == key), None)


class Guide(Definition):
    """A way through a retrospective.

    `suits`: the kinds of incident it is offered first for; `place`: where it stands among the guides, the
    lowest first. `opening` is read out at the start of a meeting;
    `soak_days` are working days between talking and deciding on actions.
    """

    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=75)
    about: str = Field(min_length=1, max_length=1000)
    place: int = 100
    suits: tuple[Literal["incident", "near_miss", "drill"], ...] = ()
    opening: str = Field(min_length=1, max_length=2900)
    soak_days: int = Field(default=2, ge=0, le=20)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        keys = [step.key for step in self.steps]
        if len(set(keys)) != len(keys):
            raise ValueError("two steps have the same key")
        special = [step.kind for step in self.steps if step.kind != "questions"]
        if len(set(special)) != len(special):
            raise ValueError("every kind of step but `questions` can be there only once")
        if self.steps[-1].kind != "review":
            raise ValueError("the last step must be of the kind `review`: it is where the guide ends")
        return self

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)

    def of_kind(self, kind: Kind) -> Step | None:
        return next((step for step in self.steps if step.kind == kind), None)

    def following(self, key: str) -> Step | None:
        """The step after that one; None after the last."""
        keys = [step.key for step in self.steps]
        at = keys.index(key) + 1
        return self.steps[at] if at < len(keys) else None


def load(*folders: Path) -> dict[str, Guide]:
    """The guides by key, in their order: the shipped, and those of each folder, which add or replace.

    A file may say `extends: standard` and hold only what differs from the guide of that key that was read
    before it (its own key included). Raises `FaultyGuide`.
    """
    nodes: dict[str, yaml.MappingNode] = {}
    for folder in (definitions.shipped(), *folders):
        _read_folder(folder, nodes)
    found = [definitions.build(node, Guide, FaultyGuide) for node in nodes.values()]
    return {guide.key: guide for guide in sorted(found, key=lambda guide: (guide.place, guide.name))}


def _read_folder(folder: Path, nodes: dict[str, yaml.MappingNode]) -> None:
    if not folder.is_dir():
        raise FaultyGuide(str(folder), 1, "is no folder.")
    composed = [
        definitions.compose(path, FaultyGuide) for path in sorted(folder.glob("*.yml")) if path.name not in NOT_GUIDES
    ]
    here: set[str] = set()
    for node in sorted(composed, key=lambda node: definitions.scalar(node, "extends") is not None):
        file, key = node.start_mark.name, definitions.scalar(node, "key") or ""
        if key in here:
            raise FaultyGuide(file, 1, f"another file of this folder has the key `{key}` already.")
        here.add(key)
        nodes[key] = _extend(node, nodes)


def _extend(node: yaml.MappingNode, nodes: dict[str, yaml.MappingNode]) -> yaml.MappingNode:
    base = definitions.scalar(node, "extends")
    if base is None:
        return node
    if base not in nodes:
        raise FaultyGuide(node.start_mark.name, 1, f"extends `{base}`, but there is no such guide.")
    node.value = [(name, value) for name, value in node.value if name.value != "extends"]
    return definitions.extended(nodes[base], node, FaultyGuide)
