"""``Run``: one call of the command line: its project folder, and where its text, its JSON and its progress go."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from allotment.cli._progress import Progress, Unit

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.project import Project
    from allotment.workspace import Workspace

_WIDTH_OF_A_PIPE = 160


@dataclass(frozen=True)
class Run:
    """What every command is given."""

    folder: Path
    """Project folder: ``-C``, else the current one."""
    json: bool
    """Whether stdout carries one JSON value instead of text."""
    out: IO[str]
    """The real stdout; whatever else a library prints goes to stderr when ``json`` is set."""

    def project(self) -> Project:
        """Read and check ``allotment.yaml``."""
        from allotment.project import load_project

        return load_project(self.folder)

    def workspace(self) -> Workspace:
        """Where this project's artefacts lie."""
        from allotment.workspace import Workspace

        return Workspace(self.folder.resolve())

    def console(self) -> Console:
        """A console on stdout; a pipe gets lines wide enough for a table."""
        return console_on(self.out)

    def show(self, value: Any, text: Callable[[Console], None]) -> None:
        """Write the result: ``value`` as JSON under ``--json``, else what ``text`` prints."""
        if self.json:
            self.out.write(to_json(value) + "\n")
            self.out.flush()
        else:
            text(self.console())

    def show_table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], value: Any, empty: str) -> None:
        """Write rows as a table, ``empty`` where there are none, and ``value`` as JSON."""
        self.show(value, lambda console: print_table(console, columns, rows, empty))

    def note(self, text: str) -> None:
        """A line for the person at the terminal; never on stdout."""
        sys.stderr.write(text + "\n")

    @contextmanager
    def progress(self, unit: Unit = "items") -> Iterator[Progress]:
        """A ``progress(label, done, total)`` callback that draws on stderr; ``unit`` says what it counts."""
        with Progress(sys.stderr, unit=unit) as progress:
            yield progress


def console_on(stream: IO[str]) -> Console:
    """A Rich console on a stream; where there is no terminal its width does not depend on one."""
    from rich.console import Console

    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDTH_OF_A_PIPE)


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print rows under their columns; what they hold is shown, never read as markup or obeyed by the terminal."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        console.print(Text(empty))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(_seen(column)), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else _seen(str(cell))) for cell in row))
    console.print(table)


def _seen(text: str) -> str:
    """Text with characters that steer a terminal, or the direction of writing, replaced by one that is seen."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_fields(console: Console, value: Any) -> None:
    """Print a result's fields, one a line."""
    from rich.text import Text

    for name, content in (value if isinstance(value, dict) else _plain(value)).items():
        console.print(Text(f"{name.replace('_', ' ')}: {_line_of(content)}"))


def _line_of(content: Any) -> str:
    if content is None:
        return "unknown"
    if isinstance(content, dict):
        return ", ".join(f"{key} {item}" for key, item in sorted(content.items())) or "none"
    if isinstance(content, list | tuple):
        return "; ".join(_line_of(item) for item in content) or "none"
    return f"{content:.4g}" if isinstance(content, float) else str(content)


def to_json(value: Any) -> str:
    """One JSON value; dataclasses become objects, sets sorted lists, everything else unknown its text."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # half a character is written as JSON's escape


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


@contextmanager
def output(as_json: bool) -> Iterator[IO[str]]:
    """The stream results go to. Under ``--json`` everything else printed, by C libraries too, goes to stderr."""
    if not as_json:
        yield sys.stdout
        return
    with _descriptor_to_stderr() as real, redirect_stdout(sys.stderr):
        yield real


@contextmanager
def _descriptor_to_stderr() -> Iterator[IO[str]]:
    terminal = sys.__stdout__
    if terminal is None or sys.stdout is not terminal or terminal.fileno() != 1:
        yield sys.stdout
        return
    terminal.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(kept, "w", encoding="utf-8", closefd=False) as real:
            yield real
    finally:
        os.dup2(kept, 1)
        os.close(kept)
