"""The verified manifest of each agent's adapter, looked at again before it is older than it may be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from allotment.errors import AllotmentError
from allotment.training import Manifest


@dataclass
class _Looked:
    """What the last look at one agent's adapter gave."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    at: float = float("-inf")
    found: Manifest | AllotmentError | None = None


class Manifests:
    """Looks at an adapter, its documents and their readers. Thread-safe.

    A look costs a glance at every document the adapter learnt, so that many questions at once share one.
    """

    def __init__(
        self, look: Callable[[str], Manifest], good_for_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``look`` verifies an agent's adapter; what it said counts for ``good_for_s`` seconds from its beginning."""
        self._look = look
        self._good_for_s = good_for_s
        self._clock = clock
        self._guard = threading.Lock()
        self._looked: dict[str, _Looked] = {}

    def current(self, agent: str) -> Manifest:
        """The manifest of the version that is served. Errors as ``training.current_adapter``."""
        with self._guard:
            looked = self._looked.setdefault(agent, _Looked())
        with looked.guard:
            now = self._clock()
            if looked.found is None or now - looked.at >= self._good_for_s:
                looked.at, looked.found = now, None
                try:
                    looked.found = self._look(agent)
                except AllotmentError as error:
                    looked.found = error
            if isinstance(looked.found, AllotmentError):
                raise looked.found.with_traceback(None)
            return looked.found
