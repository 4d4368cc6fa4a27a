"""A copy per account: it holds what is declared and nothing else, and one that is not as declared is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from file_shop import KINDS, PROJECT, copies_in, copy_of, databases_of, fill, grant_for, write_project

from allotment.databases import Difference
from allotment.databases.files._store import CopyStore
from allotment.errors import DatabaseUnavailable, LimitReached, ProjectError
from allotment.project import Project, load_project

COUNT = "SELECT count(*) FROM customers"


def count(project: Project, agent: str = "clerk") -> object:
    """How many customers an agent sees."""
    return databases_of(project).query(grant_for(project, agent), COUNT).rows[0][0]


def redeclared(project: Project, old: str, new: str) -> Project:
    """The project with one piece of its declaration exchanged."""
    file = project.root / "allotment.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return load_project(project.root)


def test_each_account_sees_its_own_rows(shop: Project) -> None:
    databases_of(shop).provision()
    assert (count(shop), count(shop, "german")) == (6, 2)


def test_what_is_not_declared_is_not_in_the_file(shop: Project) -> None:
    databases_of(shop).provision()
    clerk, german = (copy_of(shop, account).read_bytes() for account in ("shop_clerk", "shop_german"))
    source = (shop.root / shop.databases["shop"].file).read_bytes()  # type: ignore[operator]
    assert b"HIDDEN-A" in source and b"HIDDEN" not in clerk and b"secret" not in clerk
    assert b"Alfreds" in german and b"Berglunds" not in german and b"orders" not in german and b"vip" not in german


def test_copies_and_seals_are_the_owner_s_alone(shop: Project) -> None:
    databases_of(shop).provision()
    files = list(copies_in(shop))
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


def test_provisioning_again_does_nothing(shop: Project) -> None:
    assert databases_of(shop).provision()
    before = {file: file.stat().st_mtime_ns for file in copies_in(shop)}
    assert databases_of(shop).provision() == []
    assert {file: file.stat().st_mtime_ns for file in copies_in(shop)} == before
    assert databases_of(shop).check() == []


def test_a_dry_run_shows_what_would_run_and_writes_nothing(shop: Project) -> None:
    shown = databases_of(shop).provision(dry_run=True)
    assert list(copies_in(shop)) == []
    assert any("'Germany'" in statement for statement in shown) and not any("secret" in item for item in shown)
    assert databases_of(shop).provision() == shown


def test_without_a_copy_nothing_is_answered(shop: Project) -> None:
    with pytest.raises(DatabaseUnavailable, match="found none") as caught:
        count(shop)
    assert "allotment database provision" in caught.value.remedy
    assert [item.element for item in databases_of(shop).check()] == ["shop_clerk: copy", "shop_german: copy"]


def test_a_changed_source_is_told_and_the_older_copy_still_answers(shop: Project, kind: str) -> None:
    databases_of(shop).provision()
    source = shop.root / f"shop.{kind}"
    source.unlink()
    fill(source, kind, CREATE_MORE)
    (first, *_) = databases_of(shop).check()
    assert (first.element, first.refuses) == ("shop_clerk: source", False)
    assert count(shop) == 6
    databases_of(shop).provision()
    assert (count(shop), databases_of(shop).check()) == (7, [])


CREATE_MORE = """CREATE TABLE customers (id integer PRIMARY KEY, name text, country text, vip boolean, note text);
INSERT INTO customers VALUES (99, 'Zaanse', 'Netherlands', true, NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, day date, placed timestamp, total numeric(10,2),
  weight double precision, secret text);"""


def test_a_source_that_is_gone_withdraws_its_copies(shop: Project, kind: str) -> None:
    databases_of(shop).provision()
    (shop.root / f"shop.{kind}").unlink()
    with pytest.raises(DatabaseUnavailable, match="no such file"):
        count(shop)
    with pytest.raises(ProjectError, match="cannot be read"):
        databases_of(shop).provision()


IN, NOT_IN = "in the copy", "not in the copy"
ORDERS = "      orders: {{columns: [id, customer_id, day, placed, total, weight]}}\n"
CHANGES = {
    "a column less": ("vip, note]", "vip]", "shop_clerk: customers.note", NOT_IN, IN),
    "a column more": ("weight]", "weight, secret]", "shop_clerk: orders.secret", IN, NOT_IN),
    "other rows": (
        ": Germany",
        ": Sweden",
        "shop_german: customers: rows",
        "country = 'Sweden'",
        "country = 'Germany'",
    ),
    "a table less": (ORDERS, "", "shop_clerk: orders", NOT_IN, IN),
}


@pytest.mark.parametrize(("old", "new", "element", "expected", "found"), CHANGES.values(), ids=CHANGES.keys())
def test_a_copy_of_another_declaration_is_refused_with_the_exact_difference(
    shop: Project, old: str, new: str, element: str, expected: str, found: str
) -> None:
    databases_of(shop).provision()
    changed = redeclared(shop, old.format(), new.format())
    assert databases_of(changed).check() == [Difference(element, expected, found, "")]
    agent = "german" if "german" in element else "clerk"
    with pytest.raises(DatabaseUnavailable, match="may not be read"):
        count(changed, agent)
    databases_of(changed).provision()
    assert databases_of(changed).check() == []
    assert count(changed, agent)


def test_an_altered_copy_is_refused(shop: Project) -> None:
    databases_of(shop).provision()
    copy = copy_of(shop, "shop_german")
    copy.write_bytes(copy.read_bytes().replace(b"Alfreds", b"Alfredo"))
    (found,) = databases_of(shop).check()
    assert found.element == "shop_german: copy" and found.expected.startswith("sha256 ") and found.refuses
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")
    databases_of(shop).provision()
    assert count(shop, "german") == 2


def test_half_a_copy_is_refused(shop: Project) -> None:
    databases_of(shop).provision()
    copy = copy_of(shop, "shop_german")
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")


def test_another_account_s_copy_in_its_place_is_refused(shop: Project) -> None:
    databases_of(shop).provision()
    copy_of(shop, "shop_german").write_bytes(copy_of(shop, "shop_clerk").read_bytes())
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")


def test_another_account_s_seal_in_its_place_is_refused(shop: Project) -> None:
    databases_of(shop).provision()
    folder = copy_of(shop, "shop_german").parent
    (folder / "shop_german.json").write_bytes((folder / "shop_clerk.json").read_bytes())
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")


@pytest.mark.parametrize("seal", [b"", b"{}", b"not JSON", b'{"version": 2}'])
def test_a_seal_that_cannot_be_read_is_refused_and_made_new(shop: Project, seal: bytes) -> None:
    databases_of(shop).provision()
    file = copy_of(shop, "shop_german").parent / "shop_german.json"
    file.write_bytes(seal)
    assert "cannot be read" in databases_of(shop).check()[0].found
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")
    databases_of(shop).provision()
    assert databases_of(shop).check() == []


def test_a_seal_cannot_lead_out_of_its_folder(shop: Project, tmp_path: Path) -> None:
    databases_of(shop).provision()
    file = copy_of(shop, "shop_german").parent / "shop_german.json"
    seal = json.loads(file.read_text(encoding="utf-8"))
    seal["copy_file"] = "../../../" + str(shop.databases["shop"].file)
    file.write_text(json.dumps(seal), encoding="utf-8")
    with pytest.raises(DatabaseUnavailable):
        count(shop, "german")


def test_what_a_killed_process_left_is_told_removed_and_never_read(shop: Project) -> None:
    databases_of(shop).provision()
    left = copy_of(shop, "shop_clerk").parent / ".making-1"
    left.mkdir()
    (left / "copy").write_bytes(b"half a copy")
    (found,) = databases_of(shop).check()
    assert (found.found, found.refuses) == (".making-1", False)
    assert databases_of(shop).provision() == ["-- remove .making-1, which belongs to no account of shop"]
    assert not left.exists() and count(shop) == 6


def test_a_copy_that_fails_half_way_leaves_the_one_before(shop: Project) -> None:
    databases_of(shop).provision()
    store = CopyStore(copy_of(shop, "shop_clerk").parent)
    before = sorted(copies_in(shop))
    with pytest.raises(KeyboardInterrupt), store.making() as target:
        target.write_bytes(b"half")
        raise KeyboardInterrupt
    assert sorted(copies_in(shop)) == before and databases_of(shop).check() == []


def test_the_copy_of_an_account_that_is_no_longer_declared_is_removed(shop: Project) -> None:
    databases_of(shop).provision()
    text = (shop.root / "allotment.yaml").read_text(encoding="utf-8")
    start, end = text.index("  shop_german:"), text.index("agents:")
    text = (text[:start] + text[end:]).replace(", account: shop_german", "")
    (shop.root / "allotment.yaml").write_text(text, encoding="utf-8")
    fewer = load_project(shop.root)
    assert {item.found.partition(".")[0] for item in databases_of(fewer).check()} == {"shop_german"}
    databases_of(fewer).provision()
    assert {file.name.partition(".")[0] for file in copies_in(fewer)} == {"shop_clerk"}


def test_rows_by_user_are_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    text = PROJECT.replace("{{country: Germany}}", "{{country: user.country}}")
    project = write_project(tmp_path, kind, text)
    with pytest.raises(ProjectError) as caught:
        databases_of(project)
    assert caught.value.element == "accounts.shop_german.tables.customers.rows.country"
    assert "load:" in caught.value.remedy


def test_names_that_are_one_in_such_a_file_are_refused(tmp_path: Path, kind: str) -> None:
    project = write_project(tmp_path, kind, PROJECT.replace("[id, name]", "[id, name, Name]"))
    with pytest.raises(ProjectError, match="one name"):
        databases_of(project)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[id, name]", "[id, phone]", "no column 'phone'"),
        ("{{country: Germany}}", "{{region: Germany}}", "no column 'region'"),
        ("      orders:", "      invoices:", "no table 'invoices'"),
    ],
)
def test_what_the_source_does_not_have_is_named(shop: Project, old: str, new: str, told: str) -> None:
    changed = redeclared(shop, old.format(), new.format())
    with pytest.raises(ProjectError, match=told):
        databases_of(changed).provision()


def test_a_file_that_is_neither_is_refused(shop: Project, kind: str) -> None:
    (shop.root / f"shop.{kind}").write_text("id,name\n1,Alfreds\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="neither"):
        databases_of(shop).provision()


def test_an_empty_list_of_values_lets_no_row_through(shop: Project) -> None:
    changed = redeclared(shop, "{country: Germany}", "{country: []}")
    databases_of(changed).provision()
    assert count(changed, "german") == 0


def test_a_value_with_quotes_is_a_value(shop: Project) -> None:
    changed = redeclared(shop, "{country: Germany}", '{note: "it\'s big"}')
    databases_of(changed).provision()
    assert count(changed, "german") == 1


def test_the_schema_card_is_of_the_copy(shop: Project) -> None:
    databases_of(shop).provision()
    card = databases_of(shop).schema_card(grant_for(shop, "clerk")).text()
    assert "orders(id integer, customer_id integer, day date, placed timestamp, total numeric, weight float)" in card
    assert "orders.customer_id = customers.id" in card
    assert "customers.country: 'Austria', 'Germany', 'Sweden', 'Switzerland', 'germany'" in card
    german = databases_of(shop).schema_card(grant_for(shop, "german")).text()
    assert "'Alfreds', 'Drachenblut'" in german and "country" not in german and "Berglunds" not in german


@pytest.mark.parametrize("kind", KINDS)
def test_the_declared_limits_hold_for_copies_too(tmp_path: Path, kind: str) -> None:
    fill(tmp_path / f"shop.{kind}", kind)
    limits = "database_limits: {{rows: 2, database_s_per_minute: 0.000001}}\n"
    project = write_project(tmp_path, kind, limits + PROJECT)
    databases, grant = databases_of(project), grant_for(project, "clerk")
    databases.provision()
    found = databases.query(grant, "SELECT id FROM customers ORDER BY id")
    assert (len(found.rows), found.truncated) == (2, True)
    with pytest.raises(LimitReached, match="seconds of the databases"):
        databases.query(grant, "SELECT id FROM customers")
