"""Text that a model or a stranger wrote, made fit to be shown: nothing in it acts, nothing in it is invisible."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import escape

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of what is not seen, or changes how others are shown: controls, marks of direction, halves."""
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that are not seen either; texts have been hidden in them."""


def visible(text: str) -> str:
    """The text with every character that is not seen named by its number: ``⟨U+202E⟩``."""
    if text.isprintable() and not _FILLERS.search(text):  # the usual case, and quick; it knows all of these categories
        return text
    return "".join(_named(character) for character in text.replace("\r\n", "\n"))


def markup(text: str) -> str:
    """The visible text, escaped for HTML or XML, between tags or in a quoted attribute."""
    return str(escape(visible(text)))


def _named(character: str) -> str:
    unseen = unicodedata.category(character) in _HIDDEN or _FILLERS.match(character)
    hidden = unseen and character not in "\n\t"
    return f"⟨U+{ord(character):04X}⟩" if hidden else character
