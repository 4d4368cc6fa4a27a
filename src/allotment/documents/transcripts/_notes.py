"""Findings as people read them: short quotes, runs of numbers, and never thousands of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allotment.documents.transcripts._types import Finding

_EACH = 40
"""So many of one kind are told one by one; the others together."""


def quote(text: str, limit: int = 60) -> str:
    """The beginning of a text between quotation marks, safe to print."""
    shown = "".join(char if char.isprintable() else " " for char in text[: limit + 1]).strip()
    return f'"{shown[:limit].rstrip()}…"' if len(text) > limit else f'"{shown}"'


def count(number: int, noun: str) -> str:
    """``1 cue``, ``3 cues``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_numbers(numbers: Sequence[int], limit: int = 8) -> str:
    """Cue numbers as text, ``4-6, 9``; what is over the limit of runs as a count."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs[:limit])
    return f"{shown}, … ({len(numbers)} in all)" if len(runs) > limit else shown


def bounded(findings: Iterable[Finding]) -> list[Finding]:
    """The first findings as they are, the rest of the same kind as one that names all their cues."""
    found = list(findings)
    if len(found) <= _EACH:
        return found
    rest = found[_EACH:]
    cues = tuple(dict.fromkeys(number for finding in rest for number in finding.cues))
    return [*found[:_EACH], Finding(rest[0].kind, cues, f"and {len(rest)} more; the first: {rest[0].detail}")]
