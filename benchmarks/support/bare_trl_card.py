"""What one writes with TRL's documentation open, on a card: LoRA in bf16 on prompt and completion."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from support.random_model import build
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """Seconds of each step, waited for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.began = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = _now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(_now() - self.began)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic()


def train(base: Path, rows: list[dict[str, str]], out: Path, *, batch: int, longest: int, twice: bool) -> list[float]:
    """Seconds of each step.

    Args:
        base: configuration and tokenizer.
        rows: prompts and answers.
        out: for the trainer.
        batch: examples in a step.
        longest: tokens of an example.
        twice: whether activations are computed twice, as TRL does unless told otherwise.
    """
    model, tokenizer = build(base, dtype=torch.bfloat16)
    config = SFTConfig(
        output_dir=str(out),
        num_train_epochs=1,
        per_device_train_batch_size=batch,
        learning_rate=1e-3,
        max_length=longest,
        gradient_checkpointing=twice,
        bf16=torch.cuda.is_available(),
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        seed=7,
        eos_token="<|im_end|>",
    )
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list([{"prompt": row["prompt"], "completion": row["answer"]} for row in rows]),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[clock],
    )
    trainer.train()
    return clock.seconds
