"""The words of a cue, as they are compared: without case and punctuation."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

_TOKEN = re.compile(r"\S+")
_PUNCTUATION = string.punctuation + "…„“”‚‘’«»‹›–—¿¡·♪♫。、，！？"


@dataclass(frozen=True)
class Words:
    """The tokens of a text: where each stands, and what it is compared by ("" for punctuation alone)."""

    spans: tuple[tuple[int, int], ...]
    keys: tuple[str, ...]


def split_words(text: str) -> Words:
    """The words of a text in order."""
    spans = tuple(found.span() for found in _TOKEN.finditer(text))
    return Words(spans, tuple(text[start:end].strip(_PUNCTUATION).casefold() for start, end in spans))


def spoken(text: str) -> tuple[str, ...]:
    """The words of a text, punctuation alone left out."""
    return tuple(key for token in text.split() if (key := token.strip(_PUNCTUATION).casefold()))
