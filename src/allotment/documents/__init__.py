"""Files become sections: readable pieces with an exact span, a heading path, a language and their readers.

Every file under a declared document set ends as done, skipped or failed, the last two with a reason.
"""

from allotment.documents._ingest import ingest
from allotment.documents._language import detect_language
from allotment.documents._pool import WorkerPool
from allotment.documents._readers import readers_now
from allotment.documents._scrub import personal_finder
from allotment.documents._sentences import split_sentences
from allotment.documents._store import iterate_sections, load_documents, load_sections
from allotment.documents._types import DocumentRecord, IngestReport, Label, Place, Replaced, Section, State
from allotment.documents._walk import find_files
from allotment.documents._words import stems_of, words_of

__all__ = [
    "DocumentRecord",
    "IngestReport",
    "Label",
    "Place",
    "Replaced",
    "Section",
    "State",
    "WorkerPool",
    "detect_language",
    "find_files",
    "ingest",
    "iterate_sections",
    "load_documents",
    "load_sections",
    "personal_finder",
    "readers_now",
    "split_sentences",
    "stems_of",
    "words_of",
]
