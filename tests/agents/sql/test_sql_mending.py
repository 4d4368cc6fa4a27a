"""What a small model gets wrong is mended without asking it again: the mended statement gives the right one's rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_parts import card, grant_of, no_rows, table

from allotment.agents.sql._keys import join_keys
from allotment.agents.sql._link import link
from allotment.agents.sql._lookup import Lookup
from allotment.agents.sql._wording import Wording
from allotment.agents.sql.mending import Mended, mend
from allotment.databases import Databases, Key, QueryResult, Table
from allotment.project import Project

BROKEN_AND_MEANT = {
    "a column under the wrong table": (
        "SELECT o.company_name FROM customers c JOIN orders o ON o.customer_id = c.customer_id WHERE order_id = 10248",
        "SELECT c.company_name FROM customers c JOIN orders o ON o.customer_id = c.customer_id WHERE order_id = 10248",
    ),
    "a misspelt column": (
        "SELECT product_nme FROM products WHERE product_id = 1",
        "SELECT product_name FROM products WHERE product_id = 1",
    ),
    "a column in other words": (
        "SELECT unitprice FROM products WHERE productId = 1",
        "SELECT unit_price FROM products WHERE product_id = 1",
    ),
    "a misspelt table": ("SELECT count(*) FROM customer", "SELECT count(*) FROM customers"),
    "a table called by its name though it has an alias": (
        "SELECT customers.city FROM customers c WHERE c.customer_id = 'ALFKI'",
        "SELECT city FROM customers WHERE customer_id = 'ALFKI'",
    ),
    "a table that is not joined": (
        "SELECT DISTINCT categories.category_name FROM products WHERE products.product_id = 1",
        "SELECT c.category_name FROM products p JOIN categories c ON c.category_id = p.category_id"
        " WHERE p.product_id = 1",
    ),
    "a column of a table that is one key away": (
        "SELECT p.category_name FROM products p WHERE p.product_id = 1",
        "SELECT c.category_name FROM products p JOIN categories c ON c.category_id = p.category_id"
        " WHERE p.product_id = 1",
    ),
    "a join over a column that one side does not have": (
        "SELECT count(*) FROM customers c JOIN order_details d ON c.customer_id = d.customer_id"
        " WHERE c.country = 'Germany'",
        "SELECT count(*) FROM customers c JOIN orders o ON o.customer_id = c.customer_id"
        " JOIN order_details d ON d.order_id = o.order_id WHERE c.country = 'Germany'",
    ),
    "an ambiguous column": (
        "SELECT customer_id FROM customers c JOIN orders o ON o.customer_id = c.customer_id WHERE order_id = 10248",
        "SELECT customer_id FROM orders WHERE order_id = 10248",
    ),
    "a column that is not grouped by": (
        "SELECT c.category_name, c.category_id, count(*) FROM products p JOIN categories c"
        " ON c.category_id = p.category_id GROUP BY c.category_id",
        "SELECT c.category_name, c.category_id, count(*) FROM products p JOIN categories c"
        " ON c.category_id = p.category_id GROUP BY c.category_id, c.category_name",
    ),
    "no grouping at all": (
        "SELECT country, count(*) FROM customers ORDER BY country",
        "SELECT country, count(*) FROM customers GROUP BY country ORDER BY country",
    ),
    "grouping by what is counted": (
        "SELECT country, count(*) AS n FROM customers GROUP BY country, n",
        "SELECT country, count(*) FROM customers GROUP BY country",
    ),
    "a condition on a sum in WHERE": (
        "SELECT country FROM customers WHERE count(*) > 10 AND country <> 'X' GROUP BY country",
        "SELECT country FROM customers WHERE country <> 'X' GROUP BY country HAVING count(*) > 10",
    ),
    "an output's name in HAVING": (
        "SELECT country, count(*) AS n FROM customers GROUP BY country HAVING n > 10",
        "SELECT country, count(*) FROM customers GROUP BY country HAVING count(*) > 10",
    ),
    "DISTINCT sorted by what is not selected": (
        "SELECT DISTINCT country FROM customers ORDER BY city",
        "SELECT DISTINCT country FROM customers",
    ),
    "a text compared with a number": (
        "SELECT count(*) FROM customers WHERE phone <> 555",
        "SELECT count(*) FROM customers WHERE phone <> '555'",
    ),
    "a ratio of whole numbers": (
        "SELECT sum(CASE WHEN country = 'Germany' THEN 1 ELSE 0 END) / count(*) FROM customers",
        "SELECT sum(CASE WHEN country = 'Germany' THEN 1 ELSE 0 END)::numeric / count(*) FROM customers",
    ),
    "a division by nothing": (
        "SELECT count(*) / sum(CASE WHEN country = 'Narnia' THEN 1 ELSE 0 END) FROM customers",
        "SELECT count(*) / NULLIF(sum(CASE WHEN country = 'Narnia' THEN 1 ELSE 0 END), 0) FROM customers",
    ),
    "rounding a float": (
        "SELECT round(avg(freight::float), 2) FROM orders",
        "SELECT round(avg(freight::float)::numeric, 2) FROM orders",
    ),
    "another database's YEAR": (
        "SELECT count(*) FROM orders WHERE YEAR(order_date) = 1997",
        "SELECT count(*) FROM orders WHERE EXTRACT(year FROM order_date) = 1997",
    ),
    "another database's DATEDIFF": (
        "SELECT DATEDIFF(shipped_date, order_date) FROM orders WHERE order_id = 10248",
        "SELECT shipped_date - order_date FROM orders WHERE order_id = 10248",
    ),
    "another database's strftime": (
        "SELECT count(*) FROM orders WHERE strftime('%Y', order_date) = '1997'",
        "SELECT count(*) FROM orders WHERE to_char(order_date, 'YYYY') = '1997'",
    ),
    "days out of a number of days": (
        "SELECT EXTRACT(DAY FROM shipped_date - order_date) FROM orders WHERE order_id = 10248",
        "SELECT shipped_date - order_date FROM orders WHERE order_id = 10248",
    ),
    "LIKE on a date": (
        "SELECT count(*) FROM orders WHERE order_date LIKE '1997%'",
        "SELECT count(*) FROM orders WHERE order_date::text LIKE '1997%'",
    ),
    "a day's name in a date": (
        "SELECT count(*) FROM orders WHERE order_date LIKE '%Monday%' OR shipped_date = 'Friday'",
        "SELECT count(*) FROM orders WHERE EXTRACT(DOW FROM order_date) = 1 OR EXTRACT(DOW FROM shipped_date) = 5",
    ),
    "a name in another case": (
        "SELECT count(*) FROM customers WHERE country = 'germany'",
        "SELECT count(*) FROM customers WHERE country = 'Germany'",
    ),
    "a part of a name": (
        "SELECT customer_id FROM customers WHERE company_name = 'Alfreds'",
        "SELECT customer_id FROM customers WHERE company_name = 'Alfreds Futterkiste'",
    ),
    "a list of names in another case": (
        "SELECT count(*) FROM categories WHERE category_name IN ('beverages', 'Seafood')",
        "SELECT count(*) FROM categories WHERE category_name IN ('Beverages', 'Seafood')",
    ),
    "a mistake in a subquery": (
        'SELECT company_name FROM customers WHERE customer_id IN (SELECT customerid FROM "order" WHERE freigt > 800)',
        "SELECT company_name FROM customers WHERE customer_id IN (SELECT customer_id FROM orders WHERE freight > 800)",
    ),
    "a mistake in a WITH query": (
        "WITH t AS (SELECT country, count(*) AS n FROM customers) SELECT country FROM t WHERE n > 10",
        "SELECT country FROM customers GROUP BY country HAVING count(*) > 10",
    ),
}


class Board:
    """The board's account: mends a statement for it, and runs one."""

    def __init__(self, databases: Databases, project: Project) -> None:
        self._databases = databases
        self._grant = grant_of(project, "northwind_board", "board", "director")
        self._schema = databases.schema_card(self._grant)
        self._keys = join_keys(self._schema)

    def mended(self, sql: str) -> Mended:
        return mend(sql, self._schema, self._keys, Lookup(self._schema, self.query).holds)

    def query(self, sql: str) -> QueryResult:
        return self._databases.query(self._grant, sql)

    def rows(self, sql: str) -> list[str]:
        return sorted(map(str, self.query(sql).rows))


