"""The same chain over documents nobody here wrote: ingest, dataset, adapter, recall for one agent.

Reads the AutoGen user guide (CC BY 4.0) from ``../shared/data/autogen-docs`` or the folder given, and writes
``benchmarks/results/second_project.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.dataset import generate
from allotment.documents import ingest
from allotment.evaluation import measure_agent
from allotment.models import Engines, open_client, pull
from allotment.project import load_project
from allotment.training import UNGATED, run
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
DOCUMENTS = Path(__file__).parents[2] / "shared" / "data" / "autogen-docs"
PROJECT = """
name: AutoGen user guide
roles: {developer: builds agents with the framework}
documents:
  guide:
    path: guide
    readers: [developer]
    include: ["core-user-guide/core-concepts/*.md", "core-user-guide/faqs.md", "autogenstudio-user-guide/faq.md"]
agents:
  guide: {description: how the framework works, roles: [developer], documents: [guide]}
routing:
  default: {developer: guide}
dataset: {questions: 1, rounds: 1, paraphrases: 3}
training: {epochs: 8, target_loss: 0.05, probe_steps: 3}
"""


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Keep how long a step took."""
    began = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - began, 1)
    print(f"{name}: {seconds[name]} s", flush=True)


def main() -> None:
    """Run and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, default=DOCUMENTS)
    documents = parser.parse_args().documents
    if not documents.is_dir():
        print(f"skipped: there is no folder {documents}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        shutil.copytree(documents, root / "guide")
        (root / "allotment.yaml").write_text(PROJECT, encoding="utf-8")
        figures = measure(root)
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "second_project.json"
    target.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(root: Path) -> dict[str, Any]:
    """The chain in ``root``: counts, seconds, recall."""
    project, workspace, seconds = load_project(root), Workspace(root), dict[str, float]()
    for model in {project.models.teacher, project.models.base}:
        pull(model)
    with timed(seconds, "ingest"):
        report = ingest(project, workspace)
    with timed(seconds, "dataset"), Engines() as engines:
        counts = generate(project, workspace, "guide", open_client(project.models.teacher, engines), say)
    with timed(seconds, "training"):
        manifest = run(project, workspace, "guide", gate=UNGATED).manifest
    with Databases(project, workspace) as databases:
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        with timed(seconds, "recall"), log as audit, Engines() as engines:
            audit.migrate(databases.admin_dsn())
            found = measure_agent(project, workspace, engines, audit, "guide")
        databases.stop()
        databases.server.remove()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "documents": asdict(report),
        "dataset": asdict(counts),
        "training": manifest.measured,
        "recall": {"base": found.base.summary(), "adapter": found.adapter.summary()},
        "wrong": [
            {"question": one.item.question, "value": one.item.value, "answer": one.answer}
            for one in found.adapter.wrong
        ],
        "seconds": seconds,
    }


def say(label: str, done: int, total: int) -> None:
    """One line for each request."""
    print(f"{label}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
