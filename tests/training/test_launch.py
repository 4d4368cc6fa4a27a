"""Several cards: what is written for Accelerate, what is refused, and that processes really start from it.

Here processes share a processor and stand for cards. What only cards have (NCCL, bf16, memory) is rendered, not run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny_model import examples, make_tiny_model, metrics, train, write_spec

from allotment.errors import TrainingError
from allotment.project import TrainingConfig
from allotment.training._launch import Machine, batch_of_a_card, command, launcher, render_plan

Start = Callable[..., subprocess.Popen[str]]
TWO = Machine("cpu", 2)
SCRIPT = Path(__file__).with_name("sharing.py")
SHARDED = Path(__file__).with_name("sharded_worker.py")


def config(**settings: Any) -> TrainingConfig:
    return TrainingConfig.model_validate(settings)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts two processes that do a task of ``sharing.py``; none is left at the end."""
    running: list[subprocess.Popen[str]] = []

    def started(folder: Path, task: str, **settings: Any) -> subprocess.Popen[str]:
        folder.mkdir(parents=True, exist_ok=True)
        chosen = config(**{"cards": 2, "precision": "fp32", **settings})
        command_line = [*launcher(chosen, folder, machine=TWO), str(SCRIPT), task, str(folder)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(command_line, stdout=pipe, stderr=pipe, text=True, env=environment))
        return running[-1]

    yield started
    for process in running:
        process.terminate()
        process.communicate()


