"""How well and how fast the router finds the agent, beside the nearest-neighbour router before it and a plain baseline.

Three sets: the 150 intents of CLINC150 as agents, with questions that are nobody's; the 77 intents of banking77 by
ten-fold cross-validation; and the example company, trained on questions the dataset step generated and tested on
hand-written ones, of which the third part was written last and chose nothing. The public sets are read from
``../shared/data/guards`` (or the folder given). Writes ``benchmarks/results/routing.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from support.routing_ways import (
    Answers,
    Way,
    examples_of,
    logistic_regression,
    nearest_neighbours,
    processor_time,
    router,
    tries,
)

import allotment
from allotment.access import Policy, Principal
from allotment.access._policy import AgentRule
from allotment.project import load_project
from allotment.routing import Asked, Candidate, Router, Trained, account_examples, evaluate_router

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).parents[2] / "shared" / "data" / "guards"
QUESTIONS = Path(__file__).parents[1] / "tests" / "routing"
COMPANY = Path(allotment.__file__).parent / "examples" / "northwind"
PARTS = ("questions", "questions_second", "questions_unseen")
REJECTED = 0.03
FOLDS = 10
TIMED = 500
WARM_UP = 20
TRIED = 3
"""Everything else that was tried is measured on each third intent, 50 of them."""
SEED = 7


def clinc(folder: Path, ways: Sequence[Way], every: int = 1) -> list[dict[str, Any]]:
    """Each way on CLINC150: trained on its training questions, measured on its validation questions.

    ``every``: which of the intents in the order of the alphabet, all of them or each third.
    """
    rows = [json.loads(line) for line in (folder / "clinc150.jsonl").read_text(encoding="utf-8").splitlines()]
    intents = {*sorted({row["intent"] for row in rows if row["split"] == "train"})[::every], "oos"}
    rows = [row for row in rows if row["intent"] in intents]
    part = {name: [row for row in rows if row["split"] == name] for name in ("train", "val", "oos_train", "oos_val")}
    texts = {name: [row["text"] for row in some] for name, some in part.items()}
    known, wanted = ([row["intent"] for row in part[name]] for name in ("train", "val"))
    found = []
    for way in ways:
        seconds: dict[str, float] = {}
        with processor_time(seconds, "fit_s"):
            ask = way.fit(texts["train"], known, texts["oos_train"])
        with processor_time(seconds, "ask_s"):
            inside, outside = ask(texts["val"]), ask(texts["oos_val"])
        found.append({"way": way.name, **_scored(inside, outside, wanted), **seconds})
        print(json.dumps(found[-1]), flush=True)
    return found


def _scored(inside: Answers, outside: Answers, wanted: Sequence[str]) -> dict[str, Any]:
    right = [got == label for got, label in zip(inside.labels, wanted, strict=True)]
    cut = float(np.quantile(inside.ours, REJECTED, method="lower"))  # below it are at most 3 % of the questions inside
    truth = [1] * len(inside.ours) + [0] * len(outside.ours)
    return {
        "accuracy": round(float(np.mean(right)), 4),
        "outside_found_at_3_percent": round(float(np.mean([one < cut for one in outside.ours])), 4),
        "auroc": round(float(roc_auc_score(truth, [*inside.ours, *outside.ours])), 4),
        "own_threshold": {
            "right_and_not_rejected": _mean(ok and not gone for ok, gone in zip(right, inside.rejected, strict=True)),
            "inside_rejected": _mean(inside.rejected),
            "outside_found": _mean(outside.rejected),
        },
    }


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)


def banking(folder: Path, ways: Sequence[Way]) -> list[dict[str, Any]]:
    """Each way on banking77's training questions, ten-fold."""
    with (folder / "banking77_train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts, labels = ([row[name] for row in rows] for name in ("text", "category"))
    found = []
    for way in ways:
        shares = []
        for learnt, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, labels):
            ask = way.fit([texts[row] for row in learnt], [labels[row] for row in learnt], [])
            got = ask([texts[row] for row in asked]).labels
            shares.append(float(np.mean([one == labels[row] for one, row in zip(got, asked, strict=True)])))
        found.append({"way": way.name, "accuracy": _mean(shares), "lowest_fold": round(min(shares), 4)})
        print(json.dumps(found[-1]), flush=True)
    return found


def company() -> dict[str, Any]:
    """The example company's router on hand-written questions, by the usual numbers and by fitted ones."""
    project = load_project(COMPANY)
    policy = Policy.of(project)
    examples = _company_examples()
    descriptions = {name: agent.description for name, agent in project.agents.items()}
    usual = Router(policy, examples, descriptions)
    sets = {policy.entitled(role) for role in project.roles}
    fitted: list[Trained] = [
        one for agents in sorted(sets) if len(agents) > 1 and (one := usual.train(agents)) is not None
    ]
    trained = Router(policy, examples, descriptions, trained=fitted)
    report: dict[str, Any] = {"examples": sum(len(texts) for texts in examples.values()), "ways": []}
    for name in PARTS:
        asked = _hand_written(name)
        for way, made in (("usual numbers", usual), ("fitted numbers", trained)):
            found = evaluate_router(made, policy, asked, fitted)
            row = {"questions": name, "numbers": way, "count": found.questions, "agent_right": found.agent_right}
            row |= {"agent_and_means_right": found.right, "rejected": found.rejected}
            report["ways"].append(row | {"outside_found": found.outside_found, "missed": _misses(found.missed)})
    every = [one for name in PARTS for one in _hand_written(name)] * 5
    return report | {"timed": len(every), **_speed(usual, [(one.text, one.role) for one in every])}


