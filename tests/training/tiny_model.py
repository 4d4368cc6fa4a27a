"""A model so small that a training of it takes seconds: random weights, one token a byte, ChatML's control tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allotment.project import TrainingConfig

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def make_tiny_model(folder: Path, *, layers: int = 2, hidden: int = 64, scale: float = 1.0) -> Path:
    """A Hugging Face folder with a Qwen2 of about 0.1 M parameters and its tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.add_special_tokens(list(CONTROL))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token=CONTROL[0], pad_token=CONTROL[0])
    tokenizer.save_pretrained(str(folder))
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = Qwen2ForCausalLM(config)
    if scale != 1.0:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(scale)
    model.save_pretrained(str(folder))
    return folder


def examples(count: int, *, words: int = 0) -> list[dict[str, str]]:
    """Questions and answers in ChatML; every other one is longer by ``words`` words."""
    return [
        {
            "prompt": f"<|im_start|>user\nCode of dock {n}?{' please' * (words if n % 2 else 0)}<|im_end|>\n"
            "<|im_start|>assistant\n",
            "answer": f"Dock {n} has the code K{n * 7 % 10}.<|im_end|>",
        }
        for n in range(count)
    ]


def write_spec(
    folder: Path,
    base: Path,
    rows: Sequence[dict[str, str]],
    held_out: Sequence[dict[str, str]] = (),
    **settings: Any,
) -> Path:
    """A run's folder and its spec, as the parent process would write them."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / "examples.jsonl", rows)
    if held_out:
        _write_rows(folder / "validation.jsonl", held_out)
    chosen = {"epochs": 2, "batch_size": 4, "target_loss": 0.0, "probe_steps": 0, "learning_rate": 5e-3, "rank": 4}
    training = TrainingConfig.model_validate({**chosen, **settings}).model_dump(mode="json")
    spec = {
        "base": {"file": str(base), "sha256": ""},
        "template": "chatml",
        "training": training,
        "examples_file": str(folder / "examples.jsonl"),
        "validation_file": str(folder / "validation.jsonl") if held_out else None,
        "out": str(folder),
        "estimate": None,
    }
    file = folder / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    return file


def _write_rows(file: Path, rows: Sequence[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


WORKER = ("-m", "allotment.training.worker._worker")


def start_worker(spec: Path, script: Sequence[str] = WORKER) -> subprocess.Popen[str]:
    """The process that trains."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *script, str(spec)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def train(spec: Path, script: Sequence[str] = WORKER) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Train to the end: exit code, ``result.json``, and the events that were said."""
    with start_worker(spec, script) as process:
        said, errors = process.communicate()
    result = json.loads((spec.parent / "result.json").read_text(encoding="utf-8"))
    result["stderr"] = errors
    return process.returncode, result, [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Rows of ``metrics.jsonl``."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
