"""A training that pauses at an epoch and goes on learns what one without a pause learns; and it answers questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_worker import equal
from tiny_model import examples, make_tiny_model, metrics, write_spec

from allotment.training.worker._training import Training

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def run(spec: Path, **more: Any) -> dict[str, Any]:
    """Train in this process what the spec says, and ``more``."""
    document = {**json.loads(spec.read_text(encoding="utf-8")), **more}
    return Training(document, spec.parent, lambda kind, **values: None).run()


def write_questions(file: Path, count: int) -> Path:
    rows = [{"id": f"q{n}", "prompt": row["prompt"]} for n, row in enumerate(examples(count, words=3))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training without a pause."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run(write_spec(folder, tiny, examples(8), examples(2), epochs=3, dropout=0.1))["paused"] is False
    return folder


def test_a_paused_training_ends_with_the_very_weights_of_one_that_was_not(
    tiny: Path, whole: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path / "run", tiny, examples(8), examples(2), epochs=3, dropout=0.1)
    first = run(spec, until_epochs=1)
    assert (first["paused"], first["epochs"]) == (True, 1.0)
    again = run(spec, until_epochs=1)  # as after a kill between the last checkpoint and the result
    assert (again["paused"], again["epochs"], again["steps"]) == (True, 1.0, first["steps"])
    last = run(spec)
    assert (last["paused"], last["epochs"]) == (False, 3.0)
    assert equal(tmp_path / "run", whole)
    losses = [row["loss"] for row in metrics(tmp_path / "run") if "loss" in row]
    assert losses == [row["loss"] for row in metrics(whole) if "loss" in row]


def test_a_training_that_had_learnt_enough_when_it_was_killed_is_not_trained_on(tiny: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "run", tiny, examples(8), epochs=9, target_loss=50.0)
    assert run(spec)["epochs"] == 1.0
    (tmp_path / "run" / "peft" / "adapter_model.safetensors").unlink()
    again = run(spec)
    assert (again["epochs"], again["paused"], again["steps"]) == (1.0, False, 2)
    assert (tmp_path / "run" / "peft" / "adapter_model.safetensors").exists()


def test_questions_are_answered_alike_together_and_alone(tiny: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 12, "learning_rate": 1e-2}
    spec = write_spec(tmp_path / "run", tiny, examples(4), **settings)
    file = write_questions(tmp_path / "questions.jsonl", 5)
    run(spec, questions_file=str(file))
    together = [json.loads(line) for line in (spec.parent / "answers.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in together] == [f"q{n}" for n in range(5)]
    lines = file.read_text(encoding="utf-8").splitlines()
    for line, row in zip(lines, together, strict=True):
        file.write_text(line + "\n", encoding="utf-8")
        run(spec, questions_file=str(file))
        assert json.loads((spec.parent / "answers.jsonl").read_text(encoding="utf-8")) == row
