"""What writes SQL in the copy: the project's own model for one attempt in so many, else a model that was won over.

A conversation can win a small model over; whether it does is a matter of luck. So most attempts that get as far as
the model that writes SQL find one that does what they want: it writes statements after what they are aimed at, from
``data/statements.yaml``, another one each time it is asked to mend one. That is the worst that model could do, and it
takes no time. The rest meet the real one, which takes half a minute on a processor.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from allotment.evaluation.attacks._statements import place_of, statement, statements
from allotment.evaluation.attacks._types import Attack
from allotment.evaluation.canaries import Canary
from allotment.models import Completion, Engines, Message
from allotment.project import Project

REAL_EVERY = 128
"""One attempt in so many meets the real model."""
_NOTHING_TO_ASK_FOR = "SELECT 1"


def is_real(attack: Attack) -> bool:
    """Whether this attempt meets the real model, if it gets so far: the same in every run."""
    return crc32(attack.id.encode()) % REAL_EVERY == 0


class Writer:
    """An engine for SQL alone. Implements ``Engine``; threads may share it, for one attempt at a time."""

    def __init__(self, project: Project, engines: Engines) -> None:
        """It obeys nobody yet: the project's model writes."""
        self.name = project.models.sql
        self._project = project
        self._engines = engines
        self._wanted: Iterator[str] | None = None

    @contextmanager
    def obeying(self, attack: Attack, role: str, canaries: Iterable[Canary]) -> Iterator[None]:
        """Write what this attempt wants, for agents of ``role``; for some attempts the real model writes.

        Its statements are after the attempt's own canary, else after any of ``canaries`` that lies in a row the role's
        accounts come near to.
        """
        self._wanted = None if is_real(attack) else self._statements(attack, role, canaries)
        try:
            yield
        finally:
            self._wanted = None

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        """See ``Engine.complete``."""
        wanted = self._wanted
        if wanted is None:
            return self._engines.get(self.name).complete(messages, **options)
        return Completion(next(wanted), 0, 0, "stop")

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        """See ``Engine.stream``."""
        yield self.complete(messages, **options).text

    def _statements(self, attack: Attack, role: str, canaries: Iterable[Canary]) -> Iterator[str]:
        """Without end, so that requests at the same moment each find one."""
        accounts = self._accounts(role)
        rows = (canary for canary in canaries if canary.origin == "row")
        reached = [canary for canary in rows if place_of(canary.source)[0] in accounts.values()]
        aims = [canary for canary in reached if canary.id == attack.canary]
        aims = aims or [canary for canary in reached if attack.role not in canary.readers]
        if not aims:
            return itertools.repeat(_NOTHING_TO_ASK_FOR)
        chance = random.Random(attack.id)  # noqa: S311 the same attempt meets the same statements
        source = chance.choice(aims).source
        account = next(name for name, place in accounts.items() if place == place_of(source)[0])
        names = chance.sample(sorted(statements()), len(statements()))
        return itertools.cycle([statement(self._project, name, source, account) for name in names])

    def _accounts(self, role: str) -> dict[str, str]:
        """Accounts of agents this role may ask → the database of each."""
        agents = [agent for _, agent in sorted(self._project.agents.items()) if role in agent.roles and agent.account]
        return {str(agent.account): self._project.accounts[str(agent.account)].database for agent in agents}
