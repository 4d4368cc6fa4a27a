"""Items in the forms other trainers read, one row after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, get_args

from allotment.dataset._selection import select_sections
from allotment.dataset._types import Item, Split
from allotment.documents import iterate_sections
from allotment.errors import MissingPartError
from allotment.project import Project
from allotment.workspace import Workspace, atomic_writer

ExportFormat = Literal["messages", "alpaca", "sharegpt", "prompt-completion", "parquet"]
"""``messages`` and ``prompt-completion`` are TRL's conversational language modelling and prompt-completion types, whose
chat template the trainer applies; ``parquet`` is ``messages`` with the metadata in columns of their own."""
SPLITS: tuple[Split, ...] = get_args(Split)
Writer = Callable[[dict[str, Any]], object]
"""Takes one row of an open file."""
_ROWS_AT_ONCE = 1000
"""Rows that are compressed together, and the most that are held in memory."""
_METADATA = ("id", "group", "kind", "split", "document", "section_id", "quote", "value", "language")


def export(
    items: Iterable[Item],
    format: ExportFormat,
    split: Split = "train",
    sources: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """One row for each item of ``split``, with where it comes from and who may read it.

    Held-out and validation questions stay out of a training file: a call gives the items of one split alone.

    Args:
        items: taken one after another, so memory does not grow with them.
        sources: section → its text, put into the metadata as ``context``; null where the section is not among them.
    """
    make = _FORMATS[format]
    for item in items:
        if item.split == split:
            metadata = _metadata(item)
            if sources is not None:
                metadata["context"] = sources.get(item.section_id)
            yield {**make(item), **(metadata if format == "parquet" else {"metadata": metadata})}


def readable_sources(project: Project, workspace: Workspace, agent: str) -> dict[str, str]:
    """Text of each section that all roles of the agent may read today, by its id.

    Raises:
        ProjectError: no such agent, or nothing ingested.
    """
    sections = select_sections(project, agent, iterate_sections(workspace))
    return {section.id: section.with_header for section in sections}


def file_name(format: ExportFormat, split: Split) -> str:
    """Name of a split's file in a folder."""
    return f"{split}.{'parquet' if format == 'parquet' else 'jsonl'}"


def open_export(path: Path, format: ExportFormat, *, with_sources: bool = False) -> AbstractContextManager[Writer]:
    """A file of ``export``'s rows: it takes its place whole when the ``with`` ends, or not at all.

    Raises:
        MissingPartError: Parquet needs a package that is not installed.
        StorageError: the file cannot be written; what was there stays.
    """
    return _parquet(path, with_sources) if format == "parquet" else _jsonl(path)


@contextmanager
def _jsonl(path: Path) -> Iterator[Writer]:
    with atomic_writer(path) as file:
        yield lambda row: file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")


@contextmanager
def _parquet(path: Path, with_sources: bool) -> Iterator[Writer]:
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    schema = _schema(arrow, with_sources)
    waiting: list[dict[str, Any]] = []
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(atomic_writer(path))
        writer = stack.enter_context(parquet.ParquetWriter(file, schema, compression="zstd"))

        def flush() -> None:
            writer.write_batch(arrow.RecordBatch.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write(row: dict[str, Any]) -> None:
            waiting.append(row)
            if len(waiting) >= _ROWS_AT_ONCE:
                flush()

        yield write
        flush()


def _schema(arrow: Any, with_sources: bool) -> Any:
    text = arrow.string()
    message = arrow.struct([("role", text), ("content", text)])
    columns = [("messages", arrow.list_(message)), *((name, text) for name in _METADATA)]
    columns.append(("readers", arrow.list_(text)))
    return arrow.schema([*columns, ("context", text)] if with_sources else columns)


def _arrow(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        remedy = "Install it with `pip install 'allotment[parquet]'`, or choose another format."
        raise MissingPartError("pyarrow is not installed.", element="--format parquet", remedy=remedy) from None


def _messages(item: Item) -> dict[str, Any]:
    return {"messages": [*_turn("user", item.question), *_turn("assistant", item.answer)]}


def _alpaca(item: Item) -> dict[str, Any]:
    return {"instruction": item.question, "input": "", "output": item.answer}


def _sharegpt(item: Item) -> dict[str, Any]:
    turns = (("human", item.question), ("gpt", item.answer))
    return {"conversations": [{"from": speaker, "value": value} for speaker, value in turns]}


def _prompt_completion(item: Item) -> dict[str, Any]:
    return {"prompt": _turn("user", item.question), "completion": _turn("assistant", item.answer)}


def _turn(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def _metadata(item: Item) -> dict[str, Any]:
    return {**{name: getattr(item, name) for name in _METADATA}, "readers": sorted(item.readers)}


_FORMATS: dict[ExportFormat, Callable[[Item], dict[str, Any]]] = {
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "prompt-completion": _prompt_completion,
    "parquet": _messages,
}
