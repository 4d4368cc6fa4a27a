"""The trainer's passes compute alike before ``train`` and in it, and what learns keeps its number format."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_model import make_tiny_model
from transformers import PreTrainedModel, Trainer

from allotment.project import TrainingConfig
from allotment.training._device import Device
from allotment.training._process import environment
from allotment.training.worker import _training
from allotment.training.worker._trainer import AnswerTrainer

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


def trainer_of(folder: Path, **settings: Any) -> AnswerTrainer:
    """As a run makes it, up to its first step."""
    config = TrainingConfig.model_validate({"rank": 4, **settings})
    base = make_tiny_model(folder / "base")
    spec = {"base": {"file": str(base), "sha256": ""}, "training": config.model_dump(mode="json")}
    run = _training.Training(spec, folder, lambda *_, **__: None)
    model, tokenizer = run._load()
    model = _training.prepare(model, spec["training"])
    rows = [{"input_ids": list(range(40, 60)), "labels": [-100] * 10 + list(range(50, 60))}] * 3
    return run._trainer(model, tokenizer, SimpleNamespace(rows=rows))


def batch(lengths: tuple[int, ...] = (20, 12)) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(ids, ids) for ids in (torch.arange(30, 30 + length) for length in lengths)]


def test_the_first_pass_before_training_computes_activations_twice_where_that_is_wanted(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, gradient_checkpointing=True)
    model: PreTrainedModel = trainer.model.get_base_model()
    assert model.is_gradient_checkpointing


def test_what_learns_on_four_bits_stays_in_fp32(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    trainer = trainer_of(tmp_path, method="qlora")
    assert {one.dtype for one in trainer.model.parameters() if one.requires_grad} == {torch.float32}


def test_every_pass_is_computed_under_autocast_on_a_card(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    assert not torch.is_autocast_enabled("cpu")
    trainer.args.bf16 = True
    with trainer.compute_loss_context_manager():
        assert torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_dtype("cpu") == torch.bfloat16


def test_gradients_are_clipped_and_forgotten_as_by_transformers(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    trainer.args.max_grad_norm = 1e-3
    found = []
    for clip in (Trainer._clip_grad_norm, AnswerTrainer._clip_grad_norm):
        trainer.batch_backward(trainer.model, batch())
        norm = clip(trainer, trainer.model)
        found.append((norm, [one.grad for one in trainer.model.parameters() if one.requires_grad]))
        trainer.model.zero_grad()
        assert all(one.grad is None for one in trainer.model.parameters())
    torch.testing.assert_close(found[0], found[1])
    assert float(found[0][0]) > 1e-3


def test_memory_of_a_card_grows_where_it_lies_unless_somebody_set_it_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTORCH_ALLOC_CONF", raising=False)
    assert environment()["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"


def test_a_card_that_others_use_too_adds_no_more_than_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    from allotment.training._device import peak_gib

    gib = 2**30
    for used, peak in ((11 * gib, 11.0), (30 * gib, 11.0), (10.5 * gib, 10.5)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda used=used: (int(80 * gib - used), 80 * gib))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 10 * gib)
        monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 10 * gib)
        assert peak_gib(Device("cuda", "card", 1, 80.0, (9, 0))) == peak
