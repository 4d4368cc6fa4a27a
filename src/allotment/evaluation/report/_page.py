"""The report as one page: no scripts, nothing loaded, the signed JSON within, and nothing that is not made from that.

Texts in it may come from a model or from whoever attacked it: every one is escaped, what is not seen is named, and the
page's own policy lets nothing run or load.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from allotment.evaluation.report._curve import curve_svg
from allotment.evaluation.report._drawing import picture_styles
from allotment.evaluation.report._interval import interval_svg
from allotment.evaluation.report._matrix import cells_of, matrix_svg, said
from allotment.evaluation.report._shown import visible
from allotment.evaluation.report._signed import SignedReport
from allotment.evaluation.report._strict import unreadable
from allotment.evaluation.report._types import Kind, Outcome, Report, Table
from allotment.evaluation.report._words import amount, cell_text, change_text, counted, duration, when

NAMES: dict[Kind, str] = {"knowledge": "Does it know", "leaks": "Does it leak", "attacks": "Does it hold"}
WORDS: dict[Outcome, str] = {"passed": "Passed", "failed": "Failed", "unknown": "Not known"}
_SIGNS: dict[Outcome, str] = {"passed": "✓", "failed": "✗", "unknown": "?"}
_EMBEDDED = re.compile(rb'<script type="application/json" id="allotment-report">([^<]*)</script>')


def page(signed: SignedReport) -> bytes:
    """The page of a signed report; the same report gives the same bytes."""
    report = signed.report
    text: str = _template().render(
        report=report,
        signed=signed,
        changes=signed.changes,
        open_checks=_by_outcome(report, "failed") + _by_outcome(report, "unknown"),
        passed_checks=_by_outcome(report, "passed"),
        counted=counted(report),
        duration=duration(report.seconds),
        sha256=sha256(signed.data).hexdigest(),
        data=Markup(signed.data.decode("ascii")),  # noqa: S704  canonical JSON has no character of markup
    )
    return text.encode("utf-8")


def embedded(data: bytes) -> bytes:
    """The signed JSON within a page.

    Raises:
        InputError: it is not there, or there twice.
    """
    found = _EMBEDDED.findall(data)
    if len(found) != 1:
        raise unreadable("is a page without a report within, or with several", "page")
    return bytes(found[0])


def _by_outcome(report: Report, outcome: Outcome) -> list[Any]:
    return [check for check in report.checks if check.outcome == outcome]


@lru_cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalise,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    styles = _styles()
    environment.globals.update(
        amount=amount,
        cell=cell_text,
        change_text=change_text,
        cells_of=cells_of,
        curve_picture=lambda curve: Markup(curve_svg(curve, alone=False)),  # noqa: S704  its texts are escaped
        is_numeric=_is_numeric,
        interval_picture=lambda figure: Markup(interval_svg(figure)),  # noqa: S704
        matrix_picture=lambda matrix: Markup(matrix_svg(matrix, alone=False)),  # noqa: S704
        names=NAMES,
        policy=_policy(styles),
        said=said,
        signs=_SIGNS,
        styles=Markup(styles),  # noqa: S704  the package's own
        when=when,
        words=WORDS,
    )
    return environment.get_template("report.html")


def _styles() -> str:
    own = (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    return f"{own}{picture_styles()}"


def _policy(styles: str) -> str:
    digest = base64.b64encode(sha256(styles.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _is_numeric(table: Table, column: int) -> bool:
    """Whether a column holds numbers alone."""
    found = [row[column] for row in table.rows if row[column] is not None]
    return bool(found) and all(isinstance(value, int | float) for value in found)


def _finalise(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
