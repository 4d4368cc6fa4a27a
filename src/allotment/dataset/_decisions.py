"""What people decided about single pairs: a ledger of its own, applied anew to every generation.

A decision is keyed by what the pair says and the section it says it of, not by its id: it finds the same pair when the
dataset is made again. The last decision about a pair counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from allotment.dataset._text import bare
from allotment.dataset._types import Item
from allotment.errors import IntegrityError
from allotment.workspace import Ledger, Workspace, hash_json

Outcome = Literal["accept", "edit", "reject"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
NO_LONGER_APART = "no-longer-apart"
"""Count of held-out questions that went because no phrasing of their fact, or now their very words, are trained."""


@dataclass(frozen=True)
class Decision:
    """What a person decided about one pair."""

    outcome: Outcome
    question: str = ""
    """The new question; of an edit alone, and then never empty."""
    answer: str = ""
    """The new answer; of an edit alone, and then never empty."""
    reason: str = ""
    """Why it was rejected, if that was told."""
    reviewer: str = ""
    """Who decided; empty where nobody was named."""

    def of(self, item: Item) -> Item:
        """The item with the words that were decided on; group, split and readers stay."""
        return replace(item, question=self.question, answer=self.answer) if self.outcome == "edit" else item


def decision_key(item: Item) -> str:
    """What decides whether a pair of another generation is the same: section, kind, question and answer."""
    return hash_json([item.section_id, item.kind, item.question, item.answer])


def apply_decisions(items: Iterable[Item], decisions: Mapping[str, Decision]) -> tuple[list[Item], dict[str, int]]:
    """Items as people decided: rejected ones gone, edited ones with their new words.

    A held-out question goes too when every trained phrasing of its fact was rejected, or when an edit gave its words to
    a trained one: it would measure nothing. These are counted as ``no-longer-apart``.

    Args:
        items: as they were made, before any decision.
        decisions: by ``decision_key``.

    Returns:
        The items in their order, and for each decision how many items it was made of.
    """
    kept: list[Item] = []
    counts: Counter[str] = Counter()
    rejected: set[str] = set()
    for item in items:
        decision = decisions.get(decision_key(item))
        if decision is not None:
            counts[decision.outcome] += 1
        if decision is None or decision.outcome in ("accept", "edit"):
            kept.append(decision.of(item) if decision else item)
        elif item.split == "train":
            rejected.add(item.group)
    apart = _apart(kept, rejected, edited=counts["edit"] > 0)
    counts[NO_LONGER_APART] = len(kept) - len(apart)
    return apart, dict(sorted((+counts).items()))


def _apart(items: list[Item], rejected: set[str], *, edited: bool) -> list[Item]:
    """Items without the held-out ones whose fact lost its trained phrasings, or that are trained word for word."""
    trained = [item for item in items if item.split == "train"]
    lost = rejected - {item.group for item in trained}
    asked = {bare(item.question) for item in trained} if edited else set()
    return [
        item
        for item in items
        if item.split == "train"
        or not ((item.split == "held_out" and item.group in lost) or (edited and bare(item.question) in asked))
    ]


def load_decisions(workspace: Workspace, agent: str) -> dict[str, Decision]:
    """Every pair's last decision, by ``decision_key``; none where nothing was reviewed yet.

    Raises:
        IntegrityError: a line is not a decision; nothing is made of a ledger that is not understood.
    """
    path = decisions_file(workspace, agent)
    if not path.exists():
        return {}
    with workspace.lock(f"review-{agent}"):
        return {key: _decision(row, path) for key, row in Ledger(path).rows.in_order()}


def record_decisions(workspace: Workspace, agent: str, decided: Iterable[tuple[Item, Decision]]) -> int:
    """Write decisions that are not there already; they are on the disk when this returns. How many that were.

    Who decides what was decided before does not take the other's name away. Several people may review at once: each
    write waits for the others.
    """
    path = decisions_file(workspace, agent)
    with workspace.lock(f"review-{agent}"):
        ledger = Ledger(path)
        rows = {decision_key(item): _row(decision) for item, decision in decided}
        news = [(key, row) for key, row in rows.items() if not _says_the_same(ledger.rows.get(key), row)]
        for key, row in news:
            ledger.append(key, row, sync=False)
        ledger.sync()
    return len(news)


def decisions_file(workspace: Workspace, agent: str) -> Path:
    """The ledger of an agent's decisions."""
    return workspace.dataset_dir(agent) / "review.jsonl"


def _row(decision: Decision) -> dict[str, Any]:
    row = asdict(decision)
    return {"decision": row.pop("outcome"), **row}


def _says_the_same(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    return before is not None and all(before.get(name) == row[name] for name in row if name != "reviewer")


def _decision(row: Mapping[str, Any], path: Path) -> Decision:
    texts = {name: row.get(name, "") for name in ("question", "answer", "reason", "reviewer")}
    outcome = row.get("decision")
    is_whole = outcome != "edit" or (texts["question"] and texts["answer"])
    if outcome not in OUTCOMES or not is_whole or not all(isinstance(text, str) for text in texts.values()):
        raise IntegrityError(
            f"holds a decision that is not known: {outcome!r}.",
            element=f"{path}, key {row.get('key')}",
            remedy="Read it with the version that wrote it, or restore the file from a backup.",
        )
    return Decision(outcome, **texts)
