"""TRL's trainer without what it does in each step for nothing: walks over every module and every frozen parameter.

On a card the next step is not started before these are done. With 7 billion weights they were an eighth of a step.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from trl import SFTTrainer

from allotment.training._ranks import several


class LeanTrainer(SFTTrainer):  # type: ignore[misc]
    """``SFTTrainer`` whose passes compute alike wherever they are made, and whose steps look at what learns alone."""

    def __init__(self, *args: Any, model: Any, **kwargs: Any) -> None:
        learning = {name: one.dtype for name, one in model.named_parameters() if one.requires_grad}
        super().__init__(*args, model=model, **kwargs)
        for name, one in self.model.named_parameters():  # TRL rounds what learns on a quantised model to bf16
            if name in learning:
                one.data = one.data.to(learning[name])
        self._learning = [one for one in self.model.parameters() if one.requires_grad]
        if several() == 1:
            self.model.zero_grad = self._forget_gradients
        if self.args.gradient_checkpointing:  # else ``train`` does it, after the probe
            self.compute_activations_twice()

    def compute_activations_twice(self) -> None:
        """Keep only each layer's input for the backward pass from now on."""
        self.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})

    def autocast_smart_context_manager(self, cache_enabled: bool | None = True) -> Any:
        """Autocast for every pass, those of the probe and of evaluations too: ``train`` gives it to its own alone."""
        if not (self.args.bf16 or self.args.fp16):
            return nullcontext()
        dtype = torch.bfloat16 if self.args.bf16 else torch.float16
        return torch.autocast(self.accelerator.device.type, dtype=dtype, cache_enabled=cache_enabled is not False)

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: nobody reads it, and ``transformers`` counts all parameters anew for it."""
        return 0

    def _clip_grad_norm(self, model: Any) -> Any:
        if several() > 1:
            return super()._clip_grad_norm(model)
        return self.accelerator.clip_grad_norm_(self._learning, self.args.max_grad_norm)

    def _forget_gradients(self, set_to_none: bool = True) -> None:
        for one in self._learning:
            one.grad = None
