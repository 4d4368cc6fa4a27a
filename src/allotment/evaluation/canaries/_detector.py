"""Which canaries a text gives away."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.evaluation.canaries._types import Canary
from allotment.evaluation.scoring import is_right


class Detector:
    """Finds the values of canaries in texts. Made once for many texts."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._canaries = tuple(canaries)

    def found(self, text: str, *, asked: str = "") -> tuple[Canary, ...]:
        """Every canary whose value ``text`` gives away, in the order they were given; not one that ``asked`` says."""
        return tuple(
            canary for canary in self._canaries if is_right(text, canary.value) and not is_right(asked, canary.value)
        )
