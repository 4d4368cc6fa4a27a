"""Characters that no text may hold: NUL, which databases refuse, and halves of surrogate pairs, which are no text."""

from __future__ import annotations

import re

_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")
_GAP = re.compile(r"\s+")


def unix_lines(text: str) -> str:
    """The text with every line end as ``\\n``."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def clean(text: str) -> str:
    """The text with ``\\n`` as line end and the replacement character for what cannot be stored."""
    return _IMPOSSIBLE.sub("\ufffd", unix_lines(text))


def one_line(text: str) -> str:
    """The words with one space between them."""
    return _GAP.sub(" ", clean(text)).strip()
