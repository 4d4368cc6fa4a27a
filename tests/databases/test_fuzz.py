"""Made-up statements through the whole stack and past the gate, against what a superuser says the account may see.

``benchmarks/database_attacks.py`` does the same with tens of thousands, on two versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from attacked_company import attacked_company
from attacks import ATTACKS, GATE_ONLY
from fuzz_judge import Judge
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_fuzzer import ORDINARY, Grammar, bent

KNOWN = [*GATE_ONLY.values(), *ORDINARY * 5, *(attack.sql for attack in ATTACKS if attack.outcome != "kept")]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with attacked_company(tmp_path_factory.mktemp("fuzz"), None) as company:
        judge = Judge(company)
        yield judge
        judge.close()


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_what_passes_the_gate_gives_the_rows_of_the_account_and_no_other(judge: Judge, seed: int) -> None:
    judge.gated(Grammar(Random(seed)).statement())
    assert judge.escapes == []


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_known_statement_bent_gives_the_rows_of_the_account_and_no_other(judge: Judge, seed: int) -> None:
    judge.gated(bent(Random(seed), KNOWN))
    assert judge.escapes == []


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_past_the_gate_nothing_hidden_comes_out(judge: Judge, seed: int) -> None:
    judge.past_the_gate(Grammar(Random(seed), hidden=0.2).statement())
    assert judge.escapes == []


def test_the_made_statements_do_run(judge: Judge) -> None:
    random = Random(1)
    outcomes = {judge.gated(Grammar(random).statement()) for _ in range(60)}
    assert "accepted: the same rows" in outcomes and "refused: no such column" in outcomes


def test_the_judge_notices_a_row_too_many(judge: Judge) -> None:
    try:
        with judge.copy_without("orders", "order_id = 10249"):
            assert judge.gated("SELECT count(*) FROM orders") == "escaped"
    finally:
        judge.escapes.clear()


def test_the_judge_notices_a_mark(judge: Judge) -> None:
    try:
        assert judge.compared("SELECT 1", "SELECT 1", [("canary-row",)], []) == "escaped"
    finally:
        judge.escapes.clear()
