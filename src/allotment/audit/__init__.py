"""The tamper-evident record, and authorize = decide + record: the only door to a model or a database."""

from allotment.audit._authorize import RecordedDenial, authorize, record_event
from allotment.audit._diagnose import Problem
from allotment.audit._events import EventKind, quotes_no_question
from allotment.audit._filter import Filter
from allotment.audit._log import AuditLog, AuditRecord
from allotment.audit._ocsf import ocsf
from allotment.audit._prune import Pruned
from allotment.audit._questions import Questions
from allotment.audit._retention import Retention
from allotment.audit._verify import VerifyReport

__all__ = [
    "AuditLog",
    "AuditRecord",
    "EventKind",
    "Filter",
    "Problem",
    "Pruned",
    "Questions",
    "RecordedDenial",
    "Retention",
    "VerifyReport",
    "authorize",
    "ocsf",
    "quotes_no_question",
    "record_event",
]
