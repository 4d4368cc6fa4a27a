"""Many questions to a model, some at a time: kept as they come, so that a killed run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from time import perf_counter

from allotment.errors import (
    AllotmentError,
    EngineError,
    HeldBack,
    LimitReached,
    ManifestError,
    PolicyError,
    SqlTimedOut,
)
from allotment.evaluation.leaks._types import Came, Path, Progress, Said
from allotment.workspace import Ledger, Workspace, hash_json

AT_ONCE = 4
_IN_A_ROW = 5
"""So many failures one after the other mean that the model or the database is gone."""
_NOT_READY = frozenset({"MissingPartError", "ManifestError", "HeldBack"})
"""Failures of one agent that is not ready, which say nothing of the engine."""


@dataclass(frozen=True)
class Ask:
    """One question by one path."""

    path: Path
    agent: str
    prompt: str
    role: str
    rests_on: str
    """Hash of what the answer hangs on: the adapter, or everything the chain is made of."""

    @property
    def key(self) -> str:
        """The same question of the same thing has the same key in every run."""
        return hash_json([self.path, self.agent, self.prompt, self.role, self.rests_on])


class Answers:
    """Asks, and keeps what was answered until the run is whole; what failed is not kept, so it is tried again."""

    def __init__(self, workspace: Workspace | None, progress: Progress | None = None) -> None:
        """``workspace``: where answers are kept; none keeps nothing."""
        self._file = workspace.home / "evaluation" / "leaks" / "answers.jsonl" if workspace else None
        self._ledger = Ledger(self._file) if self._file else None
        self._progress = progress or (lambda label, done, total: None)

    def all(self, label: str, asks: Sequence[Ask], answer: Callable[[Ask], Said]) -> list[Said]:
        """The answer to each, in order.

        Raises:
            EngineError: five failed one after the other; what was answered is kept.
        """
        done = {ask.key: said for ask in asks if (said := self._kept(ask)) is not None}
        left = [ask for ask in dict.fromkeys(asks) if ask.key not in done]
        failed = 0
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            futures = {pool.submit(_timed, answer, ask): ask for ask in left}
            try:
                for future in as_completed(futures):
                    said = done[futures[future].key] = future.result()
                    self._keep(futures[future], said)
                    failed = failed + 1 if is_of_engine(said) else 0
                    self._require_alive(failed, said)
                    self._progress(label, len(done), len(asks))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [done[ask.key] for ask in asks]

    def finish(self) -> None:
        """The run is whole: the next one asks anew."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _kept(self, ask: Ask) -> Said | None:
        if self._ledger is None or ask.key not in self._ledger:
            return None
        row = self._ledger.rows[ask.key]
        ending: Came = "denied" if row["ending"] == "denied" else "told"
        text, detail, seconds = str(row["text"]), str(row["detail"]), float(row["seconds"])
        return Said(ask.path, ask.agent, ask.prompt, text, ending, detail, seconds)

    def _keep(self, ask: Ask, said: Said) -> None:
        if self._ledger is not None and said.ending != "failed":
            row = {"text": said.text, "ending": said.ending, "detail": said.detail, "seconds": round(said.seconds, 3)}
            self._ledger.append(ask.key, row, sync=False)

    def _require_alive(self, failed: int, said: Said) -> None:
        if failed >= _IN_A_ROW:
            raise EngineError(
                f"{failed} attempts failed one after the other, the last with: {said.detail or 'no reason given'}.",
                element=f"leaks.{said.path}",
                remedy="Mend that and run the same command again: what was answered is kept, the rest is tried again.",
            )


def _timed(answer: Callable[[Ask], Said], ask: Ask) -> Said:
    began = perf_counter()
    try:
        said = answer(ask)
    except AllotmentError as error:
        detail = f"{type(error).__name__}: {error}"
        said = Said(ask.path, ask.agent, ask.prompt, ending=ending_of(error), detail=detail)
    return Said(said.path, said.agent, said.prompt, said.text, said.ending, said.detail, perf_counter() - began)


def ending_of(error: AllotmentError) -> Came:
    """What an error is: a no for whoever asked, or no answer, as where a limit is reached or nothing is sound."""
    open_ = LimitReached | SqlTimedOut | ManifestError | HeldBack
    return "denied" if isinstance(error, PolicyError) and not isinstance(error, open_) else "failed"


def is_of_engine(said: Said) -> bool:
    """Whether an attempt failed by what may work the next time, as an engine that is gone; an agent stays unready."""
    return said.ending == "failed" and said.detail.partition(":")[0] not in _NOT_READY
