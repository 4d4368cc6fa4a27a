"""The pages' words in every language there is: English in the source, the others in ``locale``."""

from allotment.gateway.wording._catalogue import Catalogue, catalogue
from allotment.gateway.wording._choice import LANGUAGE_NAMES, LANGUAGES, Language, language_of
from allotment.gateway.wording._message import Message, say, say_many

__all__ = [
    "LANGUAGES",
    "LANGUAGE_NAMES",
    "Catalogue",
    "Language",
    "Message",
    "catalogue",
    "language_of",
    "say",
    "say_many",
]
