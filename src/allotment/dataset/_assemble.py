"""The ledger → items and counts. Pure: the same ledger gives the same dataset, whatever order it was filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from allotment.dataset._checks import Draft, check
from allotment.dataset._requests import Request
from allotment.dataset._text import bare
from allotment.dataset._types import DatasetStats, Item, Split
from allotment.workspace import hash_json, hash_text

_HELD_OUT_FROM = 3
"""A fact gives one phrasing away if it has at least this many."""


def assemble(
    agent: str, requests: Iterable[Request], rows: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Item], DatasetStats]:
    """Items and counts of every request that has a terminal state in ``rows``."""
    counter = _Counter()
    items: list[Item] = []
    seen: set[str] = set()
    for request in requests:
        row = rows.get(request.key)
        if row is None:
            continue
        counter.asked += request.asked
        drafts = [_draft(entry) for entry in row.get("drafts", ())][: request.asked]
        counter.failed[str(row["reason"]) or "missing"] += request.asked - len(drafts)
        for draft in drafts:
            items.extend(_items_of(agent, request, draft, seen, counter))
    return items, counter.stats(items)


class _Counter:
    """Counts while assembling."""

    def __init__(self) -> None:
        self.asked = self.accepted = 0
        self.rejected: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def stats(self, items: Sequence[Item]) -> DatasetStats:
        splits = Counter(item.split for item in items)
        rejected, failed, dropped = (dict(sorted((+c).items())) for c in (self.rejected, self.failed, self.dropped))
        return DatasetStats(self.asked, self.accepted, rejected, failed, splits["train"], splits["held_out"], dropped)


def _draft(entry: Any) -> Draft | None:
    return Draft(entry["value"], entry["answer"], tuple(entry["questions"])) if entry else None


def _items_of(agent: str, request: Request, draft: Draft | None, seen: set[str], counter: _Counter) -> list[Item]:
    """Items of one fact; none if it is rejected. ``seen`` holds the normalised questions taken so far."""
    if draft is None:
        counter.rejected["schema"] += 1
        return []
    verdict = check(draft, request.section, request.language, request.phrasings)
    counter.dropped.update(verdict.dropped)
    fresh = tuple(question for question in verdict.questions if bare(question) not in seen)
    reason = verdict.reason or ("duplicate" if len(fresh) < min(2, request.phrasings) else "")
    if reason:
        counter.rejected[reason] += 1
        return []
    counter.dropped["duplicate"] += len(verdict.questions) - len(fresh)
    counter.accepted += 1
    seen.update(bare(question) for question in fresh)
    return _phrased(agent, request, draft, fresh)


def _phrased(agent: str, request: Request, draft: Draft, questions: Sequence[str]) -> list[Item]:
    section = request.section
    group = hash_json([agent, section.id, draft.value, draft.answer, request.round])[:16]
    kept_apart = _held_out(group, questions)
    return [
        Item(
            id=hash_json([group, question])[:16],
            group=group,
            agent=agent,
            section_id=section.id,
            document=section.document,
            question=question,
            answer=draft.answer,
            value=draft.value,
            language=request.language,
            readers=section.readers,
            split=_split(question, kept_apart),
        )
        for question in questions
    ]


def _held_out(group: str, questions: Sequence[str]) -> str | None:
    """The one phrasing kept apart: chosen by hash, so that it stays the same in every run."""
    if len(questions) < _HELD_OUT_FROM:
        return None
    return min(questions, key=lambda question: hash_text(f"{group} {question}"))


def _split(question: str, kept_apart: str | None) -> Split:
    return "held_out" if question == kept_apart else "train"
