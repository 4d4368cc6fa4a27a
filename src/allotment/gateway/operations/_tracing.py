"""Spans for OpenTelemetry, where ``gateway.otlp`` names a collector; else nothing is imported and nothing is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from allotment.errors import MissingPartError


class Tracing(Protocol):
    """Takes finished spans: the answer and its steps."""

    def answer(self, steps: list[tuple[str, float, float]], attributes: Mapping[str, str | int]) -> None:
        """One answer: name, beginning and end of each step in seconds of ``time.time()``, and what is known of it."""
        ...


class NoTracing:
    """Does nothing."""

    def answer(self, steps: list[tuple[str, float, float]], attributes: Mapping[str, str | int]) -> None:
        """Does nothing."""


class OtelTracing:
    """Makes a span for the answer and one below it for each step."""

    def __init__(self, provider: Any) -> None:
        """``provider`` is an OpenTelemetry tracer provider."""
        self._tracer = provider.get_tracer("allotment.gateway")

    def answer(self, steps: list[tuple[str, float, float]], attributes: Mapping[str, str | int]) -> None:
        """See ``Tracing.answer``."""
        from opentelemetry import trace

        began = steps[0][1] if steps else time.time()
        span = self._tracer.start_span("answer", start_time=_ns(began), attributes=dict(attributes))
        inside = trace.set_span_in_context(span)
        for name, start, end in steps:
            self._tracer.start_span(name, context=inside, start_time=_ns(start)).end(_ns(end))
        span.end(_ns(steps[-1][2] if steps else began))


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


def open_tracing(otlp: str | None) -> Tracing:
    """Spans to the collector at ``otlp``; none without an address.

    Raises:
        MissingPartError: OpenTelemetry is not installed.
    """
    if otlp is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingPartError(
            "spans need OpenTelemetry.", element="gateway.otlp", remedy="Run `pip install 'allotment[otel]'`."
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "allotment"}))
    exporter = OTLPSpanExporter(endpoint=f"{otlp.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OtelTracing(provider)
