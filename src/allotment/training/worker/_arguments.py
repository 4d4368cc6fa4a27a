"""Settings in the words of TRL, and the packages that give them their meaning."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trl import SFTConfig

from allotment.training._device import Device

_PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "liger-kernel", "flash-attn")


def trainer_arguments(
    settings: Mapping[str, Any], device: Device, precision: str, checkpoints: Path, *, steps: int, checkpointing: bool
) -> SFTConfig:
    """The trainer's arguments.

    Args:
        settings: ``TrainingConfig``, as JSON.
        device: where it runs.
        precision: what it computes in.
        checkpoints: where they are written.
        steps: of all epochs.
        checkpointing: whether activations are computed twice.
    """
    on_card = device.kind == "cuda"
    return SFTConfig(
        output_dir=str(checkpoints),
        per_device_train_batch_size=settings["batch_size"],  # each card is given all of it, and takes its share
        accelerator_config={"even_batches": False},
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=max(1, steps // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=settings["seed"],
        data_seed=settings["seed"],
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="epoch",
        save_total_limit=None,
        report_to="none",
        disable_tqdm=True,
        bf16=precision == "bf16" and on_card,
        fp16=precision == "fp16" and on_card,
        use_cpu=not on_card,
        gradient_checkpointing=checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        torch_compile=settings["compile"],
        max_length=None,
        dataloader_pin_memory=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def package_versions() -> dict[str, str]:
    """Package → version, of those that have a part in what is learnt."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
