"""Ten steps on the heaviest batch before a training is promised: its real peak, rate, evaluation and save."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from allotment.training._device import Device, peak_gib
from allotment.training._packing import heaviest
from allotment.training.worker import _checkpoint
from allotment.training.worker._rows import Row


def probe(
    trainer: Any,
    rows: list[Row],
    settings: Mapping[str, Any],
    device: Device,
    *,
    tokens: int,
    evaluate: Callable[[], float] | None,
    out: Path,
    loading_s: float,
) -> dict[str, Any]:
    """Measure, and leave weights, optimizer and random numbers exactly as they were.

    The steps run with a learning rate of 0 and an optimizer of their own, so that memory is what it will be and no
    weight moves.

    Args:
        trainer: the trainer that will train.
        rows: what will be trained on.
        settings: of the training.
        device: where it runs.
        tokens: what all epochs together train on.
        evaluate: the loss on held-out documents; none if there are none.
        out: the run's folder.
        loading_s: seconds it took until here.
    """
    state, on_cards = torch.get_rng_state(), torch.cuda.get_rng_state_all() if device.kind == "cuda" else []
    chosen = [rows[place] for place in heaviest([len(row["input_ids"]) for row in rows], settings["batch_size"])]
    where = trainer.accelerator.device
    batch = [(torch.tensor(row["input_ids"]).to(where), torch.tensor(row["labels"]).to(where)) for row in chosen]
    learning = [one for one in trainer.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=0.0, weight_decay=0.0)
    seconds = [_step(trainer, batch, optimizer, learning) for _ in range(settings["probe_steps"])]
    evaluation_s = _timed(evaluate) if evaluate else 0.0
    save_s = _timed(lambda: _save(trainer.model, optimizer, out))
    optimizer.zero_grad(set_to_none=True)
    torch.set_rng_state(state)
    if on_cards:
        torch.cuda.set_rng_state_all(on_cards)
    step_s = statistics.median(seconds[1:] or seconds)
    rate = sum(len(ids) for ids, _ in batch) / step_s
    epochs = settings["epochs"]
    minutes = (loading_s + sum(seconds) + tokens / rate + (epochs + 1) * (evaluation_s + save_s)) / 60
    price = settings["price_usd_per_hour"]
    return {
        "steps": settings["probe_steps"],
        "loading_s": round(loading_s, 2),
        "seconds_per_step": round(step_s, 4),
        "tokens_per_second": round(rate, 1),
        "peak_gib": peak_gib(device),
        "evaluation_s": round(evaluation_s, 3),
        "save_s": round(save_s, 3),
        "minutes": round(minutes, 2),
        "usd": None if price is None else round(minutes / 60 * price, 4),
    }


def _step(trainer: Any, batch: list[Any], optimizer: Any, learning: list[Any]) -> float:
    began = time.monotonic()
    loss, _ = trainer.batch_backward(trainer.model, batch)
    norm = float(torch.nn.utils.clip_grad_norm_(learning, 1.0))
    trainer.finite.see(norm, float(loss), 0)
    if math.isfinite(norm):  # 0 times infinity would move weights after all
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return time.monotonic() - began


def _timed(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _save(model: Any, optimizer: Any, out: Path) -> None:
    with _checkpoint.staged(out / "checkpoints") as place:
        model.save_pretrained(str(place / "checkpoint-0"))
        torch.save(optimizer.state_dict(), place / "checkpoint-0" / "optimizer.pt")
