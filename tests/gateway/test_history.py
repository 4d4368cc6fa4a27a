"""Conversations of users: kept for one, shown to one, in the real PostgreSQL."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import ANSWER, POLICY, Recorded, StandInChain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allotment
from allotment.access import Principal
from allotment.answering import Answer, Source, may_read_again
from allotment.documents import ingest
from allotment.gateway import History, HistoryStore, Limiter, UserStore, create_app
from allotment.gateway.history._shown import GONE, NOT_KEPT
from allotment.project import HistoryConfig, Project, load_project
from allotment.workspace import Workspace

EVA, SOFIA, DANA = Principal("eva", "employee"), Principal("sofia", "sales"), Principal("dana", "director")
LEARNT = Answer(
    "answered",
    "Dinner is 38 EUR.",
    agent="handbook",
    adapter="v1",
    record=7,
    sources=(Source("s1", "documents/handbook/expenses-and-travel.md", "Meals", "Dinner is 38 EUR."),),
)


@pytest.fixture
def history(store: UserStore, state_dsns: tuple[str, str], run_sql: Callable[..., int]) -> Iterator[HistoryStore]:
    opened = HistoryStore(state_dsns[0], HistoryConfig(days=30))
    yield opened
    opened.close()
    run_sql("TRUNCATE gateway.conversations, gateway.messages")


def kept(history: HistoryStore, principal: Principal, answer: Answer = LEARNT, question: str = "How much?") -> UUID:
    conversation = history.begin(principal, question)
    assert history.add(principal, conversation, question, answer)
    return conversation


def test_a_user_reads_what_he_asked_and_was_answered_with_its_sources_and_record(history: HistoryStore) -> None:
    conversation = kept(history, EVA, question="How much  is\ndinner?")
    (listed,) = history.conversations(EVA)
    assert (listed.id, listed.title, listed.messages) == (conversation, "How much is dinner?", 1)
    found = history.messages(EVA, conversation)
    assert found is not None
    (message,) = found
    assert (message.question, message.answer, message.agent) == ("How much  is\ndinner?", LEARNT.text, "handbook")
    assert (message.record, message.outcome, message.sources) == (7, "answered", LEARNT.sources)


def test_nobody_reads_adds_to_or_deletes_the_conversation_of_another(history: HistoryStore) -> None:
    conversation = kept(history, DANA)
    assert history.conversations(EVA) == ()
    assert history.messages(EVA, conversation) is None
    assert not history.add(EVA, conversation, "Mine now?", LEARNT)
    assert not history.delete(EVA, conversation)
    assert history.delete_all(EVA) == 0
    found = history.messages(DANA, conversation)
    assert found is not None
    assert len(found) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["keep", "delete", "clear"]), st.sampled_from([EVA, SOFIA, DANA])), max_size=8)
)
def test_whatever_users_do_each_sees_exactly_his_own(history: HistoryStore, steps: list[tuple[str, Principal]]) -> None:
    mine: dict[str, list[UUID]] = {user.user: [] for user in (EVA, SOFIA, DANA)}
    for user in (EVA, SOFIA, DANA):
        history.delete_all(user)
    for step, user in steps:
        others = [one for name, ids in mine.items() if name != user.user for one in ids]
        assert not any(history.delete(user, one) for one in others)
        if step == "keep":
            mine[user.user].append(kept(history, user, question=f"asked by {user.user}"))
        elif step == "delete" and mine[user.user]:
            assert history.delete(user, mine[user.user].pop())
        elif step == "clear":
            assert history.delete_all(user) == len(mine[user.user])
            mine[user.user] = []
    for user in (EVA, SOFIA, DANA):
        listed = history.conversations(user)
        assert {one.id for one in listed} == set(mine[user.user])
        assert {one.title for one in listed} <= {f"asked by {user.user}"}


@pytest.mark.parametrize("table", ["conversations", "messages"])
def test_a_statement_that_forgets_whose_it_is_finds_and_changes_nothing(
    history: HistoryStore, state_dsns: tuple[str, str], table: str
) -> None:
    kept(history, DANA)
    with psycopg.connect(state_dsns[0]) as connection:
        for setting in (None, "", "eva", "%", "DANA", "dana "):
            if setting is not None:
                connection.execute("SELECT set_config('allotment.history_of', %s, true)", [setting])
            for where in ("", " WHERE true OR user_name = 'dana'", " WHERE user_name = 'dana'"):
                assert connection.execute(f"SELECT * FROM gateway.{table}{where}".encode()).fetchall() == []
                assert connection.execute(f"DELETE FROM gateway.{table}{where}".encode()).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"UPDATE gateway.{table} SET user_name = 'eva'".encode())
    assert len(history.conversations(DANA)) == 1


def test_nothing_can_be_written_in_the_name_of_another(state_dsns: tuple[str, str], history: HistoryStore) -> None:
    with psycopg.connect(state_dsns[0]) as connection:
        connection.execute("SELECT set_config('allotment.history_of', 'eva', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO gateway.conversations (user_name, title) VALUES ('dana', 'forged')")


def test_whose_rows_a_connection_sees_ends_with_its_transaction(history: HistoryStore) -> None:
    kept(history, DANA)
    with history._database.transaction() as connection:  # a connection that was used for dana a moment ago
        assert connection.execute("SELECT * FROM gateway.conversations").fetchall() == []


def test_rows_of_a_database_are_kept_only_where_the_project_says_so(
    history: HistoryStore, state_dsns: tuple[str, str]
) -> None:
    found = history.messages(SOFIA, kept(history, SOFIA, ANSWER))
    assert found is not None
    assert (found[0].answer, found[0].agent) == (None, "sales")
    keeping = HistoryStore(state_dsns[0], HistoryConfig(rows=True))
    found = keeping.messages(SOFIA, kept(keeping, SOFIA, ANSWER))
    keeping.close()
    assert found is not None
    assert found[0].answer == ANSWER.text


def test_what_is_older_than_the_declared_days_is_not_shown_and_soon_gone(
    history: HistoryStore, run_sql: Callable[..., int]
) -> None:
    conversation, young = kept(history, EVA), kept(history, DANA)
    run_sql("UPDATE gateway.messages SET asked_at = now() - interval '31 days' WHERE user_name = 'eva'")
    run_sql("UPDATE gateway.conversations SET created_at = now() - interval '31 days' WHERE user_name = 'eva'")
    assert history.messages(EVA, conversation) == ()
    assert history.forget_old() == 1
    assert history.conversations(EVA) == ()
    assert [one.id for one in history.conversations(DANA)] == [young]


def test_with_a_user_everything_he_asked_is_gone(
    history: HistoryStore, store: UserStore, run_sql: Callable[..., int]
) -> None:
    store.add("nora", "employee", "long-enough-passphrase-7")
    kept(history, Principal("nora", "employee"))
    run_sql("DELETE FROM gateway.users WHERE name = 'nora'")
    assert run_sql("SELECT FROM gateway.messages WHERE user_name = 'nora'") == 0
    assert run_sql("SELECT FROM gateway.conversations WHERE user_name = 'nora'") == 0


# -- routes ----------------------------------------------------------------------------------------


@pytest.fixture
def narrowed() -> set[str]:
    """Users who may no longer read what they were once answered."""
    return set()


@pytest.fixture
def app(
    chain: StandInChain,
    store: UserStore,
    recorded: Recorded,
    history: HistoryStore,
    narrowed: set[str],
    limiter: Limiter,
) -> FastAPI:
    shown = History(history, lambda principal, agent, documents: principal.user not in narrowed)
    return create_app(
        chain, store, title="Northwind", ready=list, policy=POLICY, record=recorded, limiter=limiter, history=shown
    )


def test_what_is_asked_on_the_page_is_kept_and_goes_on_in_the_users_own_conversation_alone(
    client: TestClient, log_in: Callable[..., str], history: HistoryStore
) -> None:
    foreign = kept(history, DANA)
    token = {"x-csrf-token": log_in("sofia")}

    def ask(question: str, conversation: object) -> str:
        body = {"question": question, "conversation": conversation and str(conversation)}
        told = client.post("/ask", json=body, headers=token).text
        (line,) = re.findall(r"event: kept\ndata: (.*)", told)
        return str(json.loads(line)["conversation"])

    first = ask("How many orders?", None)
    assert ask("And to Sweden?", first) == first
    assert ask("And hers?", foreign) not in (first, str(foreign))
    shown = client.get(f"/history/{first}").json()["messages"]
    assert [message["question"] for message in shown] == ["How many orders?", "And to Sweden?"]
    assert len(history.messages(DANA, foreign) or ()) == 1


def test_the_routes_list_show_and_delete_a_users_own(
    client: TestClient, log_in: Callable[..., str], history: HistoryStore
) -> None:
    conversation, other = kept(history, SOFIA), kept(history, DANA)
    token = {"x-csrf-token": log_in("sofia")}
    (listed,) = client.get("/history").json()["conversations"]
    assert listed["id"] == str(conversation)
    (message,) = client.get(f"/history/{conversation}").json()["messages"]
    assert (message["answer"], message["record"], message["available"]) == (LEARNT.text, 7, True)
    assert message["sources"][0]["document"] == LEARNT.sources[0].document
    for foreign in (other, uuid4()):
        assert client.get(f"/history/{foreign}").status_code == 404
        assert client.delete(f"/history/{foreign}", headers=token).status_code == 404
    assert client.delete(f"/history/{conversation}", headers=token).json() == {"deleted": 1}
    kept(history, SOFIA)
    assert client.delete("/history", headers=token).json() == {"deleted": 1}
    assert len(history.conversations(DANA)) == 1


def test_without_a_session_or_its_csrf_token_nothing_is_shown_or_deleted(
    client: TestClient, log_in: Callable[..., str], history: HistoryStore
) -> None:
    conversation = kept(history, SOFIA)
    assert client.get("/history").status_code == 401
    assert client.get(f"/history/{conversation}").status_code == 401
    log_in("sofia")
    for headers in ({}, {"x-csrf-token": "0" * 64}):
        assert client.delete(f"/history/{conversation}", headers=headers).status_code == 403
        assert client.delete("/history", headers=headers).status_code == 403
    assert len(history.conversations(SOFIA)) == 1


def test_an_old_answer_is_no_longer_shown_to_whose_role_was_narrowed(
    client: TestClient, log_in: Callable[..., str], history: HistoryStore, narrowed: set[str]
) -> None:
    conversation = kept(history, SOFIA)
    log_in("sofia")
    narrowed.add("sofia")
    (message,) = client.get(f"/history/{conversation}").json()["messages"]
    assert message == {
        "asked_at": message["asked_at"],
        "question": "How much?",
        "available": False,
        "answer": str(GONE),
    }


def test_an_answer_from_rows_says_that_it_was_not_kept(
    client: TestClient, log_in: Callable[..., str], history: HistoryStore
) -> None:
    conversation = kept(history, SOFIA, ANSWER)
    log_in("sofia")
    (message,) = client.get(f"/history/{conversation}").json()["messages"]
    assert (message["answer"], message["available"]) == (str(NOT_KEPT), False)


def test_where_nothing_is_kept_there_are_no_such_routes(
    chain: StandInChain, store: UserStore, recorded: Recorded, limiter: Limiter
) -> None:
    plain = create_app(chain, store, title="Northwind", ready=list, policy=POLICY, record=recorded, limiter=limiter)
    with TestClient(plain) as client:
        assert client.get("/history").status_code == 404


# -- who may read again ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read_company(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("history") / "project"
    shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
    project = load_project(root)
    ingest(project, Workspace(project.root))
    return project


def test_reading_again_is_decided_by_todays_rules(read_company: Project) -> None:
    workspace, meals = Workspace(read_company.root), (LEARNT.sources[0].document,)
    board = ("documents/board/salaries.md",)
    cases = [
        (EVA, "handbook", meals, True),
        (EVA, "handbook", (), True),
        (EVA, "board", (), False),
        (EVA, "handbook", board, False),
        (EVA, "handbook", (*meals, "documents/handbook/gone.md"), False),
        (EVA, "deleted-agent", meals, False),
        (DANA, "board", board, True),
        (replace(DANA, role="employee"), "board", board, False),
        (replace(DANA, role="astronaut"), "handbook", meals, False),
    ]
    for principal, agent, documents, may in cases:
        found = may_read_again(read_company, workspace, principal, agent, documents)
        assert found is may, (principal, agent, documents)


def test_a_document_labelled_more_narrowly_since_takes_its_old_answers_away(read_company: Project) -> None:
    workspace, meals = Workspace(read_company.root), (LEARNT.sources[0].document,)
    label = read_company.root / "documents/handbook/readers.yaml"
    assert may_read_again(read_company, workspace, EVA, "handbook", meals)
    label.write_text("readers: [director]\n", encoding="utf-8")
    assert not may_read_again(read_company, workspace, EVA, "handbook", meals)
    label.unlink()
    assert may_read_again(read_company, workspace, EVA, "handbook", meals)
