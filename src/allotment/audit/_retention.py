"""Prunes the record while a gateway serves, so that nobody has to remember it."""

from __future__ import annotations

import logging

from allotment.audit._log import AuditLog
from allotment.repeating import Repeating

LOG = logging.getLogger("allotment.audit")
EVERY_S = 24 * 3600.0


class Retention(Repeating):
    """Removes what is older than ``keep_days``, at once and then once a day; a removal cut off leaves the record whole.

    Args:
        log: the record.
        admin_dsn: the login of the database's owner; the application's own may not remove anything.
        keep_days: none removes nothing.
        every_s: seconds between two times.
    """

    def __init__(self, log: AuditLog, admin_dsn: str, keep_days: int | None, every_s: float = EVERY_S) -> None:
        super().__init__(self._once, every_s, name="audit-retention")
        self._log = log
        self._admin_dsn = admin_dsn
        self._keep_days = keep_days

    def _once(self) -> None:
        if self._keep_days is None:
            return
        try:
            pruned = self._log.prune(self._admin_dsn, self._keep_days)
            if pruned.removed:
                LOG.info("%s records were older than %s days and are removed", pruned.removed, self._keep_days)
        except Exception as error:
            # Nothing is removed then; that the record is kept too long is told, and tried again.
            LOG.warning("the audit record was not pruned: %s", error)
