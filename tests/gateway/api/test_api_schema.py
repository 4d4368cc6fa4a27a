"""The API's own description is true: requests made from it, right and wrong, are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gateway_standin import StandInChain
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from allotment.answering import Embedding
from allotment.gateway import UserStore

PATHS = {
    "/healthz",
    "/readyz",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{name}",
    "/v1/openapi.json",
}


@pytest.fixture
def bearer(store: UserStore) -> dict[str, str]:
    return {"authorization": f"Bearer {store.create_key('sofia')}"}


@pytest.fixture
def described(app: FastAPI, chain: StandInChain, bearer: dict[str, str]) -> Iterator[Any]:
    chain.embedding = Embedding(((0.6, 0.8),), "sales", 77)
    yield schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers=bearer)


def test_every_response_is_as_described(described: Any, bearer: dict[str, str]) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert {operation.path for operation in operations} >= PATHS - {"/v1/openapi.json"}

    for operation in operations:

        @settings(max_examples=30, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
        @given(case=operation.as_strategy())
        def as_described(case: Any) -> None:
            # Left out: that whatever fits the schema is taken, for no schema can say that one message is the user's;
            # and that a key is needed, which needs a request without the one the description is read with.
            case.call_and_validate(headers=bearer, excluded_checks=[positive_data_acceptance, ignored_auth])

        as_described()


def test_the_description_is_for_those_with_a_key_and_names_every_address_of_the_api(
    client: TestClient, app: FastAPI, bearer: dict[str, str]
) -> None:
    assert client.get("/v1/openapi.json").status_code == 401
    told = client.get("/v1/openapi.json", headers=bearer).json()
    assert {path for path in app.openapi()["paths"] if path.startswith("/v1/")} <= set(told["paths"])
    assert set(told["paths"]) >= PATHS
    named = str(told)
    assert all(f"schemas/{name}'" in named for name in told["components"]["schemas"])


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/v1/docs"])
def test_there_is_no_interactive_page(client: TestClient, bearer: dict[str, str], path: str) -> None:
    assert client.get(path, headers=bearer).status_code == 404
