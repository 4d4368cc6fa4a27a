"""People: invited, moved, shut out, signed out; their sessions and keys. What is sent twice happens once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from admin_place import PASSWORD, Place, Visitor, token_in

AsRole = Callable[[str | None], Visitor]


@pytest.fixture
def worker(place: Place) -> Iterator[str]:
    """Somebody new, of a role an operator manages."""
    place.users.add("walter", "warehouse", PASSWORD)
    yield "walter"
    place.run_sql("DELETE FROM gateway.users WHERE name = 'walter'")


def link_in(page: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/set-up\?token=[0-9a-f]{64})", page)
    assert found, page
    return found[1]


def test_an_invitation_sent_twice_is_one_user_one_link_and_one_record(place: Place, as_role: AsRole) -> None:
    olga = as_role("olga")
    form = {"name": "Nora", "role": "employee", "nonce": "01" * 16}
    first, second = olga.post("/admin/people", form), olga.post("/admin/people", form)
    assert link_in(first.text) == link_in(second.text)
    added = [event for event in place.events("user-added") if event["user"] == "nora"]
    assert len(added) == 1
    assert added[0]["detail"]["by"] == "olga (administration)"
    another = olga.post("/admin/people", {**form, "nonce": "02" * 16})
    assert link_in(another.text) != link_in(first.text)
    nora = Visitor(place, None)
    assert nora.get(link_in(first.text)).status_code == 404  # a new link ends the one before
    page = nora.get(link_in(another.text))
    token = link_in("http://127.0.0.1:8000" + link_in(another.text)).rpartition("=")[2]
    chosen = {"csrf": token_in(page.text), "token": token, "password": "nine quiet owls", "again": "nine quiet owls"}
    assert nora.client.post("/set-up", data=chosen).status_code == 303
    assert place.users.authenticate("nora", "nine quiet owls") is not None
    place.run_sql("DELETE FROM gateway.users WHERE name = 'nora'")


def test_a_link_and_a_key_are_shown_once_and_stand_on_no_page_after(place: Place, as_role: AsRole, worker: str) -> None:
    link = link_in(as_role("dana").post(f"/admin/people/{worker}/link", {"nonce": "03" * 16}).text)
    made = as_role("dana").post(
        f"/admin/people/{worker}/keys", {"agent": "warehouse", "days": "9", "label": "gate", "nonce": "04" * 16}
    )
    key = re.search(r"al-[0-9a-f]{64}", made.text)
    assert key
    for path in ("/admin/people", f"/admin/people/{worker}", "/admin/audit", "/admin/audit/export"):
        page = as_role("dana").get(path).text
        assert key[0] not in page
        assert link not in page


def test_a_key_sent_twice_is_one_key_good_for_the_chosen_agents_alone(
    place: Place, as_role: AsRole, worker: str
) -> None:
    form = {"agent": ["warehouse"], "days": "9", "label": "gate", "nonce": "05" * 16}
    pages = [as_role("dana").post(f"/admin/people/{worker}/keys", form).text for _ in range(2)]
    found = {re.search(r"al-[0-9a-f]{64}", page)[0] for page in pages}  # type: ignore[index]
    assert len(found) == 1
    (kept,) = place.users.keys(worker)
    assert (kept.agents, kept.label, kept.revoked) == (("warehouse",), "gate", False)
    presented = place.users.find_key(found.pop())
    assert presented is not None
    assert presented.principal.agents == frozenset({"warehouse"})
    for _ in range(2):
        as_role("dana").post(f"/admin/people/{worker}/keys/{kept.id}/revoke")
    assert place.users.keys(worker)[0].revoked
    assert len([event for event in place.events("key-revoked") if event["user"] == worker]) == 1


@pytest.mark.parametrize("days", ["0", "-1", "100000", "ten", "", "9" * 40])
def test_a_key_that_would_work_for_no_sensible_time_is_not_made(
    place: Place, as_role: AsRole, worker: str, days: str
) -> None:
    found = as_role("dana").post(f"/admin/people/{worker}/keys", {"agent": "warehouse", "days": days, "label": ""})
    assert found.status_code == 400
    assert "A key works for 1 to 365 days." in found.text
    assert place.users.keys(worker) == ()


def test_shutting_out_ends_sessions_and_keys_and_letting_in_brings_back_the_keys(
    place: Place, as_role: AsRole, worker: str
) -> None:
    session, key = place.users.start_session(worker), place.users.create_key(worker)
    done = as_role("olga").post(f"/admin/people/{worker}/shut-out")
    assert done.headers["location"] == f"/admin/people/{worker}?done=shut-out"
    assert place.users.principal_of_session(session) is None
    assert place.users.principal_of_key(key) is None
    as_role("olga").post(f"/admin/people/{worker}/let-in")
    assert place.users.principal_of_session(session) is None
    assert place.users.principal_of_key(key) is not None


def test_one_session_or_all_of_them_can_be_ended(place: Place, as_role: AsRole, worker: str) -> None:
    first, second, third = (place.users.start_session(worker) for _ in range(3))
    number = place.users.sessions(worker)[0].id
    as_role("olga").post(f"/admin/people/{worker}/sessions/{number}/end")
    good = [place.users.principal_of_session(token) is not None for token in (first, second, third)]
    assert good == [False, True, True]
    others = place.users.sessions("dana")[0].id
    as_role("olga").post(f"/admin/people/{worker}/sessions/{others}/end")
    assert others in {session.id for session in place.users.sessions("dana")}
    as_role("olga").post(f"/admin/people/{worker}/sign-out")
    assert place.users.sessions(worker) == ()


def test_a_role_is_changed_among_those_one_manages_and_counts_at_once(
    place: Place, as_role: AsRole, worker: str
) -> None:
    his = Visitor(place, worker)
    done = as_role("olga").post(f"/admin/people/{worker}/role", {"role": "employee"})
    assert done.headers["location"].endswith("?done=role")
    assert ">employee<" in his.get("/").text
    changed = next(event for event in place.events("role-changed") if event["user"] == worker)
    assert changed["detail"]["before"] == "warehouse"
    assert changed["detail"]["after"] == "employee"
    act = next(record for record in place.audit.records(50) if record.sequence == changed["detail"]["act"])
    assert (act.event["kind"], act.event["user"]) == ("admin-changed", "olga")
    his.client.close()


def test_a_role_that_the_file_declares_otherwise_is_not_given(place: Place, as_role: AsRole) -> None:
    found = as_role("dana").post("/admin/people/hugo/role", {"role": "sales"})
    assert (found.status_code, "allotment.yaml declares another role" in found.text) == (400, True)
    assert place.users.role_of("hugo") == "warehouse"


def test_a_user_of_the_provider_keeps_the_role_his_groups_give(place: Place, as_role: AsRole, worker: str) -> None:
    place.run_sql(
        "UPDATE gateway.users SET issuer = 'https://id', subject = '1', password_hash = NULL WHERE name = 'walter'"
    )
    for path, form in ((f"/admin/people/{worker}/role", {"role": "employee"}), (f"/admin/people/{worker}/link", {})):
        assert as_role("dana").post(path, form).status_code == 400
    assert place.users.user(worker).role == "warehouse"  # type: ignore[union-attr]


def test_thousands_of_people_are_paged_by_name_without_gap_or_repeat(place: Place, as_role: AsRole) -> None:
    place.run_sql(
        "INSERT INTO gateway.users (name, role) SELECT 'crowd' || lpad(n::text, 4, '0'), 'employee'"
        " FROM generate_series(1, 1234) n"
    )
    seen: list[str] = []
    address = "/admin/people?find=crowd"
    while address:
        page = as_role("dana").get(address).text
        seen += re.findall(r'<th scope="row"><a href="/admin/people/(\w+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"crowd{number:04}" for number in range(1, 1235)]
    assert "crowd0001" not in as_role("dana").get("/admin/people?find=crowd&role=sales").text
    place.run_sql("DELETE FROM gateway.users WHERE name LIKE 'crowd%%'")


def test_somebody_who_is_not_there_is_told_in_words(as_role: AsRole) -> None:
    for method, path in (("GET", "/admin/people/nobody-here"), ("POST", "/admin/people/nobody-here/shut-out")):
        found = as_role("dana").get(path) if method == "GET" else as_role("dana").post(path)
        assert (found.status_code, "There is no user of this name." in found.text) == (404, True)
