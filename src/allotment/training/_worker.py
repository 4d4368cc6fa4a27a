"""One training in a process of its own: ``python -m allotment.training._worker SPEC``.

Reads a spec file, trains with TRL and PEFT, writes the adapter and ``result.json`` beside it, and tells its
progress as JSON lines on stdout. The exit code says how it ended: 0 ok, 20 out of memory, 21 non-finite,
22 bad data, 23 configuration, 33 anything of the machine.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError
from allotment.training._examples import IGNORED, Example, tokenise
from allotment.workspace import write_atomic

EXIT_CODES = {"out-of-memory": 20, "non-finite": 21, "bad-data": 22, "configuration": 23, "infrastructure": 33}


def main(spec_file: Path) -> int:
    """Train what ``spec_file`` says; always leaves a ``result.json``."""
    spec = json.loads(spec_file.read_text(encoding="utf-8"))
    out = Path(spec["out"])
    try:
        measured = _train(spec, out)
    except Exception as error:
        kind = _kind_of(error)
        result = {"state": kind, "error": f"{type(error).__name__}: {error}"}
        write_atomic(out / "result.json", json.dumps(result))
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return EXIT_CODES[kind]
    write_atomic(out / "result.json", json.dumps({"state": "ok", "measured": measured}))
    return 0


def _kind_of(error: Exception) -> str:
    if isinstance(error, TrainingError):
        return error.kind
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "allocate" in str(error).lower():
        return "out-of-memory"
    return "infrastructure"


def _train(spec: Mapping[str, Any], out: Path) -> dict[str, Any]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers
    from peft import LoraConfig

    from allotment.training._base import load_base

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    settings = spec["training"]
    torch.manual_seed(settings["seed"])
    model, tokenizer = load_base(Path(spec["base_file"]), spec["base_sha256"])
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = _rows(spec, tokenizer)
    model.config.use_cache = False
    lora = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    started = time.monotonic()
    trainer = _trainer(model, tokenizer, rows, lora, settings, out)
    checkpoint = _last_checkpoint(out)
    epochs_before = _epochs_of(checkpoint)  # the checkpoint is gone once a newer one is there
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.monotonic() - started
    trainer.model.save_pretrained(str(out / "peft"))
    return _measured(trainer, rows, seconds, epochs_before, torch.__version__)


def _rows(spec: Mapping[str, Any], tokenizer: Any) -> list[dict[str, list[int]]]:
    lines = Path(spec["examples_file"]).read_text(encoding="utf-8").splitlines()
    rows = [tokenise(Example(**json.loads(line)), tokenizer) for line in lines]
    kept = [row for row in rows if len(row["input_ids"]) <= spec["training"]["max_length"]]
    if len(kept) < len(rows):
        _say("warning", text=f"{len(rows) - len(kept)} examples are longer than max_length and were dropped")
    if not kept:
        raise TrainingError("no example fits into max_length.", kind="bad-data", remedy="Raise training.max_length.")
    if any(all(label == IGNORED for label in row["labels"]) for row in kept):
        raise TrainingError("an example has no label: nothing would be learnt from it.", kind="bad-data")
    stop = kept[0]["labels"][-1]
    if any(row["labels"][-1] != stop for row in kept):
        raise TrainingError("the stop token is not trained in every example.", kind="bad-data")
    return kept


def _trainer(
    model: Any, tokenizer: Any, rows: list[dict[str, list[int]]], lora: Any, settings: Mapping[str, Any], out: Path
) -> Any:
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig

    from allotment.training._trainer import AnswerTrainer, Watch

    steps = math.ceil(len(rows) / settings["batch_size"])
    config = SFTConfig(
        output_dir=str(out / "checkpoints"),
        per_device_train_batch_size=settings["batch_size"],
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=max(1, steps * settings["epochs"] // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=settings["seed"],
        data_seed=settings["seed"],
        logging_steps=1,
        save_strategy="epoch",
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        max_length=None,
        dataloader_pin_memory=False,
        train_sampling_strategy="group_by_length",
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = AnswerTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[Watch(settings["target_loss"], _say)],
    )
    trainer.remove_callback(PrinterCallback)  # stdout carries progress events alone
    return trainer


def _last_checkpoint(out: Path) -> str | None:
    """The newest checkpoint that was written whole: the trainer's state is its last file."""
    whole = [path.parent for path in (out / "checkpoints").glob("checkpoint-*/trainer_state.json") if _is_json(path)]
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _epochs_of(checkpoint: str | None) -> float:
    """Epochs an earlier process did before its last checkpoint."""
    if checkpoint is None:
        return 0.0
    state = json.loads((Path(checkpoint) / "trainer_state.json").read_text(encoding="utf-8"))
    return float(state["epoch"])


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _measured(
    trainer: Any, rows: list[dict[str, list[int]]], seconds: float, epochs_before: float, torch_version: str
) -> dict[str, Any]:
    """Figures of the training. Seconds and rate are of this process, which did not do ``epochs_before``; no rate if
    nothing was left to do."""
    from allotment.training._trainer import epoch_loss

    epochs = float(trainer.state.epoch or 0.0)
    tokens_per_epoch = sum(len(row["input_ids"]) for row in rows)
    done_here = tokens_per_epoch * (epochs - epochs_before)
    return {
        "seconds": round(seconds, 1),
        "epochs": round(epochs, 2),
        "epochs_before_resume": round(epochs_before, 2),
        "examples": len(rows),
        "tokens": round(tokens_per_epoch * epochs),
        "tokens_per_second": round(done_here / seconds, 1) if done_here else None,
        "final_loss": round(epoch_loss(trainer.state), 4),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "torch": torch_version,
    }


def _say(kind: str, **values: Any) -> None:
    print(json.dumps({"kind": kind, **values}), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
