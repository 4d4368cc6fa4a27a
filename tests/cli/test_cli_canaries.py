"""``allotment evaluate canaries``."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_call import Call


def test_without_canaries_the_exit_code_is_1_and_the_next_step_is_said(call: Call, small: Path) -> None:
    assert call("documents", "ingest", "-C", small).code == 0
    outcome = call("evaluate", "canaries", "-C", small)
    assert outcome.code == 1
    assert "--plant" in outcome.err


def test_planted_facts_are_listed_by_reader_set_once_they_were_read(call: Call, small: Path) -> None:
    planted = call("evaluate", "canaries", "--plant", "--facts", "3", "--seed", "1", "-C", small)
    assert planted.code == 0
    assert "documents/plans/invented-facts.md" in planted.out
    assert all(word in planted.err for word in ("documents ingest", "dataset generate", "training run"))
    call("documents", "ingest", "-C", small)
    listed = call("evaluate", "canaries", "-C", small)
    assert listed.code == 0
    assert "boss" in listed.out
    assert "documents.rules: readable by everybody." in listed.out


def test_under_json_every_canary_is_whole(call: Call, small: Path) -> None:
    call("evaluate", "canaries", "--plant", "--seed", "1", "-C", small)
    call("documents", "ingest", "-C", small)
    found = call("evaluate", "canaries", "--json", "-C", small).json()
    assert {canary["origin"] for canary in found["canaries"]} == {"planted"}
    assert all(canary["readers"] == ["boss"] and canary["question"] and canary["value"] for canary in found["canaries"])
    assert found["lacking"]


def test_planted_pages_are_taken_away_again(call: Call, small: Path) -> None:
    call("evaluate", "canaries", "--plant", "-C", small)
    taken = call("evaluate", "canaries", "--uproot", "-C", small)
    assert taken.code == 0
    assert "stale" in taken.err
    assert list(small.rglob("invented-facts.md")) == []
    assert "Nothing was planted" in call("evaluate", "canaries", "--uproot", "-C", small).out


@pytest.mark.parametrize(
    "options", [["--plant", "--uproot"], ["--facts", "3"], ["--uproot", "--seed", "1"], ["--plant", "--facts", "0"]]
)
def test_options_that_do_not_go_together_are_refused(call: Call, small: Path, options: list[str]) -> None:
    assert call("evaluate", "canaries", *options, "-C", small).code == 2


def test_before_reading_the_documents_that_is_the_error(call: Call, small: Path) -> None:
    outcome = call("evaluate", "canaries", "-C", small)
    assert outcome.code == 2
    assert "documents ingest" in outcome.err
