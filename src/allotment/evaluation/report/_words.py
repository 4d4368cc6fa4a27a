"""Numbers as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from allotment.evaluation.report._types import Cell, Change, Report

NOT_KNOWN = "not known"


def amount(value: float | None, unit: str) -> str:
    """A figure in its unit."""
    if value is None:
        return NOT_KNOWN
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "count":
        return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    if unit == "score":
        return f"{value:.3f}"
    return f"{value:,.4g} s" if unit == "seconds" else f"{value:,.4g} / s"


def cell_text(value: Cell) -> str:
    """A cell of a table."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def change_text(change: Change) -> str:
    """From what to what a check or figure changed."""
    return " → ".join(_state(value, change) for value in (change.before, change.now))


def _state(value: Cell, change: Change) -> str:
    if change.unit is not None and isinstance(value, int | float):
        return amount(value, change.unit)
    return NOT_KNOWN if value == "unknown" else cell_text(value)


def when(created: str) -> str:
    """A time to the minute; as it stands where it is none."""
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{found.astimezone(UTC) if found.tzinfo else found:%Y-%m-%d %H:%M} UTC"


def counted(report: Report) -> str:
    """How many checks had which outcome."""
    if not report.checks:
        return "Nothing was checked."
    found = [check.outcome for check in report.checks]
    parts = (("passed", "passed"), ("failed", "failed"), ("unknown", "not known"))
    told = ", ".join(f"{found.count(outcome)} {word}" for outcome, word in parts if outcome in found)
    return f"{len(found)} {'check' if len(found) == 1 else 'checks'}: {told}."


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.1f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
