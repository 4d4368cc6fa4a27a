"""The demo from the example company to trained adapters. A step does again only what its inputs ask for."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns

from allotment.cli._demo_steps import Steps
from allotment.errors import ProjectError
from allotment.project import PROJECT_FILE, Project, load_project
from allotment.workspace import Workspace, write_atomic

_EXAMPLE = "northwind"
_BEGUN = ".example-is-being-copied"
"""Lies in a folder that was empty until its copy of the example is whole; a killed copy goes on."""


def demo_project(folder: Path) -> Project:
    """The project of a folder; an empty or a new folder gets a copy of the example company first.

    Raises:
        ProjectError: the folder holds something else, or its ``allotment.yaml`` is wrong.
    """
    if not (folder / PROJECT_FILE).exists():
        _copy_example(folder)
    (folder / _BEGUN).unlink(missing_ok=True)
    return load_project(folder)


def _copy_example(folder: Path) -> None:
    marker = folder / _BEGUN
    if folder.exists() and not marker.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError("holds other files already.", element=str(folder), remedy="Name an empty or a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    with as_file(files("allotment.examples") / _EXAMPLE) as example:
        copytree(example, folder, ignore=ignore_patterns(PROJECT_FILE), dirs_exist_ok=True)
        # The project's file comes last: where it is, the copy is whole.
        write_atomic(folder / PROJECT_FILE, (example / PROJECT_FILE).read_bytes())


def pull_models(project: Project, steps: Steps) -> None:
    """Bring the models that are not here."""
    from allotment.models import is_present, is_server, pull

    used = {project.models.teacher, project.models.base, project.models.sql}
    names = sorted(name for name in used if not is_server(name))
    with steps.step("Models", unit="bytes") as shown:
        here = [name for name in names if is_present(name)]
        for name in names:
            pull(name, shown.progress)
        shown.result = f"{', '.join(names)}; {len(here)} were here already"


def ingest_documents(project: Project, workspace: Workspace, steps: Steps) -> None:
    """Read every document into sections."""
    from allotment.documents import ingest

    with steps.step("Documents") as shown:
        report = ingest(project, workspace, shown.progress)
        shown.result = f"{report.done} read into {report.sections} sections, {report.failed} failed"
        if report.failed or report.skipped:
            shown.result += f", {report.skipped} skipped: see `allotment documents list`"
    if report.failed:
        steps.problems.append(f"{report.failed} documents could not be read")


def make_datasets(project: Project, workspace: Workspace, steps: Steps) -> None:
    """Make every agent's dataset from its ledger, after asking the teacher what the ledger does not hold."""
    from allotment.cli._dataset_make import client_of
    from allotment.dataset import generate, plan
    from allotment.models import Engines

    with Engines(threads=project.models.threads) as engines:
        for agent in project.agents:
            with steps.step(f"Dataset of {agent}") as shown:
                calls = plan(project, workspace, agent).calls
                teacher = client_of(project, project.models.teacher, engines) if calls else None
                found = generate(project, workspace, agent, teacher, shown.progress)
                shown.result = (
                    f"{found.accepted} of {found.asked} facts accepted, {found.train} items to train on,"
                    f" {found.held_out} held out, {calls} calls to the teacher"
                )


def train_adapters(project: Project, workspace: Workspace, steps: Steps) -> None:
    """Train the adapter of every agent that has none of exactly these inputs."""
    from allotment.cli._gate import gate_of
    from allotment.training import run

    for agent in project.agents:
        with steps.step(f"Adapter of {agent}") as shown:
            gate = gate_of(project, workspace, shown.progress)
            result = run(project, workspace, agent, shown.progress, gate=gate)
            measured = result.manifest.measured
            rate = measured["tokens_per_second"] or "an unknown number of"
            how = "already trained" if result.reused else f"trained at {rate} tokens a second"
            shown.result = (
                f"{result.manifest.version} {how}, {measured['examples']} examples, {measured['epochs']} epochs,"
                f" loss {measured['final_loss']}; may be asked by {', '.join(result.manifest.clearance)}"
            )
