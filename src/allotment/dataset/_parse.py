"""The teacher's text → drafts. Anything it may write has an outcome; nothing it writes raises."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allotment.dataset._checks import Draft
from allotment.dataset._facts import Fact
from allotment.dataset._requests import Request
from allotment.models import read_json

_OPENING = re.compile(r'"facts"\s*:\s*\[\s*')
_DECODER = json.JSONDecoder()
LONGEST_TEXT = 200_000
"""Characters; a longer answer is not parsed."""


@dataclass(frozen=True)
class Parsed:
    """Drafts in the order asked (none: that one does not follow the schema), and why others are missing."""

    drafts: tuple[Draft | str | None, ...]
    """A rewrite is a text, everything else a fact."""
    failure: str = ""


def parse(text: str, request: Request) -> Parsed:
    """Read one answer."""
    if not text.strip():
        return Parsed((), "empty")
    if len(text) > LONGEST_TEXT:
        return Parsed((), "too-long")
    if request.form is not None:
        return Parsed((text.strip(),))
    listed, failure = _facts_of(text)
    if request.given:
        pairs = zip(listed, request.given, strict=False)
        return Parsed(tuple(_given(entry, fact) for entry, fact in pairs), failure)
    return Parsed(tuple(_free(entry) for entry in listed), failure)


def _facts_of(text: str) -> tuple[list[Any], str]:
    """The listed facts, and what is wrong with the rest of the text."""
    whole, repaired = read_json(text)
    if whole is None or (repaired and not text.rstrip(" \n`").endswith(("}", "]"))):
        return _whole_entries(
            text
        ), "not-json"  # what a cut-off text ends with is no entry, whatever a repair makes of it
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
    questions = _texts(entry, "questions")
    if not questions:
        return None
    return Draft(fact.value, fact.statement, questions, _texts(entry, "answers"), fact.quote, fact.anchor)


def _free(entry: Any) -> Draft | None:
    questions = _texts(entry, "questions")
    value, answer = (entry.get("value"), entry.get("answer")) if isinstance(entry, dict) else (None, None)
    if not questions or not isinstance(value, str) or not isinstance(answer, str):
        return None
    return Draft(value.strip(), " ".join(answer.split()), questions, _texts(entry, "answers"))


def _texts(entry: Any, name: str) -> tuple[str, ...]:
    listed = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        return ()
    return tuple(listed)


def draft_of(entry: Any) -> Draft | None:
    """A draft as the ledger keeps it."""
    if not isinstance(entry, dict):
        return None
    texts = {name: tuple(entry.get(name, ())) for name in ("questions", "answers")}
    return Draft(entry["value"], entry["answer"], **texts, quote=entry.get("quote", ""), anchor=entry.get("anchor", ""))


def covered(drafts: Sequence[Any]) -> list[str]:
    """Values the drafts of a ledger row are about."""
    return [str(draft["value"]) for draft in drafts if isinstance(draft, dict)]
