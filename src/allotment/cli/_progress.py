"""Progress of long work: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

LINE_EVERY_S = 5.0

Unit = Literal["items", "bytes"]
_MB = 1_000_000


class Progress:
    """Callable as ``progress(label, done, total)``; ``total`` 0 means it is not known.

    Calls that go on counting towards the same total are one piece of work, whatever their labels say; it has
    one bar. Its first call starts its clock, and what was done by then does not count in its rate.
    """

    def __init__(self, stream: IO[str], *, unit: Unit = "items", clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._unit = unit
        self._clock = clock
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._total = -1
        self._done = 0
        self._first = 0
        self._began = 0.0
        self._last_line: float | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._bars = _bars(self._stream)
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def __call__(self, label: str, done: int, total: int) -> None:
        if total != self._total or done < self._done:
            self._begin(done, total)
        self._done = done
        if self._bars is not None:
            self._draw(self._bars, label)
        else:
            self._line(label)

    def _begin(self, done: int, total: int) -> None:
        self._task, self._total, self._first = None, total, done
        self._began, self._last_line = self._clock(), None

    def _draw(self, bars: Bars, label: str) -> None:
        if self._task is None:
            self._task = bars.add_task(label, total=self._total or None, count="", rate="")
        bars.update(self._task, description=label, completed=self._done, count=self._count(), rate=self._rate())

    def _line(self, label: str) -> None:
        now = self._clock()
        finished = self._done >= self._total > 0
        if not finished and self._last_line is not None and now - self._last_line < LINE_EVERY_S:
            return
        self._last_line = now
        parts = (self._count(), self._rate(), self._left())
        self._stream.write(f"{label}: {', '.join(part for part in parts if part)}\n")
        self._stream.flush()

    def _per_second(self) -> float:
        seconds = self._clock() - self._began
        return (self._done - self._first) / seconds if seconds > 0 else 0.0

    def _count(self) -> str:
        done, total = str(self._done), str(self._total)
        if self._unit == "bytes":
            done, total = f"{self._done / _MB:.0f}", f"{self._total / _MB:.0f} MB"
        return f"{done} of {total}" if self._total else done

    def _rate(self) -> str:
        rate = self._per_second()
        if rate <= 0:
            return ""
        if self._unit == "bytes":
            return f"{rate / _MB:.1f} MB a second"
        return f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"

    def _left(self) -> str:
        rate = self._per_second()
        return (
            f"{duration(round((self._total - self._done) / rate))} left"
            if rate > 0 and self._total > self._done
            else ""
        )


def duration(seconds: int) -> str:
    """Seconds as ``42 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


def _bars(stream: IO[str]) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Bars(*columns, console=Console(file=stream))
