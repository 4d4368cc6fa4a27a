"""Which examples of a batch share a forward pass, and how they lie in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from allotment.training._examples import IGNORED


def passes_of(lengths: Sequence[int], budget: int | None, *, packed: bool = True) -> list[list[int]]:
    """Divide a batch into forward passes; every example is in exactly one of them.

    Examples lie end to end (``packed``) or are filled up to the longest of their pass; either way a pass holds at most
    ``budget`` tokens, but for an example that alone is longer. First-fit decreasing, so that passes are few.

    Args:
        lengths: tokens of each example.
        budget: most tokens in a pass; one pass if none.
        packed: whether examples lie end to end.

    Returns:
        The examples' indices, pass by pass.
    """
    if budget is None:
        return [list(range(len(lengths)))] if lengths else []
    found: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        for members in found:
            if _size([*members, index], lengths, packed) <= budget:
                members.append(index)
                break
        else:
            found.append([index])
    return found


def _size(members: Sequence[int], lengths: Sequence[int], packed: bool) -> int:
    sizes = [lengths[index] for index in members]
    return sum(sizes) if packed else len(sizes) * max(sizes)


def heaviest(lengths: Sequence[int], count: int) -> list[int]:
    """Indices of the batch that needs the most memory: the longest examples."""
    return sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))[:count]


def end_to_end(rows: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Examples as one row of tokens; positions begin at 0 with each, which keeps attention inside it.

    Args:
        rows: token ids and labels of each example, as 1-d tensors.
    """
    import torch

    return {
        "input_ids": torch.cat([ids for ids, _ in rows])[None],
        "labels": torch.cat([labels for _, labels in rows])[None],
        "position_ids": torch.cat([torch.arange(len(ids), device=ids.device) for ids, _ in rows])[None],
    }


def bounds_of(lengths: Sequence[int], device: Any) -> dict[str, Any]:
    """Where examples that lie end to end begin and end, in the words of ``transformers``: attention within these bounds
    needs no mask, and nobody has to look for them in ``position_ids`` in each layer.

    Args:
        lengths: tokens of each example.
        device: where attention is computed.
    """
    import torch

    bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
    return {
        "cu_seq_lens_q": bounds,
        "cu_seq_lens_k": bounds,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }


def filled_up(rows: Sequence[tuple[Any, Any]], pad: int) -> dict[str, Any]:
    """Examples as rows of equal length with an attention mask."""
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence([row for row, _ in rows], batch_first=True, padding_value=pad)
    ones = [row.new_ones(len(row)) for row, _ in rows]
    return {
        "input_ids": ids,
        "labels": pad_sequence([labels for _, labels in rows], batch_first=True, padding_value=IGNORED),
        "attention_mask": pad_sequence(ones, batch_first=True, padding_value=0),
    }


def apart(batch: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The examples of a batch that lies end to end: token ids and labels of each."""
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    ends = [*starts[1:], batch["input_ids"].shape[1]]
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    return [(ids[start:end], labels[start:end]) for start, end in zip(starts, ends, strict=True)]


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows of the dataset as a batch that lies end to end."""
    import torch

    return end_to_end([(torch.tensor(row["input_ids"]), torch.tensor(row["labels"])) for row in rows])
