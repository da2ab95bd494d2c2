"""Time zones, by their names in the IANA database, from the package that the product locks.

Rules: every machine and every world reads the same zones, whatever its system has; a name that is
not in the package is no zone.

Left out on purpose: which zone somebody lives in.
"""

import functools
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

ZONES_KEPT: Final = 64


@functools.lru_cache(maxsize=ZONES_KEPT)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of that name, or None. name: words between single slashes; no dots."""
    words = name.split("/")
    if not all(words) or "." in name:
        return None
    place = files("tzdata.zoneinfo").joinpath(*words)
    if not place.is_file():
        return None
    with place.open("rb") as data:
        try:
            return ZoneInfo.from_file(data, key=name)
        except ValueError:  # some files in the package are lists of zones
            return None
