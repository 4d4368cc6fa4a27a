"""What one writes with TRL's documentation open: LoRA on prompt and completion. ``bare_trl.py BASE EXAMPLES OUT MODE``.

``MODE`` is ``trl`` for TRL as it comes, or ``logits`` for the loss that models compute themselves, from the logits of
every position.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """Seconds between the beginning and the end of steps."""

    seconds, began = 0.0, 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds += time.monotonic() - self.began


class FullLogits(SFTTrainer):
    """The loss of ``transformers``: logits of every position, then most of them left out."""

    def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        return Trainer.compute_loss(self, model, inputs, *arguments, **options)


base, examples, out, mode = sys.argv[1:]
rows = [json.loads(line) for line in Path(examples).read_text(encoding="utf-8").splitlines()]
tokenizer = AutoTokenizer.from_pretrained(base)
config = SFTConfig(
    output_dir=out,
    num_train_epochs=1,
    per_device_train_batch_size=8,
    learning_rate=1e-3,
    max_length=512,
    gradient_checkpointing=False,
    bf16=False,
    use_cpu=True,
    save_strategy="no",
    logging_steps=1,
    report_to="none",
    disable_tqdm=True,
    seed=7,
    dataloader_pin_memory=False,
    eos_token="<end_of_turn>",
)
clock = Clock()
trainer = (SFTTrainer if mode == "trl" else FullLogits)(
    model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
    args=config,
    train_dataset=Dataset.from_list([{"prompt": row["prompt"], "completion": row["answer"]} for row in rows]),
    processing_class=tokenizer,
    peft_config=LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"),
    callbacks=[clock],
)
trainer.train()
status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
print(json.dumps({"seconds": clock.seconds, "peak_gib": round(peak, 3), "steps": len(losses), "loss": losses[-1]}))
