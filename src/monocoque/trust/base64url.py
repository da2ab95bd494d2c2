"""Base64url without padding, in its one canonical spelling (RFC 7515 section 2, RFC 4648).

Rules: bytes have exactly one spelling. Padding, line ends, other alphabets and unused bits that
are not zero are refused, so that no two texts are the same document.

Left out on purpose: streams; everything here is small.
"""

import base64
import binascii

from monocoque.contracts.errors import DocumentMalformed


def encode(data: bytes) -> str:
    """The canonical text of the bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a canonical text; raises DocumentMalformed for any other."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise DocumentMalformed("A part is not base64url.") from None
    if encode(data) != text:
        raise DocumentMalformed("A part is not in the one canonical spelling of base64url.")
    return data
