"""Drawing canaries evenly, and whose they are."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.evaluation.canaries import Canary, Origin, forbidden_to, own_of, spread

ROLES = ("ann", "bob", "cid")
ORIGINS: tuple[Origin, ...] = ("planted", "document", "row")


@st.composite
def canaries(draw: st.DrawFn) -> list[Canary]:
    marks = draw(st.lists(st.tuples(st.sets(st.sampled_from(ROLES)), st.integers(0, 2), st.sampled_from(ORIGINS))))
    return [
        Canary(str(number), origin, frozenset(roles), f"{source}.md", f"v{number}", "?", ".")
        for number, (roles, source, origin) in enumerate(marks)
    ]


@given(canaries(), st.integers(0, 40), st.integers(0, 5))
@settings(max_examples=50)
def test_no_reader_set_is_passed_over_while_another_gives_two_more(found: list[Canary], count: int, seed: int) -> None:
    drawn = Counter(canary.readers for canary in spread(found, count, seed))
    there = Counter(canary.readers for canary in found)
    for readers, number in there.items():
        assert drawn[readers] == number or max(drawn.values(), default=0) <= drawn[readers] + 1


@given(canaries(), st.integers(0, 40), st.integers(0, 5))
@settings(max_examples=50)
def test_within_a_reader_set_sources_take_turns(found: list[Canary], count: int, seed: int) -> None:
    for readers in {canary.readers for canary in found}:
        drawn = Counter(canary.source for canary in spread(found, count, seed) if canary.readers == readers)
        there = Counter(canary.source for canary in found if canary.readers == readers)
        for source, number in there.items():
            assert drawn[source] == number or max(drawn.values(), default=0) <= drawn[source] + 1


@given(canaries(), st.integers(0, 40), st.integers(0, 5))
@settings(max_examples=50)
def test_the_same_seed_draws_the_same_in_whatever_order_they_come(found: list[Canary], count: int, seed: int) -> None:
    turned = random.Random(seed).sample(found, len(found))
    drawn = spread(found, count, seed)
    assert spread(turned, count, seed) == drawn
    assert len(drawn) == len(set(drawn)) == min(count, len(found))


@given(canaries(), st.sampled_from(ROLES))
@settings(max_examples=30)
def test_every_canary_is_either_a_roles_own_or_forbidden_to_it(found: list[Canary], role: str) -> None:
    assert sorted([*own_of(found, role), *forbidden_to(found, role)], key=found.index) == found
    assert all(role in canary.readers for canary in own_of(found, role))


def test_a_set_without_readers_is_called_nobody() -> None:
    assert Canary("1", "row", frozenset(), "a.b.c", "v", "?", ".").set_name == "nobody"
