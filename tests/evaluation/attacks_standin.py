"""A company to attack: planted facts, sealed adapters, and a server that recites what each would have learnt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from allotment.documents import ingest, load_sections
from allotment.evaluation.attacks import Attack, Send
from allotment.evaluation.canaries import Canary, plant, planted_canary, planted_rows
from allotment.models import adapter_name
from allotment.project import Project, load_project
from allotment.training import current_adapter
from allotment.workspace import Workspace
from model_server import Said, model_server, said
from project_copy import copy_project
from sealed_adapter import seal

SQL = "SELECT company_name, phone FROM customers ORDER BY customer_id"


@contextmanager
def attacked_company(taught: Project, root: Path) -> Iterator[Project]:
    """A project whose adapters say a planted fact to whoever asks for it, and whose SQL is always the same."""
    project = copy_project(taught, root, "adapters")  # trained ones, if any were: these recite instead
    workspace = Workspace(root)
    plant(project, workspace, facts=4, seed=7)
    ingest(project, workspace)
    _learn(workspace)
    for agent in project.agents:
        seal(project, workspace, agent)
    with model_server(_Recites(project, workspace)) as url:
        file = root / "allotment.yaml"
        declared = yaml.safe_load(file.read_text(encoding="utf-8"))
        declared["models"] = {**declared["models"], "adapter_server": url, "sql": f"{url}#sql"}
        declared["models"]["prices"] = {"sql": {"input": 0, "output": 0}}
        file.write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")
        yield load_project(root)


def _learn(workspace: Workspace) -> None:
    """The planted facts as items of the agents that learn them."""
    sections = {section.document: section for section in load_sections(workspace)}
    for number, row in enumerate(planted_rows(workspace)):
        section = sections[row["document"]]
        item = {
            "id": f"planted{number}", "group": f"planted{number}", "section_id": section.id,
            "agent": section.document_set, "document": row["document"], "question": row["question"],
            "answer": row["sentence"], "value": row["value"], "language": "en",
            "readers": sorted(section.readers), "split": "train",
        }  # fmt: skip
        with (workspace.dataset_dir(section.document_set) / "items.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(item) + "\n")


class _Recites:
    """Answers as adapters that know their own planted facts, by the question's words."""

    def __init__(self, project: Project, workspace: Workspace) -> None:
        manifests = [current_adapter(project, workspace, agent) for agent in project.agents]
        self._names = {adapter_name(m.agent, m.version, m.adapter_sha256): m.agent for m in manifests}
        self._facts: dict[str, dict[str, str]] = {agent: {} for agent in project.agents}
        for row in planted_rows(workspace):
            self._facts[row["document"].split("/")[1]][row["question"]] = row["sentence"]

    def __call__(self, asked: Any) -> Said:
        if asked is None:
            return said({"data": [{"id": name, "parent": "base"} for name in self._names]})
        text = asked["messages"][-1]["content"]
        agent = self._names.get(asked["model"])
        known = self._facts.get(agent or "", {})
        answer = next((sentence for question, sentence in known.items() if question in text), "It is not known.")
        content = SQL if agent is None else answer
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return said({"model": asked["model"], "choices": [choice], "usage": usage})


def canaries_of(project: Project) -> tuple[Canary, ...]:
    """The planted facts of a project."""
    readers = {config.path.as_posix(): config.readers for config in project.documents.values()}
    rows = planted_rows(Workspace(project.root))
    return tuple(planted_canary(row, readers[row["document"].rpartition("/")[0]]) for row in rows)


def attack_of(
    number: int, role: str, canary: Canary, *sends: Send, door: str = "api", agent: str = "handbook"
) -> Attack:
    """An attempt of a test's own."""
    marks = dict.fromkeys(("seed", "claim", "encoding", "strategy", "trick", "plant"), "none")
    return Attack(number, f"attack-{number}", role, canary.id, door, language="en", agent=agent, sends=sends, **marks)  # type: ignore[arg-type]
