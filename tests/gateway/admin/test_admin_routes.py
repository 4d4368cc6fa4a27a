"""Every route, fetched as every role and as nobody, against the table of who may do what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from admin_place import ADMINISTRATION, ROLES, USER_OF, Place, Visitor
from starlette.routing import Mount, Route

from allotment.dataset._items import load_candidates
from allotment.documents import load_documents
from allotment.gateway.administration._documents import Documents
from allotment.gateway.pages.admin._router import NOT_YOURS, Rule
from allotment.training._manifest import make_current

AsRole = Callable[[str | None], Visitor]
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/set-up"),
    ("POST", "/set-up"),
    ("POST", "/logout"),
    ("POST", "/preferences"),
    ("GET", "/static/{name:path}"),
}
"""Anybody may call these; what they show is the same for all."""
SESSION = {
    ("GET", "/"),
    ("POST", "/ask"),
    ("GET", "/admin"),
    ("GET", "/document"),
    ("GET", "/account"),
    ("POST", "/account/password"),
    ("POST", "/account/sessions/end-others"),
    ("POST", "/account/sessions/{number}/end"),
}
"""These want a session, of whatever role."""
KEY = {
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name}"),
    ("GET", "/v1/openapi.json"),
}
"""These want a key; a session is none."""


def every_route(routes: Iterable[Any]) -> Iterator[tuple[str, str, Rule | None]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from every_route(inner.routes)
        elif isinstance(route, Mount):
            yield "GET", route.path, None
        elif isinstance(route, Route):
            for method in (route.methods or set()) - {"HEAD"}:
                yield method, route.path, getattr(route.endpoint, "rule", None)


def may(role: str | None, rule: Rule) -> bool:
    """What allotment.yaml says, read anew: not by the code under test."""
    declared = ADMINISTRATION.get(role or "", {})
    changes = declared.get("change", [])
    return rule.part in changes if rule.verb == "change" else rule.part in [*declared.get("see", []), *changes]


def filled(place: Place, path: str) -> str:
    """An address of this route that names something there is, of what only the director may read."""
    documents = Documents(place.project, place.workspace)
    board = next(record.path for record in load_documents(place.workspace) if record.document_set == "board")
    values = {
        "name": "petra",
        "agent": "board",
        "version": "v1",
        "number": "1",
        "decision": "3",
        "document": documents._id(board),
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)


def test_every_route_has_its_place_in_the_table(place: Place) -> None:
    found = set(every_route(place.app.routes))
    ruled = {(method, path) for method, path, rule in found if rule is not None}
    assert {(method, path) for method, path, _ in found} - ruled == OPEN | SESSION | KEY
    assert {path for _, path in ruled} >= {"/admin/people", "/admin/audit/export"}
    assert all(path.startswith("/admin/") for _, path in ruled)


def test_the_administration_gives_each_role_what_the_table_says_and_nobody_anything(
    place: Place, as_role: AsRole
) -> None:
    wrong = []
    for method, path, rule in sorted(every_route(place.app.routes), key=str):
        if rule is None:
            continue
        address = filled(place, path)
        for role in (*ROLES, None):
            visitor = as_role(USER_OF[role] if role else None)
            found = visitor.get(address) if method == "GET" else visitor.post(address, {"to": "v1", "role": "employee"})
            refused = found.status_code == 403 and str(NOT_YOURS) in found.text
            if role is None:
                fits = (found.status_code, found.headers.get("location")) in ((303, "/login"), (401, None))
            else:
                fits = refused is not may(role, rule) and found.status_code < 500
            if not fits:
                wrong.append((method, path, role, found.status_code))
    assert wrong == []
    make_current(place.workspace, "board", "v2")
    place.run_sql("UPDATE gateway.users SET disabled = false WHERE name = 'petra'")


def test_pages_of_everybody_want_a_session_and_the_api_wants_a_key(place: Place, as_role: AsRole) -> None:
    for method, path in sorted(SESSION):
        path = path.replace("{number}", "1")
        assert as_role(None).client.request(method, path).status_code in (303, 401)
        assert as_role("sam").client.request(method, path).status_code in (200, 303, 403, 404)
    for method, path in sorted(KEY - {("GET", "/v1/openapi.json")}):
        for user in (None, "dana", "olga"):
            assert as_role(user).client.request(method, path.replace("{name}", "board")).status_code == 401


def test_nothing_that_came_back_holds_a_word_of_a_document_that_the_role_may_not_read(
    place: Place, as_role: AsRole
) -> None:
    records = load_documents(place.workspace)
    agents = place.project.agents
    shown: dict[str, str] = {}
    for role in ROLES:
        visitor = as_role(USER_OF[role])
        pages = []
        for method, path, rule in every_route(place.app.routes):
            if rule is not None and method == "GET":
                pages.append(visitor.get(filled(place, path)).text)
        for agent in agents:
            pages.append(visitor.get(f"/admin/dataset/{agent}?state=all").text)
            pages.append(visitor.get(f"/admin/training/{agent}/v2").text)
        shown[role] = "\n".join(pages)
    for role in ROLES:
        closed = [record.path for record in records if role not in record.readers]
        words = {path.rpartition("/")[2] for path in closed}
        for agent, config in agents.items():
            if role not in config.roles:
                items = load_candidates(place.workspace, agent)
                words |= {text for item in items for text in (item.question, item.answer) if len(text) > 12}
                words |= {item.value for item in items if len(item.value) > 6 and not item.value[0].isdigit()}
        # What somebody typed to see what would be decided about it he may see again, and those who reach as much as
        # he: a role that reads nothing has nothing to tell.
        knowing = {USER_OF[each] for each in ("employee", "warehouse", "sales", "director")} - {USER_OF[role]}
        tried = [event for event in place.events("admin-tried") if event["user"] not in knowing]
        typed = " ".join(str(event["detail"]["question"]) for event in tried)
        leaked = sorted(word for word in words if word in shown[role] and word not in typed)
        assert leaked == [], role
    assert "acquisition-plan.md" in shown["director"]
    assert "Granary" in shown["director"]


def test_every_look_and_act_is_on_record_before_it_happens(place: Place, as_role: AsRole) -> None:
    before = len(place.events())
    as_role("dana").get("/admin/audit?user=eva&outcome=deny")
    newest = place.events()[0]
    assert (newest["kind"], newest["user"]) == ("admin-viewed", "dana")
    assert newest["detail"] == {"part": "audit", "page": "/admin/audit", "user": "eva", "outcome": "deny"}
    as_role("dana").post("/admin/people/petra/shut-out")
    kinds = [(event["kind"], event["user"]) for event in place.events()[:2]]
    assert kinds == [("user-disabled", "petra"), ("admin-changed", "dana")]
    assert len(place.events()) == before + 3
    as_role("dana").post("/admin/people/petra/let-in")


def test_a_part_that_looks_again_by_itself_is_on_record_once_and_decided_each_time(
    place: Place, as_role: AsRole
) -> None:
    olga = as_role("olga")
    before = len(place.events("admin-viewed"))
    for _ in range(5):
        assert olga.get("/admin/health/now").status_code == 200
    assert len(place.events("admin-viewed")) <= before + 1
    place.run_sql("UPDATE gateway.users SET role = 'employee' WHERE name = 'olga'")
    assert olga.get("/admin/health/now").status_code == 403
    place.run_sql("UPDATE gateway.users SET role = 'operator' WHERE name = 'olga'")


def test_what_cannot_be_recorded_is_not_shown_and_does_not_happen(place: Place, as_role: AsRole) -> None:
    dana = as_role("dana")
    anchor = place.workspace.audit_anchor
    kept = anchor.read_bytes()
    anchor.write_bytes(b"broken")
    try:
        shown = dana.get("/admin/people")
        done = dana.post("/admin/people/petra/shut-out")
    finally:
        anchor.write_bytes(kept)
    assert shown.status_code == done.status_code == 503
    assert "petra" not in shown.text
    user = place.users.user("petra")
    assert user is not None and not user.disabled


def test_the_navigation_shows_the_parts_a_role_may_see_and_no_others(place: Place, as_role: AsRole) -> None:
    def parts(user: str) -> set[str]:
        return set(re.findall(r'class="place" href="/admin/(\w+)"', as_role(user).get("/").text))

    assert parts("eva") == set()
    assert parts("sam") == {"access", "guards", "audit", "dataset"}
    assert parts("dana") == set(ADMINISTRATION["director"]["see"]) | set(ADMINISTRATION["director"]["change"])
    assert as_role("sam").get("/admin").headers["location"] == "/admin/access"
    assert as_role("eva").get("/admin").headers["location"] == "/"
