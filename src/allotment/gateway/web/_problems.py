"""Errors as responses: in OpenAI's shape under /v1, and one short shape everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from allotment.errors import MissingPartError, RateLimited
from allotment.gateway.wording import Message, catalogue, language_of, say, say_many

API_PREFIX = "/v1"
CRASHED = say("Something failed here. Please try again.")
PART_MISSING = say("A part of the service does not answer. Please try again later.")

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "requests",
    500: "server_error",
    503: "server_error",
}
_CODES = {
    401: "invalid_api_key",
    404: "not_found",
    408: "timeout",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "unavailable",
}


def openai_error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> dict[str, dict[str, str | None]]:
    """The body of an error as OpenAI's clients read it."""
    kind = _TYPES.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code or _CODES.get(status)}}


def problem(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error response in the shape that callers of ``path`` read."""
    body = openai_error(status, message) if _is_api(path) else {"error": message}
    return JSONResponse(body, status, dict(headers or {}))


def _later(seconds: int) -> Message:
    return say_many(
        "Too much is asked at the moment. Ask again in %(num)s second.",
        "Too much is asked at the moment. Ask again in %(num)s seconds.",
        seconds,
    )


def crash(scope: Scope) -> Response:
    """The error response of what should not have happened."""
    return problem(scope["path"], 500, _told(Request(scope), CRASHED))


def _is_api(path: str) -> bool:
    return path == API_PREFIX or path.startswith(API_PREFIX + "/")


def _told(request: Request, words: Message | str) -> str:
    """Words of ours in the language of the page that asked; programs are told in English."""
    if not isinstance(words, Message) or _is_api(request.scope["path"]):
        return str(words)
    return catalogue(language_of(request)).say(words)


ProblemPage = Callable[[Request, int, Message | str], Response]


class ApiError(Exception):
    """An error of the API that names the parameter at fault."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        self.status = status
        self.body = openai_error(status, message, param=param, code=code)
        super().__init__(message)


def add_error_handlers(app: FastAPI, page: ProblemPage) -> None:
    """Give every error of the application its shape; ``page`` shows it to a person who went to an address."""

    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> Response:
        headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
        return JSONResponse(error.body, error.status, headers)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        is_person = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if is_person and not _is_api(request.scope["path"]):
            return await run_in_threadpool(page, request, error.status_code, error.detail)
        return problem(request.scope["path"], error.status_code, _told(request, error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return problem(request.scope["path"], 400, f"{place or 'body'}: {first['msg']}")

    @app.exception_handler(RateLimited)
    async def limited(request: Request, error: RateLimited) -> Response:
        words = str(error) if language_of(request) == "en" else _told(request, _later(error.retry_after_s))
        return problem(request.scope["path"], 429, words, {"retry-after": str(error.retry_after_s)})

    @app.exception_handler(MissingPartError)
    async def missing(request: Request, error: MissingPartError) -> Response:
        # The error names inner parts, which are for the log of the application, not for its users.
        return problem(request.scope["path"], 503, _told(request, PART_MISSING))
