"""What the chain says in its own words."""

from __future__ import annotations

from allotment.answering._words import unknown_text


def test_an_unknown_question_is_answered_with_what_may_be_asked() -> None:
    assert "rules for all staff" in unknown_text("en", ["rules for all staff"])
    assert unknown_text("cs", []) == "To není v tom, co znám."
