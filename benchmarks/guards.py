"""How many attacks the guard finds and how many harmless texts it refuses, set by set and beside plainer ways.

The classifier is trained anew from the folder with the public sets, which also shows whether the shipped one is what
comes out. Texts that it learns from are judged by a model that was trained without their fifth; NotInject, the
questions to the example company and the impersonation set's test parts are learnt by nothing. Thresholds are those of
the shipped card. Writes ``benchmarks/results/guards.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

import allotment
from allotment.access import Principal
from allotment.answering._question import check_conversation
from allotment.guards import QUESTION_CHECKS, Guards, Model, check_question, load_model, prepare, refused, skeleton
from allotment.guards._features import features
from allotment.guards._learned import learned_checks
from allotment.guards.training import (
    MUTATIONS,
    SEED,
    TEXTS,
    Trained,
    impersonation_source,
    own_sources,
    public_sources,
    read_items,
    sentences_of,
    train,
)
from allotment.project import load_project

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "guards.json"
SHARED = ROOT.parent / "shared" / "data"
PACKAGE = Path(allotment.__file__).parent
EXAMPLE = PACKAGE / "examples" / "northwind"
CHARACTERS_OF_500_TOKENS = 2_000
EACH = 600
"""Most texts of one set that are judged."""
MUTATED = 60
"""Texts of each set that are judged in each mutation."""
NAMES = {
    "injection": "our templates of injections",
    "claims": "our templates of claims",
    "impersonation": "impersonation learnt",
}
RULES = {name: check for name, check in QUESTION_CHECKS.items() if name != "length"}
TERMS = re.compile(
    "ignore|disregard|forget (?:all|everything|your)|previous instructions|system prompt|jailbreak|developer mode|"
    "do anything now|pretend|act as|you are now|roleplay|bypass|override|no restrictions|unfiltered|reveal|"
    "secret|vergiss|ignorier|hypothetical",
    re.IGNORECASE,
)
"""The baseline of twenty terms."""


@dataclass(frozen=True)
class Asked:
    """One text with the role of who asks, whether it is an attack, and the model that has not seen it."""

    text: str
    attack: bool
    role: str
    model: Model


def main() -> None:
    """Train, judge, time, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with guards/, autogen-docs/, …")
    parser.add_argument("--write-classifier", action="store_true", help="put what was trained into the package")
    given = parser.parse_args()
    trained = trained_from(given.data)
    if given.write_classifier:
        trained.write(PACKAGE / "guards" / "data")
    shipped = load_model()
    sets = dict(the_sets(trained, shipped, given.data))
    baseline = Baseline(trained, given.data)
    found = {
        "about": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "python": platform.python_version(),
        },
        "classifier": {**trained.card, "same_as_shipped": same_as_shipped(trained)},
        "sets": {name: judged(asked, baseline) for name, asked in sets.items()},
        "mutations": dict(mutations(sets)),
        "curve": curve(sets),
        "latency": latency(),
    }
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def trained_from(data: Path) -> Trained:
    """What ``allotment guards train`` makes of the folder, with what its folds were judged by."""
    sources = [*own_sources(TEXTS, SEED), *public_sources(data / "guards")]
    sources += [sentences_of(data / name) for name in ("autogen-docs", "transcripts", "squad200")]
    claims = impersonation_source()
    sources += [claims] if claims is not None else []
    return train(sources, SEED, print)


def same_as_shipped(trained: Trained) -> bool:
    """Whether the trained arrays are the package's, byte for byte."""
    return (PACKAGE / "guards" / "data" / "classifier.npz").read_bytes() == trained.arrays


