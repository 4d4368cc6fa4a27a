"""Files become sections: readable pieces with an exact span, a heading path, a language and their readers.

Every file under a declared document set ends as done, skipped or failed, the last two with a reason.
"""

from allotment.documents._ingest import ingest
from allotment.documents._language import detect_language
from allotment.documents._sections import TOO_LONG_WORDS, TOO_SHORT_WORDS
from allotment.documents._sentences import split_sentences
from allotment.documents._store import load_documents, load_sections
from allotment.documents._types import DocumentRecord, IngestReport, Section, State

__all__ = [
    "TOO_LONG_WORDS",
    "TOO_SHORT_WORDS",
    "DocumentRecord",
    "IngestReport",
    "Section",
    "State",
    "detect_language",
    "ingest",
    "load_documents",
    "load_sections",
    "split_sentences",
]
