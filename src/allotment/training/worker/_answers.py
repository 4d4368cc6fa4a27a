"""What a trained model answers to questions, closed-book and greedily, in the process that trained it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig

from allotment.training._device import is_out_of_memory
from allotment.workspace import write_jsonl

ANSWERS_FILE = "answers.jsonl"
_AT_ONCE = 16
"""Questions that are answered together; half as many each time memory runs out."""


def answer_questions(trainer: Any, tokenizer: Any, questions: Path, out: Path, *, stop: str, max_tokens: int) -> None:
    """Write the answer to each question, in the questions' order.

    Args:
        trainer: whose model is asked; it can train no more afterwards.
        tokenizer: of the model.
        questions: JSONL of ``id`` and ``prompt``, the text the model reads.
        out: folder in which ``answers.jsonl`` is written: ``id`` and ``answer``.
        stop: the token that ends an answer.
        max_tokens: most of an answer.

    Raises:
        RuntimeError: memory ran out with one question.
    """
    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    tokens = [tokenizer(row["prompt"], add_special_tokens=True)["input_ids"] for row in rows]
    order = sorted(range(len(rows)), key=lambda place: len(tokens[place]))
    model = _able_to_write(trainer)
    end = tokenizer(stop, add_special_tokens=False)["input_ids"][0]
    settings = GenerationConfig(
        do_sample=False, max_new_tokens=max_tokens, eos_token_id=end, pad_token_id=tokenizer.pad_token_id
    )
    found: dict[int, str] = {}
    with trainer.compute_loss_context_manager():
        for places, written in _written(model, tokens, order, settings):
            for place, ids in zip(places, written, strict=True):
                found[place] = tokenizer.decode(ids, skip_special_tokens=True).strip()
    write_jsonl(out / ANSWERS_FILE, ({"id": row["id"], "answer": found[place]} for place, row in enumerate(rows)))


def _able_to_write(trainer: Any) -> Any:
    """The model with its own forward pass again, which gives logits instead of a loss."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    causal.__dict__.pop("forward", None)
    causal.config.use_cache = True
    return model.eval()


def _written(
    model: Any, tokens: Sequence[list[int]], order: Sequence[int], settings: GenerationConfig
) -> Iterator[tuple[Sequence[int], list[list[int]]]]:
    """Places of questions, and the tokens written for each."""
    begin, size = 0, _AT_ONCE
    while begin < len(order):
        places = order[begin : begin + size]
        try:
            written = _generate(model, [tokens[place] for place in places], settings)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or size == 1:
                raise
            size //= 2
            continue
        yield places, written
        begin += len(places)


@torch.no_grad()  # type: ignore[untyped-decorator]
def _generate(model: Any, rows: Sequence[list[int]], settings: GenerationConfig) -> list[list[int]]:
    width = max(len(row) for row in rows)
    ids = torch.tensor([[settings.pad_token_id] * (width - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device)
    written = model.generate(input_ids=ids, attention_mask=mask, generation_config=settings)
    return [row[width:] for row in written.tolist()]
