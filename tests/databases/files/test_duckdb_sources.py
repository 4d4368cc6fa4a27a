"""DuckDB sources as they come: types that tell their values, collations, comments, schemas, views, locks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from file_shop import Things, databases_of

from allotment.databases.files import _engine
from allotment.errors import DatabaseUnavailable, MissingPartError, ProjectError


def test_an_enum_does_not_bring_the_values_of_hidden_rows(tmp_path: Path) -> None:
    script = """CREATE TYPE mood AS ENUM ('calm', 'HIDDEN'); CREATE TABLE t (who text, m mood, l mood[]);
      INSERT INTO t VALUES ('me', 'calm', ['calm']), ('you', 'HIDDEN', ['HIDDEN'])"""
    things = Things(tmp_path, "duckdb", script, "{t: {columns: [m, l], rows: {who: me}}}")
    things.provision()
    with closing(duckdb.connect(things.copy(), read_only=True)) as connection:
        types = connection.execute("SELECT data_type FROM duckdb_columns() WHERE NOT internal").fetchall()
    assert types == [("VARCHAR",), ("VARCHAR",)]
    assert b"HIDDEN" not in things.copy().read_bytes()
    assert things.ask("SELECT m, l FROM t").rows == (("calm", "[calm]"),)


def test_plain_types_stay_and_others_come_as_text(tmp_path: Path) -> None:
    script = """CREATE TABLE t AS SELECT 1::UTINYINT AS a, 170141183460469231731687303715884105727::HUGEINT AS b,
      1.25::DECIMAL(9, 3) AS c, {'x': 1} AS d, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS e, '\\x01'::BLOB AS f,
      'NaN'::DOUBLE AS g, DATE '2024-02-29' AS h, [1, 2] AS i"""
    things = Things(tmp_path, "duckdb", script, "{t: {columns: [a, b, c, d, e, f, g, h, i]}}")
    things.provision()
    (row,) = things.ask("SELECT * FROM t").rows
    assert row[:4] == (1, 2**127 - 1, 1.25, "{'x': 1}") and row[5:] == ("1 bytes", "nan", "2024-02-29", "[1, 2]")
    assert [column.type for column in things.card().tables[0].columns] == [
        "integer", "integer", "numeric", "text", "timestamptz", "bytes", "float", "date", "text",
    ]  # fmt: skip


def test_a_filter_does_not_follow_a_column_s_collation(tmp_path: Path) -> None:
    script = "CREATE TABLE t (who text COLLATE NOCASE, n int); INSERT INTO t VALUES ('me', 1), ('ME', 2)"
    things = Things(tmp_path, "duckdb", script, "{t: {columns: [n], rows: {who: me}}}")
    things.provision()
    assert things.ask("SELECT n FROM t").rows == ((1,),)


def test_comments_of_what_is_declared_are_on_the_card_and_no_others_in_the_copy(tmp_path: Path) -> None:
    script = """CREATE TABLE t (a int, b int); COMMENT ON TABLE t IS 'it''s ours';
      COMMENT ON COLUMN t.a IS 'in EUR'; COMMENT ON COLUMN t.b IS 'HIDDEN'"""
    things = Things(tmp_path, "duckdb", script, "{t: {columns: [a]}}")
    things.provision()
    (table,) = things.card().tables
    assert (table.comment, table.columns[0].comment) == ("it's ours", "in EUR")
    assert b"HIDDEN" not in things.copy().read_bytes()


def test_views_are_copied_as_their_rows_and_schemas_stay(tmp_path: Path) -> None:
    script = """CREATE SCHEMA sales; CREATE TABLE sales.t (a int); INSERT INTO sales.t VALUES (1), (2);
      CREATE VIEW v AS SELECT sum(a) AS total FROM sales.t"""
    things = Things(tmp_path, "duckdb", script, "{sales.t: {columns: [a]}, v: {columns: [total]}}")
    things.provision()
    assert things.ask("SELECT t.a, v.total FROM sales.t, v ORDER BY 1").rows == ((1, 3), (2, 3))


def test_a_name_in_two_default_schemas_is_refused(tmp_path: Path) -> None:
    script = "CREATE SCHEMA public; CREATE TABLE public.t (a int); CREATE TABLE main.t (a int)"
    things = Things(tmp_path, "duckdb", script, "{t: {columns: [a]}}")
    with pytest.raises(ProjectError, match="two schemas"):
        things.provision()


def test_names_are_found_whatever_their_case_and_copied_as_declared(tmp_path: Path) -> None:
    script = 'CREATE TABLE "Orders" ("OrderID" integer, "Country" text); INSERT INTO Orders VALUES (1, \'Sweden\')'
    things = Things(tmp_path, "duckdb", script, "{orders: {columns: [orderid], rows: {country: Sweden}}}")
    things.provision()
    assert things.ask("SELECT OrderID FROM Orders").rows == ((1,),)


@pytest.mark.parametrize("name", ["duckdb_settings", "sqlite_master", "pg_tables", "information_schema.tables"])
def test_duckdb_s_own_tables_are_never_copied(tmp_path: Path, name: str) -> None:
    things = Things(tmp_path, "duckdb", "CREATE TABLE t (a int)", f"{{{name}: {{columns: [name]}}}}")
    with pytest.raises(ProjectError, match="no table"):
        things.provision()


def test_a_filter_that_does_not_fit_its_column_is_named(tmp_path: Path) -> None:
    things = Things(
        tmp_path, "duckdb", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a], rows: {a: one}}}"
    )
    with pytest.raises(ProjectError, match="cannot be copied"):
        things.provision()


_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_source_another_process_writes_to_says_so_and_the_copy_stays(tmp_path: Path) -> None:
    things = Things(tmp_path, "duckdb", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a]}}")
    things.provision()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(things.source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        with pytest.raises(DatabaseUnavailable, match="writing"):
            databases_of(things.project).provision(reload=True)
        assert things.ask("SELECT count(*) FROM t").rows == ((1,),)
        holder.communicate()


def test_without_the_driver_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("allotment.databases.files.duckdb")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingPartError) as caught:
        _engine.engine_for("duckdb")
    assert "allotment[duckdb]" in caught.value.remedy
