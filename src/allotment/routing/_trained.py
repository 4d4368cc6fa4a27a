"""What ``routing train`` keeps: the numbers fitted for a set of agents, sealed, and bound to exactly their examples."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allotment.errors import IntegrityError
from allotment.routing._calibration import Calibration
from allotment.routing._learned import HeldOut
from allotment.workspace import Workspace, hash_json, write_atomic

_REMEDY = "Run `allotment routing train` again, or move the file away to route by the usual numbers."
_LOW = 0.1


@dataclass(frozen=True)
class Trained:
    """One set of entitled agents: its numbers, and how it did on its own held-out questions."""

    agents: tuple[str, ...]
    examples: str
    """Hash of the examples the numbers were fitted for."""
    calibration: Calibration
    questions: int
    """Held-out questions of the agents."""
    right: float
    """Share of them whose likeliest candidate is the right one."""
    rejected: float
    """Share of them taken for nobody's."""
    outside_found: float
    """Share of held-out questions that are nobody's, and were found to be."""
    low: float
    """A tenth of the agents' held-out questions have at most this probability of being any agent's."""
    deciles: tuple[float, ...] = ()
    """The nine numbers that cut these probabilities into tenths; none where there are no questions."""


def summarise(agents: tuple[str, ...], examples: str, held_out: HeldOut) -> Trained:
    """Fit the numbers, and say how the held-out questions do under them."""
    calibration = held_out.calibration()
    if not len(held_out.labels):
        return Trained(agents, examples, calibration, 0, 0.0, 0.0, 0.0, 0.0)
    found = calibration.probabilities(held_out.scores, held_out.near)
    nobody = held_out.labels == found.shape[1] - 1
    own, foreign = found[~nobody], found[nobody]
    right = own[:, :-1].argmax(axis=1) == held_out.labels[~nobody]
    ours = sorted((1 - own[:, -1]).tolist())
    return Trained(
        agents,
        examples,
        calibration,
        questions=len(own),
        right=float(right.mean()) if len(own) else 0.0,
        rejected=float((own[:, -1] > calibration.threshold).mean()) if len(own) else 0.0,
        outside_found=float((foreign[:, -1] > calibration.threshold).mean()) if len(foreign) else 0.0,
        low=ours[int(_LOW * len(ours))] if ours else 0.0,
        deciles=tuple(ours[int(tenth * len(ours) / 10)] for tenth in range(1, 10)) if ours else (),
    )


@dataclass(frozen=True)
class Drift:
    """Whether questions of late lie farther from the examples than the held-out ones did."""

    questions: int
    below: int
    """Questions below what nine tenths of the held-out ones reached."""

    @property
    def lower(self) -> bool:
        """Whether that are more than chance explains: a tenth, and three standard deviations."""
        expected, spread = _LOW * self.questions, math.sqrt(self.questions * _LOW * (1 - _LOW))
        return self.below > expected + 3 * spread


def drift_of(trained: Trained, ours: Sequence[float]) -> Drift:
    """``ours``: for each question the probability that it is any of the agents'."""
    return Drift(len(ours), sum(one < trained.low for one in ours))


class _Numbers(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    slope: float = Field(ge=0.5, le=8)
    nobody_slope: float = Field(ge=0, le=8)
    nobody_offset: float = Field(ge=-4, le=8)
    nearness: float = Field(ge=0, le=12)
    threshold: float = Field(ge=0.5, le=1)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    agents: list[str]
    examples: str
    calibration: _Numbers
    questions: int
    right: float
    rejected: float
    outside_found: float
    low: float
    deciles: list[float] = Field(default=[], max_length=9)


def save_trained(workspace: Workspace, entries: Sequence[Trained]) -> None:
    """Write the numbers of all sets of agents, with a seal over them."""
    rows = [json.loads(json.dumps(asdict(entry))) for entry in entries]
    path = workspace.routing_file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps({"seal": hash_json(rows), "entries": rows}, indent=2) + "\n")


def load_trained(workspace: Workspace) -> Mapping[str, Trained]:
    """Hash of the examples → what was fitted for them; empty where nothing was trained.

    Raises:
        IntegrityError: the file is not what was written.
    """
    path = workspace.routing_file
    if not path.exists():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        if hash_json(read["entries"]) != read["seal"]:
            raise ValueError("the seal does not fit")
        entries = [_Entry.model_validate(row) for row in read["entries"]]
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        raise IntegrityError("is not what was written.", element=str(path), remedy=_REMEDY) from None
    return {entry.examples: _trained(entry) for entry in entries}


def _trained(entry: _Entry) -> Trained:
    parts = entry.model_dump() | {
        "agents": tuple(entry.agents),
        "calibration": Calibration(**entry.calibration.model_dump()),
        "deciles": tuple(entry.deciles),
    }
    return Trained(**parts)
