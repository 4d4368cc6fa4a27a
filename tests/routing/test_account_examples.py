"""Questions made from what an account declares."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from allotment.project import AccountConfig, TableGrant
from allotment.routing import account_examples

NAME = st.from_regex(r"[a-z]{2,8}(_[a-z]{2,8}){0,2}", fullmatch=True)


def _account(**tables: tuple[str, ...]) -> AccountConfig:
    return AccountConfig(
        database="shop", tables={name: TableGrant(columns=columns) for name, columns in tables.items()}
    )


def test_counts_lists_sums_extremes_and_groups_are_asked() -> None:
    found = account_examples(_account(order_details=("order_id", "unit_price", "quantity")))
    assert "How many order details are there?" in found
    assert "List all order details" in found
    assert "What is the total quantity of the order details?" in found
    assert "Which order detail has the highest unit price?" in found
    assert "How many order details per order?" in found


def test_countries_goods_are_shipped_to_are_asked_about() -> None:
    found = account_examples(_account(orders=("order_id", "ship_country", "shipped_date")))
    assert "How many orders were shipped to Sweden?" in found
    assert "How many orders were shipped in 1998?" in found
    assert not [text for text in found if "order per order" in text]


def test_tables_are_named_in_the_singular_where_one_row_is_meant() -> None:
    found = account_examples(_account(categories=("description",), boxes=("colour",), **{"shop.customers": ("phone",)}))
    assert "What is the description of the category?" in found
    assert "What is the colour of the box?" in found
    assert "What is the phone of the customer?" in found


@given(st.dictionaries(NAME, st.lists(NAME, min_size=1, max_size=5, unique=True), min_size=1, max_size=3))
def test_every_table_is_asked_about_and_no_question_comes_twice(tables: dict[str, list[str]]) -> None:
    found = account_examples(_account(**{name: tuple(columns) for name, columns in tables.items()}))
    assert len(found) == len(set(found))
    for name in tables:
        assert any(name.replace("_", " ") in text for text in found)


@given(st.lists(NAME, min_size=1, max_size=5, unique=True))
def test_columns_the_account_does_not_see_are_never_mentioned(columns: list[str]) -> None:
    found = account_examples(_account(orders=tuple(columns)))
    seen = {word for column in columns for word in column.split("_")}
    if "salary" not in seen:
        assert not [text for text in found if re.search(r"\bsalary\b", text)]
