"""SQLite sources as they come: other encodings, loose types, dates as text, views, journals, odd names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from file_shop import THINGS, Things, copies_in, databases_of, grant_for, write_project

from allotment.errors import DatabaseUnavailable, ProjectError


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_every_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    script = f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (name text); INSERT INTO t VALUES ('Händel 🎼')"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [name]}}")
    things.provision()
    assert things.ask("SELECT name FROM t WHERE name LIKE 'Hä%'").rows == (("Händel 🎼",),)


def test_text_that_is_no_text_does_not_break_a_query(tmp_path: Path) -> None:
    script = "CREATE TABLE t (name text); INSERT INTO t VALUES (CAST(x'ff41' AS text))"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [name]}}")
    things.provision()
    assert things.ask("SELECT name FROM t").rows == (("\N{REPLACEMENT CHARACTER}A",),)
    assert things.card()


def test_a_type_is_what_the_account_s_rows_hold(tmp_path: Path) -> None:
    script = """CREATE TABLE t (big integer, day text, moment text, loose integer, picture blob, exact decimal(8,2),
      flag boolean, blank varchar(9), untyped);
    INSERT INTO t VALUES (9223372036854775807, '2024-02-29', '2024-02-29 10:00:00', 'seven', x'0001', 2, 1, NULL, 'x');
    INSERT INTO t VALUES (-9223372036854775808, '2023-01-01', '2023-01-01 00:00:00', 7, NULL, 2.5, 0, NULL, NULL);"""
    columns = "big, day, moment, loose, picture, exact, flag, blank, untyped"
    things = Things(tmp_path, "sqlite", script, f"{{t: {{columns: [{columns}]}}}}")
    things.provision()
    assert things.types() == {
        "big": "integer", "day": "date", "moment": "timestamp", "loose": "any", "picture": "bytes", "exact": "numeric",
        "flag": "boolean", "blank": "text", "untyped": "text",
    }  # fmt: skip
    rows = things.ask("SELECT * FROM t ORDER BY big DESC").rows
    assert rows[0] == (2**63 - 1, "2024-02-29", "2024-02-29T10:00:00", "seven", "2 bytes", 2, True, None, "x")
    assert things.ask("SELECT extract(year from day) FROM t ORDER BY 1").rows == ((2023,), (2024,))


def test_a_type_tells_blank_of_rows_the_account_may_not_see(tmp_path: Path) -> None:
    script = "CREATE TABLE t (who text, code text); INSERT INTO t VALUES ('me', '2024-01-01'), ('you', 'SECRET')"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [code], rows: {who: me}}}")
    things.provision()
    assert things.types() == {"code": "date"}


def test_no_row_number_counts_hidden_rows(tmp_path: Path) -> None:
    script = "CREATE TABLE t (who text); INSERT INTO t VALUES ('you'), ('you'), ('me')"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [who], rows: {who: me}}}")
    things.provision()
    with closing(sqlite3.connect(things.copy())) as connection:
        assert connection.execute("SELECT rowid FROM t").fetchall() == [(1,)]


def test_a_filter_does_not_follow_a_column_s_collation(tmp_path: Path) -> None:
    script = "CREATE TABLE t (who text COLLATE NOCASE, n int); INSERT INTO t VALUES ('me', 1), ('ME', 2), ('Me ', 3)"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [n], rows: {who: me}}}")
    things.provision()
    assert things.ask("SELECT n FROM t").rows == ((1,),)


def test_views_keyless_generated_and_virtual_tables_are_copied_as_their_rows(tmp_path: Path) -> None:
    script = """CREATE TABLE t (id text PRIMARY KEY, price real, twice real AS (price * 2)) WITHOUT ROWID;
    INSERT INTO t VALUES ('a', 1.5);
    CREATE VIEW v AS SELECT id AS name, count(*) AS n FROM t GROUP BY id;
    CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('a long letter');"""
    things = Things(
        tmp_path, "sqlite", script, "{t: {columns: [id, twice]}, v: {columns: [name, n]}, f: {columns: [body]}}"
    )
    things.provision()
    assert things.ask("SELECT t.twice, v.n, f.body FROM t, v, f").rows == ((3.0, 1, "a long letter"),)
    with closing(sqlite3.connect(things.copy())) as connection:
        assert {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} == {
            "t",
            "v",
            "f",
        }


def test_odd_names_are_names(tmp_path: Path) -> None:
    name = 'od"d; DROP TABLE t; --'
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        quoted = '"' + name.replace('"', '""') + '"'
        connection.execute(f'CREATE TABLE {quoted} ({quoted} text, "č" int)')
        connection.execute(f"INSERT INTO {quoted} VALUES ('x', 1)")
        connection.commit()
    text = THINGS.replace("{tables}", "{{'" + name + "': {{columns: ['" + name + "', č]}}}}")
    project = write_project(tmp_path, "sqlite", text)
    databases_of(project).provision()
    result = databases_of(project).query(grant_for(project, "clerk"), f"SELECT č, {quoted} FROM {quoted}")
    assert result.rows == ((1, "x"),)


def test_names_are_found_whatever_their_case_and_copied_as_declared(tmp_path: Path) -> None:
    script = "CREATE TABLE Orders (OrderID integer, Country text); INSERT INTO Orders VALUES (1, 'Sweden')"
    things = Things(tmp_path, "sqlite", script, "{orders: {columns: [orderid], rows: {country: Sweden}}}")
    things.provision()
    assert things.ask("SELECT OrderID FROM Orders").rows == ((1,),)


@pytest.mark.parametrize("name", ["sqlite_master", "sqlite_sequence"])
def test_sqlite_s_own_tables_are_never_copied(tmp_path: Path, name: str) -> None:
    script = "CREATE TABLE t (a integer PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1)"
    things = Things(tmp_path, "sqlite", script, f"{{{name}: {{columns: [name]}}}}")
    with pytest.raises(ProjectError, match="no table"):
        things.provision()


def test_a_schema_is_refused(tmp_path: Path) -> None:
    things = Things(tmp_path, "sqlite", "CREATE TABLE t (a int)", "{sales.t: {columns: [a]}}")
    with pytest.raises(ProjectError, match="no schemas"):
        things.provision()


def test_rows_still_in_the_journal_are_copied_and_seen_as_a_change(tmp_path: Path) -> None:
    things = Things(tmp_path, "sqlite", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a]}}")
    with closing(sqlite3.connect(things.source)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        things.provision()
        main = things.source.read_bytes()
        writer.execute("INSERT INTO t VALUES (2)")
        writer.commit()
        assert things.source.read_bytes() == main
        assert [item.element for item in databases_of(things.project).check()] == ["things: source"]
        things.provision()
        assert things.ask("SELECT count(*) FROM t").rows == ((2,),)


def test_a_source_that_is_being_written_says_so_and_the_copy_stays(tmp_path: Path) -> None:
    things = Things(tmp_path, "sqlite", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a]}}")
    things.provision()
    with closing(sqlite3.connect(things.source, isolation_level=None)) as writer:
        writer.execute("INSERT INTO t VALUES (2)")
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseUnavailable, match="writing"):
            things.provision()
        writer.execute("ROLLBACK")
    assert things.ask("SELECT count(*) FROM t").rows == ((1,),)
    assert len(list(copies_in(things.project))) == 2


def test_the_source_is_not_touched(tmp_path: Path) -> None:
    things = Things(tmp_path, "sqlite", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a]}}")
    before = (things.source.read_bytes(), things.source.stat().st_mtime_ns)
    things.provision()
    assert (things.source.read_bytes(), things.source.stat().st_mtime_ns) == before


def test_a_broken_source_is_named(tmp_path: Path) -> None:
    things = Things(tmp_path, "sqlite", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "{t: {columns: [a]}}")
    things.source.write_bytes(things.source.read_bytes()[:4000] + b"\xff" * 200)
    with pytest.raises(ProjectError, match="cannot be copied"):
        things.provision()


def test_a_value_too_large_for_an_answer_is_refused_not_read(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a blob, b int); INSERT INTO t VALUES (zeroblob(3000000), 1)"
    things = Things(tmp_path, "sqlite", script, "{t: {columns: [a, b]}}")
    things.provision()
    with pytest.raises(Exception, match="too large"):
        things.ask("SELECT a, b FROM t")
