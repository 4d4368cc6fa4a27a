"""The steps of a demo as they are shown: a bar while one runs, then one line with its time and result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from allotment.cli._progress import Progress, Unit, duration

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class StepTaken:
    """A step that is over."""

    number: int
    title: str
    result: str
    seconds: float


class Shown:
    """A step on its way."""

    progress: Callable[[str, int, int], None]
    result = "done"


class Steps:
    """Shows steps on a console, keeps what came of them, and what makes the demo fail."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.taken: list[StepTaken] = []
        self.problems: list[str] = []

    @contextmanager
    def step(self, title: str, unit: Unit = "items") -> Iterator[Shown]:
        """One step; a step that raises is not shown as taken."""
        shown = Shown()
        began = time.monotonic()
        with Progress(sys.stderr, unit=unit) as progress:
            shown.progress = progress
            yield shown
        taken = StepTaken(len(self.taken) + 1, title, shown.result, round(time.monotonic() - began, 1))
        self.taken.append(taken)
        line = f"{taken.number}. {title}: {taken.result} ({duration(round(taken.seconds))})"
        self.console.print(Text(line), soft_wrap=True)
