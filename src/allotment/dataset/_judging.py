"""Pairs judged by a model: whether the section says so, and whether the question leads back to the value.

Verdicts are rows of the ledger, so a pair is judged once; one that could not be judged is refused, and judged again by
the next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from allotment.dataset._assemble import Pair, Verdicts, assemble
from allotment.dataset._judge import JUDGE_SCHEMA, JUDGE_TOKENS, JUDGE_VERSION, judge_messages, read_verdict
from allotment.dataset._outcomes import NOT_ANSWERED
from allotment.dataset._round_trip import agrees, round_trip_messages
from allotment.dataset._teacher import Teacher, close
from allotment.models import Answer, Ask, Failure
from allotment.workspace import Ledger, hash_json

if TYPE_CHECKING:
    from allotment.dataset._generate import Asking, Material

_ANSWER_TOKENS = 80
CALLS_PER_PAIR = 2
"""One for the verdict, one for the answer from the section."""


class Judging:
    """Asks the judge about every pair of a dataset."""

    def __init__(self, model: str | None, judge: Teacher | None, ledger: Ledger) -> None:
        self._model, self._judge, self._ledger = model, judge, ledger

    async def aclose(self) -> None:
        """Close the judge's connections."""
        await close(self._judge)

    async def verdicts(self, material: Material, asking: Asking) -> Verdicts:
        """Ask what is not judged yet; a project without a judge refuses nothing here.

        Where pairs are refused, others may take their place; those are judged as well.
        """
        known: dict[Pair, str] = {}
        while self._model is not None and not asking.budget.stopped:
            verdicts = _refused(known)
            made = assemble(
                material.agent, material.sections, material.asker, self._ledger.rows, material.roles, verdicts
            )
            new = [pair for pair in made.pairs if pair not in known]
            await self._ask(new, asking)
            reasons = {pair: self._reason(pair) for pair in new}
            known |= reasons
            if not any(reasons.values()):
                break
        return _refused(known)

    async def _ask(self, pairs: Sequence[Pair], asking: Asking) -> None:
        waiting = {ask.key: (ask, pair) for pair in pairs for ask in self._asks(pair) if not self._is_done(ask.key)}
        if waiting and self._judge is not None:
            asks = (ask for ask, _ in waiting.values())
            told = {key: pair for key, (_, pair) in waiting.items()}
            total = CALLS_PER_PAIR * len(pairs)
            await asking.answer("judging", asks, lambda a, f: _row(a, f, told[a.key]), total, len(waiting), self._judge)

    def _asks(self, pair: Pair) -> Iterator[Ask]:
        passage = pair.section.with_header
        judged = judge_messages(pair.question, pair.answer, passage, pair.language)
        yield Ask(self._key("verdict", pair), judged, max_tokens=JUDGE_TOKENS, schema=JUDGE_SCHEMA)
        answered = round_trip_messages(pair.question, passage, pair.language)
        yield Ask(self._key("round-trip", pair), answered, max_tokens=_ANSWER_TOKENS)

    def _key(self, what: str, pair: Pair) -> str:
        answer = pair.answer if what == "verdict" else ""  # the way back is the same for every wording of an answer
        told = [pair.question, answer, pair.value, pair.section.with_header]
        return hash_json([JUDGE_VERSION, what, self._model, pair.language, told])

    def _is_done(self, key: str) -> bool:
        row = self._ledger.rows.get(key)
        return row is not None and row.get("reason") not in NOT_ANSWERED

    def _reason(self, pair: Pair) -> str:
        """Why a pair is refused; empty if both answers speak for it."""
        for what, refused in (("verdict", "judged-unsupported"), ("round-trip", "round-trip")):
            row = self._ledger.rows.get(self._key(what, pair))
            if row is None or row["state"] != "done":
                return "not-judged"
            if row["holds"] is not True:
                return refused
        return ""


def _refused(known: Mapping[Pair, str]) -> Verdicts:
    return Verdicts({(pair.question, pair.answer): reason for pair, reason in known.items() if reason})


def _row(ask: Ask, found: Answer | Failure, pair: Pair) -> dict[str, Any]:
    row: dict[str, Any] = {"section": pair.section.id, "kind": "judge"}
    if isinstance(found, Failure):
        return row | {"state": "failed", "reason": found.reason, "detail": found.detail[:500]}
    holds = read_verdict(found.text) is True if ask.schema is not None else agrees(found.text, pair.value)
    counts = {"prompt_tokens": found.prompt_tokens, "completion_tokens": found.completion_tokens}
    return row | {"state": "done", "reason": "", "holds": holds, "seconds": round(found.seconds, 3)} | counts
