"""What the demo's adapters know: held-out questions answered by the base model alone and with each adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.audit import AuditLog
    from allotment.cli._demo_steps import Steps
    from allotment.evaluation import Comparison
    from allotment.models import Engines
    from allotment.project import Project
    from allotment.workspace import Workspace

Recall = dict[str, dict[str, Any]]
"""Agent → counts of right answers, and the wrong ones."""


def measure_recall(
    project: Project, workspace: Workspace, audit: AuditLog, engines: Engines, adapters: dict[str, str], steps: Steps
) -> Recall:
    """Recall of every agent; one measured with the same adapter and questions is not measured again.

    Args:
        adapters: agent → sha256 of its current adapter.
    """
    from allotment.dataset import dataset_hash, load_items
    from allotment.evaluation import measure_agent

    found: Recall = {}
    with steps.step("Recall on held-out questions") as shown:
        for agent in project.agents:
            inputs = [adapters[agent], dataset_hash(load_items(workspace, agent)), "recall-1"]
            result = workspace.step_done(f"recall-{agent}", inputs)
            if result is None:
                result = _counts(measure_agent(project, workspace, engines, audit, agent, shown.progress))
                workspace.finish_step(f"recall-{agent}", inputs, result)
            found[agent] = result
        base, adapter, total = (sum(one[key] for one in found.values()) for key in ("base", "adapter", "total"))
        shown.result = f"base model {base} of {total}, adapters {adapter} of {total} ({adapter / max(1, total):.0%})"
    return found


def _counts(found: Comparison) -> dict[str, Any]:
    return {
        "base": found.base.right,
        "adapter": found.adapter.right,
        "total": found.adapter.total,
        "base_said": found.base.summary(),
        "adapter_said": found.adapter.summary(),
        "wrong": [
            {"question": one.item.question, "value": one.item.value, "answer": one.answer}
            for one in found.adapter.wrong
        ],
    }


def show_recall(console: Console, recall: Recall) -> None:
    """Print recall side by side."""
    table = Table("agent", "base model alone", "with its adapter", title="Closed-book recall", title_justify="left")
    for agent, result in recall.items():
        table.add_row(agent, result["base_said"], result["adapter_said"])
    console.print(table)
