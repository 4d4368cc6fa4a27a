"""Whether the server is there at all, and what has been counted."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.errors import EngineError
from allotment.models.client._ask import Answer, ClientLimits, Failure


@dataclass(frozen=True, slots=True)
class ClientState:
    """A client at one moment, for showing progress."""

    in_flight: int
    """Asks being answered."""
    allowed: int
    """Asks that may be answered at the same time."""
    answered: int
    """Completions that came."""
    failed: int
    """Asks given up."""
    retried: int
    """Requests that had to be sent again after a fault."""
    rate_limited: int
    """Times the server said that it was too much."""
    prompt_tokens: int
    """Tokens read for all completions."""
    completion_tokens: int
    """Tokens written in all completions."""
    paused_s: float
    """Seconds until the server wants to be asked again."""
    timeout_s: float | None
    """What a request may take; none where nothing limits it."""


class Health:
    """Counts what came of the asks, and stops the run when the server is gone or does not let us in."""

    def __init__(self, name: str, limits: ClientLimits) -> None:
        self.answered = self.failed = self.retried = self.rate_limited = 0
        self.prompt_tokens = self.completion_tokens = 0
        self._name = name
        self._limits = limits
        self._refusal: EngineError | None = None
        self._failed_asks = self._faults = 0
        self._first_fault_s = 0.0
        self._last_detail = ""

    @property
    def gone(self) -> bool:
        """Whether there have been nothing but failures for so long that no more is to be sent."""
        return self._failed_asks >= self._limits.dead_asks

    def check(self) -> None:
        """Raise ``EngineError`` if no more may be sent."""
        if self._refusal is not None:
            raise self._refusal
        if self.gone:
            raise EngineError(
                f"nothing but failures came back, the last one: {self._last_detail}",
                element=self._name,
                remedy="Check that the model runs and takes such requests, then run this again; what is done is kept.",
            )

    def refuse(self, error: EngineError) -> None:
        """No request of this client can succeed; every ask raises ``error`` from now on."""
        self._refusal = error

    def fault(self, detail: str, now_s: float) -> None:
        """A request failed that may be sent again."""
        if self._faults == 0:
            self._first_fault_s = now_s
        self._faults += 1
        self._last_detail = detail
        if self._faults >= self._limits.dead_asks and now_s - self._first_fault_s >= self._limits.dead_s:
            self._failed_asks = max(self._failed_asks, self._limits.dead_asks)

    def note(self, outcome: Answer | Failure) -> None:
        """An ask has ended."""
        if isinstance(outcome, Failure):
            self.failed += 1
            self._failed_asks += 1
            self._last_detail = f"{outcome.reason}, {outcome.detail}"
            return
        self.answered += 1
        self.prompt_tokens += outcome.prompt_tokens
        self.completion_tokens += outcome.completion_tokens
        self._failed_asks = self._faults = 0
