"""Counts while assembling; what they add up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from allotment.dataset._outcomes import Outcome
from allotment.dataset._types import DatasetStats, Item, KindCounts


class Counts:
    """Accepted, rejected and failed, for each kind of request; single wordings that were dropped."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self._rejected: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._failed: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def accept(self, kind: str) -> None:
        """One more that stands."""
        self._accepted[kind] += 1

    def reject(self, kind: str, reason: str, count: int = 1) -> None:
        """``count`` more that were refused."""
        self._rejected[kind][reason] += count

    def outcome(self, outcome: Outcome) -> None:
        """One that was rejected or failed, with the wordings dropped from it."""
        self.drop(outcome)
        column = self._failed if outcome.state == "failed" else self._rejected
        column[outcome.request.kind][outcome.reason] += 1

    def drop(self, outcome: Outcome) -> None:
        """The wordings dropped from a fact."""
        if outcome.verdict is not None:
            self.dropped.update(outcome.verdict.dropped)

    def stats(self, items: Sequence[Item]) -> DatasetStats:
        """Everything, with the items' own counts."""
        kinds = {kind: self._of(kind) for kind in sorted(self.asked)}
        splits = Counter(item.split for item in items)
        return DatasetStats(
            asked=sum(counts.asked for counts in kinds.values()),
            accepted=sum(counts.accepted for counts in kinds.values()),
            rejected=_plain(sum((+c for c in self._rejected.values()), Counter[str]())),
            failed=_plain(sum((+c for c in self._failed.values()), Counter[str]())),
            train=splits["train"],
            held_out=splits["held_out"],
            dropped=_plain(self.dropped),
            validation=splits["validation"],
            kinds={kind: counts for kind, counts in kinds.items() if counts.asked},
            items=_plain(Counter(item.kind for item in items)),
        )

    def _of(self, kind: str) -> KindCounts:
        rejected, failed = _plain(self._rejected[kind]), _plain(self._failed[kind])
        return KindCounts(self.asked[kind], self._accepted[kind], rejected, failed)


def _plain(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted((+counter).items()))
