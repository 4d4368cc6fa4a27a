"""What of an answer counts as told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allotment.answering import Answer, Source, Table
from allotment.evaluation.canaries import told

ANSWER = Answer("answered", "nothing")
SOURCE = Source("id", "a.md", "heading", "quote")


@pytest.mark.parametrize(
    "answer",
    [
        replace(ANSWER, text="It is RB-30957."),
        replace(ANSWER, sources=(replace(SOURCE, quote="It is RB-30957."),)),
        replace(ANSWER, sources=(replace(SOURCE, heading="File RB-30957"),)),
        replace(ANSWER, places=(replace(SOURCE, quote="It is RB-30957."),)),
        replace(ANSWER, table=Table(("RB-30957",), ((1,),), truncated=False)),
        replace(ANSWER, table=Table(("code",), (("RB-30957",), (None,)), truncated=False)),
        replace(ANSWER, sql="SELECT 'RB-30957'"),
        replace(ANSWER, explanation=(("answering", "the cell RB-30957 was left out"),)),
        replace(ANSWER, learnt=("documents/RB-30957.md",)),
    ],
)
def test_whatever_of_an_answer_reaches_the_user_is_told(answer: Answer) -> None:
    assert "RB-30957" in told(answer)


def test_the_number_of_the_record_is_not_told() -> None:
    answer = replace(ANSWER, explanation=(("authorizing", "the role is served by the agent (record 9061)"),))
    assert told(answer).splitlines()[1] == "authorizing: the role is served by the agent (record)"


def test_a_cell_stands_on_the_line_of_its_row() -> None:
    table = Table(("name", "sum"), (("Ann", 4850), ("Bob", 1.5)), truncated=False)
    assert told(replace(ANSWER, table=table)).splitlines() == ["nothing", "name | sum", "Ann | 4850", "Bob | 1.5"]
