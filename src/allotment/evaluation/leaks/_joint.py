"""The other comparison everybody uses: one adapter trained on all documents, whoever may read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from allotment.dataset import Item, load_items
from allotment.errors import DatasetError, InputError, MissingPartError, PolicyError, ProjectError
from allotment.evaluation.canaries import Canary, spread
from allotment.evaluation.leaks._compared import Compared, Said, compared, of_documents
from allotment.evaluation.leaks._joint_project import JOINT, joint_project
from allotment.evaluation.leaks._likelihood import Weights, run_worker
from allotment.models import Engines, Message, locate, template_of
from allotment.project import Project
from allotment.training import UNGATED, Manifest, run
from allotment.workspace import Ledger, Workspace, hash_json

Progress = Callable[[str, int, int], None]
_NAME, _TITLE = "leaks.joint", "One adapter trained on all documents"
_LABEL = "one adapter trained on everything"
_MAX_TOKENS = 48


def joint_adapter(
    project: Project,
    workspace: Workspace,
    engines: Engines,
    canaries: Sequence[Canary],
    *,
    limit: int,
    seed: int,
    progress: Progress | None = None,
) -> Compared:
    """Train one adapter on the datasets of all agents, and ask it every canary's question.

    It is trained once for the same datasets and settings, in a project of its own under ``evaluation/leaks/joint``,
    and a training that was stopped goes on there. An adapter does not know who asks it, so what it answers to one role
    it answers to all: each question is put once and counted for every role.

    Args:
        project: the project.
        workspace: its workspace.
        engines: not used. The adapter is never registered at an engine; the process that loads it asks it.
        canaries: what is asked for; those of tables are passed over.
        limit: most questions, evenly over reader sets.
        seed: draws which.
        progress: called with a label, steps done and in all.

    Returns:
        The matrix. If it cannot be trained it has no attempts, and the note says why.
    """
    told = of_documents(canaries)
    datasets, missing = _datasets(project, workspace)
    home = workspace.home / "evaluation" / "leaks" / "joint"
    try:
        with workspace.lock("evaluation-joint"):
            joint = joint_project(project, home, datasets)
            manifest = run(joint.project, joint.workspace, JOINT, progress, gate=UNGATED).manifest
            asked = spread(told, limit, seed)
            answers, seconds = _answers(manifest, asked, joint.project.root / "answers.jsonl", progress)
    except (MissingPartError, PolicyError, ProjectError, InputError) as error:
        return compared(_NAME, _TITLE, project, told, (), f"It could not be made: {error}", 0.0)
    said = [Said(role, one, one.question, answers[one.question]) for role in project.roles for one in asked]
    learnt = sum(item.split == "train" for items in datasets.values() for item in items)
    note = f"{manifest.base_model}, trained on {learnt} items of {len(datasets)} agents, asked as everybody.{missing}"
    return compared(_NAME, _TITLE, project, told, said, note, seconds)


def _datasets(project: Project, workspace: Workspace) -> tuple[dict[str, list[Item]], str]:
    """Items of every agent that has any, and a sentence on those that have none."""
    found: dict[str, list[Item]] = {}
    for agent in project.agents:
        try:
            found[agent] = load_items(workspace, agent)
        except DatasetError:
            continue
    missing = sorted(set(project.agents) - {agent for agent, items in found.items() if items})
    return found, f" No dataset yet: {', '.join(missing)}." if missing else ""


def _answers(
    manifest: Manifest, canaries: Sequence[Canary], file: Path, progress: Progress | None
) -> tuple[dict[str, str], float]:
    """Question → answer, and the seconds that answering took when it was asked."""
    ledger, questions = Ledger(file), list(dict.fromkeys(canary.question for canary in canaries))
    keys = {question: hash_json([manifest.adapter_sha256, question, _MAX_TOKENS]) for question in questions}
    new = [question for question in questions if keys[question] not in ledger]
    if new:
        template, started = template_of(manifest.base_model), perf_counter()
        prompts = [template.render([Message("user", question)], add_generation_prompt=True) for question in new]
        task = {"prompts": prompts, "stop": template.stop, "max_tokens": _MAX_TOKENS}
        weights = Weights.of(manifest, locate(manifest.base_model))
        told = run_worker(weights, task, progress=progress, label=_LABEL)["answers"]
        each = round((perf_counter() - started) / len(new), 3)
        for question, answer in zip(new, told, strict=True):
            ledger.append(keys[question], {"answer": answer, "seconds": each})
    rows = {question: ledger.rows[keys[question]] for question in questions}
    return {question: str(row["answer"]) for question, row in rows.items()}, sum(
        float(row["seconds"]) for row in rows.values()
    )
