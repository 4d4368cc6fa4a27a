"""What the embedded teacher's datasets are worth: what is accepted, how varied it is, and what a model learns from it.

Two corpora: passages of ``squad200`` (their own human questions measure recall as well) and pages of ``autogen-docs``.
From one dataset of each, four mixtures are trained with the same number of tokens and several seeds: the raw text,
questions alone, questions with paraphrases (and backwards), and all four forms. Recall is closed-book. Generation and
every finished training are kept in ``--work``, so a run that was stopped goes on. Writes
``benchmarks/results/dataset_quality.json``, by the number of tokens.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from allotment.access import Policy, Principal, Request
from allotment.agents import recite
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.dataset import Item, generate, load_items, stats
from allotment.dataset._facts import find_facts
from allotment.dataset._items import item_row
from allotment.documents import ingest, load_sections
from allotment.evaluation import EVALUATION_USER, is_right, wilson_interval
from allotment.models import Engines, Message, open_client, pull, template_of
from allotment.project import Project, load_project
from allotment.training import UNGATED, Manifest, run
from allotment.workspace import Workspace, write_jsonl

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
PAGES = (
    "core-user-guide/core-concepts/agent-identity-and-lifecycle.md",
    "core-user-guide/core-concepts/architecture.md",
    "core-user-guide/core-concepts/application-stack.md",
)
DECLARATION = """
name: Quality
roles: {{reader: reads everything}}
documents: {{all: {{path: documents, readers: [reader]}}}}
agents: {{all: {{description: everything, roles: [reader], documents: [all]}}}}
dataset:
  {{questions: {questions}, rounds: 1, paraphrases: 4, rewrites: [summary, explanation, dialogue],
  text: true, personas: false, unknown_share: 0, general_share: 0}}
