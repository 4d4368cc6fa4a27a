"""The mix of kinds: what is trained on, and that no mix is what it always was."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from allotment.dataset import Item
from allotment.dataset._types import KINDS
from allotment.project import TrainingConfig
from allotment.project._training import ItemKind
from allotment.training._inputs import settings_of_weight
from allotment.training._mix import training_items

SHARES = st.dictionaries(st.sampled_from(KINDS), st.floats(0, 1))


def item(number: int, split: str = "train") -> Item:
    kind = KINDS[number % len(KINDS)]
    readers = frozenset({"employee"})
    return Item(f"i{number}", "g", "a", "s", "d", "q", "a", "v", "en", readers, split, kind)  # type: ignore[arg-type]


ITEMS = [item(number) for number in range(700)] + [item(number, "held_out") for number in range(70)]


@given(SHARES)
def test_a_kind_is_kept_by_its_share_and_the_order_stays(mix: dict[str, float]) -> None:
    kept = training_items(ITEMS, mix)
    assert [one for one in ITEMS if one in kept] == kept
    assert all(one.split == "train" for one in kept)
    for kind in KINDS:
        share = sum(one.kind == kind for one in kept) / 100
        assert abs(share - mix.get(kind, 1.0)) < 0.16


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_share_is_a_part_of_a_larger_one(one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    less, more = (training_items(ITEMS, {"question": share}) for share in (smaller, larger))
    assert {item.id for item in less} <= {item.id for item in more}


def test_settings_without_a_mix_are_what_they_were_before_there_was_one() -> None:
    assert "mix" not in settings_of_weight(TrainingConfig())
    assert settings_of_weight(TrainingConfig(mix={"text": 0.0}))["mix"] == {"text": 0.0}


def test_a_mix_names_the_kinds_of_a_dataset() -> None:
    assert get_args(ItemKind) == KINDS
