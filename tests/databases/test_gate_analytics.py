"""The gate lets through what analysts write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacked_company import Attacked, attacked_company
from pglast import ast, parse_sql

import allotment
from allotment.databases import check_sql
from allotment.errors import SqlRefused
from allotment.project import AccountConfig, TableGrant, load_project

WAREHOUSE = load_project(Path(allotment.__file__).parent / "examples" / "northwind").accounts["northwind_warehouse"]
QUESTIONS = Path(__file__).parents[3] / "shared" / "data" / "sql"
"""Questions with the SQL that answers them; not part of the project."""

ANALYTICS = [
    "SELECT (array_agg(order_id ORDER BY order_date DESC))[1] FROM orders GROUP BY ship_via",
    "SELECT DISTINCT ON (ship_via) ship_via, order_date FROM orders ORDER BY ship_via, order_date DESC",
    "SELECT count(*) FILTER (WHERE ship_via > 1) AS n, sum(ship_via)::float / NULLIF(count(*), 0) FROM orders",
    "SELECT ship_via, ship_city, GROUPING(ship_via), count(*) FROM orders GROUP BY CUBE (ship_via, ship_city)",
    "SELECT ship_country AS k, count(*) FROM orders GROUP BY GROUPING SETS ((k), ())",
    "SELECT order_id FROM orders WHERE order_date > CURRENT_DATE - INTERVAL '30' DAY",
    "SELECT order_id FROM orders WHERE order_date < '2024-01-01'::date + make_interval(days => 3)",
    "SELECT order_id FROM orders WHERE (order_date, shipped_date) OVERLAPS (DATE '1996-01-01', DATE '1997-01-01')",
    r"SELECT order_id FROM orders WHERE ship_city SIMILAR TO '(A|B)%' OR ship_city ~ '^\d+$' OR ship_city LIKE 'a\_%'",
    "SELECT order_id FROM orders WHERE ship_city ILIKE '%a!_b%' ESCAPE '!'",
    "SELECT product_id FROM products WHERE (supplier_id, 1) IN (SELECT supplier_id, 1 FROM suppliers)",
    "SELECT count(DISTINCT (ship_via, ship_city)) FROM orders",
    "SELECT position('a' in ship_city), substring(ship_city from 1 for 3), trim(both ' ' from ship_city) FROM orders",
    "SELECT sum(1) OVER (ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM orders",
    "SELECT sum(ship_via) OVER w FROM orders WINDOW w AS (PARTITION BY ship_city)",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY units_in_stock) FROM products",
    "SELECT order_date AT TIME ZONE 'UTC', now()::date, localtimestamp, current_timestamp(0) FROM orders",
    "SELECT EXTRACT(EPOCH FROM (shipped_date::timestamp - order_date::timestamp)) / 86400 FROM orders",
    "SELECT order_id FROM orders WHERE ship_city = ANY(ARRAY['Bern', 'Graz']) OR ship_city = ANY('{a,b}'::text[])",
    "SELECT CAST(ship_via AS DECIMAL(10, 2)), ship_via::numeric(12, 4), ship_city::varchar(10) FROM orders",
    r"SELECT replace(ship_city, ' ', ''), lpad(ship_city, 9), regexp_replace(ship_city, '\s', '', 'g') FROM orders",
    "SELECT order_id FROM orders ORDER BY order_date NULLS LAST FETCH FIRST 5 ROWS ONLY",
    "SELECT supplier_id, b.phone FROM products a RIGHT JOIN suppliers b USING (supplier_id) ORDER BY supplier_id",
    "WITH a AS (SELECT ship_via, count(*) n FROM orders GROUP BY 1),"
    " b(c, m) AS (SELECT ship_via, max(order_id) FROM orders GROUP BY 1)"
    " SELECT a.n, x.k FROM a JOIN b AS x(i, k) ON a.ship_via = x.i WHERE n = (SELECT max(n) FROM a)",
    'SELECT ship_city AS "Where", count(*) AS "How Many" FROM orders GROUP BY "Where" ORDER BY "How Many" DESC LIMIT 5',
    "SELECT CASE ship_via WHEN 1 THEN 'a' ELSE 'b' END k FROM orders GROUP BY k ORDER BY k",
    "SELECT phone FROM suppliers s WHERE NOT EXISTS (SELECT 1 FROM products p WHERE p.supplier_id = s.supplier_id)",
    "SELECT date_trunc('month', order_date)::date, 100.0 * ship_via / (SELECT sum(ship_via) FROM orders) FROM orders",
    "SELECT lag(ship_via, 1, 0) OVER (ORDER BY order_id), ntile(4) OVER (ORDER BY order_id) FROM orders",
    "SELECT greatest(ship_via, 1), mod(order_id, 2), order_id % 2, 2 ^ 3, -ship_via, 0x1F, U&'\\0041' FROM orders",
    "SELECT order_date BETWEEN '1996-01-01' AND '1997-01-01', (ship_via > 3) IS TRUE FROM orders",
    "(SELECT city FROM suppliers) INTERSECT (SELECT ship_city FROM orders) ORDER BY 1",
    "SELECT city FROM suppliers EXCEPT ALL SELECT ship_city FROM orders ORDER BY city LIMIT 3 OFFSET 1",
    "SELECT interval '1 year 2 months', interval '3' month, interval(3) '2 seconds', date '2020-01-01' FROM orders",
    "SELECT string_agg(DISTINCT ship_city, ', ' ORDER BY ship_city) FROM orders",
    "SELECT * FROM (SELECT greatest(order_id, 1), nullif(order_id, 1), CURRENT_DATE, ARRAY[1], true, ROW(1, 2),"
    " CASE WHEN true THEN 1 ELSE order_id END, EXISTS (SELECT 1 FROM orders), '1'::int FROM orders) AS x",
    "SELECT ship_city || ', ' || ship_country || ' (' || order_id || ')' FROM orders",
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked_company(tmp_path_factory.mktemp("analytics"), None) as company:
        yield company


@pytest.mark.parametrize("sql", ANALYTICS)
def test_it_runs_and_gives_what_the_same_text_gives_without_the_gate(company: Attacked, sql: str) -> None:
    with company.login() as login:
        login.execute("SET search_path = pg_catalog, public")
        result = company.databases.query(company.grant, sql, max_rows=5000)
        wanted = login.execute(sql.encode())
        assert len(result.rows) == len(wanted.fetchall())
        assert wanted.description is not None
        assert list(result.columns) == [column.name for column in wanted.description] or not result.rows


def _account(database: str) -> AccountConfig:
    """An account that sees all of a database."""
    script = re.sub(r"(?ms)^COPY.*?^\\\.$", "", (QUESTIONS / f"{database}.sql").read_text(encoding="utf-8"))
    tables = {}
    for statement in parse_sql(script):
        if type(statement.stmt) is ast.CreateStmt:
            relation, elements = statement.stmt.relation, statement.stmt.tableElts
            columns = tuple(str(element.colname) for element in elements if type(element) is ast.ColumnDef)
            name = f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)
            tables[name] = TableGrant(columns=columns)
    return AccountConfig(database=database, tables=tables)


@pytest.mark.skipif(not QUESTIONS.is_dir(), reason="the questions with SQL are not beside the project")
def test_the_right_sql_of_every_known_question_passes() -> None:
    accounts: dict[str, AccountConfig] = {}
    refused = []
    for line in (QUESTIONS / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        name = question["db_name"]
        account = accounts.setdefault(name, _account(name))
        for text in filter(None, map(str.strip, question["query"].split(";"))):
            choice = re.search(r"\{([^}]+)\}", text)
            sql = re.sub(r"\{[^}]*\}", choice[1] if choice else "", text)
            try:
                check_sql(sql, account)
            except SqlRefused as refusal:
                refused.append(f"{sql}: {refusal.message}")
    assert refused == []
