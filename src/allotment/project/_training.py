"""How an adapter, or a model of an agent's own, is trained."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from allotment.project._base import Strict

ItemKind = Literal["question", "paraphrase", "reverse", "rewrite", "text", "unknown", "general"]
"""What an item of a dataset teaches."""
Share = Annotated[float, Field(ge=0, le=1)]


class TrainingConfig(Strict):
    """How an adapter, or a model of an agent's own, is trained."""

    method: Literal["lora", "qlora", "dora", "rslora", "partial", "full"] = "lora"
    """``lora``: new small matrices on a frozen model. ``qlora``: the same with the frozen model in 4 bits (NF4).
    ``rslora``: scaled by the root of the rank. ``dora``: with learnt magnitudes; it must be merged to be served.
    ``partial``: the layers named in ``unfrozen``. ``full``: everything."""
    rank: int = Field(default=16, ge=1, le=256)
    """Rank of the adapter's matrices."""
    alpha: int = Field(default=32, ge=1)
    """Scale of the adapter: its weights count alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs left out at random in each step."""
    target_modules: tuple[str, ...] = ("all-linear",)
    """Linear layers that get an adapter, by the end of their names (``q_proj``); ``all-linear`` is every one but the
    head."""
    unfrozen: tuple[str, ...] = ()
    """For ``partial``: what is trained, as parts of parameter names (``layers.17``, ``norm``)."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Number format of the frozen weights and of the computation; ``auto`` takes what the device computes fast."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of the optimizer."""
    epochs: int = Field(default=10, ge=1)
    """Passes over the dataset, at most."""
    batch_size: int = Field(default=8, ge=1)
    """Examples in one step of the optimizer; never changed to save memory."""
    micro_batch_tokens: int | None = Field(default=None, ge=32)
    """Most tokens in one forward pass; a step takes as many passes as it needs. Without it the whole batch, and half as
    many again each time memory runs out."""
    mix: dict[ItemKind, Share] = Field(default_factory=dict)
    """Kind of items → share of the dataset's that is trained on; all of a kind that is not named. Which ones is settled
    by their ids, so a smaller share is a part of a larger one."""
    max_length: int = Field(default=512, ge=16)
    """Longest example in tokens; longer ones are reported and dropped, never cut."""
    packing: bool = True
    """Whether examples lie end to end in a pass, each seeing only itself; else they are filled up to the longest."""
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    """Whether activations are computed twice to save memory; ``auto`` only where they would not fit."""
    liger: bool | Literal["auto"] = "auto"
    """Whether Liger's kernels are used; ``auto`` where they are installed and there is a CUDA card."""
    compile: bool = False
    """Whether the model is compiled; it takes minutes and pays in long trainings on a card."""
    target_loss: float = Field(default=0.02, ge=0)
    """An epoch whose mean answer-token loss falls below this is the last one."""
    patience: int = Field(default=2, ge=0)
    """Epochs the loss on held-out documents may fail to fall before training stops and the best is kept; 0 never stops.
    Documents are held out with ``dataset.validation_share``."""
    probe_steps: int = Field(default=10, ge=0)
    """Steps measured on the heaviest batch, with an evaluation and a save, before the training; 0 measures nothing."""
    checkpoint_minutes: float = Field(default=5.0, gt=0)
    """Most minutes of work a kill can lose; a checkpoint is written at every epoch's end besides."""
    cards: int = Field(default=1, ge=1, le=64)
    """Cards of one machine that share the training."""
    sharding: Literal["none", "fsdp"] = "none"
    """With several cards: each holds the whole model, or a shard of it."""
    price_usd_per_hour: float | None = Field(default=None, ge=0)
    """What the machine costs an hour; the money spent so far is shown and recorded."""
    report_to: tuple[Literal["trackio", "mlflow"], ...] = ()
    """Trackers told of every step, besides the run's own ``metrics.jsonl``."""
    seed: int = 7
    """Seed of everything random; the same seed on the same machine gives the same adapter."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.method == "partial") != bool(self.unfrozen):
            raise ValueError("unfrozen goes with method: partial, and partial needs it")
        if self.sharding == "fsdp" and (self.cards < 2 or self.method == "qlora"):
            raise ValueError("sharding: fsdp needs cards: 2 or more, and a method other than qlora")
        return self