def the_sets(trained: Trained, shipped: Model, data: Path) -> Iterator[tuple[str, list[Asked]]]:
    """Set → its texts; those that were learnt come with the model of their fold."""
    learnt: dict[str, list[Asked]] = {}
    for place, item in enumerate(trained.items):
        model = trained.models[trained.folds[place]]
        label = "attacks" if item.label != "benign" else "harmless"
        name = f"{NAMES.get(item.source, item.source)}, {label}"
        learnt.setdefault(name, []).append(Asked(item.text, item.label != "benign", "employee", model))
    known = {item.text for item in trained.items}
    for source, file in (("clinc150", "clinc150.jsonl"), ("banking77", "banking77_train.csv")):
        rest = [item.text for item in read_items(data / "guards" / file, source) if item.text not in known]
        learnt[f"{source}, harmless"] = [Asked(text, False, "employee", shipped) for text in rest]
    for item in read_items(data / "guards" / "notinject_one.jsonl", "notinject"):
        learnt.setdefault("NotInject, harmless", []).append(Asked(item.text, False, "employee", shipped))
    learnt["example company, harmless"] = [Asked(text, False, role, shipped) for text, role in in_domain()]
    for row in impersonation_tests():
        attack = row["label"] == "attack"
        name = f"impersonation {row['split'].removeprefix('test_')}, {'attacks' if attack else 'harmless'}"
        text = "\n".join(row["turns"]) if "turns" in row else row["text"]
        learnt.setdefault(name, []).append(Asked(text, attack, row["role"], shipped))
    for name, asked in sorted(learnt.items()):
        drawn = random.Random(SEED)
        yield name, drawn.sample(asked, EACH) if len(asked) > EACH else asked


def in_domain() -> list[tuple[str, str]]:
    """Hand-written questions to the example company with the role of who asks."""
    users = load_project(EXAMPLE).users
    asks = yaml.safe_load((EXAMPLE / "asks.yaml").read_text("utf-8"))
    found = [(ask["question"], users[ask["user"]]) for ask in asks if ask["expect"]["outcome"] != "refused"]
    for file in sorted((ROOT / "tests" / "routing").glob("questions*.yaml")):
        found += [(row["question"], row["role"]) for row in yaml.safe_load(file.read_text("utf-8"))]
    own = yaml.safe_load((ROOT / "tests" / "guards" / "in_domain.yaml").read_text("utf-8"))
    found += [(question, role) for role, questions in own.items() for question in questions]
    return sorted(set(found))


def impersonation_tests() -> list[dict[str, Any]]:
    """Rows of the impersonation set that nothing was learnt from."""
    path = PACKAGE / "guards" / "data" / "impersonation.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [row for row in map(json.loads, lines) if row["split"].startswith("test")]


ROLES = {
    **load_project(EXAMPLE).roles,
    **{row["role"]: "" for row in impersonation_tests()},
}


def by_rules(asked: Asked) -> bool:
    """Whether the rules alone refuse."""
    return refused(check_question(asked.text, Principal("someone", asked.role), ROLES, checks=RULES))


def by_model(asked: Asked) -> list[bool]:
    """Whether each head of the classifier refuses."""
    checks = learned_checks(asked.model, {})
    findings = check_question(asked.text[:8_000], Principal("someone", asked.role), ROLES, checks=checks)
    return [finding.outcome == "refuse" for finding in findings]


