"""Keeps the search tables up with the last ingest while the gateway serves, so that no question has to wait for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

LOG = logging.getLogger("allotment.databases")
EVERY_S = 5.0
_LAST_SYNC_S = 30.0
"""So long the end waits for a sync that is under way; one that is cut off leaves the tables as they were."""


class Refresher:
    """Calls ``refresh`` again and again on a thread of its own. As a context manager it begins and ends."""

    def __init__(self, refresh: Callable[[], bool], every_s: float = EVERY_S) -> None:
        """``refresh`` returns whether there was something to do; what it raises is told to the log, once."""
        self._refresh = refresh
        self._every_s = every_s
        self._told = ""
        self._end = Event()
        self._thread = Thread(target=self._run, name="section-refresh", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(_LAST_SYNC_S)

    def _run(self) -> None:
        while True:
            try:
                if self._refresh():
                    LOG.info("the search shows the last ingest")
                self._told = ""
            except Exception as error:
                # A search that needs the tables tries again itself, and fails closed if that fails as well.
                if str(error) != self._told:
                    LOG.warning("the search could not be brought up to the last ingest: %s", error)
                self._told = str(error)
            if self._end.wait(self._every_s):
                return
