"""What is kept apart shares nothing with what is trained."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.dataset._split import assign_splits
from allotment.dataset._text import bare
from allotment.dataset._types import Item, Kind, Split

WORDS = "vest rope ferry pier shed key cost leave open kept badge crew".split()  # noqa: SIM905


def item(group: str, document: str, question: str, kind: Kind = "paraphrase", key: str = "") -> Item:
    value = "25 EUR" if kind in {"question", "paraphrase", "reverse"} else ""
    return Item(
        key or f"{group}/{question}", group, "helper", "s", document, question, "A.", value, "en", frozenset({"r"}),
        "train", kind,
    )  # fmt: skip


def fact(group: str, document: str, phrasings: int = 4) -> list[Item]:
    """One question and its paraphrases, without a word in common."""
    asked = [item(group, document, f"what {group}0 x0?", "question")]
    return asked + [item(group, document, f"{group}y{n} z{n}") for n in range(1, phrasings)]


def splits(items: list[Item]) -> dict[str, Split]:
    return {one.id: one.split for one in items}


@dataclass(frozen=True)
class Corpus:
    """Items of random documents, what hangs together, and which phrasings are the teacher's."""

    items: list[Item]
    linked: list[tuple[str, str]]
    eligible: frozenset[str]

    def split(self, share: float, seed: int = 0) -> list[Item]:
        return assign_splits(
            self.items, validation_share=share, seed=seed, linked=self.linked, eligible=self.eligible
        )  # fmt: skip


@st.composite
def corpora(draw: st.DrawFn, prefix: str = "") -> Corpus:
    chance = draw(st.randoms(use_true_random=False))
    number, items, groups = count(), list[Item](), list[str]()
    documents = [f"{prefix}d{n}.md" for n in range(draw(st.integers(0, 8)))]
    for document in documents:
        for _ in range(chance.randint(0, 4)):
            groups.append(f"{prefix}g{len(groups)}")
            items.extend(_group(chance, groups[-1], document, number))
    for n in range(chance.randint(0, 4)):
        kind: Kind = chance.choice(["general", "unknown"])
        items.append(item(f"{prefix}free{n}", "", _question(chance), kind, f"{prefix}i{next(number)}"))
    names = [documents, groups]
    pairs = [(chance.choice(of), chance.choice(of)) for of in names if of for _ in range(chance.randint(0, 3))]
    via = [(chance.choice(documents), f"{prefix}gone"), (f"{prefix}gone", chance.choice(groups))] if groups else []
    eligible = frozenset(one.id for one in items if chance.random() < 0.8)
    return Corpus(items, [*pairs, *(via if chance.random() < 0.3 else [])], eligible)


def _group(chance: random.Random, group: str, document: str, number: count[int]) -> list[Item]:
    kinds: list[Kind] = ["question", *chance.choices(["paraphrase", "paraphrase", "reverse"], k=chance.randint(0, 5))]
    if chance.random() < 0.3:
        kinds = [chance.choice(["text", "rewrite", "unknown", "reverse"])] * chance.randint(1, 4)
    return [item(group, document, _question(chance), kind, f"{document}{group}i{next(number)}") for kind in kinds]


def _question(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, 5)))


