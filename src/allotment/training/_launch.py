"""The command that starts a training: one process, or one for each card under Accelerate.

Several processes are described in Accelerate's own configuration file, ``accelerate.yaml`` in the run's folder, which
Accelerate reads back before anything is started. The effective batch is ``batch_size`` on any number of cards.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from allotment.errors import MissingPartError, TrainingError
from allotment.project import TrainingConfig
from allotment.training._ranks import LOOPBACK, MEETING_PLACE, TOLD
from allotment.workspace import write_atomic

WORKER = "allotment.training.worker._worker"
CONFIG_FILE = "accelerate.yaml"
_MIXED = {"bf16": "bf16", "fp16": "fp16", "fp32": "no", "auto": "no"}
"""``auto`` is decided by each process on its own card, and what it decides counts."""
_FSDP = {
    "fsdp_version": 2,
    "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "fsdp_reshard_after_forward": True,
    "fsdp_offload_params": False,
    "fsdp_activation_checkpointing": False,
    "fsdp_state_dict_type": "FULL_STATE_DICT",
    "fsdp_cpu_ram_efficient_loading": False,
}
"""Sharded by layers, whose class Accelerate takes from the model. Activations are computed twice by the worker, where
that is wanted. State dicts are whole, for one process writes and reads them. Every process loads the weights itself,
for the adapter is put on, and initialised from them, before the model is divided."""
_NO_OPEN_PORT = {
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    "GLOO_SOCKET_IFNAME": LOOPBACK,
    "NCCL_SOCKET_IFNAME": LOOPBACK,
}
"""PyTorch's store of addresses listens on every interface and asks nobody who he is. The launcher meets its processes
at a file instead, they meet at another one (``_ranks``), and what they then say to each other stays on the loopback
interface."""


@dataclass(frozen=True)
class Machine:
    """What several processes would run on."""

    kind: Literal["cuda", "cpu"]
    """``cpu``: processes that share the processor and stand for cards where there are none."""
    cards: int

    @classmethod
    def here(cls) -> Machine:
        """The CUDA cards this process may use."""
        import torch

        return cls("cuda", torch.cuda.device_count())


def command(config: TrainingConfig, spec_file: Path, folder: Path, *, machine: Machine | None = None) -> list[str]:
    """The command that trains what ``spec_file`` says, in one process or as many as there are cards.

    Args:
        config: how it is trained.
        spec_file: what the worker reads.
        folder: the run's folder.
        machine: where several processes will run; this one's cards if none.

    Raises:
        TrainingError: as ``launcher``.
        MissingPartError: as ``launcher``.
    """
    if config.cards == 1:
        return [sys.executable, "-m", WORKER, str(spec_file)]
    return [*launcher(config, folder, machine=machine), "--module", WORKER, str(spec_file)]


def launcher(config: TrainingConfig, folder: Path, *, machine: Machine | None = None) -> list[str]:
    """The part of the command that starts several processes; ``accelerate.yaml`` is written for it.

    Raises:
        TrainingError: ``configuration``: there are fewer cards, or the batch cannot be shared among them.
        MissingPartError: Accelerate is not installed.
    """
    batch_of_a_card(config)
    found = _enough_cards(config, machine)
    file = folder / CONFIG_FILE
    write_atomic(file, yaml.safe_dump(accelerate_config(config, found), sort_keys=False))
    _check(file, config)
    for left_over in (MEETING_PLACE, TOLD):  # by processes that failed or were killed
        (folder / left_over).unlink(missing_ok=True)
    settings = [f"{name}={value}" for name, value in _NO_OPEN_PORT.items()]
    meeting = ["--rdzv_backend", "c10d", "--rdzv_conf", "store_type=file"]
    return ["env", *settings, sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(file), *meeting]


def batch_of_a_card(config: TrainingConfig) -> int:
    """Examples of a step that each card gets.

    Raises:
        TrainingError: ``configuration``: the batch cannot be shared out evenly.
    """
    share, left = divmod(config.batch_size, config.cards)
    if not left:
        return share
    nearest = [size * config.cards for size in (share, share + 1) if size]
    raise TrainingError(
        f"{config.batch_size} examples cannot be shared evenly among {config.cards} cards.",
        kind="configuration",
        element="training.batch_size",
        remedy=f"Write {' or '.join(map(str, nearest))}, or another number of cards.",
    )


def render_plan(config: TrainingConfig) -> str:
    """What will run, for people: processes, what each holds, and its share of a step.

    Raises:
        TrainingError: as ``batch_of_a_card``.
    """
    share = batch_of_a_card(config)
    passes = "one pass" if config.micro_batch_tokens is None else f"passes of {config.micro_batch_tokens} tokens"
    if config.cards == 1:
        return f"1 process; a step is {share} examples, in {passes}; precision {config.precision}"
    held = "the whole model" if config.sharding == "none" else f"1/{config.cards} of the model (FSDP)"
    return (
        f"{config.cards} processes on {config.cards} cards, each with {held}; a step is {config.batch_size} examples,"
        f" {share} on each card, in {passes}; precision {config.precision}"
    )


def accelerate_config(config: TrainingConfig, machine: Machine) -> dict[str, Any]:
    """Accelerate's configuration of several processes on one machine, as its file has it.

    Processes on a processor are launched as for cards: Accelerate starts only one where the type is ``MULTI_CPU``.
    """
    sharded = config.sharding == "fsdp"
    described: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "FSDP" if sharded else "MULTI_GPU",
        "mixed_precision": _MIXED[config.precision],
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": config.cards,
        "gpu_ids": "all",
        "main_process_port": 0,  # nobody listens there; a fixed one would be looked at, and may be another's
        "use_cpu": machine.kind == "cpu",
    }
    return {**described, "fsdp_config": dict(_FSDP)} if sharded else described


def _enough_cards(config: TrainingConfig, machine: Machine | None) -> Machine:
    found = machine or Machine.here()
    if found.cards >= config.cards:
        return found
    remedy = f"Write `cards: {found.cards}`." if found.cards > 1 else "Leave training.cards out."
    raise TrainingError(
        f"{config.cards} cards are wanted and this machine has {found.cards}.",
        kind="configuration",
        element="training.cards",
        remedy=f"{remedy} CUDA_VISIBLE_DEVICES may hide some.",
    )


def _check(file: Path, config: TrainingConfig) -> None:
    """Let Accelerate read its file; and look for what it would pass over in silence, a setting it does not know."""
    try:
        from accelerate.commands.config.config_args import load_config_from_file
        from accelerate.commands.launch import launch_command_parser
    except ModuleNotFoundError as error:
        raise MissingPartError(
            f"several cards need more packages ({error}).",
            element="training.cards",
            remedy="Install them: `pip install 'allotment[train]'`.",
        ) from error
    try:
        read = load_config_from_file(str(file))
    except (ValueError, TypeError) as error:
        raise _not_understood(file, str(error)) from error
    known = vars(launch_command_parser().parse_args(["script"]))
    unknown = sorted(key for key in read.fsdp_config if key not in known)
    if unknown or read.num_processes != config.cards:
        raise _not_understood(file, f"unknown: {', '.join(unknown)}" if unknown else "number of processes")


def _not_understood(file: Path, why: str) -> TrainingError:
    return TrainingError(
        f"the installed Accelerate does not understand what was written for it ({why}).",
        kind="configuration",
        element=str(file),
        remedy="Install the version that allotment[train] names, or train on one card.",
    )
