"""Training: the versions of every agent, what they took against what was predicted, and the run that goes on now.

Figures of a run say nothing of what it learnt. The documents it learnt are named to those who may ask the agent.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from allotment.errors import AllotmentError, HeldBack
from allotment.gateway.administration._chart import Chart
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.administration._loss import loss_chart
from allotment.gateway.wording import say
from allotment.project import Project
from allotment.training import (
    Manifest,
    PredictionErrors,
    adapter_versions,
    current_version,
    held_back,
    load_manifest,
    passed_before,
    prediction_errors,
    rollback,
)
from allotment.training.record._figures import number
from allotment.training.record._metrics import METRICS_FILE, Metrics, read_metrics
from allotment.training.record._recall import RecallRecord, read_recall
from allotment.training.record._shown import visible
from allotment.workspace import Workspace

State = Literal["ready", "stale", "held back", "refused"]


@dataclass(frozen=True)
class Version:
    """One version of an agent's adapter."""

    agent: str
    name: str
    current: bool
    state: State
    created: datetime | None
    """None where its manifest is refused."""
    clearance: tuple[str, ...] = ()
    method: str = ""
    loss: float | None = None
    held_out_loss: float | None = None
    errors: PredictionErrors | None = None
    """Predicted and actual memory, time and price."""
    recall: RecallRecord | None = None
    """Recall before and after; none where it was not measured."""


@dataclass(frozen=True)
class Live:
    """The run that goes on, or that was left unfinished."""

    agent: str
    running: bool
    metrics: Metrics
    chart: Chart | None
    steps: int | None
    """In all, if every epoch is done."""
    seconds_left: float | None
    predicted_minutes: float | None
    predicted_usd: float | None
    spent_usd: float | None


@dataclass(frozen=True)
class AgentTraining:
    """An agent with its versions, the newest first."""

    agent: str
    versions: tuple[Version, ...]
    live: Live | None


@dataclass(frozen=True)
class VersionView:
    """One version with everything its manifest says that this administrator may see."""

    version: Version
    base_model: str
    documents: int
    document_names: tuple[str, ...] | None
    """None where the one who looks may not ask the agent."""
    figures: tuple[tuple[str, float | None], ...]
    settings: tuple[tuple[str, str], ...]
    chart: Chart | None
    fault: str
    """Kind of fault of its metrics; empty where they can be read."""


