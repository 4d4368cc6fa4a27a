"""An engine that answers what it is told to: the outside world of titles, kind and unkind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allotment.models import Completion, Message

Answer = Callable[[list[str]], str]
"""From the keys of a schema to the text of an answer."""


class ScriptedEngine:
    """Says one gist for every chapter, and what ``answer`` makes of the keys for every window of titles."""

    name = "scripted"

    def __init__(self, answer: Answer, gist: str = "It is about the warehouse.") -> None:
        self.asked: list[str] = []
        self.schemas: list[dict[str, Any]] = []
        self._answer, self._gist = answer, gist

    def complete(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None, **_: object
    ) -> Completion:
        """See ``Engine.complete``."""
        self.asked.append(messages[-1].content)
        if schema is None:
            return Completion(self._gist, 1, 1, "stop")
        self.schemas.append(dict(schema))
        return Completion(self._answer(list(schema["properties"])), 1, 1, "stop")

    def stream(self, messages: Sequence[Message], **options: Any) -> Any:
        """Nobody streams titles."""
        raise NotImplementedError


def titles(make: Callable[[str], str]) -> Answer:
    """An answer with one title for each key, as the schema asks for."""
    return lambda keys: json.dumps({key: make(key) for key in keys}, ensure_ascii=False)


ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")


def ordinal(key: str) -> str:
    """A good title for each of a hundred chapters."""
    tens, ones = divmod(int(key) - 1, 10)
    return f"{ORDINALS[ones]} topic of the {ORDINALS[tens].lower()} part"
