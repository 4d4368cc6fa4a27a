"""A transcript from a file named on the command line or declared in a project."""

from __future__ import annotations

from pathlib import Path

from allotment.documents.transcripts._encoding import MAX_BYTES, too_large
from allotment.documents.transcripts._read import read_transcript
from allotment.documents.transcripts._types import Transcript
from allotment.errors import ProjectError


def load_transcript(path: Path) -> Transcript:
    """Read a file, see ``read_transcript``; never more of it than a transcript can have.

    Raises:
        ProjectError: there is no such file, or it may not be read.
        DocumentError: it is no transcript.
    """
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise ProjectError(f"{what}.", element=str(path), remedy="Name a subtitle file, SRT or WebVTT.")
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProjectError(f"cannot be read ({error.strerror}).", element=str(path), remedy="Mend that.") from error
    if len(raw) > MAX_BYTES:
        raise too_large(str(path))
    return read_transcript(raw, str(path))
