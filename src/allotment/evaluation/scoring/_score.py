"""Whether an answer is right, how near it is, and how sure a share of right answers is."""

from __future__ import annotations

import math
from collections import Counter

from allotment.evaluation.scoring._values import tokens, windows


def is_right(answer: str, value: str) -> bool:
    """Whether ``answer`` holds ``value`` as whole words: "0" is not in "10", "38 EUR" is in "It is 38 EUR a guest".

    Case, punctuation, thousands separators, decimal commas and the spelling of dates make no difference; a missing
    diacritic makes none either. A value without any word or number is never held.
    """
    return any(
        _holds(tokens(answer, diacritics=diacritics), tokens(value, diacritics=diacritics))
        for diacritics in (True, False)
    )


def _holds(answer: list[str], value: list[str]) -> bool:
    return bool(value) and value in windows(answer, len(value))


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of precision and recall over the tokens of both, 0 to 1 (Rajpurkar et al. 2016, SQuAD).

    Two empty texts agree; an empty and another do not.
    """
    given, wanted = Counter(tokens(answer)), Counter(tokens(reference))
    if not given or not wanted:
        return float(given == wanted)
    return 2 * (given & wanted).total() / (given.total() + wanted.total())


def wilson_interval(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval a share of ``right`` of ``total`` lies in with 95 % confidence (Wilson 1927); (0, 1) of nothing.

    Args:
        right: how many were right, 0 to ``total``.
        total: how many there were.
        z: quantile of the normal distribution; 1.96 gives 95 %.
    """
    if total <= 0:
        return 0.0, 1.0
    share = right / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