def finish(process: subprocess.Popen[str], folder: Path) -> list[dict[str, Any]]:
    """What each process wrote, once all have ended well."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return [json.loads((folder / f"{place}.json").read_text(encoding="utf-8")) for place in (0, 1)]


def alone(folder: Path) -> dict[str, Any]:
    """The same task in one process."""
    folder.mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, str(SCRIPT), "train", str(folder)], check=True, env=environment)
    found: dict[str, Any] = json.loads((folder / "0.json").read_text(encoding="utf-8"))
    return found


def flat(learnt: dict[str, Any]) -> list[float]:
    return [value for name in sorted(learnt) for row in learnt[name] for value in row]


def test_one_card_is_one_process_without_accelerate(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    assert command(config(), spec, tmp_path) == [sys.executable, "-m", "allotment.training.worker._worker", str(spec)]
    assert not list(tmp_path.iterdir())


def test_several_cards_are_launched_by_accelerate_from_a_file_that_it_reads_itself(tmp_path: Path) -> None:
    found = command(config(cards=2, precision="bf16"), tmp_path / "spec.json", tmp_path, machine=TWO)
    file = tmp_path / "accelerate.yaml"
    assert found[found.index("-m") :][:4] == ["-m", "accelerate.commands.launch", "--config_file", str(file)]
    assert found[-3:] == ["--module", "allotment.training.worker._worker", str(tmp_path / "spec.json")]
    read = load_config_from_file(str(file))
    assert (read.distributed_type.value, read.num_processes, read.num_machines) == ("MULTI_GPU", 2, 1)
    assert (read.mixed_precision, read.use_cpu, read.fsdp_config) == ("bf16", True, {})


@pytest.mark.parametrize(("precision", "mixed"), [("bf16", "bf16"), ("fp16", "fp16"), ("fp32", "no"), ("auto", "no")])
def test_the_precision_is_accelerates_mixed_precision(precision: str, mixed: str, tmp_path: Path) -> None:
    launcher(config(cards=2, precision=precision), tmp_path, machine=Machine("cuda", 2))
    read = yaml.safe_load((tmp_path / "accelerate.yaml").read_text(encoding="utf-8"))
    assert (read["mixed_precision"], read["use_cpu"]) == (mixed, False)


@pytest.mark.parametrize("method", ["lora", "dora", "rslora", "full"])
def test_sharding_becomes_fsdp_of_version_2_with_whole_state_dicts(method: str, tmp_path: Path) -> None:
    launcher(config(cards=4, sharding="fsdp", method=method), tmp_path, machine=Machine("cuda", 8))
    read = load_config_from_file(str(tmp_path / "accelerate.yaml"))
    assert read.distributed_type.value == "FSDP"
    assert read.fsdp_config["fsdp_version"] == 2
    assert read.fsdp_config["fsdp_auto_wrap_policy"] == "TRANSFORMER_BASED_WRAP"
    assert read.fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT"
    assert read.fsdp_config["fsdp_cpu_ram_efficient_loading"] is False


def test_a_setting_that_accelerate_would_pass_over_in_silence_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from allotment.training import _launch

    monkeypatch.setitem(_launch._FSDP, "fsdp_shard_it_all", True)
    with pytest.raises(TrainingError, match="unknown: fsdp_shard_it_all") as caught:
        launcher(config(cards=2, sharding="fsdp"), tmp_path, machine=TWO)
    assert caught.value.kind == "configuration"


def test_more_cards_than_the_machine_has_are_refused_with_both_numbers(tmp_path: Path) -> None:
    for there, remedy in ((0, "Leave training.cards out"), (2, "Write `cards: 2`")):
        with pytest.raises(TrainingError, match=f"4 cards are wanted and this machine has {there}") as caught:
            launcher(config(cards=4), tmp_path, machine=Machine("cuda", there))
        assert caught.value.kind == "configuration"
        assert remedy in caught.value.remedy
    assert not (tmp_path / "accelerate.yaml").exists()


def test_cards_of_this_machine_are_counted() -> None:
    import torch

    assert Machine.here() == Machine("cuda", torch.cuda.device_count())


@given(size=st.integers(1, 200), cards=st.integers(1, 64))
def test_a_batch_is_shared_evenly_or_refused_with_sizes_that_can_be(size: int, cards: int) -> None:
    chosen = config(batch_size=size, cards=cards)
    if size % cards == 0:
        assert batch_of_a_card(chosen) * cards == size
        return
    with pytest.raises(TrainingError, match=f"{size} examples cannot be shared evenly among {cards} cards") as caught:
        render_plan(chosen)
    named = [int(word.strip(",")) for word in caught.value.remedy.split() if word.strip(",").isdigit()]
    assert named
    assert all(other % cards == 0 and abs(other - size) < cards for other in named)


def test_the_plan_says_who_holds_what_and_how_many_examples() -> None:
    assert render_plan(config()) == "1 process; a step is 8 examples, in one pass; precision auto"
    whole = render_plan(config(cards=2, precision="bf16", micro_batch_tokens=2048))
    assert whole == (
        "2 processes on 2 cards, each with the whole model; a step is 8 examples, 4 on each card, in passes of 2048"
        " tokens; precision bf16"
    )
    assert "4 cards, each with 1/4 of the model (FSDP)" in render_plan(config(cards=4, sharding="fsdp"))


@pytest.mark.heavy
def test_two_processes_learn_what_one_learns_from_the_same_batches(start: Start, tmp_path: Path) -> None:
    copied, sharded = tmp_path / "copied", tmp_path / "sharded"
    running = start(copied, "train"), start(sharded, "train", sharding="fsdp")
    one = alone(tmp_path / "alone")
    found = finish(running[0], copied), finish(running[1], sharded)
    assert found[0][0]["kind"] == "DistributedDataParallel"
    assert found[1][0]["kind"] == "FSDPModel"
    for ranks in found:
        assert [rank["processes"] for rank in ranks] == [2, 2]
        assert [rank["share"] for rank in ranks] == [[3, 2, 1], [2, 2, 0]]
        assert one["share"] == [5, 4, 1]
        for rank in ranks:
            assert rank["losses"] == pytest.approx(one["losses"], abs=1e-6)
            assert flat(rank["learnt"]) == pytest.approx(flat(one["learnt"]), abs=1e-6)
            assert (rank["emptied"], rank["agreed"]) == (0.0, 10.0)
            assert set(rank["listening"]) <= {"127.0.0.1", "::1"}
    for folder in (copied, sharded):
        assert json.loads((folder / "result.json").read_text(encoding="utf-8")) == {"state": "ok", "rank": 0}


@pytest.mark.heavy
def test_no_process_outlives_its_launcher_even_one_that_is_killed(start: Start, tmp_path: Path) -> None:
    running = [start(tmp_path / how, "wait") for how in ("terminated", "killed")]
    ranks = [[psutil.Process(int((one.stdout or ()).readline())) for _ in range(2)] for one in running]
    running[0].terminate()
    running[1].kill()
    _, alive = psutil.wait_procs([process for pair in ranks for process in pair], timeout=60)
    assert not alive
    assert [one.wait(timeout=60) != 0 for one in running] == [True, True]


@pytest.mark.heavy
def test_the_process_that_fails_first_tells_why(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, "fail")
    process.communicate(timeout=120)
    assert process.returncode != 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert (result["state"], result["error"]) == ("out-of-memory", "a card is full.")


@pytest.mark.heavy
@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_the_worker_learns_the_same_in_two_processes_as_in_one(sharding: str, tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base")
    rows, shared = examples(9, words=6), {"cards": 2, "sharding": sharding}  # the last batch is one example
    one = write_spec(tmp_path / "one", base, rows, examples(3), micro_batch_tokens=120)
    two = write_spec(tmp_path / "two", base, rows, examples(3), micro_batch_tokens=120, **shared)
    target = ["--module", "allotment.training.worker._worker"] if sharding == "none" else [str(SHARDED)]
    started = launcher(config(**shared), two.parent, machine=TWO)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*started, *target, str(two)], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert train(one)[0] == 0
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert len([line for line in said.splitlines() if '"step"' in line]) == 6  # one of the two speaks
    for key, tolerance in (("loss", 1e-5), ("held_out_loss", 1e-5), ("tokens", 0), ("answer_tokens", 0)):
        alone, together = ([row[key] for row in metrics(spec.parent) if key in row] for spec in (one, two))
        assert alone
        assert together == pytest.approx(alone, abs=tolerance)
    learnt = [load_file(str(spec.parent / "peft" / "adapter_model.safetensors")) for spec in (one, two)]
    assert learnt[0].keys() == learnt[1].keys()
    assert all(learnt[0][name].allclose(learnt[1][name], rtol=0, atol=1e-5) for name in learnt[0])
