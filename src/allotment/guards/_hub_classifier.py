"""Check ``hub_classifier``: a sequence classifier in the format of transformers, read from a sealed folder.

Made for Prompt Guard 2 and classifiers like it. Weights are read from safetensors alone, nothing is asked of a hub,
and no code that lies in the folder is carried out.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allotment.errors import IntegrityError, MissingPartError, ProjectError
from allotment.guards._finding import Check, Context, Finding, allow, refuse
from allotment.guards._folder_seal import folder_seal
from allotment.guards._normalise import Prepared
from allotment.project import HubClassifierConfig

NAME = "hub_classifier"
HALF = 0.5
"""Probability from which a text is refused, unless the project says otherwise."""
_BATCH = 8
_PLACE = "guards.hub_classifier"


def hub_classifier_check(classifier: HubClassifier, threshold: float | None) -> Check:
    """A check by a loaded classifier; ``threshold`` none is one half."""
    limit = HALF if threshold is None else threshold

    def check(text: Prepared, context: Context) -> Finding:
        every = [text.clean, *(form.whole for form in text.forms[1:])]
        score, part = classifier.score(every)
        return allow(NAME, score) if score < limit else refuse(NAME, f"{score:.2f} of {limit:.2f}: {part}", score)

    return check


class HubClassifier:
    """A classifier in memory. Thread-safe."""

    def __init__(self, config: HubClassifierConfig, root: Path) -> None:
        """Load it, having compared the folder with its seal.

        Args:
            config: the folder, its seal and which labels are attacks.
            root: folder of ``allotment.yaml``.

        Raises:
            MissingPartError: the folder, a file of it, or the packages it needs are not there.
            IntegrityError: the folder is not what was sealed, or is no classifier.
            ProjectError: the classifier has no such labels, or reads no windows of this size.
        """
        folder = root / config.folder
        _look_over(folder, config)
        self._torch, transformers = _package("torch"), _package("transformers")
        try:
            only_here = {"local_files_only": True, "trust_remote_code": False}
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **only_here)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                str(folder), use_safetensors=True, **only_here
            )
        except Exception as error:  # whatever a file that is none makes of itself, nothing starts with it
            raise IntegrityError(
                f"the folder holds no classifier that can be loaded ({type(error).__name__}: {error}).",
                element=str(folder),
                remedy="It needs config.json, model.safetensors and the tokenizer's files.",
            ) from error
        self._model = model.eval()
        self._cutting = threading.Lock()
        """A tokenizer's way to cut is state of it."""
        self._window = config.window_tokens
        self._overlap = config.overlap_tokens
        self._attacks = _places(model.config.id2label, config)
        longest = getattr(model.config, "max_position_embeddings", None)
        if isinstance(longest, int) and 0 < longest < config.window_tokens:
            raise ProjectError(
                f"the classifier reads at most {longest} tokens.", element=f"{_PLACE}.window_tokens", remedy="Lower it."
            )

    def score(self, texts: Sequence[str]) -> tuple[float, str]:
        """The highest probability of an attack in any window of the texts, and the beginning of that window."""
        with self._cutting:
            windows = self._tokenizer(
                list(texts),
                truncation=True,
                max_length=self._window,
                stride=self._overlap,
                return_overflowing_tokens=True,
            )["input_ids"]
        best, part = 0.0, ""
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            for probability, window in zip(self._probabilities(batch), batch, strict=True):
                if not 0 <= probability <= 1.0001:
                    raise ValueError(f"its probability is {probability}")
                if probability >= best:
                    best, part = min(probability, 1.0), self._tokenizer.decode(window, skip_special_tokens=True)
        return best, part

    def _probabilities(self, windows: Sequence[Sequence[int]]) -> list[float]:
        padded = self._tokenizer.pad({"input_ids": list(windows)}, padding=True, return_tensors="pt")
        with self._torch.inference_mode():
            logits = self._model(input_ids=padded["input_ids"], attention_mask=padded["attention_mask"]).logits
        shares = self._torch.softmax(logits.float(), dim=-1)[:, self._attacks].sum(dim=-1)
        return [float(share) for share in shares]


def _look_over(folder: Path, config: HubClassifierConfig) -> None:
    missing = [name for name in ("config.json", "model.safetensors") if not (folder / name).is_file()]
    if missing:
        name = config.source or "NAME-AT-THE-HUB"
        raise MissingPartError(
            f"the classifier's folder has no {' and no '.join(missing)}.",
            element=str(folder),
            remedy=f"Fetch it once: hf download {name} --local-dir {folder}",
        )
    seal = folder_seal(folder)
    if seal != config.sha256:
        raise IntegrityError(
            f"the classifier's folder is not what was sealed: it is {seal} now.",
            element=str(folder),
            remedy=f"Fetch it again; if the change is yours, write the new seal into {_PLACE}.sha256.",
        )


def _places(labels: dict[int, str], config: HubClassifierConfig) -> list[int]:
    known = {label: place for place, label in labels.items()}
    strange = [label for label in config.attack_labels if label not in known]
    if strange or len(set(config.attack_labels)) >= len(known):
        raise ProjectError(
            f"the classifier's labels are {', '.join(map(repr, known))}.",
            element=f"{_PLACE}.attack_labels",
            remedy="Name those that speak for an attack, and not all of them.",
        )
    return [known[label] for label in config.attack_labels]


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPartError(
            f"{name} is not installed.",
            element=_PLACE,
            remedy="Run `pip install 'allotment[hub-classifier]'`.",
        ) from error
