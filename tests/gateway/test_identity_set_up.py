"""One-time set-up links: 256 bits, once, for a while, for one user."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from gateway_standin import Recorded

from allotment.errors import ProjectError
from allotment.gateway import UserStore

RunSql = Callable[..., int]
Csrf = Callable[[str], str]
CHOSEN = "seven-quiet-bridges"


def test_an_invited_user_chooses_his_password_once_and_logs_in_with_it(
    client: TestClient, store: UserStore, csrf_in: Csrf, recorded: Recorded
) -> None:
    token = store.invite("otto", "sales")
    assert len(token) >= 43 and store.authenticate("otto", "") is None
    page = client.get("/set-up", params={"token": token})
    assert page.status_code == 200 and "otto" in page.text
    form = {"token": token, "password": CHOSEN, "again": CHOSEN, "csrf": csrf_in(page.text)}
    done = client.post("/set-up", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/login?set-up")
    assert "Your password is set" in client.get("/login?set-up").text
    assert recorded.events == [("otto", "sales", "set-up")]
    assert store.authenticate("otto", CHOSEN) is not None
    again = client.post("/set-up", data={**form, "password": "another-one-88", "again": "another-one-88"})
    assert again.status_code == 404 and "used already" in again.text
    assert store.authenticate("otto", CHOSEN) is not None
    assert client.get("/set-up", params={"token": token}).status_code == 404


def test_looking_at_the_page_does_not_use_the_link_up(client: TestClient, store: UserStore) -> None:
    token = store.invite("otto", "sales")
    for _ in range(3):
        assert client.get("/set-up", params={"token": token}).status_code == 200
    assert store.set_up(token, CHOSEN) == "otto"


def test_a_link_is_kept_without_itself(store: UserStore, run_sql: RunSql) -> None:
    token = store.invite("otto", "sales")
    assert run_sql("SELECT 1 FROM gateway.set_up_links l WHERE l::text LIKE %s", f"%{token}%") == 0


@pytest.mark.parametrize("change", ["expired", "disabled", "replaced", "guessed", "empty", "long"])
def test_a_link_that_is_not_good_sets_no_password(
    client: TestClient, store: UserStore, run_sql: RunSql, recorded: Recorded, change: str
) -> None:
    token = store.invite("otto", "sales")
    if change == "expired":
        run_sql("UPDATE gateway.set_up_links SET expires_at = now()")
    elif change == "disabled":
        store.disable("otto")
    elif change == "replaced":
        store.invite("otto", "sales")
    else:
        token = {"guessed": token[:-1] + ("A" if token[-1] != "A" else "B"), "empty": "", "long": "x" * 3000}[change]
    assert client.get("/set-up", params={"token": token}).status_code == 404
    assert store.set_up(token, CHOSEN) is None
    assert store.authenticate("otto", CHOSEN) is None
    assert recorded.events == [("", "", "request-refused")]


def test_a_forgotten_password_works_until_the_new_one_is_set_and_then_its_sessions_end(
    store: UserStore, password: str
) -> None:
    store.add("otto", "sales", password)
    session = store.start_session("otto")
    token = store.invite("otto", "sales")
    assert store.authenticate("otto", password) is not None
    assert store.set_up(token, CHOSEN) == "otto"
    assert store.principal_of_session(session) is None
    assert store.authenticate("otto", password) is None


def test_of_two_who_open_the_link_at_once_one_sets_the_password(store: UserStore) -> None:
    token = store.invite("otto", "sales")
    outcomes: list[str | None] = []
    start = threading.Barrier(2)

    def use(password: str) -> None:
        start.wait()
        outcomes.append(store.set_up(token, password))

    threads = [threading.Thread(target=use, args=(each,)) for each in ("first-of-two-88", "second-of-two-88")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, "otto"]


def test_a_bad_password_leaves_the_link_good_and_says_the_rule(
    client: TestClient, store: UserStore, csrf_in: Csrf, recorded: Recorded
) -> None:
    token = store.invite("otto", "sales")
    csrf = csrf_in(client.get("/set-up", params={"token": token}).text)
    for first, second, said in (
        ("short", "short", "10 to 256 characters"),
        (CHOSEN, CHOSEN + "x", "not the same"),
        ("password123", "password123", "first to be guessed"),
    ):
        page = client.post("/set-up", data={"token": token, "password": first, "again": second, "csrf": csrf})
        assert page.status_code == 400 and said in page.text
    assert recorded.events == []
    assert store.set_up(token, CHOSEN) == "otto"


def test_what_cannot_be_recorded_sets_no_password(
    client: TestClient, store: UserStore, csrf_in: Csrf, recorded: Recorded
) -> None:
    token = store.invite("otto", "sales")
    csrf = csrf_in(client.get("/set-up", params={"token": token}).text)
    recorded.broken = True
    form = {"token": token, "password": CHOSEN, "again": CHOSEN, "csrf": csrf}
    assert client.post("/set-up", data=form).status_code == 503
    assert store.authenticate("otto", CHOSEN) is None


def test_no_link_is_made_against_the_role_kept_nor_for_who_is_shut_out_or_comes_from_the_provider(
    store: UserStore,
) -> None:
    assert store.keep_provider_user("olga", "sales", "https://login.example.org", "s-1", ())
    store.disable("eva")
    for name, role in (("sofia", "director"), ("eva", "employee"), ("olga", "sales"), ("ѕоfia", "sales")):
        with pytest.raises(ProjectError):
            store.invite(name, role)
    assert store.role_of("sofia") == "sales"
