"""Whatever is suggested to make a training fit really makes it fit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from test_memory import SHAPES, trainings

from allotment.project import TrainingConfig
from allotment.training.estimation._fit import Batch, Setup, as_configured, made_to_fit, smallest
from allotment.training.estimation._memory import predict_peak_gib
from allotment.training.estimation._shapes import ModelShape, shape_of


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    lengths = draw(st.lists(st.integers(1, 4096), min_size=1, max_size=16))
    return Batch(sum(lengths), max(lengths), draw(st.none() | st.integers(1, sum(lengths))))


@settings(deadline=None)
@given(SHAPES, trainings(), batches(), st.floats(0.5, 200), st.sampled_from(["auto", True, False]), st.booleans())
def test_every_suggestion_fits_when_it_is_applied(
    shape: ModelShape, training: TrainingConfig, batch: Batch, gib: float, checkpointing: object, card: bool
) -> None:
    training = training.model_copy(update={"gradient_checkpointing": checkpointing})
    setup = as_configured(shape, training, batch, "cuda" if card else "cpu", gib)
    found = made_to_fit(setup, gib)
    if found is None:
        assert not smallest(setup).fits(gib)
        return
    applied = training.model_copy(update=found.changes)
    again = as_configured(shape, applied, batch, setup.device, gib)
    assert again.fits(gib)
    memory = predict_peak_gib(
        shape,
        applied,
        tokens_in_pass=batch.largest_pass(applied.micro_batch_tokens),
        device=setup.device,
        checkpointing=again.checkpointing,
        answer_tokens=batch.answer_tokens and min(batch.answer_tokens, again.tokens_in_pass),
    )
    assert memory.safe_gib <= gib
    assert (found.changes == {}) == setup.fits(gib)


@settings(deadline=None)
@given(SHAPES, trainings(), batches(), st.floats(0.5, 200))
def test_a_larger_memory_never_needs_more_changes(
    shape: ModelShape, training: TrainingConfig, batch: Batch, gib: float
) -> None:
    setup = Setup(shape, training, batch, "cuda", False)
    less, more = made_to_fit(setup, gib), made_to_fit(setup, gib * 1.5)
    if less is not None:
        assert more is not None
        assert len(more.changes) <= len(less.changes)


def test_changes_come_in_the_order_of_what_they_cost() -> None:
    shape, batch = shape_of("llama-2-7b"), Batch(8192, 512, 4096)
    setup = Setup(shape, TrainingConfig(), batch, "cuda", False)

    def changes(gib: float) -> dict[str, object]:
        found = made_to_fit(setup, gib)
        assert found is not None
        return found.changes

    assert changes(100) == {}
    assert changes(24) == {"gradient_checkpointing": True}
    assert changes(16) == {"gradient_checkpointing": True, "micro_batch_tokens": 1024}
    assert changes(9)["method"] == "qlora"
    assert made_to_fit(setup, 3) is None


def test_a_pass_is_never_smaller_than_the_longest_example() -> None:
    setup = Setup(shape_of("llama-2-7b"), TrainingConfig(), Batch(8192, 3000), "cuda", True)
    assert smallest(setup).tokens_in_pass == 3000
