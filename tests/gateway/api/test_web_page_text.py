"""The page shows a model's words as text, whatever they are: nothing is fetched, nothing becomes an element."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from gateway_standin import StandInChain
from gateway_watched import Watched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser

_PIECES = (
    "<img src=https://evil.example/x.png onerror=alert(1)>", "![x](https://evil.example/x.png)",
    "[click](https://evil.example)", "<a href='https://evil.example'>x</a>", "<script>fetch('//evil.example')</script>",
    "<iframe src=//evil.example>", "<svg onload=alert(1)>", "<link rel=stylesheet href=//evil.example>",
    "<style>@import '//evil.example'</style>", "<base href=//evil.example>", "<form action=//evil.example><input>",
    "&lt;img src=x&gt;", "javascript:alert(1)", "</p></div>", "| a | b |\n| --- | --- |\n", "```html\n", "\u202e",
    "data:text/html,<script>1</script>", "<video src=//evil.example autoplay>", "<object data=//evil.example>", "\x00",
)  # fmt: skip
_WORDS = st.lists(st.sampled_from(_PIECES) | st.text(max_size=12), min_size=1, max_size=5).map("".join)
_FORBIDDEN = "img, a, script, iframe, svg, link, style, base, form, input, video, object, embed, audio, picture, meta"
_SHOW = """answer => {
  document.getElementById('messages').replaceChildren();
  const exchange = new Exchange(answer.text);
  exchange.delta({ text: answer.text });
  exchange.finish(answer);
  const root = document.getElementById('messages');
  root.querySelectorAll('.origin-body.mark').forEach((own) => own.remove());
  return { found: root.querySelectorAll(FORBIDDEN).length, text: root.querySelector('.answer-text').textContent };
}""".replace("FORBIDDEN", json.dumps(_FORBIDDEN))


@pytest.fixture
def watched(browser: Browser, address: str, password: str, chain: StandInChain) -> Iterator[Watched]:
    opened = Watched(browser, address, 1280, "light")
    opened.log_in("sofia", password)
    expect(opened.page.get_by_label("Your question")).to_be_enabled()  # the last thing the page's script does
    yield opened
    opened.context.close()


@given(_WORDS, _WORDS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_no_words_of_a_model_become_an_element_or_fetch_anything(
    watched: Watched, address: str, words: str, others: str
) -> None:
    words, others = (text.encode("utf-8", "replace").decode() for text in (words, others))
    source = {"document": others, "heading": words, "quote": others}
    answer = {
        "outcome": "answered", "text": words, "agent": others, "adapter": words, "account": others, "record": 1,
        "sql": words, "table": {"columns": [others], "rows": [[words]], "truncated": True}, "sources": [source],
        "places": [source], "explanation": [[words, others]],
    }  # fmt: skip
    shown = watched.page.evaluate(_SHOW, answer)
    assert shown == {"found": 0, "text": words}
    assert watched.hosts == {urlsplit(address).netloc}
    assert watched.page.title() == "Northwind Traders"
