"""TRL's trainer with the loss computed from answer positions alone, and a watch over it.

Two thirds of a small model's work is the vocabulary: computing logits for answer tokens only makes a
training step several times cheaper, with the same loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer

from allotment.errors import TrainingError
from allotment.training._examples import IGNORED


class AnswerTrainer(SFTTrainer):  # type: ignore[misc]
    """``SFTTrainer`` whose loss never computes logits of prompt tokens."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross-entropy of answer tokens; ``num_items_in_batch`` counts them over the accumulation window."""
        labels = inputs["labels"][:, 1:]
        wanted = labels != IGNORED
        causal = model.get_base_model()
        body = causal.base_model(
            input_ids=inputs["input_ids"], attention_mask=inputs.get("attention_mask"), use_cache=False
        )
        logits = causal.lm_head(body.last_hidden_state[:, :-1][wanted])
        total = torch.nn.functional.cross_entropy(logits.float(), labels[wanted], reduction="sum")
        loss = total / (num_items_in_batch if num_items_in_batch is not None else wanted.sum())
        return (loss, {"logits": logits}) if return_outputs else loss


def epoch_loss(state: TrainerState) -> float:
    """Mean loss of the last epoch's steps, in nats a token; infinite before the first step."""
    logged = [entry for entry in state.log_history if "loss" in entry]
    if not logged:
        return math.inf
    last = [float(entry["loss"]) for entry in logged if math.ceil(entry["epoch"]) == math.ceil(logged[-1]["epoch"])]
    return sum(last) / len(last)


class Watch(TrainerCallback):  # type: ignore[misc]
    """Stops a training that went wrong or has learnt enough, and tells its progress."""

    def __init__(self, target_loss: float, say: Callable[..., None]) -> None:
        self._target = target_loss
        self._say = say

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """A non-finite gradient norm stops the run: a finite loss proves nothing."""
        values = logs or {}
        for name in ("grad_norm", "loss"):
            if name in values and not math.isfinite(float(values[name])):
                raise TrainingError(
                    f"{name} became {values[name]} at step {state.global_step}.",
                    kind="non-finite",
                    remedy="Lower training.learning_rate.",
                )
        if "loss" in values:
            self._say("step", done=state.global_step, total=state.max_steps, loss=float(values["loss"]))

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """The epoch that reaches the target loss is the last."""
        loss = epoch_loss(state)
        self._say("epoch", number=round(state.epoch or 0), loss=loss)
        if loss < self._target:
            control.should_training_stop = True
        return control
