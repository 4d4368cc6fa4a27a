"""A dataset as a folder: one file for each split, and the card that says what is in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.dataset._card import dataset_card
from allotment.dataset._export import ExportFormat, export, file_name, open_export
from allotment.dataset._items import iterate_items, stats, stored_hash
from allotment.dataset._prompts import prompt_texts
from allotment.dataset._types import Item, Split
from allotment.documents import load_documents
from allotment.errors import DatasetError
from allotment.project import ModelPrice, Project
from allotment.workspace import Workspace, write_atomic

CARD = "README.md"


@dataclass(frozen=True)
class Exported:
    """What was written."""

    files: dict[Split, Path]
    """Split → its file; a split that has no items has none."""
    items: dict[Split, int]
    """Split → items in its file."""
    without_context: int = 0
    """Items whose section is not there any more, or may not be read by all roles of the agent."""


def write_split(
    items: Iterable[Item], path: Path, format: ExportFormat, split: Split, sources: Mapping[str, str] | None = None
) -> Exported:
    """Write the items of one split as one file, whole or not at all."""
    without_context: Counter[bool] = Counter()
    written = 0
    with open_export(path, format, with_sources=sources is not None) as write:
        for item in items:
            for row in export((item,), format, split, sources):
                write(row)
                written += 1
                without_context[_lacks_context(item, sources)] += 1
    return Exported({split: path}, {split: written}, without_context[True])


def write_folder(
    project: Project,
    workspace: Workspace,
    agent: str,
    folder: Path,
    format: ExportFormat,
    splits: Sequence[Split],
    *,
    sources: Mapping[str, str] | None = None,
    prices: Mapping[str, ModelPrice] | None = None,
) -> Exported:
    """Write the splits that have items, and the card; what an earlier export left of an empty split is removed.

    Args:
        sources: see ``export``.
        prices: see ``dataset_card``.

    Raises:
        DatasetError: there is no dataset, or it was made anew meanwhile.
    """
    before = stored_hash(workspace, agent)
    found: Counter[Split] = Counter(item.split for item in iterate_items(workspace, agent))
    lacking: Counter[bool] = Counter()
    files = {split: folder / file_name(format, split) for split in splits if found[split]}
    with ExitStack() as stack:
        with_sources = sources is not None
        writers = {
            split: stack.enter_context(open_export(path, format, with_sources=with_sources))
            for split, path in files.items()
        }
        for item in iterate_items(workspace, agent):
            if item.split in writers:
                lacking[_lacks_context(item, sources)] += 1
                for row in export((item,), format, item.split, sources):
                    writers[item.split](row)
        _check_unchanged(workspace, agent, before)
    for split in splits:
        if split not in files:
            (folder / file_name(format, split)).unlink(missing_ok=True)
    card = card_of(project, workspace, agent, {s: p.name for s, p in files.items()}, prices=prices)
    write_atomic(folder / CARD, card)
    return Exported(files, {split: found[split] for split in files}, lacking[True])


def card_of(
    project: Project,
    workspace: Workspace,
    agent: str,
    files: Mapping[Split, str],
    *,
    prices: Mapping[str, ModelPrice] | None = None,
) -> str:
    """The card of the stored dataset, dated by the day it was made. Arguments and errors as ``write_folder``."""
    counts, home = stats(workspace, agent), workspace.dataset_dir(agent)
    made = datetime.fromtimestamp((home / "stats.json").stat().st_mtime, UTC).date().isoformat()
    return dataset_card(
        project,
        agent,
        iterate_items(workspace, agent),
        counts,
        dataset_sha256=stored_hash(workspace, agent),
        documents=load_documents(workspace),
        requests=_requests_in(home / "ledger.jsonl"),
        prompts=prompt_texts(),
        prices=prices or {},
        files=files,
        date=made,
    )


def _lacks_context(item: Item, sources: Mapping[str, str] | None) -> bool:
    return sources is not None and bool(item.section_id) and item.section_id not in sources


def _check_unchanged(workspace: Workspace, agent: str, before: str) -> None:
    if stored_hash(workspace, agent) != before:
        remedy = "Run the export again."
        raise DatasetError("was made anew while it was exported.", element=f"dataset of {agent}", remedy=remedy)


def _requests_in(ledger: Path) -> Iterator[dict[str, Any]]:
    """Every whole row, those a later one replaced too, for they were paid for.

    Only read: opening it as a ledger would mend a line that a generation is writing just now.
    """
    if ledger.exists():
        with ledger.open("rb") as file:
            yield from (json.loads(line) for line in file if line.endswith(b"\n"))
