"""An experiment while it runs: a table that is drawn anew on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from allotment.cli._progress import duration
from allotment.cli._run import console_on

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live as Drawn

    from allotment.experiments import Journal, Plan, Row, Table
    from allotment.workspace import Workspace

_DRAW_EVERY_S = 1.0
_LINE_EVERY_S = 15.0
_ROWS = 40
"""Most rows on a terminal; those at work first."""


class Live:
    """Told by the driver after each round. As a context manager it begins and ends what it draws."""

    def __init__(
        self, workspace: Workspace, name: str, stream: IO[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workspace, self._name, self._stream, self._clock = workspace, name, stream, clock
        self._drawn: Drawn | None = None
        self._last: float | None = None
        self._states: dict[str, str] = {}
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.live import Live as Drawn

            self._drawn = Drawn(console=console_on(self._stream), auto_refresh=False, transient=True)
            self._drawn.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._drawn is not None:
            self._drawn.stop()

    def __call__(self, plan: Plan, journal: Journal, news: str) -> None:
        """Show how it stands; ``news`` is something that happened, in words."""
        if news:
            self._say(news)
            return
        now = self._clock()
        if self._last is not None and now - self._last < _DRAW_EVERY_S:
            return
        self._last = now if self._drawn is not None else self._last
        if self._drawn is not None:
            self._drawn.update(grid_of(self._table(plan, journal)), refresh=True)
        else:
            self._lines(plan, journal, now)

    def _say(self, news: str) -> None:
        from rich.text import Text

        console = self._drawn.console if self._drawn is not None else console_on(self._stream)
        console.print(Text(f"{self._name}: {news}"), soft_wrap=True)

    def _table(self, plan: Plan, journal: Journal) -> Table:
        from allotment.experiments import table_now

        return table_now(self._workspace, plan, journal)

    def _lines(self, plan: Plan, journal: Journal, now: float) -> None:
        """A line for each run that is in another state than before, and for those at work now and then."""
        table = self._table(plan, journal)
        is_time = self._last is None or now - self._last >= _LINE_EVERY_S
        for row in table.rows:
            is_new = self._states.get(row.id, "waiting") != row.state
            self._states[row.id] = row.state
            told = line_of(row)
            if is_new or (is_time and row.state == "running" and told != self._said.get(row.id)):
                self._said[row.id] = told
                self._stream.write(f"{self._name}: {told}\n")
        if is_time:
            self._last = now
            self._stream.write(f"{self._name}: {summary_of(table)}\n")
        self._stream.flush()


def line_of(row: Row) -> str:
    """One run in one line."""
    from allotment.experiments import described

    parts = [f"run {row.number} ({described(row.settings)}) {row.state}"]
    parts += [f"step {row.step}"] if row.step else []
    parts += [f"epoch {row.epochs:.1f} of {row.epochs_asked}"] if row.epochs is not None else []
    parts += [f"loss {row.loss:.3f}"] if row.loss is not None else []
    parts += [f"recall {row.recall:.0%}"] if row.recall is not None else []
    parts += [f"{row.tokens_per_second:,.0f} tokens/s"] if row.tokens_per_second else []
    parts += [f"peak {row.peak_gib:.2f} GiB"] if row.peak_gib is not None else []
    parts += [f"{row.usd:.2f} $"] if row.usd is not None and row.step else []
    parts += [f"{duration(round(row.left_s))} left"] if row.left_s is not None else []
    return ", ".join(parts)


def summary_of(table: Table) -> str:
    """All runs in one line."""
    total = table.totals
    money = f", {total.usd:.2f} $ so far" if total.usd is not None else ""
    most = f" of at most {total.max_cost_usd:.2f} $" if total.max_cost_usd is not None and money else ""
    ended = f"{total.done} done, {total.failed} failed"
    return f"{ended}, {total.at_work} at work, {total.waiting} waiting of {total.runs}{money}{most}"


def grid_of(table: Table) -> Group:
    """The table on a terminal: sorted by what decides, runs at work and with results first."""
    from rich.console import Group
    from rich.table import Table as Grid
    from rich.text import Text

    from allotment.experiments import ranked, setting_cells

    settings = list(table.settings)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    decider = table.decide.replace("_", " ")
    for name in ("run", *settings, "state", "step", "loss", decider, "tokens/s", "GiB", "$", "left"):
        grid.add_column(Text(name), overflow="fold")
    rows = ranked(table.rows, table.decide, higher=table.higher_is_better)
    rows.sort(key=lambda row: row.state in ("waiting", "refused"))
    for row in rows[:_ROWS]:
        cells = (str(row.number), *setting_cells(row.settings, settings), *_live_cells(row, table.decide))
        grid.add_row(*(Text(cell) for cell in cells))
    if len(rows) > _ROWS:
        grid.caption = f"and {len(rows) - _ROWS} more"
    return Group(Text(summary_of(table)), grid)


def _live_cells(row: Row, decide: str) -> tuple[str, ...]:
    value = row.value(decide)
    percent = "" if value is None else f"{value:.0%}" if decide == "recall" else f"{value:.3g}"
    again = f" ({row.attempts} attempts)" if row.attempts > 1 and row.state == "running" else ""
    return (
        f"{row.state}{again}",
        "" if row.step is None else f"{row.step:,}",
        "" if row.loss is None else f"{row.loss:.3f}",
        percent,
        f"{row.tokens_per_second:,.0f}" if row.tokens_per_second else "",
        "" if row.peak_gib is None else f"{row.peak_gib:.2f}",
        "" if row.usd is None else f"{row.usd:.3f}",
        "" if row.left_s is None else duration(round(row.left_s)),
    )
