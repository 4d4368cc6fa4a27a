"""Which examples share a forward pass, and that sharing one changes nothing of what is learnt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.training._packing import apart, end_to_end, filled_up, heaviest, passes_of

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=40)


@given(LENGTHS, st.one_of(st.none(), st.integers(1, 600)), st.booleans())
def test_every_example_is_in_exactly_one_pass_and_no_pass_is_over_the_budget(
    lengths: list[int], budget: int | None, packed: bool
) -> None:
    passes = passes_of(lengths, budget, packed=packed)
    assert sorted(index for members in passes for index in members) == list(range(len(lengths)))
    for members in passes:
        sizes = [lengths[index] for index in members]
        size = sum(sizes) if packed else len(sizes) * max(sizes)
        assert budget is None or len(members) == 1 or size <= budget


@given(LENGTHS, st.integers(1, 600))
def test_the_same_batch_is_always_divided_in_the_same_way(lengths: list[int], budget: int) -> None:
    assert passes_of(lengths, budget) == passes_of(list(lengths), budget)


@given(LENGTHS, st.integers(1, 40))
def test_the_heaviest_batch_holds_no_example_shorter_than_one_left_out(lengths: list[int], count: int) -> None:
    chosen = heaviest(lengths, count)
    left_out = [length for index, length in enumerate(lengths) if index not in chosen]
    assert len(chosen) == min(count, len(lengths))
    assert not left_out or min(lengths[index] for index in chosen) >= max(left_out)


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1, max_size=9))
def test_examples_that_lie_end_to_end_come_apart_as_they_were(ids: list[list[int]]) -> None:
    import torch

    rows = [(torch.tensor(row), torch.tensor(row) + 100) for row in ids]
    found = apart(end_to_end(rows))
    assert [(a.tolist(), b.tolist()) for a, b in found] == [(a.tolist(), b.tolist()) for a, b in rows]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """One small random model of each family that is trained here; one layer of Gemma looks back 8 tokens only."""
    import torch
    from transformers import (
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        LlamaConfig,
        LlamaForCausalLM,
        Qwen2Config,
        Qwen2ForCausalLM,
    )

    torch.manual_seed(3)
    shape: dict[str, Any] = {
        "vocab_size": 50,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    gemma = Gemma3TextConfig(**shape, head_dim=8, sliding_window=8, layer_types=["sliding_attention", "full_attention"])
    return [
        Qwen2ForCausalLM(Qwen2Config(**shape)).eval(),
        LlamaForCausalLM(LlamaConfig(**shape)).eval(),
        Gemma3ForCausalLM(gemma).eval(),
    ]


def rows_of_some_lengths() -> list[tuple[Any, Any]]:
    import torch

    torch.manual_seed(5)
    rows = []
    for length in (5, 17, 30, 11):
        ids = torch.randint(1, 50, (length,))
        labels = ids.clone()
        labels[: length // 2] = -100
        rows.append((ids, labels))
    return rows


def test_no_example_of_a_pass_sees_another(models: list[Any]) -> None:
    """Logits of each example are those it has alone, whatever lies before it."""
    import torch

    for model in models:
        rows = rows_of_some_lengths()
        batch = end_to_end(rows)
        with torch.no_grad():
            together = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
            alone = torch.cat([model(input_ids=ids[None], use_cache=False).logits[0] for ids, _ in rows])
        torch.testing.assert_close(together[0], alone, rtol=1e-4, atol=1e-4)


def test_the_loss_is_the_same_end_to_end_filled_up_and_one_by_one(models: list[Any]) -> None:
    import copy

    import torch

    from allotment.training.worker._loss import give_answer_loss

    for original in models:
        model = copy.deepcopy(original)
        rows = rows_of_some_lengths()
        plain = sum(
            torch.nn.functional.cross_entropy(
                original(input_ids=ids[None]).logits[0, :-1][labels[1:] != -100],
                labels[1:][labels[1:] != -100],
                reduction="sum",
            )
            for ids, labels in rows
        )
        give_answer_loss(model)
        for batch in (end_to_end(rows), filled_up(rows, 0)):
            torch.testing.assert_close(model(**batch)["loss"], plain, rtol=1e-4, atol=1e-4)
