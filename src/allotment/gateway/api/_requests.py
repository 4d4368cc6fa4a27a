"""Requests in OpenAI's shape.

The last user message is the question. Every other text, whatever role a client gives it, is the user's words as well:
the guard in front looks at it, and no model reads it, but for an earlier user message that the question leans on. Tool
definitions, ``user`` and ``metadata`` are not read at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from allotment.answering import MAX_SEED, AnswerOptions
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._problems import ApiError
from allotment.project import AnswerLimits

MAX_QUESTION_LENGTH = 4000
MAX_MESSAGES = 256
MAX_PARTS = 32
MAX_TEXT = 100_000
"""Characters of all messages together."""
MAX_STOPS = 4
MAX_INPUTS = 64
MAX_INPUT_LENGTH = 8000

NOT_HONOURED = {
    "audio", "frequency_penalty", "logit_bias", "logprobs", "modalities", "n", "presence_penalty", "response_format",
    "top_logprobs", "top_p", "dimensions",
}  # fmt: skip
"""Parameters that would change an answer and cannot: anything but what says nothing is refused."""

_Stop = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Input = Annotated[str, StringConstraints(min_length=1, max_length=MAX_INPUT_LENGTH)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _TextPart(_Read):
    type: Literal["text"]
    text: str


class _RefusalPart(_Read):
    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        return self.refusal


class _Message(_Read):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[_TextPart | _RefusalPart], Field(max_length=MAX_PARTS)] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class _StreamOptions(_Read):
    include_usage: bool | None = None


class _TextFormat(_Read):
    type: Literal["text"]


class ChatRequest(_Read):
    """The part of a chat completion request that is read; fields that are not named here are not."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[_Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    stop: _Stop | Annotated[list[_Stop], Field(max_length=MAX_STOPS)] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    top_p: Annotated[float, Field(ge=1, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=0)] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    response_format: _TextFormat | None = None
    modalities: list[Literal["text"]] | None = None
    audio: None = None

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def question(self) -> str:
        """The text of the last user message.

        Raises:
            ApiError: 400, there is none, it is empty, it is too long, or all messages together are.
        """
        if sum(len(message.text) for message in self.messages) > MAX_TEXT:
            rule = f"All messages together are longer than {MAX_TEXT} characters."
            raise ApiError(400, rule, param="messages", code="context_length_exceeded")
        asked = self._asked()
        question = self.messages[asked].text.strip() if asked is not None else ""
        if not question:
            raise ApiError(400, "The last user message is the question; there is none.", param="messages")
        if len(question) > MAX_QUESTION_LENGTH:
            rule = f"The question is longer than {MAX_QUESTION_LENGTH} characters."
            raise ApiError(400, rule, param="messages", code="string_above_max_length")
        return question

    def context(self) -> tuple[str, ...]:
        """Every other text, in order: words of the user whatever they are called."""
        asked = self._asked()
        return tuple(message.text for number, message in enumerate(self.messages) if number != asked)

    def earlier(self) -> tuple[str, ...]:
        """The user messages before the question, in order."""
        asked = self._asked() or 0
        return tuple(message.text for message in self.messages[:asked] if message.role == "user")

    def _asked(self) -> int | None:
        return next((n for n in range(len(self.messages) - 1, -1, -1) if self.messages[n].role == "user"), None)

    def options(self, limits: AnswerLimits) -> AnswerOptions:
        """How the answer is to be written.

        Raises:
            ApiError: 400, the project allows less, or two bounds contradict each other.
        """
        temperature = self.temperature or 0.0
        if temperature > limits.temperature:
            rule = f"temperature: at most {limits.temperature:g} here."
            raise ApiError(400, rule, param="temperature", code="unsupported_value")
        counts = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(counts) > 1:
            raise ApiError(400, "max_tokens and max_completion_tokens differ.", param="max_completion_tokens")
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return AnswerOptions(next(iter(counts), None), temperature, self.seed or 0, stop)


class EmbeddingRequest(_Read):
    """The part of a request for vectors that is read."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: _Input | Annotated[list[_Input], Field(min_length=1, max_length=MAX_INPUTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: None = None

    @property
    def texts(self) -> list[str]:
        """The texts, in order."""
        return [self.input] if isinstance(self.input, str) else self.input

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if sum(map(len, self.texts)) > MAX_TEXT:
            raise ValueError(f"all inputs together are longer than {MAX_TEXT} characters")
        return self


Model = TypeVar("Model", bound=BaseModel)


def read(kind: type[Model], body: bytes) -> Model:
    """A request's body.

    Raises:
        ApiError: 400, with the parameter at fault.
    """
    try:
        return kind.model_validate(read_json(body))
    except BadJson as error:
        raise ApiError(400, f"The body {error}", param="body") from None
    except ValidationError as error:
        raise _named(error) from None


def _named(error: ValidationError) -> ApiError:
    first = error.errors(include_input=False, include_url=False)[0]
    place = _place(first["loc"])
    whole = place.partition(".")[0]
    if whole in NOT_HONOURED:
        return ApiError(400, f"{whole}: cannot be honoured here; leave it out.", param=whole, code="unsupported_value")
    return ApiError(400, f"{place}: {first['msg']}.", param=place)


def _place(loc: Sequence[int | str]) -> str:
    """``messages.0.content``: what comes after are the branches of our own model, which nobody sent."""
    named: list[str] = []
    for part in loc:
        if isinstance(part, str) and named and not part.isidentifier():
            break
        if part in ("str", "int", "float"):
            break
        named.append(str(part))
    return ".".join(named) or "body"