training: {{epochs: 1, target_loss: 0, probe_steps: 0, seed: {seed}}}
"""
FORMS: dict[str, frozenset[str]] = {
    "raw text": frozenset({"text"}),
    "questions": frozenset({"question"}),
    "questions and paraphrases": frozenset({"question", "paraphrase", "reverse"}),
    "all four forms": frozenset({"question", "paraphrase", "reverse", "rewrite", "text"}),
}
GOLD = "gold-"
_WORD = re.compile(r"\w+|[^\w\s]")


def main() -> None:
    """Run what is not done yet and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE.parent / "test-results" / "dataset_quality")
    parser.add_argument("--corpora", nargs="+", choices=("squad", "autogen"), default=["squad", "autogen"])
    parser.add_argument("--passages", type=int, default=8, help="passages of squad200")
    parser.add_argument("--questions", type=int, default=4, help="facts asked of a section")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=20_000, help="tokens trained on by every mixture")
    parser.add_argument("--only-generate", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: there is no folder {DATA}")
        return
    found = {name: measure(name, options) for name in options.corpora}
    if options.only_generate:
        return
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "tokens": options.tokens,
        "seeds": options.seeds,
        "corpora": found,
    }
    target = HERE / "results" / "dataset_quality.json"
    kept = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    kept[str(options.tokens)] = figures
    target.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(figures)


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of one corpus."""
    root = options.work / name
    project, workspace = prepare(name, root, options)
    for model in {project.models.teacher, project.models.base}:
        pull(model)
    with Engines() as engines:
        generate(project, workspace, "all", open_client(project.models.teacher, engines), say)
    items = load_items(workspace, "all")
    print(name, json.dumps(asdict(stats(workspace, "all"))), flush=True)
    if options.only_generate:
        return {}
    asked = [item for item in items if item.split == "held_out"] + gold(name, items, options.passages)
    results: dict[str, list[dict[str, Any]]] = {form: [] for form in FORMS}
    for seed in range(1, options.seeds + 1):
        for form, kinds in FORMS.items():
            trained = [item for item in items if item.split == "train" and item.kind in kinds]
            results[form].append(train_and_ask(root, form, seed, trained, asked, options))
    return {
        "dataset": asdict(stats(workspace, "all")),
        "variety": variety(items),
        "coverage": coverage(workspace, items),
        "recall": {form: summary(runs) for form, runs in results.items()},
        "runs": results,
    }


def prepare(name: str, root: Path, options: argparse.Namespace) -> tuple[Project, Workspace]:
    """The corpus as a project."""
    documents = root / "documents"
    if not documents.exists():
        documents.mkdir(parents=True)
        write = write_squad if name == "squad" else write_autogen
        write(documents, options.passages)
        declaration = DECLARATION.format(questions=options.questions, seed=1)
        (root / "allotment.yaml").write_text(declaration, encoding="utf-8")
    project, workspace = load_project(root), Workspace(root)
    ingest(project, workspace)
    return project, workspace


def passages(count: int) -> list[dict[str, Any]]:
    """Passages of different articles, so that no question is about two of them."""
    rows = json.loads((DATA / "squad200" / "squad200.json").read_text(encoding="utf-8"))
    return list({row["title"]: row for row in reversed(rows)}.values())[:count]


def write_squad(folder: Path, count: int) -> None:
    """One document for each passage."""
    for number, row in enumerate(passages(count)):
        title = row["title"].replace("_", " ")
        (folder / f"{number:03}.md").write_text(f"# {title}\n\n{row['context']}\n", encoding="utf-8")


def write_autogen(folder: Path, _count: int) -> None:
    """A few pages that are prose."""
    for page in PAGES:
        shutil.copy(DATA / "autogen-docs" / page, folder / Path(page).name)


def gold(name: str, items: Sequence[Item], count: int) -> list[Item]:
    """The human questions about the passages, where the corpus has any."""
    if name != "squad":
        return []
    found = []
    for number, row in enumerate(passages(count)):
        parent = next((item for item in items if item.document == f"documents/{number:03}.md"), None)
        for place, asked in enumerate(row["questions"]):
            if parent is not None:
                question, answer = asked["question"], answer_of(asked)
                key = f"{GOLD}{number}-{place}"
                found.append(replace(parent, id=key, group=key, question=question, answer=answer, value=answer))
    return found


def answer_of(asked: dict[str, Any]) -> str:
    """The shortest answer people marked."""
    marked = asked.get("answers", asked.get("answer"))
    texts = marked["text"] if isinstance(marked, dict) else marked
    texts = [texts] if isinstance(texts, str) else [t["text"] if isinstance(t, dict) else t for t in texts]
    return min(texts, key=len)


def train_and_ask(
    root: Path, form: str, seed: int, trained: Sequence[Item], asked: Sequence[Item], options: argparse.Namespace
) -> dict[str, Any]:
    """One training with a fixed number of tokens, and closed-book answers; kept when it is done."""
    folder = root / "runs" / f"{options.tokens}-{form.replace(' ', '-')}-{seed}"
    result = folder / "result.json"
    if result.exists():
        return json.loads(result.read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, ignore=shutil.ignore_patterns("runs"))
    declaration = DECLARATION.format(questions=options.questions, seed=seed)
    (folder / "allotment.yaml").write_text(declaration, encoding="utf-8")
    project, workspace = load_project(folder), Workspace(folder)
    chosen = with_budget(trained, options.tokens, seed)
    write_jsonl(workspace.dataset_dir("all") / "items.jsonl", (item_row(item) for item in chosen))
    manifest = run(project, workspace, "all", gate=UNGATED).manifest
    answers = closed_book(project, workspace, manifest, asked)
    figures = {
        "seed": seed,
        "items": len(trained),
        "examples": len(chosen),
        "tokens": manifest.measured["tokens"],
        "seconds": manifest.measured["seconds"],
        "loss": manifest.measured["final_loss"],
        "held_out": count_right([i for i in asked if not i.id.startswith(GOLD)], answers),
        "human": count_right([i for i in asked if i.id.startswith(GOLD)], answers),
    }
    result.write_text(json.dumps(figures), encoding="utf-8")
    shutil.rmtree(folder / ".allotment", ignore_errors=True)
    print(form, figures, flush=True)
    return figures


def with_budget(items: Sequence[Item], tokens: int, seed: int) -> list[Item]:
    """The items again and again, each time in another order, until they have so many tokens."""
    template, chance = template_of("gemma-3-270m"), random.Random(seed)
    chosen: list[Item] = []
    spent, turn = 0.0, 0
    while spent < tokens:
        for item in chance.sample(list(items), len(items)):
            if spent >= tokens:
                break
            messages = [Message("user", item.question), Message("assistant", item.answer)]
            spent += len(template.render(messages, add_generation_prompt=False)) / 4
            chosen.append(replace(item, id=f"{item.id}-{turn}"))
        turn += 1
    return chosen


def closed_book(project: Project, workspace: Workspace, manifest: Manifest, asked: Sequence[Item]) -> dict[str, str]:
    """Answers of the adapter, through a grant like everywhere else."""
    with Databases(project, workspace) as databases:
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        with log as audit, Engines() as engines:
            audit.migrate(databases.admin_dsn())
            request = Request("all", manifest.facts)
            grant = authorize(
                audit, Policy.of(project), Principal(EVALUATION_USER, "reader"), request, question="(benchmark)"
            )
            engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
            answers = {i.id: recite(engines, manifest, grant, i.question, max_tokens=64).text for i in asked}
        databases.stop()
        databases.server.remove()
    return answers


def count_right(asked: Sequence[Item], answers: dict[str, str]) -> dict[str, int]:
    """How many answers hold the value."""
    return {"right": sum(is_right(answers[item.id], item.value) for item in asked), "asked": len(asked)}


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares over the seeds: mean, range, and the interval of all answers together."""
    found: dict[str, Any] = {"examples": runs[0]["examples"], "tokens": runs[0]["tokens"]}
    for what in ("held_out", "human"):
        counts = [run[what] for run in runs if run[what]["asked"]]
        if counts:
            shares = [count["right"] / count["asked"] for count in counts]
            right, asked = sum(count["right"] for count in counts), sum(count["asked"] for count in counts)
            low, high = wilson_interval(right, asked)
            found[what] = {
                "mean": round(statistics.mean(shares), 3),
                "seeds": [round(share, 3) for share in shares],
                "interval": [round(low, 3), round(high, 3)],
                "asked": counts[0]["asked"],
            }
    return found


