"""Every act wants the token of its own session; nothing that others wrote is markup on a page."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from admin_place import Place, Visitor, asked_of, opened, project_with
from test_admin_routes import every_route, filled

from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest
from allotment.gateway.web._security import csrf_token
from allotment.project import Project
from allotment.workspace import Workspace

AsRole = Callable[[str | None], Visitor]
EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7777*7777}}{% raw %}[x](javascript:alert(3))'


def test_every_act_wants_the_sessions_own_token(place: Place, as_role: AsRole) -> None:
    dana, other = as_role("dana"), csrf_token(place.users.start_session("sam"))
    before = {user.name: (user.role, user.disabled) for user in place.users.users()}
    acts = 0
    for method, path, rule in every_route(place.app.routes):
        if rule is None or method == "GET":
            continue
        acts += 1
        recorded = len(place.events("admin-changed"))
        for wrong in ("", other, "0" * 64):
            found = dana.post(filled(place, path), {"role": "sales", "decision": "reject"}, csrf=wrong)
            assert (found.status_code, "This page is out of date." in found.text) == (403, True), path
        assert len(place.events("admin-changed")) == recorded
    assert acts >= 12
    assert {user.name: (user.role, user.disabled) for user in place.users.users()} == before


def test_a_form_that_nobody_made_makes_no_secret(as_role: AsRole) -> None:
    for nonce in ("", "short", "x" * 64):
        found = as_role("olga").post("/admin/people", {"name": "nemo", "role": "employee", "nonce": nonce})
        assert found.status_code == 403
        assert "/set-up?token=" not in found.text


def test_an_act_of_somebody_who_is_signed_out_is_told_so_and_does_nothing(place: Place) -> None:
    gone = Visitor(place, None)
    found = gone.post("/admin/people/petra/shut-out")
    assert (found.status_code, "You are signed out." in found.text) == (401, True)
    user = place.users.user("petra")
    assert user is not None and not user.disabled


@pytest.mark.parametrize("evil", [EVIL, "\u202e\u0000gpj.exe", "'; DROP TABLE gateway.users; --", "\ud800"])
def test_what_somebody_asked_is_text_on_every_page(place: Place, as_role: AsRole, evil: str) -> None:
    asked_of(place, "eva", "employee", "guard-refused", question=evil, checks={"override": evil}, agent="handbook")
    asked_of(place, evil[:60], "employee", "login-refused", why=evil)
    exported = as_role("dana").get("/admin/audit/export").headers
    assert exported["content-type"].startswith("application/x-ndjson")
    assert exported["content-disposition"].startswith("attachment")
    assert exported["x-content-type-options"] == "nosniff"
    for path in ("/admin/audit", "/admin/guards", "/admin/audit?user=%3Cscript%3E"):
        found = as_role("dana").get(path)
        assert found.status_code == 200, path
        assert "<img src=x" not in found.text
        assert "<script>alert" not in found.text


def test_injection_in_an_address_or_a_form_is_shown_as_text_or_not_at_all(as_role: AsRole) -> None:
    dana = as_role("dana")
    for path in (
        "/admin/people",
        "/admin/documents",
        "/admin/dataset/handbook",
        "/admin/audit",
    ):
        for name in ("find", "role", "after", "set", "state", "document", "kind", "user", "agent", "since", "done"):
            found = dana.client.get(path, params={name: EVIL})
            assert found.status_code < 500, (path, name)
            assert "<img src=x" not in found.text
            assert "<script>alert" not in found.text
    tried = dana.post("/admin/access", {"role": "employee", "question": EVIL})
    assert html.escape(EVIL, quote=False).split("{{")[0] in tried.text.replace("&#34;", '"')
    assert "<img src=x" not in tried.text


def test_hostile_names_titles_and_pairs_are_text(
    tmp_path: Path, taught: Project, postgres: Databases, workers: WorkerPool
) -> None:
    project = project_with(tmp_path / "project", taught)
    name = "<img src=x onerror=alert(1)>.md"
    text = f"# {EVIL}\n\nThe secret of the {EVIL} is that the gate opens at seven in the morning every day.\n"
    (project.root / "documents" / "handbook" / name).write_text(text, encoding="utf-8")
    workspace = Workspace(project.root)
    ingest(project, workspace, workers=workers)
    items = workspace.dataset_dir("handbook") / "items.jsonl"
    row = json.loads(items.read_text(encoding="utf-8").splitlines()[0])
    section = next(
        line
        for line in map(json.loads, workspace.sections_file.read_text(encoding="utf-8").splitlines())
        if line["document"].endswith(name)
    )
    row |= {"question": EVIL, "answer": f"{EVIL} at seven", "value": "seven", "quote": "the gate opens at seven"}
    row |= {"document": section["document"], "section_id": section["id"]}
    items.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with opened(project, postgres) as place:
        dana = Visitor(place, "dana")
        pages = [dana.get("/admin/documents").text, dana.get("/admin/dataset/handbook").text]
        address = re.search(r'href="(/admin/documents/[0-9a-f]+)" class="path">[^<]*onerror', pages[0])
        assert address
        pages.append(dana.get(address[1]).text)
        for page in pages:
            assert "onerror" in page
            assert "<img src=x" not in page
            assert "<script>alert" not in page
            assert "60481729" not in re.sub(r'="[^"]*"', "", page).replace("{{7777*7777}}", "")
        assert '<mark class="value">seven</mark>' in pages[1]
    shutil.rmtree(project.root)
