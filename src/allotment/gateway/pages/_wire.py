"""Events of the chain as server-sent events for the page; everything in them is data, never markup."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

from allotment.answering import Answer, Cell, Delta, Event, Source, Step, Table
from allotment.gateway.pages._markdown import MarkdownStream, Node, blocks_of
from allotment.gateway.pages._sql import coloured
from allotment.gateway.web._stream import KeepAlive
from allotment.gateway.wording import say

FAILED = say("The answer could not be made. Please try again; if it stays, tell the people who run this service.")
_SHARE = 4.0
"""A piece of text is read after at least so many times as long as the last reading took: the rest is for others."""
_TOGETHER_S = 0.04
"""Pieces that come within so many seconds are sent together: nobody reads faster, and each costs a reading."""


def frame(name: str, data: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


@dataclass
class Frames:
    """The events of one answer, one after another."""

    _text: MarkdownStream = field(default_factory=MarkdownStream)
    _waiting: list[str] = field(default_factory=list)
    _not_before: float = 0.0

    def of(self, event: Event | KeepAlive) -> bytes:
        """The server-sent event of an event of the chain; nothing where a piece of text waits for the next one."""
        match event:
            case Step():
                return frame("step", {"name": event.name, "agent": event.agent, "means": event.means})
            case Delta():
                return self._piece(event.text)
            case Answer():
                return frame("answer", answer_data(event))
            case _:
                return self._piece("") if self._waiting else b": still working\n\n"

    def _piece(self, text: str) -> bytes:
        self._waiting.append(text)
        began = time.monotonic()
        if began < self._not_before:
            return b""
        begins, blocks = self._text.feed("".join(self._waiting))
        self._waiting.clear()
        ended = time.monotonic()
        self._not_before = ended + max(_TOGETHER_S, _SHARE * (ended - began))
        return frame("text", {"from": begins, "blocks": blocks})


def answer_data(answer: Answer) -> dict[str, Any]:
    """An answer and where it comes from, for the page."""
    several = answer.table is not None and len(answer.table.rows) > 1 and len(answer.table.columns) > 1
    # The text of several rows has them as a Markdown table; the page has them as a table of its own.
    text = answer.text.split("\n\n")[0] if several else answer.text
    return {
        "outcome": answer.outcome,
        "text": answer.text,
        "blocks": text_blocks(text, answer.outcome),
        "agent": answer.agent,
        "adapter": answer.adapter,
        "account": answer.account,
        "record": answer.record,
        "sql": coloured(answer.sql) if answer.sql else None,
        "table": _table(answer.table) if answer.table else None,
        "sources": [source_data(source, answer.agent) for source in answer.sources],
        "places": [source_data(place, answer.agent) for place in answer.places],
        "learnt": [{"document": path, "link": document_link(answer.agent, path)} for path in answer.learnt],
        "routing": asdict(answer.routing) if answer.routing else None,
        "explanation": [list(pair) for pair in answer.explanation],
        "seconds": round(answer.seconds, 2),
    }


def text_blocks(text: str, outcome: str) -> list[Node]:
    """What the page shows of a text; only words of an agent are Markdown."""
    return blocks_of(text) if outcome == "answered" else [["p", {}, [text]]]


def document_link(agent: str | None, document: str, section: str = "") -> str | None:
    """The address of a document's page, at a section; none where no agent is known that learns it."""
    if agent is None:
        return None
    asked = {"agent": agent, "path": document, **({"section": section} if section else {})}
    return f"/document?{urlencode(asked)}"


def source_data(source: Source, agent: str | None) -> dict[str, str | None]:
    """A section, with the way to it."""
    link = document_link(agent, source.document, source.section_id)
    return {"document": source.document, "heading": source.heading, "quote": source.quote, "link": link}


def _table(table: Table) -> dict[str, Any]:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return {"columns": list(table.columns), "rows": rows, "truncated": table.truncated}


def _cell(cell: Cell) -> Cell:
    # JSON has no word for infinity and not-a-number.
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell
