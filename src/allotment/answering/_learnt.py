"""The knowledge that goes with the adapters being served: made anew once one of them was trained again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from allotment.answering._knowledge import Knowledge
from allotment.training import Manifest


class Learnt:
    """Holds one ``Knowledge`` for all questions, and changes it for a newer one as a whole. Thread-safe."""

    def __init__(self, make: Callable[[], Knowledge], served: Iterable[Manifest]) -> None:
        """``make`` reads what the agents learnt; ``served`` are the adapters that were found before it was read."""
        self._make = make
        self._keys = {manifest.agent: manifest.key for manifest in served}
        self._making = threading.Lock()
        self.now = make()
        """What is known, whichever version an agent is at."""

    def fitting(self, manifest: Manifest) -> Knowledge:
        """What is known with this version of an adapter served; errors as ``Knowledge``, and then nothing is changed.

        The first question to meet a new version waits until all of it is read; questions to other agents do not.
        """
        if self._keys.get(manifest.agent) != manifest.key:
            with self._making:
                if self._keys.get(manifest.agent) != manifest.key:
                    knowledge = self._make()
                    knowledge.make_all()
                    self.now = knowledge
                    self._keys[manifest.agent] = manifest.key
        return self.now
