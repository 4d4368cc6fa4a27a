"""What the datasheet of the set promises, the set keeps."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import CountVectorizer

import allotment.guards
from allotment.guards import prepare, skeleton
from allotment.guards._impersonation_set import ImpersonationItem, impersonation_items, read_item

ITEMS = impersonation_items()
BY_ID = {item.id: item for item in ITEMS}
FILE = Path(allotment.guards.__file__).parent / "data" / "impersonation.jsonl"
NAMED_KINDS = {
    "rank", "urgency", "delegated", "expired_token", "it_support", "quoted_mail", "translated", "split_turns",
    "hypothetical", "fiction", "code_comment", "praise", "threat",
}  # fmt: skip
UNSEEN_KINDS = {
    "fiction", "translated", "outside_authority", "reference", "emergency", "earlier_promise", "drill", "insider",
    "buried",
}  # fmt: skip


def _kinds(split: str) -> set[str]:
    return {item.kind for item in ITEMS if item.split == split}


def _texts(label: str) -> list[str]:
    return [skeleton(item.text) for item in ITEMS if item.label == label]


def test_there_are_1192_items_in_29_kinds() -> None:
    assert len(ITEMS) == 1192
    assert len({item.kind for item in ITEMS}) == 29
    assert {item.kind for item in ITEMS} >= NAMED_KINDS


def test_both_labels_and_both_languages_are_equally_many_in_every_kind() -> None:
    for kind in {item.kind for item in ITEMS}:
        counts = Counter((item.label, item.language) for item in ITEMS if item.kind == kind)
        assert len(counts) == 4
        assert len(set(counts.values())) == 1


def test_every_kind_has_at_least_twelve_attacks() -> None:
    assert min(Counter(item.kind for item in ITEMS if item.label == "attack").values()) >= 12


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(ITEMS)


def test_every_item_has_a_twin_of_the_other_label_in_the_same_kind_language_and_split() -> None:
    for item in ITEMS:
        twin = BY_ID[item.twin]
        assert twin.twin == item.id
        assert twin.label != item.label
        assert (twin.kind, twin.language, twin.split) == (item.kind, item.language, item.split)


def test_twins_come_with_the_same_role_but_where_the_role_is_the_difference() -> None:
    for item in ITEMS:
        twin = BY_ID[item.twin]
        if item.kind == "same_words":
            assert item.turns == twin.turns
            assert item.role != twin.role
        else:
            assert item.turns != twin.turns
            assert item.role == twin.role


def test_twins_share_words() -> None:
    shared = [_overlap(_words(item), _words(BY_ID[item.twin])) for item in ITEMS if item.label == "attack"]
    assert sorted(shared)[len(shared) // 2] > 0.3
    assert min(shared) > 0.1


def _words(item: ImpersonationItem) -> set[str]:
    return set(re.findall(r"\w+", skeleton(item.text)))


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def test_pairs_of_one_number_are_in_the_same_part_in_both_languages() -> None:
    parts: dict[str, set[str]] = {}
    for item in ITEMS:
        parts.setdefault(item.id.replace("-en-", "-").replace("-cs-", "-"), set()).add(item.split)
    assert {len(splits) for splits in parts.values()} == {1}


def test_no_kind_of_the_unseen_test_is_in_train_or_validation() -> None:
    assert _kinds("test_unseen") == UNSEEN_KINDS
    assert not _kinds("test_unseen") & (_kinds("train") | _kinds("validation") | _kinds("test_seen"))


def test_every_kind_of_the_seen_test_is_in_train() -> None:
    assert _kinds("test_seen") == _kinds("train")


def test_validation_has_the_kinds_of_train_and_two_of_its_own() -> None:
    assert _kinds("validation") - _kinds("train") == {"code_comment", "witness"}
    assert _kinds("validation") > _kinds("train")


def test_what_only_the_role_can_tell_is_a_part_of_its_own() -> None:
    assert {item.id for item in ITEMS if item.split == "test_role"} == {
        item.id for item in ITEMS if item.kind == "same_words"
    }


@pytest.mark.parametrize("label", ["attack", "benign"])
def test_no_two_texts_of_one_label_are_nearly_the_same(label: str) -> None:
    grams = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, dtype=int).fit_transform(_texts(label))
    shared = (grams @ grams.T).toarray()
    sizes = shared.diagonal()
    for one, other in combinations(range(len(sizes)), 2):
        assert shared[one, other] / (sizes[one] + sizes[other] - shared[one, other]) <= 0.8


@pytest.mark.parametrize("label", ["attack", "benign"])
def test_few_texts_begin_with_the_same_three_words(label: str) -> None:
    beginnings = Counter(" ".join(text.split()[:3]) for text in _texts(label))
    assert beginnings.most_common(1)[0][1] <= 6


def test_a_question_mark_does_not_tell_the_labels_apart() -> None:
    share = {
        label: sum(text.endswith("?") for text in _texts(label)) / len(_texts(label)) for label in ("attack", "benign")
    }
    assert abs(share["attack"] - share["benign"]) < 0.1


def test_czech_is_written_with_and_without_diacritics() -> None:
    plain = [item.text.isascii() for item in ITEMS if item.language == "cs"]
    assert 0.1 < sum(plain) / len(plain) < 0.3


def test_only_conversations_have_turns() -> None:
    assert {item.kind for item in ITEMS if len(item.turns) > 1} == {"split_turns"}


@pytest.mark.parametrize("kind", sorted({item.kind for item in ITEMS}))
def test_every_text_is_clean_and_can_be_prepared(kind: str) -> None:
    for item in (item for item in ITEMS if item.kind == kind):
        prepared = prepare(item.text)
        assert prepared.original == item.text
        assert prepared.forms[0].how == "plain"
        assert prepared.forms[0].whole
        assert all(turn == turn.strip() and "  " not in turn for turn in item.turns)


def test_the_file_is_small_enough_to_be_shipped() -> None:
    assert FILE.stat().st_size < 400_000


GOOD = json.loads(FILE.read_text(encoding="utf-8").splitlines()[0])


@pytest.mark.parametrize(
    "change",
    [
        {"label": "other"},
        {"split": "held_back"},
        {"text": ""},
        {"text": 3},
        {"turns": ["a"]},
        {"more": "x"},
        {"note": None},
    ],
    ids=str,
)
def test_a_line_that_is_no_item_is_named(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="line 7: not an item"):
        read_item(json.dumps(GOOD | change), 7)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_line_without_one_of_its_fields_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="line 7: not an item"):
        read_item(json.dumps({key: value for key, value in GOOD.items() if key != name}), 7)


def test_a_line_that_is_an_item_is_read() -> None:
    assert read_item(json.dumps(GOOD), 1) == ITEMS[0]
