"""What every store of documents takes: the form of a name.

Rules: one to six words with slashes between; a word begins with a letter or digit and has letters,
digits, dots, hyphens and underscores. So no word is ``..``, hidden, or a half-written file.

Left out on purpose: what the names mean.
"""

import re
from typing import Final

from monocoque.contracts.errors import SettingInvalid

_WORD: Final = r"[a-z0-9][a-z0-9._-]{0,127}"
_NAME: Final = re.compile(rf"{_WORD}(/{_WORD}){{0,5}}\Z")


def is_name(name: str) -> bool:
    """Whether a document can have this name."""
    return _NAME.match(name) is not None


def checked_name(name: str) -> str:
    """The name; raises SettingInvalid when no document can have it."""
    if not is_name(name):
        raise SettingInvalid("The name of a document is not one.")
    return name
