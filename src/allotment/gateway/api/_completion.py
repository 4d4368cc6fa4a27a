"""Events of the chain as one response, or as the pieces of a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi.responses import JSONResponse, Response

from allotment.answering import Answer, Delta, Event
from allotment.errors import PolicyError, TimeLimitReached
from allotment.gateway.api._openai import Completion, allotment_field, allotment_headers, data_frame
from allotment.gateway.pages._wire import FAILED
from allotment.gateway.web._problems import ApiError, openai_error
from allotment.gateway.web._security import LOG
from allotment.gateway.web._stream import TOO_LONG, AccessEnded, KeepAlive

Events = AsyncGenerator[Event | KeepAlive]


async def whole(events: Events, completion: Completion) -> Response:
    """One response for the whole answer.

    Raises:
        ApiError: the chain denied it, or whoever asked lost his access meanwhile.
    """
    answer = Answer("failed", "")
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Answer):
                    answer = event
                    break
    except PolicyError:
        unknown = f"The model {completion.model!r} does not exist."
        raise ApiError(404, unknown, param="model", code="model_not_found") from None
    except AccessEnded as ended:
        raise ApiError(403, str(ended), code="access_ended") from None
    except TimeLimitReached:
        raise ApiError(503, TOO_LONG) from None
    if answer.outcome == "failed":
        body = {**openai_error(503, answer.text or str(FAILED)), "allotment": allotment_field(answer)}
        return JSONResponse(body, 503, allotment_headers(answer))
    return JSONResponse(completion.whole(answer), headers=allotment_headers(answer))


async def pieces(events: Events, completion: Completion, *, with_usage: bool) -> AsyncGenerator[bytes]:
    """Server-sent events as OpenAI's clients read them."""
    async with aclosing(events):
        try:
            async for piece in _pieces_of(events, completion, with_usage=with_usage):
                yield piece
            yield b"data: [DONE]\n\n"
        except AccessEnded as ended:
            yield data_frame(openai_error(403, str(ended), code="access_ended"))
        except TimeLimitReached:
            yield data_frame(openai_error(503, TOO_LONG))
        except Exception:
            # The status line is long gone; an error inside the stream is what clients raise on.
            LOG.exception("a streamed answer failed")
            yield data_frame(openai_error(503, str(FAILED)))


async def _pieces_of(
    events: AsyncIterator[Event | KeepAlive], completion: Completion, *, with_usage: bool
) -> AsyncGenerator[bytes]:
    yield completion.delta({"role": "assistant", "content": ""})
    async for event in events:
        if isinstance(event, KeepAlive):
            yield b": still working\n\n"
        elif isinstance(event, Delta):
            yield completion.delta({"content": event.text})
        elif isinstance(event, Answer) and event.outcome == "failed":
            yield data_frame({**openai_error(503, event.text or str(FAILED)), "allotment": allotment_field(event)})
        elif isinstance(event, Answer):
            yield completion.last(event)
            if with_usage:
                yield completion.usage(event)
