"""The report: verdict, figures and pictures in one signed file that can be handed on."""

from allotment.evaluation.report._types import (
    FORMAT,
    Attempt,
    Cell,
    Check,
    Curve,
    Figure,
    Kind,
    Matrix,
    MatrixCell,
    Outcome,
    Report,
    Series,
    Table,
)

__all__ = [
    "FORMAT",
    "Attempt",
    "Cell",
    "Check",
    "Curve",
    "Figure",
    "Kind",
    "Matrix",
    "MatrixCell",
    "Outcome",
    "Report",
    "Series",
    "Table",
]
