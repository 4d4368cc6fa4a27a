"""From a finished run to the file that is served, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_trained import EXAMPLES, random_adapter, random_change, tiny_base

from allotment.errors import TrainingError
from allotment.training._base import load_base
from allotment.training.serving._gguf_file import GgufFile
from allotment.training.serving._servable import make_servable, serves
from allotment.workspace import hash_file, write_jsonl
from tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


def write_examples(run: Path) -> None:
    write_jsonl(run / "examples.jsonl", ({"prompt": prompt, "answer": answer} for prompt, answer in EXAMPLES))


def finished_run(folder: Path, run: Path, method: str) -> Path:
    """A run's folder as the worker leaves it, and the base model's file."""
    file, model, _ = tiny_base(folder, quantised=True)
    write_examples(run)
    if method in ("partial", "full"):
        random_change(model, ("layers.1",) if method == "partial" else ("",), run / "changed" / "changed.safetensors")
    else:
        variant = {"use_dora": method == "dora", "use_rslora": method == "rslora"}
        random_adapter(model, run / "peft", **variant)
    return file


def make(file: Path, run: Path, method: str) -> dict[str, Any]:
    target = run / ("adapter.gguf" if serves(method) == "adapter" else "model.gguf")
    return make_servable(file, hash_file(file), run, target, method=method, precision="fp32")


@pytest.mark.parametrize(
    ("method", "served"),
    [("rslora", "adapter.gguf"), ("qlora", "model.gguf"), ("dora", "model.gguf"), ("partial", "model.gguf")],
)
def test_every_kind_of_training_becomes_one_file_that_computes_it(
    folder: Path, tmp_path: Path, method: str, served: str
) -> None:
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    file = finished_run(folder, tmp_path / "run", method)
    record = make(file, tmp_path / "run", method)
    assert record["mean_delta"] <= record["tolerance"]
    assert record["effect"] > 0.1
    assert json.loads(json.dumps(record)) == record
    made = GgufFile.of(tmp_path / "run" / served)
    assert len(made.tensors) == (28 if served == "adapter.gguf" else len(GgufFile.of(file).tensors))
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {served, "examples.jsonl", "changed" if method == "partial" else "peft"}


def test_a_model_that_pytorch_and_the_engine_read_differently_is_never_left_to_be_served(tmp_path: Path) -> None:
    """This one stretches its positions in a way that transformers does not read from GGUF."""
    file = write_tiny_gguf(tmp_path / "stretched.gguf", rope_factors=True)
    run = tmp_path / "run"
    write_examples(run)
    random_adapter(load_base(file, hash_file(file))[0], run / "peft")
    with pytest.raises(TrainingError, match="does not compute what was trained") as refused:
        make(file, run, "lora")
    assert refused.value.kind == "configuration"
    assert not (run / "adapter.gguf").exists()


def test_a_run_that_left_nothing_to_serve_is_told(folder: Path, tmp_path: Path) -> None:
    file = finished_run(folder, tmp_path / "run", "lora")
    (tmp_path / "run" / "peft" / "adapter_model.safetensors").write_bytes(b"torn")
    with pytest.raises(TrainingError) as refused:
        make(file, tmp_path / "run", "lora")
    assert refused.value.kind == "infrastructure"
    assert not (tmp_path / "run" / "adapter.gguf").exists()
