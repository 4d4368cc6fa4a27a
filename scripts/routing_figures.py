"""The figures of docs/routing.md and of design/routing.md, from those ``benchmarks/routing.py`` kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "routing.json"
Figures = Mapping[str, Any]
_SETS = {
    "questions": "first part",
    "questions_second": "second part",
    "questions_unseen": "third part, written last, chose nothing",
}


def with_routing_figures(page: str) -> str:
    """A page with its figures between the marks it has, of ``public``, ``company``, ``sizes`` and ``tries``."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    parts = {"public": _public, "company": _company, "sizes": _sizes, "tries": _tries}
    for mark, text in parts.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
        before, found, rest = page.partition(begin)
        if found:
            page = f"{before}{begin}" + "\n".join(text(kept)) + f"\n{end}{rest.partition(end)[2]}"
    return page


def _public(kept: Figures) -> Iterator[str]:
    yield f"Measured with `benchmarks/routing.py` ({kept['date']}, {kept['machine']})."
    yield ""
    yield (
        "| CLINC150: 150 intents as agents | right | out-of-scope found while 3 % in scope are rejected | AUROC"
        " | at its own threshold: in scope rejected, out-of-scope found | fit |"
    )
    yield "|---|---|---|---|---|---|"
    for one in kept["clinc150"]:
        own = one["own_threshold"]
        at_own = (
            f"{_percent(own['inside_rejected'])}, {_percent(own['outside_found'])}" if own["outside_found"] else "none"
        )
        cells = (one["way"], *_quality(one), f"{one['auroc']:.3f}", at_own, f"{one['fit_s']:.0f} s")
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| banking77: 77 intents, ten-fold | right | lowest fold |"
    yield "|---|---|---|"
    for one in kept["banking77"]:
        yield f"| {one['way']} | {_percent(one['accuracy'])} | {_percent(one['lowest_fold'])} |"


def _company(kept: Figures) -> Iterator[str]:
    found = kept["company"]
    yield "| hand-written questions | numbers | right agent | and right means | rejected | nobody's found |"
    yield "|---|---|---|---|---|---|"
    for one in found["ways"]:
        shares = (one[name] for name in ("agent_right", "agent_and_means_right", "rejected", "outside_found"))
        cells = (f"{_SETS[one['questions']]} ({one['count']})", one["numbers"], *map(_percent, shares))
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Trained on {found['examples']} examples. Missed by the usual numbers (expected / came out):"
    yield ""
    for one in found["ways"]:
        if one["numbers"] == "usual numbers":
            yield from (f"- {missed}" for missed in one["missed"])


def _sizes(kept: Figures) -> Iterator[str]:
    yield "A route in milliseconds, half and 95 % of them at most:"
    yield ""
    yield "| agents of one role | questions each | learning them, processor | of a processor | by the clock |"
    yield "|---|---|---|---|---|"
    yield f"| the example company, its three roles with several | | | {_spread(kept['company'])} |"
    for one in kept["sizes"]:
        cells = (str(one["agents"]), str(one["questions_each"]), f"{one['build_s']:.2f} s", _spread(one))
        yield f"| {' | '.join(cells)} |"


def _spread(one: Figures) -> str:
    kinds = ("processor_", "")
    return " | ".join(f"{one[f'{kind}p50_ms']:.2f}, {one[f'{kind}p95_ms']:.2f}" for kind in kinds)


def _tries(kept: Figures) -> Iterator[str]:
    yield "| 50 intents of CLINC150 | right | out-of-scope found, 3 % in scope rejected | fit, processor |"
    yield "|---|---|---|---|"
    for one in kept["tries"]:
        yield f"| {one['way']} | {' | '.join(_quality(one))} | {one['fit_s']:.1f} s |"


def _quality(one: Figures) -> tuple[str, str]:
    return _percent(one["accuracy"]), _percent(one["outside_found_at_3_percent"])


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
