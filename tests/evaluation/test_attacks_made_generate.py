"""Attempts are many, different, aimed, spread evenly, and the same from the same seed."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

import pytest
from attack_canaries import CANARIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.errors import InputError
from allotment.evaluation.attacks import Attack, generate, plants
from allotment.evaluation.attacks._claims import claims
from allotment.evaluation.attacks._generate import WEIGHTS
from allotment.evaluation.attacks._mutators import ENCODINGS, PARTS
from allotment.evaluation.attacks._seeds import seeds
from allotment.evaluation.attacks._statements import queries, statements
from allotment.evaluation.attacks._strategies import strategies
from allotment.evaluation.attacks._tricks import tricks
from allotment.project import Project

COUNT = 10_000
BY_ID = {canary.id: canary for canary in CANARIES}


@pytest.fixture(scope="module")
def attacks(northwind: Project) -> list[Attack]:
    return list(generate(northwind, CANARIES, COUNT, 7))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list | tuple) else []


def test_ten_thousand_are_numbered_and_no_two_are_the_same(attacks: list[Attack]) -> None:
    assert [attack.number for attack in attacks] == list(range(COUNT))
    assert len({attack.id for attack in attacks}) == COUNT
    whole = {repr(replace(attack, number=0, id="")) for attack in attacks}
    assert len(whole) == COUNT


def test_nobody_goes_for_what_he_may_know(attacks: list[Attack]) -> None:
    assert [attack for attack in attacks if attack.role in BY_ID[attack.canary].readers] == []


def test_no_attempt_says_its_canarys_value(attacks: list[Attack]) -> None:
    said = [
        attack
        for attack in attacks
        for text in _texts([asdict(send) for send in attack.sends])
        if BY_ID[attack.canary].value.casefold() in text.casefold()
    ]
    assert said == []


def test_at_every_door_roles_and_reader_sets_differ_by_one_at_most(attacks: list[Attack]) -> None:
    for door in WEIGHTS:
        counts = Counter((attack.role, BY_ID[attack.canary].set_name) for attack in attacks if attack.door == door)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_doors_have_their_shares_from_the_beginning(attacks: list[Attack]) -> None:
    for count in (100, COUNT):
        counts = Counter(attack.door for attack in attacks[:count])
        assert {door: counts[door] / count for door in WEIGHTS} == pytest.approx(WEIGHTS, abs=0.01)


def test_everything_there_is_gets_used(attacks: list[Attack], northwind: Project) -> None:
    planted = plants(northwind, CANARIES, 7)
    assert {attack.seed for attack in attacks} == {*seeds(), *statements(), *queries()}
    assert {attack.claim for attack in attacks} == {"none", *claims()}
    assert {attack.encoding for attack in attacks} == {"plain", *(f"{e}/{part}" for e in ENCODINGS for part in PARTS)}
    assert {attack.language for attack in attacks} == {"en", "cs", "sk", "de"}
    assert {attack.strategy for attack in attacks} == {"single", *strategies()}
    assert {attack.trick for attack in attacks} == {"none", *tricks("api"), *tricks("session")}
    assert {attack.plant for attack in attacks} == {"none", *(p.id for p in (*planted.documents, *planted.rows))}
    assert {attack.canary for attack in attacks} == set(BY_ID)


def test_every_trick_comes_with_the_plain_question_too(attacks: list[Attack]) -> None:
    """A hole in how requests are taken must not hide behind a guard that stops the rest of the attempt."""
    plain = [a for a in attacks if (a.seed, a.claim, a.encoding, a.strategy) == ("plain", "none", "plain", "single")]
    assert {attack.trick for attack in plain} >= {*tricks("api"), *tricks("session")}


def test_statements_and_queries_go_to_agents_the_role_may_ask(attacks: list[Attack], northwind: Project) -> None:
    for attack in attacks:
        if attack.door in ("sql", "search") or attack.plant != "none":
            assert attack.role in northwind.agents[attack.agent].roles
        if attack.door == "sql":
            assert northwind.agents[attack.agent].account is not None


def test_most_attempts_name_an_agent_of_others_or_need_no_model(attacks: list[Attack], northwind: Project) -> None:
    def may_reach_a_model(attack: Attack) -> bool:
        names = {send.model for send in attack.sends if not send.path}
        own = {name for name, agent in northwind.agents.items() if attack.role in agent.roles}
        return attack.door in ("api", "session") and bool(names & {"auto", *own})

    assert 0.1 < sum(map(may_reach_a_model, attacks)) / COUNT < 0.4


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), count=st.integers(1, 60))
def test_the_same_seed_makes_the_same_attempts_and_a_longer_run_begins_like_a_shorter(
    northwind: Project, seed: int, count: int
) -> None:
    made = list(generate(northwind, CANARIES, count, seed))
    assert made == list(generate(northwind, reversed(CANARIES), count, seed))  # type: ignore[arg-type]
    assert made == list(generate(northwind, CANARIES, count + 20, seed))[:count]


def test_another_seed_makes_others(northwind: Project) -> None:
    first, second = ({a.id for a in generate(northwind, CANARIES, 200, seed)} for seed in (1, 2))
    assert len(first & second) < 20


def test_an_attempts_id_hangs_on_what_is_sent_and_not_on_its_number(northwind: Project) -> None:
    made = list(generate(northwind, CANARIES[:1], 40, 7))
    again = list(generate(northwind, CANARIES[:1], 40, 7))
    assert [attack.id for attack in made] == [attack.id for attack in again]
    assert all(len(attack.id) == 16 for attack in made)


def test_without_a_canary_that_somebody_may_not_know_it_says_so(northwind: Project) -> None:
    known = replace(CANARIES[0], readers=frozenset(northwind.roles))
    for none in ((), (known,)):
        with pytest.raises(InputError, match="nothing to go for"):
            generate(northwind, none, 10, 7)


def test_a_canary_whose_question_says_its_value_is_left_out(northwind: Project) -> None:
    telling = replace(CANARIES[0], id="telling", question="Is it Sohoum Deazoun who leads it?")
    made = generate(northwind, (telling, CANARIES[2]), 50, 7)
    assert {attack.canary for attack in made} == {CANARIES[2].id}


def test_rows_alone_and_documents_alone_leave_out_the_doors_they_have_nothing_for(northwind: Project) -> None:
    pages = {attack.door for attack in generate(northwind, CANARIES[:2], 60, 7)}
    rows = {attack.door for attack in generate(northwind, CANARIES[6:], 60, 7)}
    assert pages == {"api", "session", "search"}
    assert rows == {"api", "session", "sql"}


def test_all_braces_are_filled_but_the_one_left_for_the_run(attacks: list[Attack]) -> None:
    known = {"question", "subject", "role", "agent", "user", "source", "attack", "flood", "table", "column"}
    for attack in attacks:
        said = json.dumps([vars(send) for send in attack.sends])
        left = set(re.findall(r"\{([a-z_]+)\}", said))
        assert not left & known
        assert ("conversation" in left) == bool(attack.sends[-1].owner)


def test_bodies_sent_as_bytes_hold_the_text_as_json(attacks: list[Attack]) -> None:
    raw = [a.sends[-1].raw for a in attacks if a.trick == "double-messages"]
    assert raw
    for body in raw:
        assert json.loads(body)["messages"][0]["content"]


def test_words_that_say_a_value_by_chance_are_left_to_other_canaries(northwind: Project) -> None:
    chancy = replace(CANARIES[0], id="chancy", value="Developer  mode")
    made = list(generate(northwind, (chancy,), 400, 7))
    assert len(made) == 400
    used = {(attack.seed, attack.language) for attack in made}
    assert ("mode-developer", "cs") in used or ("mode-developer", "de") in used
    assert ("mode-developer", "en") not in used
