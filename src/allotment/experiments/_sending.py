"""What leaves this machine when runs go elsewhere: listed before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from allotment.dataset import load_items
from allotment.experiments._planning import Experiment, project_of, questions_of
from allotment.experiments._render import Base, SentFile
from allotment.models import locate, template_of
from allotment.project import Project, TrainingConfig
from allotment.training._examples import examples_of
from allotment.training._mix import training_items
from allotment.training._spec import EXAMPLES_FILE, VALIDATION_FILE
from allotment.workspace import Workspace


def files_to_send(project: Project, workspace: Workspace, experiment: Experiment) -> Sequence[SentFile]:
    """Every kind of file, with the size of the largest run's; empty where runs stay on this machine or its cluster.

    The agent's dataset goes, in the words it is trained on; no other agent's, no document, no key, no database.
    """
    plan = experiment.plan
    elsewhere = plan.executor == "pods" or (plan.executor == "ray" and experiment.file.ray.address is not None)
    runs = [run for run in plan.runs if not run.refused]
    if not elsewhere or not runs:
        return ()
    items = load_items(workspace, plan.agent)
    asked = questions_of(items, experiment.file.questions)
    held_out = [item for item in items if item.split == "validation"]
    sizes = []
    for mix in {json.dumps(run.training["mix"], sort_keys=True): run for run in runs}.values():
        chosen = project_of(project, mix.base, TrainingConfig.model_validate(mix.training))
        template = template_of(chosen.models.base)
        learnt = training_items(items, chosen.training.mix)
        sizes.append((_size(examples_of(learnt, template)), len(learnt)))
    size, count = max(sizes)
    documents = len({item.document for item in items if item.document})
    template = template_of(runs[0].base)
    found = [
        SentFile("spec.json", 4096, "settings and limits"),
        SentFile(EXAMPLES_FILE, size, f"{count} questions and answers from {documents} documents of {plan.agent}"),
        SentFile("questions.jsonl", _size(examples_of(asked, template)), f"{len(asked)} questions, without answers"),
        SentFile("checkpoints", 0, "of a run that goes on elsewhere: the adapter so far"),
    ]
    if held_out:
        told = f"{len(held_out)} questions and answers of held-out documents"
        found.insert(2, SentFile(VALIDATION_FILE, _size(examples_of(held_out, template)), told))
    for name in sorted({run.base for run in runs}):
        base = Base(name, locate(name))
        if base.is_sent:
            found.append(SentFile(base.file.name, base.file.stat().st_size, "the base model"))
    pods = experiment.file.pods
    if plan.executor == "pods" and pods and pods.package and pods.package.endswith(".whl"):
        wheel = Path(pods.package).expanduser()
        found.append(SentFile(wheel.name, wheel.stat().st_size if wheel.exists() else 0, "this package"))
    return found


def _size(examples: Sequence[object]) -> int:
    return sum(len(json.dumps(vars(one), ensure_ascii=False).encode("utf-8")) + 1 for one in examples)
