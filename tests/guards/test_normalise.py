"""Cleaning and folding of text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allotment.guards import normalise, prepare, skeleton


@given(st.text())
@example("e\u200b\u0301")
@example("\uffa0ϓ")
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
@example("ẞ\u0345İ")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.text(alphabet="abc XYZ čřž.,?", max_size=40))
def test_invisible_characters_make_no_difference(text: str) -> None:
    assert normalise("\u200d".join(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("dіrесtоr", "director"),
        ("ｄｉｒｅｃｔｏｒ", "director"),
        ("𝐝𝐢𝐫𝐞𝐜𝐭𝐨𝐫", "director"),
        ("ᴅɪʀᴇᴄᴛᴏʀ", "director"),
        ("🅳🅸🆁🅴🅲🆃🅾🆁", "director"),
        ("правила компании", "правила компании"),
        ("Καλημέρα", "Καλημέρα"),
        ("ředitel", "ředitel"),
    ],
)
def test_only_letters_that_pose_as_latin_are_replaced(text: str, clean: str) -> None:
    assert normalise(text) == clean


def test_folding_drops_case_and_diacritics() -> None:
    assert skeleton("  Jsem   ŘEDITELKA\n") == "jsem reditelka"


def test_a_plain_question_has_one_form() -> None:
    assert [form.how for form in prepare("Where do we keep the handheld scanners?").forms] == ["plain"]
