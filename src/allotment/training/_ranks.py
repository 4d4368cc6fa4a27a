"""One of several processes that share a training: how they meet, share a batch, agree, and end.

``_launch`` starts them. For a process on its own everything here is the plain thing: it is the first of one, its share
of a batch is the batch, and what it holds is whole.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

MEETING_PLACE = "meeting-place"
TOLD = "told"
"""Marks that a process has said why it failed."""
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_PATIENCE = timedelta(hours=2)
"""How long a process waits for another: one may write a large model meanwhile. One that dies ends all at once."""
_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""
_Row = TypeVar("_Row")


def several() -> int:
    """How many processes share the training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this process speaks and writes for all."""
    return rank() == 0


@contextmanager
def together(folder: Path) -> Iterator[None]:
    """Be one of the processes for the time of the ``with``; to be entered before anything touches a card.

    They leave together when all went well. One that fails just leaves: the launcher then ends the others.

    Args:
        folder: the run's folder, where they meet.
    """
    if several() == 1:
        yield
        return
    import torch

    end_with_parent()
    on_card = torch.cuda.is_available()
    if on_card:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if on_card else "gloo",
        init_method=f"file://{(folder / MEETING_PLACE).resolve()}",
        rank=rank(),
        world_size=several(),
        timeout=_PATIENCE,
    )
    yield
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    (folder / MEETING_PLACE).unlink(missing_ok=True)


def end_with_parent() -> None:
    """A parent that is killed outright ends nobody: a card would stay taken by a training without an owner, and the
    next one would meet it in the same folder."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def share_of(rows: Sequence[_Row], lengths: Sequence[int]) -> list[_Row]:
    """This process's examples of a batch that all of them hold: dealt out from the longest, so that shares weigh alike.

    Every example is in exactly one share; one may be empty where the last batch of an epoch is small.
    """
    if several() == 1:
        return list(rows)
    order = sorted(range(len(rows)), key=lambda place: (-lengths[place], place))
    return [rows[place] for place in order[rank() :: several()]]


def agreed(value: float) -> float:
    """What the first process says, on all of them: clocks and rounding differ, and so would decisions."""
    return _combined(value, lambda torch, one: torch.distributed.broadcast(one, src=0))


def summed(value: float) -> float:
    """The sum of a number over all processes."""
    return _combined(value, lambda torch, one: torch.distributed.all_reduce(one))


def most(value: float) -> float:
    """The largest of a number over all processes."""
    return _combined(value, lambda torch, one: torch.distributed.all_reduce(one, op=torch.distributed.ReduceOp.MAX))


def _combined(value: float, combine: Any) -> float:
    if several() == 1:
        return value
    import torch

    one = torch.tensor([value], dtype=torch.float64)  # on the processor, whatever the training runs on
    combine(torch, one)
    return float(one)


def whole(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors on the processor, put together where each process holds a shard; all processes must call it.

    Those that are there and whole already are not copied.
    """
    return {
        name: (value.full_tensor() if hasattr(value, "full_tensor") else value).detach().cpu().contiguous()
        for name, value in tensors.items()
    }


def fill(tensors: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Copy whole tensors into parameters, or this process's shard of them; all processes must call it."""
    import torch
    from torch.distributed.tensor import DTensor, distribute_tensor

    with torch.no_grad():
        for name, held in tensors.items():
            value = values[name].to(held.device)
            if isinstance(held, DTensor):
                value = distribute_tensor(value, held.device_mesh, held.placements)
            held.copy_(value)


def may_tell(folder: Path, *, well: bool) -> bool:
    """Whether this process says how the training ended; to be asked once.

    When one fails, the others only see that it is gone; theirs is not the story. Of those that end well, one tells.

    Args:
        folder: the run's folder.
        well: whether this process ended well.
    """
    if several() == 1:
        return True
    told = folder / TOLD
    if well:
        return is_first() and not told.exists()
    try:
        os.close(os.open(told, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def end(code: int) -> NoReturn:
    """End this process. One that failed goes at once, for tidying up would wait for those that wait for it."""
    if several() == 1 or code == 0:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
