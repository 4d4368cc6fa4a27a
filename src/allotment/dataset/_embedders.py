"""Texts as vectors: without any model, or by a server that has one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import httpx
import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import HashingVectorizer

from allotment.errors import EngineError, ProjectError

Vectors = npt.NDArray[np.float32]
_BATCH = 64
_TIMEOUT = httpx.Timeout(10.0, read=120.0)


class Embedder(Protocol):
    """Something that turns texts into vectors, each for itself: other texts do not change it."""

    @property
    def name(self) -> str:
        """What it is, for reports."""
        ...

    @property
    def threshold(self) -> float:
        """Cosine from which on it takes two questions for one, 0 to 1."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 for each text; a row of zeros where there is nothing to see."""
        ...


class HashedEmbedder:
    """Character n-grams and words hashed into a fixed space, without a download; implements ``Embedder``."""

    name = "hashed-ngrams"

    def __init__(self, dimensions: int = 2048, threshold: float = 0.5) -> None:
        """``dimensions`` for each of characters and words."""
        self.threshold = threshold
        self._characters = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=dimensions, norm="l2")
        self._words = HashingVectorizer(tokenizer=str.split, token_pattern=None, n_features=dimensions, norm="l2")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See ``Embedder.embed``."""
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        parts = [kind.transform(texts).toarray() for kind in (self._characters, self._words)]
        return _unit(np.hstack(parts))


class ServerEmbedder:
    """A model behind an OpenAI-compatible ``/embeddings``; implements ``Embedder``."""

    def __init__(self, name: str, threshold: float = 0.9, client: httpx.Client | None = None) -> None:
        """``name`` is ``URL#MODEL``; ``client`` stands in for the network in tests.

        Raises:
            ProjectError: ``name`` is not written so.
        """
        url, _, model = name.partition("#")
        if not url.startswith(("http://", "https://")) or not model:
            raise ProjectError(f"{name!r} is not URL#MODEL.", remedy="Write for example http://localhost:8000/v1#name.")
        self.name, self.threshold, self._model = name, threshold, model
        key = os.environ.get("ALLOTMENT_SERVER_KEY", "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = client or httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See ``Embedder.embed``.

        Raises:
            EngineError: the server does not answer, or not with one vector for each text.
        """
        rows: list[Any] = []
        for start in range(0, len(texts), _BATCH):
            rows.extend(self._batch(list(texts[start : start + _BATCH])))
        try:
            return _unit(np.asarray(rows, dtype=np.float32).reshape(len(texts), -1 if rows else 1))
        except (TypeError, ValueError) as error:
            raise self._failed(error) from error

    def _batch(self, texts: list[str]) -> list[Any]:
        try:
            response = self._client.post("/embeddings", json={"model": self._model, "input": texts})
            response.raise_for_status()
            data = sorted(response.json()["data"], key=lambda row: int(row["index"]))
            if [row["index"] for row in data] != list(range(len(texts))):
                raise ValueError(f"{len(data)} vectors for {len(texts)} texts")
            return [row["embedding"] for row in data]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> EngineError:
        return EngineError(
            f"the server did not give vectors ({error}).",
            element=self.name,
            remedy="Check that it runs, that the model makes embeddings, and the key in ALLOTMENT_SERVER_KEY.",
        )


def _unit(rows: npt.NDArray[Any]) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result: Vectors = (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return result
