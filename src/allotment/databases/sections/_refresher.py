"""Keeps the search tables up with the last ingest while the gateway serves, so that no question has to wait for it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from allotment.repeating import Repeating

LOG = logging.getLogger("allotment.databases")
EVERY_S = 5.0


class Refresher(Repeating):
    """Calls ``refresh`` again and again. A sync that is cut off at the end leaves the tables as they were."""

    def __init__(self, refresh: Callable[[], bool], every_s: float = EVERY_S) -> None:
        """``refresh`` returns whether there was something to do; what it raises is told to the log, once."""
        super().__init__(self._once, every_s, name="section-refresh")
        self._refresh = refresh
        self._told = ""

    def _once(self) -> None:
        try:
            if self._refresh():
                LOG.info("the search shows the last ingest")
            self._told = ""
        except Exception as error:
            # A search that needs the tables tries again itself, and fails closed if that fails as well.
            if str(error) != self._told:
                LOG.warning("the search could not be brought up to the last ingest: %s", error)
            self._told = str(error)
