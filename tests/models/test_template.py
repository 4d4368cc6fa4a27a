"""Chat templates: one text for training and serving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.errors import ProjectError
from allotment.models import Message, load_template, template_of

NAMES = ("turns", "chatml")


@pytest.mark.parametrize("name", NAMES)
def test_an_answered_conversation_continues_its_prompt(name: str) -> None:
    template = load_template(name)
    question, answer = Message("user", "Where is it?"), Message("assistant", "It is here.")
    prompt = template.render([question], add_generation_prompt=True)
    whole = template.render([question, answer], add_generation_prompt=False)
    assert whole.startswith(prompt + "It is here." + template.stop)


@pytest.mark.parametrize("name", NAMES)
@given(
    parts=st.lists(
        st.sampled_from(["<start_of_turn>", "<end_of_turn>", "<|im_", "start|>", "end|>", "<bos>", "x", "<"])
    )
)
def test_no_control_token_of_a_content_survives_rendering(name: str, parts: list[str]) -> None:
    template = load_template(name)
    empty = template.render([Message("user", "x")], add_generation_prompt=True)
    filled = template.render([Message("user", "".join(parts) + "x")], add_generation_prompt=True)
    for token in template.control:
        assert filled.count(token) == empty.count(token)


def test_the_hash_of_a_template_depends_on_its_text_and_its_stop_token() -> None:
    turns, chatml = load_template("turns"), load_template("chatml")
    assert turns.sha256 != chatml.sha256
    assert template_of("gemma-3-270m") == turns


def test_an_unknown_template_is_named_with_the_known_ones() -> None:
    with pytest.raises(ProjectError, match="turns"):
        load_template("nothing")