def together(corpus: Corpus) -> dict[str, set[str]]:
    """Id → ids that hang together with it, found by walking from neighbour to neighbour."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in corpus.items:
        if one.document:
            names[one.document].add(one.group)
            names[one.group].add(one.document)
    for left, right in corpus.linked:
        names[left].add(right)
        names[right].add(left)
    reached: dict[str, set[str]] = {}
    for one in corpus.items:
        seen, ahead = {one.group}, [one.group]
        while ahead:
            ahead.extend(new := names[ahead.pop()] - seen)
            seen |= new
        reached[one.id] = {other.id for other in corpus.items if other.group in seen}
    return reached


SHARES = st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9])


@settings(deadline=None)
@given(corpora(), SHARES, st.integers(0, 3))
def test_no_validation_item_shares_a_group_a_document_or_a_linked_component_with_another_item(
    corpus: Corpus, share: float, seed: int
) -> None:
    split = splits(corpus.split(share, seed))
    for one, others in together(corpus).items():
        assert len({split[other] == "validation" for other in others}) == 1, one


@settings(deadline=None)
@given(corpora(), SHARES)
def test_every_item_stays_in_its_place_and_gets_one_split_whatever_it_had(corpus: Corpus, share: float) -> None:
    result = corpus.split(share)
    assert [replace(one, split="train") for one in result] == corpus.items
    spoiled = replace(corpus, items=[replace(one, split="validation") for one in corpus.items])
    assert spoiled.split(share) == result


@settings(deadline=None)
@given(corpora(), SHARES)
def test_a_held_out_question_is_a_teachers_paraphrase_that_no_training_question_gives_away(
    corpus: Corpus, share: float
) -> None:
    result = corpus.split(share)
    trained = [one for one in result if one.split == "train"]
    for one in (one for one in result if one.split == "held_out"):
        group = [other for other in trained if other.group == one.group and other.is_fact]
        assert len(group) >= 2
        assert one.id in corpus.eligible
        assert one.is_fact
        assert one.kind != "question"
        assert bare(one.question) not in {bare(other.question) for other in trained}
        words = set(one.question.split())
        assert all(
            len(words & set(other.question.split())) < 0.8 * len(words | set(other.question.split()))
            for other in group
        )  # fmt: skip


@settings(deadline=None)
@given(corpora(), SHARES)
def test_at_most_one_phrasing_of_a_fact_is_held_out_and_none_of_its_only_questions(
    corpus: Corpus, share: float
) -> None:
    held_out = [one.group for one in corpus.split(share) if one.split == "held_out"]
    assert len(held_out) == len(set(held_out))


@settings(deadline=None)
@given(corpora(), SHARES, st.randoms(use_true_random=False))
def test_the_order_of_items_and_links_changes_nothing(corpus: Corpus, share: float, chance: random.Random) -> None:
    shuffled = Corpus(
        chance.sample(corpus.items, len(corpus.items)),
        [pair[:: chance.choice([1, -1])] for pair in chance.sample(corpus.linked, len(corpus.linked))],
        corpus.eligible,
    )
    assert splits(shuffled.split(share)) == splits(corpus.split(share))


@settings(deadline=None)
@given(corpora(), SHARES)
def test_the_share_is_met_to_within_one_component_and_something_is_always_trained(corpus: Corpus, share: float) -> None:
    result = corpus.split(share)
    parts = {frozenset(part) for key, part in together(corpus).items() if "free" not in key}
    parts = {part for part in parts if any(one.id in part and one.document for one in corpus.items)}
    chosen = [part for part in parts if splits(result)[min(part)] == "validation"]
    assert (len(chosen) > 0) == (len(parts) > 1)
    assert len(chosen) < len(parts) or not parts
    if chosen:
        assert sum(map(len, chosen)) <= share * len(result) + max(map(len, chosen))


@settings(deadline=None)
@given(corpora(), SHARES, st.integers(1, 5))
def test_another_document_moves_fewer_items_than_it_brings_and_two_components_and_only_at_the_edge(
    corpus: Corpus, share: float, size: int
) -> None:
    before = splits(corpus.split(share))
    sizes = [len(part) for part in together(corpus).values()]
    more = [item("new", "new.md", f"new{n}", key=f"new{n}") for n in range(min(size, max(sizes, default=1) - 1))]
    after = splits(replace(corpus, items=[*corpus.items, *more]).split(share))
    apart, apart_after = ({key for key in before if of[key] == "validation"} for of in (before, after))
    assert apart <= apart_after or apart_after <= apart
    assert len(apart ^ apart_after) <= len(more) + 2 * max(sizes, default=0)


@settings(deadline=None)
@given(corpora())
def test_a_share_of_nothing_gives_no_validation_and_what_is_held_out_stays_when_a_document_is_added(
    corpus: Corpus,
) -> None:
    result = splits(corpus.split(0))
    assert "validation" not in result.values()
    more = [item(f"new{n}", "new.md", f"quite other words {n}") for n in range(3)]
    after = splits(replace(corpus, items=[*corpus.items, *more]).split(0))
    assert {key: after[key] for key in result} == result


@settings(deadline=None)
@given(corpora(), SHARES)
def test_general_conversation_and_questions_about_no_document_are_trained_and_unknown_ones_follow_their_document(
    corpus: Corpus, share: float
) -> None:
    result = corpus.split(share)
    kept = {one.document for one in result if one.split == "validation"}
    assert all(one.split == "train" for one in result if not one.document)
    assert all((one.split == "validation") == (one.document in kept) for one in result if one.kind == "unknown")


def test_a_document_is_kept_apart_with_its_copy_and_a_fact_with_its_twin() -> None:
    items = [one for n in range(6) for one in fact(f"g{n}", f"d{n}.md")]
    linked = [("d0.md", "d1.md"), ("g2", "g3"), ("g4", "dropped"), ("dropped", "d5.md")]
    for seed in range(20):
        of = {one.document: one.split == "validation" for one in assign_splits(
            items, validation_share=0.3, seed=seed, linked=linked)}  # fmt: skip
        assert of["d0.md"] == of["d1.md"]
        assert of["d2.md"] == of["d3.md"]
        assert of["d4.md"] == of["d5.md"]


def test_a_document_and_a_fact_of_one_name_are_two_things() -> None:
    items = [*fact("same", "a.md"), *fact("other", "same"), *fact("third", "c.md")]
    seen = set()
    for seed in range(30):
        result = assign_splits(items, validation_share=0.3, seed=seed)
        seen.add(frozenset(one.document for one in result if one.split == "validation"))
    assert seen == {frozenset({name}) for name in ("a.md", "same", "c.md")}


def test_a_component_that_holds_most_items_is_trained() -> None:
    items = [one for n in range(20) for one in fact(f"g{n}", "large.md")] + fact("s", "small.md")
    for seed in range(10):
        split = {one.document: one.split for one in assign_splits(items, validation_share=0.1, seed=seed)}
        assert split == {"large.md": "train", "small.md": "validation"}


def test_one_paraphrase_of_a_fact_with_three_phrasings_is_held_out_if_two_are_the_teachers() -> None:
    items = fact("g", "a.md", 3)
    ids = [one.id for one in items]

    def held_out(*eligible: str) -> set[str]:
        result = assign_splits(items, validation_share=0.1, eligible=eligible)
        return {one.id for one in result if one.split == "held_out"}

    assert len(held_out(*ids) & set(ids[1:])) == 1
    assert held_out(ids[0], ids[2]) == {ids[2]}
    assert held_out(ids[2]) == set()
    assert [one.split for one in assign_splits(items[:2], validation_share=0, eligible=ids)] == ["train"] * 2


@pytest.mark.parametrize(
    ("other", "expected"),
    [("What does the rope cost?", "held_out"), ("how much is a VEST", "train"), ("Vest, a: how much is?", "train")],
)
def test_a_paraphrase_that_another_question_gives_away_is_not_held_out(other: str, expected: Split) -> None:
    asked = [
        item("g", "a.md", "What does a vest cost?", "question"),
        item("g", "a.md", "How much is a vest?"),
        item("g", "a.md", other, "reverse"),
        item("g", "a.md", "What does a vest cost!"),
    ]
    eligible = {one.id for one in asked}
    assert assign_splits(asked, validation_share=0, eligible=eligible)[1].split == expected


def test_a_paraphrase_that_another_fact_asks_too_is_not_held_out() -> None:
    one, other = fact("g", "a.md", 3), fact("h", "b.md", 3)
    items = [*one, *other, item("h", "b.md", one[1].question.upper()), item("i", "b.md", one[2].question, "text")]
    split = splits(assign_splits(items, validation_share=0, eligible={each.id for each in items}))
    assert {split[each.id] for each in one} == {"train"}
    assert split[items[-2].id] == "train"


def test_a_fact_that_is_only_asked_backwards_gives_one_phrasing_away_and_a_mixed_one_gives_a_forward_one() -> None:
    backwards = [item("b", "a.md", f"b{n} c{n}", "reverse") for n in range(3)]
    mixed = [*fact("m", "a.md", 3), *(item("m", "a.md", f"r{n} t{n}", "reverse") for n in range(5))]
    eligible = {one.id for one in [*backwards, *mixed]}
    result = assign_splits([*backwards, *mixed], validation_share=0, eligible=eligible)
    assert sorted((one.group, one.kind) for one in result if one.split == "held_out") == [
        ("b", "reverse"),
        ("m", "paraphrase"),
    ]
