"""Sentences for people, out of `templates/messages`."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

# The messages are Slack text, in which nothing of HTML has a meaning: what a person typed comes escaped already.
_MESSAGES: Final = Environment(
    loader=PackageLoader("templates", "messages"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701
    trim_blocks=True,
)


def message(name: str, **values: str) -> str:
    """The message `name` as Slack text; `values` are Slack text, too."""
    return _MESSAGES.get_template(f"{name}.jinja").render(**values).strip()
