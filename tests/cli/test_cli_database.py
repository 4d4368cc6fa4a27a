"""Commands that need PostgreSQL, on the example company's databases."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from cli_call import Call

from allotment.databases import Databases
from allotment.project import Project

ORDERS = "SELECT count(*) AS orders FROM orders"


@pytest.fixture
def company(northwind: Project, postgres: Databases) -> str:
    """Folder of the example company, its databases provisioned and its server up."""
    return str(northwind.root)


def test_query_answers_from_the_agents_own_account(call: Call, company: str) -> None:
    sales = call("-C", company, "database", "query", "--agent", "sales", ORDERS, "--json").json()
    warehouse = call("-C", company, "database", "query", "--agent", "warehouse", ORDERS, "--json").json()
    assert sales == {"columns": ["orders"], "rows": [[830]], "truncated": False}
    assert 0 < warehouse["rows"][0][0] < 830


def test_query_as_a_user_the_agent_does_not_serve_is_exit_code_3_and_on_record(call: Call, company: str) -> None:
    outcome = call("-C", company, "database", "query", "--agent", "sales", "--user", "hugo", ORDERS)
    assert (outcome.code, outcome.out) == (3, "")
    newest = call("-C", company, "audit", "list", "--limit", "1", "--json").json()[0]
    assert "hugo" in str(newest["event"])


def test_sql_the_gate_refuses_is_exit_code_3(call: Call, company: str) -> None:
    outcome = call("-C", company, "database", "query", "--agent", "sales", "DELETE FROM orders")
    assert outcome.code == 3


def test_a_user_nobody_knows_is_exit_code_2(call: Call, company: str) -> None:
    outcome = call("-C", company, "database", "query", "--agent", "sales", "--user", "somebody-else", ORDERS)
    assert outcome.code == 2
    assert "allotment users add" in outcome.err


def test_the_self_check_finds_nothing_after_provisioning(call: Call, company: str) -> None:
    assert call("-C", company, "database", "provision", "--json").code == 0
    outcome = call("-C", company, "database", "check", "--json")
    assert (outcome.code, outcome.json()) == (0, [])


def test_check_lists_the_tables_of_each_role(call: Call, company: str) -> None:
    reach = call("-C", company, "check", "--json").json()["reach"]
    tables = {(item["role"], item["agent"]): item["tables"] for item in reach}
    assert tables["employee", "handbook"] == []
    assert "orders (some rows)" in tables["warehouse", "warehouse"]
    assert ("employee", "board") not in tables


def test_a_user_is_added_with_a_password_from_stdin_listed_and_given_a_key(
    call: Call, company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("nine green windows 48\n"))
    assert call("-C", company, "users", "add", "iva", "--role", "sales", "--password-stdin").code == 0
    assert ("iva", "sales") in [(u["user"], u["role"]) for u in call("-C", company, "users", "list", "--json").json()]
    key = call("-C", company, "users", "keys", "create", "iva")
    assert key.out.startswith("al-")
    assert "cannot be shown again" in key.err


def test_a_user_declared_in_the_file_needs_no_login_to_be_asked_as(call: Call, company: str) -> None:
    outcome = call("-C", company, "database", "query", "--agent", "sales", "--user", "sofia", ORDERS, "--json")
    assert outcome.json()["rows"] == [[830]]


def test_the_record_is_whole_after_all_this(call: Call, company: str) -> None:
    call("-C", company, "database", "query", "--agent", "sales", ORDERS)
    outcome = call("-C", company, "audit", "verify", "--json")
    assert (outcome.code, outcome.json()["ok"]) == (0, True)
    assert outcome.json()["records"] > 0


SHOP = """
name: Shop
roles: {clerk: sells}
documents: {all: {path: documents, readers: [clerk]}}
databases: {shop: {load: shop.sql}}
accounts: {shop_clerk: {database: shop, tables: {item: {columns: [id]}}}}
agents: {clerk: {roles: [clerk], documents: [all], account: shop_clerk}}
"""
ITEMS = "CREATE TABLE item (id int);\nINSERT INTO item VALUES (1);\n"


def test_a_changed_file_is_loaded_anew_by_the_command_the_error_names(call: Call, tmp_path: Path) -> None:
    (tmp_path / "allotment.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "documents").mkdir()
    file = tmp_path / "shop.sql"
    file.write_text(ITEMS, encoding="utf-8")
    count = ("-C", tmp_path, "database", "query", "--agent", "clerk", "SELECT count(id) FROM item", "--json")
    assert call(*count).json()["rows"] == [[1]]
    file.write_text(ITEMS + "INSERT INTO item VALUES (2);\n", encoding="utf-8")
    refused = call("-C", tmp_path, "database", "provision")
    assert refused.code == 2
    assert "allotment database provision --reload" in refused.err
    assert call("-C", tmp_path, "database", "provision", "--reload").code == 0
    assert call(*count).json()["rows"] == [[2]]


def test_a_database_of_your_own_is_never_loaded_anew(call: Call, tmp_path: Path) -> None:
    text = SHOP.replace("{load: shop.sql}", "{url: 'host=/nowhere dbname=shop'}")
    (tmp_path / "allotment.yaml").write_text(text, encoding="utf-8")
    outcome = call("-C", tmp_path, "database", "provision", "--reload")
    assert outcome.code == 2
    assert "no database is loaded from a file" in outcome.err


def test_a_dry_run_reloads_nothing(call: Call, company: str) -> None:
    assert call("-C", company, "database", "provision", "--reload", "--dry-run").code == 2
