"""What a generation needs of whoever answers it: the model client, or something that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from allotment.models import Answer, Ask, Failure


class Teacher(Protocol):
    """Answers many requests; ``allotment.models.ModelClient`` is one."""

    @property
    def name(self) -> str:
        """Model name, as written in ``allotment.yaml``."""
        ...

    def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
        """Answer each, in whatever order they are done; no more is taken from ``asks`` than can be in flight."""
        ...


async def close(resource: Any) -> None:
    """Close what can be closed: a client, or answers that are not all taken."""
    end = getattr(resource, "aclose", None)
    if end is not None:
        await end()
