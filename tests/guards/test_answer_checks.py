"""What may not stand in an answer: secrets, canaries, statements, traces, foreign addresses, personal data."""

from __future__ import annotations

import base64
import codecs
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import allotment
from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.guards import (
    AnswerContext,
    Finding,
    Guards,
    allow,
    check_answer,
    foreign_identifiers,
    hosts_of,
    normalise,
    without_addresses,
)
from allotment.project import GuardsConfig, Project, load_project

EXAMPLE = Path(allotment.__file__).parent / "examples/northwind"
PROJECT = load_project(EXAMPLE)
EVA, DANA = Principal("eva", "employee"), Principal("dana", "director")


def _project(**guards: Any) -> Project:
    return PROJECT.model_copy(update={"guards": GuardsConfig(**guards)})


def _refused_by(text: str, context: AnswerContext = AnswerContext()) -> list[str]:  # noqa: B008
    return [finding.check for finding in check_answer(text, context) if finding.outcome == "refuse"]


_KEY = "".join(("-----BEGIN OPENSSH PRIV", "ATE KEY-----"))
SECRETS = [
    f"{_KEY}\nb3BlbnNzaC1rZXktdjEAAAAA",
    "Use AKIA" + "QWERTYUIOPASDFGH for the bucket.",
    "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6q",
    "DefaultEndpointsProtocol=https;AccountKey=" + "abcd" * 20 + "==",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 7,
    "glpat-" + "x1y2z3" * 4,
    "xoxb-" + "123456789012-abcdefABCDEF",
    "https://hooks.slack.com/services/" + "T00000000/B00000000/XXXXXXXX",
    "The key is sk-proj-" + "a1b2c3d4e5" * 4,
    "hf_" + "abcdEFGH" * 5,
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "Authorization: Bearer " + "abcdef0123456789abcdef0123456789",
    "postgresql://app:s3cret@db.example:5432/app",
]


@pytest.mark.parametrize("text", SECRETS, ids=[str(number) for number in range(len(SECRETS))])
def test_an_answer_with_a_key_or_a_token_is_refused_and_the_record_does_not_repeat_it(text: str) -> None:
    findings = {finding.check: finding for finding in check_answer(text)}
    assert findings["secrets"].outcome == "refuse"
    assert not any(word in findings["secrets"].evidence for word in text.split() if len(word) > 8)


@pytest.mark.parametrize(
    "text",
    [
        "The password is Marigold-22!",
        "password: hunter2x",
        "Heslo k wifi je Mesicek7.",
        "heslo: mesicek7",
        "Das Passwort lautet Lupine99",
        "api key = abc123def",
    ],
)
def test_passwords_are_refused_where_the_project_says_so(text: str) -> None:
    strict, usual = Guards(_project(secrets=["passwords"])), Guards(PROJECT)
    assert [one.check for one in strict.check_answer(text, EVA) if one.outcome == "refuse"] == ["secrets"]
    assert not [one for one in usual.check_answer(text, EVA) if one.outcome == "refuse"]


@pytest.mark.parametrize(
    "text",
    [
        "A password has at least 14 characters and is changed every 90 days.",
        "Heslo se mění každých 90 dní.",
        "Das Passwort ist alle 90 Tage zu ändern.",
        "The token of the locker B17 is kept at the desk.",
        "Ask the key holder; the risk-assessment-of-the-warehouse-2026 is on the shelf.",
    ],
)
def test_talk_of_secrets_is_no_secret(text: str) -> None:
    findings = Guards(_project(secrets=["keys", "tokens", "passwords"])).check_answer(text, EVA)
    assert not [finding for finding in findings if finding.outcome == "refuse"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT name, salary FROM employees",
        "select * from employees",
        "select count(*) from orders",
        "select e.name from employees e where e.id = 3",
        "Select name from staff\norder by salary",
        "WITH t AS (SELECT 1) SELECT x\nFROM t",
        "INSERT INTO orders (id) VALUES (3)",
        "update staff set salary = 3",
        "DELETE FROM orders",
        "delete from orders where 1",
        "DROP TABLE staff",
        "CREATE POLICY p ON t",
        "GRANT SELECT ON staff TO eva",
        "```sql\nwhatever\n```",
        "look into pg_catalog",
        "ＳＥＬＥＣＴ name ＦＲＯＭ staff",
    ],
)
def test_an_answer_with_a_statement_in_it_is_refused(text: str) -> None:
    assert "sql" in _refused_by(text)


