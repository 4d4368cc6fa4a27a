"""Asks answered by an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from allotment.errors import EngineError
from allotment.models._openai import COMPLETIONS, chat_body, read_completion, schema_format, split_name
from allotment.models.client._ask import Answer, Ask, ClientLimits, Failure, FailureReason
from allotment.models.client._finish import excerpt, reason_of, retry_after_s, to_answer
from allotment.models.client._gate import Gate, estimated_tokens
from allotment.models.client._health import Health
from allotment.models.client._rate import Taken
from allotment.models.client._refusals import Refusals
from allotment.models.client._slots import Slots
from allotment.models.client._timeouts import Timeouts
from allotment.models.client._window import Window
from allotment.models.client._wire import Reply, TooLarge, Wire
from allotment.project import ModelLimits

_FORMATS: tuple[Literal["json_schema", "json_object", "none"], ...] = ("json_schema", "json_object", "none")
"""How a server is held to JSON, from the strictest down."""
_FORMAT_WORDS = (b"response_format", b"json_schema", b"json_object", b"schema")
_REMEDIES = {
    401: "Check the key in ALLOTMENT_SERVER_KEY.",
    402: "The account has no credit left; add some, then run this again.",
    403: "Check that the key in ALLOTMENT_SERVER_KEY may use this model.",
    404: "Check the URL and the model's name.",
}
_OVERLOADED = (503, 529)
_READING_TOKENS = 32
"""Reading the prompt counts as writing so many tokens, so that short answers do not seem slow."""


@dataclass(slots=True)
class _Trial:
    """What has been tried for one ask."""

    ask: Ask
    attempts: int = 0
    first_s: float = 0.0
    """When the first request was sent."""
    faults: int = 0
    timed_out: int = 0
    limited: int = 0
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    """One request."""

    at_s: float
    format: int
    """Index in ``_FORMATS``."""
    taken: Taken | None


class ServerAnswerer:
    """Sends requests until there is an answer, or reason to give up. Implements ``Answerer``."""

    def __init__(
        self,
        name: str,
        wire: Wire,
        *,
        window: Window,
        slots: Slots,
        health: Health,
        limits: ModelLimits,
        patience: ClientLimits,
        clock: Callable[[], float],
        chance: Random,
    ) -> None:
        """``clock`` gives seconds since 1970, for dates the server names; ``chance`` spreads retries."""
        self._name = name
        self._model = split_name(name)[1]
        self._wire = wire
        self._window = window
        self._slots = slots
        self._health = health
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._gate = Gate(limits, health)
        self._timeouts = Timeouts(patience, limits.timeout_s)
        self._refusals = Refusals()
        self._format = 0
        self._sending = 0

    @property
    def paused_s(self) -> float:
        """See ``Answerer.paused_s``."""
        return self._gate.closed_s

    @property
    def timeout_s(self) -> float | None:
        """See ``Answerer.timeout_s``."""
        return self._timeouts.base_s

    async def aclose(self) -> None:
        """See ``Answerer.aclose``."""
        await self._wire.aclose()

    async def answer(self, ask: Ask) -> Answer | Failure:
        """See ``Answerer.answer``."""
        trial = _Trial(ask)
        while True:
            async with self._slots:
                outcome = await self._attempt(trial)
            if not isinstance(outcome, float):
                return outcome
            await asyncio.sleep(outcome)

    async def _attempt(self, trial: _Trial) -> Answer | Failure | float:
        """The outcome of one request, or the seconds until the next."""
        taken = await self._gate.enter(estimated_tokens(trial.ask.messages, trial.ask.max_tokens))
        sent = _Sent(_now_s(), self._format, taken)
        trial.attempts += 1
        trial.first_s = trial.first_s if trial.attempts > 1 else sent.at_s
        timeout_s = self._timeouts.allow(trial.ask.max_tokens, trial.timed_out)
        self._sending += 1
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._wire.post(COMPLETIONS, self._body(trial.ask), self._patience.body_bytes)
            return self._judge(trial, sent, reply)
        except TimeoutError:
            return self._timed_out(trial, sent, timeout_s)
        except ConnectionError as error:
            return self._fault(trial, "connection", excerpt(str(error)))
        except TooLarge:
            return self._failure(trial, "too-large", f"the answer has more than {self._patience.body_bytes} bytes")
        finally:
            self._sending -= 1

    def _body(self, ask: Ask) -> bytes:
        body = chat_body(
            self._model, ask.messages, max_tokens=ask.max_tokens, temperature=ask.temperature, seed=ask.seed
        )
        if ask.schema is not None and _FORMATS[self._format] == "json_schema":
            body["response_format"] = schema_format(ask.schema)
        elif ask.schema is not None and _FORMATS[self._format] == "json_object":
            body["response_format"] = {"type": "json_object"}
        return json.dumps(body).encode("ascii")  # half characters go as escapes

    def _judge(self, trial: _Trial, sent: _Sent, reply: Reply) -> Answer | Failure | float:
        if 200 <= reply.status < 300:
            return self._read(trial, sent, reply.body)
        self._gate.correct(sent.taken, 0)
        if reply.status in _REMEDIES or (reply.status == 429 and b"insufficient_quota" in reply.body):
            raise self._refused_for_good(reply)
        if reply.status == 429:
            return self._told_to_wait(trial, sent, reply)
        if reply.status in (400, 422) and self._drops_format(trial.ask, sent, reply):
            return 0.0
        if reply.status == 408 or reply.status >= 500:
            return self._server_fault(trial, sent, reply)
        return self._failure(trial, "refused", f"HTTP {reply.status}: {excerpt(reply.body)}")

    def _read(self, trial: _Trial, sent: _Sent, body: bytes) -> Answer | Failure | float:
        try:
            completion = read_completion(json.loads(body))
        except (ValueError, RecursionError):
            return self._malformed(trial, f"not a chat completion: {excerpt(body)}")
        self._refusals.note(False)
        now_s = _now_s()
        seconds = now_s - sent.at_s
        tokens = completion.completion_tokens or len(completion.text) // 4
        self._window.answered(pace=_pace(seconds, tokens), sent_s=sent.at_s, now_s=now_s, in_flight=self._sending)
        self._timeouts.answered(seconds, trial.ask.max_tokens)
        if completion.prompt_tokens:
            self._gate.correct(sent.taken, completion.prompt_tokens + completion.completion_tokens)
        with_schema = trial.ask.schema is not None
        return to_answer(completion, with_schema=with_schema, seconds=seconds, attempts=trial.attempts)

    def _malformed(self, trial: _Trial, detail: str) -> Failure | float:
        trial.malformed += 1
        if trial.malformed > 1:
            return self._failure(trial, "malformed", detail)
        return self._fault(trial, "malformed", detail)

    def _timed_out(self, trial: _Trial, sent: _Sent, timeout_s: float) -> Failure | float:
        trial.timed_out += 1
        self._timeouts.timed_out(timeout_s)
        self._window.observe(pace=_pace(timeout_s, trial.ask.max_tokens), sent_s=sent.at_s, now_s=_now_s())
        return self._fault(trial, "timeout", f"no answer within {timeout_s:.0f} s")

    def _told_to_wait(self, trial: _Trial, sent: _Sent, reply: Reply) -> Failure | float:
        """The seconds until the ask may be tried again; everything waits if refusals are more than chance."""
        self._health.rate_limited += 1
        self._refusals.note(True)
        told_s = retry_after_s(reply.headers.get("retry-after"), self._clock())
        wait_s = self._backoff_s(trial.limited) if told_s is None else min(told_s, self._patience.longest_pause_s)
        trial.limited += 1
        if self._refusals.are_load:
            self._window.overloaded(sent_s=sent.at_s, now_s=_now_s())
            self._pause(reply)
        if self._elapsed_s(trial) + wait_s > self._patience.ask_s:
            return self._failure(trial, "rate-limited", excerpt(reply.body) or "told to wait for too long")
        return wait_s

    def _server_fault(self, trial: _Trial, sent: _Sent, reply: Reply) -> Failure | float:
        if reply.status in _OVERLOADED:
            self._window.overloaded(sent_s=sent.at_s, now_s=_now_s())
            self._pause(reply)
        return self._fault(trial, reason_of(reply.status), f"HTTP {reply.status}: {excerpt(reply.body)}")

    def _pause(self, reply: Reply) -> float | None:
        """Close the gate for as long as the server asked for, if it did."""
        told_s = retry_after_s(reply.headers.get("retry-after"), self._clock())
        if told_s is not None:
            self._gate.close_for(min(told_s, self._patience.longest_pause_s))
        return told_s

    def _drops_format(self, ask: Ask, sent: _Sent, reply: Reply) -> bool:
        """Whether the server refused how it was held to JSON; from now on it is asked for less."""
        named = any(word in reply.body.lower() for word in _FORMAT_WORDS)
        if ask.schema is None or _FORMATS[sent.format] == "none" or not named:
            return False
        self._format = max(self._format, sent.format + 1)
        return True

    def _refused_for_good(self, reply: Reply) -> EngineError:
        remedy = _REMEDIES.get(reply.status, _REMEDIES[402])
        told = f"the server refuses every request (HTTP {reply.status}: {excerpt(reply.body)})."
        error = EngineError(told, element=self._name, remedy=remedy)
        self._health.refuse(error)
        return error

    def _fault(self, trial: _Trial, reason: FailureReason, detail: str) -> Failure | float:
        """The ask's failure, or the seconds until the next request."""
        self._health.fault(f"{reason}, {detail}", _now_s())
        trial.faults += 1
        over = trial.faults > self._patience.retries or self._elapsed_s(trial) > self._patience.ask_s
        if over or self._health.gone:
            return self._failure(trial, reason, detail)
        self._health.retried += 1
        return self._backoff_s(trial.faults - 1)

    def _backoff_s(self, before: int) -> float:
        """Exponential backoff with full jitter."""
        most = min(self._patience.backoff_s * 2.0**before, self._patience.longest_backoff_s)
        return self._chance.uniform(0.0, most)

    def _elapsed_s(self, trial: _Trial) -> float:
        return _now_s() - trial.first_s

    def _failure(self, trial: _Trial, reason: FailureReason, detail: str) -> Failure:
        return Failure(reason, detail, self._elapsed_s(trial), trial.attempts)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _pace(seconds: float, tokens: int) -> float:
    """Seconds per token."""
    return seconds / (tokens + _READING_TOKENS)
