"""Chat templates: one text for training and serving, its hash sealed into every adapter's manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from jinja2.sandbox import ImmutableSandboxedEnvironment

from allotment.errors import ProjectError
from allotment.models._catalogue import find_model
from allotment.models._engine import Message
from allotment.workspace import hash_text

_STOP = {"turns": "<end_of_turn>", "chatml": "<|im_end|>"}
_CONTROL = {
    "turns": ("<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<pad>", "<unk>"),
    "chatml": ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
}


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja chat template. ``stop`` ends an answer; ``control`` tokens are removed from contents."""

    name: str
    source: str
    stop: str
    control: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of the template's text and its stop token: what a manifest seals."""
        return hash_text(f"{self.source}\0{self.stop}")

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
        """The conversation as the text a model reads, without the beginning-of-text token."""
        plain = [{"role": message.role, "content": self.strip_control(message.content)} for message in messages]
        template = _environment().from_string(self.source)
        return template.render(messages=plain, add_generation_prompt=add_generation_prompt)

    def strip_control(self, text: str) -> str:
        """``text`` without control tokens, also those that only appear once others are removed."""
        before = None
        while before != text:
            before = text
            for token in self.control:
                text = text.replace(token, "")
        return text


@lru_cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(keep_trailing_newline=True)


@lru_cache
def load_template(name: str) -> ChatTemplate:
    """A shipped template by name (``turns``, ``chatml``)."""
    if name not in _STOP:
        raise ProjectError(f"unknown chat template {name!r}.", remedy=f"Known: {', '.join(sorted(_STOP))}.")
    source = (files("allotment.models") / "templates" / f"{name}.jinja").read_text(encoding="utf-8")
    return ChatTemplate(name, source, _STOP[name], _CONTROL[name])


def template_of(model: str) -> ChatTemplate:
    """The template a model is trained and served with."""
    return load_template(find_model(model).template)
