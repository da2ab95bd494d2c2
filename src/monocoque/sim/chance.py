"""Chance in a world: one seeded source per purpose.

Rule: a source is derived from the world's seed and the purpose's name alone, so one draw more in
one place shifts nothing anywhere else.

Left out on purpose: any global source, and secrets; real keys come from ``trust``'s KeyMaker.
"""

import hashlib
from random import Random


def chance(seed: int, *purpose: str) -> Random:
    """The source for one purpose, such as ``chance(7, "network", "car-1")``."""
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    named = "".join(f"{len(word)}:{word}" for word in (str(seed), *purpose))
    return Random(int.from_bytes(hashlib.sha256(named.encode()).digest()))
