"""The process that trains: started with a spec, followed by its events, and understood by its result."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from allotment.errors import MissingPartError, TrainingError
from allotment.project import TrainingConfig
from allotment.training.worker._heap import worker_environment

_CARD_MEMORY = dict.fromkeys(("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"), "expandable_segments:True")
"""PyTorch's memory on a card grows where it lies, so what passes of other sizes left behind is used again; the second
name is that of PyTorch before 2.9."""
Progress = Callable[[str, int, int], None]


def train_in_process(
    command: list[str],
    work: Path,
    agent: str,
    config: TrainingConfig,
    *,
    progress: Progress | None,
) -> dict[str, Any]:
    """Run the command to its end and give what it measured.

    Args:
        command: starts the worker.
        work: the run's folder; holds ``result.json`` afterwards.
        agent: for messages.
        config: how it is trained.
        progress: told of steps done and in all.

    Raises:
        TrainingError: the training stopped; ``kind`` says why.
        MissingPartError: the training packages are missing.
    """
    (work / "result.json").unlink(missing_ok=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment()) as process:
            try:
                _Follower(agent, config, progress).follow(process)
            except BaseException:
                process.terminate()
                raise
        errors.seek(0)
        tail = errors.read()[-2000:]
    return _outcome(work, agent, process.returncode, tail)


def environment() -> dict[str, str]:
    """Of the process that trains: little waste in heap and card, and threads that sleep while they wait, for those that
    spin take ten times as long beside other work. Settings somebody made himself stay."""
    return {"OMP_WAIT_POLICY": "PASSIVE", **_CARD_MEMORY, **worker_environment()}


class _Follower:
    """Turns events into progress."""

    def __init__(self, agent: str, config: TrainingConfig, progress: Progress | None) -> None:
        self._agent, self._price, self._progress = agent, config.price_usd_per_hour, progress
        self._promise = ""

    def follow(self, process: subprocess.Popen[str]) -> None:
        """Read events until there are no more."""
        for line in process.stdout or ():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("kind") == "probe":
                self._probed(event)
            elif event.get("kind") == "step" and self._progress:
                self._progress(self._label(event), event["done"], event["total"])

    def _probed(self, event: Mapping[str, Any]) -> None:
        cost = event["usd"]
        self._promise = f" of at most {cost:.2f}" if cost is not None else ""

    def _label(self, event: Mapping[str, Any]) -> str:
        rate, mfu = event["tokens_per_second"], event["mfu"]
        parts = [f"training {self._agent}", f"loss {event['loss']:.3f}"]
        parts += [f"{rate:,.0f} tokens/s"] if rate else []
        parts.append(f"MFU {mfu:.0%}" if mfu is not None else "MFU unknown")
        if self._price is not None:
            parts.append(f"{event['seconds'] / 3600 * self._price:.2f}{self._promise} USD")
        return ", ".join(parts)


def _outcome(work: Path, agent: str, code: int, tail: str) -> dict[str, Any]:
    try:
        result = json.loads((work / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {"state": "infrastructure", "error": "the process left no result"}
    if result["state"] != "ok" and "element" not in result:  # it could not say why itself
        last = tail.strip().rpartition("\n")[2]
        result["error"] = f"{result['error']} (exit code {code}). {last}".strip()
    if result["state"] == "ok":
        measured: dict[str, Any] = result["measured"]
        return measured
    if "No module named" in str(result["error"]):
        raise MissingPartError(
            f"training needs more packages ({result['error']}).",
            element=agent,
            remedy="Install them: `pip install 'allotment[train]'`.",
        )
    raise TrainingError(
        str(result["error"])[-600:],
        kind=result["state"],
        element=f"{agent}, {result['element']}" if result.get("element") else agent,
        remedy=result.get("remedy") or "The same command goes on from here.",
    )
