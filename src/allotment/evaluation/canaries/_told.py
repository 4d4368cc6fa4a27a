"""Everything of an answer that reached the user, as one text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from allotment.answering import Answer

_RECORD = re.compile(r"\(record \d+\)$")


def told(answer: Answer) -> str:
    """All that was released with an answer, a line each: a value is in it if the user can see it anywhere.

    The agent's name, the adapter's and the account's are not, nor the number of the record: they are the project's own,
    and a number that counts up comes by every value of so many digits.
    """
    return "\n".join(part for part in _parts(answer) if part)


def _parts(answer: Answer) -> Iterator[str]:
    yield answer.text
    for source in (*answer.sources, *answer.places):
        yield from (source.document, source.heading, source.quote)
    yield answer.sql or ""
    if answer.table is not None:
        yield " | ".join(answer.table.columns)
        for row in answer.table.rows:
            yield " | ".join("" if cell is None else str(cell) for cell in row)
    yield from (f"{step}: {_RECORD.sub('(record)', reason)}" for step, reason in answer.explanation)
    yield from answer.learnt
