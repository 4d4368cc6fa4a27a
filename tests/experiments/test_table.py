"""An experiment's table in its forms: nothing in a name, a path or an error acts, and every figure is there."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import Cluster, Script, driver, plan_of

from allotment.errors import IntegrityError, MissingPartError
from allotment.experiments import Table, table_of, to_csv, to_html, to_markdown
from allotment.experiments._journal import Journal
from allotment.experiments._parallel import parallel_plot
from allotment.experiments._plan import load_plan, save_plan
from allotment.experiments._scatter import cost_plot, curves_plot
from allotment.experiments._service import Curve, list_experiments, load_table
from allotment.experiments._table import ranked
from allotment.workspace import Workspace

HOSTILE = ("<script>alert(1)</script>", "=HYPERLINK(1)", "a|b\n---", "\u202egnp.exe", "\x1b[31m", "`x`", "]]>")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One that holds the experiment ``test``: six runs, two of which crashed."""
    found = Workspace(tmp_path / "project")
    home = found.home / "experiments" / "test"
    scripts = {f"r{n:04}": Script(60.0 * n, recall=n / 10) for n in range(1, 7)}
    scripts["r0002"] = Script(ends=("non-finite",))
    scripts["r0005"] = Script(ends=("infrastructure", "out-of-memory"))
    plan = plan_of(6)
    home.mkdir(parents=True)
    save_plan(home, plan)
    driver(plan, home, Cluster(2, scripts)).run()
    return found


def test_the_table_is_sorted_by_what_decides_and_says_what_to_keep(workspace: Workspace) -> None:
    table = load_table(workspace, "test")
    best = ranked(table.rows, "recall", higher=True)
    assert [row.number for row in best] == [6, 4, 3, 1, 2, 5]
    assert table.keep is not None
    assert table.keep.number == 6
    assert (table.totals.done, table.totals.failed) == (4, 2)
    assert table.rows[4].usd_failed == table.rows[4].usd  # both of its attempts were in vain
    assert table.is_over


def test_the_file_is_named_as_it_lies_in_the_project_whoever_reads_that(workspace: Workspace) -> None:
    home = workspace.home / "experiments" / "test"
    plan, journal = load_plan(home), Journal(home)
    inside = table_of(replace(plan, path=str(workspace.root / "experiments" / "test.yaml")), journal, home)
    assert inside.file == "experiments/test.yaml"
    assert str(workspace.root) not in to_html(inside, [])
    assert table_of(replace(plan, path="/elsewhere/test.yaml"), journal, home).file == "/elsewhere/test.yaml"


def test_csv_has_every_figure_and_no_formula(workspace: Workspace) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(with_words(load_table(workspace, "test"), "=HYPERLINK(1)")))))
    assert len(rows) == 6
    assert [row["state"] for row in rows][:3] == ["done", "non-finite", "done"]
    assert float(rows[0]["recall"]) == 0.1
    assert all(not value.startswith(("=", "+", "@")) for row in rows for value in row.values())


def test_markdown_has_a_row_for_each_run_and_no_cell_breaks_it(workspace: Workspace) -> None:
    for words in HOSTILE:
        text = to_markdown(with_words(load_table(workspace, "test"), words))
        lines = text[text.index("## Runs") : text.index("## Settings")].strip().splitlines()[2:]
        assert len(lines) == 2 + 6
        bars = {line.replace("\\|", "").count("|") for line in lines}
        assert len(bars) == 1
        assert "<script" not in text


def with_words(table: Table, words: str) -> Table:
    rows = tuple(replace(row, error=words, settings={"name": words, "seed": row.number}) for row in table.rows)
    return replace(table, rows=rows)


@given(st.text(max_size=40) | st.sampled_from(HOSTILE))
@settings(max_examples=12)
def test_pictures_are_whole_and_hold_no_code_whatever_settings_say(words: str) -> None:
    table = table_in_memory(words)
    curve = Curve("test/r0001", 1, words, ((1, 2.0), (2, 1.0)), ((2, 1.5),))
    for picture in (parallel_plot(table), cost_plot(table), curves_plot([curve], table)):
        root = ET.fromstring(picture)
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert names <= {"svg", "title", "desc", "style", "rect", "path", "text", "circle"}
        assert not any(key.lower().startswith("on") or "href" in key for one in root.iter() for key in one.attrib)


def table_in_memory(words: str) -> Table:

    with tempfile.TemporaryDirectory() as folder:
        plan, cluster = plan_of(3), Cluster(3, {f"r{n:04}": Script(50.0 * n, recall=n / 10) for n in (1, 2, 3)})
        driver(plan, Path(folder), cluster).run()
        return with_words(table_of(plan, Journal(Path(folder)), Path(folder)), words)


def test_the_page_needs_nothing_else_and_runs_no_script(workspace: Workspace) -> None:
    for words in HOSTILE:
        page = to_html(with_words(load_table(workspace, "test"), words), [])
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert 'src="' not in page
        assert page.count("<svg") == 3
    assert "allotment training run handbook --from-experiment test/r0006" in page


def test_an_experiment_without_a_run_yet_is_a_table_too(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    home = workspace.home / "experiments" / "test"
    home.mkdir(parents=True)
    save_plan(home, plan_of(2))
    table = load_table(workspace, "test")
    assert [row.state for row in table.rows] == ["waiting", "waiting"]
    assert (table.keep, table.totals.usd) == (None, None)
    assert "no run has ended well yet" in to_html(table, [])
    (summary,) = list_experiments(workspace)
    assert (summary.runs, summary.waiting, summary.fault) == (2, 2, "")


@pytest.mark.parametrize("name", ["none", "../secrets", "a/b", "", "Ü"])
def test_an_experiment_that_is_not_there_or_no_name_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingPartError):
        load_table(Workspace(tmp_path), name)


def test_a_broken_plan_is_told_and_takes_no_other_experiment_from_the_list(workspace: Workspace) -> None:
    home = workspace.home / "experiments" / "broken"
    home.mkdir()
    (home / "plan.json").write_text('{"name": "bro', encoding="utf-8")
    with pytest.raises(IntegrityError):
        load_plan(home)
    rows = {row.name: row for row in list_experiments(workspace)}
    assert rows["test"].done == 4
    assert "not what was written" in rows["broken"].fault


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = plan_of(3, halving_at=(1, 2))
    save_plan(tmp_path, plan)
    assert load_plan(tmp_path) == plan
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["name"] == "test"
