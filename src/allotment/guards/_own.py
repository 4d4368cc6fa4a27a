"""A company's own checks: found by entry point, and given a bounded time, since nothing is known about their code."""

from __future__ import annotations

import math
import threading
from contextvars import copy_context
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any, cast

from allotment.errors import ProjectError
from allotment.guards._finding import AnswerCheck, Check, Finding

GROUP = "allotment.guards"
"""Entry point group of checks of questions; an entry's name is the check's name in ``allotment.yaml``."""
ANSWER_GROUP = "allotment.answer_guards"
"""Entry point group of checks of answers."""
_AT_ONCE = 8
"""Calls of one check that may run at once; hung ones count, so a check that always hangs soon costs nothing more."""


def own_check(name: str, limit_s: float, threshold: float | None) -> Check:
    """The check of an installed package, called with a time limit and its finding looked over.

    Args:
        name: of the entry point.
        limit_s: seconds one call may take; a call that takes longer has refused.
        threshold: score from which a text is refused; none leaves the outcome to the check.

    Raises:
        ProjectError: no package brings such a check, it cannot be loaded, or two bring it.
    """
    return cast(Check, bounded(name, _loaded(name, GROUP, "guards.checks"), limit_s, threshold))


def own_answer_check(name: str, limit_s: float) -> AnswerCheck:
    """The same of answers; its own outcome counts."""
    return cast(AnswerCheck, bounded(name, _loaded(name, ANSWER_GROUP, "guards.answer_checks"), limit_s, None))


def bounded(name: str, check: Any, limit_s: float, threshold: float | None = None) -> _Bounded:
    """Any check with a time limit, its finding looked over; arguments as ``own_check`` has them."""
    return _Bounded(name, check, limit_s, threshold)


def _loaded(name: str, group: str, place: str) -> Any:
    found = list(entry_points(group=group, name=name))
    if len(found) != 1:
        every = ", ".join(sorted(entry.name for entry in entry_points(group=group))) or "none"
        raise ProjectError(
            f"there is no check {name!r}." if not found else f"{len(found)} packages bring a check {name!r}.",
            element=place,
            remedy=f"Entry points of the group {group} that are installed: {every}.",
        )
    try:
        check = found[0].load()
    except Exception as error:
        raise ProjectError(
            f"the check {name!r} cannot be loaded ({type(error).__name__}: {error}).",
            element=place,
            remedy=f"Mend {found[0].value}, or take it out.",
        ) from error
    if not callable(check):
        raise ProjectError(
            f"{found[0].value} is no function.", element=f"the check {name!r}", remedy="Name a function."
        )
    return check


class _Bounded:
    """One check in threads of its own: Python cannot end a call that hangs, but it need not wait for it."""

    def __init__(self, name: str, check: Any, limit_s: float, threshold: float | None) -> None:
        self._name = name
        self._check = check
        self._limit_s = limit_s
        self._threshold = threshold
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def __call__(self, text: Any, context: Any, /) -> Finding:
        if not self._places.acquire(timeout=self._limit_s):
            raise TimeoutError(f"{_AT_ONCE} calls of it have not come back")
        call = _Call(self._check, text, context, self._places)
        if not call.done.wait(self._limit_s):
            raise TimeoutError(f"it took longer than {self._limit_s:g} s")
        if call.error is not None:
            raise call.error
        return self._looked_over(call.finding)

    def _looked_over(self, finding: object) -> Finding:
        if not isinstance(finding, Finding) or finding.outcome not in ("allow", "refuse"):
            raise TypeError(f"it gave {finding!r}, which is no finding")
        if not (math.isfinite(finding.score) and 0 <= finding.score <= 1):
            raise ValueError(f"its score {finding.score!r} is not between 0 and 1")
        if self._threshold is None:
            return replace(finding, check=self._name)
        over = finding.score >= self._threshold
        return replace(finding, check=self._name, outcome="refuse" if over else "allow")


class _Call:
    """One running call; its place is free again when it returns, however late."""

    def __init__(self, check: Any, text: Any, context: Any, places: threading.BoundedSemaphore) -> None:
        self.done = threading.Event()
        self.finding: object = None
        self.error: Exception | None = None
        self._work = (check, text, context, places)
        run = copy_context().run  # so that what is no longer wanted is known in the thread too
        threading.Thread(target=run, args=(self._run,), daemon=True, name="own guard check").start()

    def _run(self) -> None:
        check, text, context, places = self._work
        try:
            self.finding = check(text, context)
        except Exception as error:
            self.error = error
        finally:
            places.release()
            self.done.set()
