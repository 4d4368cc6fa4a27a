"""Sections made without a document."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.documents import Section
from allotment.workspace import hash_json


def made_section(
    text: str,
    language: str = "en",
    path: Sequence[str] = ("Harbour",),
    document: str = "harbour.md",
    readers: Sequence[str] = ("staff",),
) -> Section:
    """A section that is a whole document."""
    key = hash_json([document, list(path), text])[:16]
    return Section(key, document, "shared", tuple(path), text, 0, len(text), language, frozenset(readers))
