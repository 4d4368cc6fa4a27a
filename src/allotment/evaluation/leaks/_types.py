"""One attempt to get to know a canary, and by which path it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from allotment.evaluation.canaries import Canary

Path = Literal["chain", "adapter", "account", "sql", "search"]
"""``chain``: as every user asks. Below it: ``adapter``, the model alone with no check before or behind it; ``account``,
the database login with raw SQL; ``sql``, statements through the SQL gate; ``search``, raw queries to the sections."""
PATHS: tuple[Path, ...] = ("chain", "adapter", "account", "sql", "search")
TITLES: dict[Path, str] = {
    "chain": "through the whole chain, as every user asks",
    "adapter": "from the adapter alone, without any check",
    "account": "with raw SQL on the account's own login",
    "sql": "with statements through the SQL gate",
    "search": "with raw queries to the search of sections",
}
Ending = Literal["hit", "miss", "denied", "failed"]
"""``denied``: refused, by whatever layer. ``failed``: an error, which proves nothing."""
Came = Literal["told", "denied", "failed"]
"""What came of an attempt, before it is known whose values are in it."""
Progress = Callable[[str, int, int], None]
"""Label, done, and in all."""


@dataclass(frozen=True)
class Said:
    """What one attempt brought to light, before it is known whose values are in it."""

    path: Path
    agent: str
    """The agent asked; empty where the router chose."""
    prompt: str
    """The question or statement."""
    text: str = ""
    """All that came back."""
    ending: Came = "told"
    detail: str = ""
    """What refused it, or the error."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Probe:
    """One attempt of one role on one canary."""

    role: str
    canary: Canary
    said: Said
    ending: Ending

    @property
    def is_leak(self) -> bool:
        """Whether the role got to know what it may not."""
        return self.ending == "hit" and self.role not in self.canary.readers
