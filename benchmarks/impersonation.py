"""What the rules make of the set "Impersonation at work", kind by kind, and how hard it is for plain baselines.

The rules are ``check_question`` with the item's role as the session's and all roles of the set as the project's; a
conversation is asked as all its turns together. The baselines learn from the train part alone and refuse what scores
above the 95th percentile of validation's benign items: character n-grams with logistic regression, and the same model
on the outside of a text (length, punctuation, capitals), which should find little.
Writes ``benchmarks/results/impersonation.json``; ``make docs`` writes the tables of docs/impersonation-set.md from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from allotment.access import Principal
from allotment.guards import check_question, refused, skeleton
from allotment.guards._impersonation_set import ImpersonationItem, impersonation_items

RESULTS = Path(__file__).parent / "results" / "impersonation.json"
SPLITS = ("train", "validation", "test_seen", "test_unseen", "test_role")
ITEMS = impersonation_items()
ROLES = dict.fromkeys(sorted({item.role for item in ITEMS}), "works here")
BENIGN_REFUSED = 0.05


def main() -> None:
    """Measure and write the figures."""
    rules = {item.id: refused(check_question(item.text, Principal("someone", item.role), ROLES)) for item in ITEMS}
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "shape": shape(),
        "kinds": {
            kind: {"splits": [split for split in SPLITS if split in {item.split for item in of_kind}]}
            | counted(of_kind, rules)
            for kind in dict.fromkeys(item.kind for item in ITEMS)
            for of_kind in [[item for item in ITEMS if item.kind == kind]]
        },
        "rules": by_split(rules),
        "n_grams": by_split(learned(_n_grams)),
        "outside": by_split(learned(_outside_of_it)),
    }
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: figures[name] for name in ("shape", "rules", "n_grams", "outside")}, indent=1))


def counted(items: Sequence[ImpersonationItem], flagged: dict[str, bool]) -> dict[str, int]:
    """How many attacks and twins there are, and how many of each are flagged."""
    attacks, twins = (
        [flagged[item.id] for item in items if item.label == "attack"],
        [flagged[item.id] for item in items if item.label == "benign"],
    )
    return {"attacks": len(attacks), "found": sum(attacks), "twins": len(twins), "wrongly": sum(twins)}


def by_split(flagged: dict[str, bool]) -> dict[str, dict[str, int]]:
    """The counts of each part, and of each language in the two large tests together."""
    parts = {split: [item for item in ITEMS if item.split == split] for split in SPLITS}
    tests = parts["test_seen"] + parts["test_unseen"]
    parts |= {language: [item for item in tests if item.language == language] for language in ("en", "cs")}
    return {name: counted(items, flagged) for name, items in parts.items()}


def learned(features: Callable[[], Any]) -> dict[str, bool]:
    """What a model flags that learned from the train part, with its threshold fixed on validation."""
    model = make_pipeline(features(), LogisticRegression(C=10, max_iter=1000))
    train = [item for item in ITEMS if item.split == "train"]
    model.fit([item.text for item in train], [item.label == "attack" for item in train])
    scores = dict(
        zip([item.id for item in ITEMS], model.predict_proba([item.text for item in ITEMS])[:, 1], strict=True)
    )
    benign = [scores[item.id] for item in ITEMS if item.split == "validation" and item.label == "benign"]
    threshold = float(np.quantile(benign, 1 - BENIGN_REFUSED))
    return {name: bool(score > threshold) for name, score in scores.items()}


def _n_grams() -> Any:
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, preprocessor=skeleton)


def _outside_of_it() -> Any:
    return make_pipeline(FunctionTransformer(_outside), StandardScaler())


def _outside(texts: Sequence[str]) -> Any:
    return np.array(
        [
            [
                len(text),
                len(text.split()),
                text.endswith("?"),
                text[0].isupper(),
                *(text.count(sign) for sign in '?!.,:"„\n'),
            ]
            for text in texts
        ],
        dtype=float,
    )


def shape() -> dict[str, float]:
    """Sizes and likenesses of the whole set."""
    by_id = {item.id: item for item in ITEMS}
    attacks = [item for item in ITEMS if item.label == "attack"]
    lengths = sorted(len(item.text.split()) for item in ITEMS)
    return {
        "items": len(ITEMS),
        "words_median": median(lengths),
        "words_shortest": lengths[0],
        "words_longest": lengths[-1],
        "czech_without_diacritics": _share(item.text.isascii() for item in ITEMS if item.language == "cs"),
        "attacks_ending_in_a_question_mark": _share(item.text.endswith("?") for item in attacks),
        "twins_ending_in_a_question_mark": _share(by_id[item.twin].text.endswith("?") for item in attacks),
        "words_shared_with_the_twin_median": round(
            median(_shared(item.text, by_id[item.twin].text) for item in attacks if item.kind != "same_words"), 3
        ),
        "closest_of_one_label": round(max(_closest("attack"), _closest("benign")), 3),
    }


def _share(values: Iterable[bool]) -> float:
    return round(float(np.mean(list(values))), 3)


def _shared(one: str, other: str) -> float:
    first, second = (set(re.findall(r"\w+", skeleton(text))) for text in (one, other))
    return len(first & second) / len(first | second)


def _closest(label: str) -> float:
    """The greatest Jaccard likeness of character 5-grams between two texts of a label."""
    texts = [skeleton(item.text) for item in ITEMS if item.label == label]
    grams = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, dtype=int).fit_transform(texts)
    shared = (grams @ grams.T).toarray()
    sizes = shared.diagonal()
    likeness = shared / (sizes[:, None] + sizes[None, :] - shared)
    np.fill_diagonal(likeness, 0)
    return float(likeness.max())


if __name__ == "__main__":
    main()
