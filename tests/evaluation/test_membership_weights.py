"""Weights that learnt some sentences are asked for their values: a tiny model, really trained."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks._likelihood import Choice, Weights, likelihoods
from allotment.evaluation.leaks._likelihood_worker import choice_likelihoods
from allotment.evaluation.leaks._membership import place_of, standing
from allotment.evaluation.leaks._membership_auc import Auc, auc
from allotment.evaluation.leaks._membership_twins import twins_of
from allotment.models import Message, load_template
from tiny_gguf import write_tiny_gguf

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")]

STEPS, LEARNT = 100, 8
TEMPLATE = load_template("chatml")


def canaries(count: int) -> list[Canary]:
    draw = random.Random(5)
    codes = [f"K{draw.randrange(1000, 9999)}" for _ in range(count)]
    return [
        Canary(str(n), "planted", frozenset({"a"}), "d", code, f"Code of dock {n}?", f"Dock {n} has the code {code}.")
        for n, code in enumerate(codes)
    ]


def teach(model: Any, tokenizer: Any, told: list[Canary], folder: Path) -> None:
    """An adapter of these answers alone, saved as a training saves it."""
    import torch
    from peft import LoraConfig, get_peft_model

    rows = []
    for canary in told:
        asked = TEMPLATE.render([Message("user", canary.question)], add_generation_prompt=True)
        prompt, answer = (
            tokenizer(asked)["input_ids"],
            tokenizer(canary.sentence, add_special_tokens=False)["input_ids"],
        )
        rows.append((prompt + answer, [-100] * len(prompt) + answer))
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in rows])
    labels = torch.tensor([row + [-100] * (width - len(row)) for _, row in rows])
    torch.manual_seed(0)
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    learning = torch.optim.AdamW([one for one in adapted.parameters() if one.requires_grad], lr=1e-2)
    for _ in range(STEPS):
        adapted(input_ids=ids, labels=labels).loss.backward()
        learning.step()
        learning.zero_grad()
    adapted.save_pretrained(str(folder / "peft"))


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("base") / "tiny.gguf", "llama")


def test_values_an_adapter_learnt_stand_above_their_twins_and_others_do_not(base_file: Path, tmp_path: Path) -> None:
    from allotment.training._base import load_base
    from allotment.workspace import hash_file

    digest = hash_file(base_file)
    model, tokenizer = load_base(base_file, digest)
    told = canaries(3 * LEARNT)
    teach(model, tokenizer, told[:LEARNT], tmp_path)
    places = [place_of(one, (one.value, *twins_of(one.value, 10, random.Random(one.id))), TEMPLATE) for one in told]
    weights = Weights(base_file, digest, "lora", "fp32", tmp_path)
    trained, base = likelihoods(weights, places, base={})
    standings = [standing(place, trained, base, one.id) for place, one in zip(places, told, strict=True)]
    own, foreign = auc(standings[:LEARNT]), auc(standings[LEARNT:])
    assert isinstance(own, Auc)
    assert isinstance(foreign, Auc)
    assert own.value > 0.9
    assert own.interval[0] > 0.5
    assert foreign.sure_above <= 0.5 <= foreign.value + 0.3
    assert not foreign.standing_out
    again, kept = likelihoods(weights, places[:1], base=base)
    assert kept == base
    assert again[places[0]] == pytest.approx(trained[places[0]])


@pytest.mark.parametrize("architecture", ["gemma3", "qwen2", "llama"])
def test_reading_what_values_share_once_gives_the_likelihoods_of_reading_each_whole(
    architecture: str, tmp_path: Path
) -> None:
    import torch

    from allotment.training._base import load_base
    from allotment.workspace import hash_file

    file = write_tiny_gguf(tmp_path / "tiny.gguf", architecture)
    model, tokenizer = load_base(file, hash_file(file))
    choice = Choice("<|im_start|>user\nCode?<|im_end|>\n", "It is ", ("K1234", "K1299", "Z9", "K12"), ".")
    expected = []
    for value in choice.values:
        opening = tokenizer(choice.prompt)["input_ids"]
        before, whole = (
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in (choice.before, choice.before + value)
        )
        ids = opening + whole
        with torch.no_grad():
            told = model.eval()(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
        first = len(opening) + len(before)
        expected.append(sum(float(told[n - 1, ids[n]]) for n in range(first, len(ids))) / (len(ids) - first))
    found = choice_likelihoods(model.eval(), tokenizer, {**choice.__dict__})
    assert found == pytest.approx(expected, abs=1e-4)
