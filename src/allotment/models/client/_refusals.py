"""Whether a refusal (HTTP 429) means that the server is overloaded, or is one of a few among many answers.

A large provider refuses a request now and then whatever the load, because one of its machines is busy. Slowing down for
each of these would leave most of the server's capacity unused: with 2 % of them, a window of 256 sank to 20.
"""

from __future__ import annotations

from collections import deque

_SAMPLE = 128
_SHARE = 0.1
_FEWEST = 3


class Refusals:
    """The latest outcomes: refused or not."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=_SAMPLE)
        self._refused = 0

    def note(self, refused: bool) -> None:
        """Take note of one outcome."""
        if len(self._latest) == _SAMPLE:
            self._refused -= self._latest[0]
        self._latest.append(refused)
        self._refused += refused

    @property
    def are_load(self) -> bool:
        """Whether there are too many to be chance: a tenth of the latest outcomes, and three at the least."""
        return self._refused >= max(_FEWEST, _SHARE * len(self._latest))
