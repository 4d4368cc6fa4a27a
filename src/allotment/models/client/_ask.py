"""What goes into the client and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from allotment.models._engine import Finish, Message

FailureReason = Literal["timeout", "server-error", "connection", "refused", "rate-limited", "too-large", "malformed"]
"""``refused``: the server will not take this request, or the batch it was in. ``rate-limited``: it was told to wait
until the time for one ask was over. ``too-large``: the answer was longer than anything that was asked for.
``malformed``: what came back was no completion."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One completion to be asked for."""

    key: str
    """Whoever asks knows the answer by it."""
    messages: Sequence[Message]
    """The conversation."""
    max_tokens: int = 256
    """Most tokens to write."""
    temperature: float = 0.0
    """0 always takes the likeliest token."""
    seed: int = 0
    """Of the sampler, where the temperature is above 0."""
    schema: Mapping[str, Any] | None = None
    """JSON schema the answer must follow; a server that cannot be held to one is asked without."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion."""

    text: str
    """What the model wrote, without its reasoning; with a schema, only the JSON in it, if there is any."""
    prompt_tokens: int
    """Tokens read."""
    completion_tokens: int
    """Tokens written."""
    finish: Finish
    """``length``: cut off at ``max_tokens``."""
    seconds: float
    """From sending the request that was answered to its answer; 0 in a batch."""
    attempts: int
    """Requests sent for it."""
    repaired: bool
    """Whether the text was almost JSON and was mended."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no completion."""

    reason: FailureReason
    """Kind of failure."""
    detail: str
    """What the server or the connection said, shortened."""
    seconds: float
    """From sending the first request to giving up; 0 in a batch."""
    attempts: int
    """Requests sent for it."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What the client bears before it gives up on one ask, or on the server."""

    retries: int = 5
    """Further requests for one ask after faults of the connection or the server; being told to wait is no fault."""
    backoff_s: float = 1.0
    """The wait before the first retry is random below this, and below twice as much before each further one."""
    longest_backoff_s: float = 30.0
    """No such wait is longer."""
    ask_s: float = 1800.0
    """No further request is sent for an ask when this long has passed since its first."""
    longest_pause_s: float = 3600.0
    """Longest pause a server can ask for at a time."""
    first_timeout_s: float = 120.0
    """Seconds a request may take until it is known how long answers take."""
    shortest_timeout_s: float = 10.0
    """A request may always take this long."""
    longest_timeout_s: float = 600.0
    """No request may take longer."""
    body_bytes: int = 4 * 1024 * 1024
    """A longer answer is abandoned while it is read."""
    dead_asks: int = 20
    """So many failed asks in a row, with no answer between them, stop the run: the server is not there."""
    dead_s: float = 600.0
    """So do as many failed requests in a row when the first of them is this long ago."""
