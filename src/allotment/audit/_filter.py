"""Which records are wanted: by who, what and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allotment.audit._chain import canonical

_COLUMNS = {"user": "user_name", "agent": "agent", "kind": "kind", "outcome": "outcome"}
"""Part of a filter → the column made of it."""
_WIDTH = 200
"""Characters of a text a column holds."""


@dataclass(frozen=True)
class Filter:
    """What a record must have; an unset part takes every record."""

    user: str | None = None
    agent: str | None = None
    kind: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    """The first moment that is wanted."""
    until: datetime | None = None
    """The first moment that is no longer wanted."""
    question: str | None = None
    """The question's words, or what stands for them where they are hashed."""

    def takes(self, at: datetime, event: Mapping[str, Any]) -> bool:
        """Whether a record is wanted."""
        if (self.since and at < self.since) or (self.until and at >= self.until):
            return False
        return all(value is None or value == _named(event, name) for name, value in self._texts().items())

    def condition(self) -> tuple[str, list[Any]]:
        """What the database can tell of it: a condition every wanted record meets, and its parameters.

        Who, what and how it ended stand in columns the database made of the event's text, as long as they fit there.
        The question's words are looked for in the text itself.
        """
        found: list[tuple[str, Any]] = [("at >= %s", self.since), ("at < %s", self.until)]
        for name, value in self._texts().items():
            column = _COLUMNS.get(name)
            test = f"{column} = %s" if column else "strpos(event, %s) > 0"
            found.append((test, None if value is None else _written(name, value, column)))
        wanted = [(text, value) for text, value in found if value is not None]
        return " AND ".join(text for text, _ in wanted) or "true", [value for _, value in wanted]

    def _texts(self) -> dict[str, str | None]:
        names = ("user", "agent", "kind", "outcome", "question")
        return {name: getattr(self, name) for name in names}


def _named(event: Mapping[str, Any], name: str) -> Any:
    """A field of an event, or of its detail where the event itself has none."""
    detail = event.get("detail")
    return event[name] if name in event else detail.get(name) if isinstance(detail, Mapping) else None


def _written(name: str, value: str, column: str | None) -> str:
    """A value as it stands in an event's text, or in the column made of it."""
    return canonical({"": value})[len('{"":"') : -2][:_WIDTH] if column else canonical({name: value})[1:-1]
