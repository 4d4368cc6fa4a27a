"""Authorize: no grant without a record, no record without its decision, and nobody past his clearance."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allotment
from allotment.access import AdapterFacts, AgentRule, Grant, Policy, Principal, Request, claims_of
from allotment.audit import AuditLog, AuditRecord, RecordedDenial, authorize, record_event
from allotment.databases import Databases
from allotment.errors import AccessDenied
from allotment.project import Project

SOFIA = Principal("sofia", "sales")


@pytest.fixture(scope="module")
def log(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    admin = postgres.admin_dsn("allotment")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE authorize_tests TEMPLATE template0")
    here = {"dbname": "authorize_tests"}
    anchor = tmp_path_factory.mktemp("authorize") / "anchor"
    with AuditLog(psycopg.conninfo.make_conninfo(postgres.state_dsn, **here), "k", anchor) as log:
        log.migrate(psycopg.conninfo.make_conninfo(admin, **here))
        yield log
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE authorize_tests WITH (FORCE)")


def test_a_grant_names_the_record_that_holds_its_decision(log: AuditLog, northwind: Project) -> None:
    request = Request("sales", account="northwind_sales")
    grant = authorize(log, Policy.of(northwind), SOFIA, request, question="How many?")
    record = log.records(1)[0]
    assert record.sequence == grant.record
    assert record.event["outcome"] == "allow"
    assert (record.event["user"], record.event["account"], record.event["question"]) == (
        "sofia",
        "northwind_sales",
        "How many?",
    )


def test_the_claims_a_decision_was_made_with_are_on_record(log: AuditLog, northwind: Project) -> None:
    sofia = Principal(SOFIA.user, SOFIA.role, claims_of({"employee_id": 5, "region": ["north", "south"]}))
    request = Request("sales", account="northwind_sales")
    authorize(log, Policy.of(northwind), sofia, request, question="How many?")
    event = log.records(1)[0].event
    assert event["claims"] == {"employee_id": [5], "region": ["north", "south"]}


def test_a_key_that_is_not_good_for_an_agent_is_denied_it_on_record_whatever_the_role_may_ask(
    log: AuditLog, northwind: Project
) -> None:
    narrow = Principal(SOFIA.user, SOFIA.role, agents=frozenset({"handbook"}))
    request = Request("sales", account="northwind_sales")
    with pytest.raises(RecordedDenial):
        authorize(log, Policy.of(northwind), narrow, request, question="How many?")
    event = log.records(1)[0].event
    assert (event["outcome"], event["reason"], event["key_agents"]) == ("deny", "key-scope", ["handbook"])


def test_a_denied_decision_is_on_record_before_it_is_told(log: AuditLog, northwind: Project) -> None:
    adapter = AdapterFacts("board", "v1", frozenset({"director"}), stale=False)
    with pytest.raises(RecordedDenial) as caught:
        authorize(log, Policy.of(northwind), SOFIA, Request("board", adapter), question="Which company?")
    record = log.records(1)[0]
    assert record.sequence == caught.value.record
    assert (record.event["outcome"], record.event["reason"]) == ("deny", "role-not-served")
    assert caught.value.decision.reason == "role-not-served"
    assert caught.value.exit_code == 3


def test_without_a_database_there_is_no_grant(northwind: Project, tmp_path: Path) -> None:
    dead = AuditLog(f"host={tmp_path} user=x dbname=x", "k", tmp_path / "anchor")
    with pytest.raises(AccessDenied, match="cannot be recorded"):
        authorize(dead, Policy.of(northwind), SOFIA, Request("sales", account="northwind_sales"), question="?")
    with pytest.raises(AccessDenied):
        record_event(dead, SOFIA, "unknown", {})


def test_a_cut_record_gives_no_grant(log: AuditLog, northwind: Project, tmp_path: Path) -> None:
    record_event(log, SOFIA, "unknown", {"question": "?"})
    without_anchor = AuditLog(log._dsn, "k", tmp_path / "anchor")
    with without_anchor, pytest.raises(AccessDenied):
        authorize(
            without_anchor, Policy.of(northwind), SOFIA, Request("sales", account="northwind_sales"), question="?"
        )


def test_other_events_are_on_record(log: AuditLog) -> None:
    number = record_event(log, SOFIA, "guard-refused", {"checks": ["role-claim"]})
    record = log.records(1)[0]
    assert (record.sequence, record.event["kind"], record.event["role"]) == (number, "guard-refused", "sales")


def test_no_module_but_audit_can_mint_a_grant() -> None:
    package = Path(allotment.__file__).parent
    users = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and any(alias.name in {"mint", "_SEAL"} for alias in node.names))
        or (isinstance(node, ast.Attribute) and node.attr in {"mint", "_SEAL"})
    }
    assert users == {"audit"}


class _Memory:
    """A record that keeps events in memory; stands in for the database where its rules are not what is tested."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def append(self, event: dict[str, object]) -> AuditRecord:
        self.events.append(event)
        return AuditRecord(len(self.events), datetime.now(UTC), dict(event), "")


ROLES = ["a", "b", "c", "unknown"]
_readers = st.frozensets(st.sampled_from(ROLES[:3]))
_rules = st.builds(
    AgentRule, name=st.just("x"), roles=_readers, clearance=_readers, account=st.sampled_from([None, "p", "q"])
)
_policies = st.dictionaries(st.sampled_from(["m", "n"]), _rules).map(
    lambda agents: Policy(frozenset(ROLES[:3]), MappingProxyType(agents))
)
_adapters = st.none() | st.builds(
    AdapterFacts, st.sampled_from(["m", "n", "o"]), st.just("v1"), _readers, st.booleans()
)
_requests = st.builds(Request, st.sampled_from(["m", "n", "o"]), _adapters, st.sampled_from([None, "p", "q"]))


@given(_policies, st.sampled_from(ROLES), _requests)
def test_no_policy_grants_a_role_what_its_clearance_lacks(policy: Policy, role: str, request: Request) -> None:
    log = _Memory()
    grant: Grant | None = None
    with suppress(AccessDenied):
        grant = authorize(log, policy, Principal("u", role), request, question="?")  # type: ignore[arg-type]
    assert len(log.events) == 1
    assert (log.events[0]["outcome"] == "allow") == (grant is not None)
    if grant is None:
        return
    rule = policy.agents[request.agent]
    assert role in rule.roles and role in rule.clearance
    assert request.adapter or request.account
    assert request.adapter is None or (role in request.adapter.clearance and not request.adapter.stale)
    assert request.adapter is None or request.adapter.agent == request.agent
    assert request.account is None or request.account == rule.account
