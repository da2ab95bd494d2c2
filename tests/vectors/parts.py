"""What every maker of vectors needs: documents of any parts, and files that never differ."""

import json

from monocoque.trust import base64url
from monocoque.trust.keys import PrivateKey


def made(head: object, claims: object, key: PrivateKey) -> str:
    """A document of these parts, whatever they are; a text is taken as it is."""
    parts = [p if isinstance(p, str) else json.dumps(p, sort_keys=True) for p in (head, claims)]
    signing_input = ".".join(base64url.encode(part.encode()) for part in parts)
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"


def text_of(content: object) -> str:
    """The text of a file of vectors."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
