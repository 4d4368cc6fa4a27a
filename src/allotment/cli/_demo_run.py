"""The demo: the whole chain on a copy of the example company, each step shown with its time and result.

A step that is finished is known by the hash of its inputs and not done again; a killed demo goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from allotment.cli._demo_asks import Asked, read_asks
from allotment.cli._demo_make import demo_project, ingest_documents, make_datasets, pull_models, train_adapters
from allotment.cli._demo_online import ask_everything
from allotment.cli._demo_recall import Recall
from allotment.cli._demo_replay import Replay
from allotment.cli._demo_steps import Steps, StepTaken
from allotment.cli._demo_users import logins_file
from allotment.cli._progress import duration
from allotment.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class DemoReport:
    """What one run of the demo showed."""

    folder: str
    seconds: float
    steps: list[StepTaken]
    recall: Recall
    asks: list[Asked]
    replays: list[Replay]
    problems: list[str]
    """What makes the demo fail: breaches of access, questions and documents that failed, a broken record."""

    @property
    def exit(self) -> dict[str, Any]:
        """The exit code and what it means."""
        well = "nobody got what his role may not have"
        return {"code": 1 if self.problems else 0, "meaning": "; ".join(self.problems) or well}


def run_demo(folder: Path, console: Console) -> DemoReport:
    """Run every step in ``folder``.

    A fact an adapter did not learn is shown as not expected and is no problem of the demo.
    """
    started = time.monotonic()
    project = demo_project(folder.resolve())
    asks = read_asks(project)  # a mistake in them is told now, not after the training
    workspace = Workspace(project.root)
    steps = Steps(console)
    console.print(Text(f"{project.name}: {len(project.agents)} agents for {len(project.roles)} roles, in {folder}"))
    with workspace.lock("demo", timeout_s=1.0):
        pull_models(project, steps)
        ingest_documents(project, workspace, steps)
        make_datasets(project, workspace, steps)
        train_adapters(project, workspace, steps)
        recall, asked, replays = ask_everything(project, workspace, asks, steps)
    seconds = round(time.monotonic() - started, 1)
    report = DemoReport(str(project.root), seconds, steps.taken, recall, asked, replays, steps.problems)
    _say_goodbye(console, folder, workspace, report)
    return report


def _say_goodbye(console: Console, folder: Path, workspace: Workspace, report: DemoReport) -> None:
    console.print(Text(f"\nDone in {duration(round(report.seconds))}: {report.exit['meaning']}."))
    console.print(Text(f"Now open the chat page:  allotment -C {folder} serve"), soft_wrap=True)
    console.print(Text(f"Names and passwords:     {logins_file(workspace)}"), soft_wrap=True)
