"""Refusals: what a person did that cannot be done, told to them in one clear sentence.

The sentence is the exception's docstring, or its message where it must name something. Only
`handlers.errors` turns a refusal into words on a surface of Slack.
"""

from __future__ import annotations

import inspect


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """That cannot be done. Nothing was changed."""

    @property
    def sentence(self) -> str:
        """The words the person reads: the message given where it was raised, or else the docstring."""
        return str(self) or inspect.cleandoc(type(self).__doc__ or Refusal.__doc__ or "").replace("\n", " ")


class FieldRefusal(Refusal):
    """A refusal about some fields of a dialog: field name (the block's id) to sentence."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields
