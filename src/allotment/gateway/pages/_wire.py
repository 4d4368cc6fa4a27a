"""Events of the chain as server-sent events for the page; everything in them is data, never markup."""

from __future__ import annotations

import json
import math
from typing import Any

from allotment.answering import Answer, Cell, Delta, Event, Source, Step, Table
from allotment.gateway.web._stream import KeepAlive

STEP_LABELS = {
    "checking": "Checking the question",
    "routing": "Choosing an agent",
    "authorizing": "Confirming your access",
    "answering": "Writing the answer",
    "releasing": "Checking the answer",
}
FAILED = "The answer could not be made. Please try again; if it stays, tell the people who run this service."


def frame(name: str, data: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def event_frame(event: Event | KeepAlive) -> bytes:
    """The server-sent event of one event of the chain."""
    match event:
        case Step():
            return frame("step", {"name": event.name, "label": STEP_LABELS[event.name]})
        case Delta():
            return frame("delta", {"text": event.text})
        case Answer():
            return frame("answer", answer_data(event))
        case _:
            return b": still working\n\n"


def answer_data(answer: Answer) -> dict[str, Any]:
    """An answer and where it comes from, for the page."""
    return {
        "outcome": answer.outcome,
        "text": answer.text,
        "agent": answer.agent,
        "adapter": answer.adapter,
        "account": answer.account,
        "record": answer.record,
        "sql": answer.sql,
        "table": _table(answer.table) if answer.table else None,
        "sources": [_source(source) for source in answer.sources],
        "places": [_source(place) for place in answer.places],
        "explanation": [list(pair) for pair in answer.explanation],
        "seconds": round(answer.seconds, 2),
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return {"columns": list(table.columns), "rows": rows, "truncated": table.truncated}


def _cell(cell: Cell) -> Cell:
    # JSON has no word for infinity and not-a-number.
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _source(source: Source) -> dict[str, str]:
    return {"document": source.document, "heading": source.heading, "quote": source.quote}
