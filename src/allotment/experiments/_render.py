"""A SkyPilot task for one attempt of one run: a machine, what is sent to it, what it does, and how it ends itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from allotment import __version__
from allotment.errors import ProjectError
from allotment.experiments._executor import Job
from allotment.experiments._file import PodsPlace

REMOTE = "~/allotment-run"
"""The run's folder on the machine."""
_BUCKET = "/allotment-results"
_NO_BUCKETS = ("runpod", "vast")
"""Providers on which SkyPilot mounts no bucket: their containers have no FUSE."""
RUNPOD_LIMITS = (
    "RunPod through SkyPilot: machines are ended, never paused; one machine a run; no bucket is mounted, so results"
    " come back by rsync and a machine that is taken back loses what was not fetched; disks come in one kind."
)


@dataclass(frozen=True)
class Base:
    """The base model of a run."""

    name: str
    """In the catalogue, or a path."""
    file: Path

    @property
    def is_sent(self) -> bool:
        """Whether it is a file of one's own; one of the catalogue is fetched by the machine itself."""
        return self.name.endswith(".gguf")


def check_place(place: PodsPlace) -> None:
    """Refuse what the provider cannot do.

    Raises:
        ProjectError: a bucket where none can be mounted.
    """
    provider = (place.infra or "").partition("/")[0].lower()
    if place.bucket is not None and provider in _NO_BUCKETS:
        raise ProjectError(
            f"{provider} mounts no bucket.",
            element="pods.bucket",
            remedy="Leave it out: results come back by rsync, every minute.",
        )


def task_of(place: PodsPlace, job: Job, machine: str, base: Base) -> str:
    """The task file.

    Args:
        place: which machine.
        job: what it does; it has a limit of time.
        machine: its name, which is its tag.
        base: the model it trains.
    """
    assert job.max_seconds is not None, "a machine without a deadline is never rented"
    deadline_s = math.ceil(job.max_seconds + place.startup_minutes * 60)
    resources: dict[str, Any] = {
        "infra": place.infra,
        "accelerators": f"{accelerator(place.accelerator)}:{job.cards}",
        "use_spot": place.spot,
        "disk_size": place.disk_gb,
        "image_id": f"docker:{place.image}" if place.image else None,
        "autostop": {"idle_minutes": place.idle_minutes, "down": True},
    }
    task = {
        "name": machine,
        "resources": {key: value for key, value in resources.items() if value is not None},
        "envs": {"ALLOTMENT_DEADLINE_S": str(deadline_s), "HF_HUB_DISABLE_TELEMETRY": "1"},
        "file_mounts": _mounts(place, job, base),
        "setup": _lines(_setup(place, base)),
        "run": _lines(_run(place, job, deadline_s)),
    }
    return yaml.safe_dump(task, sort_keys=False, width=1000)


def accelerator(name: str) -> str:
    """A card in SkyPilot's spelling: RTX 4090 is RTX4090, A100 80GB is A100-80GB."""
    words = name.upper().replace("NVIDIA", "").split()
    joined = "".join(word for word in words if not word.endswith("GB"))
    memory = [word for word in words if word.endswith("GB")]
    return f"{joined}-{memory[0]}" if memory and joined == "A100" and memory[0] == "80GB" else joined


def _mounts(place: PodsPlace, job: Job, base: Base) -> Mapping[str, Any]:
    found: dict[str, Any] = {REMOTE: str(job.folder)}
    if base.is_sent:
        found[f"{REMOTE}/{base.file.name}"] = str(base.file)
    if _is_wheel(place):
        wheel = Path(str(place.package)).expanduser()
        found[f"~/{wheel.name}"] = str(wheel.resolve())
    if place.bucket is not None:
        found[_BUCKET] = {"source": place.bucket, "mode": "MOUNT"}
    return found


def _is_wheel(place: PodsPlace) -> bool:
    return bool(place.package and place.package.endswith(".whl"))


def _setup(place: PodsPlace, base: Base) -> Sequence[str]:
    package = place.package or f"allotment[train,qlora]=={__version__}"
    if _is_wheel(place):
        package = f"$HOME/{Path(str(place.package)).name}[train,qlora]"
    fetch = [] if base.is_sent else [f"~/allotment-venv/bin/allotment models pull {base.name}"]
    return [
        "set -e",
        "# Whatever happens to the work or to who rented it, the machine ends itself at its deadline.",
        f"nohup bash -c {_quoted(_end_at_deadline())} > ~/allotment-deadline.log 2>&1 &",
        "python3 -m venv ~/allotment-venv",
        f'~/allotment-venv/bin/pip install --quiet "{package}"',
        *fetch,
    ]


def _end_at_deadline() -> str:
    return (
        'sleep "$ALLOTMENT_DEADLINE_S"; pkill -f allotment.training.worker;'
        ' [ -n "$RUNPOD_POD_ID" ] && runpodctl remove pod "$RUNPOD_POD_ID";'
        " sudo shutdown -h now || shutdown -h now"
    )


def _run(place: PodsPlace, job: Job, deadline_s: int) -> Sequence[str]:
    script = "import allotment, pathlib; print(pathlib.Path(allotment.__file__).parent / 'experiments/_supervise.py')"
    keep: list[str] = []
    if place.bucket is not None:
        target = f"{_BUCKET}/{job.experiment}/{job.run}"
        keep = [
            f"mkdir -p {target}",
            f"(while sleep 60; do cp -rT {REMOTE} {target}; done) &",
            f"trap 'cp -rT {REMOTE} {target}' EXIT",
        ]
    return [
        *keep,
        "export OMP_WAIT_POLICY=PASSIVE PYTORCH_ALLOC_CONF=expandable_segments:True",
        f'SUPERVISE="$(~/allotment-venv/bin/python -c "{script}")"',
        # The supervisor ends the training at its limit; this ends a supervisor that hangs.
        f'timeout -k 60 {deadline_s} ~/allotment-venv/bin/python -P "$SUPERVISE" {REMOTE} {job.attempt} || true',
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class SentFile:
    """A file, or a kind of files, that would leave this machine."""

    name: str
    size_bytes: int
    what: str
