"""Provisioning brings a database to what is declared; the self-check finds whatever is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from allotment.databases import Databases
from allotment.databases.postgres._server import account_dsn
from allotment.errors import ProjectError
from allotment.project import Project, load_project
from allotment.workspace import Workspace

PROJECT = """
name: Two shops
roles: {clerk: sells}
documents: {all: {path: documents, readers: [clerk]}}
databases: {shop: {load: shop.sql}}
accounts:
  shop_clerk:
    database: shop
    tables:
      sale: {columns: [id, city], rows: {city: ["O'Hare", Brno], open: true}}
      item: {columns: [id]}
agents: {clerk: {roles: [clerk], documents: [all], account: shop_clerk}}
"""

SHOP = """
CREATE TABLE item (id int PRIMARY KEY, price int);
CREATE TABLE sale (id int PRIMARY KEY, city text, price int, open bool);
INSERT INTO item VALUES (1, 10);
COPY sale (id, city, price, open) FROM stdin;
1\tO'Hare\t5\tt
2\tBrno\t5\tf
3\tPraha\t5\tt
\\.
CREATE VIEW dear AS SELECT * FROM item;
CREATE FUNCTION double(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
"""


def _project(root: Path, text: str = PROJECT) -> Project:
    (root / "documents").mkdir(parents=True, exist_ok=True)
    (root / "shop.sql").write_text(SHOP, encoding="utf-8")
    (root / "allotment.yaml").write_text(text, encoding="utf-8")
    return load_project(root)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """A database of this module's own; a test that alters it brings it back with provision()."""
    root = tmp_path_factory.mktemp("shop")
    with Databases(_project(root), Workspace(root)) as databases:
        assert databases.provision(dry_run=True) == [
            "-- load shop.sql into the new database shop, then make its accounts"
        ]
        databases.provision()
        yield databases


def _owner(shop: Databases, statement: str) -> None:
    with psycopg.connect(shop.admin_dsn("shop"), autocommit=True) as admin:
        admin.execute(statement.encode())


def test_what_was_provisioned_is_as_declared_and_provisioning_again_does_nothing(shop: Databases) -> None:
    assert shop.check() == []
    assert shop.provision() == []
    assert shop.provision(dry_run=True) == []


def test_the_account_sees_its_rows_and_a_quote_in_a_filter_is_only_a_quote(shop: Databases) -> None:
    with psycopg.connect(account_dsn(shop.server, "shop_clerk", "shop")) as clerk:
        assert clerk.execute("SELECT id, city FROM public.sale").fetchall() == [(1, "O'Hare")]


CHANGES = {
    "a column granted": ("GRANT SELECT (price) ON sale TO shop_clerk", "sale.price"),
    "a whole table granted": ("GRANT SELECT ON item TO shop_clerk", "item"),
    "a column granted to everybody": ("GRANT SELECT (price) ON item TO PUBLIC", "item.price"),
    "a view granted": ("GRANT SELECT ON dear TO shop_clerk", "dear"),
    "a grant taken away": ("REVOKE SELECT (city) ON sale FROM shop_clerk", "sale.city"),
    "a right to write": ("GRANT DELETE ON sale TO shop_clerk", "sale"),
    "a function": ("GRANT EXECUTE ON FUNCTION double(int) TO shop_clerk", "double"),
    "the opening policy dropped": ("DROP POLICY allotment_shop_clerk ON sale", "sale"),
    "the row filter dropped": ("DROP POLICY allotment_shop_clerk_rows ON sale", "sale"),
    "the row filter widened": ("ALTER POLICY allotment_shop_clerk_rows ON sale USING (true)", "sale"),
    "a second row policy": ("CREATE POLICY more ON sale TO PUBLIC USING (true)", "sale"),
    "row level security off": ("ALTER TABLE sale DISABLE ROW LEVEL SECURITY", "sale"),
    "a role that bypasses it": ("ALTER ROLE shop_clerk BYPASSRLS", "role"),
    "a superuser": ("ALTER ROLE shop_clerk SUPERUSER", "role"),
    "a membership": ("GRANT pg_read_all_data TO shop_clerk", "membership"),
    "a setting": ("ALTER ROLE shop_clerk SET statement_timeout = 0", "settings"),
    "a setting of one database": ("ALTER ROLE shop_clerk IN DATABASE shop SET work_mem = '1GB'", "settings"),
    "passing tables": ("GRANT TEMP ON DATABASE shop TO PUBLIC", "PUBLIC"),
    "a dangerous function": ("GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, bool) TO PUBLIC", "PUBLIC"),
    "a system catalog": ("GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC", "PUBLIC"),
    "a schema to create in": ("GRANT CREATE ON SCHEMA public TO shop_clerk", "schema public"),
    "a language": ("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", "PUBLIC"),
    "functions made later": ("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC", "PUBLIC"),
    "another password": ("ALTER ROLE shop_clerk PASSWORD 'x'", "login"),
}


@pytest.mark.parametrize(("statement", "element"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_and_provisioning_mends_it(shop: Databases, statement: str, element: str) -> None:
    _owner(shop, statement)
    found = shop.check()
    superuser = any("SUPERUSER" in difference.found for difference in found)
    if superuser:  # provisioning does not touch a role that became a superuser; its owner has to
        with pytest.raises(ProjectError, match="is a superuser"):
            shop.provision()
        _owner(shop, "ALTER ROLE shop_clerk NOSUPERUSER")
    assert any(element in difference.element for difference in found)
    shop.provision()
    assert shop.check() == []


def test_another_permissive_policy_shows_no_more_rows_even_before_it_is_found(shop: Databases) -> None:
    _owner(shop, "CREATE POLICY more ON sale TO PUBLIC USING (true)")
    with psycopg.connect(account_dsn(shop.server, "shop_clerk", "shop")) as clerk:
        assert clerk.execute("SELECT id FROM public.sale").fetchall() == [(1,)]
    shop.provision()


@pytest.mark.parametrize(
    ("make", "use"),
    [
        ("CREATE TABLE later (id int)", "SELECT id FROM public.later"),
        ("CREATE VIEW later AS SELECT * FROM sale", "SELECT id FROM public.later"),
        ("CREATE FUNCTION later() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "SELECT public.later()"),
    ],
    ids=["a table", "a view", "a function with its owner's rights"],
)
def test_what_is_made_later_is_closed_to_the_account_and_no_difference(shop: Databases, make: str, use: str) -> None:
    kind = make.split()[1]
    _owner(shop, make)
    login = account_dsn(shop.server, "shop_clerk", "shop")
    with psycopg.connect(login) as clerk, pytest.raises(errors.InsufficientPrivilege):
        clerk.execute(use.encode())
    assert shop.check() == []
    _owner(shop, f"DROP {kind} later")


def test_the_statements_shown_hold_no_password(shop: Databases) -> None:
    _owner(shop, "ALTER ROLE shop_clerk PASSWORD 'x'")
    shown = "\n".join(shop.provision(dry_run=True))
    assert "PASSWORD '...'" in shown and "SCRAM-SHA-256$" not in shown
    assert any(difference.element == "shop_clerk: login" for difference in shop.check())
    shop.provision()


def test_a_changed_file_is_not_loaded_over_what_is_there(shop: Databases) -> None:
    file = shop._project.root / "shop.sql"
    file.write_text(SHOP + "INSERT INTO item VALUES (2, 20);\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="--reload"):
        shop.provision()
    shop.provision(reload=True)
    with psycopg.connect(account_dsn(shop.server, "shop_clerk", "shop")) as clerk:
        assert clerk.execute("SELECT count(id) FROM public.item").fetchone() == (2,)
    assert shop.check() == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("columns: [id]", "columns: [id, weight]", "has no column weight"),
        ("item:", "goods:", "is no table"),
        ("item:", "dear:", "is a view"),
        ("open: true", "id: many", "cannot be provisioned"),
        ("shop_clerk", "pg_clerk", "is taken"),
    ],
)
def test_a_declaration_that_does_not_fit_the_database_changes_nothing(
    shop: Databases, old: str, new: str, message: str
) -> None:
    root = shop._project.root
    wrong = load_from(root, PROJECT.replace(old, new))
    with pytest.raises(ProjectError, match=message):
        Databases(wrong, Workspace(root)).provision()
    assert shop.check() == []


def load_from(root: Path, text: str) -> Project:
    """The project of another declaration over the same folder."""
    (root / "allotment.yaml").write_text(text, encoding="utf-8")
    return load_project(root)


def test_a_role_that_was_there_before_is_not_taken_over(shop: Databases) -> None:
    _owner(shop, "CREATE ROLE reporting LOGIN")
    root = shop._project.root
    wrong = load_from(root, PROJECT.replace("shop_clerk", "reporting"))
    with pytest.raises(ProjectError, match="made by somebody else"):
        Databases(wrong, Workspace(root)).provision()


def test_a_file_that_does_not_load_leaves_nothing_behind(shop: Databases) -> None:
    root = shop._project.root
    (root / "broken.sql").write_text("CREATE TABLE a (b int);\nCREATE TABEL c (d int);\n", encoding="utf-8")
    broken = load_from(
        root,
        PROJECT.replace("{shop: {load: shop.sql}}", "{broken: {load: broken.sql}}").replace(
            "database: shop", "database: broken"
        ),
    )
    with pytest.raises(ProjectError, match="TABEL"):
        Databases(broken, Workspace(root)).provision()
    with psycopg.connect(shop.admin_dsn()) as admin:
        assert admin.execute("SELECT FROM pg_database WHERE datname ~ 'broken'").rowcount == 0


def test_a_database_by_url_gets_the_same_accounts(shop: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shop._project.root
    monkeypatch.setenv("SHOP_URL", shop.admin_dsn("shop"))
    own = load_from(root, PROJECT.replace("{load: shop.sql}", "{url: 'env:SHOP_URL'}"))
    databases = Databases(own, Workspace(root))
    assert databases.check() == []
    monkeypatch.delenv("SHOP_URL")
    with pytest.raises(ProjectError, match="SHOP_URL is not set"):
        databases.check()
