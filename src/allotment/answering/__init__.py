"""One question, one answer: guard → route → authorize → agent → output check, and the record of it."""

from allotment.answering._chain import Chain
from allotment.answering._events import AgentInfo, Answer, AnswerOutcome, Cell, Delta, Event, Source, Step, Table
from allotment.answering._knowledge import Knowledge

__all__ = [
    "AgentInfo",
    "Answer",
    "AnswerOutcome",
    "Cell",
    "Chain",
    "Delta",
    "Event",
    "Knowledge",
    "Source",
    "Step",
    "Table",
]
