"""Sentences of a text, as spans; a list item and a table row are sentences of their own."""

from __future__ import annotations

import re
from itertools import pairwise

_LINE_STARTS_NEW = re.compile(r"\n(?=\s*(?:\n|[-*+] |\d+[.)] |\||#{1,6} |>))")
_STOP = re.compile(r"[.!?…][\"'”“’)\]*_]*\s+(?=[\"'“„(\[*_]*([^\W_]))")
_NO_STOP = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|např|tzv|tj|atd|č|Ing|Mgr|bzw|usw|ca)"
    r"|(?<![^\s(])[^\W\d_a-z])\.\s*\Z"
)
_DAY = re.compile(r"\b\d{1,2}\.\s*\Z")
_MONTH = re.compile(r"(?:Jan|Feb|Mär|Mar|Apr|Ma[iy]|Jun|Jul|Aug|Sep|Okt|Oct|Nov|De[cz])\w*")
_RULE = re.compile(r"[\s|:-]*\Z")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text``, in order, without the white space around them."""
    spans: list[tuple[int, int]] = []
    start = 0
    for line in [*_LINE_STARTS_NEW.finditer(text), None]:
        end = line.start() if line else len(text)
        spans.extend(_in_block(text, start, end))
        start = end
    return spans


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``; rules of tables are left out."""
    return [text[start:end] for start, end in sentence_spans(text) if not _RULE.match(text[start:end])]


def _in_block(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts = [match.end() for match in _STOP.finditer(text, start, end) if _ends_here(text, start, match)]
    edges = [start, *cuts, end]
    spans = (_trimmed(text, left, right) for left, right in pairwise(edges))
    return [span for span in spans if span[0] < span[1]]


def _ends_here(text: str, start: int, match: re.Match[str]) -> bool:
    stop = match.end()
    before = text[max(start, stop - 16) : stop]
    if match.group(1).islower():
        return False
    return not (_NO_STOP.search(before) or (_DAY.search(before) and _MONTH.match(text, stop)))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return start + left, start + max(left, len(piece.rstrip()))
