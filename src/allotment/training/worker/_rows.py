"""Examples as rows of tokens, and what is refused before a step is paid for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError
from allotment.training._examples import IGNORED, Example, tokenise

Row = dict[str, list[int]]


@dataclass(frozen=True)
class Rows:
    """What is trained on, and what was left out because it is too long."""

    rows: list[Row]
    dropped: int
    masked_example: str
    """One example decoded as the model gets it; what is learnt stands between ``⟦`` and ``⟧``."""

    @property
    def tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(len(row["input_ids"]) for row in self.rows)


def read_examples(file: Path) -> list[Example]:
    """Examples of a JSONL file."""
    return [Example(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def rows_of(examples: Sequence[Example], tokenizer: Any, *, max_length: int) -> Rows:
    """Token ids and labels; over-long examples are dropped whole, never cut inside an answer.

    Raises:
        TrainingError: nothing is left, an example teaches nothing, or the stop token is not learnt in each.
    """
    all_rows = [tokenise(example, tokenizer) for example in examples]
    rows = [row for row in all_rows if len(row["input_ids"]) <= max_length]
    if not rows:
        raise TrainingError(
            f"no example fits into {max_length} tokens." if all_rows else "there are no examples.",
            kind="bad-data",
            element="training.max_length",
            remedy="Raise training.max_length." if all_rows else "Make the dataset again.",
        )
    silent = sum(all(label == IGNORED for label in row["labels"]) for row in rows)
    if silent:
        raise TrainingError(f"{silent} examples have no label: nothing would be learnt from them.", kind="bad-data")
    stops = {row["labels"][-1] for row in rows}
    if len(stops) != 1:
        raise TrainingError(
            "the stop token is not trained in every example: the tokenizer joins it with the answer, or splits it.",
            kind="configuration",
            element="tokenizer",
            remedy="Take a base model whose tokenizer knows the chat template's control tokens.",
        )
    return Rows(rows, len(all_rows) - len(rows), decoded(rows[0], tokenizer))


def decoded(row: Row, tokenizer: Any) -> str:
    """A row as text, with what is learnt between ``⟦`` and ``⟧``."""
    start = next(place for place, label in enumerate(row["labels"]) if label != IGNORED)
    read, learnt = tokenizer.decode(row["input_ids"][:start]), tokenizer.decode(row["input_ids"][start:])
    return f"{read}⟦{learnt}⟧"


def check_tokenizer(tokenizer: Any, model: Any, stop: str, control: Sequence[str]) -> None:
    """Refuse a tokenizer that is not the model's own, or does not know the chat template's tokens.

    Raises:
        TrainingError: it gives ids the model has no row for, or writes a control token in pieces.
    """
    size = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > size:
        raise TrainingError(
            f"the tokenizer has {len(tokenizer)} tokens, the model {size} rows: it is another model's.",
            kind="configuration",
            element="tokenizer",
            remedy="Put the tokenizer files of the base model into its folder.",
        )
    for token in dict.fromkeys([stop, *(name for name in control if name.startswith("<|") or "turn" in name)]):
        ids = tokenizer(token, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            raise TrainingError(
                f"the tokenizer writes the chat template's {token!r} as {len(ids)} tokens: it is another model's, or"
                " the template is.",
                kind="configuration",
                element="tokenizer",
                remedy="Name the base model by its catalogue name, or take one of the template's family.",
            )
