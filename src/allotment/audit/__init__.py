"""The tamper-evident record, and authorize = decide + record: the only door to a model or a database."""

from allotment.audit._authorize import EventKind, RecordedDenial, authorize, record_event
from allotment.audit._log import AuditLog, AuditRecord
from allotment.audit._verify import Problem, VerifyReport

__all__ = [
    "AuditLog",
    "AuditRecord",
    "EventKind",
    "Problem",
    "RecordedDenial",
    "VerifyReport",
    "authorize",
    "record_event",
]
