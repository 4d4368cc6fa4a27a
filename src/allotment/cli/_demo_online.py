"""The part of the demo that needs the database: users, recall, questions, replays, and the record of it all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from allotment import __version__
from allotment.cli._demo_asks import Ask, Asked, ask_all
from allotment.cli._demo_recall import Recall, measure_recall, show_recall
from allotment.cli._demo_replay import Replay, replay
from allotment.cli._demo_steps import Steps
from allotment.cli._demo_table import show_asked
from allotment.cli._demo_users import add_users
from allotment.cli._open import State, open_state
from allotment.errors import ProjectError
from allotment.project import PROJECT_FILE, Project
from allotment.workspace import Workspace, hash_file

if TYPE_CHECKING:
    from allotment.models import Engines
    from allotment.training import Manifest


def ask_everything(
    project: Project, workspace: Workspace, asks: list[Ask], steps: Steps
) -> tuple[Recall, list[Asked], list[Replay]]:
    """Everything that needs the database: users, recall, questions, record."""
    from allotment.models import Engines

    manifests = _manifests(project, workspace)
    adapters = {agent: manifest.adapter_sha256 for agent, manifest in manifests.items()}
    with ExitStack() as stack:
        with steps.step("Database") as shown:
            state = stack.enter_context(open_state(project, workspace))
            _provision(state)
            shown.result = f"{len(project.accounts)} accounts with their own grants and row policies, checked"
        add_users(project, workspace, state, steps)
        engines = stack.enter_context(Engines(threads=project.models.threads))
        recall = measure_recall(project, workspace, state.audit, engines, adapters, steps)
        show_recall(steps.console, recall)
        asked, replays = _questions(workspace, state, engines, manifests, asks, steps)
        _verify(state, steps)
    show_asked(steps.console, asked, replays)
    return recall, asked, replays


def _manifests(project: Project, workspace: Workspace) -> dict[str, Manifest]:
    from allotment.training import current_adapter

    return {agent: current_adapter(project, workspace, agent) for agent in project.agents}


def _provision(state: State) -> None:
    state.databases.provision()
    for difference in state.databases.check():
        raise ProjectError(
            f"expected {difference.expected}, found {difference.found}.",
            element=difference.element,
            remedy="See `allotment database check`.",
        )


def _questions(
    workspace: Workspace, state: State, engines: Engines, manifests: dict[str, Manifest], asks: list[Ask], steps: Steps
) -> tuple[list[Asked], list[Replay]]:
    """Questions and replays; kept when none is a problem, and then not asked again with the same inputs."""
    from allotment.answering import Chain

    project = state.project
    inputs = _inputs(workspace, manifests, asks)
    with steps.step("Questions") as shown:
        done = workspace.step_done("asks", inputs)
        if done is None:
            chain = Chain(project, workspace, engines=engines, databases=state.databases, audit=state.audit)
            versions = {agent: manifest.version for agent, manifest in manifests.items()}
            asked = ask_all(project, state, chain, asks, versions, shown)
            runs = replay(project, state, asked)
            done = {"asks": [asdict(one) for one in asked], "replays": [asdict(run) for run in runs]}
            if not _problems(asked, runs):
                workspace.finish_step("asks", inputs, done)
        asked, runs = [Asked(**one) for one in done["asks"]], [Replay(**run) for run in done["replays"]]
        shown.result = _counted(asked, runs)
    steps.problems += _problems(asked, runs)
    return asked, runs


def _inputs(workspace: Workspace, manifests: dict[str, Manifest], asks: list[Ask]) -> list[Any]:
    files = (workspace.root / PROJECT_FILE, workspace.sections_file)
    sealed = [[one.agent, one.version, one.inputs, one.adapter_sha256] for one in manifests.values()]
    return [sealed, [ask.model_dump() for ask in asks], [hash_file(file) for file in files], __version__, "asks-3"]


def _counted(asked: list[Asked], runs: list[Replay]) -> str:
    met = sum(not (one.problems or one.breaches) for one in asked)
    refused = sum(not run.problem for run in runs)
    replayed = f"; {refused} of {len(runs)} replays refused by PostgreSQL" if runs else ""
    return f"{len(asked)} asked, {met} as expected{replayed}"


def _problems(asked: list[Asked], runs: list[Replay]) -> list[str]:
    """What makes the demo fail: breaches, and questions that could not be answered at all."""
    breaches = [f"BREACH, {one.user} ({one.role}): {breach}" for one in asked for breach in one.breaches]
    breaches += [f"BREACH, account {run.account}: {run.said}" for run in runs if run.outcome == "ran"]
    failed = [one for one in asked if one.outcome == "failed"]
    return breaches + [f"a question of {one.user} failed (record {one.record})" for one in failed]


def _verify(state: State, steps: Steps) -> None:
    with steps.step("Record") as shown:
        report = state.audit.verify()
        shown.result = f"{report.records} records, {'whole' if report.ok else 'NOT whole: ' + str(report.problem)}"
    if not report.ok:
        steps.problems.append(f"the record is not whole: {report.problem}")
