"""What somebody who waits for a training is told: rate, time that is left, and the money so far."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from tiny_model import WORKER, examples, make_tiny_model, write_spec

from allotment.project import TrainingConfig
from allotment.training._process import train_in_process

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def told(tiny: Path, folder: Path, **settings: float) -> list[tuple[str, int, int]]:
    """Every progress a training of four steps gave."""
    spec = write_spec(folder, tiny, examples(8), **settings)
    config = TrainingConfig.model_validate(json.loads(spec.read_text(encoding="utf-8"))["training"])
    said: list[tuple[str, int, int]] = []
    train_in_process(
        [sys.executable, *WORKER, str(spec)], folder, "clerk", config, progress=lambda *event: said.append(event)
    )
    return said


def test_the_money_so_far_stands_beside_what_the_probe_promised(tiny: Path, tmp_path: Path) -> None:
    said = told(tiny, tmp_path, price_usd_per_hour=36_000.0, probe_steps=2)
    assert [(done, total) for _, done, total in said] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    shown = [re.search(r"([\d.]+) of at most ([\d.]+) USD$", label) for label, *_ in said]
    spent = [float(match[1]) for match in shown if match]
    assert len(spent) == 4
    assert 0 < spent[0] < spent[-1]
    assert len({match[2] for match in shown if match}) == 1


def test_without_a_price_there_is_no_money_and_an_unknown_card_has_no_share_of_its_peak(
    tiny: Path, tmp_path: Path
) -> None:
    label, _, _ = told(tiny, tmp_path)[-1]
    assert label.startswith("training clerk, loss ")
    assert label.endswith("MFU unknown")
    assert "tokens/s" in label
