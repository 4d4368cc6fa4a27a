"""Tables of a PDF page: grids of ruling lines, and lines of text whose parts stand in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allotment.documents.formats._pdf_words import SOFT_HYPHEN, Rule, Word

_NEAR = 3.0


@dataclass(frozen=True)
class Grid:
    """A grid of ruling lines: ``xs`` from left to right, ``ys`` from top to bottom."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def holds(self, word: Word) -> bool:
        """Whether the word's middle lies in it."""
        x, y = (word.left + word.right) / 2, word.base + word.size * 0.3
        return self.xs[0] <= x <= self.xs[-1] and self.ys[-1] <= y <= self.ys[0]

    def rows(self, words: Sequence[Word]) -> list[list[str]]:
        """The words by row and column."""
        cells: list[list[list[Word]]] = [[[] for _ in self.xs[1:]] for _ in self.ys[1:]]
        for word in words:
            x, y = (word.left + word.right) / 2, word.base + word.size * 0.3
            row = next(n for n, edge in enumerate(self.ys[1:]) if y >= edge)
            column = next(n for n, edge in enumerate(self.xs[1:]) if x <= edge)
            cells[row][column].append(word)
        return [[_text(cell) for cell in line] for row in cells for line in _lines(row)]


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words).replace(f"{SOFT_HYPHEN} ", "").replace(SOFT_HYPHEN, "-")


def _lines(row: list[list[Word]]) -> list[list[list[Word]]]:
    """The rows that stand between two rules: several if all cells have the same lines, else one."""
    places = [_places([word.base for word in cell]) for cell in row if cell]
    lines = places[0] if len(places) > 1 else []
    if len(lines) < 2 or any(len(one) != len(lines) for one in places):
        return [row]
    if any(abs(a - b) > _NEAR for one in places for a, b in zip(one, lines, strict=True)):
        return [row]
    return [[[word for word in cell if abs(word.base - line) <= _NEAR] for cell in row] for line in reversed(lines)]


def grids(rules: Sequence[Rule]) -> list[Grid]:
    """Grids of at least two rows and two columns."""
    found: list[Grid] = []
    for group in _joined(rules):
        xs = _places([rule.left for rule in group if not rule.flat])
        ys = _places([rule.bottom for rule in group if rule.flat])
        if (len(xs) == 2 and len(ys) > 2) or len(xs) < 2:
            continue
        if len(xs) >= 3 and len(ys) >= 3:
            found.append(Grid(tuple(xs), tuple(reversed(ys))))
    return found


def _joined(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Rules that touch each other, in groups."""
    groups: list[list[Rule]] = []
    for rule in rules:
        touching = [group for group in groups if any(_touch(rule, other) for other in group)]
        rest = [group for group in groups if not any(group is one for one in touching)]
        groups = [*rest, [rule, *(other for group in touching for other in group)]]
    return groups


def _touch(first: Rule, second: Rule) -> bool:
    return (
        first.left <= second.right + _NEAR
        and second.left <= first.right + _NEAR
        and first.bottom <= second.top + _NEAR
        and second.bottom <= first.top + _NEAR
    )


def _places(values: Sequence[float]) -> list[float]:
    """Distinct places, ascending."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > _NEAR:
            kept.append(value)
    return kept
