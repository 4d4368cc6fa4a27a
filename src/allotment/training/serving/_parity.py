"""Does the embedded engine compute what was trained? Log-probabilities of both, compared before a version is published.

Both are led through the same first answer tokens of examples of the training, and at each the engine's ten likeliest
tokens are compared. The likeliest token alone says little: of a sentence learnt by heart it stays near certain even
with half the adapter. The measure is the mean difference, and what it may be has two parts:

- ``FLOOR``: llama.cpp quantises activations and computes on 4 to 8 bits, PyTorch on the same weights in fp32. The base
  model of the demo alone differs by 0.10 (in a mean of 400 log-probabilities; the largest by 0.51).
- ``SHARE`` of what the training changed. Sound exports differed by 0.1 to 3.6 % of it; one whose scale is wrong by a
  tenth by 12 %, by half or double by 64 % and more, one without its adapter by 100 %.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError

FLOOR, SHARE = 0.25, 0.05
PROMPTS = 10
"""Examples that are compared."""
_TOKENS = 4
"""First tokens of each answer."""
_LIKELIEST = 10
_FORCED = 1e6
"""Added to the token that must be written; the log-probabilities the engine tells are those before it is added."""


@dataclass(frozen=True)
class ParityRecord:
    """How far the engine is from PyTorch, in nats."""

    prompts: int
    tokens: int
    """Answer tokens at which the ten likeliest were compared."""
    mean_delta: float
    max_delta: float
    same_top: float
    """Share of those tokens at which both hold the same token for the likeliest."""
    effect: float
    """Mean difference the training made to the same log-probabilities."""
    tolerance: float
    """Largest mean difference that passes."""

    @property
    def holds(self) -> bool:
        """Whether the engine may serve it."""
        return self.mean_delta <= self.tolerance


@dataclass(frozen=True)
class ParityRow:
    """One example: what is read, and the tokens both are led through."""

    prompt: str
    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]


def parity_rows(examples: Sequence[tuple[str, str]], tokenizer: Any) -> list[ParityRow]:
    """Ten examples, spread over all; prompt and answer are tokenised apart, as in training and serving."""
    step = max(1, len(examples) // PROMPTS)
    return [
        ParityRow(
            prompt,
            tuple(tokenizer(prompt, add_special_tokens=True)["input_ids"]),
            tuple(tokenizer(answer, add_special_tokens=False)["input_ids"][:_TOKENS]),
        )
        for prompt, answer in examples[::step][:PROMPTS]
    ]


def log_probabilities(model: Any, rows: Sequence[ParityRow]) -> list[Any]:
    """Of every token of the vocabulary at each answer token of each row, in fp32."""
    import torch

    found = []
    for row in rows:
        ids = torch.tensor([[*row.prompt_ids, *row.answer_ids[:-1]]], device=model.device)
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(row.answer_ids)).logits[0]
        found.append(logits.float().log_softmax(-1).cpu())
    return found


def compare(
    rows: Sequence[ParityRow], before: Sequence[Any], after: Sequence[Any], model: Path, adapter: Path | None
) -> ParityRecord:
    """Ask the engine for the same log-probabilities.

    Args:
        rows: what both are led through.
        before: log-probabilities of the base model in PyTorch, by row.
        after: of what was trained.
        model: the GGUF file the engine loads.
        adapter: the GGUF adapter on it, if it is one.

    Raises:
        TrainingError: the engine reads a prompt as another number of tokens, or nothing could be compared.
    """
    deltas: list[float] = []
    effects: list[float] = []
    same = 0
    with _serving(model, adapter, rows) as server:
        for row, base, trained in zip(rows, before, after, strict=True):
            for place, told in _told(server, row):
                deltas += [abs(value - float(trained[place, token])) for token, value in told.items()]
                effects += [abs(float(base[place, token]) - float(trained[place, token])) for token in told]
                same += int(trained[place].argmax()) == next(iter(told))
    if not deltas:
        raise _broken("nothing could be compared: the answers have no whole token.")
    tokens, effect = len(deltas) // _LIKELIEST, sum(effects) / len(effects)
    mean, tolerance = sum(deltas) / len(deltas), FLOOR + SHARE * effect
    shown = (round(value, 4) for value in (mean, max(deltas), same / tokens, effect, tolerance))
    return ParityRecord(len(rows), tokens, *shown)


def require_parity(record: ParityRecord, element: str) -> ParityRecord:
    """The record, if it holds.

    Raises:
        TrainingError: it does not. ``configuration``: the same inputs would only give the same again.
    """
    if record.holds:
        return record
    raise TrainingError(
        f"the embedded engine does not compute what was trained: its log-probabilities differ by {record.mean_delta}"
        f" in the mean, {record.tolerance} may be; the training itself changed them by {record.effect}.",
        kind="configuration",
        element=element,
        remedy="Serve it elsewhere, or report the model's architecture: what was trained is kept in the run's folder.",
    )


def _told(server: Any, row: ParityRow) -> Iterator[tuple[int, dict[int, float]]]:
    """At each answer token: its place, and the engine's ten likeliest tokens, likeliest first."""
    for place, token in enumerate(row.answer_ids):
        request = {
            "prompt": [*row.prompt_ids, *row.answer_ids[:place]] if place else row.prompt,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": _LIKELIEST,
            "logit_bias": [[token, _FORCED]],
        }
        result = server.handle_completions(request)
        if "choices" not in result:
            raise _broken(f"the engine refused a prompt ({str(result)[:200]}).")
        if result["usage"]["prompt_tokens"] != len(row.prompt_ids) + place:
            raise _broken("the engine reads a prompt as another number of tokens than the training did.")
        told = result["choices"][0]["logprobs"]
        if told and told["content"]:  # nothing is told of half a character
            yield place, {int(one["id"]): float(one["logprob"]) for one in told["content"][0]["top_logprobs"]}


def _broken(message: str) -> TrainingError:
    return TrainingError(message, kind="configuration", element="embedded engine")


@contextmanager
def _serving(model: Path, adapter: Path | None, rows: Sequence[ParityRow]) -> Iterator[Any]:
    """A server as the engine makes it, with the adapter switched on; whoever made the file needs no grant for it."""
    import xllamacpp

    from allotment.models._embedded import server_parameters

    with tempfile.TemporaryDirectory(prefix="allotment-parity-") as folder:
        parameters = server_parameters(model, Path(folder), threads=0)
        parameters.n_ctx = 64 + max(len(row.prompt_ids) for row in rows)
        parameters.n_parallel = 1
        parameters.swa_full = True  # else a prompt whose end is new is read again from its beginning
        if adapter is not None:
            parameters.lora_init_without_apply = False
            parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        yield xllamacpp.Server(parameters)
