"""Items and counts on disk, each file replaced whole.

``candidates.jsonl`` holds what was made, ``items.jsonl`` what is left of it after the decisions of people, and
``stats.json`` the counts of both.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from allotment.dataset._decisions import apply_decisions, load_decisions
from allotment.dataset._types import KINDS, DatasetStats, Item, KindCounts
from allotment.errors import DatasetError, IntegrityError
from allotment.workspace import Workspace, hash_json, write_atomic, write_jsonl

_ITEMS, _CANDIDATES, _STATS = "items.jsonl", "candidates.jsonl", "stats.json"


def save_reviewed(workspace: Workspace, agent: str, items: Sequence[Item], counts: DatasetStats) -> DatasetStats:
    """Write an agent's items as they were made, then what people's decisions leave of them, then the counts.

    The caller holds the lock ``dataset-AGENT``.

    Returns:
        The counts with what was reviewed, and with items and splits counted after the decisions.

    Raises:
        IntegrityError: the ledger of decisions is not understood; nothing is written then.
    """
    kept, reviewed = apply_decisions(items, load_decisions(workspace, agent))
    splits, kinds = Counter(item.split for item in kept), Counter(item.kind for item in kept)
    counted = replace(
        counts,
        train=splits["train"],
        held_out=splits["held_out"],
        validation=splits["validation"],
        items={kind: kinds[kind] for kind in KINDS if kinds[kind]},
        reviewed=reviewed,
    )
    folder = workspace.dataset_dir(agent)
    write_jsonl(folder / _CANDIDATES, (item_row(item) for item in items))
    write_jsonl(folder / _ITEMS, (item_row(item) for item in kept))
    write_atomic(folder / _STATS, json.dumps(asdict(counted), ensure_ascii=False, indent=1))
    return counted


def load_items(workspace: Workspace, agent: str) -> list[Item]:
    """An agent's items, in the order of sections and facts.

    Raises:
        DatasetError: none were generated yet.
        IntegrityError: the file is not what was written.
    """
    return list(iterate_items(workspace, agent))


def iterate_items(workspace: Workspace, agent: str) -> Iterator[Item]:
    """As ``load_items``, one after another: memory does not grow with them."""
    return _items_in(workspace.dataset_dir(agent) / _ITEMS, agent)


def load_candidates(workspace: Workspace, agent: str) -> list[Item]:
    """An agent's items as they were made, before any decision. Errors as ``load_items``."""
    folder = workspace.dataset_dir(agent)
    return list(_items_in(folder / (_CANDIDATES if (folder / _CANDIDATES).exists() else _ITEMS), agent))


def stats(workspace: Workspace, agent: str) -> DatasetStats:
    """Counts of the agent's last finished generation. Errors as ``load_items``."""
    path = workspace.dataset_dir(agent) / _STATS
    with _open(path, agent) as file:
        try:
            row = json.loads(file.read())
            kinds = {name: KindCounts(**counts) for name, counts in row.get("kinds", {}).items()}
            return DatasetStats(**{**row, "kinds": kinds})
        except (ValueError, TypeError, AttributeError) as error:
            raise _broken(path, agent, 1) from error


def dataset_hash(items: Sequence[Item]) -> str:
    """SHA-256 over all items, whatever their order: what an adapter's manifest seals."""
    return hash_json(sorted((item_row(item) for item in items), key=lambda row: str(row["id"])))


def stored_hash(workspace: Workspace, agent: str) -> str:
    """``dataset_hash`` of the stored items, of which no more than their ids are held in memory."""
    path = workspace.dataset_dir(agent) / _ITEMS
    digest = sha256(b"[")
    with _open(path, agent) as file:
        for number, (_, place) in enumerate(sorted(_places(file, path, agent))):
            file.seek(place)
            row = item_row(_item(file.readline(), path, agent, 0))
            separator = b"," if number else b""
            digest.update(
                separator + json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            )
    digest.update(b"]")
    return digest.hexdigest()


def item_row(item: Item) -> dict[str, Any]:
    """The item as a JSON object."""
    return {**asdict(item), "readers": sorted(item.readers)}


def _items_in(path: Path, agent: str) -> Iterator[Item]:
    with _open(path, agent) as file:
        for number, line in enumerate(file, start=1):
            yield _item(line, path, agent, number)


def _places(file: IO[bytes], path: Path, agent: str) -> Iterator[tuple[str, int]]:
    """Each item's id, and where its line begins."""
    place = 0
    for number, line in enumerate(file, start=1):
        yield _item(line, path, agent, number).id, place
        place += len(line)


def _item(line: bytes, path: Path, agent: str, number: int) -> Item:
    try:
        row = json.loads(line)
        return Item(**{**row, "readers": frozenset(row["readers"])})
    except (ValueError, TypeError, KeyError) as error:
        raise _broken(path, agent, number) from error


@contextmanager
def _open(path: Path, agent: str) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        remedy = f"Run `allotment dataset generate {agent}` first."
        raise DatasetError("there is no dataset yet.", element=f"agents.{agent}", remedy=remedy) from None
    with file:
        yield file


def _broken(path: Path, agent: str, line: int) -> IntegrityError:
    remedy = f"Run `allotment dataset generate {agent}`; the ledger makes it anew without asking the teacher."
    return IntegrityError("is not what generation wrote.", element=f"{path}:{line}", remedy=remedy)