@pytest.mark.parametrize(
    "text",
    [
        "Select a date from the calendar and confirm.",
        "Update your profile and set a new picture.",
        "We select suppliers from a list; where in doubt ask purchasing.",
        "Delete the form from your drive.",
        "The table in the hall is reserved. Drop by the table at noon.",
        "Grant holders from on high give to those below.",
    ],
)
def test_plain_words_that_are_also_keywords_are_no_statement(text: str) -> None:
    assert _refused_by(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "a.py", line 3, in f',
        "   at Object.<anonymous> (/srv/app/index.js:10:15)",
        "   at com.example.Orders.load(Orders.java:42)",
        "   at Shop.Orders.Load(Int32 id) in C:\\shop\\Orders.cs:line 42",
        "Caused by: java.sql.SQLException",
        "java.lang.NullPointerException at start",
        "goroutine 17 [running]:",
        "thread 'main' panicked at src/main.rs:4",
        "PHP Fatal error: Uncaught PDOException",
        "#0 /var/www/index.php(12): load()",
        "from app/models/order.rb:12:in `find'",
        "ORA-00942: table or view",
        "You have an error in your SQL syntax; check",
        "no such table: staff",
    ],
)
def test_an_answer_with_a_trace_or_an_error_of_a_database_is_refused(text: str) -> None:
    assert "error_text" in _refused_by(text)


