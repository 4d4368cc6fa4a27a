"""Money: what was spent, and whether one more request can be afforded. It stops before a limit, not after."""

from __future__ import annotations

from allotment.dataset._tokens import prompt_tokens
from allotment.models import Ask
from allotment.project import ModelPrice


class Budget:
    """A limit in USD for one run. What is in flight counts with the most it can cost."""

    def __init__(self, limit_usd: float | None, price: ModelPrice | None, *, batch: bool = False) -> None:
        """``price`` none is allowed without a limit only."""
        self._limit, self._price, self._batch = limit_usd, price, batch
        self._held: dict[str, float] = {}
        self._committed: set[str] = set()
        self._in_flight_usd = 0.0
        self.spent_usd = 0.0
        """Spent so far in this run."""
        self.stopped = False
        """Whether a request was not sent for want of money."""

    @property
    def told(self) -> str:
        """What was spent so far, for a progress bar; empty where nothing costs anything."""
        if self._price is None or not (self._price.input or self._price.output):
            return ""
        return f", {self.spent_usd:.2f} USD so far"

    def take(self, ask: Ask) -> bool:
        """Put aside the most the request can cost; false, and nothing more is to be sent, where that is too much."""
        if self._price is None or ask.key in self._committed:
            return True
        most = self._price.usd(_most_prompt_tokens(ask), ask.max_tokens, batch=self._batch)
        if self._limit is not None and self.spent_usd + self._in_flight_usd + most > self._limit:
            self.stopped = True
            return False
        self._held[ask.key] = most
        self._in_flight_usd += most
        return True

    def commit(self, key: str) -> None:
        """A request that an earlier run submitted: it is waited for, whatever the limit of this one."""
        self._committed.add(key)

    def settle(self, ask: Ask, prompt: int, completion: int) -> None:
        """Book what the request cost; a server that counts no tokens is booked at the most."""
        held = self._held.pop(ask.key, 0.0)
        self._in_flight_usd -= held
        if self._price is not None:
            told = self._price.usd(prompt, completion, batch=self._batch)
            self.spent_usd += told if prompt or completion else held

    def fail(self, ask: Ask, reason: str) -> None:
        """Book a request without an answer: at the most if the provider may have computed one, else at nothing."""
        held = self._held.pop(ask.key, 0.0)
        self._in_flight_usd -= held
        if reason in _MAY_BE_CHARGED:
            self.spent_usd += held


_MAY_BE_CHARGED = frozenset({"timeout", "too-large", "malformed", "connection"})


def _most_prompt_tokens(ask: Ask) -> int:
    """A token for each two characters is more than any tokenizer of today makes of the languages known here."""
    return 2 * prompt_tokens(ask.messages)
