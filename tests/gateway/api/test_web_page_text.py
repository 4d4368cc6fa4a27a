"""Whatever words a model, a row or a document has: nothing of them is fetched, runs, or leads away from the page."""

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

from allotment.gateway.pages._sql import coloured
from allotment.gateway.pages._wire import document_link, text_blocks

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
_FORBIDDEN = (
    "img, script, iframe, link, style, base, form, input, video, object, embed, audio, picture, meta, [onerror],"
    " a:not([href^='/document?']), svg:not(.icon):not(.chart)"
)
_SHOW = """answer => {
  document.getElementById('messages').replaceChildren();
  const exchange = new Exchange(answer.text, { again: () => {}, edited: () => {} });
  exchange.write({ from: 0, blocks: answer.blocks });
  exchange.draw();
  exchange.finish(answer);
  const root = document.getElementById('messages');
  const origin = root.querySelector('.origin');
  origin.open = true;
  origin.dispatchEvent(new Event('toggle'));
  return { found: [...root.querySelectorAll(FORBIDDEN)].map((one) => one.outerHTML), parts: origin.children.length,
    question: root.querySelector('.question').textContent };
}""".replace("FORBIDDEN", json.dumps(_FORBIDDEN))


@pytest.fixture
def watched(browser: Browser, address: str, password: str, chain: StandInChain) -> Iterator[Watched]:
    opened = Watched(browser, address, 1280, "light")
    opened.log_in("sofia", password)
    expect(opened.page.get_by_label("Your question")).to_be_enabled()  # the last thing the page's script does
    yield opened
    opened.context.close()


@given(_WORDS, _WORDS, st.sampled_from(["answered", "refused", "unknown", "failed"]))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_no_words_of_a_model_become_an_element_or_fetch_anything(
    watched: Watched, address: str, words: str, others: str, outcome: str
) -> None:
    words, others = (text.encode("utf-8", "replace").decode() for text in (words, others))
    source = {"document": others, "heading": words, "quote": others, "link": document_link(others, words, others)}
    led_away = {**source, "link": words}
    answer = {
        "outcome": outcome, "text": words, "blocks": text_blocks(words, outcome), "agent": others, "adapter": words,
        "account": others, "record": 1, "sql": coloured(words), "sources": [source, led_away], "places": [source],
        "table": {"columns": [others, "n"], "rows": [[words, 1], [others, 2]], "truncated": True},
        "learnt": [source, led_away], "explanation": [[words, others]], "seconds": 1.0,
        "routing": {"agent": words, "means": "adapter", "score": 0.5, "runner_up": others, "runner_up_means": "account",
                    "runner_up_score": 0.1, "by": "examples", "asked": words},
    }  # fmt: skip
    shown = watched.page.evaluate(_SHOW, answer)
    assert shown == {"found": [], "parts": 2, "question": words}
    assert watched.hosts == {urlsplit(address).netloc}
    assert watched.page.title() == "Northwind Traders"
