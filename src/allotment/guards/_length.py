"""Check ``length``: a question has words, and no more than a question needs."""

from __future__ import annotations

from allotment.guards._finding import Context, Finding, allow, refuse
from allotment.guards._normalise import SCANNED_CHARACTERS, Prepared

NAME = "length"
MAX_CHARACTERS = SCANNED_CHARACTERS
"""Longest question, counted as it came, invisible characters included."""


def check_length(text: Prepared, context: Context) -> Finding:
    """Refuse what is empty once invisible characters are gone, and what is longer than ``MAX_CHARACTERS``."""
    if not text.clean.strip():
        return refuse(NAME, "nothing was asked")
    if len(text.original) > MAX_CHARACTERS:
        return refuse(NAME, f"{len(text.original)} characters; at most {MAX_CHARACTERS} are read")
    return allow(NAME)
