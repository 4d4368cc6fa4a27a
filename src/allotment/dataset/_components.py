"""What hangs together: union-find."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Components(Generic[T]):
    """Sets of nodes that links join; a node nothing was linked to is alone."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}

    def root(self, node: T) -> T:
        """One node that stands for the set of ``node``."""
        parent = self._parent.setdefault(node, node)
        while parent != self._parent[parent]:
            self._parent[node] = self._parent[parent]
            node, parent = parent, self._parent[parent]
        return parent

    def join(self, one: T, other: T) -> bool:
        """Join two sets; whether they were two."""
        root, other_root = self.root(one), self.root(other)
        self._parent[other_root] = root
        return root != other_root
