"""The estimate as a whole: the workshop's rows, what fits and what would make it fit, and what stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allotment.cli import run_command
from allotment.errors import DatasetError, ProjectError
from allotment.project import Project, TrainingConfig, load_project
from allotment.training import EstimateRow, TrainingEstimate, estimate, priced, shipped_cards
from allotment.training.estimation._here import THIS_MACHINE, this_machine
from allotment.workspace import Workspace

PROJECT = """
name: Small
roles: {clerk: works here}
documents:
  rules: {path: rules, readers: [clerk]}
agents:
  rules: {roles: [clerk], documents: [rules]}
"""
WORKSHOP_TOKENS = 6_000_000
"""Between 5 and 7 million: what the workshop's two hours on a 24 GB card are at published rates."""
SETTINGS = {"fits", "changes", "advice", "peak_gib", "safe_gib", "terms", "minutes", "usd", "usd_spot", "as_of"}


@pytest.fixture
def small(tmp_path: Path) -> Project:
    (tmp_path / "allotment.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "rules").mkdir()
    return load_project(tmp_path)


def of(project: Project, model: str = "llama-2-7b", tokens: int = WORKSHOP_TOKENS, **prices: float) -> TrainingEstimate:
    own = {name.replace("_", " "): price for name, price in prices.items()}
    cards = priced(shipped_cards(), own)
    return estimate(project, Workspace(project.root), "rules", model=model, cards=cards, tokens=tokens)


def row_of(value: TrainingEstimate, card: str, method: str = "lora") -> EstimateRow:
    return next(row for row in value.rows if row.card == card and row.method == method)


def test_a_7b_lora_on_a_24_gb_card_at_44_cents_takes_about_two_hours_and_a_dollar(small: Project) -> None:
    row = row_of(of(small, RTX_3090=0.44), "RTX 3090")
    assert row.fits is True
    assert row.minutes == pytest.approx(120, rel=0.15)
    assert row.usd == pytest.approx(0.88, rel=0.15)


def test_the_same_on_a_16_gb_card_takes_about_an_hour_and_a_half(small: Project) -> None:
    value = of(small, RTX_4080=0.30)
    row = row_of(value, "RTX 4080")
    assert row.fits is False
    assert row.changes == {"micro_batch_tokens": 1024}
    assert row.gradient_checkpointing
    assert (row.safe_gib or 99) <= 16
    assert row.minutes == pytest.approx(90, rel=0.15)
    assert row_of(value, "RTX 4080", "qlora").fits is True


def test_there_is_a_row_for_every_card_and_method_and_this_machine_is_first(small: Project) -> None:
    value = of(small)
    methods = {"lora", "qlora", "dora", "partial", "full"}
    assert {row.method for row in value.rows if row.card == "L4"} == methods
    assert len(value.rows) == (len(shipped_cards()) + 1) * len(methods)
    assert value.rows[0] is value.here
    assert (value.here.card, value.here.method) == (THIS_MACHINE, "lora")
    assert value.parameters == 6_738_415_616


def test_the_cheapest_card_for_the_run_may_cost_more_an_hour_than_another_that_fits(small: Project) -> None:
    value = of(small, RTX_3090=0.44)
    best = value.cheapest
    assert best is not None
    others = [row for row in value.rows if row.method == "lora" and row.usd is not None and row.card != THIS_MACHINE]
    assert all((best.usd or 0) <= (row.usd or 0) for row in others)
    assert any(
        (row.usd_per_hour or 0) < (best.usd_per_hour or 0) and (row.usd or 0) > (best.usd or 0) for row in others
    )


def test_a_row_that_cannot_fit_has_no_price_and_says_what_would_help(small: Project) -> None:
    value = of(small)
    small_card = row_of(value, "RTX 3060")
    assert (small_card.fits, small_card.changes, small_card.minutes, small_card.usd) == (False, {}, None, None)
    assert "method: qlora" in small_card.advice
    assert "such as RTX 5080" in small_card.advice
    full = row_of(value, "RTX 3090", "full")
    assert (full.fits, full.usd) == (False, None)
    assert "method: lora" in full.advice
    assert "such as H200" in full.advice


def test_terms_of_a_row_add_up_to_its_peak(small: Project) -> None:
    for row in of(small).rows:
        assert row.peak_gib == pytest.approx(sum(row.terms.values()), abs=0.01)
        assert (row.safe_gib or 0) > (row.peak_gib or 0)


def test_prices_nobody_named_and_rates_nobody_measured_stay_unknown(small: Project) -> None:
    value = of(small)
    owned = row_of(value, "RTX A6000")
    assert owned.minutes is not None
    assert (owned.usd_per_hour, owned.usd, owned.usd_spot) == (None, None, None)
    assert (value.tokens_per_second, value.examples, value.here.minutes, value.here.usd) == (None, None, None, None)


def test_a_model_of_another_kind_has_no_figures_as_a_base_and_is_refused_when_asked_for(small: Project) -> None:
    (small.root / "config.json").write_text('{"model_type": "mamba"}', encoding="utf-8")
    path = str(small.root / "config.json")
    base = small.model_copy(update={"models": small.models.model_copy(update={"base": path})})
    value = estimate(base, Workspace(base.root), "rules", tokens=1000)
    assert (value.here.peak_gib, value.here.fits, value.cheapest, value.parameters) == (None, None, None, None)
    assert "not known" in value.here.advice
    with pytest.raises(ProjectError, match="'mamba' are not known"):
        of(small, path)


def test_without_a_dataset_tokens_must_be_given(small: Project) -> None:
    with pytest.raises(DatasetError, match="dataset"):
        estimate(small, Workspace(small.root), "rules")


def test_tokens_of_a_dataset_are_those_of_all_epochs(taught: Project) -> None:
    workspace = Workspace(taught.root)
    found = estimate(taught, workspace, "board")
    halved = taught.model_copy(update={"training": TrainingConfig(epochs=taught.training.epochs // 2)})
    assert found.examples == 20
    assert found.tokens == 2 * estimate(halved, workspace, "board").tokens
    assert found.here.fits is True
    assert 0 < (found.here.peak_gib or 0) < (found.here.safe_gib or 0) < 8


def test_a_method_that_needs_what_lora_needs_has_one_row_for_both(small: Project) -> None:
    project = small.model_copy(update={"training": TrainingConfig(method="rslora")})
    methods = {row.method for row in of(project).rows}
    assert methods == {"rslora", "qlora", "dora", "partial", "full"}
    assert row_of(of(project), "L4", "rslora").peak_gib == row_of(of(small), "L4").peak_gib


def test_the_price_of_this_machine_counts_where_its_rate_is_known(small: Project) -> None:
    project = small.model_copy(update={"training": TrainingConfig(price_usd_per_hour=2.0)})
    assert of(project).here.usd_per_hour == 2.0


def test_this_machine_is_a_card_with_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    card, device = this_machine(None)
    assert (card.gpu, device, card.source, card.bf16_tflops) == (THIS_MACHINE, "cpu", "processor", None)
    assert card.vram_gib > 0.5


@pytest.mark.parametrize(
    ("told", "tflops"),
    [("NVIDIA GeForce RTX 3090, 24576", 71.0), ("NVIDIA Something New, 24576", None)],
)
def test_a_card_in_this_machine_is_asked_of_its_driver(
    told: str, tflops: float | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\necho '{told}'\necho 'another, 1'\n", encoding="utf-8")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    card, device = this_machine(0.44)
    assert (device, card.vram_gib, card.bf16_tflops, card.usd_per_hour) == ("cuda", 24.0, tflops, 0.44)


@pytest.mark.parametrize("script", ["exit 9", "echo nonsense", ""])
def test_a_driver_that_does_not_answer_is_no_card(script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert this_machine(None)[1] == "cpu"


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command([str(item) for item in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_prints_cards_dates_and_which_is_cheapest(
    small: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("-C", small.root, "training", "estimate", "rules", "--model", "llama-2-7b", "--tokens", "6000000")
    code, out, _ = call(capsys, *arguments, "--price", "RTX 3090=0.44")
    assert code == 0
    assert "RTX 3090, your price" in out
    assert "2026-03" in out
    assert "Cheapest for lora: " in out
    assert "costs less an hour" in out
    assert "13.5 GB" in " ".join(out.split())
    assert call(capsys, *arguments, "--all")[1].count("\n") > 180


def test_the_command_writes_every_row_and_term_as_json(small: Project, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "-C",
        small.root,
        "training",
        "estimate",
        "rules",
        "--model",
        "qwen2.5-7b",
        "--tokens",
        "1000",
        "--json",
    )
    value = json.loads(call(capsys, *arguments)[1])
    assert len(value["rows"]) == (len(shipped_cards()) + 1) * 5
    assert set(value["here"]) >= SETTINGS
    assert set(value["here"]["terms"]) >= {"weights", "states", "activations", "process"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--price", "RTX 3090"), "not a card and its price"),
        (("--price", "RTX 3090=cheap"), "not a card and its price"),
        (("--price", "RTX 3090=-1"), "not a card and its price"),
        (("--price", "RTX 3090=nan"), "not a card and its price"),
        (("--price", "Voodoo=1"), "this card is not known"),
        (("--prices", "nowhere.csv"), "cannot be read"),
        (("--model", "gpt-5"), "shape of this model is not known"),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_what_to_write(
    arguments: tuple[str, ...], told: str, small: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, "-C", small.root, "training", "estimate", "rules", "--tokens", "1000", *arguments)
    assert (code, out) == (2, "")
    assert told in err
