"""What people marked and a person approved: learnt for the roles that may read it, and quoted to nobody."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.access import Policy, Principal
from allotment.access._policy import AgentRule
from allotment.feedback import LabelledItem
from allotment.routing import Candidate, Means, Route, Router

EVERYBODY = frozenset({"clerk", "driver", "boss"})
POLICY = Policy(
    EVERYBODY,
    {
        "rules": AgentRule("rules", EVERYBODY, EVERYBODY, None),
        "plans": AgentRule("plans", EVERYBODY, EVERYBODY, None),
        "deals": AgentRule("deals", frozenset({"boss"}), frozenset({"boss"}), None),
    },
    {},
)
EXAMPLES: dict[Candidate, list[str]] = {
    ("rules", "adapter"): [f"How is the {thing} requested?" for thing in ("holiday", "badge", "laptop", "desk", "key")],
    ("rules", "account"): [f"How many {things} are there?" for things in ("badges", "desks", "laptops", "keys")],
    ("plans", "adapter"): [f"When will the {thing} be opened?" for thing in ("shop", "hall", "office", "dock", "gate")],
    ("deals", "adapter"): [f"Who buys the {thing}?" for thing in ("factory", "vineyard", "mill", "island", "castle")],
}
ODD = "Zaphod quokka marmalade when?"


def item(text: str, role: str, agent: str, readers: Sequence[str] = (), means: Means = "adapter") -> LabelledItem:
    mine = tuple(sorted({role, *readers}))
    return LabelledItem(
        use="routing", text=text, role=role, readers=mine, agent=agent, means=means, verdict="wrong_agent"
    )


def router(*marked: LabelledItem) -> Router:
    return Router(POLICY, EXAMPLES, {}, marked=marked)


def route(made: Router, question: str, role: str) -> Route | None:
    found = made.route(question, Principal("somebody", role))
    assert found is None or isinstance(found, Route)
    return found


def test_a_question_that_went_wrong_goes_right_once_its_mark_is_approved() -> None:
    question = "How is the opening of the hall requested?"
    before = route(router(), question, "clerk")
    assert before is not None
    assert before.agent == "rules"
    after = route(router(item(question, "clerk", "plans")), question, "clerk")
    assert after is not None
    assert after.agent == "plans"


def test_a_question_taken_for_nobodys_finds_its_agent_once_its_mark_is_approved() -> None:
    question = "Who won the quokka race?"
    assert route(router(), question, "clerk") is None
    found = route(router(item(question, "clerk", "rules")), question, "clerk")
    assert found is not None
    assert found.agent == "rules"


def test_an_agent_a_user_named_learns_by_which_means_he_meant() -> None:
    question = "Count whatever the laptop costs"
    assert router().route_to(question, "rules", "clerk").means == "adapter"
    marked = router(item(question, "clerk", "rules", means="account"))
    assert marked.route_to(question, "rules", "clerk").means == "account"
    assert marked.route_to(question, "rules", "driver").means == "adapter"


_QUESTIONS = st.sampled_from(
    [ODD, "How is the badge requested?", "When will the dock be opened?", "Who buys the mill?", "and last year?", "?"]
)
_TEXTS = st.text(min_size=1, max_size=30).filter(str.strip) | _QUESTIONS


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(_TEXTS, st.sampled_from(["rules", "plans", "deals"])), max_size=4), _QUESTIONS)
def test_what_one_role_asked_changes_no_digit_for_another_role(secret: list[tuple[str, str]], question: str) -> None:
    plain = router()
    marked = router(*(item(text, "boss", agent) for text, agent in secret))
    for role in ("clerk", "driver"):
        who, entitled = Principal("somebody", role), POLICY.entitled(role)
        assert marked.routed(question, who) == plain.routed(question, who)
        assert marked.route_to(question, "rules", role) == plain.route_to(question, "rules", role)
        assert marked.seal(entitled, role) == plain.seal(entitled, role)


@settings(max_examples=15, deadline=None)
@given(st.text("abcdefgh ", min_size=8, max_size=30).filter(lambda text: len(text.split()) > 1), _QUESTIONS)
def test_a_marked_question_is_never_quoted(text: str, question: str) -> None:
    marked = router(item(text, "clerk", "rules"), item(text, "clerk", "plans"))
    for asked in (text, question):
        found = route(marked, asked, "clerk")
        assert found is None or repr(text) not in found.why


def test_an_item_for_an_agent_the_role_has_not_is_learnt_by_nobody() -> None:
    marked = router(item(ODD, "clerk", "deals"), item(ODD, "clerk", "rules", means="account", readers=["boss"]))
    assert route(marked, ODD, "driver") == route(router(), ODD, "driver")
    found = route(marked, ODD, "clerk")
    assert found is not None
    assert found.agent == "rules"


def test_numbers_fitted_with_a_mark_hold_for_the_roles_that_may_read_it_and_for_as_long_as_it_is_approved() -> None:
    agents = POLICY.entitled("clerk")
    marked = router(item(ODD, "clerk", "plans"))
    fitted = marked.train(agents, "clerk")
    assert fitted is not None
    trained = Router(POLICY, EXAMPLES, {}, trained=[fitted], marked=[item(ODD, "clerk", "plans")])
    assert trained.is_trained(agents, "clerk")
    assert not trained.is_trained(agents, "driver")
    assert not Router(POLICY, EXAMPLES, {}, trained=[fitted]).is_trained(agents, "clerk")
