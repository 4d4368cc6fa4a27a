"""Records of wrong credentials, so many a minute and no more: nobody can fill the record by knocking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from allotment.access import Principal
from allotment.audit import EventKind
from allotment.errors import AccessDenied
from allotment.gateway._recorder import Recorder
from allotment.gateway.web._security import LOG

WINDOW_S = 60.0
MOST_OF_ONE = 10
"""Records of one client address in a window."""
MOST_OF_ALL = 120
"""Records of all addresses in a window, in each process."""


class Refusals:
    """Puts refusals on record at a bounded rate; the next record after a full window says how many were left out."""

    def __init__(self, record: Recorder, clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._written: dict[str, int] = {}
        self._left_out = 0

    def note(self, principal: Principal, kind: EventKind, detail: Mapping[str, Any], address: str | None) -> None:
        """Record a refusal, or count it; it is refused either way, so a record that fails is for the log."""
        left_out = self._admit(address or "")
        if left_out is None:
            return
        more = {"address": address, **({"left_out": left_out} if left_out else {})}
        try:
            self._record(principal, kind, {**detail, **more})
        except AccessDenied:
            LOG.exception("a refusal could not be recorded")

    def _admit(self, address: str) -> int | None:
        """How many were left out before this one, if this one may be written."""
        with self._lock:
            if self._clock() - self._began >= WINDOW_S:
                self._began, self._written = self._clock(), {}
            if self._written.get(address, 0) >= MOST_OF_ONE or sum(self._written.values()) >= MOST_OF_ALL:
                self._left_out += 1
                return None
            self._written[address] = self._written.get(address, 0) + 1
            left_out, self._left_out = self._left_out, 0
            return left_out
