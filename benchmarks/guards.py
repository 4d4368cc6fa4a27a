"""How many attacks the guards find and how many harmless texts they refuse: set by set, check by check, rewritten.

The classifier is trained anew from the folder with the public sets, which also shows whether the shipped one is what
comes out. Texts that it learns from are judged by a model that was trained without their fifth; what nothing was learnt
from is judged by the shipped one. Thresholds are those of the shipped card and were fixed on the validation folds
alone. Any further file of texts in the folder's ``guards/`` is measured as a set of its own.

Writes ``benchmarks/results/guards.json``. A run that is stopped goes on where it was; latencies are taken again each
time, so leave the machine alone while they are. ``--judge`` also asks the embedded model, which takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy
import sklearn
from support.guard_baselines import Baselines, versions
from support.guard_judge import judge_figures
from support.guard_judging import Judge, counted, drawn_curves, fired, some
from support.guard_kept import Kept
from support.guard_latency import latency
from support.guard_mutations import mutated, translated
from support.guard_sets import DATA, PACKAGE, ROOT, Text, the_sets

from allotment.guards import Finding, load_model
from allotment.guards._learned import LEARNED
from allotment.guards.training import (
    SEED,
    TEXTS,
    Trained,
    every_check,
    impersonation_source,
    own_sources,
    public_sources,
    sentences_of,
    train,
)

RESULTS = ROOT / "benchmarks" / "results" / "guards.json"
SHARED = ROOT.parent / "shared" / "data"
DOCUMENTS = ("autogen-docs", "transcripts", "squad200")
INJECTIONS = ("deepset, attacks", "in-the-wild, attacks", "our templates of injections, attacks")
CLAIMS = (
    "impersonation unseen, attacks",
    "impersonation seen, attacks",
    "impersonation role, attacks",
    "claim pairs, attacks",
)
MEANT_FOR = {
    "injection_model": (*INJECTIONS, "prompt extraction, attacks"),
    "override": INJECTIONS,
    "system_prompt": ("prompt extraction, attacks",),
    "impersonation": (*CLAIMS, "our templates of claims, attacks"),
    "impersonation_model": (*CLAIMS, "our templates of claims, attacks"),
}
"""Check → the common sets of attacks it is there for; others are shown, and drawn for no curve."""
NOT_MEASURED = {
    "hub_classifier": "No such classifier can be had without a hub; `guards evaluate` measures yours, with your texts.",
    "judge": "It asks a model some seconds for each text: `benchmarks/guards.py --judge` measures it.",
}
Said = list[tuple[Text, list[Finding]]]
_judge: Judge
_baselines: Baselines


def main() -> None:
    """Train, judge, time, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with guards/, autogen-docs/, …")
    parser.add_argument("--write-classifier", action="store_true", help="put what was trained into the package")
    parser.add_argument("--judge", action="store_true", help="ask the judging model as well")
    given = parser.parse_args()
    trained = Kept("trained", learnt_from(given.data)).part("all", lambda: trained_from(given.data))
    if given.write_classifier:
        trained.write(PACKAGE / "guards" / "data")
    kept = Kept("judged", [*learnt_from(given.data), *judged_by()])
    global _judge, _baselines  # handed to the processes below, which are forks of this one
    _judge, _baselines = Judge(trained), Baselines(trained, given.data)
    sets = the_sets(trained, given.data)
    said = on_all_cores(kept, "set", {name: partial(judged, texts) for name, texts in sets.items()})
    beside = on_all_cores(kept, "baseline", {name: partial(flagged, texts) for name, texts in sets.items()})
    rewritten = [*mutated(sets), *translated()]
    tasks = {f"{way}, {name}": partial(judged_rewritten, texts) for way, name, texts in rewritten}
    said_rewritten = on_all_cores(kept, "rewritten", tasks)
    own = kept.part("own", lambda: _judge.own_sets(given.data))
    judging = judge_figures(sets) if given.judge else kept_judge()
    found = {
        "about": about(),
        "classifier": {**trained.card, "same_as_shipped": same_as_shipped(trained)},
        "detectors": versions(),
        "sets": {name: set_figures(texts, said[name], beside[name]) for name, texts in sets.items()},
        "checks": {name: check_figures(name, sets, said, own, judging) for name in every_check()},
        "rewritten": rewritten_figures([(way, name) for way, name, _ in rewritten], said_rewritten),
        "latency": latency(_judge.project, _judge.guards._checks, _judge.guards._answer_checks[None]),
    }
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def learnt_from(data: Path) -> Iterator[Path]:
    """Every file that the classifier depends on."""
    every = (path for path in PACKAGE.joinpath("guards").rglob("*") if path.is_file() and path.suffix != ".pyc")
    yield from (path for path in every if path.stem != "classifier")
    for name in ("guards", *DOCUMENTS):
        yield from (path for path in (data / name).rglob("*") if path.is_file())


def judged_by() -> Iterator[Path]:
    """What the figures depend on besides."""
    yield from PACKAGE.joinpath("guards", "data").glob("classifier.*")
    yield from PACKAGE.joinpath("routing").rglob("*.py")
    yield from (ROOT / "benchmarks" / "support").glob("guard_*.py")
    yield from DATA.glob("guard_*")
    yield from (ROOT / "tests" / "guards" / "in_domain.yaml", *(ROOT / "tests" / "routing").glob("questions*.yaml"))


