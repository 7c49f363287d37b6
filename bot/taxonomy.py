"""The taxonomy: what factors and actions are sorted by; a default that a team may edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from bot import definitions
from bot.definitions import KEY, Definition, FaultyDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class FaultyTaxonomy(FaultyDefinition):
    """The taxonomy cannot be used. The one that was in use stays in use."""


class Term(Definition):
    """Something to choose. Slack: 75 characters for an option's text, and for its description."""

    key: str = Field(pattern=KEY)
    label: str = Field(min_length=1, max_length=75)
    about: str | None = Field(default=None, min_length=1, max_length=75)


class Role(Term):
    """The part a factor plays (trigger, condition, mitigator), and the categories within it."""

    categories: tuple[Term, ...] = Field(min_length=1, max_length=100)


class Taxonomy(Definition):
    """What factors and actions are sorted by; see `templates/guides/taxonomy.yml`.

    `confidence` runs from a guess to a certainty; `refuted` is what the documents draw as set aside.
    `grades` are those of an action's impact and effort, highest first.
    """

    roles: tuple[Role, ...] = Field(min_length=1, max_length=10)
    domains: tuple[Term, ...] = Field(min_length=1, max_length=100)
    levels: tuple[Term, ...] = Field(min_length=1, max_length=10)
    confidence: tuple[Term, ...] = Field(min_length=1, max_length=10)
    action_kinds: tuple[Term, ...] = Field(min_length=1, max_length=100)
    grades: tuple[Term, ...] = Field(min_length=2, max_length=10)

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        for name in type(self).model_fields:
            _refuse_doubles(name, getattr(self, name))
        for role in self.roles:
            _refuse_doubles(f"the categories of {role.key}", role.categories)
        return self

    def role(self, key: str) -> Role | None:
        return next((role for role in self.roles if role.key == key), None)

    def label(self, field: str, key: str) -> str:
        """The words for a stored key, e.g. `label("domains", "data")`; the key itself once it was removed.

        `field` is a field of this class, or `categories`, looked up in all roles.
        """
        terms: Iterable[Term] = (
            (term for role in self.roles for term in role.categories) if field == "categories" else getattr(self, field)
        )
        return next((term.label for term in terms if term.key == key), key)


def _refuse_doubles(name: str, terms: tuple[Term, ...]) -> None:
    keys = [term.key for term in terms]
    if len(set(keys)) != len(keys):
        raise ValueError(f"{name}: two have the same key")


def load(*folders: Path) -> Taxonomy:
    """The `taxonomy.yml` of the last folder that has one, else the shipped. Raises `FaultyTaxonomy`."""
    return definitions.read(definitions.first("taxonomy.yml", folders), Taxonomy, FaultyTaxonomy)
