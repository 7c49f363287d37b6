"""What people see of contributing factors: the list in their step, and the dialog of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, Option, OptionGroup, PlainTextObject, StaticSelectElement
from slack_sdk.models.views import View

from bot import mrkdwn
from bot.answers import parts
from bot.blameless import Remark
from bot.factors import TEXTS, Draft
from bot.taxonomy import Taxonomy, Term
from handlers.payloads import Form
from handlers.views import kit
from storage.models import Factor

PAGE = 10
"""Factors on one page of the step: two blocks each, of the forty that a kind may show."""

WITHDRAWN = 3
OPTIONS = 100
MOST_REMARKS = 8
LABEL = 75


@dataclass(frozen=True)
class Listed:
    """The factors of a step, ready to be shown: `at` is the first one's place, `for_` and `against` count evidence."""

    retro_id: int
    factors: Sequence[Factor]
    withdrawn: Sequence[Factor]
    for_: Mapping[int, int]
    against: Mapping[int, int]
    at: int = 0


def step_blocks(now: Listed, taxonomy: Taxonomy) -> list[Block]:
    blocks: list[Block] = [kit.buttons(kit.button("Add a factor", "factor_add", now.retro_id, style="primary"))]
    if not now.factors:
        blocks.append(kit.section("No factors yet. Several are worth more than one; each may be a guess at first."))
    numbers = {factor.id: number for number, factor in enumerate(now.factors, start=1)}
    for factor in now.factors[now.at : now.at + PAGE]:
        blocks += [_factor(factor, numbers, now, taxonomy), _ways(factor)]
    if len(now.factors) > PAGE:
        blocks += _turning(now)
    for factor in now.withdrawn[-WITHDRAWN:]:
        text = f"_Withdrawn:_ {_words(factor, 150)}"
        blocks.append(kit.section(text, kit.button("Bring back", "factor_bring_back", factor.id)))
    return blocks


def _factor(factor: Factor, numbers: Mapping[int, int], now: Listed, taxonomy: Taxonomy) -> Block:
    terms = [taxonomy.label("roles", factor.role)]
    terms += [taxonomy.label("categories", factor.category)] if factor.category else []
    terms += [
        taxonomy.label("domains", factor.domain),
        taxonomy.label("levels", factor.level),
        taxonomy.label("confidence", factor.confidence),
        f"evidence {now.for_.get(factor.id, 0)} for, {now.against.get(factor.id, 0)} against",
    ]
    if factor.because_of_id is not None and factor.because_of_id in numbers:
        terms.append(f"because of {numbers[factor.because_of_id]}")
    about = " · ".join(mrkdwn.escape(term) for term in terms)
    return kit.section(f"*{numbers[factor.id]}.* {_words(factor, 600)}\n_{about}_")


def _words(factor: Factor, most: int) -> str:
    return mrkdwn.escape(mrkdwn.shorten(" ".join(factor.statement.split()), most))


def _ways(factor: Factor) -> Block:
    sure = kit.confirm("Withdraw", "It goes from the list and the document; it can be brought back.", "Withdraw")
    return kit.buttons(
        kit.button("Edit", "factor_edit", factor.id),
        kit.button("Withdraw", "factor_withdraw", factor.id, confirm=sure),
    )


def _turning(now: Listed) -> list[Block]:
    last = min(now.at + PAGE, len(now.factors))
    turn = [kit.button("Earlier factors", "factors_back", max(now.at - PAGE, 0))] if now.at else []
    if last < len(now.factors):
        turn.append(kit.button("More factors", "factors_on", last))
    return [kit.context(f"{now.at + 1} to {last} of {len(now.factors)}"), kit.buttons(*turn)]


@dataclass(frozen=True)
class Choices:
    """What a factor's dialog offers: the taxonomy, other factors, and the entries that are chosen already."""

    taxonomy: Taxonomy
    causes: Sequence[Factor] = ()
    entries: Mapping[int, Option] = field(default_factory=dict)


def factor_dialog(draft: Draft, choices: Choices, metadata: dict[str, Any], *, notes: Sequence[Block] = ()) -> View:
    """The dialog "Add a factor", or the same fields for one that is there (its id in `metadata`)."""
    terms = choices.taxonomy
    blocks: list[Block] = [
        *notes,
        *_long(
            "statement",
            draft.statement,
            hint="A condition or an event, not a person. What made that possible?",
            placeholder="The deploy check does not load the secrets that production loads",
        ),
        _category_field(terms, draft),
        kit.choice_field("domain", "Domain", _options(terms.domains), initial=draft.domain),
        kit.choice_field("level", "Level", _options(terms.levels), initial=draft.level),
        _evidence_field("evidence", "Evidence", draft.evidence, choices, "What on the timeline speaks for it"),
        _evidence_field("against", "Evidence against", draft.against, choices, "What speaks against it"),
        kit.choice_field("confidence", "Confidence", _options(terms.confidence), initial=draft.confidence),
        _cause_field(choices.causes, draft.because_of),
        *_long("another_view", draft.another_view, hint="Who sees it otherwise? Keep it in their words."),
        *_long("assumptions", draft.assumptions, hint="What is taken for granted here without having been checked"),
    ]
    title = "Edit factor" if metadata.get("factor") is not None else "Add a factor"
    return kit.modal(title, "factor_save", blocks, submit="Save", metadata=metadata)