@pytest.fixture(scope="module")
def board(postgres: Databases, northwind: Project) -> Board:
    return Board(postgres, northwind)


@pytest.mark.parametrize("name", BROKEN_AND_MEANT)
def test_what_was_mended_gives_the_rows_that_were_meant(board: Board, name: str) -> None:
    broken, meant = BROKEN_AND_MEANT[name]
    assert board.rows(board.mended(broken).sql) == board.rows(meant)


@pytest.mark.parametrize("name", BROKEN_AND_MEANT)
def test_a_right_statement_keeps_its_rows(board: Board, name: str) -> None:
    meant = BROKEN_AND_MEANT[name][1]
    assert board.rows(board.mended(meant).sql) == board.rows(meant)


def test_the_highest_comes_before_what_is_unknown(board: Board) -> None:
    found = board.query(board.mended("SELECT shipped_date FROM orders ORDER BY 1 DESC LIMIT 1").sql)
    assert found.rows[0][0] is not None


def test_a_value_no_row_has_is_told_with_its_column(board: Board) -> None:
    mended = board.mended("SELECT count(*) FROM customers WHERE country = 'Narnia'")
    assert mended.notes == ("no row has 'Narnia' in customers.country",)


def test_a_code_is_not_widened_to_its_part(board: Board) -> None:
    assert "ILIKE" not in board.mended("SELECT count(*) FROM customers WHERE customer_id = 'ALF'").sql


