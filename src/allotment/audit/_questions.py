"""How much of a question is written: its words, a keyed hash of them, or nothing.

Hiding fails closed: in an event that may quote a question every text is hidden that is not known to hold names the
project itself gave. So a new event, or a new field of an old one, hides too much rather than too little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allotment.audit._chain import seal
from allotment.audit._events import ABOUT_NO_QUESTION
from allotment.project import QuestionsKept

HASHED = "hmac-sha256:"
"""Begins every hash that stands for a text."""

_WHO = {"user", "role", "claims", "kind"}
_GIVEN_NAMES = {
    "account",
    "adapter",
    "adapter_sha256",
    "agent",
    "clearance",
    "code",
    "error_type",
    "limit",
    "outcome",
    "places",
    "reason",
    "routed",
    "scope",
    "sources",
}
"""Fields whose texts the project or the program gave, as far as they look like it (``_NAME``)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:#/-]{0,127}\Z")


@dataclass(frozen=True)
class Questions:
    """What is kept of a question, with the key of its hashes, which the database does not hold."""

    kept: QuestionsKept = "stored"
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.kept == "hashed" and len(self.key) < 32:
            raise ValueError("hashes of questions need a key of at least 32 characters")

    def hash(self, text: str) -> str:
        """What stands for ``text``: the same for the same text under the same key, and no use without the key."""
        return HASHED + seal(self.key, "question", [text])

    def applied(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """``event`` with no more of the question than is to be kept."""
        if self.kept == "stored" or event.get("kind") in ABOUT_NO_QUESTION:
            return event
        return {name: value if name in _WHO else self._field(name, value) for name, value in event.items()}

    def _field(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if name in ("detail", "checks") and isinstance(value, Mapping):
            inner = self._field if name == "detail" else self._evidence
            return {str(key): inner(str(key), item) for key, item in value.items()}
        if name in _GIVEN_NAMES and isinstance(value, str):
            return value if _NAME.match(value) else self._hidden(value)
        if name in _GIVEN_NAMES and isinstance(value, list | tuple):
            return [item if isinstance(item, str) and _NAME.match(item) else self._hidden(item) for item in value]
        return self._hidden(value)

    def _evidence(self, _check: str, value: Any) -> Any:
        return self._hidden(value)

    def _hidden(self, value: Any) -> str | None:
        if self.kept == "omitted":
            return None
        return self.hash(value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str))
