"""Killed, out of memory, out of disk: a training goes on, and its weights are those of one that was never stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_worker import close, equal, run
from tiny_model import examples, make_tiny_model, metrics, start_worker, train, write_spec

from allotment.training.worker._checkpoint import newest_whole, step_of
from small_disk import small_disk

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),
]
AT_EVERY_STEP = 1e-6
"""Minutes between checkpoints."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    code, result, _ = train(spec_of(folder, tiny))
    assert code == 0, result
    return folder


def spec_of(folder: Path, tiny: Path, **settings: Any) -> Path:
    """Nine steps over three epochs, with a mask drawn at random in each."""
    chosen: dict[str, Any] = {"epochs": 3, "dropout": 0.1, "checkpoint_minutes": AT_EVERY_STEP, **settings}
    return write_spec(folder, tiny, examples(12, words=3), examples(2), **chosen)


def kill_at(process: subprocess.Popen[str], step: int) -> None:
    for line in process.stdout or ():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("kind") == "step" and event["done"] == step:
            process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("steps", [(2,), (4, 8)])
def test_a_killed_training_ends_with_the_very_weights_of_one_that_was_not(
    steps: tuple[int, ...], tiny: Path, whole: Path, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path / "run", tiny)
    for step in steps:
        with start_worker(spec) as process:
            kill_at(process, step)
    code, result, said = train(spec)
    assert code == 0, result
    first = next(event["done"] for event in said if event["kind"] == "step")
    assert steps[-1] <= first <= steps[-1] + 1  # the kill came before or after that step's checkpoint
    assert equal(tmp_path / "run", whole)
    rows = {row["step"]: row for row in metrics(tmp_path / "run") if "loss" in row}
    others = {row["step"]: row for row in metrics(whole) if "loss" in row}
    for name in ("loss", "grad_norm", "learning_rate", "tokens", "answer_tokens"):
        assert [row[name] for row in rows.values()] == [row[name] for row in others.values()]
    assert result["measured"]["tokens"] == rows[9]["tokens"]
    assert result["measured"]["epochs_before_resume"] == pytest.approx((first - 1) / 3, abs=0.01)


def test_a_kill_in_the_middle_of_a_save_leaves_the_checkpoint_before_it(
    tiny: Path, whole: Path, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path / "run", tiny)
    partial = tmp_path / "run" / "checkpoints" / ".partial"
    with start_worker(spec) as process:
        for line in process.stdout or ():
            if '"step"' in line and json.loads(line)["done"] == 4:
                break
        while process.poll() is None and not any(partial.glob("checkpoint-*/*")):
            pass  # the save of step 4 is about to begin
        process.send_signal(signal.SIGKILL)
        process.communicate()
    kept = newest_whole(tmp_path / "run" / "checkpoints")
    assert kept is not None
    assert step_of(kept) >= 3
    code, result, _ = train(spec)
    assert code == 0, result
    assert not partial.exists()
    assert equal(tmp_path / "run", whole)


@pytest.fixture(scope="module")
def killed(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed in its second epoch."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    with start_worker(spec_of(folder, tiny)) as process:
        kill_at(process, 5)
    return folder


@pytest.mark.parametrize("harm", ["cut", "removed", "no seal"])
def test_a_broken_checkpoint_is_passed_over(harm: str, killed: Path, tiny: Path, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(killed, tmp_path / "run")
    newest = newest_whole(tmp_path / "run" / "checkpoints")
    assert newest is not None
    if harm == "cut":
        file = newest / "optimizer.pt"
        file.write_bytes(file.read_bytes()[:-100])
    elif harm == "removed":
        (newest / "rng_state.pth").unlink()
    else:
        (newest / "seal.json").unlink()
    older = newest_whole(tmp_path / "run" / "checkpoints")
    assert older is not None
    assert step_of(older) == step_of(newest) - 1
    measured = run(spec_of(tmp_path / "run", tiny))
    assert measured["epochs_before_resume"] == pytest.approx(step_of(older) / 3, abs=0.01)
    assert equal(tmp_path / "run", whole)


def kib(folder: Path) -> int:
    """What a folder takes on a disk of 4 KiB blocks."""
    return sum(4 * -(-file.stat().st_size // 4096) for file in folder.rglob("*") if file.is_file())


def test_a_full_disk_at_the_third_checkpoint_loses_nothing(tiny: Path, whole: Path, tmp_path: Path) -> None:
    checkpoint = kib(next((whole / "checkpoints").glob("checkpoint-*")))
    with small_disk(tmp_path / "disk", 64 + 5 * checkpoint // 2) as disk:
        code, result, _ = train(spec_of(disk / "run", tiny))
        assert (code, result["state"]) == (33, "infrastructure")
        assert "the disk is full" in result["error"]
        assert "run the same command again" in result["remedy"]
        kept = newest_whole(disk / "run" / "checkpoints")
        assert kept is not None
        assert step_of(kept) == 2
        shutil.copytree(disk / "run", tmp_path / "run")
    assert run(spec_of(tmp_path / "run", tiny))["epochs_before_resume"] == pytest.approx(2 / 3, abs=0.01)
    assert equal(tmp_path / "run", whole)


def test_a_process_that_was_killed_leaves_a_result_that_says_so(killed: Path) -> None:
    result = json.loads((killed / "result.json").read_text(encoding="utf-8"))
    assert result["state"] == "infrastructure"
    assert "killed" in result["error"]


def long_rows(count: int) -> list[dict[str, str]]:
    return [{**row, "answer": "dock " * 70 + row["answer"]} for row in examples(count)]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose activations need much more than its weights."""
    return make_tiny_model(tmp_path_factory.mktemp("wide") / "model", hidden=512)


def train_with(spec: Path, more_mib: int) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Train with so much memory beyond what the loaded model takes."""
    script = Path(__file__).with_name("limited_worker.py")
    return train(spec, script=(str(script), str(more_mib)))


def test_out_of_memory_makes_passes_smaller_and_keeps_the_batch(wide: Path, tmp_path: Path) -> None:
    rows = [*examples(4), *long_rows(4)]
    settings: dict[str, Any] = {"epochs": 4, "batch_size": 8, "learning_rate": 1e-3}
    free = write_spec(tmp_path / "free", wide, rows, **settings)
    tight = write_spec(tmp_path / "tight", wide, rows, **settings)
    assert train(free)[0] == 0
    code, result, said = train_with(tight, 160)
    assert code == 0, result
    events = [row for row in metrics(tmp_path / "tight") if row.get("event") == "out-of-memory"]
    assert events
    assert "the batch stays as it is" in events[0]["detail"]
    assert any(event["kind"] == "warning" and "tokens instead of" in event["text"] for event in said)
    assert result["measured"]["micro_batch_tokens"] < result["measured"]["tokens"] / 4
    assert result["measured"]["tokens"] == metrics(tmp_path / "free")[-1]["tokens"]
    assert close(tmp_path / "free", tmp_path / "tight", 1e-3)


def test_memory_that_is_too_small_for_one_example_ends_as_out_of_memory(wide: Path, tmp_path: Path) -> None:
    rows = long_rows(8)
    spec = write_spec(tmp_path / "run", wide, rows, epochs=4, batch_size=8, gradient_checkpointing=False)
    code, result, _ = train_with(spec, 4)
    assert (code, result["state"]) == (20, "out-of-memory")
    assert not (tmp_path / "run" / "peft").exists()
    shutil.rmtree(tmp_path / "run")
