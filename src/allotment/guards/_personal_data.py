"""Check ``personal_data``, of questions and answers: what the documents' own detectors find, by kind.

What was found is told by kind and number alone, so that the record does not hold it a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from allotment.documents import personal_finder
from allotment.guards._finding import AnswerContext, Context, Finding, allow, refuse
from allotment.guards._normalise import SCANNED_CHARACTERS, Prepared, normalise
from allotment.project import Project

NAME = "personal_data"
Finder = Callable[[str], Sequence[tuple[str, object]]]


class PersonalData:
    """The kinds a project declares, in questions and in answers."""

    def __init__(self, project: Project) -> None:
        """Load what finds them.

        Raises:
            ProjectError: the file of names cannot be read.
            MissingPartError: the recogniser of names is not installed.
        """
        self._find: Finder = personal_finder(project, project.guards.personal_data)

    def question(self, text: Prepared, context: Context) -> Finding:
        """Of a question as it came and cleaned."""
        return self._finding(text.original[:SCANNED_CHARACTERS], text.clean)

    def answer(self, text: str, context: AnswerContext) -> Finding:
        """Of an answer as it would be shown and cleaned."""
        return self._finding(text, normalise(text))

    def _finding(self, *readings: str) -> Finding:
        for reading in dict.fromkeys(readings):
            counts = Counter(kind for kind, _ in self._find(reading))
            if counts:
                return refuse(NAME, ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
        return allow(NAME)
