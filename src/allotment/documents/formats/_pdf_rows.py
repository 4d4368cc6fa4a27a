"""Words of a PDF page → rows of text in reading order: columns one after the other, tables at their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from allotment.documents.formats._pdf_tables import Grid
from allotment.documents.formats._pdf_words import Word

_GAP = 1.6
"""In type sizes: words further apart stand in different columns."""
_WILD_JUMPS = 5
_COLUMN_ROWS = 6


@dataclass(frozen=True)
class Segment:
    """Words on one line without a wide gap between them."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with a space between them."""
        return " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        """In points."""
        return self.words[0].left

    @property
    def right(self) -> float:
        """In points."""
        return self.words[-1].right

    @property
    def base(self) -> float:
        """In points, from the page's bottom."""
        return self.words[0].base


@dataclass(frozen=True)
class Row:
    """Segments on one line, from left to right, or a ruled table."""

    segments: tuple[Segment, ...]
    size: float = 0.0
    mono: bool = False
    bold: bool = False
    table: tuple[tuple[str, ...], ...] = ()
    base: float = 0.0

    @property
    def text(self) -> str:
        """The segments with a space between them."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def left(self) -> float:
        """In points."""
        return self.segments[0].left if self.segments else 0.0

    @property
    def right(self) -> float:
        """In points."""
        return self.segments[-1].right if self.segments else 0.0


def page_rows(words: Sequence[Word], tables: Sequence[Grid]) -> list[Row]:
    """The page's rows and ruled tables in reading order."""
    inside = {index: [word for word in words if grid.holds(word)] for index, grid in enumerate(tables)}
    taken = {id(word) for held in inside.values() for word in held}
    rows = _rows(_ordered(_segments([word for word in words if id(word) not in taken])))
    for index, grid in enumerate(tables):
        cells = tuple(tuple(row) for row in grid.rows(inside[index]))
        place = next((n for n, row in enumerate(rows) if not row.table and row.base < grid.ys[0]), len(rows))
        rows.insert(place, Row((), table=cells, base=grid.ys[0]))
    return rows


def _segments(words: Sequence[Word]) -> list[Segment]:
    found: list[list[Word]] = []
    for word in words:
        last = found[-1][-1] if found else None
        if last is not None and _follows(last, word):
            found[-1].append(word)
        else:
            found.append([word])
    return [Segment(tuple(run)) for run in found]


def _follows(last: Word, word: Word) -> bool:
    size = max(last.size, word.size)
    return abs(word.base - last.base) < size * 0.45 and -size < word.left - last.right < size * _GAP


def _ordered(segments: list[Segment]) -> list[Segment]:
    """As drawn, which is how authors read; by place where the page is drawn in a wild order or across columns."""
    gutter = _gutter(segments)
    if gutter is not None:
        return list(_by_columns(segments, gutter))
    jumps = sum(after.base > before.base + 2 * before.words[0].size for before, after in pairwise(segments))
    return sorted(segments, key=_down_then_right) if jumps > _WILD_JUMPS else segments


def _down_then_right(segment: Segment) -> tuple[int, float]:
    return -round(segment.base / 3), segment.left


def _gutter(segments: list[Segment]) -> float | None:
    """The middle of the empty strip between two columns of running text, if there is one."""
    if len(segments) < 2 * _COLUMN_ROWS:
        return None
    left, right = min(s.left for s in segments), max(s.right for s in segments)
    width = right - left
    narrow = sorted((s for s in segments if s.right - s.left < width * 0.6), key=lambda s: s.left)
    reach = left
    for segment in narrow:
        strip = segment.left - reach
        middle = (segment.left + reach) / 2
        if strip > 6 and 0.35 < (middle - left) / width < 0.65 and _are_columns(narrow, middle, width):
            return middle
        reach = max(reach, segment.right)
    return None


def _are_columns(segments: list[Segment], middle: float, width: float) -> bool:
    for side in ([s for s in segments if s.right <= middle], [s for s in segments if s.left >= middle]):
        running = [s for s in side if len(s.words) > 3 and s.right - s.left > width * 0.25]
        if len(running) < _COLUMN_ROWS or len(running) < len(side) * 0.5:
            return False
    return True


def _by_columns(segments: list[Segment], gutter: float) -> Iterator[Segment]:
    """Bands between the lines that go over both columns; in each band the left column, then the right one."""
    band: list[Segment] = []
    for segment in sorted(segments, key=_down_then_right):
        if segment.left < gutter < segment.right:
            yield from sorted(band, key=lambda s: s.left >= gutter)
            band = []
            yield segment
        else:
            band.append(segment)
    yield from sorted(band, key=lambda s: s.left >= gutter)


def _rows(segments: Sequence[Segment]) -> list[Row]:
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and _same_line(groups[-1], segment):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return [_row(sorted(group, key=lambda s: s.left)) for group in groups]


def _same_line(group: list[Segment], segment: Segment) -> bool:
    last = group[-1]
    if abs(segment.base - last.base) > last.words[0].size * 0.45:
        return False
    return segment.left >= last.right - 1 or segment.right <= group[0].left + 1


def _row(segments: list[Segment]) -> Row:
    words = [word for segment in segments for word in segment.words]
    letters: Counter[float] = Counter()
    for word in words:
        letters[round(word.size * 2) / 2] += len(word.text)
    mono = sum(len(word.text) for word in words if word.mono) * 2 > letters.total()
    return Row(
        tuple(segments), letters.most_common(1)[0][0], mono, all(word.bold for word in words), (), segments[0].base
    )
