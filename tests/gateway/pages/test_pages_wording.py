"""Words in two languages: which one a page has, that none is missing, and that numbers have their right form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from allotment.gateway.wording import LANGUAGES, catalogue, language_of, say, say_many

SCRIPT = Path(__file__).parents[3] / "scripts" / "translations.py"
WAIT = (
    "Too many wrong tries. Wait %(num)s second, then try again.",
    "Too many wrong tries. Wait %(num)s seconds, then try again.",
)


def asked(accept: str | None = None, cookie: str | None = None) -> Request:
    headers = [(b"accept-language", accept.encode("utf-8", "replace"))] if accept is not None else []
    headers += [(b"cookie", f"allotment-language={cookie}".encode())] if cookie is not None else []
    return Request({"type": "http", "headers": headers})


def test_no_text_is_untranslated_stale_or_wrong_in_its_places() -> None:
    checked = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_text_a_script_says_is_found_by_whoever_makes_the_catalogues() -> None:
    # The reader of scripts loses its way in quotes within templates, without a word.
    said = set()
    for script in (SCRIPT.parents[1] / "src/allotment/gateway/pages/static").rglob("*.js"):
        said |= {text for _, text in re.findall(r'\b(n?t)\("((?:[^"\\]|\\.)*)"', script.read_text(encoding="utf-8"))}
    assert said == set(catalogue("cs").scripts)


def test_a_text_that_is_not_translated_or_gone_is_found(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['x', '--check']; sys.path.insert(0, sys.argv.pop() and {folder!r})\n"
        "import translations as t, pathlib, shutil\n"
        "shutil.copytree(t.LOCALE, {copy!r}); t.LOCALE = pathlib.Path({copy!r})\n"
        "file = t.LOCALE / 'cs' / 'pages.po'; text = file.read_text()\n"
        'gone = "\\nmsgid \\"Nobody says this\\"\\nmsgstr \\"x\\"\\n"\n'
        "file.write_text(text.replace('msgstr \"Heslo\"', 'msgstr \"\"') + gone)\n"
        "sys.argv = ['x', '--check']; sys.exit(t.main())\n"
    ).format(folder=str(SCRIPT.parent), copy=str(tmp_path / "locale"))
    checked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "not translated: 'Password'" in checked.stderr and "not in line" in checked.stderr


@pytest.mark.parametrize(
    "accept, cookie, language",
    [
        (None, None, "en"),
        ("cs-CZ,cs;q=0.9,en;q=0.8", None, "cs"),
        ("de,en;q=0.3,cs;q=0.7", None, "cs"),
        ("en,cs", None, "en"),
        ("cs;q=0", None, "en"),
        ("cs;q=x, en", None, "en"),
        ("*", None, "en"),
        ("cs", "en", "en"),
        ("en", "cs", "cs"),
        ("cs", "klingon", "cs"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_first_the_browser_asks_for(
    accept: str | None, cookie: str | None, language: str
) -> None:
    assert language_of(asked(accept, cookie)) == language


@given(st.text(max_size=300), st.text(alphabet="abcs;,= q0.19-*", max_size=40))
def test_whatever_a_browser_sends_there_is_a_language(accept: str, odd: str) -> None:
    assert language_of(asked(accept)) in LANGUAGES
    assert language_of(asked(odd)) in LANGUAGES


@pytest.mark.parametrize(
    "number, form", [(0, "sekund a"), (1, "sekundu"), (2, "sekundy"), (4, "sekundy"), (5, "sekund a"), (22, "sekund a")]
)
def test_czech_numbers_have_three_forms(number: int, form: str) -> None:
    words = catalogue("cs").say(say_many(*WAIT, number))
    assert f"{number} {form}" in words


def test_words_of_a_user_are_never_taken_for_a_text_to_be_translated_or_filled() -> None:
    czech = catalogue("cs")
    assert czech.say("Password") == "Password"
    assert czech.say("%(num)s 100 %") == "%(num)s 100 %"
    told = czech.say(say("There is no such conversation."))
    assert told != "There is no such conversation."
    assert "%(x)s" in czech.say(say("You sign in as %(name)s.", name="%(x)s"))


def test_a_page_and_a_refusal_speak_the_language_of_the_browser(client: TestClient) -> None:
    czech = {"accept-language": "cs"}
    page = client.get("/login", headers=czech)
    assert '<html lang="cs"' in page.text and "Přihlásit se" in page.text
    assert page.headers["content-language"] == "cs"
    assert "Accept-Language".lower() in page.headers["vary"]
    assert client.get("/history", headers={"accept-language": "cs"}).status_code == 404
    refused = client.post("/ask", json={"question": "?"}, headers=czech)
    assert refused.json() == {"error": "Jste odhlášeni. Přihlaste se a zeptejte se znovu."}
    assert "You are signed out" in client.post("/ask", json={"question": "?"}).json()["error"]


def test_a_program_is_told_in_english_whatever_it_says_it_speaks(client: TestClient) -> None:
    answer = client.get("/v1/models", headers={"accept-language": "cs"})
    assert answer.json()["error"]["message"] == "Incorrect or missing API key."


def test_the_choice_of_a_page_is_remembered_and_leads_back_to_it(client: TestClient) -> None:
    chosen = client.post("/preferences", data={"language": "cs", "theme": "dark", "back": "/login?x=1"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/login?x=1")
    page = client.get("/login", headers={"accept-language": "en"}).text
    assert '<html lang="cs" data-theme="dark">' in page


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:1",
    "/a\r\nx: y",
    "",
]


@pytest.mark.parametrize("back", ELSEWHERE)
def test_a_choice_leads_to_no_other_site(client: TestClient, back: str) -> None:
    chosen = client.post("/preferences", data={"language": "cs", "back": back})
    assert chosen.headers["location"] == "/"


@given(st.text(max_size=60))
def test_where_a_choice_leads_back_to_is_always_an_address_of_this_service(back: str) -> None:
    from allotment.gateway.pages._preferences import _own

    found = _own(back)
    assert found.startswith("/") and not found.startswith(("//", "/\\")) and "\n" not in found and "\r" not in found


def test_another_site_changes_nobodys_language_and_what_is_unknown_is_not_kept(client: TestClient) -> None:
    foreign = client.post("/preferences", data={"language": "cs"}, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403 and "set-cookie" not in foreign.headers
    odd = client.post("/preferences", data={"language": "xx", "theme": "<b>"})
    assert "set-cookie" not in odd.headers
