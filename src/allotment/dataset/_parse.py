"""The teacher's text → drafts. Anything it may write has an outcome; nothing it writes raises."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allotment.dataset._checks import Draft
from allotment.dataset._facts import Fact

LONGEST_TEXT = 200_000
"""Characters; a longer answer is not parsed."""


@dataclass(frozen=True)
class Parsed:
    """Drafts in the order asked (none: that one does not follow the schema), or why there are none at all."""

    drafts: tuple[Draft | None, ...]
    failure: str = ""


def parse(text: str, given: Sequence[Fact]) -> Parsed:
    """Read one answer. ``given``: the facts it was told, by position; empty when it chose them itself."""
    if not text.strip():
        return Parsed((), "empty")
    if len(text) > LONGEST_TEXT:
        return Parsed((), "too-long")
    try:
        listed = json.loads(_unfenced(text)).get("facts")
    except (ValueError, RecursionError, AttributeError):
        return Parsed((), "not-json")
    if not isinstance(listed, list):
        return Parsed((), "schema")
    if given:
        return Parsed(tuple(_given(entry, fact) for entry, fact in zip(listed, given, strict=False)))
    return Parsed(tuple(_free(entry) for entry in listed))


def _unfenced(text: str) -> str:
    """The outermost object of the text: small models like to wrap JSON in words or a code fence."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


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
