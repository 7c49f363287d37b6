"""The picture of the contributing factors: in layers, from the deepest on the left to the incident on the right.

Only where things are; how they look is the template's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot import rich_text
from bot.lettering import fitted, text_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.report import Factor, Report

WIDTH: Final = 1080.0
BOX_LINE: Final = 17.0
BOX_SIZE: Final = 13.0
HEAD_SIZE: Final = 11.5
BOX_GAP: Final = 16.0
COLUMN_GAP: Final = 56.0
END_WIDTH: Final = 150.0
MOST_WIDE: Final = 420.0
WIDEST: Final = 620.0
"""How wide a box may be: a lone column of boxes is wide and low, so that its picture is."""
ROWS_IN_ONE: Final = 9
MOST_LINES: Final = 6


@dataclass(frozen=True)
class Box:
    """A factor; `layer` 1 is next to the incident. `head` is its role and category on one line."""

    factor: Factor
    layer: int
    x: float
    y: float
    width: float
    height: float
    head: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """From a factor to what it led to: a curve that ends at (x, y). `confidence` and `role` are keys."""

    path: str
    x: float
    y: float
    confidence: str
    role: str


@dataclass(frozen=True)
class Causes:
    """One picture; `end` is the incident's box (x, y, width, height), as high as the picture."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    end: tuple[float, float, float, float]
    end_lines: tuple[str, ...]


@dataclass
class _Tree:
    """The factors from the deepest (left) to the incident (right); `led_to` has a circle cut open."""

    factors: dict[int, Factor]
    led_to: dict[int, list[int]] = field(default_factory=dict)
    roots: list[int] = field(default_factory=list)
    layers: dict[int, int] = field(default_factory=dict)


def _tree(factors: Sequence[Factor]) -> _Tree:
    tree = _Tree({factor.id: factor for factor in factors})
    behind: dict[int, int] = {}
    for factor in factors:
        cause = factor.because_of
        if cause in tree.factors and not _leads_back(cause, factor.id, behind):
            behind[factor.id] = cause
            tree.led_to.setdefault(cause, []).append(factor.id)
    tree.roots = [factor.id for factor in factors if factor.id not in behind]
    for root in tree.roots:
        _set_layers(tree, root)
    return tree


def _leads_back(start: int, to: int, behind: Mapping[int, int]) -> bool:
    at: int | None = start
    while at is not None:
        if at == to:
            return True
        at = behind.get(at)
    return False


def _set_layers(tree: _Tree, root: int) -> None:
    for number in reversed(_causes_first(tree, root)):
        tree.layers[number] = 1 + max((tree.layers[effect] for effect in tree.led_to.get(number, [])), default=0)


def causes(report: Report) -> list[Causes]:
    """The factors in layers, as many pictures as it takes to keep each readable and on a page.

    What hangs together stays together; pictures are only begun anew between trees.
    """
    tree = _tree(report.factors)
    pages: list[list[int]] = []
    rows = 0
    for root in tree.roots:
        own = _row_count(tree, root)
        if not pages or rows + own > ROWS_IN_ONE:
            pages.append([])
            rows = 0
        pages[-1].append(root)
        rows += own
    return [_picture(tree, roots, report.incident.title) for roots in pages]


def _row_count(tree: _Tree, root: int) -> int:
    return sum(not tree.led_to.get(number) for number in _causes_first(tree, root))


def _picture(tree: _Tree, roots: Sequence[int], title: str) -> Causes:
    layers = max(tree.layers[root] for root in roots)
    column = min(max((WIDTH - END_WIDTH) / layers - COLUMN_GAP, 216.0), MOST_WIDE if layers > 1 else WIDEST)
    end_x = layers * (column + COLUMN_GAP)
    boxes: dict[int, Box] = {}
    bottom = 0.0
    for root in roots:
        bottom = _place(tree, root, column, end_x, bottom, boxes)
    end_lines = wrapped(rich_text.words(title), END_WIDTH - 28, BOX_SIZE * 1.12, 8)
    height = max(bottom - BOX_GAP, len(end_lines) * BOX_LINE + 44)
    return Causes(
        width=end_x + END_WIDTH,
        height=height,
        boxes=tuple(boxes.values()),
        edges=tuple(_edges(tree, boxes, end_x)),
        end=(end_x, 0.0, END_WIDTH, height),
        end_lines=tuple(end_lines),
    )


def _place(tree: _Tree, root: int, column: float, end_x: float, top: float, boxes: dict[int, Box]) -> float:
    """Puts a tree's boxes below `top`, each tree in a strip of its own; returns where the next may begin."""
    causes_first = _causes_first(tree, root)
    lines = {
        number: wrapped(rich_text.words(tree.factors[number].statement), column - 28, BOX_SIZE, MOST_LINES)
        for number in causes_first
    }
    heights = {number: len(lines[number]) * BOX_LINE + 52 for number in causes_first}
    spans: dict[int, float] = {}
    for number in reversed(causes_first):
        spans[number] = max(heights[number], _stacked(spans, tree.led_to.get(number, [])))
    tops = {root: top}
    for number in causes_first:
        effects = tree.led_to.get(number, [])
        below = tops[number] + (spans[number] - _stacked(spans, effects)) / 2
        for effect in effects:
            tops[effect] = below
            below += spans[effect] + BOX_GAP
        layer = tree.layers[number]
        boxes[number] = Box(
            factor=tree.factors[number],
            layer=layer,
            x=end_x - layer * (column + COLUMN_GAP),
            y=tops[number] + (spans[number] - heights[number]) / 2,
            width=column,
            height=heights[number],
            head=_head(tree.factors[number], column - 28),
            lines=tuple(lines[number]),
        )
    return top + spans[root] + BOX_GAP


def _head(factor: Factor, width: float) -> str:
    """Its role, category and domain; without the domain, which the list below tells, where there is no room."""
    terms = [factor.role.label, factor.category.label if factor.category else "", factor.domain.label]
    head, short = (" · ".join(filter(None, some)) for some in (terms, terms[:2]))
    return head if text_width(head, HEAD_SIZE) <= width else fitted(short, width, HEAD_SIZE)


def _stacked(spans: Mapping[int, float], numbers: Sequence[int]) -> float:
    return sum(spans[number] for number in numbers) + BOX_GAP * max(len(numbers) - 1, 0)


def _causes_first(tree: _Tree, root: int) -> list[int]:
    """The tree, each factor before everything that it led to."""
    order, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        order.append(number)
        waiting += reversed(tree.led_to.get(number, []))
    return order


def _edges(tree: _Tree, boxes: Mapping[int, Box], end_x: float) -> Iterable[Edge]:
    for box in boxes.values():
        start = (box.x + box.width, box.y + box.height / 2)
        effects = [boxes[effect] for effect in tree.led_to.get(box.factor.id, [])]
        targets = [(effect.x, effect.y + effect.height / 2) for effect in effects] or [(end_x, start[1])]
        for target in targets:
            yield Edge(_curve(start, target), *target, box.factor.confidence.key, box.factor.role.key)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Bends in the gap behind the box it starts from and then runs level, so that it crosses no other box."""
    half, level, tip = COLUMN_GAP / 2, start[0] + COLUMN_GAP - 10, end[0] - 7
    return (
        f"M{start[0]:.1f} {start[1]:.1f} C{start[0] + half:.1f} {start[1]:.1f}"
        f" {start[0] + half - 10:.1f} {end[1]:.1f} {level:.1f} {end[1]:.1f} H{tip:.1f}"
    )