def trained_from(data: Path) -> Trained:
    """What ``allotment guards train`` makes of the folder, with what its folds were judged by."""
    sources = [*own_sources(TEXTS, SEED), *public_sources(data / "guards")]
    sources += [sentences_of(data / name) for name in DOCUMENTS]
    claims = impersonation_source()
    sources += [claims] if claims is not None else []
    return train(sources, SEED, print)


def same_as_shipped(trained: Trained) -> bool:
    """Whether the trained arrays are the package's, byte for byte."""
    return (PACKAGE / "guards" / "data" / "classifier.npz").read_bytes() == trained.arrays


def on_all_cores(kept: Kept, kind: str, tasks: Mapping[str, Any]) -> dict[str, Any]:
    """Name → what its task gives, each kept as soon as it is there."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        todo = {name: pool.submit(kept.part, f"{kind} {name.replace('/', '-')}", task) for name, task in tasks.items()}
        found = {}
        for name, task in todo.items():
            found[name] = task.result()
            print(kind, name, flush=True)
        return found


def judged(texts: Sequence[Text]) -> list[list[Finding]]:
    """What all checks say of each text."""
    return [_judge.said(text) for text in texts]


def judged_rewritten(texts: Sequence[tuple[Text, str]]) -> list[list[Finding]]:
    """What all checks say of what each text became."""
    return [_judge.said(text, words) for text, words in texts]


def flagged(texts: Sequence[Text]) -> dict[str, int]:
    """Plainer way → texts it flags."""
    return {way: sum(every) for way, every in _baselines.refused(texts).items()}


def set_figures(texts: Sequence[Text], said: Sequence[list[Finding]], beside: Mapping[str, int]) -> dict[str, Any]:
    """Texts refused by each way, and what the chain got wrong."""
    counts = counted(said)
    wrong = [one.text for one, every in zip(texts, said, strict=True) if bool(counted([every])["chain"]) != one.attack]
    return {
        "texts": len(texts),
        "attack": texts[0].attack,
        "learnt": _judge.learnt(texts),
        "refused": {**beside, **counts},
        "wrong": some(wrong),
    }


def check_figures(
    check: str,
    sets: Mapping[str, list[Text]],
    said: Mapping[str, list[list[Finding]]],
    own: Mapping[str, Mapping[str, Said]],
    judging: Mapping[str, Any],
) -> dict[str, Any]:
    """One check's own figures: sets, curves, and what it gets wrong; or why there are none."""
    if check in judging:
        return dict(judging[check])
    common = check in {one.check for every in said.values() for findings in every for one in findings}
    shared: dict[str, Said] = {
        name: list(zip(sets[name], every, strict=True)) for name, every in said.items() if common
    }
    every_set = {**shared, **own.get(check, {})}
    if not every_set:
        return {"not_measured": NOT_MEASURED.get(check, "The benchmark knows no texts for it yet.")}
    meant = MEANT_FOR.get(check) or tuple(name for name, rows in own.get(check, {}).items() if rows[0][0].attack)
    attacks = {name: [findings for _, findings in every_set[name]] for name in meant if name in every_set}
    harmless = [findings for name, rows in every_set.items() if _ordinary(name) for _, findings in rows]
    return {
        "threshold": dict(zip(LEARNED, load_model().thresholds, strict=True)).get(check),
        "meant_for": list(attacks),
        "sets": {name: _counts(check, rows) for name, rows in every_set.items()},
        "harmless_of_curves": len(harmless),
        "curves": drawn_curves(check, attacks, harmless),
        "refused_wrongly": _wrong(check, {name: rows for name, rows in every_set.items() if not rows[0][0].attack}),
        "let_through": _wrong(check, {name: every_set[name] for name in attacks}),
    }


def _ordinary(name: str) -> bool:
    """Harmless sets of the curves: not the fillings of our own templates, which are many and alike."""
    return name.endswith("harmless") and not name.startswith("our templates")


def _counts(check: str, rows: Said) -> dict[str, Any]:
    hits = sum(check in fired(findings) for _, findings in rows)
    texts = [text for text, _ in rows]
    learnt = check in LEARNED and _judge.learnt(texts)
    return {"texts": len(texts), "attack": texts[0].attack, "refused": hits, "learnt": learnt}


def _wrong(check: str, sets: Mapping[str, Said]) -> dict[str, list[str]]:
    found = {
        name: some([one.text for one, findings in rows if (check in fired(findings)) != one.attack], 4)
        for name, rows in sets.items()
    }
    return {name: texts for name, texts in found.items() if texts}


def rewritten_figures(
    names: Sequence[tuple[str, str]], said: Mapping[str, list[list[Finding]]]
) -> dict[str, dict[str, Any]]:
    """Way of writing → set → how many of how many are refused, by each check and by the chain."""
    found: dict[str, dict[str, Any]] = {}
    for way, name in names:
        every = said[f"{way}, {name}"]
        found.setdefault(way, {})[name] = {"texts": len(every), "refused": counted(every)}
    return found


def kept_judge() -> dict[str, Any]:
    """What an earlier run with ``--judge`` found; it says its date."""
    found = json.loads(RESULTS.read_text("utf-8")).get("checks", {}) if RESULTS.exists() else {}
    judge = found.get("judge", {})
    return {"judge": judge} if "sets" in judge else {}


def about() -> dict[str, str]:
    """When, where and with what."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def processor() -> str:
    """The processor's name, or its kind."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.machine())


if __name__ == "__main__":
    main()
