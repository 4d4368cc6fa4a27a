"""What an experiment teaches: what differs is told from what does not, and never from too little."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from allotment.experiments._compare import choice_of, crashes_of, effects_of, groups_of, sign_flip_p
from allotment.experiments._rows import Row

NUMBERS = st.lists(st.integers(-80, 80).map(lambda number: number / 8), min_size=2, max_size=9)


def row(number: int, settings: dict[str, Any], recall: float | None, **more: Any) -> Row:
    fields: dict[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    fields |= {
        "id": f"test/r{number}", "number": number, "settings": settings, "state": "done", "place": "", "attempts": 1,
        "epochs_asked": 4, "recall": recall, "asked": 100, "minutes": 1.0, "minutes_paid": 1.0, "error": "",
        "remedy": "", "note": "",
    }  # fmt: skip
    return Row(**{**fields, **more})


def grid(value: Callable[[dict[str, Any]], float], seeds: int = 8, **more: Any) -> list[Row]:
    settings = [
        {"rank": rank, "rate": rate, "seed": seed}
        for rank, rate, seed in itertools.product((8, 32), (0.1, 0.2), range(seeds))
    ]
    return [row(number, one, value(one), **more) for number, one in enumerate(settings, 1)]


@given(NUMBERS)
@settings(max_examples=25)
def test_the_p_value_is_that_of_the_exact_permutation_test(differences: list[float]) -> None:
    expected = stats.permutation_test(
        (differences,), lambda values, axis: values.sum(axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip_p(differences) == pytest.approx(expected.pvalue, abs=1e-9)


@given(NUMBERS, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_pairs_and_their_sign_change_no_p_value(differences: list[float], chance: random.Random) -> None:
    mixed = [-value for value in chance.sample(differences, len(differences))]
    assert sign_flip_p(mixed) == pytest.approx(sign_flip_p(differences))


def test_chance_alone_is_called_a_difference_in_no_more_than_one_experiment_of_twenty() -> None:
    chance, wrong = random.Random(5), 0
    for _ in range(60):
        rows = grid(lambda settings: chance.gauss(0.5, 0.1), seeds=4)
        wrong += any(effect.verdict == "differs" for effect in effects_of(rows, "recall"))
    assert wrong <= 7  # 5 % and what 60 experiments scatter


def test_a_setting_that_matters_is_told_from_one_that_does_not() -> None:
    chance = random.Random(1)
    rows = grid(lambda settings: 0.4 + (settings["rank"] == 32) * 0.1 + chance.gauss(0, 0.03))
    found = {effect.setting: effect for effect in effects_of(rows, "recall")}
    assert set(found) == {"rank", "rate"}  # a seed is no setting
    assert (found["rank"].verdict, found["rank"].pairs) == ("differs", 16)
    assert found["rank"].difference == pytest.approx(0.1, abs=0.03)
    assert (found["rank"].low or 0.0) > 0
    assert found["rate"].verdict == "no difference shown"


def test_from_fewer_than_six_pairs_nothing_is_told() -> None:
    rows = [row(n, {"rank": rank, "seed": n % 5}, rank / 100) for n, rank in enumerate([8] * 5 + [32] * 5)]
    (effect,) = effects_of(rows, "recall")
    assert (effect.pairs, effect.p, effect.verdict) == (5, None, "too few pairs")
    assert effect.difference == pytest.approx(0.24)


def test_runs_that_crashed_are_in_no_pair() -> None:
    rows = grid(lambda settings: 0.5)
    rows[0] = row(1, rows[0].settings, None, state="non-finite")
    assert {effect.setting: effect.pairs for effect in effects_of(rows, "recall")} == {"rank": 15, "rate": 15}


def test_groups_spread_over_seeds_alone() -> None:
    rows = grid(lambda settings: settings["seed"] / 10, seeds=3)
    groups = groups_of(rows, "recall")
    assert len(groups) == 4
    assert all(group.mean == pytest.approx(0.1) and group.deviation == pytest.approx(0.1) for group in groups)
    assert all((group.low, group.high, len(group.runs)) == (0.0, 0.2, 3) for group in groups)


def test_of_what_is_as_good_within_its_noise_the_cheaper_is_kept_and_the_reason_says_so() -> None:
    def value(settings: dict[str, Any]) -> float:
        return 0.6 + settings["seed"] / 50 + (0.005 if settings["rank"] == 32 else 0.0)

    rows = [
        row(one.number, one.settings, one.recall, minutes=9.0 if one.settings["rank"] == 32 else 3.0)
        for one in grid(value, seeds=4)
        if one.settings["rate"] == 0.1
    ]
    groups = groups_of(rows, "recall")
    found = choice_of(rows, groups, "recall", higher=True)
    assert found is not None
    assert rows[found.number - rows[0].number].settings["rank"] == 8
    assert "noise" in found.reason
    assert "took 200% more" in found.reason


def test_what_is_clearly_better_is_kept_though_it_costs_more() -> None:
    rows = [
        row(n, {"rank": rank, "seed": seed}, 0.3 + rank / 100 + seed / 1000, minutes=float(rank))
        for n, (rank, seed) in enumerate(itertools.product((8, 32), range(4)), 1)
    ]
    found = choice_of(rows, groups_of(rows, "recall"), "recall", higher=True)
    assert found is not None
    assert (found.number, "the best of 4 seeds" in found.reason) == (8, True)
    lowest = choice_of(rows, groups_of(rows, "minutes"), "minutes", higher=False)
    assert lowest is not None
    assert rows[lowest.number - 1].settings["rank"] == 8


def test_where_nothing_ended_well_nothing_is_kept() -> None:
    rows = [row(1, {"rank": 8}, None, state="out-of-memory")]
    assert choice_of(rows, groups_of(rows, "recall"), "recall", higher=True) is None


def test_two_values_that_crash_only_together_are_named_together() -> None:
    rows = [
        row(n, {"precision": precision, "rate": rate, "seed": seed}, 0.5, state=state)
        for n, (precision, rate, seed) in enumerate(itertools.product(("bf16", "fp16"), (1, 3), range(2)), 1)
        for state in ["non-finite" if (precision, rate) == ("fp16", 3) else "done"]
    ]
    assert crashes_of(rows) == ("precision fp16, rate 3: all 2 runs ended non-finite",)


def test_a_value_with_which_every_run_crashes_is_named_once() -> None:
    rows = [
        row(n, {"precision": precision, "seed": seed}, 0.5, state="non-finite" if precision == "fp16" else "done")
        for n, (precision, seed) in enumerate(itertools.product(("bf16", "fp16"), range(3)), 1)
    ]
    odd = row(7, {"precision": "bf16", "seed": 9}, None, state="out-of-memory", error="no room")
    told = crashes_of([*rows, odd])
    assert told == (
        "precision fp16: all 3 runs ended non-finite",
        "run 7 (precision bf16, seed 9): out-of-memory. no room",
    )
