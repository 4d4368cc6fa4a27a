"""Reports of every shape, for what must hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from allotment.evaluation.report import (
    Attempt,
    Check,
    Curve,
    Figure,
    Matrix,
    MatrixCell,
    Report,
    Series,
    Table,
)

TEXTS = st.text(max_size=10)
NAMES = st.text(min_size=1, max_size=5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 10**6)
UNITS = st.sampled_from(("share", "count", "seconds", "per second", "score"))
CELLS = st.one_of(st.none(), TEXTS, st.integers(-(10**12), 10**12), FLOATS)


def _named(kind: st.SearchStrategy, most: int = 2) -> st.SearchStrategy:
    return st.lists(kind, max_size=most, unique_by=lambda item: item.name).map(tuple)


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    rows, columns = draw(st.lists(TEXTS, max_size=2)), draw(st.lists(TEXTS, max_size=2))
    cell = st.builds(MatrixCell, COUNTS, COUNTS, COUNTS, st.booleans())
    cells = tuple(tuple(draw(cell) for _ in columns) for _ in rows)
    return Matrix(draw(NAMES), draw(TEXTS), tuple(rows), tuple(columns), cells, draw(TEXTS))


@st.composite
def series(draw: st.DrawFn) -> Series:
    points = tuple(draw(st.lists(st.tuples(FLOATS, FLOATS), max_size=2)))
    ends = [draw(FLOATS) for _ in points] if draw(st.booleans()) else []
    return Series(draw(TEXTS), points, tuple(ends), tuple(ends))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(TEXTS, max_size=3))
    rows = tuple(tuple(draw(CELLS) for _ in columns) for _ in range(draw(st.integers(0, 2))))
    return Table(draw(NAMES), draw(TEXTS), tuple(columns), rows, draw(TEXTS))


CHECKS = st.builds(Check, NAMES, TEXTS, st.sampled_from(("passed", "failed", "unknown")), TEXTS)
FIGURES = st.builds(
    Figure,
    NAMES,
    TEXTS,
    st.one_of(st.none(), FLOATS),
    st.sampled_from(("lower", "higher", "neither")),
    st.one_of(st.none(), st.tuples(FLOATS, FLOATS)),
    st.one_of(st.none(), COUNTS),
    st.one_of(st.none(), FLOATS),
    UNITS,
)
CURVES = st.builds(Curve, NAMES, TEXTS, TEXTS, TEXTS, st.lists(series(), max_size=2).map(tuple), TEXTS)
ATTEMPTS = st.builds(Attempt, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=1).map(tuple))
REPORTS = st.builds(
    Report,
    kind=st.sampled_from(("knowledge", "leaks", "attacks")),
    project=TEXTS,
    created=TEXTS,
    verdict=TEXTS,
    checks=_named(CHECKS),
    figures=_named(FIGURES),
    matrices=_named(matrices(), 1),
    curves=_named(CURVES, 1),
    tables=_named(tables(), 1),
    worst=st.lists(ATTEMPTS, max_size=1).map(tuple),
    not_tested=st.lists(TEXTS, max_size=1).map(tuple),
    versions=st.lists(st.tuples(TEXTS, TEXTS), max_size=1).map(tuple),
    command=TEXTS,
    seconds=st.floats(0, 1e6),
)
