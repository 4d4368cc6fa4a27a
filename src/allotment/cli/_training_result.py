"""What becomes of a trained version: gone back to, merged, or copied out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from allotment.cli._names import agent_of
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.cli._run import Run
    from allotment.project import Project


def version_of(project: Project, identity: str) -> tuple[str, str]:
    """Agent and version of ``AGENT/VERSION``.

    Raises:
        ProjectError: it is not written so, or there is no such agent.
    """
    agent, _, version = identity.partition("/")
    if not version:
        raise ProjectError(f"{identity!r} is not AGENT/VERSION.", remedy="See `allotment training list`.")
    return agent_of(project, agent), version


def roll_back(run: Run, agent: str, to: str | None) -> None:
    """Serve an older version, and say what is served now."""
    from allotment.cli._gate import gate_of
    from allotment.training import rollback

    project = run.project()
    agent_of(project, agent)
    with run.progress() as progress:
        done = rollback(project, run.workspace(), agent, to, gate=gate_of(project, run.workspace(), progress))
    manifest, before = done.manifest, done.before or "a version nobody knows"
    value = {"agent": agent, "served": manifest.version, "before": done.before, "clearance": manifest.clearance}
    text = (
        f"{manifest.key} of {manifest.created} answers from now on, in the place of {before}, which is kept.\n"
        f"It may answer: {', '.join(manifest.clearance)}."
    )
    run.show(value, lambda console: console.print(text, markup=False))


def merge_to(run: Run, identity: str, output: Path) -> None:
    """Write a version as a whole model."""
    from allotment.training import merge

    project = run.project()
    agent, version = version_of(project, identity)
    run.note(f"Merging {identity}: the base model is read, which takes a while.")
    done = merge(project, run.workspace(), agent, version, output)
    text = (
        f"{done.adapter} merged into {done.base} is in {done.output}.\n"
        f"It may answer: {', '.join(done.clearance)}, and nobody else."
    )
    run.show(done, lambda console: console.print(text, markup=False))


def export_to(run: Run, identity: str, output: Path, engine: Literal["vllm"] | None, max_rank: int | None) -> None:
    """Copy a version out of the project."""
    from allotment.training.serving._export import VLLM_RANK, export_version

    if max_rank is not None and engine is None:
        raise ProjectError("--max-rank goes with --for vllm.", remedy="Leave it out, or add --for vllm.")
    project = run.project()
    agent, version = version_of(project, identity)
    done = export_version(
        project, run.workspace(), agent, version, output, engine=engine, max_rank=max_rank or VLLM_RANK
    )
    text = (
        f"{done.adapter} is in {done.output}, {len(done.files)} files; README.md says how it is served.\n"
        f"It may answer: {', '.join(done.clearance)}, and nobody else."
    )
    run.show(done, lambda console: console.print(text, markup=False))
