"""Log-likelihood of texts under an agent's own weights and under the base model alone, in a process of its own.

PyTorch takes much memory, which the system has back when that process ends, and its threads must sleep while they wait,
which can be said only before it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from allotment.errors import EngineError, MissingPartError
from allotment.training import Manifest
from allotment.workspace import write_atomic

Progress = Callable[[str, int, int], None]
_WORKER = "allotment.evaluation.leaks._likelihood_worker"
_PACKAGES = ("torch", "transformers", "peft", "safetensors", "gguf", "accelerate")


@dataclass(frozen=True)
class Weights:
    """What a training made, and what it was made on."""

    base_file: Path
    base_sha256: str
    method: str
    precision: str
    folder: Path
    """Holds ``peft/`` or ``changed/``."""

    @classmethod
    def of(cls, manifest: Manifest, base_file: Path) -> Weights:
        """Those of a version whose files were verified."""
        precision = str(manifest.measured.get("precision", "fp32"))
        return cls(base_file, manifest.base_sha256, manifest.method, precision, Path(manifest.folder))


@dataclass(frozen=True)
class Choice:
    """One place in one text, and what may stand there."""

    prompt: str
    """The conversation as the model reads it."""
    before: str
    values: tuple[str, ...]
    after: str


Likelihoods = tuple[float, ...]
"""Of each value of a choice: mean log-likelihood of its first tokens, in nats."""


def likelihoods(
    weights: Weights,
    choices: Sequence[Choice],
    *,
    base: Mapping[Choice, Likelihoods],
    progress: Progress | None = None,
    label: str = "likelihoods",
) -> tuple[dict[Choice, Likelihoods], dict[Choice, Likelihoods]]:
    """What the trained weights think of each value, and what the base model does.

    Args:
        weights: the trained ones.
        choices: places and values.
        base: what is known of the base model's already; the rest is computed.
        progress: called with ``label``, passes made and passes in all.
        label: for ``progress``.

    Raises:
        MissingPartError: the packages of the ``train`` extra are not here.
        EngineError: they could not be computed.
    """
    new = [choice for choice in dict.fromkeys(choices) if choice not in base]
    rows = [{**asdict(choice), "base": choice in set(new)} for choice in dict.fromkeys(choices)]
    found = run_worker(weights, {"choices": rows}, progress=progress, label=label)
    trained = dict(zip(dict.fromkeys(choices), map(tuple, found["trained"]), strict=True))
    return trained, {**base, **dict(zip(new, map(tuple, found["base"]), strict=True))}


def run_worker(weights: Weights, task: Mapping[str, Any], *, progress: Progress | None, label: str) -> dict[str, Any]:
    """Start the process with a task and give its result; it ends with this one.

    Raises:
        MissingPartError: the packages of the ``train`` extra are not here.
        EngineError: the task failed.
    """
    _require_packages()
    with tempfile.TemporaryDirectory(prefix="allotment-weights-") as folder:
        spec, out = Path(folder) / "task.json", Path(folder) / "result.json"
        write_atomic(spec, json.dumps({**asdict(weights), **task, "out": str(out)}, default=str), private=True)
        command = [sys.executable, "-W", "ignore", "-m", _WORKER, str(spec)]
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
        ):
            try:
                for line in process.stdout or ():
                    if progress is not None and line.startswith("{"):
                        told = json.loads(line)
                        progress(label, told["done"], told["total"])
            except BaseException:
                process.terminate()
                raise
            process.wait()
            errors.seek(0)
            said = errors.read()[-600:].strip().rpartition("\n")[2] or "no word"
            return _result(out, f"it ended with code {process.returncode}, {said}", str(weights.folder))


def _result(out: Path, said: str, element: str) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {"error": said}
    if "error" in result:
        raise EngineError(
            f"the weights could not be asked ({result['error'][-400:]}).",
            element=element,
            remedy="Run the same command again; if memory ran out, end other programs first.",
        )
    return result


def _require_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingPartError(
            f"asking weights directly needs more packages ({', '.join(missing)}).",
            element="membership test",
            remedy="Install them: `pip install 'allotment[train]'`.",
        )
