"""What the chain says in its own words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from allotment.answering import Table
from allotment.answering._words import rows_text, unknown_text

CELLS = st.none() | st.integers() | st.text(max_size=12) | st.booleans()


def test_one_value_is_a_sentence_with_that_value() -> None:
    assert rows_text(Table(("count",), ((37,),), False), "en") == "The answer is 37."
    assert rows_text(Table(("count",), ((37,),), False), "cs") == "Odpověď je 37."


def test_no_rows_says_that_there_are_none_in_what_may_be_seen() -> None:
    assert rows_text(Table(("count",), (), False), "en") == "There are no such rows in what you may see."


def test_a_cut_result_says_so() -> None:
    assert "more rows" in rows_text(Table(("n",), ((1,), (2,)), True), "en")


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_every_row_is_one_line_of_the_table_whatever_it_holds(rows: list[tuple[object, object]]) -> None:
    text = rows_text(Table(("a", "b"), tuple(rows), False), "en")  # type: ignore[arg-type]
    assert len([line for line in text.split("\n") if line.startswith("| ")]) == len(rows) + 2


def test_an_unknown_question_is_answered_with_what_may_be_asked() -> None:
    assert "rules for all staff" in unknown_text("en", ["rules for all staff"])
    assert unknown_text("cs", []) == "To není v tom, co znám."
