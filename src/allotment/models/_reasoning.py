"""Reasoning that a model wrote into its answer, and its removal."""

from __future__ import annotations

import re

_TAG = re.compile(r"(?P<line>\n[ \t]*)?[<◁](?P<close>/?)(?:think|thinking|thought|reasoning)[>▷]", re.IGNORECASE)
_BLANKS = 80
"""Most blanks between the start of a text, or the end of a block of reasoning, and the next block."""


def strip_reasoning(text: str) -> str:
    """The text without what the model wrote while it thought.

    Removed are blocks that open at the start of a line (``<think>``, ``<thinking>``, ``<thought>``, ``<reasoning>``,
    ``◁think▷``), the rest of the text behind one that never closes, and everything before a closing tag that nothing
    opened. A tag in the middle of a line is part of the answer, and so is every one in a text that begins as JSON.
    Takes time in proportion to the length and raises nothing.
    """
    if text.lstrip()[:1] in ("{", "["):
        return text.strip()
    kept: list[str] = []
    start, inside = 0, False
    for tag in _TAG.finditer(text):
        if tag["close"]:
            if not inside:
                kept.clear()
            start, inside = tag.end(), False
        elif not inside and (tag["line"] is not None or _is_blank(text, start, tag.start())):
            kept.append(text[start : tag.start()])
            inside = True
        elif not inside:
            continue
    return "".join(kept if inside else [*kept, text[start:]]).strip()


def _is_blank(text: str, start: int, end: int) -> bool:
    return end - start <= _BLANKS and not text[start:end].strip()
