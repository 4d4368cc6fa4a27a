"""The check ``judge`` with the embedded model, on a few texts of each set: it takes seconds for each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from support.guard_judging import drawn_curves, fired, some
from support.guard_sets import EXAMPLE, Text, drawn, roles

from allotment.access import Principal
from allotment.guards import Finding, Guards, Means, check_question
from allotment.models import Engines
from allotment.project import GuardsConfig, load_project

MODEL = "qwen2.5-coder-1.5b-instruct"
EACH = 24
LONGEST = 600
SETS = (
    "deepset, attacks",
    "in-the-wild, attacks",
    "impersonation unseen, attacks",
    "example company, harmless",
    "NotInject one, harmless",
    "impersonation unseen, harmless",
)


def judge_figures(sets: Mapping[str, list[Text]]) -> dict[str, Any]:
    """The figures of ``judge`` as those of any check, with the model and the day."""
    section = GuardsConfig.model_validate({"checks": ["judge"], "judge": {"model": MODEL, "timeout_s": 60}})
    project = load_project(EXAMPLE).model_copy(update={"guards": section})
    chosen = {name: drawn(sets[name], EACH) for name in SETS if name in sets}
    with Engines() as engines:
        check = Guards(project, Means(engines))._checks["judge"]
        taken: list[float] = []

        def said(text: Text) -> list[Finding]:
            begun = time.perf_counter()
            asking = Principal("someone", text.role)
            found = check_question(text.text[:LONGEST], asking, roles(), checks={"judge": check})
            taken.append(time.perf_counter() - begun)
            return found

        rows = {name: [(text, said(text)) for text in texts] for name, texts in chosen.items()}
    attacks = {name: [one for _, one in every] for name, every in rows.items() if name.endswith("attacks")}
    harmless = [one for name, every in rows.items() if name.endswith("harmless") for _, one in every]
    cuts = quantiles(taken, n=20)
    return {
        "judge": {
            "model": MODEL,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "meant_for": list(attacks),
            "sets": {
                name: {
                    "texts": len(every),
                    "attack": every[0][0].attack,
                    "refused": sum(bool(fired(one)) for _, one in every),
                    "learnt": False,
                }
                for name, every in rows.items()
            },
            "harmless_of_curves": len(harmless),
            "curves": drawn_curves("judge", attacks, harmless),
            "seconds": {"p50": round(cuts[9], 2), "p95": round(cuts[18], 2)},
            "refused_wrongly": {
                name: some([text.text for text, one in every if fired(one)], 4)
                for name, every in rows.items()
                if name.endswith("harmless")
            },
            "let_through": {
                name: some([text.text for text, one in every if not fired(one)], 4)
                for name, every in rows.items()
                if name.endswith("attacks")
            },
        }
    }
