"""An experiment's table as text: columns, cells, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from allotment.experiments._compare import Effect, Group
from allotment.experiments._expand import described, value_text
from allotment.experiments._rows import Row
from allotment.experiments._table import Table, ranked
from allotment.training.record._figures import dollars, figure
from allotment.training.record._shown import visible

COLUMNS = ("state", "recall", "held-out loss", "loss", "tokens/s", "peak GiB", "minutes", "$", "attempts", "why")
_TEXTS = {"=", "+", "-", "@", "\t", "\r"}
"""A cell that begins so would be a formula to a spreadsheet."""


def setting_cells(settings: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """Settings as text, in the order of the names."""
    return tuple(value_text(settings.get(name)) for name in names)


def columns_of(table: Table) -> tuple[str, ...]:
    """Headings: the run, its settings, and what became of it."""
    return ("run", *table.settings, *COLUMNS)


def cells_of(table: Table) -> list[tuple[str, ...]]:
    """Rows of text, the best first. A figure that was predicted stands before the one that came out."""
    return [_cells(table, row) for row in ranked(table.rows, table.decide, higher=table.higher_is_better)]


def _cells(table: Table, row: Row) -> tuple[str, ...]:
    kept = " *" if table.keep and table.keep.run == row.id else ""
    return (
        f"{row.number}{kept}",
        *setting_cells(row.settings, table.settings),
        row.state if row.stopped_at is None else f"stopped at {row.stopped_at}",
        _recall(row),
        _known(row.held_out_loss),
        _known(row.loss),
        _known(row.tokens_per_second),
        _pair(row.predicted_gib, row.peak_gib),
        _pair(row.predicted_minutes, row.minutes),
        _money(row),
        str(row.attempts),
        visible(_why(row)),
    )


def _recall(row: Row) -> str:
    return "" if row.recall is None else f"{row.recall:.0%} ({row.right} of {row.asked})"


def _known(value: float | None) -> str:
    return "" if value is None else figure(value)


def _pair(predicted: float | None, actual: float | None) -> str:
    if actual is None:
        return "" if predicted is None else f"({figure(predicted)})"
    return figure(actual) if predicted is None else f"({figure(predicted)}) {figure(actual)}"


def _money(row: Row) -> str:
    if row.usd is None:
        return "" if row.predicted_usd is None else f"({dollars(row.predicted_usd)})"
    failed = f", {dollars(row.usd_failed)} failed" if row.usd_failed else ""
    return f"{dollars(row.usd)}{failed}"


def _why(row: Row) -> str:
    return " ".join(part for part in (row.error, row.remedy) if part)[:300]


def sentences_of(table: Table) -> list[str]:
    """What the table says, in words: what to keep, what crashed, what it cost."""
    total = table.totals
    told = [
        f"{total.done} of {total.runs} runs done"
        + "".join(f", {count} {name}" for count, name in _counts(table) if count)
        + f"; {figure(total.minutes_paid)} minutes"
        + (f", {dollars(total.usd)} in all" if total.usd is not None else ", at a price nobody has said")
        + (f", of which {dollars(total.usd_failed)} for attempts that failed" if total.usd_failed else "")
        + "."
    ]
    if table.keep is not None:
        told.append(f"Keep run {table.keep.number} ({table.keep.run}): {table.keep.reason}.")
    told += [f"Crashed: {one}." for one in table.crashes]
    if total.stopped:
        saved = f" and {dollars(total.usd_saved)}" if total.usd_saved is not None else ""
        told.append(
            f"Halving stopped {total.stopped} runs and saved about {figure(total.minutes_saved)} minutes{saved}."
        )
    return told


def _counts(table: Table) -> list[tuple[int, str]]:
    total = table.totals
    return [
        (total.at_work, "at work"),
        (total.waiting, "waiting"),
        (total.stopped, "stopped early"),
        (total.failed, "failed"),
    ]


GROUP_COLUMNS = ("settings", "runs", "crashed", "mean", "± over seeds", "from", "to", "minutes", "$", "peak GiB")


def group_cells(group: Group) -> tuple[str, ...]:
    """Runs with the same settings but the seed."""
    figures = (group.mean, group.deviation, group.low, group.high, group.minutes)
    money = "" if group.usd is None else dollars(group.usd)
    texts = [_known(value) for value in figures]
    name = described(group.settings) or "all"
    return (name, str(len(group.runs)), str(group.crashed), *texts, money, _known(group.peak_gib))


EFFECT_COLUMNS = ("setting", "from", "to", "pairs", "difference", "95 % interval", "p", "verdict")


def effect_cells(effect: Effect) -> tuple[str, ...]:
    """Two values of a setting."""
    between = "" if effect.low is None or effect.high is None else f"{_signed(effect.low)} to {_signed(effect.high)}"
    return (
        effect.setting,
        value_text(effect.one),
        value_text(effect.other),
        str(effect.pairs),
        "" if effect.difference is None else _signed(effect.difference),
        between,
        "" if effect.p is None else f"{effect.p:.2g}",
        effect.verdict,
    )


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def to_markdown(table: Table) -> str:
    """The whole of it as Markdown."""
    better = "higher" if table.higher_is_better else "lower"
    parts = [
        f"# {table.name}",
        f"Agent {table.agent}; {table.decide.replace('_', ' ')} decides, {better} is better. Figures in brackets were"
        " predicted. A star is the run to keep.",
        *sentences_of(table),
        "## Runs",
        _markdown_table(columns_of(table), cells_of(table)),
        "## Settings, over seeds",
        _markdown_table(GROUP_COLUMNS, [group_cells(group) for group in table.groups]),
    ]
    if table.effects:
        parts += ["## Which settings differ", EFFECTS_NOTE]
        parts.append(_markdown_table(EFFECT_COLUMNS, [effect_cells(effect) for effect in table.effects]))
    return "\n\n".join(parts) + "\n"


EFFECTS_NOTE = (
    "Pairs of runs that differ in this setting alone, seed included; exact permutation test of the signs, p adjusted"
    " for all comparisons (Holm). With fewer than six pairs nothing can be told."
)


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_in_a_cell(cell) for cell in line) + " |" for line in lines)


def _in_a_cell(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def to_csv(table: Table) -> str:
    """One line a run, every figure as it is, settings as columns of their own."""
    names = [field.name for field in fields(Row) if field.name != "settings"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names[:2], *(f"setting.{name}" for name in table.settings), *names[2:]])
    for row in table.rows:
        values = [getattr(row, name) for name in names]
        settings = [value_text(row.settings.get(name)) for name in table.settings]
        writer.writerow([_in_a_sheet(value) for value in (*values[:2], *settings, *values[2:])])
    return out.getvalue()


def _in_a_sheet(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in _TEXTS:
        return "'" + visible(value)
    return "" if value is None else visible(value) if isinstance(value, str) else value
