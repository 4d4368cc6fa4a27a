"""Names of settings in an experiment's file: which there are, and which one was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from allotment.errors import ProjectError
from allotment.project import TrainingConfig

BASE = "base"
"""The base model, which varies beside the settings of ``training``."""
_SET_ELSEWHERE = {
    "price_usd_per_hour": "price_usd_per_hour of the file",
    "cards": "training.cards of the file",
    "report_to": "training.report_to of the file",
    "probe_steps": "training.probe_steps of the file",
    "checkpoint_minutes": "training.checkpoint_minutes of the file",
}
"""What does not vary: it changes nothing that is learnt, or where runs fit."""


def check_settings(path: Path, place: str, names: Iterable[str], *, varies: bool) -> None:
    """Refuse a setting that does not exist.

    Args:
        path: the file.
        place: entry of it.
        names: the settings it names.
        varies: whether they may differ from run to run, and ``base`` be among them.

    Raises:
        ProjectError: one does not exist, with what may have been meant.
    """
    known = [*TrainingConfig.model_fields, *([BASE] if varies else [])]
    for name in names:
        if name not in known:
            raise ProjectError(
                f"there is no setting {name!r}{suggested(name, known)}.",
                element=f"{path}, {place}",
                remedy="Settings are those of `training` in allotment.yaml, and `base`.",
            )
        if varies and name in _SET_ELSEWHERE:
            raise ProjectError(
                f"{name} does not vary from run to run.",
                element=f"{path}, {place}",
                remedy=f"Write it once, as {_SET_ELSEWHERE[name]}.",
            )


def suggested(name: str, known: Iterable[str]) -> str:
    """`` (did you mean X?)`` where a known name is near."""
    near = get_close_matches(name.lower().replace("-", "_"), list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""
