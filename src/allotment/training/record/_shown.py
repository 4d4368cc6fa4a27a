"""Text that somebody else wrote, made fit to be shown: nothing in it acts, and nothing in it is invisible."""

from __future__ import annotations

import re
from html import escape

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, half characters, and marks that turn the order of what is shown."""


def visible(text: str) -> str:
    """The text with characters that cannot be written, or that change how others are shown, named instead."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def xml_text(text: str) -> str:
    """The text as it may stand in HTML or XML, between tags or in a quoted attribute."""
    return escape(visible(text), quote=True)


def code_text(text: str) -> str:
    """The text as a Markdown code span, which may also stand in a table's cell: no mark in it is read as one."""
    named = re.sub(r"[`|\n\t]", lambda found: f"\\u{ord(found[0]):04x}", visible(text))
    return f"`{named}`" if named else "-"
