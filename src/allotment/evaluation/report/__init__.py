"""The report: verdict, figures and pictures in one signed file that can be handed on."""

from allotment.evaluation.report._canonical import from_json, to_json
from allotment.evaluation.report._compare import compare
from allotment.evaluation.report._curve import curve_svg
from allotment.evaluation.report._junit import to_junit
from allotment.evaluation.report._keep import keep_report, kept_reports, report_dir
from allotment.evaluation.report._matrix import matrix_svg
from allotment.evaluation.report._page import page
from allotment.evaluation.report._shown import visible
from allotment.evaluation.report._signed import SignedReport, public_key, read_signed, sign_report
from allotment.evaluation.report._types import (
    FORMAT,
    Attempt,
    Better,
    Cell,
    Change,
    Changes,
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
from allotment.evaluation.report._verify import Verification, read_baseline, read_file, verify
from allotment.evaluation.report._words import change_text, counted

__all__ = [
    "FORMAT",
    "Attempt",
    "Better",
    "Cell",
    "Change",
    "Changes",
    "Check",
    "Curve",
    "Figure",
    "Kind",
    "Matrix",
    "MatrixCell",
    "Outcome",
    "Report",
    "Series",
    "SignedReport",
    "Table",
    "Verification",
    "change_text",
    "compare",
    "counted",
    "curve_svg",
    "from_json",
    "keep_report",
    "kept_reports",
    "matrix_svg",
    "page",
    "public_key",
    "read_baseline",
    "read_file",
    "read_signed",
    "report_dir",
    "sign_report",
    "to_json",
    "to_junit",
    "verify",
    "visible",
]
