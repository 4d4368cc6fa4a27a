"""Names with quotes, spaces, upper case, emoji and 63 bytes, from the declaration to the answer."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from allotment.databases import Databases
from allotment.errors import ProjectError, SqlRefused
from allotment.workspace import Workspace
from small_company import grant_of, make_company, open_company

NAMES = {
    "quotes": 'it\'s "so"',
    "spaces and upper case": "Order Details",
    "emoji": "🍎 apples 🍏",
    "sixty-three bytes": "č" * 31 + "x",
    "a percent sign and a backslash": "100% \\ done",
    "a key word": "select",
    "braces": "{0} {name}",
    "a comment": "-- x /* y",
}


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _table(number: int, name: str) -> str:
    table, key = _quoted(name), _quoted(f"key {number}")
    return f"""
CREATE TABLE {table} ({_quoted(name)} text, {key} int PRIMARY KEY, hidden int);
INSERT INTO {table} VALUES ('seen', 1, 7), ('not seen', 2, 8);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    script = "".join(_table(number, name) for number, name in enumerate(NAMES.values()))
    tables = {
        name: {"columns": [name, f"key {number}"], "rows": {name: "seen"}} for number, name in enumerate(NAMES.values())
    }
    project = make_company(tmp_path_factory.mktemp("names"), {"shop": script}, {"clerk": ("shop", tables)})
    with open_company(project) as databases:
        yield databases


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_the_same_everywhere(shop: Databases, name: str) -> None:
    grant, quoted = grant_of(shop._project, "clerk"), _quoted(name)
    assert shop.check() == []
    number = list(NAMES.values()).index(name)
    result = shop.query(grant, f"SELECT * FROM {quoted} WHERE {quoted} <> '%' ORDER BY {quoted}.{quoted}")
    assert (result.columns, result.rows) == ((name, f"key {number}"), (("seen", 1),))
    card = next(card for card in shop.schema_card(grant).tables if card.table.name == name)
    assert [(column.name, column.values) for column in card.columns] == [(name, ("seen",)), (f"key {number}", ())]
    with pytest.raises(SqlRefused):
        shop.query(grant, f"SELECT hidden FROM {quoted}")
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        admin.execute(sql.SQL("GRANT SELECT (hidden) ON {} TO clerk").format(sql.Identifier(name)))
    (difference,) = shop.check()
    assert difference.element == f"clerk: public.{name}.hidden"
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        admin.execute(difference.mending_sql.encode())
    assert shop.check() == []


def test_a_name_longer_than_postgresql_has_is_told_as_missing(shop: Databases) -> None:
    root = shop._project.root
    longer = NAMES["sixty-three bytes"] + "y"
    script = (root / "shop.sql").read_text(encoding="utf-8")
    project = make_company(root, {"shop": script}, {"clerk": ("shop", {longer: {"columns": ["hidden"]}})})
    with pytest.raises(ProjectError, match="is no table"):
        Databases(project, Workspace(root)).provision()
    assert shop.check() == []