def _options(terms: Sequence[Term]) -> list[Option]:
    return [kit.option(term.label, term.key, term.about) for term in terms]


def _long(name: str, text: str, *, hint: str, placeholder: str | None = None) -> list[InputBlock]:
    """A text as one input, or as several when it is longer than one can hold."""
    return [
        kit.text_field(
            f"{name}~{number}" if number else name,
            TEXTS[name] + (f" (continued {number})" if number else ""),
            initial=part,
            multiline=True,
            optional=name != "statement" or bool(number),
            hint=None if number else hint,
            placeholder=None if number else placeholder,
        )
        for number, part in enumerate(parts(text))
    ]


def _category_field(taxonomy: Taxonomy, draft: Draft) -> InputBlock:
    groups, chosen = [], None
    for role in taxonomy.roles:
        options = [kit.option(term.label, f"{role.key}:{term.key}", term.about) for term in role.categories]
        if role.key == draft.role:
            chosen = next((one for one in options if one.value == f"{role.key}:{draft.category}"), None)
        groups.append(OptionGroup(label=PlainTextObject(text=role.label), options=options))
    element = StaticSelectElement(action_id=kit.VALUE, option_groups=groups, initial_option=chosen)
    hint = "; ".join(f"{role.label}: {role.about}" for role in taxonomy.roles if role.about)
    return InputBlock(
        block_id="category",
        label=PlainTextObject(text="Category"),
        element=element,
        optional=True,
        hint=PlainTextObject(text=mrkdwn.shorten(hint, 1900)) if hint else None,
    )


def _evidence_field(name: str, label: str, chosen: Sequence[int], choices: Choices, hint: str) -> InputBlock:
    initial = [choices.entries[one] for one in chosen if one in choices.entries]
    return kit.searches_field(
        name, label, "retro_entries", initial=initial, hint=hint, placeholder="Type words, a name or a time"
    )


def _cause_field(causes: Sequence[Factor], chosen: int | None) -> InputBlock:
    """Other factors, by groups where there are more than one menu holds."""
    options = [kit.option(mrkdwn.shorten(" ".join(one.statement.split()), LABEL), str(one.id)) for one in causes]
    options = options or [kit.option("No other factor yet", "0")]
    initial = next((one for one in options if one.value == str(chosen)), None)
    if len(options) <= OPTIONS:
        element = StaticSelectElement(action_id=kit.VALUE, options=options, initial_option=initial)
    else:
        pages = range(0, len(options), OPTIONS)
        groups = [
            OptionGroup(
                label=PlainTextObject(text=f"{at + 1} to {min(at + OPTIONS, len(options))}"),
                options=options[at : at + OPTIONS],
            )
            for at in pages
        ]
        element = StaticSelectElement(action_id=kit.VALUE, option_groups=groups, initial_option=initial)
    return InputBlock(
        block_id="because_of",
        label=PlainTextObject(text="Because of"),
        element=element,
        optional=True,
        hint=PlainTextObject(text="The factor that made this one possible"),
    )


def read(form: Form) -> Draft:
    """What was filled in."""
    role, _, category = form.choice("category").partition(":")
    return Draft(
        **{name: _text(form, name) for name in TEXTS},
        domain=form.choice("domain"),
        level=form.choice("level"),
        role=role or "condition",
        category=category,
        confidence=form.choice("confidence"),
        because_of=int(form.choice("because_of") or 0) or None,
        evidence=tuple(sorted(int(one) for one in form.choices("evidence"))),
        against=tuple(sorted(int(one) for one in form.choices("against"))),
    )


def _text(form: Form, name: str) -> str:
    found = [one for one in form.names() if one.partition("~")[0] == name]
    return "".join(form.text(one) for one in sorted(found, key=lambda one: int(one.partition("~")[2] or 0)))


@dataclass(frozen=True)
class After:
    """What the writer is told once a factor is saved: another's words that came meanwhile, and wording help."""

    by: str = ""
    meanwhile: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[tuple[str, Remark]] = ()


def saved_notes(after: After) -> list[Block]:
    """Above the same fields: the factor is saved as it is, and nothing is held up."""
    blocks: list[Block] = [kit.section("*The factor is saved.*")]
    if after.meanwhile:
        said = "\n".join(
            f"*{label}*: {mrkdwn.escape(mrkdwn.shorten(words, 900))}" for label, words in after.meanwhile.items()
        )
        head = (
            f"*{mrkdwn.escape(after.by or 'Somebody')} changed it while you were writing.* Both texts are kept below."
        )
        blocks += kit.sections(f"{head} They wrote:\n{said}")
    if after.remarks:
        blocks.append(kit.section("Some words are worth another look; only you see this."))
        blocks += [_remark(label, remark) for label, remark in after.remarks[:MOST_REMARKS]]
        if len(after.remarks) > MOST_REMARKS:
            blocks.append(kit.context(f"and {len(after.remarks) - MOST_REMARKS} more like these"))
    return [*blocks, kit.buttons(kit.button("Keep as written", "factor_keep", style="primary")), kit.divider()]


def _remark(label: str, remark: Remark) -> Block:
    return kit.section(
        f"*{label}*: “{mrkdwn.escape(mrkdwn.shorten(remark.phrase, 200))}”\n"
        f"_{mrkdwn.escape(remark.why)}_\n→ {mrkdwn.escape(remark.offer)}"
    )


def kept() -> View:
    return kit.notice("Kept", "The factor stays as you wrote it.")
