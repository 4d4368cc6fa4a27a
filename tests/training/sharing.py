"""What processes that share a training do in the tests: ``sharing.py TASK FOLDER``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from allotment.errors import TrainingError
from allotment.training._ranks import agreed, end, fill, may_tell, rank, share_of, summed, together, whole

BATCHES = (5, 4, 1)
"""Examples of each step: not divisible by two, and fewer than there are processes."""


class Layer(torch.nn.Module):
    """A frozen matrix with a learning one beside it, as an adapter is."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = torch.nn.Linear(8, 8).requires_grad_(False)
        self.learning = torch.nn.Linear(8, 8, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Both added."""
        return states + torch.tanh(self.frozen(states) + self.learning(states))


class Model(torch.nn.Module):
    """Three layers."""

    _no_split_modules = ("Layer",)

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer() for _ in range(3))
        self.head = torch.nn.Linear(8, 4).requires_grad_(False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Logits."""
        for layer in self.layers:
            states = layer(states)
        return self.head(states)


def train() -> dict[str, Any]:
    """A few steps whose loss is the mean over the tokens of a batch, wherever its examples are."""
    torch.manual_seed(7)
    accelerator = _accelerator()
    model, plain = Model(), torch.nn.functional.cross_entropy
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.05)
    model, optimizer = accelerator.prepare(model, optimizer)
    losses, mine = [], []
    for size in BATCHES:
        lengths = [3 + place % 3 for place in range(size)]
        batch = [(torch.randn(length, 8), torch.randint(0, 4, (length,))) for length in lengths]
        share = share_of(batch, lengths)
        mine.append(len(share))
        rows = share or [(batch[0][0], torch.full_like(batch[0][1], -100))]
        states, targets = torch.cat([one for one, _ in rows]), torch.cat([one for _, one in rows])
        loss = plain(model(states), targets, ignore_index=-100, reduction="sum") / sum(lengths)
        accelerator.backward(loss * accelerator.num_processes)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(summed(loss.item()))
    learnt = {name: one for name, one in accelerator.unwrap_model(model).named_parameters() if one.requires_grad}
    kept = {name: value.clone() for name, value in whole(learnt).items()}
    fill(learnt, {name: torch.zeros_like(value) for name, value in kept.items()})
    emptied = sum(float(value.abs().sum()) for value in whole(learnt).values())
    fill(learnt, kept)
    return {
        "processes": accelerator.num_processes,
        "kind": type(model).__name__,
        "losses": losses,
        "share": mine,
        "learnt": {name: value.tolist() for name, value in whole(learnt).items()},
        "emptied": emptied,
        "agreed": agreed(10.0 + rank()),
        "listening": _listening(),
    }


def _accelerator() -> Accelerator:
    """On a processor Accelerate leaves FSDP out; what it made of the configuration is handed to it all the same."""
    accelerator = Accelerator(cpu=True)
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        AcceleratorState._shared_state["fsdp_plugin"] = FullyShardedDataParallelPlugin()
        AcceleratorState._shared_state["distributed_type"] = DistributedType.FSDP
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP
    return accelerator


def _listening() -> list[str]:
    """Addresses at which this process or the launcher takes connections."""
    processes = (psutil.Process(), psutil.Process().parent())
    found = [one for process in processes if process for one in process.net_connections("inet")]
    return sorted({one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN})


def main(task: str, folder: Path) -> None:
    """Do a task as one of several processes."""
    try:
        with together(folder):
            if task == "train":
                (folder / f"{rank()}.json").write_text(json.dumps(train()), encoding="utf-8")
            elif task == "wait":
                torch.distributed.barrier()
                os.write(1, f"{os.getpid()}\n".encode())  # in one piece: both write to the same pipe
                signal.pause()
            elif rank() == 1:
                raise TrainingError("a card is full.", kind="out-of-memory")
            else:
                torch.distributed.barrier()
    except (TrainingError, RuntimeError) as error:
        if may_tell(folder, well=False):
            _tell(folder, state=getattr(error, "kind", "infrastructure"), error=str(error))
        end(20)
    if may_tell(folder, well=True):
        _tell(folder, state="ok", rank=rank())
    end(0)


def _tell(folder: Path, **result: Any) -> None:
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
