"""What a file is by its first bytes, against what its ending says. A file of another kind is never read."""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from lzma import LZMAError
from zipfile import BadZipFile, ZipFile

from allotment.errors import DocumentError

BROKEN_ARCHIVE = (BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error, LZMAError)
"""What unpacking a damaged archive can raise."""
_NAMES = {
    "docx": "a Word document",
    "pptx": "a PowerPoint presentation",
    "xlsx": "an Excel workbook",
    "pdf": "a PDF",
    "html": "HTML",
    "doc": "a Word document of the old format",
    "xls": "an Excel workbook of the old format",
    "ppt": "a PowerPoint presentation of the old format",
    "msg": "an Outlook message",
    "ole": "an Office file of the old format",
    "protected": "protected by a password",
    "odf": "an OpenDocument file",
    "epub": "an e-book",
    "rtf": "rich text",
    "zip": "a ZIP archive",
    "gzip": "a gzip archive",
    "archive": "an archive",
    "image": "an image",
}
_REMEDIES = {
    "doc": "save it as .docx",
    "xls": "save it as .xlsx",
    "ppt": "save it as .pptx",
    "ole": "save it in the current format",
    "msg": "save it as .eml",
    "odf": "save it as .docx, .xlsx or .pptx",
    "rtf": "save it as .docx",
    "protected": "save it without the password",
    "zip": "unpack it",
    "gzip": "unpack it",
    "archive": "unpack it",
}
_KIND_OF_SUFFIX = {
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".pdf": "pdf",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"BZh91AY&SY", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
)
_OLE_STREAMS = (
    ("EncryptedPackage", "protected"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("__substg1.0_", "msg"),
)
_MAIN_PARTS = ((b"wordprocessingml", "docx"), (b"presentationml", "pptx"), (b"spreadsheetml", "xlsx"))
_MACRO_PARTS = ((b"ms-word", "docx"), (b"ms-powerpoint", "pptx"), (b"ms-excel", "xlsx"))
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]", re.I | re.S
)
_HEAD = 4096


def check_kind(suffix: str, raw: bytes) -> None:
    """Refuse a file whose content is of another known kind than its ending says.

    Raises:
        DocumentError: it is, or its content is not of the kind that its ending says.
    """
    expected = _KIND_OF_SUFFIX.get(suffix, "")
    found = kind_of(raw)
    if found == expected or (expected == "html" and not found):
        return
    if found == "protected":
        raise DocumentError(f"is {_NAMES[found]}; {_REMEDIES[found]}")
    if found:
        remedy = _REMEDIES.get(found, "give it the ending of what it is")
        raise DocumentError(f"is {_NAMES[found]}, not what its ending {suffix or '(none)'} says; {remedy}")
    raise DocumentError(f"is not {_NAMES[expected]}: it does not begin like one; it may be damaged or misnamed")


def kind_of(raw: bytes) -> str:
    """The kind of a file, ``""`` for text and for what is not known."""
    kind = next((kind for signature, kind in _SIGNATURES if raw.startswith(signature)), "")
    if kind == "zip":
        return _in_zip(raw)
    if kind == "ole":
        return next((kind for name, kind in _OLE_STREAMS if name.encode("utf-16-le") in raw), "ole")
    if kind:
        return kind
    if b"%PDF-" in raw[:1024] and not raw[:1].isspace() and (raw.startswith(b"%PDF-") or b"\0" in raw[:_HEAD]):
        return "pdf"
    return "html" if _HTML.match(raw[:_HEAD]) else ""


def _in_zip(raw: bytes) -> str:
    try:
        with ZipFile(BytesIO(raw)) as archive:
            names = set(archive.namelist())
            if any(entry.flag_bits & 0x1 for entry in archive.infolist()):
                return "protected"
            if "[Content_Types].xml" in names:
                return _in_package(archive)
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    return "epub" if b"epub" in file.read(100) else "odf"
    except BROKEN_ARCHIVE as error:
        raise DocumentError("is damaged or cut off: the end of its archive is missing; get the file again") from error
    return "zip"


def _in_package(archive: ZipFile) -> str:
    with archive.open("[Content_Types].xml") as file:
        types = file.read(1 << 20)
    for mark, kind in (*_MAIN_PARTS, *_MACRO_PARTS):
        if re.search(mark + rb"[^\"']*main\+xml", types):
            return kind
    return "zip"
