"""Below the chain: an adapter alone, with no guard before it and no check behind it."""

from __future__ import annotations

from collections.abc import Iterator

from allotment.access import Grant, Request
from allotment.agents import recite
from allotment.errors import AllotmentError
from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks._answers import Answers, Ask
from allotment.evaluation.leaks._ground import Ground, failed
from allotment.evaluation.leaks._judge import Judge
from allotment.evaluation.leaks._types import Probe, Said
from allotment.models import Engines
from allotment.training import Manifest

MAX_TOKENS = 48


def probe_adapters(ground: Ground) -> Iterator[Probe]:
    """Every question, put to every adapter; whatever role it serves gets to see the answer."""
    for agent in ground.agents:
        canaries = ground.drawn(agent, tuple(one for one in ground.canaries if one.origin != "row"))
        manifest = ground.manifest(agent)
        if isinstance(manifest, AllotmentError):
            yield from failed(ground.judge, "adapter", agent, canaries, ground.roles(agent), manifest)
            continue
        grant = ground.grant(agent, Request(agent, manifest.facts))
        yield from ask_adapter(
            ground.engines, ground.answers, ground.judge, manifest, grant, canaries, ground.roles(agent)
        )


def ask_adapter(
    engines: Engines,
    answers: Answers,
    judge: Judge,
    manifest: Manifest,
    grant: Grant,
    canaries: tuple[Canary, ...],
    roles: frozenset[str],
) -> Iterator[Probe]:
    """Ask one version every canary's question, at temperature 0, at which it knows most.

    Raises:
        EngineError: the engine is gone.
    """
    engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
    asks = [
        Ask("adapter", manifest.agent, one.question, "", f"{manifest.adapter_sha256} {MAX_TOKENS}") for one in canaries
    ]

    def answer(ask: Ask) -> Said:
        text = recite(engines, manifest, grant, ask.prompt, max_tokens=MAX_TOKENS).text
        return Said("adapter", manifest.agent, ask.prompt, text)

    for canary, said in zip(canaries, answers.all(f"adapter of {manifest.agent}", asks, answer), strict=True):
        yield from judge.probes(said, [canary], roles)
