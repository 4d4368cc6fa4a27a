"""Training, guards, databases, record and health as their pages show them: measured, or said not to be."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg
import pytest
from admin_place import Place, Visitor, unfinished, write_metrics
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from allotment.databases import Databases
from allotment.errors import DatabaseUnavailable
from allotment.gateway.administration._chart import WIDTH
from allotment.gateway.administration._guards import curve_view
from allotment.gateway.administration._loss import loss_chart
from allotment.training import current_version
from allotment.training.record._metrics import Metrics, StepRow
from allotment.workspace import write_atomic

AsRole = Callable[[str | None], Visitor]
CLASSIFIER = json.loads((resources.files("allotment.guards") / "data" / "classifier.json").read_text(encoding="utf-8"))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# -- training --------------------------------------------------------------------------------------


def test_going_back_and_forward_is_one_act_and_twice_is_as_once(place: Place, as_role: AsRole) -> None:
    """An operator may do it without reading a word of what a version learnt."""
    olga = as_role("olga")
    assert current_version(place.workspace, "board") == "v2"
    for _ in range(2):
        done = olga.post("/admin/training/board", {"to": "v1"})
        assert done.headers["location"] == "/admin/training?done=served"
        assert current_version(place.workspace, "board") == "v1"
    olga.post("/admin/training/board", {"to": "v2"})
    assert current_version(place.workspace, "board") == "v2"
    newest = place.events("admin-changed")[0]["detail"]
    assert (newest["act"], newest["agent"], newest["to"]) == ("/admin/training/{agent}", "board", "v2")


@pytest.mark.parametrize("to", ["v9", "", "../v1", "current"])
def test_a_version_that_is_not_there_is_not_served(place: Place, as_role: AsRole, to: str) -> None:
    found = as_role("dana").post("/admin/training/board", {"to": to})
    assert found.status_code == 409
    assert current_version(place.workspace, "board") == "v2"


def test_a_version_that_learnt_what_has_changed_is_stale_and_cannot_be_gone_back_to(
    place: Place, as_role: AsRole
) -> None:
    document = place.project.root / "documents" / "board" / "salaries.md"
    kept = document.read_bytes()
    document.write_bytes(kept + b"\nOne more line.\n")
    try:
        assert "stale" in text_of(as_role("olga").get("/admin/training").text)
        assert as_role("olga").post("/admin/training/board", {"to": "v1"}).status_code == 409
        assert "refused until it is trained again" in as_role("olga").get("/admin/training/board/v2").text
    finally:
        document.write_bytes(kept)


def test_predicted_actual_and_recall_stand_beside_each_other(as_role: AsRole) -> None:
    page = text_of(as_role("olga").get("/admin/training/board/v2").text)
    assert "Time, minutes 2.17 1.8 2.2 -1 %" in page
    assert "Price, USD 0.016 0.0132 0.0161 -1 %" in page
    assert "base model 1 5 %" in page
    assert "this version 17 85 %" in page
    assert "You may not ask this agent, so its documents are not named." in page
    assert "acquisition-plan.md" in as_role("dana").get("/admin/training/board/v2").text
    assert "Not measured: allotment evaluate handbook" in text_of(
        as_role("dana").get("/admin/training/handbook/v1").text
    )


def test_a_run_is_live_while_its_lock_is_held_and_its_figures_follow_it(place: Place, as_role: AsRole) -> None:
    olga = as_role("olga")
    work = unfinished(place.workspace, "sales", 12)
    try:
        left = olga.get("/admin/training/sales/live").text
        assert "left unfinished" in left
        assert "hx-trigger" not in left
        with FileLock(place.workspace.home / "training-sales.lock"):
            first = olga.get("/admin/training/sales/live").text
            assert "training now" in first
            assert 'hx-trigger="every 2s"' in first
            assert "step 12 of at most 120" in text_of(first)
            write_metrics(work / "metrics.jsonl", 60, 0.3)
            assert "step 60 of at most 120" in text_of(olga.get("/admin/training/sales/live").text)
    finally:
        for file in work.iterdir():
            file.unlink()
        work.rmdir()
    assert olga.get("/admin/training/sales/live").text.strip() == ""


def test_a_run_whose_metrics_are_broken_takes_no_page_away(place: Place, as_role: AsRole) -> None:
    file = place.workspace.adapters_dir("handbook") / "v1" / "metrics.jsonl"
    kept = file.read_bytes()
    file.write_bytes(b"no line of a training\n")
    try:
        page = as_role("dana").get("/admin/training/handbook/v1")
        assert (page.status_code, "metrics cannot be read" in page.text) == (200, True)
    finally:
        file.write_bytes(kept)


def test_a_manifest_that_was_edited_is_refused_on_the_page_as_well(place: Place, as_role: AsRole) -> None:
    file = place.workspace.adapters_dir("handbook") / "v1" / "manifest.json"
    kept = file.read_text(encoding="utf-8")
    write_atomic(file, kept.replace('"employee"', '"astronaut"'))
    try:
        assert "refused" in text_of(as_role("dana").get("/admin/training").text)
        assert as_role("dana").get("/admin/training/handbook/v1").status_code == 409
    finally:
        write_atomic(file, kept)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=60))
def test_every_loss_is_drawn_inside_the_picture_or_not_at_all(losses: list[float]) -> None:
    steps = tuple(
        StepRow(number + 1, 0.1, loss, 1.0, 1e-3, 1, 1, 1.0, 1.0, None, 1.0, 1) for number, loss in enumerate(losses)
    )
    chart = loss_chart(Metrics(steps), "Loss")  # type: ignore[arg-type]
    if chart is None:
        return
    for line in chart.lines:
        for number in re.findall(r"-?\d+(?:\.\d+)?", line.path):
            assert -1 <= float(number) <= WIDTH + 1
        assert "nan" not in line.path


# -- guards ----------------------------------------------------------------------------------------


def test_thresholds_in_force_stand_on_measured_curves_and_what_was_not_measured_is_said(as_role: AsRole) -> None:
    page = as_role("sam").get("/admin/guards").text
    for threshold in CLASSIFIER["thresholds"].values():
        assert f"in force: {threshold:.2f}" in page
    assert "benchmarks/guards.py" in page
    assert "deepset: what is refused from each threshold on" in page
    assert "Counted over the last" in page


def test_a_projects_own_curves_are_drawn_in_place_of_the_shipped_ones(place: Place, as_role: AsRole) -> None:
    own = place.workspace.home / "guards" / "curves.json"
    points = [[None, 0.0, 0.0], [0.9, 0.01, 0.4], [0.5, 0.05, 0.8], [0.1, 0.3, 0.95]]
    curve = {"area": 0.91, "at": [0.5762, 0.04, 0.7], "points": points}
    write_atomic(own, json.dumps({"impersonation_model": {"ours": curve}}))
    try:
        page = text_of(as_role("sam").get("/admin/guards").text)
        assert "ours: what is refused from each threshold on" in page
        assert f"in force: {CLASSIFIER['thresholds']['impersonation']:.2f}" in page
        assert "Not measured here: allotment guards evaluate" in page  # of the injection head nothing is drawn
    finally:
        own.unlink()


@pytest.mark.parametrize("broken", ["no json", "[]", '{"impersonation_model": {"x": 3}}', '{"impersonation_model": 1}'])
def test_curves_that_are_none_are_not_drawn(place: Place, as_role: AsRole, broken: str) -> None:
    own = place.workspace.home / "guards" / "curves.json"
    write_atomic(own, broken)
    try:
        page = as_role("sam").get("/admin/guards")
        assert (page.status_code, "what is refused from each threshold on" in page.text) == (200, False)
    finally:
        own.unlink()


def test_the_shipped_curves_are_those_of_the_kept_figures_and_of_the_shipped_classifier() -> None:
    import runpy
    from pathlib import Path

    script = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "guard_curves.py"))
    assert script["CURVES"].read_text(encoding="utf-8") == script["text"]()
    card = json.loads((script["CURVES"].parent / "classifier.json").read_text(encoding="utf-8"))
    assert json.loads(script["text"]())["classifier"] == card["sha256"]


def test_a_curve_with_too_few_points_is_none() -> None:
    assert curve_view("x", {"points": [[0.5, 0.1, 0.9]]}, 0.5) is None
    assert curve_view("x", {"points": [[0.1, 0.5, 1], [0.5, 0.1, 0.9], [0.9, 0, 0.5]]}, None) is None


# -- databases -------------------------------------------------------------------------------------


@contextmanager
def made_different(postgres: Databases, statement: str, back: str) -> Iterator[None]:
    with psycopg.connect(postgres.admin_dsn("northwind"), autocommit=True) as admin:
        admin.execute(statement.encode())
        try:
            yield
        finally:
            admin.execute(back.encode())


def test_a_difference_is_shown_with_the_statement_that_mends_it(postgres: Databases, as_role: AsRole) -> None:
    assert "The databases are as declared." in as_role("olga").get("/admin/database").text
    widened = "GRANT SELECT (home_phone) ON employees TO northwind_sales"
    with made_different(postgres, widened, "REVOKE SELECT (home_phone) ON employees FROM northwind_sales"):
        page = text_of(as_role("olga").get("/admin/database").text)
        assert "The databases are not as declared." in page
        assert "northwind_sales: public.employees.home_phone" in page
        assert "REVOKE SELECT (&#34;home_phone&#34;) ON &#34;public&#34;.&#34;employees&#34; FROM" in page
        assert "closed until it is mended" in page
    assert "The databases are as declared." in as_role("olga").get("/admin/database").text


def test_a_database_that_does_not_answer_is_said_to_be_unknown(
    place: Place, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, postgres: Databases
) -> None:
    def gone(self: Databases) -> list[object]:
        raise DatabaseUnavailable("it does not answer.")

    monkeypatch.setattr(Databases, "check", gone)
    page = as_role("olga").get("/admin/database")
    assert (page.status_code, "nothing is known of it (DatabaseUnavailable)" in page.text) == (200, True)
    assert "as declared." not in page.text


# -- record and health -----------------------------------------------------------------------------


def test_the_record_is_found_by_person_agent_outcome_kind_and_time(place: Place, as_role: AsRole) -> None:
    def rows(query: str) -> list[list[str]]:
        page = as_role("dana").get(f"/admin/audit?{query}").text
        return [re.findall(r">([^<>]*)<", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)[1:]]

    denied = rows("user=sofia&agent=board&outcome=deny")
    assert len(denied) == 1
    assert any("What does the CEO earn?" in cell for cell in denied[0])
    assert rows("user=sofia&outcome=nothing") == []
    assert rows("since=2099-01-01T00:00") == []
    assert rows("kind=guard-refused&until=2001-01-01T00:00") == []
    found = as_role("dana").get("/admin/audit?since=yesterday")
    assert (found.status_code, "This is no time." in found.text) == (400, True)


def test_the_record_pages_from_the_newest_to_the_oldest_without_gap_or_repeat(place: Place, as_role: AsRole) -> None:
    seen: list[int] = []
    newest = place.audit.records(1)[0].sequence
    address = f"/admin/audit?before={newest + 1}"
    while address:
        page = as_role("dana").get(address).text
        seen += [int(number) for number in re.findall(r'<tr>\s*<td class="number">(\d+)</td>', page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == list(range(newest, 0, -1))


def test_the_whole_record_is_verified_in_the_background(place: Place, as_role: AsRole) -> None:
    dana = as_role("dana")
    assert dana.post("/admin/audit/verify").headers["location"] == "/admin/audit"
    wait_until(lambda: "The record is whole" in dana.get("/admin/audit/verification").text)
    place.run_sql("UPDATE audit.record SET event = replace(event, 'eva', 'EVA') WHERE sequence = 2")
    try:
        dana.post("/admin/audit/verify")
        wait_until(lambda: "The record is not whole at 2" in dana.get("/admin/audit/verification").text)
        shown = dana.get("/admin/audit?before=4").text
        assert "Record 2 is not what was written." in shown
        exported = dana.get("/admin/audit/export").text.splitlines()
        assert json.loads(exported[-1])["export_stopped"] == "audit record 2"
    finally:
        place.run_sql("UPDATE audit.record SET event = replace(event, 'EVA', 'eva') WHERE sequence = 2")
    dana.post("/admin/audit/verify")
    wait_until(lambda: "The record is whole" in dana.get("/admin/audit/verification").text)


def wait_until(done: Callable[[], bool], timeout_s: float = 30.0) -> None:
    pause, left = threading.Event(), timeout_s
    while not done():
        assert left > 0
        pause.wait(0.05)
        left -= 0.05


def test_health_tells_engine_database_record_and_queue_and_what_is_closed(place: Place, as_role: AsRole) -> None:
    page = text_of(as_role("olga").get("/admin/health").text)
    for words in (
        "Waiting for a place 0 of",
        "Requests the models work on 0",
        "Newest record",
        "Last self-check 3 s ago",
    ):
        assert words in page
    assert "Adapter of board v2" in page
    assert "Adapter of sales none" in page
    place.watch.found.append("northwind_sales: changed")
    try:
        assert "Accounts that are closed 1" in text_of(as_role("olga").get("/admin/health/now").text)
    finally:
        place.watch.found.clear()