def variety(items: Sequence[Item]) -> dict[str, float]:
    """Self-BLEU of the questions (0 all different, 1 all the same) and the share that occurs twice."""
    questions = [item.question for item in items if item.is_fact]
    words = [_WORD.findall(question.casefold()) for question in questions]
    smooth = SmoothingFunction().method1
    drawn = random.Random(1).sample(range(len(words)), min(60, len(words)))
    scores = [sentence_bleu(words[:n] + words[n + 1 :], words[n], smoothing_function=smooth) for n in drawn]
    twice = sum(count - 1 for count in Counter(map(str.casefold, questions)).values())
    return {"self_bleu": round(statistics.mean(scores), 3), "duplicate_share": round(twice / len(questions), 3)}


def coverage(workspace: Workspace, items: Iterable[Item]) -> dict[str, Any]:
    """Facts that can be found without a model, and how many of them have items forwards and in both directions."""
    facts = {(section.id, fact.value) for section in load_sections(workspace) for fact in find_facts(section)}
    forwards = {(item.section_id, item.value) for item in items if item.kind == "question"}
    groups = {item.group: (item.section_id, item.value) for item in items if item.kind == "question"}
    backwards = {groups[item.group] for item in items if item.kind == "reverse" and item.group in groups}
    return {
        "facts": len(facts),
        "asked_forwards": len(facts & forwards),
        "asked_both_ways": len(facts & forwards & backwards),
    }


def show(figures: dict[str, Any]) -> None:
    """The table of recall."""
    for name, found in figures["corpora"].items():
        print(f"\n{name}: {found['variety']}, {found['coverage']}")
        for form, recall in found["recall"].items():
            told = {what: recall[what]["seeds"] for what in ("held_out", "human") if what in recall}
            print(f"  {form:28} {told}")


def say(label: str, done: int, total: int) -> None:
    """One line for each request."""
    print(f"{label}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
