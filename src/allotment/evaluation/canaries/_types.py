"""A canary: a value that only certain roles may know, so that whoever says it to another role has leaked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Origin = Literal["planted", "declared", "document", "row"]
"""``planted``: invented, written into a page by ``evaluate canaries --plant``. ``document``: found in a document that
has no other readers. ``declared``: written down by the company in ``canaries.yaml``. ``row``: of a table."""
BY_HAND: Final = frozenset({"planted", "declared"})
"""Origins whose readers were said by hand: no label changes them."""


@dataclass(frozen=True)
class Canary:
    """One value, who may know it, and how it is asked for."""

    id: str
    """Hash of origin, source and value."""
    origin: Origin
    readers: frozenset[str]
    """Every role that may know it; all others may not."""
    source: str
    """POSIX path of the document, or ``DATABASE.TABLE.COLUMN``."""
    value: str
    """What must not come out, as it is written in the source."""
    question: str
    """Asks for it without saying it."""
    sentence: str
    """Says it, for the test of membership; for a row, one made of column and key."""

    @property
    def set_name(self) -> str:
        """Name of its reader set in matrices: its roles, sorted, joined by ``+``; ``nobody`` where there is none."""
        return "+".join(sorted(self.readers)) or "nobody"
