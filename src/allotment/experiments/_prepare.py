"""A run's folder: what it learns, what it is asked, and its spec. Only its agent's dataset is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allotment.dataset import Item, load_items
from allotment.experiments import _supervise
from allotment.experiments._executor import Job
from allotment.experiments._plan import PlannedRun
from allotment.experiments._planning import Experiment, project_of, questions_of
from allotment.models import Message, template_of
from allotment.project import Project, TrainingConfig
from allotment.training import training_inputs
from allotment.training._spec import EXAMPLES_FILE, VALIDATION_FILE, spec_of, write_examples
from allotment.workspace import Workspace, write_atomic, write_jsonl

QUESTIONS_FILE = "questions.jsonl"
_ANSWER_TOKENS = 48
"""As evaluations ask."""


@dataclass
class Preparer:
    """Writes runs' folders."""

    project: Project
    workspace: Workspace
    experiment: Experiment
    _items: list[Item] = field(default_factory=list)

    def __call__(self, run: PlannedRun, job: Job, *, until: int | None) -> None:
        """See ``Prepare``. What an earlier attempt learnt from is written once and stays."""
        training = TrainingConfig.model_validate(run.training)
        project = project_of(self.project, run.base, training)
        work, agent = job.folder / _supervise.WORK, self.experiment.plan.agent
        work.mkdir(parents=True, exist_ok=True)
        spec = _supervise.read_json(job.folder / _supervise.SPEC)
        if not spec:
            spec = {"inputs": training_inputs(project, self.workspace, agent), "held_out": self._write(project, work)}
        limits = self.experiment.file.limits
        spec |= {
            "attempt": job.attempt,
            "max_seconds": job.max_seconds,
            "memory_gib": limits.memory_gib,
            "worker": self._worker(project, run, work, until=until, held_out=spec["held_out"]),
        }
        write_atomic(job.folder / _supervise.SPEC, json.dumps(spec))

    def questions(self) -> list[Item]:
        """What every run is asked."""
        return questions_of(self._loaded(), self.experiment.file.questions)

    def _loaded(self) -> list[Item]:
        self._items = self._items or load_items(self.workspace, self.experiment.plan.agent)
        return self._items

    def _write(self, project: Project, work: Path) -> bool:
        template = template_of(project.models.base)
        prompts = (
            {"id": item.id, "prompt": template.render([Message("user", item.question)], add_generation_prompt=True)}
            for item in self.questions()
        )
        write_jsonl(work / QUESTIONS_FILE, prompts)
        return write_examples(project, self._loaded(), work)

    def _worker(
        self, project: Project, run: PlannedRun, work: Path, *, until: int | None, held_out: bool
    ) -> dict[str, Any]:
        """The trainer's spec, with file names instead of paths: it is true on any machine."""
        estimate = run.estimate or {"changes": {}}
        whole = spec_of(project, work, held_out=held_out, predicted=estimate, max_cost_usd=None)
        if self.experiment.plan.executor == "pods":  # no path of this machine leaves it
            whole["base"] = {**whole["base"], "file": Path(whole["base"]["file"]).name}
        return {
            **whole,
            "examples_file": EXAMPLES_FILE,
            "validation_file": VALIDATION_FILE if held_out else None,
            "questions_file": QUESTIONS_FILE if self.experiment.file.questions else None,
            "answer_tokens": _ANSWER_TOKENS,
            "until_epochs": until,
            "out": "",
        }
