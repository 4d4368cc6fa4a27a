"""Which canaries a text gives away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from allotment.evaluation.canaries._forms import Form, bare, forms_of, plain_tokens
from allotment.evaluation.canaries._readings import decoded, joined_lines, runs_of_letters, with_runs_joined
from allotment.evaluation.canaries._spelled import without_words
from allotment.evaluation.canaries._types import Canary
from allotment.guards import normalise

_SHORTEST_RUN = 4
Numbers = set[int]


class Detector:
    """Finds the values of canaries in texts. Made once for many texts; its cost hardly grows with the canaries.

    A value is found as whole words, whatever the spelling of numbers and dates, case and diacritics; without its
    currency if it has five digits that count; and also in rot13, backwards, letter by letter, parted by a line's end,
    with invisible characters or lookalikes, in base64, hexadecimal, URL and HTML encoding, each once within another,
    and as a number in English or Czech words.
    """

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._canaries = tuple(canaries)
        self._index: dict[str, list[tuple[int, Form, int]]] = defaultdict(list)
        self._bare: list[tuple[str, int]] = []
        for number, canary in enumerate(self._canaries):
            for form in forms_of(canary.value):
                anchor = max(range(len(form.tokens)), key=lambda place: len(form.tokens[place]))
                self._index[form.tokens[anchor]].append((anchor, form, number))
            letters = bare(canary.value)
            if len(letters) >= _SHORTEST_RUN:
                self._bare.append((letters, number))

    def found(self, text: str, *, asked: str = "") -> tuple[Canary, ...]:
        """Every canary whose value ``text`` gives away, in the order they were given; not one that ``asked`` says."""
        numbers = self._numbers(text)
        if numbers and asked:
            numbers -= self._numbers(asked)
        return tuple(self._canaries[number] for number in sorted(numbers))

    def found_plainly(self, text: str) -> tuple[Canary, ...]:
        """The same for a text that nobody encoded, as a cell of a table: a fraction of the time."""
        return tuple(self._canaries[number] for number in sorted(self._in_tokens(plain_tokens(normalise(text)))))

    def _numbers(self, text: str) -> Numbers:
        clean = normalise(text)
        found = self._in_text(clean)
        for reading in decoded(clean):
            found |= self._in_text(reading)
        if joined := joined_lines(clean):
            found |= self._in_tokens(plain_tokens(joined), telling=True)
            for reading in decoded(joined):
                found |= self._in_text(reading)
        return found

    def _in_text(self, clean: str) -> Numbers:
        tokens = plain_tokens(clean)
        found = self._in_tokens(tokens)
        if (digits := without_words(tokens)) is not None:
            found |= self._in_tokens(digits)
        if runs := runs_of_letters(clean):
            found |= self._in_runs(runs) | self._in_tokens(plain_tokens(with_runs_joined(clean)))
        return found

    def _in_tokens(self, tokens: list[str], *, telling: bool = False) -> Numbers:
        return {
            number
            for place in range(len(tokens))
            for offset, form, number in self._index.get(tokens[place], ())
            if place >= offset
            and (form.telling or not telling)
            and tuple(tokens[place - offset : place - offset + len(form.tokens)]) == form.tokens
        }

    def _in_runs(self, runs: Collection[str]) -> Numbers:
        joined = [bare(run) for run in runs]
        return {number for letters, number in self._bare for run in joined if _holds(run, letters)}


def _holds(run: str, letters: str) -> bool:
    """Whether ``letters`` stand in ``run``, and are not cut out of a longer number."""
    start = run.find(letters)
    while start >= 0:
        end = start + len(letters)
        cut = (start and run[start - 1].isdigit() and letters[0].isdigit()) or (
            end < len(run) and run[end].isdigit() and letters[-1].isdigit()
        )
        if not cut:
            return True
        start = run.find(letters, start + 1)
    return False
