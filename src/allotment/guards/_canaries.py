"""Check ``canaries`` of answers: strings planted in documents, which nobody but their readers may ever see."""

from __future__ import annotations

from collections.abc import Iterator

from allotment.guards._finding import AnswerContext, Finding, allow, refuse
from allotment.guards._normalise import SCANNED_CHARACTERS, prepare, skeleton

NAME = "canaries"
_OVERLAP = 400


def check_canaries(text: str, context: AnswerContext) -> Finding:
    """Refuse an answer that holds a canary: with other signs between its letters, decoded once, or backwards."""
    planted = {_letters(skeleton(canary)): canary for canary in context.canaries}
    if not planted:
        return allow(NAME)
    for reading in _readings(text):
        for letters, canary in planted.items():
            if letters in reading or letters in reading[::-1]:
                return refuse(NAME, canary)
    return allow(NAME)


def _readings(text: str) -> Iterator[str]:
    for start in range(0, max(len(text) - _OVERLAP, 1), SCANNED_CHARACTERS - _OVERLAP):
        for form in prepare(text[start : start + SCANNED_CHARACTERS]).forms:
            yield _letters(form.whole)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
