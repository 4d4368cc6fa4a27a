"""Pairs of a dataset for somebody who reviews them: found by key, taken by a filter, seen by those who may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from allotment.dataset import Item, Kind
from allotment.dataset._decisions import decision_key
from allotment.dataset._desk import Desk
from allotment.dataset._items import load_candidates
from allotment.workspace import Workspace

State = Literal["open", "accept", "edit", "reject", "all"]
_KEPT = 8
"""Filters whose pairs are kept in memory for one dataset."""


@dataclass(frozen=True)
class Readable:
    """Whether a role may see a pair: it is for its readers, and for those of its document today."""

    role: str
    readers: tuple[tuple[str, frozenset[str]], ...]

    @cached_property
    def _documents(self) -> frozenset[str]:
        return frozenset(document for document, readers in self.readers if self.role in readers)

    def __call__(self, item: Item) -> bool:
        return self.role in item.readers and (not item.document or item.document in self._documents)


@dataclass(frozen=True)
class Taken:
    """Places of the pairs that a filter takes, and what else somebody may choose from."""

    places: Sequence[int]
    documents: tuple[str, ...]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class IndexedPairs:
    """A desk whose pairs are found by their keys. Held by one thread at a time where it changes."""

    desk: Desk
    items: Sequence[Item]
    keys: Sequence[str]
    places: dict[str, int]
    documents: frozenset[str]
    _taken: dict[object, Taken] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, agent: str) -> IndexedPairs:
        """The pairs of an agent's dataset as they are now, with every decision about them."""
        items = load_candidates(workspace, agent)
        keys = [decision_key(item) for item in items]
        places = {key: place for place, key in reversed(list(enumerate(keys)))}
        documents = frozenset(item.document for item in items if item.document)
        return cls(Desk(workspace, agent, items, items, again=True), items, keys, places, documents)

    def state(self, place: int) -> str:
        """What was decided about the pair at this place; ``open`` where nothing was."""
        decision = self.desk.decisions.get(self.keys[place])
        return decision.outcome if decision else "open"

    def counts(self) -> dict[str, int]:
        """State → pairs in it."""
        decided: Counter[str] = Counter(one.outcome for key, one in self.desk.decisions.items() if key in self.places)
        return {"open": len(self.places) - decided.total(), **decided}

    def taken(self, readable: Readable, state: State, kind: Kind | None, document: str | None) -> Taken:
        """What a filter takes; looked for once as long as nothing is decided."""
        key = (readable, state, kind, document, self.desk.version)
        found = self._taken.get(key)
        if found is None:
            seen = [(place, item) for place, item in enumerate(self.items) if readable(item)]
            places = [
                place
                for place, item in seen
                if kind in (None, item.kind)
                and document in (None, item.document)
                and state in ("all", self.state(place))
            ]
            documents = tuple(sorted({item.document for _, item in seen if item.document}))
            found = Taken(places, documents, tuple(dict.fromkeys(item.kind for _, item in seen)))
            if len(self._taken) >= _KEPT:
                self._taken.clear()
            self._taken[key] = found
        return found
