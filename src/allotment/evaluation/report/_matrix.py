"""A matrix as a picture: what must not happen and did glares; what may happen, and what is not known, look otherwise.

No meaning hangs on colour alone: cells differ by pattern, outline and sign as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from allotment.evaluation.report._drawing import CHARACTER, HEADING, heading, key_of, label, svg, text, wrapped
from allotment.evaluation.report._shown import markup
from allotment.evaluation.report._types import Matrix, MatrixCell

State = Literal["hit", "held", "allowed", "unknown"]
_WIDTH, _HEIGHT, _GAP = 108, 58, 8
_COLUMN, _ROW = 14, 22
"""Characters in a line of a column's and of a row's label."""
_MARGIN = 16
_LEGEND: tuple[tuple[State, str], ...] = (
    ("hit", "got through, and must not"),
    ("held", "nothing got through"),
    ("allowed", "may know it"),
    ("unknown", "not known: no attempt counts"),
)


@dataclass(frozen=True)
class _Frame:
    """Where the cells begin, and how large all is."""

    left: float
    top: float
    width: float
    height: float


def cell_state(cell: MatrixCell) -> State:
    """What a cell says. Hits that must not be are told first; attempts that all failed say nothing."""
    if cell.hits and not cell.allowed:
        return "hit"
    if cell.attempts - cell.failed <= 0:
        return "unknown"
    return "allowed" if cell.allowed else "held"


def matrix_svg(matrix: Matrix, *, alone: bool = True) -> str:
    """The matrix as the text of one SVG element.

    Args:
        alone: whether title and styles are drawn into it, so that it can be a file of its own.
    """
    key = key_of("matrix", matrix.name)
    columns = [wrapped(name, _COLUMN, 3) for name in matrix.columns]
    rows = [wrapped(name, _ROW, 3) for name in matrix.rows]
    frame = _frame_of(matrix, columns, rows, alone)
    parts = [
        _patterns(key),
        heading(matrix.title) if alone else "",
        *(
            label(frame.left + place * _WIDTH + (_WIDTH - _GAP) / 2, frame.top - 10, lines, whole, "middle")
            for place, (lines, whole) in enumerate(zip(columns, matrix.columns, strict=True))
        ),
        *(
            label(frame.left - 10, _middle(frame, place) + 7.5 * len(lines) - 3, lines, whole, "end")
            for place, (lines, whole) in enumerate(zip(rows, matrix.rows, strict=True))
        ),
        *_cells(key, frame, matrix),
        *_legend(key, frame),
    ]
    return svg(key, (frame.width, frame.height), matrix.title, describe(matrix), parts, alone)


def describe(matrix: Matrix) -> str:
    """The matrix in words, for who does not see it."""
    found = [(row, column, cell) for row, column, cell in cells_of(matrix) if cell_state(cell) == "hit"]
    unknown = sum(cell_state(cell) == "unknown" for _, _, cell in cells_of(matrix))
    told = [f"{len(matrix.rows)} rows by {len(matrix.columns)} columns."]
    told += [f"{row} got through to {column}: {cell.hits} of {cell.attempts}." for row, column, cell in found[:20]]
    told += [f"{len(found) - 20} more got through."] if len(found) > 20 else []
    told += [] if found else ["Nothing got through that must not."]
    told += [f"{unknown} cells are not known."] if unknown else []
    return " ".join(told)


def cells_of(matrix: Matrix) -> Iterator[tuple[str, str, MatrixCell]]:
    """Row, column and cell, row by row."""
    for row, cells in zip(matrix.rows, matrix.cells, strict=True):
        for column, cell in zip(matrix.columns, cells, strict=True):
            yield row, column, cell


def _frame_of(matrix: Matrix, columns: list[list[str]], rows: list[list[str]], alone: bool) -> _Frame:
    letters = max((len(line) for lines in rows for line in lines), default=0)
    left = _MARGIN + 10 + letters * CHARACTER
    top = (44 if alone else 12) + 15 * max((len(lines) for lines in columns), default=1) + 8
    width = max(
        left + len(matrix.columns) * _WIDTH + _MARGIN, 420.0, min(len(matrix.title), HEADING) * 8.5 + 32 if alone else 0
    )
    return _Frame(left, top, width, top + len(matrix.rows) * (_HEIGHT + _GAP) + 68)


def _middle(frame: _Frame, row: int) -> float:
    return frame.top + row * (_HEIGHT + _GAP) + _HEIGHT / 2


def _patterns(key: str) -> str:
    """Dots for what is allowed, lines for what is not known."""
    return (
        f'<defs><pattern id="{key}-dots" width="9" height="9" patternUnits="userSpaceOnUse">'
        '<rect class="dots-ground" width="9" height="9"/><circle class="dots-mark" cx="4.5" cy="4.5" r="1.3"/>'
        "</pattern>"
        f'<pattern id="{key}-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="hatch-ground" width="8" height="8"/><path class="hatch-mark" d="M0 0 V8"/></pattern></defs>'
    )


def _cells(key: str, frame: _Frame, matrix: Matrix) -> Iterator[str]:
    for place, (row, column, cell) in enumerate(cells_of(matrix)):
        at_row, at_column = divmod(place, len(matrix.columns))
        x, y = frame.left + at_column * _WIDTH, frame.top + at_row * (_HEIGHT + _GAP)
        state = cell_state(cell)
        yield _box(key, state, x, y, _WIDTH - _GAP, _HEIGHT, f"{row}, {column}: {said(cell)}")
        kind = {"hit": "hit-count", "unknown": "halo", "allowed": "allowed-count", "held": ""}[state]
        middle = x + (_WIDTH - _GAP) / 2
        yield text(
            middle, y + _HEIGHT / 2 + (-1 if cell.failed else 5), _count(cell), f"count {kind}".strip(), "middle"
        )
        if cell.failed:
            yield text(middle, y + _HEIGHT / 2 + 17, f"{cell.failed} failed", f"small {kind}".strip(), "middle")


def said(cell: MatrixCell) -> str:
    """A cell in words."""
    words = dict(_LEGEND)[cell_state(cell)]
    failed = f", {cell.failed} ended in an error" if cell.failed else ""
    return f"{cell.hits} of {cell.attempts} attempts{failed}; {words}"


def _count(cell: MatrixCell) -> str:
    sign = {"hit": "▲ ", "unknown": "? "}.get(cell_state(cell), "")
    return f"{sign}{cell.hits} / {cell.attempts}"


def _box(key: str, state: State, x: float, y: float, width: float, height: float, hint: str) -> str:
    fill = {"allowed": f' fill="url(#{key}-dots)"', "unknown": f' fill="url(#{key}-hatch)"'}.get(state, "")
    drawn = f'class="{state}"{fill} x="{x:.1f}" y="{y:.1f}" width="{width:g}" height="{height:g}" rx="6"'
    title = f"<title>{markup(hint)}</title>" if hint else ""
    return f"<rect {drawn}>{title}</rect>"


def _legend(key: str, frame: _Frame) -> Iterator[str]:
    x, y = float(_MARGIN), frame.height - 44
    for state, words in _LEGEND:
        if x + 28 + len(words) * CHARACTER > frame.width and x > _MARGIN:
            x, y = float(_MARGIN), y + 24
        yield _box(key, state, x, y, 20, 14, "")
        yield text(x + 28, y + 12, words, "soft")
        x += 44 + len(words) * 6.6
