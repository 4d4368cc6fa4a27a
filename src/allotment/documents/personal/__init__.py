"""Personal data in documents: found, and replaced by consistent pseudonyms before anything else sees the text."""

from allotment.documents.personal._declared_names import DeclaredNames
from allotment.documents.personal._phone import REGIONS
from allotment.documents.personal._pseudonyms import Pseudonyms, new_secret
from allotment.documents.personal._report import Replacement, Report, report
from allotment.documents.personal._scrub import find, scrub
from allotment.documents.personal._spacy_names import SpacyNames
from allotment.documents.personal._types import KINDS, Edit, Found, Kind, NameRecogniser, Scrubbed

__all__ = [
    "KINDS",
    "REGIONS",
    "DeclaredNames",
    "Edit",
    "Found",
    "Kind",
    "NameRecogniser",
    "Pseudonyms",
    "Replacement",
    "Report",
    "Scrubbed",
    "SpacyNames",
    "find",
    "new_secret",
    "report",
    "scrub",
]
