"""A project whose database is a SQLite or DuckDB file, from the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from cli_call import Call

PROJECT = """
name: Shop
roles: {{clerk: sells}}
documents: {{all: {{path: documents, readers: [clerk]}}}}
databases: {{shop: {{file: shop.{kind}}}}}
accounts: {{shop_clerk: {{database: shop, tables: {{item: {{columns: [id], rows: {{hall: north}}}}}}}}}}
agents: {{clerk: {{roles: [clerk], documents: [all], account: shop_clerk}}}}
"""


@pytest.fixture(params=["sqlite", "duckdb"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with its file, nothing provisioned."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "allotment.yaml").write_text(PROJECT.format(kind=request.param), encoding="utf-8")
    _write(tmp_path, "CREATE TABLE item (id integer, hall text)", "INSERT INTO item VALUES (1, 'north'), (2, 'south')")
    return tmp_path


def _write(folder: Path, *statements: str) -> None:
    kind = "sqlite" if "shop.sqlite" in (folder / "allotment.yaml").read_text(encoding="utf-8") else "duckdb"
    connect = sqlite3.connect if kind == "sqlite" else duckdb.connect
    with closing(connect(folder / f"shop.{kind}")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_file_is_provisioned_checked_asked_and_brought_up_to_date(call: Call, folder: Path) -> None:
    ask = ("-C", folder, "database", "query", "--agent", "clerk", "SELECT * FROM item", "--json")
    assert call("-C", folder, "database", "check", "--json").code == 1
    shown = call("-C", folder, "database", "provision", "--dry-run", "--json").json()
    assert shown["dry_run"] and any("'north'" in statement for statement in shown["statements"])
    assert call("-C", folder, "database", "provision", "--json").json()["statements"] == shown["statements"]
    assert (call("-C", folder, "database", "check", "--json").json(), call(*ask).json()["rows"]) == ([], [[1]])

    _write(folder, "INSERT INTO item VALUES (3, 'north')")
    checked = call("-C", folder, "database", "check", "--json")
    assert (checked.code, [item["element"] for item in checked.json()]) == (1, ["shop_clerk: source"])
    assert call(*ask).json()["rows"] == [[1], [3]]
    refused = call("-C", folder, "database", "query", "--agent", "clerk", "SELECT hall FROM item")
    assert refused.code == 3

    report = call("-C", folder, "check", "--json").json()
    assert report["differences"] == []
    assert report["reach"][0]["tables"] == ["item (some rows)"]
    assert call("-C", folder, "database", "provision", "--reload", "--json").json()["statements"] != []
