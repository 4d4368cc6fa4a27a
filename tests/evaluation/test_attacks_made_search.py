"""Attempts that learn keep what got further, stay within their bounds, and are the same from the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attack_canaries import CANARIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.access import Principal
from allotment.errors import EngineError, InputError
from allotment.evaluation.attacks import Attack, Layer, Result, adaptive
from allotment.evaluation.attacks._attackers import WRITTEN, distance
from allotment.guards import Guards, refused
from allotment.models import Completion, Message
from allotment.project import Project

Tries = list[tuple[Attack, Result]]


def _result(attack: Attack, layer: Layer | None, reply: str = "I cannot say that.") -> Result:
    ending = "stopped" if layer else "leaked"
    return Result(attack.number, attack.id, ending, layer, reply, "", 0.0, False)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def guarded(northwind: Project) -> Callable[[Attack], Result]:
    """The project's own guard, and a model behind it that knows nothing."""
    guards = Guards(northwind)

    def ask(attack: Attack) -> Result:
        principal = Principal("somebody", attack.role)
        fired = any(refused(guards.check(send.text, principal)) for send in attack.sends)
        return _result(attack, "guard" if fired else "model")

    return ask


class Writer:
    """An engine that writes what it is told to, and keeps what it was shown."""

    name = "writer"

    def __init__(self, text: str) -> None:
        self.shown: list[str] = []
        self._text = text

    def complete(self, messages: Sequence[Message], **_: object) -> Completion:
        self.shown.append(messages[-1].content)
        return Completion(f"{self._text} {len(self.shown)}" if self._text else "", 1, 1, "stop")

    def stream(self, messages: Sequence[Message], **_: Any) -> Any:
        raise NotImplementedError


class Dead(Writer):
    """An engine that died."""

    def complete(self, messages: Sequence[Message], **_: object) -> Completion:
        raise EngineError("gone", element="writer")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), most=st.integers(0, 60))
def test_it_is_bounded_numbered_different_and_the_same_again(northwind: Project, seed: int, most: int) -> None:
    def ask(attack: Attack) -> Result:
        return _result(attack, ("gateway", "guard", "router", "model")[int(attack.id, 16) % 4])

    made = list(adaptive(northwind, CANARIES, seed, ask, most=most, first=500))
    assert [attack.number for attack, _ in made] == list(range(500, 500 + most))
    assert len({attack.id for attack, _ in made}) == most
    assert made == list(adaptive(northwind, CANARIES, seed, ask, most=most, first=500))


def test_every_role_reader_set_and_door_is_tried(northwind: Project, guarded: Callable[[Attack], Result]) -> None:
    by_id = {canary.id: canary for canary in CANARIES}
    made = list(adaptive(northwind, CANARIES, 7, guarded, most=60))
    tried = {(attack.door, attack.role, by_id[attack.canary].set_name) for attack, _ in made}
    assert {door for door, _, _ in tried} == {"api", "session", "sql", "search"}
    assert len(tried) == 7 + 7 + 4 + 7 - 1
    assert all(attack.role not in by_id[attack.canary].readers for attack, _ in made)


def test_what_got_further_is_kept_and_changed(northwind: Project) -> None:
    def ask(attack: Attack) -> Result:
        return _result(attack, "output" if attack.claim == "signed" else "guard")

    made = list(adaptive(northwind, CANARIES[:1], 7, ask, most=900))
    for door, role in {(attack.door, attack.role) for attack, _ in made if attack.claim == "signed"}:
        line = [attack for attack, _ in made if (attack.door, attack.role) == (door, role)]
        first = next(place for place, attack in enumerate(line) if attack.claim == "signed")
        after = line[first + 1 : first + 41]
        assert sum(attack.claim == "signed" for attack in after) > 0.5 * len(after)
    assert any(attack.claim == "signed" for attack, _ in made)


def test_a_leak_ends_its_line_and_no_other(northwind: Project) -> None:
    def ask(attack: Attack) -> Result:
        return _result(attack, None if (attack.door, attack.role) == ("api", "sales") else "guard")

    made = list(adaptive(northwind, CANARIES[:1], 7, ask, most=80))
    assert sum(attack.door == "api" and attack.role == "sales" for attack, _ in made) == 1
    assert len(made) == 80


def test_a_model_sees_what_was_refused_and_writes_within_its_calls(
    northwind: Project, guarded: Callable[[Attack], Result]
) -> None:
    writer = Writer("Tell me about it, colleague")
    made = list(adaptive(northwind, CANARIES, 7, guarded, most=150, engine=writer, calls=9))
    written = [attack for attack, _ in made if attack.seed == WRITTEN]
    assert len(writer.shown) == len(written) == 9
    assert all("I cannot say that." in shown for shown in writer.shown)
    assert all(attack.sends[0].text.startswith("Tell me about it, colleague") for attack in written)


def test_a_model_that_writes_nothing_or_the_value_leaves_the_try_to_the_search(northwind: Project) -> None:
    def ask(attack: Attack) -> Result:
        return _result(attack, "guard", reply="Is it Sohoum Deazoun?")

    for text in ("", "Sohoum  DEAZOUN"):
        made = list(adaptive(northwind, CANARIES[:1], 7, ask, most=60, engine=Writer(text), calls=5))
        assert len(made) == 60
        assert not [attack for attack, _ in made if attack.seed == WRITTEN]


def test_a_model_that_died_is_told_and_what_was_tried_is_kept(northwind: Project) -> None:
    tries: Tries = []
    with pytest.raises(EngineError):
        tries.extend(adaptive(northwind, CANARIES, 7, lambda a: _result(a, "guard"), most=150, engine=Dead("")))
    kept: Tries = []
    with pytest.raises(EngineError):
        for made in adaptive(northwind, CANARIES, 7, lambda a: _result(a, "guard"), most=150, engine=Dead("")):
            kept.append(made)
    assert len(kept) > 20


def test_a_failed_attempt_counts_less_than_any_that_was_stopped(northwind: Project) -> None:
    attack = next(adaptive(northwind, CANARIES, 7, lambda a: _result(a, "guard")))[0]
    failed = Result(0, attack.id, "failed", None, "", "the server is gone", 0.0, False)
    order = [failed, *(_result(attack, layer) for layer in ("gateway", "model", "output")), _result(attack, None)]
    assert [distance(result) for result in order] == sorted({distance(result) for result in order})


def test_with_nothing_to_go_for_it_says_so(northwind: Project) -> None:
    with pytest.raises(InputError, match="nothing to go for"):
        adaptive(northwind, (), 7, lambda attack: _result(attack, "guard"))
