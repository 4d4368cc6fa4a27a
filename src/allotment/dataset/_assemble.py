"""The ledger → items and counts. Pure: the same ledger gives the same dataset, whatever order it was filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from allotment.dataset._checks import Draft, check
from allotment.dataset._frames import framed_phrasings
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
            others = [other.answer for other in drafts if other and other != draft]
            items.extend(_items_of(agent, request, draft, others, seen, counter))
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


def _items_of(
    agent: str, request: Request, draft: Draft | None, others: list[str], seen: set[str], counter: _Counter
) -> list[Item]:
    """Items of one fact; none if it is rejected. ``seen`` holds the normalised questions taken so far."""
    if draft is None:
        counter.rejected["schema"] += 1
        return []
    verdict = check(draft, request.section, request.language, others)
    worded = tuple(question for question in verdict.questions if bare(question) not in seen)
    counter.dropped.update(verdict.dropped)
    counter.dropped["duplicate"] += len(verdict.questions) - len(worded)
    framed = _framed(request, draft, worded, seen)
    reason = verdict.reason or _shortage(verdict.questions, worded, framed, request.phrasings)
    if reason:
        counter.rejected[reason] += 1
        return []
    counter.accepted += 1
    seen.update(bare(question) for question in (*worded, *framed))
    return _phrased(agent, request, draft, worded, framed)


def _framed(request: Request, draft: Draft, worded: Sequence[str], seen: set[str]) -> tuple[str, ...]:
    taken = seen | {bare(question) for question in worded}
    framed = framed_phrasings(draft, request.language, len(worded)) if request.given and request.phrasings > 1 else ()
    return tuple(question for question in framed if bare(question) not in taken)


def _shortage(stood: Sequence[str], worded: Sequence[str], framed: Sequence[str], wanted: int) -> str:
    """A fact needs a phrasing by the teacher, and two in all (one, if only one was asked for)."""
    if worded and len(worded) + len(framed) >= min(2, wanted):
        return ""
    return "duplicate" if len(worded) < len(stood) else "too-few-phrasings"


def _phrased(agent: str, request: Request, draft: Draft, worded: Sequence[str], framed: Sequence[str]) -> list[Item]:
    section = request.section
    group = hash_json([agent, section.id, draft.value, draft.answer, request.round])[:16]
    kept_apart = _held_out(group, worded) if len(worded) + len(framed) >= _HELD_OUT_FROM else None
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
        for question in (*worded, *framed)
    ]


def _held_out(group: str, worded: Sequence[str]) -> str | None:
    """The one of the teacher's phrasings kept apart, if another stays: chosen by hash, so the same in every run."""
    if len(worded) < 2:
        return None
    return min(worded, key=lambda question: hash_text(f"{group} {question}"))


def _split(question: str, kept_apart: str | None) -> Split:
    return "held_out" if question == kept_apart else "train"