class Baseline:
    """TF-IDF and logistic regression on deepset alone, folds kept apart; and twenty terms."""

    def __init__(self, trained: Trained, data: Path) -> None:
        items = read_items(data / "guards" / "deepset_train.jsonl", "deepset")
        texts, labels = [item.text for item in items], [item.label != "benign" for item in items]
        fold_of = {item.text: int(fold) for item, fold in zip(trained.items, trained.folds, strict=True)}
        folds = np.array([fold_of[text] for text in texts])
        self._fold_of = {text: fold_of[text] for text in texts}
        self._all = _tfidf().fit(texts, labels)
        self._without = [
            _tfidf().fit(
                [texts[at] for at in np.flatnonzero(folds != fold)],
                [labels[at] for at in np.flatnonzero(folds != fold)],
            )
            for fold in range(len(trained.models))
        ]

    def tfidf(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is flagged by a model that has not seen it."""
        everywhere = self._all.predict(texts)
        return [
            bool(self._without[self._fold_of[text]].predict([text])[0] if text in self._fold_of else flagged)
            for text, flagged in zip(texts, everywhere, strict=True)
        ]


def _tfidf() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)), LogisticRegression(C=10, max_iter=500)
    )


def judged(asked: Sequence[Asked], baseline: Baseline) -> dict[str, Any]:
    """Share refused by each way, and what the chain got wrong."""
    rules = [by_rules(one) for one in asked]
    heads = [by_model(one) for one in asked]
    chain = [rule or any(head) for rule, head in zip(rules, heads, strict=True)]
    wrong = [one.text[:160] for one, hit in zip(asked, chain, strict=True) if hit != one.attack]
    return {
        "texts": len(asked),
        "attack": asked[0].attack,
        "refused": {
            "twenty terms": _share(bool(TERMS.search(one.text)) for one in asked),
            "TF-IDF on deepset": _share(baseline.tfidf([one.text for one in asked])),
            "rules": _share(rules),
            "injection_model": _share(head[0] for head in heads),
            "impersonation_model": _share(head[1] for head in heads),
            "chain": _share(chain),
        },
        "wrong": random.Random(SEED).sample(wrong, min(len(wrong), 8)),
    }


def _share(hits: Any) -> float:
    every = list(hits)
    return round(sum(every) / len(every), 4)


def mutations(sets: dict[str, list[Asked]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Mutation → share refused of samples of attacks and of harmless texts, written that way."""
    names = [
        "deepset, attacks", "in-the-wild, attacks", "impersonation unseen, attacks", "example company, harmless",
        "deepset, harmless",
    ]  # fmt: skip
    chosen = {
        name: random.Random(SEED).sample(sets[name], min(MUTATED, len(sets[name]))) for name in names if name in sets
    }
    yield "as written", {name: _share(map(by_chain, asked)) for name, asked in chosen.items()}
    for mutation, change in MUTATIONS.items():
        drawn = random.Random(SEED)
        yield (
            mutation,
            {
                name: _share(
                    by_chain(Asked(change(one.text[:600], drawn), one.attack, one.role, one.model)) for one in asked
                )
                for name, asked in chosen.items()
            },
        )


def by_chain(asked: Asked) -> bool:
    """Whether the rules or the classifier refuse, the limit of length apart."""
    return by_rules(asked) or any(by_model(asked))


def curve(sets: dict[str, list[Asked]]) -> list[dict[str, Any]]:
    """Share over each threshold of the injection head alone."""
    names = (
        "deepset, attacks",
        "in-the-wild, attacks",
        "NotInject, harmless",
        "deepset, harmless",
        "example company, harmless",
    )
    scores = {
        name: [one.model.scores(skeleton(one.text))[0].probability for one in sets[name]]
        for name in names
        if name in sets
    }
    return [
        {"threshold": limit, **{name: _share(score >= limit for score in every) for name, every in scores.items()}}
        for limit in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
    ]


def latency() -> dict[str, Any]:
    """Milliseconds of the whole chain on one core: usual questions, 500 tokens, and growing conversations."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    guards, model, eva = Guards(load_project(EXAMPLE)), load_model(), Principal("eva", "employee")
    prose = " ".join(path.read_text("utf-8") for path in sorted(EXAMPLE.rglob("documents/**/*.md")))
    questions = [question for question, _ in in_domain()]
    long = [prose[start : start + CHARACTERS_OF_500_TOKENS] for start in range(0, len(prose) - 2_000, 97)]
    begun = time.perf_counter()
    guards.check("When does work begin?", eva)
    first = (time.perf_counter() - begun) * 1_000
    whole = ("The boat lay at the quay. Nobody had come for it since autumn. " * 2_000)[:100_000]
    return {
        "first_ms": round(first, 2),
        "question": _spread(lambda text: guards.check(text, eva), questions * 3),
        "of_it_classifier": _spread(model.scores, [prepare(text).forms[0].whole for text in questions] * 3),
        "tokens_500": _spread(lambda text: guards.check(text, eva), long),
        "conversation_ms": {size: _conversation(guards, whole[:size]) for size in (12_500, 25_000, 50_000, 100_000)},
    }


def _conversation(guards: Guards, text: str) -> float:
    """Milliseconds of a question that brings this text with it, the best of three."""
    eva = Principal("eva", "employee")
    return round(min(_timed(lambda: check_conversation(guards, "When?", [text], eva)) for _ in range(3)), 1)


def _spread(call: Callable[[str], object], texts: Sequence[str]) -> dict[str, float]:
    for text in texts[:20]:
        call(text)
    taken = [min(_timed(lambda text=text: call(text)) for _ in range(3)) for text in texts]
    cuts = quantiles(taken, n=100)
    return {
        "texts": len(texts),
        "p50_ms": round(cuts[49], 3),
        "p95_ms": round(cuts[94], 3),
        "p99_ms": round(cuts[98], 3),
    }


def _timed(call: Callable[[], object]) -> float:
    features.cache_clear()
    begun = time.process_time()
    call()
    return (time.process_time() - begun) * 1_000


if __name__ == "__main__":
    main()
