"""Names and values as SQL text. What they make is still checked by the gate like any statement."""

from __future__ import annotations

import re

from pglast.stream import maybe_double_quote_name


def name(text: str) -> str:
    """A name as SQL has it: quoted where it must be."""
    return str(maybe_double_quote_name(text))


def literal(text: str) -> str:
    """A text as a SQL literal (``standard_conforming_strings`` is on, as always)."""
    return "'" + text.replace("'", "''").replace("\x00", "") + "'"


def pattern(phrase: str) -> str:
    """An ILIKE pattern for a phrase anywhere; any mark between letters fits any other, so ``'`` finds ``’``."""
    inside = re.sub(r"[^\w\s]+", "_", phrase.strip())
    return "%" + re.sub(r"\s+", " ", inside) + "%"
