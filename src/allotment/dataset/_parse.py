"""The teacher's text → drafts. Anything it may write has an outcome; nothing it writes raises."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allotment.dataset._checks import Draft
from allotment.dataset._facts import Fact

_OPENING = re.compile(r'"facts"\s*:\s*\[\s*')
_DECODER = json.JSONDecoder()
LONGEST_TEXT = 200_000
"""Characters; a longer answer is not parsed."""


@dataclass(frozen=True)
class Parsed:
    """Drafts in the order asked (none: that one does not follow the schema), and why others are missing."""

    drafts: tuple[Draft | None, ...]
    failure: str = ""


def parse(text: str, given: Sequence[Fact]) -> Parsed:
    """Read one answer. ``given``: the facts it was told, by position; empty when it chose them itself."""
    if not text.strip():
        return Parsed((), "empty")
    if len(text) > LONGEST_TEXT:
        return Parsed((), "too-long")
    listed, failure = _facts_of(text)
    if given:
        return Parsed(tuple(_given(entry, fact) for entry, fact in zip(listed, given, strict=False)), failure)
    return Parsed(tuple(_free(entry) for entry in listed), failure)


def _facts_of(text: str) -> tuple[list[Any], str]:
    """The listed facts, and what is wrong with the rest of the text."""
    start, end = text.find("{"), text.rfind("}")
    try:
        whole = json.loads(text[start : end + 1] if 0 <= start < end else text)
    except (ValueError, RecursionError):
        return _whole_entries(text), "not-json"
    listed = whole.get("facts") if isinstance(whole, dict) else None
    return (listed, "") if isinstance(listed, list) else ([], "schema")


def _whole_entries(text: str) -> list[Any]:
    """Entries that are complete in a text that was cut off or breaks later on."""
    opening = _OPENING.search(text)
    position = opening.end() if opening else len(text)
    found: list[Any] = []
    while position < len(text):
        try:
            entry, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        found.append(entry)
        position += len(text[position:]) - len(text[position:].lstrip(", \n"))
    return found


def _given(entry: Any, fact: Fact) -> Draft | None:
    """The fact's own value and statement, never the teacher's copy of them."""
    questions = _questions(entry)
    return Draft(fact.value, fact.statement, questions) if questions else None


def _free(entry: Any) -> Draft | None:
    questions = _questions(entry)
    value, answer = (entry.get("value"), entry.get("answer")) if isinstance(entry, dict) else (None, None)
    if not questions or not isinstance(value, str) or not isinstance(answer, str):
        return None
    return Draft(value.strip(), " ".join(answer.split()), questions)


def _questions(entry: Any) -> tuple[str, ...]:
    listed = entry.get("questions") if isinstance(entry, dict) else None
    if not isinstance(listed, list) or not all(isinstance(question, str) for question in listed):
        return ()
    return tuple(listed)
