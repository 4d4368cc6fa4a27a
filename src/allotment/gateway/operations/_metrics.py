"""Figures for Prometheus. Every label is from a set that the project or the program bounds; nobody's name is one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

LOG = logging.getLogger("allotment.gateway")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
STEPS = frozenset({"checking", "routing", "authorizing", "answering", "releasing"})
OUTCOMES = frozenset({"answered", "refused", "unknown", "failed"})
OTHER = "other"


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._requests = Counter("allotment_requests", "Finished requests.", ("route", "status"), registry=registry)
        self._seconds = Histogram(
            "allotment_request_seconds", "Seconds of a request.", ("route",), buckets=_SECONDS, registry=registry
        )
        self._answers = Counter("allotment_answers", "Ends of answers.", ("agent", "outcome"), registry=registry)
        self._steps = Histogram(
            "allotment_step_seconds", "Seconds of a step of an answer.", ("step",), buckets=_SECONDS, registry=registry
        )
        self._tokens = Counter(
            "allotment_tokens", "Tokens read and written by models.", ("agent", "kind"), registry=registry
        )
        self._refused = Counter("allotment_limited", "Requests refused by a limit or a full queue.", registry=registry)
        self._broken = Counter("allotment_broken_off", "Answers that ended before they were whole.", registry=registry)
        self._reloads = Counter("allotment_reloads", "Reloads of allotment.yaml.", ("outcome",), registry=registry)
        self.policy = Gauge(
            "allotment_policy_since_seconds", "When the policy in force was loaded (Unix time).", registry=registry
        )
        self.policy.set_to_current_time()

    def request(self, route: str, status: int, seconds: float) -> None:
        """A request is finished; ``route`` is its template, never its address."""
        self._requests.labels(route, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)

    def answer(self, agent: str | None, outcome: str, prompt_tokens: int, completion_tokens: int) -> None:
        """An answer came to its end; ``agent`` is one the project declares."""
        self._answers.labels(agent or OTHER, outcome if outcome in OUTCOMES else OTHER).inc()
        self._tokens.labels(agent or OTHER, "prompt").inc(prompt_tokens)
        self._tokens.labels(agent or OTHER, "completion").inc(completion_tokens)

    def step(self, name: str, seconds: float) -> None:
        """A step of an answer is done."""
        self._steps.labels(name if name in STEPS else OTHER).observe(seconds)

    def limited(self) -> None:
        """A request was refused by a limit."""
        self._refused.inc()

    def broken_off(self) -> None:
        """An answer ended without its last word."""
        self._broken.inc()

    def reloaded(self, outcome: str) -> None:
        """``allotment.yaml`` was loaded anew, or was not."""
        self._reloads.labels(outcome).inc()
        if outcome == "done":
            self.policy.set_to_current_time()

    def watch(self, gauges: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Show what these functions say at each look: name → what it is, and its value."""
        self.registry.register(_Gauges(gauges))


class _Gauges(Collector):
    """Values that are asked for when somebody looks. One that cannot be had is left out, and the others are shown."""

    def __init__(self, gauges: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        self._gauges = gauges
        self._missing: set[str] = set()

    def describe(self) -> Collection[Metric]:
        return [GaugeMetricFamily(f"allotment_{name}", text) for name, (text, _) in self._gauges.items()]

    def collect(self) -> Iterator[Metric]:
        for name, (text, value) in self._gauges.items():
            try:
                now = value()
            except Exception as error:
                if name not in self._missing:  # once, not at every look
                    LOG.warning("the figure allotment_%s cannot be had: %s", name, type(error).__name__)
                self._missing.add(name)
                continue
            self._missing.discard(name)
            yield GaugeMetricFamily(f"allotment_{name}", text, value=now)
