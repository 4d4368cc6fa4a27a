"""What was replaced, by document, kind and pseudonym; never what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from allotment.documents.personal._types import Edit, Kind

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Replacement:
    """How often one pseudonym stands in one document."""

    document: str
    kind: Kind
    pseudonym: str
    count: int


@dataclass(frozen=True)
class Report:
    """Everything that was replaced, ordered by document, kind and pseudonym."""

    replacements: tuple[Replacement, ...]

    @property
    def by_kind(self) -> Mapping[Kind, int]:
        """Replacements of each kind that was found."""
        return _summed((row.kind, row.count) for row in self.replacements)

    @property
    def by_document(self) -> Mapping[str, int]:
        """Replacements in each document that had any."""
        return _summed((row.document, row.count) for row in self.replacements)

    def as_json(self) -> dict[str, object]:
        """The report as JSON types: total, by kind, by document, and every row."""
        return {
            "replaced": sum(row.count for row in self.replacements),
            "by_kind": dict(self.by_kind),
            "by_document": dict(self.by_document),
            "replacements": [
                {"document": row.document, "kind": row.kind, "pseudonym": row.pseudonym, "count": row.count}
                for row in self.replacements
            ],
        }


def report(edits: Mapping[str, Iterable[Edit]]) -> Report:
    """The report of ``edits``, by document."""
    counts = Counter((document, edit.kind, edit.replacement) for document, made in edits.items() for edit in made)
    return Report(tuple(Replacement(*row, count) for row, count in sorted(counts.items())))


def _summed(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    sums: Counter[_Key] = Counter()
    for key, count in pairs:
        sums[key] += count
    return dict(sums)
