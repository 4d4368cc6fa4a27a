"""Items and counts on disk: ``items.jsonl`` and ``stats.json``, each replaced whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allotment.dataset._types import DatasetStats, Item
from allotment.errors import DatasetError, IntegrityError
from allotment.workspace import Workspace, hash_json, write_atomic, write_jsonl


def save(workspace: Workspace, agent: str, items: Iterable[Item], counts: DatasetStats) -> None:
    """Write an agent's items, then its counts."""
    folder = workspace.dataset_dir(agent)
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in items))
    write_atomic(folder / "stats.json", json.dumps(asdict(counts), ensure_ascii=False, indent=1))


def load_items(workspace: Workspace, agent: str) -> list[Item]:
    """An agent's items, in the order of sections and facts.

    Raises:
        DatasetError: none were generated yet.
        IntegrityError: the file is not what was written.
    """
    path = workspace.dataset_dir(agent) / "items.jsonl"
    items: list[Item] = []
    for number, line in enumerate(_read(path, agent).split("\n"), start=1):
        if line:
            try:
                row = json.loads(line)
                items.append(Item(**{**row, "readers": frozenset(row["readers"])}))
            except (ValueError, TypeError, KeyError) as error:
                raise _broken(path, agent, number) from error
    return items


def stats(workspace: Workspace, agent: str) -> DatasetStats:
    """Counts of the agent's last finished generation. Errors as ``load_items``."""
    path = workspace.dataset_dir(agent) / "stats.json"
    try:
        return DatasetStats(**json.loads(_read(path, agent)))
    except (ValueError, TypeError) as error:
        raise _broken(path, agent, 1) from error


def dataset_hash(items: Sequence[Item]) -> str:
    """SHA-256 over all items, whatever their order: what an adapter's manifest seals."""
    return hash_json(sorted((item_row(item) for item in items), key=lambda row: str(row["id"])))


def item_row(item: Item) -> dict[str, Any]:
    """The item as a JSON object."""
    return {**asdict(item), "readers": sorted(item.readers)}


def _read(path: Path, agent: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        remedy = f"Run `allotment dataset generate {agent}` first."
        raise DatasetError("there is no dataset yet.", element=f"agents.{agent}", remedy=remedy) from None


def _broken(path: Path, agent: str, line: int) -> IntegrityError:
    remedy = f"Run `allotment dataset generate {agent}`; the ledger makes it anew without asking the teacher."
    return IntegrityError("is not what generation wrote.", element=f"{path}:{line}", remedy=remedy)
