"""From what was trained to the one file the embedded engine serves, compared with PyTorch before anybody may ask it.

It needs the base model in PyTorch once more, so it is a process of its own (``python -m allotment.training._servable
SPEC``): gigabytes and a C++ server end with it, and the caller needs neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from allotment.errors import TrainingError
from allotment.workspace import write_atomic

_ADAPTERS = ("lora", "qlora", "rslora")


def serves(method: str) -> Literal["adapter", "model"]:
    """Whether a method gives an adapter of the base model, or a model of the agent's own."""
    return "adapter" if method in _ADAPTERS else "model"


def make_servable(base_file: Path, base_sha256: str, run: Path, target: Path, *, method: str) -> dict[str, Any]:
    """Write ``target``, the file that is served, from a finished run, and compare it with PyTorch.

    Args:
        base_file: the GGUF file that was trained.
        base_sha256: its hash.
        run: the run's folder, with ``peft/`` or ``changed/`` and ``examples.jsonl``.
        target: ``adapter.gguf`` or ``model.gguf``.
        method: how it was trained.

    Returns:
        The parity record, as in the manifest.

    Raises:
        TrainingError: it has no such form, or the engine computes something else than was trained.
    """
    spec = {"base": {"file": str(base_file), "sha256": base_sha256}, "run": str(run), "target": str(target)}
    with tempfile.TemporaryDirectory(prefix="allotment-export-") as folder:
        file, out = Path(folder) / "spec.json", Path(folder) / "result.json"
        write_atomic(file, json.dumps({**spec, "method": method, "out": str(out)}))
        command = [sys.executable, "-m", "allotment.training._servable", str(file)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
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
    from allotment.training._base import load_base
    from allotment.training._parity import compare, log_probabilities, parity_rows, require_parity
    from allotment.training._trained import with_trained

    base_file, run, target = Path(spec["base"]["file"]), Path(spec["run"]), Path(spec["target"])
    model, tokenizer = load_base(base_file, spec["base"]["sha256"])
    rows = parity_rows(_examples(run), tokenizer)
    before = log_probabilities(model.eval(), rows)
    model = with_trained(model, run)
    after = log_probabilities(model, rows)
    _export(model, run, base_file, target, str(spec["method"]))
    del model  # the engine needs the room
    is_adapter = serves(str(spec["method"])) == "adapter"
    record = compare(rows, before, after, base_file if is_adapter else target, target if is_adapter else None)
    return asdict(require_parity(record, target.name))


def _export(model: Any, run: Path, base_file: Path, target: Path, method: str) -> None:
    from allotment.training._gguf import export_gguf
    from allotment.training._trained import CHANGED, PEFT, merged, merged_tensors
    from allotment.training._whole_gguf import export_whole_gguf

    if serves(method) == "adapter":
        export_gguf(run / PEFT, base_file, target)
    elif method == "dora":
        from safetensors.torch import save_file

        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            file = Path(folder) / CHANGED.name
            save_file(merged_tensors(merged(model), run / PEFT), str(file))
            export_whole_gguf(file, base_file, target)
    else:
        export_whole_gguf(run / CHANGED, base_file, target)


def _examples(run: Path) -> list[tuple[str, str]]:
    lines = (run / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["prompt"], row["answer"]) for row in map(json.loads, lines)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
