"""Office files are ZIP archives of XML: their size and their entities are checked before any parser sees them."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile, ZipInfo

from lxml import etree

from allotment.documents._front_matter import readers_listed
from allotment.documents.formats._kinds import BROKEN_ARCHIVE
from allotment.errors import DocumentError

_MAX_ENTRIES = 10_000
_MAX_BYTES = 256 * 1024 * 1024
_FREE_BYTES = 16 * 1024 * 1024
_MAX_RATIO = 150
"""Unpacked to packed; office files stay far below it, a bomb has a thousand. Small files may have any."""
_BLOCK = 1 << 20
_OVERLAP = 64
_DECLARATIONS = tuple(
    word.encode(encoding) for word in ("<!DOCTYPE", "<!ENTITY") for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)
_KEYWORDS = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}keywords"


def check_package(raw: bytes) -> frozenset[str] | None:
    """Refuse what would harm a parser; the readers that the document's keywords name (``readers: a, b``).

    Raises:
        DocumentError: damaged, protected, a bomb, or its keywords name readers in another way.
    """
    try:
        with ZipFile(BytesIO(raw)) as archive:
            _check_sizes(archive.infolist(), len(raw))
            for entry in archive.infolist():
                if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_xml(archive, entry)
            return _readers(archive)
    except BROKEN_ARCHIVE as error:
        raise DocumentError("is damaged or cut off: its archive cannot be unpacked; get the file again") from error


def _check_sizes(entries: list[ZipInfo], packed: int) -> None:
    names = {entry.filename.casefold() for entry in entries}
    if len(entries) > _MAX_ENTRIES or len(names) < len(entries):
        raise DocumentError("is no sound office file: it has too many parts, or a part twice")
    total = sum(entry.file_size for entry in entries)
    if total > _MAX_BYTES or (total > _FREE_BYTES and total > packed * _MAX_RATIO):
        raise DocumentError(f"unpacks to {total // 2**20} MiB, more than a document may; split it")


def _check_xml(archive: ZipFile, entry: ZipInfo) -> None:
    tail = b""
    with archive.open(entry) as part:
        while block := part.read(_BLOCK):
            if any(word in tail + block for word in _DECLARATIONS):
                raise DocumentError("is no sound office file: it declares entities of its own")
            tail = block[-_OVERLAP:]


def _readers(archive: ZipFile) -> frozenset[str] | None:
    if "docProps/core.xml" not in archive.namelist():
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(archive.read("docProps/core.xml"), parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError("is damaged: its properties, which could name its readers, cannot be read") from error
    return readers_in_keywords(" ; ".join(node.text or "" for node in root.iter(_KEYWORDS)))


def readers_in_keywords(keywords: str) -> frozenset[str] | None:
    """The readers in keywords such as ``budget; readers: boss, staff``.

    Raises:
        DocumentError: they are named twice, or in a way that could be misread.
    """
    named = [part.strip() for part in keywords.split(";") if "readers:" in part.casefold()]
    if not named:
        return None
    if len(named) > 1 or not named[0].casefold().startswith("readers:"):
        raise DocumentError("keywords: readers must stand once, as `readers: role, role`, ended by a semicolon")
    return readers_listed(named[0][len("readers:") :])
