"""The report: verdict, figures and pictures in one signed file that can be handed on."""

from allotment.evaluation.report._canonical import from_json, to_json
from allotment.evaluation.report._curve import curve_svg
from allotment.evaluation.report._matrix import matrix_svg
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
    "curve_svg",
    "from_json",
    "matrix_svg",
    "to_json",
]
