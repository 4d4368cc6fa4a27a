"""The administration's policy: nothing that is not declared, and never a reading the role did not have without it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from allotment.access import AdminPolicy, Principal, Request, decide
from allotment.project import PARTS, Project

ROLES = ("a", "b", "c")
_roles = st.frozensets(st.sampled_from(ROLES))
_parts = st.frozensets(st.sampled_from(PARTS))


def _project(
    administration: object, readers: frozenset[str], served: frozenset[str], *, claims: bool = False
) -> Project:
    table: dict[str, Any] = {"columns": ["id"]} | ({"rows": {"id": "user.id"}} if claims else {})
    return Project.model_validate(
        {
            "root": Path(),
            "name": "Small",
            "roles": dict.fromkeys(ROLES, "asks"),
            "documents": {"set": {"path": "set", "readers": sorted(readers)}},
            "databases": {"data": {"load": "data.sql"}},
            "accounts": {"account": {"database": "data", "tables": {"rows": table}}},
            "agents": {"agent": {"roles": sorted(served), "documents": ["set"], "account": "account"}},
            "administration": administration,
        }
    )


def _everything(role: str = "a") -> dict[str, object]:
    return {role: {"see": list(PARTS), "change": ["people", "dataset", "training", "feedback"], "manages": list(ROLES)}}


@given(seen=_parts, changed=st.frozensets(st.sampled_from(["dataset", "training", "feedback"])))
def test_what_is_not_declared_is_denied_and_what_may_be_changed_may_be_seen(
    seen: frozenset[str], changed: frozenset[str]
) -> None:
    declared = {"a": {"see": sorted(seen), "change": sorted(changed)}} if seen | changed else {}
    policy = AdminPolicy.of(_project(declared, frozenset("abc"), frozenset("abc")))
    for role, part in product((*ROLES, "unheard-of"), PARTS):
        who = Principal("u", role)
        assert policy.may(who, part, "see") == (role == "a" and part in seen | changed)
        assert policy.may(who, part, "change") == (role == "a" and part in changed)
        assert (part in policy.parts(who)) == policy.may(who, part, "see")
        assert policy.manages(who) == frozenset()
        with_key = Principal("u", role, agents=frozenset({"agent"}))
        assert not policy.may(with_key, part, "see")


@given(
    readers=_roles.filter(bool), served=_roles.filter(bool), role=st.sampled_from(ROLES), asker=st.sampled_from(ROLES)
)
def test_running_the_place_gives_no_reading(
    readers: frozenset[str], served: frozenset[str], role: str, asker: str
) -> None:
    served = served & readers or readers
    plain, running = (AdminPolicy.of(_project(declared, readers, served)) for declared in ({}, _everything(role)))
    who = Principal("u", role)
    allowed = decide(running.policy, who, Request("agent", search=True)).outcome == "allow"
    assert running.reads_agent(who, "agent") == plain.reads_agent(who, "agent") == allowed == (role in served)
    words = running.reads_words_of(who, "somebody", asker)
    assert words == plain.reads_words_of(who, "somebody", asker)
    if words:  # whatever the asker reaches, the reader reaches
        assert asker not in readers or role in readers
        assert asker not in served or role in served


def test_words_are_for_the_asker_alone_where_rows_depend_on_who_asks() -> None:
    everybody = frozenset(ROLES)
    policy = AdminPolicy.of(_project(_everything(), everybody, everybody, claims=True))
    assert not policy.reads_words_of(Principal("u", "a"), "v", "a")
    assert policy.reads_words_of(Principal("u", "a"), "u", "a")
    assert not policy.reads_words_of(Principal("u", "a"), "u", "b")  # asked under a role he has no more
    assert not policy.reads_words_of(Principal("u", "a"), "v", "gone")


@pytest.mark.parametrize(
    "declared, words",
    [
        ({"nobody": {"see": ["audit"]}}, "nobody"),
        ({"a": {"see": ["everything"]}}, "see"),
        ({"a": {"change": ["audit"]}}, "change"),
        ({"a": {}}, "gives nothing"),
        ({"a": {"change": ["people"]}}, "go together"),
        ({"a": {"see": ["people"], "manages": ["b"]}}, "go together"),
        ({"a": {"change": ["people"], "manages": ["ghost"]}}, "ghost"),
        ({"a": {"see": ["audit"], "reads": ["board"]}}, "reads"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(declared: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _project(declared, frozenset(ROLES), frozenset(ROLES))
