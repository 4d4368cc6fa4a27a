"""The process that loads weights into PyTorch, computes what its task names, and ends.

What a text has in common for all values is read once, and logits are computed only where a value stands:
with a small model on a processor the head, a row for every word of the vocabulary, costs more than all layers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from allotment.workspace import write_atomic

_POSITIONS = 128
"""Most positions whose logits are held at once."""
_TOKENS = 6
"""First tokens of a value that are weighed: one that is known is known by then, and each more costs as much again."""
_AT_ONCE = 8
"""Questions that are answered together."""
Row = tuple[list[int], list[bool]]
"""Tokens up to the last that is weighed, and which of them belong to the value."""


def main(spec_file: Path) -> int:
    """Do what ``spec_file`` says; leaves a result or an error in ``out``."""
    spec = json.loads(spec_file.read_text(encoding="utf-8"))
    try:
        result = _answers(spec) if "prompts" in spec else _likelihoods(spec)
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    write_atomic(Path(spec["out"]), json.dumps(result), private=True)
    return 0 if "error" not in result else 1


def _likelihoods(spec: Mapping[str, Any]) -> dict[str, Any]:
    choices = spec["choices"]
    new = [choice for choice in choices if choice["base"]]
    tell = _teller(len(new) + len(choices))
    base = _base(spec)
    before = [tell(choice_likelihoods(base.model, base.tokenizer, choice)) for choice in new]
    model = _trained(base.model, spec)
    return {"base": before, "trained": [tell(choice_likelihoods(model, base.tokenizer, one)) for one in choices]}


def _answers(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The likeliest answer to each prompt, token by token."""
    base = _base(spec)
    model, tokenizer = _trained(base.model, spec), base.tokenizer
    prompts, tell, found = spec["prompts"], _teller(len(spec["prompts"])), []
    for start in range(0, len(prompts), _AT_ONCE):
        rows = [tokenizer(prompt, add_special_tokens=True)["input_ids"] for prompt in prompts[start:][:_AT_ONCE]]
        found += [tell(answer) for answer in _written(model, tokenizer, rows, spec["stop"], spec["max_tokens"])]
    return {"answers": found}


def _base(spec: Mapping[str, Any]) -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from allotment.training.serving._trained import base_as_trained

    file, digest = Path(spec["base_file"]), spec["base_sha256"]
    return base_as_trained(file, digest, method=spec["method"], precision=spec["precision"])


def _trained(model: Any, spec: Mapping[str, Any]) -> Any:
    """With an adapter added into the weights, where each layer is one product of matrices as before."""
    from allotment.training.serving._trained import PEFT, merged, with_trained

    folder = Path(spec["folder"])
    trained = with_trained(model, folder)
    return merged(trained).eval() if (folder / PEFT).is_dir() else trained


def choice_likelihoods(model: Any, tokenizer: Any, choice: Mapping[str, Any]) -> list[float]:
    """Mean log-likelihood of the first tokens of each value, in nats."""
    opening = tokenizer(choice["prompt"], add_special_tokens=True)["input_ids"]
    rows = [_row(tokenizer, opening, choice["before"], value, choice["after"]) for value in choice["values"]]
    shared = _shared(rows)
    return [total / sum(mask) for total, (_, mask) in zip(_totals(model, rows, shared), rows, strict=True)]


def _row(tokenizer: Any, opening: Sequence[int], before: str, value: str, after: str) -> Row:
    """Prompt and answer are tokenised apart, as in training and serving; a token that holds a part of the value and the
    space before it belongs to the value."""
    told = tokenizer(before + value + after, add_special_tokens=False, return_offsets_mapping=True)
    start, end = len(before), len(before) + len(value)
    inside = [first < end and last > start for first, last in told["offset_mapping"]]
    length = [place for place, within in enumerate(inside) if within][:_TOKENS][-1] + 1
    return [*opening, *told["input_ids"][:length]], [False] * len(opening) + inside[:length]


def _shared(rows: Sequence[Row]) -> int:
    """First tokens that are the same in all rows and belong to no value."""
    longest = min(mask.index(True) for _, mask in rows)
    same = next((n for n in range(longest) if len({ids[n] for ids, _ in rows}) > 1), longest)
    return max(same, 0)


def _totals(model: Any, rows: Sequence[Row], shared: int) -> list[float]:
    import torch

    with torch.inference_mode():
        ids = torch.tensor([rows[0][0][:shared]])
        read = model(input_ids=ids, use_cache=True, logits_to_keep=1)
        first = read.logits[0, -1].float().log_softmax(-1)
        totals: list[float] = []
        for some in _parts(rows, shared):
            totals += _continued(model, some, shared, first, read.past_key_values)
        return totals


def _parts(rows: Sequence[Row], shared: int) -> Iterator[Sequence[Row]]:
    size = max(1, _POSITIONS // max(len(ids) - shared for ids, _ in rows))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _continued(model: Any, rows: Sequence[Row], shared: int, first: Any, cache: Any) -> list[float]:
    """Rows that go on from one reading of what they share; the ends of shorter ones are filled up and not counted."""
    import copy

    import torch

    rest = [(ids[shared:], mask[shared:]) for ids, mask in rows]
    totals = [float(first[ids[0]]) if mask[0] else 0.0 for ids, mask in rest]
    width = max(len(ids) for ids, _ in rest) - 1
    if width == 0:
        return totals
    mine = copy.deepcopy(cache)
    mine.batch_repeat_interleave(len(rows))
    filled = torch.tensor([(ids[:-1] + [0] * width)[:width] for ids, _ in rest])
    logits = model(input_ids=filled, use_cache=True, **{_cache_name(model): mine}).logits.float()
    return [
        total + _sum(logits[place], ids[1:], mask[1:])
        for place, (total, (ids, mask)) in enumerate(zip(totals, rest, strict=True))
    ]


def _cache_name(model: Any) -> str:
    """What transformers calls what was read before: it has changed the word."""
    return "cache" if "cache" in signature(model.forward).parameters else "past_key_values"


def _sum(logits: Any, ids: Sequence[int], mask: Sequence[bool]) -> float:
    """Of the log-probabilities of those tokens that belong to the value."""
    import torch

    places = [place for place, within in enumerate(mask) if within]
    if not places:
        return 0.0
    told = logits[places]
    chosen = told.gather(1, torch.tensor([[ids[place]] for place in places]))[:, 0]
    return float((chosen - told.logsumexp(-1)).sum())


def _written(model: Any, tokenizer: Any, rows: Sequence[list[int]], stop: str, max_tokens: int) -> Iterator[str]:
    from transformers import GenerationConfig

    from allotment.training.worker._answers import _generate

    end = tokenizer(stop, add_special_tokens=False)["input_ids"][0]
    filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end
    settings = GenerationConfig(do_sample=False, max_new_tokens=max_tokens, eos_token_id=end, pad_token_id=filler)
    for ids in _generate(model, rows, settings):
        yield tokenizer.decode(ids, skip_special_tokens=True).strip()


def _teller(total: int) -> Callable[[Any], Any]:
    """Gives back what it is given, and says how many it was."""
    done = 0

    def tell(value: Any) -> Any:
        nonlocal done
        done += 1
        print(json.dumps({"done": done, "total": total}), flush=True)
        return value

    return tell


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
