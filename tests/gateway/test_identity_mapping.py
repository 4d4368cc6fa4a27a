"""From a verified token to a role: for all groups, all tables, and whatever else a provider may send."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from allotment.gateway.identity._id_token import LoginRefused
from allotment.gateway.identity._mapping import identity_of, name_in, role_in
from allotment.project import OidcConfig

GROUPS = st.sampled_from(["a", "b", "c", "d", "A", ""])
TABLES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["clerk", "boss"]), min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def config(table: dict[str, str]) -> OidcConfig:
    return OidcConfig(
        issuer="https://login.example.org", client_id="g", user_claim="login", roles=table, claims={"number": "number"}
    )


def outcome(table: dict[str, str], groups: Any) -> str | None:
    try:
        return role_in(config(table), {"groups": groups})
    except LoginRefused:
        return None


@given(TABLES, st.lists(GROUPS, max_size=6))
def test_exactly_one_role_is_access_and_anything_else_is_none(table: dict[str, str], groups: list[str]) -> None:
    roles = {table[group] for group in groups if group in table}
    assert outcome(table, groups) == (roles.pop() if len(roles) == 1 else None)


@given(TABLES, st.lists(GROUPS, max_size=6), st.lists(GROUPS, max_size=3))
def test_more_groups_never_make_a_role_another_role(table: dict[str, str], groups: list[str], more: list[str]) -> None:
    before, after = outcome(table, groups), outcome(table, groups + more)
    assert before is None or after in (before, None)


@given(TABLES, JSON)
def test_whatever_a_provider_sends_as_groups_is_a_declared_role_or_none(table: dict[str, str], sent: Any) -> None:
    role = outcome(table, sent)
    assert role is None or role in table.values()
    if not isinstance(sent, str | list):
        assert role is None


@given(JSON, JSON)
def test_whatever_a_provider_sends_is_a_user_in_full_or_refused(login: Any, number: Any) -> None:
    claims = {"sub": "s", "groups": "a", "login": login, "number": number}
    try:
        found = identity_of(config({"a": "clerk"}), claims)
    except LoginRefused:
        return
    assert found.role == "clerk" and found.name == name_in(config({"a": "clerk"}), claims)
    assert found.name.isascii() and found.name == found.name.lower()
    for _, values in found.claims:
        assert all(isinstance(value, str | bool | int | float) for value in values)
