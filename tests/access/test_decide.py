"""Decisions: total, pure, and never past a clearance; grants cannot be made by hand."""

from __future__ import annotations

import copy
import pickle
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import allotment
from allotment.access import (
    AdapterFacts,
    AgentRule,
    Decision,
    DocumentFacts,
    Grant,
    Policy,
    Principal,
    Reason,
    Request,
    claims_of,
    common_readers,
    decide,
    require_grant,
)
from allotment.access._grant import mint
from allotment.errors import NotGranted
from allotment.project import load_project

ROLES = ("a", "b")
SETS = tuple(frozenset(item) for item in ((), ("a",), ("b",), ("a", "b")))
AGENTS = ("m", "n")

_readers = st.frozensets(st.sampled_from(["a", "b", "c"]))


def _policy(roles: frozenset[str], clearance: frozenset[str], account: str | None) -> Policy:
    rule = AgentRule("m", roles, clearance, account)
    other = AgentRule("n", frozenset(ROLES), frozenset(ROLES), "q")
    claims = MappingProxyType({"v": claims_of({"branch": "north"})})
    users = MappingProxyType({"w": "a"})
    return Policy(frozenset(ROLES), MappingProxyType({"m": rule, "n": other}), users=users, claims=claims)


def test_every_case_of_a_small_world_is_decided_as_the_invariant_says() -> None:
    adapters = [None, *(AdapterFacts(*case) for case in product(AGENTS, ["v"], SETS, [False, True]))]
    seen: set[str] = set()
    for served, clearance, own in product(SETS, SETS, (None, "p")):
        policy = _policy(served, clearance, own)
        asking = [Principal(*one) for one in product(("u", "w"), (*ROLES, "x"))]
        asking += [Principal("v", "a", claims_of({"branch": branch})) for branch in ("north", "south")]
        asking += [Principal("u", role, agents=frozenset(scope)) for role in ROLES for scope in ((), "m", "n", "mn")]
        for principal, agent, adapter, account, search in product(
            asking, (*AGENTS, "o"), adapters, (None, "p", "q"), (False, True)
        ):
            decision = decide(policy, principal, Request(agent, adapter, account, search))
            role = principal.role
            rule = policy.agents.get(agent)
            expected = (
                role in policy.roles
                and (principal.user != "w" or role == "a")
                and (principal.user != "v" or principal.claim("branch") == ("north",))
                and rule is not None
                and role in rule.roles
                and (principal.agents is None or agent in principal.agents)
                and role in rule.clearance
                and (adapter is not None or account is not None or search)
                and (account is None or account == rule.account)
                and (adapter is None or (adapter.agent == agent and not adapter.stale and role in adapter.clearance))
            )
            assert (decision.outcome == "allow") is expected
            seen.add(decision.reason)
    assert seen | {"document-not-readable"} == set(get_args(Reason))


def test_a_document_is_read_by_whom_its_labels_and_the_agents_name_and_by_nobody_else() -> None:
    for served, clearance, readers in product(SETS, SETS, SETS):
        policy = _policy(served, clearance, None)
        asking = [Principal(*one) for one in product(("u", "w"), (*ROLES, "x"))]
        asking += [Principal("u", role, agents=frozenset(scope)) for role in ROLES for scope in ((), "m", "n")]
        for principal, agent in product(asking, (*AGENTS, "o")):
            request = Request(agent, document=DocumentFacts("d.md", readers))
            decision = decide(policy, principal, request)
            may_ask = decide(policy, principal, Request(agent, search=True)).outcome == "allow"
            assert (decision.outcome == "allow") is (may_ask and principal.role in readers)
            assert decision.outcome == "allow" or not may_ask or decision.reason == "document-not-readable"


def test_a_grant_for_one_document_opens_no_other_and_no_search() -> None:
    policy = _policy(frozenset("a"), frozenset("a"), None)
    asked = Request("m", document=DocumentFacts("d.md", frozenset("a")))
    grant = mint(decide(policy, Principal("u", "a"), asked), 1)
    assert require_grant(grant, agent="m", document="d.md") is grant
    for other in ({"document": "e.md"}, {"search": True}, {"account": "p"}, {"adapter": "v"}):
        with pytest.raises(NotGranted):
            require_grant(grant, agent="m", **other)  # type: ignore[arg-type]
    searching = mint(decide(policy, Principal("u", "a"), Request("m", search=True)), 2)
    with pytest.raises(NotGranted):
        require_grant(searching, agent="m", document="d.md")