FOREIGN = [
    "See https://evil.example/a?d=secret",
    "<https://evil.example>",
    "HTTPS://EVIL.EXAMPLE",
    "http:\\\\evil.example\\a",
    "www.evil.example/x",
    "//evil.example/x",
    "https://intranet.example@evil.example/",
    "https://intranet.example.evil.example/",
    "https://evil.example:8443/?x=1",
    "wss://evil.example/socket",
    "ht\u200btps://evil.example/x",
    "ｈｔｔｐｓ://evil.example/x",
    "[1]: https://evil.example",
    "[a]:\n  https://evil.example",
    "[see][1]\n\n[1]: <//evil.example>",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_an_address_of_a_foreign_host_is_refused_however_it_is_written(text: str) -> None:
    assert _refused_by(text, AnswerContext(hosts={"intranet.example"})) == ["remote_content"]


@pytest.mark.parametrize(
    "text",
    [
        "The portal is https://intranet.example/hr.",
        "The portal is <https://hr.intranet.example:8443/a?b=c>, or www.intranet.example.",
        "Either/or, 5//6, a // b, mail jana@intranet.example",
    ],
)
def test_an_address_of_an_own_host_may_be_named(text: str) -> None:
    assert _refused_by(text, AnswerContext(hosts={"intranet.example"})) == []


def test_a_picture_of_an_own_host_is_refused_all_the_same() -> None:
    text = "![x](https://intranet.example/a.png?d=secret)"
    assert _refused_by(text, AnswerContext(hosts={"intranet.example"})) == ["remote_content"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Use [logging](https://docs.example/logging.html#a) here.", "Use logging here."),
        ("[`run()`](https://docs.example/a_(b) 'Its page') and [this](//docs.example)", "`run()` and this"),
        ("![The hall](images/hall.png) is open.", "The hall is open."),
        ("Call handlers[name](event), see [the next page](next.md).", None),
        ("[a [b]](https://evil.example)", None),
        ("[[a](https://evil.example)](https://evil.example)", "[a](https://evil.example)"),
    ],
)
def test_links_of_a_learnt_answer_become_their_words_and_nothing_else_is_touched(text: str, words: str | None) -> None:
    assert without_addresses(text) == (words or text)


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("around", ["{}", "[{}](https://evil.example)", "[a](b) {} ![a](b)"])
def test_a_foreign_address_that_is_no_link_of_markdown_is_still_there_to_be_refused(text: str, around: str) -> None:
    left = without_addresses(around.format(text))
    assert "evil.example" not in normalise(left) or _refused_by(left) == ["remote_content"]


def test_hosts_are_read_off_documents_and_declared_ones_count_besides() -> None:
    assert hosts_of(["See https://a.example/x, or www.b.example."]) == {"a.example", "www.b.example"}
    guards = Guards(_project(hosts=["Own.example"]))
    text = "https://own.example and https://known.example"
    assert [one.outcome for one in guards.check_answer(text, EVA) if one.check == "remote_content"] == ["refuse"]
    known = guards.check_answer(text, EVA, hosts={"known.example"})
    assert {one.outcome for one in known} == {"allow"}


CANARY = "Kestrel-Canary-7741"


def _with_canary() -> Guards:
    return Guards(_project(canaries={"board": [CANARY]}))


HIDDEN = {
    "as it is": lambda text: text,
    "spaced": lambda text: " ".join(text),
    "case": str.upper,
    "zero-width": lambda text: "\u200b".join(text),
    "full-width": lambda text: "".join(chr(0xFEE0 + ord(char)) if "!" <= char <= "~" else char for char in text),
    "dotted": lambda text: ".".join(text),
    "lines": lambda text: "\n".join(text),
    "base64": lambda text: base64.b64encode(f"it is {text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "backwards": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(f"you are the one: {text}", "rot13"),
    "far in": lambda text: "It was a dark night. " * 900 + text,
}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_a_canary_leaves_in_no_disguise_and_its_own_readers_may_see_it(hide: Any) -> None:
    guards = _with_canary()
    findings = {finding.check: finding for finding in guards.check_answer(f"Well, {hide(CANARY)} then.", EVA)}
    assert findings["canaries"] == Finding("canaries", "refuse", 1.0, CANARY)
    assert "canaries" not in _names(guards.check_answer(f"Well, {hide(CANARY)} then.", DANA))


def _names(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if finding.outcome == "refuse"]


@settings(max_examples=60)
@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_whatever_stands_around_a_canary_does_not_hide_it(before: str, after: str) -> None:
    assert "canaries" in _names(CANARIES.check_answer(f"{before} {CANARY} {after}", EVA))


CANARIES = _with_canary()


def test_to_a_role_nobody_declared_every_canary_is_foreign() -> None:
    assert "canaries" in _names(CANARIES.check_answer(CANARY, Principal("x", "nobody")))


def test_a_short_canary_and_one_of_no_documents_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no canary"):
        GuardsConfig(canaries={"board": ["AB-1"]})
    declared = (EXAMPLE / "allotment.yaml").read_text(
        "utf-8"
    ) + "\nguards: {canaries: {ghost: [Kestrel-Canary-7741]}}\n"
    (tmp_path / "allotment.yaml").write_text(declared, encoding="utf-8")
    with pytest.raises(ProjectError, match="unknown document set 'ghost'"):
        load_project(tmp_path)


def test_codes_that_stand_only_in_unreadable_documents_are_foreign() -> None:
    found = foreign_identifiers(["Contract KX-4471B, room B17, policy AB12345, 2026."], ["The room is B17; AB12345."])
    assert found == {" 4471b "}
    assert _refused_by("It is contract kx-4471B.", AnswerContext(found)) == ["protected_terms"]
    assert _refused_by("See AB12345 in B17.", AnswerContext(found)) == []


PERSONAL = {
    "emails": "Write to jana.novakova@firma.cz.",
    "phones": "Call +420 777 123 456.",
    "ibans": "Pay to CZ65 0800 0000 1920 0014 5399.",
    "cards": "The card 4111 1111 1111 1111 is blocked.",
    "national-ids": "Her birth number is 736028/5163.",
}


@pytest.mark.parametrize(("kind", "text"), PERSONAL.items(), ids=PERSONAL)
def test_personal_data_is_refused_by_kind_in_questions_and_answers_and_not_repeated(kind: str, text: str) -> None:
    answers = ["personal_data"]
    guards = Guards(_project(checks=["length", "personal_data"], answer_checks=answers, personal_data=[kind]))
    for findings in (guards.check(text, EVA), guards.check_answer(text, EVA)):
        assert [one.evidence for one in findings if one.outcome == "refuse"] == [f"{kind} 1"]
    others = [other for other in PERSONAL if other != kind]
    elsewhere = Guards(_project(checks=["personal_data"], answer_checks=answers, personal_data=others))
    assert not _names(elsewhere.check_answer(text, EVA))


def test_personal_data_is_looked_for_where_an_agent_says_so_alone() -> None:
    guards = Guards(_project(agents={"board": {"answer_checks": ["personal_data"]}}))
    assert _names(guards.check_answer(PERSONAL["cards"], DANA, "board")) == ["personal_data"]
    assert _names(guards.check_answer(PERSONAL["cards"], DANA, "sales")) == []


def test_declared_names_of_people_are_personal_data(tmp_path: Path) -> None:
    (tmp_path / "people.txt").write_text("Jana Nováková\n", encoding="utf-8")
    raw = (EXAMPLE / "allotment.yaml").read_text("utf-8")
    checks = "\nguards: {answer_checks: [personal_data], personal_data: [names]}\n"
    (tmp_path / "allotment.yaml").write_text(raw + checks, encoding="utf-8")
    with pytest.raises(ProjectError, match="names need personal_data"):
        load_project(tmp_path)
    (tmp_path / "allotment.yaml").write_text(raw + checks + "personal_data: {names: people.txt}\n", encoding="utf-8")
    guards = Guards(load_project(tmp_path))
    assert _names(guards.check_answer("Zeptejte se Jany Novákové.", EVA)) == ["personal_data"]
    assert _names(guards.check_answer("Zeptejte se Petra.", EVA)) == []


def test_secrets_in_questions_are_refused_where_the_check_is_named() -> None:
    guards = Guards(_project(checks=["length", "secrets"]))
    assert _names(guards.check(f"Is {SECRETS[1]} valid?", EVA)) == ["secrets"]
    assert _names(guards.check("Where are keys kept?", EVA)) == []


@pytest.mark.parametrize(
    "guards",
    [
        {"answer_checks": []},
        {"answer_checks": ["sql", "sql"]},
        {"secrets": []},
        {"secrets": ["everything"]},
        {"personal_data": ["shoes"]},
        {"hosts": ["https://own.example/"]},
        {"hosts": ["own.example/path"]},
    ],
)
def test_a_declaration_of_answer_checks_that_cannot_be_meant_is_an_error(guards: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GuardsConfig(**guards)


def test_an_answer_check_nobody_brings_refuses_to_start() -> None:
    with pytest.raises(ProjectError, match="there is no check 'unheard_of'"):
        Guards(_project(answer_checks=["unheard_of"]))


def test_an_answer_check_that_raises_has_refused_and_says_why() -> None:
    def broken(text: str, context: AnswerContext) -> Finding:
        raise RuntimeError("no model file")

    (finding,) = check_answer("Hello.", checks={"broken": broken})
    assert finding.outcome == "refuse"
    assert "no model file" in finding.evidence


def test_a_companys_own_check_of_answers_joins_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "company-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: company\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[allotment.answer_guards]\nhouse = {__name__}:house\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    guards = Guards(_project(answer_checks=["house"]))
    assert _names(guards.check_answer("The lawyer is known.", EVA)) == ["house"]
    assert _names(guards.check_answer("The desk is known.", EVA)) == []


def house(text: str, context: AnswerContext) -> Finding:
    return Finding("house", "refuse", 1.0, "a lawyer") if "lawyer" in text else allow("house")
