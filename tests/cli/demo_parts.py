"""Parts of the demo's tests: a company with a database of its own, and a model that writes the SQL it is told."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

import allotment
from allotment.cli._demo_steps import Steps
from allotment.errors import EngineError
from allotment.models import AdapterFile, Completion, Message

EXAMPLE = Path(allotment.__file__).parent / "examples" / "northwind"
SWEDEN = "How many orders were shipped to Sweden?"
GERMANY = "How many customers are there in Germany?"
ASKS = f"""
- {{user: sofia, question: "{SWEDEN}", shows: a figure, expect: {{outcome: answered, contains: "37"}}}}
- {{user: hugo, question: "{SWEDEN}", shows: hidden rows, expect: {{outcome: answered, contains: "0"}}, never: ["37"]}}
- {{user: sofia, question: "{GERMANY}", shows: a table, expect: {{outcome: answered, contains: "11"}}}}
"""
WRITTEN = {
    SWEDEN: "SELECT count(*) FROM orders WHERE ship_country = 'Sweden'",
    GERMANY: "SELECT count(*) FROM customers WHERE country = 'Germany'",
}


class SqlWriter:
    """Takes the place of the model that writes SQL. Implements ``LoadedEngine``."""

    name = "sql-writer"
    adapters: Mapping[str, str] = {}

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        told = [message.content for message in messages if message.role == "user"]
        question = next((known for known in self._written if any(text.endswith(known) for text in told)), None)
        if question is None:
            raise EngineError("does not answer.", element=self.name)
        return Completion(self._written[question], 1, 1, "stop")

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        yield self.complete(messages, **options).text

    def close(self) -> None:
        """Nothing is held."""


def copied_example(folder: Path) -> Path:
    """A copy of the example company that asks three questions."""
    shutil.copytree(EXAMPLE, folder)
    (folder / "asks.yaml").write_text(ASKS, encoding="utf-8")
    return folder


def loads(written: Mapping[str, str]) -> Any:
    """What ``Engines(load=…)`` takes."""

    def load(model: str, adapters: Mapping[str, AdapterFile]) -> SqlWriter:
        return SqlWriter(written)

    return load


def silent_steps() -> Steps:
    """Steps nobody watches."""
    return Steps(Console(file=io.StringIO(), width=160))