@given(st.text(), st.text(), st.text(), st.none() | st.text())
def test_any_unknown_name_is_denied(user: str, role: str, agent: str, account: str | None) -> None:
    policy = Policy(frozenset({"known role"}), MappingProxyType({}))
    decision = decide(policy, Principal(user, role), Request(agent, None, account))
    assert decision.outcome == "deny" and decision.explanation


@given(st.lists(_readers))
def test_common_readers_may_each_read_every_source(sources: list[frozenset[str]]) -> None:
    common = common_readers(sources)
    assert all(common <= source for source in sources)
    assert common == (frozenset.intersection(*sources) if sources else frozenset())


@given(_readers, _readers, st.sampled_from(["a", "b", "c", "x"]))
def test_a_role_is_entitled_exactly_to_what_it_could_be_granted(
    roles: frozenset[str], clearance: frozenset[str], role: str
) -> None:
    policy = Policy(frozenset("abc"), MappingProxyType({"m": AgentRule("m", roles, clearance, "p")}))
    granted = decide(policy, Principal("u", role), Request("m", account="p")).outcome == "allow"
    assert (policy.entitled(role) == ("m",)) is granted


@given(_readers, _readers, st.sampled_from("abcx"), st.none() | st.frozensets(st.sampled_from(["m", "n", "o"])))
def test_a_key_narrows_what_its_users_role_may_ask_and_never_widens_it(
    roles: frozenset[str], clearance: frozenset[str], role: str, scope: frozenset[str] | None
) -> None:
    rules = {name: AgentRule(name, roles, clearance, name) for name in AGENTS}
    policy = Policy(frozenset("abc"), MappingProxyType(rules))
    scoped, unscoped = Principal("u", role, agents=scope), Principal("u", role)
    for agent in (*AGENTS, "o"):
        request = Request(agent, account=agent)
        mine = decide(policy, unscoped, request).outcome == "allow"
        decision = decide(policy, scoped, request)
        assert (decision.outcome == "allow") is (mine and (scope is None or agent in scope))
        assert (decision.reason == "key-scope") is (mine and decision.outcome == "deny") or not mine
        assert (agent in policy.agents_of(scoped)) is (decision.outcome == "allow")


def test_the_example_company_gives_each_role_its_agents() -> None:
    policy = Policy.of(load_project(Path(allotment.__file__).parent / "examples" / "northwind"))
    assert policy.entitled("employee") == ("handbook",)
    assert policy.entitled("sales") == ("sales", "handbook")
    assert policy.entitled("warehouse") == ("warehouse", "handbook")
    assert set(policy.entitled("director")) == {"board", "sales", "warehouse", "handbook"}
    assert policy.entitled("nobody") == ()


ALLOWED = decide(
    _policy(SETS[3], SETS[3], "p"),
    Principal("u", "a"),
    Request("m", AdapterFacts("m", "v1", SETS[3], stale=False), "p"),
)


def test_a_grant_cannot_be_made_by_hand_or_taken_out_of_its_process() -> None:
    with pytest.raises(NotGranted):
        Grant(decision=ALLOWED, record=1, seal=object())
    with pytest.raises(TypeError):
        pickle.dumps(mint(ALLOWED, 1))
    with pytest.raises(TypeError):
        copy.deepcopy(mint(ALLOWED, 1))


def test_a_denied_decision_cannot_be_minted() -> None:
    denied = Decision("deny", "unknown-role", ALLOWED.principal, ALLOWED.request)
    with pytest.raises(NotGranted):
        mint(denied, 1)


@pytest.mark.parametrize(
    "wanted",
    [{"agent": "n"}, {"agent": "m", "adapter": "v2"}, {"agent": "m", "account": "q"}],
)
def test_a_grant_opens_only_what_it_names(wanted: dict[str, str]) -> None:
    grant = mint(ALLOWED, 1)
    assert require_grant(grant, agent="m", adapter="v1", account="p") is grant
    with pytest.raises(NotGranted):
        require_grant(grant, **wanted)


@pytest.mark.parametrize("fake", [None, True, ALLOWED, "grant"])
def test_what_is_no_grant_opens_nothing(fake: object) -> None:
    with pytest.raises(NotGranted):
        require_grant(fake, agent="m")
