"""What an agent knows by heart: the base model with its adapter, or its own model; closed-book."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.access import Grant, require_grant
from allotment.models import Completion, Engines, Message
from allotment.training import Manifest


def recite(
    engines: Engines,
    manifest: Manifest,
    grant: Grant,
    question: str,
    *,
    max_tokens: int = 96,
    temperature: float = 0.0,
    seed: int = 0,
    stop: Sequence[str] = (),
) -> Completion:
    """Answer a question from the adapter, or the agent's own model, alone.

    Args:
        engines: where the base model runs.
        manifest: the verified manifest of the adapter.
        grant: must name this agent and this version.
        question: the user's words.
        max_tokens: longest answer.
        temperature: 0 always takes the likeliest token, at which it knows most.
        seed: of the sampler, where the temperature is above 0.
        stop: texts that end the answer (left out of it).

    Raises:
        NotGranted: the grant is for something else.
        ManifestError: the adapter is stale.
        Cancelled: nobody waits for the answer any longer.
    """
    require_grant(grant, agent=manifest.agent, adapter=manifest.version)
    engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
    engine = engines.get(manifest.base_model, manifest.key)
    return engine.complete(
        [Message("user", question)],
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        stop=stop,
        adapter=manifest.key,
        grant=grant,
    )
