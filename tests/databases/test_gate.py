"""The gate alone: what passes, what is refused, and what is true of everything that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attacks import ATTACKS, GATE_ONLY
from hypothesis import given
from hypothesis import strategies as st
from pglast import ast, parse_sql
from pglast.visitors import Visitor

import allotment
from allotment.databases import check_sql
from allotment.errors import SqlRefused
from allotment.project import AccountConfig, TableGrant, load_project

ACCOUNTS = load_project(Path(allotment.__file__).parent / "examples" / "northwind").accounts
WAREHOUSE = ACCOUNTS["northwind_warehouse"]
SALES = ACCOUNTS["northwind_sales"]
BOARD = ACCOUNTS["northwind_board"]


@pytest.mark.parametrize("sql", GATE_ONLY.values(), ids=GATE_ONLY.keys())
def test_an_attack_is_refused(sql: str) -> None:
    with pytest.raises(SqlRefused):
        check_sql(sql, WAREHOUSE)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select count(*) from orders where ship_country = 'Sweden';", {"public.orders"}),
        ("SELECT DISTINCT o.ship_city FROM orders o ORDER BY 1 LIMIT 5", {"public.orders"}),
        (
            "SELECT c.company_name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.customer_id"
            " GROUP BY c.company_name HAVING count(*) > 3 ORDER BY n DESC",
            {"public.customers", "public.orders"},
        ),
        (
            "WITH o AS (SELECT customer_id, max(order_date) AS last FROM orders GROUP BY customer_id)"
            " SELECT c.company_name, o.last FROM o JOIN customers c USING (customer_id)",
            {"public.customers", "public.orders"},
        ),
        (
            "SELECT company_name FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)",
            {"public.customers", "public.orders"},
        ),
        ("SELECT extract(year FROM order_date)::int AS y, avg(freight) FROM orders GROUP BY y", {"public.orders"}),
        ("SELECT public.orders.order_id FROM public.orders", {"public.orders"}),
        (
            "SELECT product_name, rank() OVER (PARTITION BY category_id ORDER BY unit_price DESC) FROM products",
            {"public.products"},
        ),
        (
            "SELECT CASE WHEN freight > 9 THEN 'a' ELSE 'b' END AS k, sum(freight) FROM orders GROUP BY k",
            {"public.orders"},
        ),
        (
            "SELECT city FROM customers UNION SELECT ship_city FROM orders ORDER BY city",
            {"public.customers", "public.orders"},
        ),
        ("SELECT x.n FROM (SELECT count(*) AS n FROM orders) x", {"public.orders"}),
    ],
)
def test_an_ordinary_question_passes(sql: str, tables: set[str]) -> None:
    assert set(check_sql(sql, SALES).tables) == tables


def test_a_star_becomes_the_columns_the_account_may_read() -> None:
    gated = check_sql("SELECT * FROM categories", SALES)
    assert gated.sql == "SELECT categories.category_id, categories.category_name, categories.description" + (
        " FROM public.categories"
    )


def test_a_star_over_a_join_with_using_names_the_joined_column_once() -> None:
    gated = check_sql("SELECT * FROM products JOIN categories USING (category_id)", SALES)
    listed, _, joined = gated.sql.partition(" FROM ")
    assert listed.count("category_id") == 1 and "unit_price" in listed and "description" in listed
    assert joined.endswith("ON products.category_id = categories.category_id")


def test_the_comment_and_the_text_that_came_in_are_not_what_runs() -> None:
    gated = check_sql("select /* x */ order_id from orders -- y", SALES)
    assert gated.sql == "SELECT orders.order_id FROM public.orders"


def test_a_refusal_names_the_tables_and_columns_that_may_be_used() -> None:
    with pytest.raises(SqlRefused) as caught:
        check_sql("SELECT salary FROM employees", SALES)
    assert "employees" in caught.value.message
    assert "categories(category_id, category_name, description)" in caught.value.remedy


def test_the_row_cap_is_put_around_the_statement() -> None:
    assert check_sql("SELECT order_id FROM orders LIMIT 9", SALES).limited(3).endswith(") AS answer LIMIT 3")


def test_a_column_the_account_may_not_see_does_not_hide_behind_an_outer_one_of_that_name() -> None:
    sql = "SELECT (SELECT max(freight) FROM orders) FROM (SELECT order_id AS freight FROM orders) x"
    assert "max(x.freight) FROM public.orders" in check_sql(sql, WAREHOUSE).sql


def test_grouping_by_an_output_does_not_group_by_a_column_the_account_may_not_see() -> None:
    gated = check_sql("SELECT ship_city AS customer_id, count(*) FROM orders GROUP BY customer_id", WAREHOUSE)
    assert gated.sql.endswith("FROM public.orders GROUP BY 1")
    rolled = check_sql("SELECT ship_city AS freight, count(*) FROM orders GROUP BY ROLLUP (freight)", WAREHOUSE)
    assert rolled.sql.endswith("GROUP BY ROLLUP (1)")


def test_a_name_that_two_tables_have_is_ambiguous_and_one_hidden_behind_an_alias_is_said_to_be() -> None:
    with pytest.raises(SqlRefused, match="ambiguous") as caught:
        check_sql("SELECT company_name FROM suppliers, shippers", WAREHOUSE)
    assert "shippers.company_name or suppliers.company_name" in caught.value.remedy
    with pytest.raises(SqlRefused, match="means two tables"):
        check_sql("SELECT (SELECT max(order_date) FROM products o) FROM orders o", WAREHOUSE)


@given(st.text(alphabet="a\\'\"$ \n%ě;-", max_size=12))
def test_a_text_means_the_same_whatever_a_session_takes_a_backslash_for(text: str) -> None:
    written = text.replace("'", "''")
    gated = check_sql(f"SELECT order_id FROM orders WHERE ship_city = '{written}'", WAREHOUSE)
    constant = gated.sql.partition("ship_city = ")[2]
    assert constant == f"'{written}'" or constant == "E'" + written.replace("\\", "\\\\") + "'"
    assert ("\\" in constant) == constant.startswith("E")
    (statement,) = parse_sql(gated.sql)
    assert statement.stmt.whereClause.rexpr.val.sval == text


def test_a_name_longer_than_postgresql_keeps_is_the_name_it_is_cut_to() -> None:
    alias = "ě" * 40
    gated = check_sql(f"SELECT order_id AS {alias} FROM orders ORDER BY {alias}", WAREHOUSE)
    assert gated.sql.count("ě") == 2 * 31
    with pytest.raises(SqlRefused, match="in FROM twice"):
        check_sql(f"SELECT 1 FROM orders {'a' * 64}, orders {'a' * 65}", WAREHOUSE)


REFUSALS = {
    "SELECT frieght FROM orders": "Did you mean freight?",
    "SELECT company_name FROM orders": "It is a column of customers.",
    "SELECT name FROM costumers": "Did you mean customers",
    "SELECT orders.freight FROM orders o": "FROM has o.",
    "SELECT count(*) AS n FROM orders HAVING n > 3": "Write its expression once more",
    "SELECT median(freight) FROM orders": "percentile_cont(0.5) WITHIN GROUP",
    "SELECT year(order_date) FROM orders": "EXTRACT(YEAR FROM date)",
    "SELECT * FROM (SELECT 1, 2 FROM orders) x": "Give each an alias",
    "SELECT roun(freight) FROM orders": "Did you mean round",
    "SELECT freight::money FROM orders": "Cast to one of",
    "SELECT freight <-> 1 FROM orders": "Operators are",
    "SELECT x.a FROM orders o, LATERAL (SELECT 1 AS a) x": "window function",
}


@pytest.mark.parametrize(("sql", "remedy"), REFUSALS.items())
def test_a_refusal_says_what_to_write_instead(sql: str, remedy: str) -> None:
    with pytest.raises(SqlRefused) as caught:
        check_sql(sql, SALES)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("name", ["salary", "freight", "employees", "order_detail", "home_page", "customer_id"])
def test_a_refusal_names_nothing_the_account_may_not_see(name: str) -> None:
    for sql in (f"SELECT {name} FROM orders", f"SELECT order_id FROM {name}", f"SELECT orders.{name} FROM orders"):
        with pytest.raises(SqlRefused) as caught:
            check_sql(sql, WAREHOUSE)
        assert not {"freight", "customers", "customer_id", "order_details", "homepage", "employees"} & set(
            re.findall(r"\w+", caught.value.remedy)
        )


def test_with_thousands_of_tables_a_refusal_stays_short_and_names_the_nearest() -> None:
    tables = {f"table_{i}": TableGrant(columns=("id", f"value_{i}")) for i in range(30_000)}
    account = AccountConfig(database="big", tables=tables)
    with pytest.raises(SqlRefused) as caught:
        check_sql("SELECT id FROM tabel_777", account)
    assert "table_777(id, value_777)" in caught.value.remedy and len(caught.value.remedy) < 2500
    with pytest.raises(SqlRefused) as caught:
        check_sql("SELECT value_4 FROM table_5", account)
    assert "It is a column of table_4." in caught.value.remedy and len(caught.value.remedy) < 2500
    assert check_sql("SELECT value_5 FROM table_5", account).tables == ("public.table_5",)


WORDS = sorted(
    {
        word
        for sql in (*GATE_ONLY.values(), *(attack.sql for attack in ATTACKS))
        for word in sql.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    }
    | {"SELECT", "FROM", "WHERE", "*", "order_id", "orders", "o", ".", "AS", "JOIN", "ON", "=", "1", "count(*)", "WITH"}
)


class _Relations(Visitor):
    """Every relation and WITH query name in a statement, told by a second, simpler walk."""

    def __init__(self) -> None:
        super().__init__()
        self.relations: set[str] = set()
        self.with_queries: set[str] = set()
        self.functions: set[str] = set()

    def visit_RangeVar(self, _: object, node: ast.RangeVar) -> None:  # noqa: N802 - the library's name
        self.relations.add(f"{node.schemaname}.{node.relname}" if node.schemaname else str(node.relname))

    def visit_CommonTableExpr(self, _: object, node: ast.CommonTableExpr) -> None:  # noqa: N802
        self.with_queries.add(str(node.ctename))


def _assert_safe(sql: str) -> None:
    try:
        gated = check_sql(sql, WAREHOUSE)
    except SqlRefused:
        return
    (statement,) = parse_sql(gated.sql)
    assert type(statement.stmt) is ast.SelectStmt
    seen = _Relations()
    seen(statement.stmt)
    declared = {f"public.{name}" for name in WAREHOUSE.tables}
    assert set(gated.tables) <= declared
    assert seen.relations <= declared | seen.with_queries
    assert check_sql(gated.sql, WAREHOUSE) == gated
    parse_sql(gated.limited(5))


@given(st.text(max_size=200))
def test_any_text_is_refused_or_becomes_one_select_over_declared_tables(sql: str) -> None:
    _assert_safe(sql)


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_words_of_sql_are_refused_or_become_one_select_over_declared_tables(sql: str) -> None:
    _assert_safe(sql)


_COLUMN = st.sampled_from(["order_id", "ship_country", "freight", "o.order_date", "o.ctid", "customer_id", "*", "o.*"])
_TABLE = st.sampled_from(["orders", "orders o", "customers o", "products o", "pg_roles", "public.orders o", "x o"])
_QUERY = st.recursive(
    st.builds("SELECT {} FROM {}".format, _COLUMN, _TABLE),
    lambda inner: st.one_of(
        st.builds("SELECT {} FROM ({}) o".format, _COLUMN, inner),
        st.builds("WITH x AS ({}) SELECT {} FROM x o".format, inner, _COLUMN),
        st.builds("WITH orders AS ({}) {}".format, inner, inner),
        st.builds("SELECT {} FROM {} WHERE order_id IN ({})".format, _COLUMN, _TABLE, inner),
        st.builds("({}) UNION ({})".format, inner, inner),
        st.builds("SELECT ({}) AS a, {} FROM {}".format, inner, _COLUMN, _TABLE),
    ),
    max_leaves=5,
)


@given(_QUERY)
def test_any_nesting_of_queries_is_refused_or_reads_only_declared_tables(sql: str) -> None:
    _assert_safe(sql)


def test_the_nested_queries_of_the_property_do_pass_sometimes() -> None:
    assert check_sql("WITH x AS (SELECT * FROM orders o) SELECT o.* FROM x o", WAREHOUSE).tables == ("public.orders",)
