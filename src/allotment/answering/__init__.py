"""One question, one answer: guard → route → authorize → agent → output check, and the record of it."""

from allotment.answering._again import may_read_again
from allotment.answering._chain import Chain
from allotment.answering._embedding import Embedding
from allotment.answering._events import (
    AgentInfo,
    Answer,
    AnswerOutcome,
    Cell,
    Delta,
    Event,
    Means,
    Routing,
    Source,
    Step,
    Table,
)
from allotment.answering._faults import Fault, absent_adapters, blocking_error, find_faults, worst_error
from allotment.answering._knowledge import Knowledge, routing_fault
from allotment.answering._options import MAX_SEED, AnswerOptions
from allotment.answering._preview import Decided, Preview
from allotment.answering._reading import DocumentText, Passage

__all__ = [
    "MAX_SEED",
    "AgentInfo",
    "Answer",
    "AnswerOptions",
    "AnswerOutcome",
    "Cell",
    "Chain",
    "Decided",
    "Delta",
    "DocumentText",
    "Embedding",
    "Event",
    "Fault",
    "Knowledge",
    "Means",
    "Passage",
    "Preview",
    "Routing",
    "Source",
    "Step",
    "Table",
    "absent_adapters",
    "blocking_error",
    "find_faults",
    "may_read_again",
    "routing_fault",
    "worst_error",
]
