"""Guides, taxonomy and policy are YAML files that a team may change: read, extended, checked, placed.

A fault is told with the file, the line and the reason, since whoever wrote the file is no programmer of
Seamark. Positions come from the nodes that PyYAML composes, so that they survive one file extending another.
"""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

KEY = r"^[a-z][a-z0-9_]{0,39}$"
"""Keys become block ids, column values and anchors: lower case, digits, underscores."""


class Definition(BaseModel):
    """A part of a definition file: nothing unknown in it, nothing changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class FaultyDefinition(Refusal):
    """A definition file cannot be used. Nothing was changed."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


M = TypeVar("M", bound=BaseModel)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # ten times as fast, in wheels
    """As YAML 1.2: only true and false are booleans, so that "No" is a label; and a date is text."""


def _is_kept(tag: str, letter: str | None) -> bool:
    return tag != "tag:yaml.org,2002:timestamp" and (tag != "tag:yaml.org,2002:bool" or letter in set("tTfF"))


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in known if _is_kept(tag, letter)]
    for letter, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def shipped() -> Path:
    """The folder of the guides, the taxonomy and the policy that come with Seamark."""
    return Path(str(resources.files("templates"))) / "guides"


def first(name: str, folders: tuple[Path, ...]) -> Path:
    """The file of that name in the last folder that has one: a team's own before the shipped."""
    own = [folder / name for folder in folders if (folder / name).is_file()]
    return own[-1] if own else shipped() / name


def compose(path: Path, faulty: type[FaultyDefinition] = FaultyDefinition) -> yaml.MappingNode:
    """The file's nodes, which know their lines. Raises `faulty` for what is no YAML or no mapping."""
    try:
        source = io.StringIO(path.read_text("utf-8"))
        source.name = str(path)
        node = yaml.compose(source, _Loader)
    except UnicodeDecodeError as fault:
        raise faulty(str(path), 1, f"is not UTF-8 text (byte {fault.start}).") from fault
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        raise faulty(str(path), line, f"is not valid YAML: {fault.problem or fault.context}.") from fault
    except yaml.YAMLError as fault:
        raise faulty(str(path), 1, f"is not valid YAML: {fault}.") from fault
    if not isinstance(node, yaml.MappingNode):
        raise faulty(str(path), 1, "must be a mapping, starting with `key:`.")
    for inner in _walk(node):
        _refuse_doubles(inner, faulty)
    return node


def extended(
    base: yaml.MappingNode, own: yaml.MappingNode, faulty: type[FaultyDefinition] = FaultyDefinition
) -> yaml.MappingNode:
    """`base` with what `own` says on top.

    Lists whose items have a `key` are merged item by item: a known key is extended in turn, an unknown one
    comes at the end, or behind the item that its `after` names. Everything else is replaced. Raises `faulty`.
    """
    values = {name.value: (name, value) for name, value in base.value}
    for name, value in own.value:
        known = values.get(name.value)
        if known and _keyed(known[1]) and _keyed(value):
            values[name.value] = (name, _extended_items(known[1], value, faulty))
        else:
            values[name.value] = (name, value)
    return yaml.MappingNode(own.tag, list(values.values()), own.start_mark, own.end_mark)


def build(node: yaml.MappingNode, model: type[M], faulty: type[FaultyDefinition] = FaultyDefinition) -> M:
    """The checked model. Raises `faulty` with the file and line of the first thing that is wrong."""
    try:
        return model.model_validate(plain(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or node.start_mark
        raise faulty(mark.name, mark.line + 1, f"{error.problem}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        mark = _place(node, fault["loc"])
        raise faulty(mark.name, mark.line + 1, _reason(fault)) from error


def read(path: Path, model: type[M], faulty: type[FaultyDefinition] = FaultyDefinition) -> M:
    """The checked model of one file that extends nothing. Raises `faulty`."""
    return build(compose(path, faulty), model, faulty)


def plain(node: yaml.Node) -> Any:
    """The node as dicts, lists, texts and numbers."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def scalar(node: yaml.MappingNode, name: str) -> str | None:
    """The text under `name`, or None."""
    found = _child(node, name)
    return found.value if isinstance(found, yaml.ScalarNode) else None


def _walk(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, also where an alias leads back."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _refuse_doubles(node: yaml.Node, faulty: type[FaultyDefinition]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for name, _ in node.value:
        if str(name.value) in seen:
            raise faulty(name.start_mark.name, name.start_mark.line + 1, f"`{name.value}` stands here twice.")
        seen.add(str(name.value))


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _place(node: yaml.Node, loc: tuple[int | str, ...]) -> yaml.Mark:
    """Where the fault is: as far along `loc` as the file goes, since a missing field has no place."""
    for step in loc:
        found = _child(node, step)
        if found is None:
            break
        node = found
    return node.start_mark


def _reason(fault: ErrorDetails) -> str:
    words = {
        "missing": "is missing.",
        "extra_forbidden": "is not known here.",
        "string_too_long": "is too long; Slack allows {max_length} characters.",
        "too_long": "has too many items; {max_length} are allowed.",
    }
    path = " → ".join(str(step + 1) if isinstance(step, int) else step for step in fault["loc"])
    told = words.get(fault["type"], "").format(**fault.get("ctx", {})) or f"{fault['msg']}."
    told = told.removeprefix("Value error, ").replace("..", ".")
    return f"{path} {told}" if fault["type"] in words else ": ".join(filter(None, (path, told)))


def _keyed(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode) and all(
        isinstance(item, yaml.MappingNode) and scalar(item, "key") for item in node.value
    )


def _extended_items(base: yaml.Node, own: yaml.Node, faulty: type[FaultyDefinition]) -> yaml.SequenceNode:
    items = list(base.value)
    for item in own.value:
        after = scalar(item, "after")
        item.value = [(name, value) for name, value in item.value if name.value != "after"]
        keys = [scalar(known, "key") for known in items]
        if after is not None and after not in keys:
            mark = item.start_mark
            raise faulty(mark.name, mark.line + 1, f"`after: {after}` names nothing that is there.")
        if (key := scalar(item, "key")) in keys:
            at = keys.index(key)
            items[at] = extended(items[at], item, faulty)
        else:
            items.insert(keys.index(after) + 1 if after else len(items), item)
    return yaml.SequenceNode(own.tag, items, own.start_mark, own.end_mark)
