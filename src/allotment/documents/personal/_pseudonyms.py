"""Names to use in place of personal data: the same for the same value, and not reversible without the secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from allotment.documents.personal._types import Kind
from allotment.errors import ProjectError

_LABELS: dict[Kind, str] = {
    "emails": "EMAIL",
    "phones": "PHONE",
    "ibans": "IBAN",
    "cards": "CARD",
    "national-ids": "ID",
    "names": "PERSON",
}
_CODE_LETTERS = 8
_LEAST_SECRET_BYTES = 16
PSEUDONYM = re.compile(rf"(?:{'|'.join(_LABELS.values())})-[A-Z2-7]{{{_CODE_LETTERS}}}")


def new_secret() -> str:
    """A fresh project secret: 256 random bits as hexadecimal digits."""
    return secrets.token_hex(32)


class Pseudonyms:
    """Gives every value its pseudonym, such as ``EMAIL-K7Q2MXPA``: 40 bits of HMAC-SHA256 under the project's secret.

    Consistent over documents and runs, since it depends on the secret and the value alone. Two of *n* different values
    of one kind share a pseudonym with probability about n²/2⁴¹: 5 in 100,000 for 10,000 values.
    """

    def __init__(self, secret: str) -> None:
        """``secret`` is at least 128 bits as hexadecimal digits.

        Raises:
            ProjectError: it is shorter, or not hexadecimal.
        """
        try:
            self._key = bytes.fromhex(secret)
        except ValueError:
            self._key = b""
        if len(self._key) < _LEAST_SECRET_BYTES:
            raise ProjectError(
                "the secret that pseudonyms are made with must be at least 32 hexadecimal digits.",
                element="scrub",
                remedy="Make one with `python -c 'import secrets; print(secrets.token_hex(32))'`.",
            )

    def of(self, kind: Kind, value: str) -> str:
        """The pseudonym of ``value``, which is normalised already."""
        digest = hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        code = base64.b32encode(digest).decode("ascii")[:_CODE_LETTERS]
        return f"{_LABELS[kind]}-{code}"
