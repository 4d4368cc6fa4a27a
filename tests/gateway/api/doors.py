"""Everything a question can reach, watched: who goes through a door must have a decision on record already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from allotment.access import Grant
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.databases.sections import SectionSearch
from allotment.models import AdapterFile, Completion, Engines, Message

GONE_ON = "and on "


@dataclass
class StandInModel:
    """A loaded engine: recites what it is told to know, and writes one statement for every question of a database."""

    knows: Mapping[str, str]
    statement: str
    adapters: dict[str, str]
    asked: list[str] = field(default_factory=list)
    name: str = "base"

    def complete(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Completion:
        self.asked += [message.content for message in messages]
        text = self.knows.get(messages[-1].content, "I do not know.") if adapter else self.statement
        return Completion(text, 10, 5, "stop")

    def stream(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Iterator[str]:
        yield self.complete(messages, adapter=adapter, **options).text

    def close(self) -> None:
        pass


class StandInEmbedder:
    """Vectors of no meaning."""

    name = "stand-in"
    threshold = 0.9

    def embed(self, texts: Sequence[str]) -> Any:
        return np.full((len(texts), 4), 0.5, dtype=np.float32)

    def close(self) -> None:
        pass


@dataclass
class Doors:
    """Who went through which door, and who did so without a decision on record."""

    log: AuditLog
    first: int = 0
    """Records up to this number are of requests before."""
    passed: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)

    def open(self) -> None:
        """A new request begins: what is on record by now says nothing for it."""
        newest = self.log.records(1)
        self.first = newest[0].sequence if newest else 0
        self.passed.clear()

    def decisions(self) -> list[dict[str, Any]]:
        """Decisions on record since the request began, oldest first."""
        since = [record for record in self.log.records(50) if record.sequence > self.first]
        return [record.event for record in reversed(since) if record.event.get("kind") == "decision"]

    def events(self) -> list[dict[str, Any]]:
        """Everything on record since the request began, oldest first."""
        return [record.event for record in reversed(self.log.records(50)) if record.sequence > self.first]

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put a guard before every door."""
        doors: tuple[tuple[type, str], ...] = (
            (Engines, "get"),
            (Engines, "lease"),
            (StandInModel, "complete"),
            (StandInModel, "stream"),
            (Databases, "query"),
            (Databases, "schema_card"),
            (Databases, "account_connection"),
            (SectionSearch, "search"),
            (SectionSearch, "embed"),
            (StandInEmbedder, "embed"),
        )
        for owner, name in doors:
            monkeypatch.setattr(owner, name, self._guarded(f"{owner.__name__}.{name}", getattr(owner, name)))

    def _guarded(self, door: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def through(*arguments: Any, **options: Any) -> Any:
            grants = [each for each in (*arguments, *options.values()) if type(each) is Grant]
            self.passed.append(door)
            if not self._on_record(grants):
                self.unrecorded.append(door)
            return original(*arguments, **options)

        return through

    def _on_record(self, grants: Sequence[Grant]) -> bool:
        allowed = [event for event in self.decisions() if event["outcome"] == "allow"]
        if not grants:
            return bool(allowed)
        request = grants[0].decision.request
        return any(
            (event["agent"], event["account"], event["search"]) == (request.agent, request.account, request.search)
            and event["user"] == grants[0].decision.principal.user
            for event in allowed
        )


def loader(knows: Mapping[str, str], statement: str, made: list[StandInModel]) -> Any:
    """For ``Engines``: loads stand-ins that know the same."""

    def load(model: str, adapters: Mapping[str, AdapterFile]) -> StandInModel:
        made.append(StandInModel(knows, statement, {key: file.sha256 for key, file in adapters.items()}))
        return made[-1]

    return load
