"""Prunes the record while a gateway serves, so that nobody has to remember it."""

from __future__ import annotations

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from allotment.audit._log import AuditLog

LOG = logging.getLogger("allotment.audit")
EVERY_S = 24 * 3600.0
_LAST_S = 30.0
"""So long the end waits for a removal that is under way; one that is cut off leaves the record whole."""


class Retention:
    """Removes what is older than ``keep_days``, at once and then once a day. As a context manager it begins and ends.

    Args:
        log: the record.
        admin_dsn: the login of the database's owner; the application's own may not remove anything.
        keep_days: none does nothing.
        every_s: seconds between two times.
    """

    def __init__(self, log: AuditLog, admin_dsn: str, keep_days: int | None, every_s: float = EVERY_S) -> None:
        self._log = log
        self._admin_dsn = admin_dsn
        self._keep_days = keep_days
        self._every_s = every_s
        self._end = Event()
        self._thread = Thread(target=self._run, name="audit-retention", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(_LAST_S)

    def _run(self) -> None:
        while self._keep_days is not None and not self._end.is_set():
            try:
                pruned = self._log.prune(self._admin_dsn, self._keep_days)
                if pruned.removed:
                    LOG.info("%s records were older than %s days and are removed", pruned.removed, self._keep_days)
            except Exception as error:
                # Nothing is removed then; that the record is kept too long is told, and tried again.
                LOG.warning("the audit record was not pruned: %s", error)
            self._end.wait(self._every_s)
