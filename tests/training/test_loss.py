"""The loss of answer tokens: the same number and gradients as with logits in full, and a fraction of the memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from allotment.training.worker import _loss
from allotment.training.worker._loss import answer_nll, chunk_positions


def data(width: int = 16, vocabulary: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.nn.Linear]:
    torch.manual_seed(2)
    hidden = torch.randn(2, 30, width, requires_grad=True)
    labels = torch.randint(0, vocabulary, (2, 30))
    labels[:, :13] = -100
    return hidden, labels, torch.nn.Linear(width, vocabulary, bias=True)


def in_full(hidden: torch.Tensor, labels: torch.Tensor, head: torch.nn.Linear, config: Any) -> torch.Tensor:
    logits = head(hidden)[:, :-1]
    factor = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
    logits, cap = logits * factor, getattr(config, "final_logit_softcapping", None)
    logits = cap * torch.tanh(logits / cap) if cap else logits
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), reduction="sum")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"final_logit_softcapping": 3.0},
        {"logits_scaling": 4.0},
        {"logit_scale": 0.5, "final_logit_softcapping": 2.0},
    ],
)
@pytest.mark.parametrize("frozen", [True, False])
def test_loss_and_gradients_are_those_of_logits_in_full(
    config: dict[str, float], frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_loss, "LOGITS_BYTES", 16 * 40 * 4)  # three chunks
    hidden, labels, head = data()
    head.requires_grad_(not frozen)
    settings = SimpleNamespace(vocab_size=40, **config)
    wanted = in_full(hidden, labels, head, settings)
    inputs = [hidden] if frozen else [hidden, head.weight, head.bias]
    expected = torch.autograd.grad(wanted / 7, inputs)
    found = answer_nll(hidden, labels, head, settings)
    torch.testing.assert_close(found, wanted)
    for one, other in zip(torch.autograd.grad(found / 7, inputs), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_pass_without_labels_costs_nothing_and_has_a_gradient() -> None:
    hidden, labels, head = data()
    for learns in (False, True):
        head.requires_grad_(learns)
        loss = answer_nll(hidden, torch.full_like(labels, -100), head, SimpleNamespace(vocab_size=40))
        (gradient,) = torch.autograd.grad(loss, [hidden])
        assert loss.item() == 0.0
        assert not gradient.any()


def test_logits_of_a_large_vocabulary_are_never_held_for_many_positions() -> None:
    assert chunk_positions(262_144) * 262_144 * 4 <= _loss.LOGITS_BYTES
    assert chunk_positions(300) == 1024
