"""Readers: the set of roles that may read a document, and everything made from it."""

from __future__ import annotations

from collections.abc import Iterable

Readers = frozenset[str]


def common_readers(sources: Iterable[Readers]) -> Readers:
    """Roles that may read *every* source: the intersection. Of nothing, nobody may read."""
    result: Readers | None = None
    for readers in sources:
        result = readers if result is None else result & readers
    return result if result is not None else frozenset()
