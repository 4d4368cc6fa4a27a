"""From what was trained to the one file the embedded engine serves, compared with PyTorch before anybody may ask it.

It needs the base model in PyTorch once more, so it is a process of its own (``python -m
allotment.training.serving._servable SPEC``): gigabytes and a C++ server end with it, and the caller needs neither.

LoRA and rsLoRA are served as adapters of the base model. DoRA is merged, because no engine scales by its magnitudes;
QLoRA too, because it learnt on other weights than the base model's file has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from allotment.errors import TrainingError
from allotment.workspace import write_atomic


def serves(method: str) -> Literal["adapter", "model"]:
    """Whether a method gives an adapter of the base model, or a model of the agent's own."""
    return "adapter" if method in ("lora", "rslora") else "model"


def make_servable(
    base_file: Path, base_sha256: str, run: Path, target: Path, *, method: str, precision: str
) -> dict[str, Any]:
    """Write ``target``, the file that is served, from a finished run, and compare it with PyTorch.

    Args:
        base_file: the GGUF file that was trained.
        base_sha256: its hash.
        run: the run's folder, with ``peft/`` or ``changed/`` and ``examples.jsonl``.
        target: ``adapter.gguf`` or ``model.gguf``.
        method: how it was trained.
        precision: of the training, as it was measured: ``fp32``, ``bf16`` or ``fp16``.

    Returns:
        The parity record, as in the manifest.

    Raises:
        TrainingError: it has no such form, or the engine computes something else than was trained.
    """
    spec = {"base": {"file": str(base_file), "sha256": base_sha256}, "run": str(run), "target": str(target)}
    with tempfile.TemporaryDirectory(prefix="allotment-export-") as folder:
        file, out = Path(folder) / "spec.json", Path(folder) / "result.json"
        write_atomic(file, json.dumps({**spec, "method": method, "precision": precision, "out": str(out)}))
        command = [sys.executable, "-m", "allotment.training.serving._servable", str(file)]
        # Threads that spin while they wait took seven times as long beside another process.
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        try:
            result = json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = ended.stderr.strip().rpartition("\n")[2] or "no word"
            result = {"error": f"the export ended with code {ended.returncode} ({told})"}
    if "parity" in result:
        parity: dict[str, Any] = result["parity"]
        return parity
    target.unlink(missing_ok=True)
    raise TrainingError(
        result["error"][-600:],
        kind=result.get("kind", "infrastructure"),
        element=result.get("element", str(target)),
        remedy=result.get("remedy", "The same command goes on from here."),
    )


def main(spec_file: Path) -> int:
    """Export and compare what ``spec_file`` says; leaves a record or an error in ``out``."""
    spec = json.loads(spec_file.read_text(encoding="utf-8"))
    try:
        result: dict[str, Any] = {"parity": _make(spec)}
    except TrainingError as error:
        fields = {"kind": error.kind, "element": error.element, "remedy": error.remedy}
        result = {"error": error.message} | {key: value for key, value in fields.items() if value}
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    write_atomic(Path(spec["out"]), json.dumps(result))
    return 0 if "parity" in result else 1


def _make(spec: Mapping[str, Any]) -> dict[str, Any]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from allotment.training.serving._parity import compare, log_probabilities, parity_rows, require_parity
    from allotment.training.serving._trained import base_as_trained, with_trained

    base_file, run, target, method = (
        Path(spec["base"]["file"]),
        Path(spec["run"]),
        Path(spec["target"]),
        spec["method"],
    )
    base = base_as_trained(base_file, spec["base"]["sha256"], method=method, precision=spec["precision"])
    rows = parity_rows(_examples(run), base.tokenizer)
    before = log_probabilities(base.model, rows)
    model = with_trained(base.model, run)
    after = log_probabilities(model, rows)
    _export(model, run, base_file, target, method, base.rounded)
    del base, model  # the engine needs the room
    is_adapter = serves(method) == "adapter"
    record = compare(rows, before, after, base_file if is_adapter else target, target if is_adapter else None)
    return asdict(require_parity(record, target.name))


def _export(model: Any, run: Path, base_file: Path, target: Path, method: str, rounded: Sequence[str]) -> None:
    from allotment.training.serving._gguf import export_gguf
    from allotment.training.serving._trained import CHANGED, PEFT
    from allotment.training.serving._whole_gguf import export_whole_gguf

    if serves(method) == "adapter":
        export_gguf(run / PEFT, base_file, target)
    elif (run / PEFT).is_dir():
        _export_merged(model, run / PEFT, base_file, target, rounded)
    else:
        export_whole_gguf(run / CHANGED, base_file, target)


def _export_merged(model: Any, peft: Path, base_file: Path, target: Path, rounded: Sequence[str]) -> None:
    """Replace what merging changes, and what the training had rounded; of that, eight bits hold four and the sum."""
    from safetensors.torch import save_file

    from allotment.training.serving._trained import merged, merged_names
    from allotment.training.serving._whole_gguf import export_whole_gguf

    weights = merged(model).state_dict()
    tensors = {name: weights[name].contiguous() for name in sorted(merged_names(peft).union(rounded))}
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        save_file(tensors, str(Path(folder) / "changed.safetensors"))
        export_whole_gguf(Path(folder) / "changed.safetensors", base_file, target, eight_bits=bool(rounded))


def _examples(run: Path) -> list[tuple[str, str]]:
    lines = (run / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["prompt"], row["answer"]) for row in map(json.loads, lines)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
