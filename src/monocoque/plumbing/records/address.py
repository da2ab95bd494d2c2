"""The address of a database on a server, as it may be shown: without its secrets.

Rules: what is not known to be harmless is hidden; rather too much than a password.

Left out on purpose: whether the address is right; postgres.py refuses one that is not.
"""

import re
from typing import Final

HIDDEN: Final = "***"
_SHOWN_OPTIONS: Final = ("host", "port", "sslmode")
# A password that was not escaped may hold any character, so it reaches to the last @.
_PASSWORD: Final = re.compile(r"^(\w+(?:\+\w+)?://[^:/?@]*):.*@", re.DOTALL)
_OPTION: Final = re.compile(rf"([?&])(?!(?:{'|'.join(_SHOWN_OPTIONS)})=)([^=&]*)=[^&]*")


def masked(url: str) -> str:
    """The address without password and without options that may hold a secret."""
    return _OPTION.sub(rf"\1\2={HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", url))
