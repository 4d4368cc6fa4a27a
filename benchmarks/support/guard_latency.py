"""What the checks take of one core: each alone, all of them, and conversations that grow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import quantiles
from typing import Any

from support.guard_own_sets import answer_context
from support.guard_sets import EXAMPLE, in_domain

from allotment.access import Principal
from allotment.answering._question import check_conversation
from allotment.guards import Check, Context, Guards, prepare
from allotment.guards._features import features
from allotment.project import Project, load_project

CHARACTERS_OF_500_TOKENS = 2_000
EVA = Principal("eva", "employee")


def latency(project: Project, checks: Mapping[str, Check], answer_checks: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds of processor time of one core.

    Args:
        project: with every check that is timed alone.
        checks: those of questions.
        answer_checks: those of answers.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    load = round(os.getloadavg()[0], 2)
    guards = Guards(load_project(EXAMPLE))
    begun = time.perf_counter()
    guards.check("When does work begin?", EVA)
    first = (time.perf_counter() - begun) * 1_000
    questions, long = [question for question, _ in in_domain()], _long()
    whole = ("The boat lay at the quay. Nobody had come for it since autumn. " * 2_000)[:100_000]
    return {
        "load": load,
        "first_ms": round(first, 2),
        "question": _spread(lambda text: guards.check(text, EVA), questions * 3),
        "tokens_500": _spread(lambda text: guards.check(text, EVA), long),
        "conversation_ms": {size: _conversation(guards, whole[:size]) for size in (12_500, 25_000, 50_000, 100_000)},
        "checks": {
            "reading the text in all its forms": _both(prepare, questions, long),
            **{name: _of_question(check, project, questions, long) for name, check in checks.items()},
            **{
                f"{name} of answers": _both(lambda text, check=check: check(text, answer_context()), questions, long)
                for name, check in answer_checks.items()
            },
        },
    }


def _long() -> list[str]:
    prose = " ".join(path.read_text("utf-8") for path in sorted(EXAMPLE.rglob("documents/**/*.md")))
    starts = range(0, len(prose) - CHARACTERS_OF_500_TOKENS, 97)
    return [prose[start : start + CHARACTERS_OF_500_TOKENS] for start in starts]


def _of_question(check: Check, project: Project, questions: Sequence[str], long: Sequence[str]) -> dict[str, Any]:
    context = Context(EVA, project.roles)
    prepared = {text: prepare(text) for text in (*questions, *long)}
    return _both(lambda text: check(prepared[text], context), questions, long)


def _both(call: Callable[[str], object], questions: Sequence[str], long: Sequence[str]) -> dict[str, Any]:
    return {"question": _spread(call, questions), "tokens_500": _spread(call, long)}


def _conversation(guards: Guards, text: str) -> float:
    """Milliseconds of a question that brings this text with it, the best of three."""
    return round(min(_timed(lambda: check_conversation(guards, "When?", [text], EVA)) for _ in range(3)), 1)


def _spread(call: Callable[[str], object], texts: Sequence[str]) -> dict[str, float]:
    for text in texts[:20]:
        call(text)
    taken = [min(_timed(lambda text=text: call(text)) for _ in range(3)) for text in texts]
    cuts = quantiles(taken, n=100)
    return {
        "texts": len(texts),
        "p50_ms": round(cuts[49], 4),
        "p95_ms": round(cuts[94], 4),
        "p99_ms": round(cuts[98], 4),
    }


def _timed(call: Callable[[], object]) -> float:
    features.cache_clear()
    begun = time.process_time()
    call()
    return (time.process_time() - begun) * 1_000