def test_two_columns_that_are_about_as_near_are_both_left_alone(board: Board) -> None:
    assert "nme" in board.mended("SELECT nme FROM employees").sql


def test_a_left_out_schema_is_written_in() -> None:
    schema = card(table("shop.goods", "id integer, label text"))
    assert "FROM shop.goods" in mend("SELECT label FROM goods", schema, (), lambda *_: True).sql


def test_seconds_since_1970_become_a_date_where_a_part_of_it_is_asked_for() -> None:
    schema = card(table("trip", "id integer, left_at bigint"))
    sql = mend("SELECT EXTRACT(MONTH FROM left_at) FROM trip", schema, (), lambda *_: True).sql
    assert "to_timestamp(left_at)" in sql


def test_a_table_is_joined_over_the_tables_between() -> None:
    schema = card(
        table("author", "aid integer, name text"),
        table("writes", "aid integer, pid integer"),
        table("paper", "pid integer, title text"),
    )
    sql = mend("SELECT a.title FROM author a", schema, join_keys(schema), lambda *_: True).sql
    assert "writes.aid" not in sql  # two keys away: not what a column of this table was mistaken for
    joined = mend("SELECT paper.title FROM author a", schema, join_keys(schema), lambda *_: True).sql
    assert "JOIN writes ON a.aid = writes.aid" in joined
    assert "JOIN paper ON writes.pid = paper.pid" in joined


ODD = [
    "WITH a AS (INSERT INTO customers VALUES (1) RETURNING id) SELECT * FROM a",
    "SELECT city, count(*) FROM customers GROUP BY GROUPING SETS ((city), ())",
    "SELECT rank() OVER (PARTITION BY city ORDER BY id DESC) FROM customers WINDOW w AS (ORDER BY id)",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t ORDER BY 1 DESC",
    "SELECT ARRAY[1, 2], ROW(1, 2), (SELECT count(*) FROM orders) FROM (SELECT 1) s",
    "SELECT * FROM generate_series(1, 3) g(x) JOIN customers USING (id), LATERAL (SELECT 1) y",
    "SELECT CASE city WHEN 'a' THEN 1 END, coalesce(name, NULL), name = NULL, active = 'yes' FROM customers",
    "SELECT sum(total) / 0, -total, total / -1 FROM orders WHERE (city, id) IN (('a', 1)) OR NOT x.y",
    "SELECT EXTRACT(EPOCH FROM (ordered_at - joined)), date(joined), round(1.5) FROM orders, customers",
    "SELECT x.* FROM (VALUES (1)) x",
    "SELECT a.b.c.d FROM x.y.z",
]
WORDS = sorted({word for statement in ODD for word in statement.split()})


@given(
    statement=st.sampled_from(ODD),
    changes=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["", *WORDS])), max_size=4),
    there=st.booleans(),
    question=st.sampled_from(["", "What are the orders of each customer?", "Kolik je objednávek?"]),
)
def test_every_statement_comes_back_from_mending(
    statement: str, changes: list[tuple[int, str]], there: bool, question: str
) -> None:
    schema = card(
        table("customers", "id integer, name text, city text, joined date, active boolean"),
        table("orders", "id integer, customer_id integer, total numeric, ordered_at timestamp, city text"),
    )
    parts = statement.split()
    for place, word in changes:
        parts[place % len(parts)] = word
    wording = Wording(question, link(question, schema, no_rows)) if question else None
    assert mend(" ".join(parts), schema, join_keys(schema), lambda *_: there, wording).sql


@given(text=st.text(st.characters(exclude_characters="'\x00"), max_size=60))
def test_what_is_no_select_comes_back_as_it_was(text: str) -> None:
    schema = card(table("t", "a integer"), keys=[Key(Table("public", "t"), "a", Table("public", "t"), "a")])
    for statement in (f"DROP TABLE {text}", f"SELECT '{text}", f"DELETE FROM t; {text}"):
        assert mend(statement, schema, schema.keys, lambda *_: True).sql == statement
