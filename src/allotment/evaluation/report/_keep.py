"""Where reports lie: the newest in ``.allotment/evaluation/KIND[-AGENT]/``, the ones before it beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from allotment.evaluation.report._page import page
from allotment.evaluation.report._signed import SignedReport
from allotment.evaluation.report._types import Kind
from allotment.workspace import Workspace, storage_error, write_atomic

KEPT = 10
"""Earlier reports that are kept, with their pages."""
_STAMP = re.compile(r"report-\d{8}T\d{12}Z\.(json|html)")


def report_dir(workspace: Workspace, kind: Kind, agent: str = "") -> Path:
    """Folder of the reports of one evaluation."""
    return workspace.home / "evaluation" / (f"{kind}-{agent}" if agent else kind)


def keep_report(workspace: Workspace, signed: SignedReport, agent: str = "") -> tuple[Path, Path]:
    """Write the signed JSON and its page; the last ``KEPT`` stay, each under its time.

    Returns:
        The newest JSON and page, ``report.json`` and ``report.html``.

    Raises:
        StorageError: the disk is full or the folder cannot be written; earlier reports are kept.
    """
    folder = report_dir(workspace, signed.report.kind, agent)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    html = page(signed)
    with workspace.lock("evaluation"):
        for name in (f"report-{stamp}", "report"):
            write_atomic(folder / f"{name}.json", signed.data, private=True)
            write_atomic(folder / f"{name}.html", html, private=True)
        _forget_old(folder)
    return folder / "report.json", folder / "report.html"


def kept_reports(folder: Path) -> Iterator[Path]:
    """The signed JSON of every report that is kept in a folder, oldest first."""
    yield from sorted(path for path in folder.glob("report-*.json") if _STAMP.fullmatch(path.name))


def _forget_old(folder: Path) -> None:
    for path in list(kept_reports(folder))[:-KEPT]:
        for old in (path.with_suffix(".html"), path):
            try:
                old.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(old, error) from error
