"""Recall of one agent: base model and adapter on the same held-out questions, as they are served."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from allotment.access import Grant, Policy, Principal, Request
from allotment.agents import recite
from allotment.audit import AuditLog, authorize
from allotment.dataset import Item, load_items
from allotment.evaluation.knowledge._means import EVALUATION_USER, MAX_TOKENS
from allotment.evaluation.knowledge._recall import Comparison, compare
from allotment.models import Engines, Message
from allotment.project import Project
from allotment.training import Manifest, current_adapter
from allotment.training.record._recall import RecallRecord, keep_recall, now
from allotment.workspace import Workspace

Progress = Callable[[str, int, int], None]


def measure_agent(
    project: Project,
    workspace: Workspace,
    engines: Engines,
    audit: AuditLog,
    agent: str,
    progress: Progress | None = None,
) -> Comparison:
    """Ask every held-out question closed-book, without and with the agent's adapter.

    The adapter is reached through a grant like everywhere else, so the evaluation is on record too.

    Args:
        progress: called with a label, answers so far and answers in all.

    Raises:
        InputError: the agent has no held-out questions.
        MissingPartError: no adapter, or no base model.
    """
    items = [item for item in load_items(workspace, agent) if item.split == "held_out"]
    manifest = current_adapter(project, workspace, agent)
    grant = _grant(project, audit, manifest)
    engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
    total = 2 * len(items)
    bare = engines.get(manifest.base_model)

    def from_base(item: Item) -> str:
        return bare.complete([Message("user", item.question)], max_tokens=MAX_TOKENS).text

    def from_adapter(item: Item) -> str:
        return recite(engines, manifest, grant, item.question, max_tokens=MAX_TOKENS).text

    before = _answers(items, from_base, f"recall of {agent}: base model", 0, total, progress)
    after = _answers(items, from_adapter, f"recall of {agent}: adapter", len(items), total, progress)
    return compare(items, lambda item: before[item.id], lambda item: after[item.id])


def keep_comparison(project: Project, workspace: Workspace, agent: str, comparison: Comparison) -> None:
    """Keep the figures of a comparison beside the version that is served; no question and no answer is among them.

    Raises:
        MissingPartError: no adapter.
        StorageError: they cannot be written.
    """
    manifest = current_adapter(project, workspace, agent)
    before, after = comparison.base, comparison.adapter
    record = RecallRecord(
        manifest.adapter_sha256, now(), after.total, before.right, after.right, before.interval, after.interval
    )
    keep_recall(workspace, agent, manifest.version, record)


def _grant(project: Project, audit: AuditLog, manifest: Manifest) -> Grant:
    role = min(project.agents[manifest.agent].roles)
    principal = Principal(EVALUATION_USER, role)
    request = Request(manifest.agent, manifest.facts)
    return authorize(audit, Policy.of(project), principal, request, question="(held-out questions of the evaluation)")


def _answers(
    items: list[Item],
    ask: Callable[[Item], str],
    label: str,
    done: int,
    total: int,
    progress: Progress | None,
) -> dict[str, str]:
    answers: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        for item, answer in zip(items, pool.map(ask, items), strict=True):
            answers[item.id] = answer
            if progress:
                progress(label, done + len(answers), total)
    return answers