class Trainings:
    """What an administrator sees and does about training."""

    def __init__(self, project: Project, workspace: Workspace, door: Door) -> None:
        self._project = project
        self._workspace = workspace
        self._door = door

    def agents(self, grant: AdminGrant) -> tuple[AgentTraining, ...]:
        """All agents with their versions."""
        require_admin(grant, "training")
        return tuple(self._agent(agent) for agent in self._project.agents)

    def live(self, grant: AdminGrant, agent: str) -> Live | None:
        """The run of an agent that goes on or was left unfinished; none where there is none."""
        require_admin(grant, "training")
        self._known(agent)
        return self._live(agent)

    def view(self, grant: AdminGrant, agent: str, name: str) -> VersionView:
        """One version whose manifest is sound.

        Raises:
            AdminFault: there is none, or its manifest is refused.
        """
        require_admin(grant, "training")
        self._known(agent)
        if name not in adapter_versions(self._workspace, agent):
            raise AdminFault(say("There is no such version."), status=404)
        try:
            manifest = load_manifest(self._project, self._workspace, agent, name)
        except AllotmentError:
            raise AdminFault(
                say("The manifest of this version is refused: it was edited, or its files are not those it names."),
                status=409,
            ) from None
        metrics, fault = _metrics(Path(manifest.folder) / METRICS_FILE)
        reads = self._door.policy.reads_agent(grant.principal, agent)
        names = tuple(visible(document.path) for document in manifest.documents) if reads else None
        return VersionView(
            self._sound(manifest),
            Path(manifest.base_model).name,
            len(manifest.documents),
            names,
            tuple((key, number(manifest.measured, key)) for key in _FIGURES),
            tuple((key, _setting(value)) for key, value in manifest.training.items()),
            loss_chart(metrics, say("Loss of %(version)s", version=manifest.key)),
            fault,
        )

    def roll_back(self, grant: AdminGrant, agent: str, to: str) -> str | None:
        """Serve another version from the next question on; the one served before. Twice is as once.

        Raises:
            AdminFault: the version is not there, not whole, or stale; what is served stays.
        """
        require_admin(grant, "training", "change")
        self._known(agent)
        try:
            gate = passed_before(self._workspace)
            return rollback(self._project, self._workspace, agent, to, gate=gate).before
        except HeldBack as error:
            raise AdminFault(
                say("%(version)s is held back: it did not pass the test for leaks.", version="/".join((agent, to))),
                status=409,
            ) from error
        except AllotmentError as error:
            raise AdminFault(
                say(
                    "%(version)s cannot be served: it is not whole, or learnt what has changed since.",
                    version="/".join((agent, to)),
                ),
                status=409,
            ) from error

    def _known(self, agent: str) -> None:
        if agent not in self._project.agents:
            raise AdminFault(say("There is no such agent."), status=404)

    def _agent(self, agent: str) -> AgentTraining:
        names = reversed(adapter_versions(self._workspace, agent))
        return AgentTraining(agent, tuple(self._version(agent, name) for name in names), self._live(agent))

    def _version(self, agent: str, name: str) -> Version:
        try:
            return self._sound(load_manifest(self._project, self._workspace, agent, name))
        except AllotmentError:
            current = current_version(self._workspace, agent) == name
            return Version(agent, name, current, "refused", None)

    def _sound(self, manifest: Manifest) -> Version:
        agent, name = manifest.agent, manifest.version
        (errors,) = prediction_errors([manifest])
        return Version(
            agent,
            name,
            current_version(self._workspace, agent) == name,
            self._state(manifest),
            _moment(manifest.created),
            manifest.clearance,
            manifest.method,
            number(manifest.measured, "final_loss"),
            number(manifest.measured, "held_out_loss"),
            errors,
            read_recall(self._workspace, agent, name, manifest.adapter_sha256),
        )

    def _state(self, manifest: Manifest) -> State:
        if manifest.stale:
            return "stale"
        return "held back" if held_back(self._workspace, manifest) else "ready"

    def _live(self, agent: str) -> Live | None:
        folders = [path for path in (self._workspace.home / "work").glob(f"training-{agent}-*") if _is_of(path, agent)]
        work = max(folders, key=lambda path: path.stat().st_mtime_ns, default=None)
        if work is None:
            return None
        metrics, _ = _metrics(work / METRICS_FILE)
        spec = _spec(work / "spec.json")
        steps = _steps(work, spec)
        last = metrics.steps[-1] if metrics.steps else None
        price = number(spec.get("training"), "price_usd_per_hour")
        estimate = spec.get("estimate")
        return Live(
            agent,
            _is_held(self._workspace.home / f"training-{agent}.lock"),
            metrics,
            loss_chart(metrics, say("Loss of the run for %(agent)s", agent=agent)),
            steps,
            metrics.seconds_left(steps) if steps else None,
            number(estimate, "minutes"),
            number(estimate, "usd"),
            last.seconds / 3600 * price if last and price is not None else None,
        )


_FIGURES = (
    "final_loss",
    "held_out_loss",
    "examples",
    "dropped",
    "epochs",
    "steps",
    "tokens",
    "tokens_per_second",
    "mfu",
)
"""Figures of a run that are shown, in order."""


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _setting(value: Any) -> str:
    """A setting as ``allotment.yaml`` would have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_of(path: Path, agent: str) -> bool:
    """Whether a run's folder is this agent's, and not that of one whose name begins like it."""
    return path.is_dir() and len(path.name.removeprefix(f"training-{agent}-")) == 16


def _is_held(lock: Path) -> bool:
    """Whether a training holds its lock; looking holds it for a moment, and whoever begins then waits for that."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _metrics(file: Path) -> tuple[Metrics, str]:
    try:
        return (read_metrics(file) if file.exists() else Metrics()), ""
    except (AllotmentError, OSError) as error:
        return Metrics(), type(error).__name__


def _spec(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _steps(work: Path, spec: dict[str, Any]) -> int | None:
    training = spec.get("training")
    batch, epochs = number(training, "batch_size"), number(training, "epochs")
    try:
        with (work / "examples.jsonl").open("rb") as file:
            examples = sum(1 for _ in file)
    except OSError:
        return None
    return math.ceil(examples / batch) * int(epochs) if batch and epochs and examples else None