def _misses(missed: Sequence[Any]) -> list[str]:
    return [f"{one.question.role}: {one.question.text} ({one.question.agent} / {one.got})" for one in missed]


def _company_examples() -> dict[Candidate, list[str]]:
    project = load_project(COMPANY)
    examples: dict[Candidate, list[str]] = {}
    for name, agent in project.agents.items():
        lines = (QUESTIONS / "items" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        learnt = [row for row in map(json.loads, lines) if row["split"] == "train"]
        examples[name, "adapter"] = [*(row["question"] for row in learnt), *sorted({row["answer"] for row in learnt})]
        if agent.account is not None:
            examples[name, "account"] = account_examples(project.accounts[agent.account])
    return examples


def _hand_written(name: str) -> list[Asked]:
    """As the roles that have more than one agent: the others' are not looked for."""
    rows = yaml.safe_load((QUESTIONS / f"{name}.yaml").read_text(encoding="utf-8"))
    asked = [Asked(row["question"], row["role"], row["agent"], row["means"]) for row in rows]
    return [one for one in asked if one.agent is not None or one.role != "employee"]


def sizes(folder: Path) -> list[dict[str, Any]]:
    """Building and asking, for more agents than the example company has."""
    rows = [json.loads(line) for line in (folder / "clinc150.jsonl").read_text(encoding="utf-8").splitlines()]
    intents = sorted({row["intent"] for row in rows if row["split"] == "train"})
    asked = [row["text"] for row in rows if row["split"] == "val"][:: 3000 // TIMED]
    found = []
    for agents, each in ((4, 200), (20, 500), (150, 100)):
        part = {intent: f"agent{number % agents:03d}" for number, intent in enumerate(intents)}
        grouped = examples_of(
            *zip(*((r["text"], part[r["intent"]]) for r in rows if r["split"] == "train"), strict=True)
        )
        examples = {owner: texts[:each] for owner, texts in grouped.items()}
        found.append({"agents": agents, "questions_each": each, **_at_size(examples, asked)})
        print(json.dumps(found[-1]), flush=True)
    return found


def _at_size(examples: dict[Candidate, tuple[str, ...]], asked: Sequence[str]) -> dict[str, Any]:
    """One role that is entitled to all of them."""
    everybody = frozenset({"all"})
    policy = Policy(everybody, {name: AgentRule(name, everybody, everybody, None) for name, _ in examples}, {})
    made = Router(policy, examples, {})
    seconds: dict[str, float] = {}
    with processor_time(seconds, "build_s"):
        made.make_all()
    return {**seconds, **_speed(made, [(question, "all") for question in asked])}


def _speed(made: Router, asked: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Wall and processor milliseconds of a route; the first ones are not counted."""
    wall, processor = [], []
    for question, role in [*asked[:WARM_UP], *asked]:
        begin, spent = time.perf_counter(), time.thread_time()
        made.route(question, Principal("somebody", role))
        wall.append(1000 * (time.perf_counter() - begin))
        processor.append(1000 * (time.thread_time() - spent))
    found = {"": wall[WARM_UP:], "processor_": processor[WARM_UP:]}
    return {
        f"{kind}p{share}_ms": round(float(np.quantile(times, share / 100)), 3)
        for kind, times in found.items()
        for share in (50, 95)
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument(
        "--tries", action="store_true", help="also everything else that was tried, on a third of CLINC150"
    )
    parser.add_argument("--only", nargs="+", help="measure these parts, and keep the others as they are")
    arguments = parser.parse_args()
    kept = RESULTS / "routing.json"
    ours = [router(calibrate=True), nearest_neighbours(), logistic_regression()]
    usual = [replace(router(calibrate=False), name="router, usual numbers")]
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} processor cores, {platform.system()}, Python {platform.python_version()}",
        "waiting_for_a_core": round(os.getloadavg()[0], 1),
    }
    parts: dict[str, Callable[[], Any]] = {
        "company": company,
        "sizes": lambda: sizes(arguments.folder),
        "clinc150": lambda: clinc(arguments.folder, [*ours, *usual]),
        "banking77": lambda: banking(arguments.folder, [*usual, *ours[1:]]),
        "tries": lambda: (
            clinc(arguments.folder, [*usual, *ours[1:], *tries()], TRIED)
            if arguments.tries
            else before.get("tries", [])
        ),
    }
    RESULTS.mkdir(exist_ok=True)
    for name, measure in parts.items():
        if arguments.only and name not in arguments.only:
            continue
        report[name] = measure()
        kept.write_text(json.dumps({**before, **report}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
