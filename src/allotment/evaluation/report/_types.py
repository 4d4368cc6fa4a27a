"""What every evaluation ends in: one report, whose verdict follows from its checks and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["knowledge", "leaks", "attacks"]
Outcome = Literal["passed", "failed", "unknown"]
"""``unknown``: it could not be found out, which is never taken for passed."""
Better = Literal["lower", "higher", "neither"]
Unit = Literal["share", "count", "seconds", "per second", "score"]
Cell = str | int | float | None

FORMAT = 1
"""Version of the report's form; a reader knows its own and older ones."""


@dataclass(frozen=True)
class Check:
    """One sentence that was put to the test."""

    name: str
    """Dotted and stable from run to run: ``leaks.chain.employee.director``."""
    title: str
    """The sentence, as a person reads it."""
    outcome: Outcome
    detail: str = ""
    """Counts, and why it is not known."""


@dataclass(frozen=True)
class Figure:
    """One number that a later run is compared with."""

    name: str
    title: str
    value: float | None
    """None where it could not be found out."""
    better: Better
    interval: tuple[float, float] | None = None
    """95 %, in the figure's own unit."""
    total: int | None = None
    """How many things it was counted over."""
    goal: float | None = None
    unit: Unit = "share"


@dataclass(frozen=True)
class MatrixCell:
    """Attempts of one row on one column, and how many of them succeeded."""

    hits: int
    attempts: int
    failed: int = 0
    """Attempts that ended in an error: they prove nothing."""
    allowed: bool = False
    """Whether hits are as it should be: the role is one of the readers."""


@dataclass(frozen=True)
class Matrix:
    """Rows × columns of attempts and hits; drawn as a picture."""

    name: str
    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]
    """One tuple a row."""
    note: str = ""


@dataclass(frozen=True)
class Series:
    """One line of a curve."""

    name: str
    points: tuple[tuple[float, float], ...]
    low: tuple[float, ...] = ()
    """Lower ends of 95 % intervals, one a point; none where there are none."""
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Curve:
    """Lines over one axis; drawn as a picture."""

    name: str
    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and rows of text and numbers."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Attempt:
    """One attempt in full, for whoever wants to judge for himself."""

    title: str
    fields: tuple[tuple[str, str], ...]
    """Name and text, in the order they are shown: role, question, answer, what stopped it."""


@dataclass(frozen=True)
class Report:
    """Everything an evaluation found."""

    kind: Kind
    project: str
    created: str
    """UTC, ISO 8601."""
    verdict: str
    """One sentence that a manager understands."""
    checks: tuple[Check, ...]
    figures: tuple[Figure, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    curves: tuple[Curve, ...] = ()
    tables: tuple[Table, ...] = ()
    worst: tuple[Attempt, ...] = ()
    """At most ten, the worst first."""
    not_tested: tuple[str, ...] = ()
    """A sentence each."""
    versions: tuple[tuple[str, str], ...] = ()
    """Name and version or hash of everything the result hangs on."""
    command: str = ""
    """How to run it again."""
    seconds: float = 0.0
    format: int = field(default=FORMAT)

    @property
    def outcome(self) -> Outcome:
        """``failed`` if any check failed, ``unknown`` if there is none or one is not known, else ``passed``."""
        outcomes = {check.outcome for check in self.checks}
        if "failed" in outcomes:
            return "failed"
        return "passed" if outcomes == {"passed"} else "unknown"


@dataclass(frozen=True)
class Change:
    """One check or figure that is not as it was in the baseline."""

    subject: Literal["check", "figure"]
    name: str
    title: str
    before: Cell
    """Outcome or value; None where there was none."""
    now: Cell
    reason: str
    unit: Unit | None = None
    """Of a figure."""


@dataclass(frozen=True)
class Changes:
    """What changed since an earlier report of the same kind and project."""

    baseline: str
    """When it was made."""
    baseline_sha256: str
    """Of the signed JSON."""
    worse: tuple[Change, ...] = ()
    better: tuple[Change, ...] = ()
    new: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    """Not looked at any more, which is worse too: it may have been left out because it would have failed."""

    @property
    def got_worse(self) -> bool:
        """Whether a pipeline has to stop."""
        return bool(self.worse or self.gone)
