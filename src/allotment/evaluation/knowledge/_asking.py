"""Asks many questions by one means and keeps every answer, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

from allotment.errors import AllotmentError, Cancelled, StorageError
from allotment.evaluation.knowledge._types import Answers, Means, Question, Reply
from allotment.workspace import Ledger, hash_json

Progress = Callable[[str, int, int], None]
_IN_A_ROW = 5
"""Failures one after the other from which on a means is taken for gone."""
_PARALLEL = 4
"""Requests in one batch of the embedded engine."""


@dataclass(frozen=True)
class Asked:
    """One means made ready: what it sends for a question, and what must be the same for a kept answer to be its own."""

    means: Means
    seal: Mapping[str, str]
    """Hashes of model, adapter and whatever else the answer hangs on."""
    prompt: Callable[[Question], str]
    """What is sent; made in the caller's thread, for it may read a database."""
    answer: Callable[[Question, str], Reply]
    """Sends a prompt; called from several threads."""
    parallel: int = _PARALLEL


class Counter:
    """Answers so far over all means, told to the caller."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._done, self._progress = total, 0, progress

    def add(self, label: str, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        if self._progress:
            self._progress(label, self._done, self._total)


def ask_all(asked: Asked, questions: Sequence[Question], ledger: Ledger, counter: Counter, label: str) -> Answers:
    """Every question's reply: from the ledger, else asked now and kept there as soon as it comes.

    One that fails is not kept, so the next run asks it again. After five failures in a row the rest is not tried.

    Raises:
        Cancelled: nobody waits any longer; what came back is kept.
        StorageError: an answer cannot be kept.
    """
    replies: dict[str, Reply] = {}
    failed: dict[str, str] = {}
    row = 0
    for question, future in _in_turn(asked, questions, ledger):
        try:
            replies[question.id] = future()
            row = 0
        except (Cancelled, StorageError):
            raise
        except AllotmentError as error:
            failed[question.id] = str(error)
            row += 1
        counter.add(label)
        if row == _IN_A_ROW:
            break
    rest = [question for question in questions if question.id not in replies | failed]
    failed |= {question.id: next(reversed(failed.values())) for question in rest}
    counter.add(label, len(rest))
    return Answers(asked.means, replies, failed)


Take = Callable[[], Reply]


def _in_turn(asked: Asked, questions: Sequence[Question], ledger: Ledger) -> Iterator[tuple[Question, Take]]:
    """Each question with what gives its reply, a few asked ahead; nothing more is begun once the caller stops."""
    with ThreadPoolExecutor(max_workers=asked.parallel) as pool:
        waiting: list[tuple[Question, Take]] = []
        try:
            for question in questions:
                waiting.append((question, _begin(asked, question, ledger, pool)))
                if len(waiting) > asked.parallel:
                    yield waiting.pop(0)
            while waiting:
                yield waiting.pop(0)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(asked: Asked, question: Question, ledger: Ledger, pool: ThreadPoolExecutor) -> Take:
    try:
        prompt = asked.prompt(question)
    except AllotmentError as error:
        return _raising(error)
    key = hash_json([asked.means, dict(asked.seal), question.text, prompt])
    if key in ledger:
        kept = ledger.rows[key]
        return lambda: Reply(str(kept["text"]), bool(kept["unknown"]), str(kept["outcome"]))
    future = pool.submit(asked.answer, question, prompt)
    return lambda: _kept(ledger, key, asked.means, question, future)


def _kept(ledger: Ledger, key: str, means: Means, question: Question, future: Future[Reply]) -> Reply:
    reply = future.result()
    if key not in ledger:
        ledger.append(key, {"means": means, "question": question.text, **asdict(reply)})
    return reply


def _raising(error: AllotmentError) -> Take:
    def take() -> Reply:
        raise error

    return take
