"""A query with a grant: gate, the agent's own login, caps, and values as JSON has them."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.access import AdapterFacts, Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.databases._result import to_json
from allotment.errors import NotGranted, SqlRefused
from allotment.project import Project


def test_two_agents_get_different_answers_to_the_same_statement(postgres: Databases, grants: dict[str, Grant]) -> None:
    sql = "SELECT count(*) FROM orders WHERE ship_country = 'Sweden'"
    assert postgres.query(grants["sales"], sql).rows == ((37,),)
    result = postgres.query(grants["warehouse"], sql)
    assert (result.rows, result.account) == (((0,),), "northwind_warehouse")


@pytest.mark.parametrize("fake", [None, "sales", "northwind_sales", object(), {"agent": "sales"}])
def test_nothing_of_an_account_is_reached_without_a_grant(postgres: Databases, fake: Any) -> None:
    for reach in (partial(postgres.query, sql="SELECT 1"), postgres.schema_card, postgres.account_connection):
        with pytest.raises(NotGranted):
            reach(fake)


def test_a_grant_for_an_adapter_reaches_no_account(postgres: Databases, northwind: Project) -> None:
    adapter = AdapterFacts("sales", "v1", frozenset({"sales", "director"}), stale=False)
    request = Request("sales", adapter)
    grant = mint(decide(Policy.of(northwind), Principal("sofia", "sales"), request), 1)
    for reach in (partial(postgres.query, sql="SELECT 1"), postgres.schema_card, postgres.account_connection):
        with pytest.raises(NotGranted, match="names no account"):
            reach(grant)


def test_the_server_gives_no_account_s_login_away(postgres: Databases, northwind: Project) -> None:
    for account in northwind.accounts:
        with pytest.raises(NotGranted):
            postgres.server.dsn(user=account, database="northwind")


def test_a_grant_of_one_agent_does_not_open_another_s_tables(postgres: Databases, grants: dict[str, Grant]) -> None:
    with pytest.raises(SqlRefused, match="customers"):
        postgres.query(grants["warehouse"], "SELECT company_name FROM customers")


def test_more_rows_than_the_cap_are_cut_and_said_to_be(postgres: Databases, grants: dict[str, Grant]) -> None:
    result = postgres.query(grants["sales"], "SELECT order_id, order_date FROM orders ORDER BY order_id", max_rows=3)
    assert result.columns == ("order_id", "order_date")
    assert result.rows == ((10248, "1996-07-04"), (10249, "1996-07-05"), (10250, "1996-07-08"))
    assert result.truncated
    assert not postgres.query(grants["sales"], "SELECT order_id FROM orders LIMIT 3", max_rows=3).truncated


def test_a_statement_that_cannot_run_says_why_without_data(postgres: Databases, grants: dict[str, Grant]) -> None:
    with pytest.raises(SqlRefused) as caught:
        postgres.query(grants["sales"], "SELECT company_name::int FROM customers")
    assert "cannot be cast" in caught.value.message and "Alfreds" not in str(caught.value)
    with pytest.raises(SqlRefused, match="does not exist"):
        postgres.query(grants["sales"], "SELECT sum(company_name) FROM customers")


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.dates(),
        st.datetimes(),
        st.times(),
        st.timedeltas(),
        st.uuids(),
        st.binary(),
        st.lists(st.decimals()),
    )
)
def test_every_value_becomes_one_json_can_hold(value: object) -> None:
    found = to_json(value)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_whole_exact_number_is_an_int() -> None:
    assert to_json(Decimal("37")) == 37 and isinstance(to_json(Decimal("37")), int)
    assert to_json(Decimal("1.50")) == 1.5


def test_the_schema_card_shows_only_what_the_account_sees(postgres: Databases, grants: dict[str, Grant]) -> None:
    card = postgres.schema_card(grants["warehouse"]).text()
    assert "orders(order_id integer, order_date date" in card
    assert "orders.ship_country: 'Austria', 'Germany', 'Switzerland'" in card
    assert "products.supplier_id = suppliers.supplier_id" in card
    assert "customers" not in card and "freight" not in card and "Sweden" not in card


def test_the_schema_card_is_short_enough_for_a_small_model(postgres: Databases, grants: dict[str, Grant]) -> None:
    assert all(len(postgres.schema_card(grants[name]).text()) < 2500 for name in ("sales", "board"))
