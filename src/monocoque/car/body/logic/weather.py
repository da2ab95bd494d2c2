"""The weather around a body: how warm the air is, as a function of time alone.

Rules:

* a day is a curve, coldest at the end of the night and warmest in the afternoon at home; days
  differ from the mean by what a seed says of them, and pass into each other;
* the same seed has the same weather, whoever asks, how often, and in which order;
* it stays for a piece of ``PIECE_US``, so that what follows from it stays a closed form; after more
  than ``FINE_US`` that nobody looked, for a day at once.

Left out on purpose: seasons, sun, rain and wind; and other places, since the car lives at home.
"""

import functools
import math
from dataclasses import dataclass
from typing import Final

DAY_US: Final = 86_400_000_000
PIECE_US: Final = 1_800_000_000
"""Half an hour, in which the air warms by less than a kelvin."""
FINE_US: Final = 3 * DAY_US
"""Longer than a battery remembers how warm it was."""
WARMEST_UTC_SHARE: Final = 14.5 / 24
"""Of a day: three in the afternoon by the sun over home."""
COLDEST_UTC_SHARE: Final = 4.5 / 24
"""The end of the night."""
PIECES_REMEMBERED_MAX: Final = 1_024
BITS: Final = (1 << 64) - 1
SHARES: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Weather:
    """One weather, for ever."""

    mean_celsius: float = 9.0
    """Of all days."""
    swing_k: float = 5.0
    """How far the warmest and the coldest moment of a day are from its mean."""
    change_k: float = 3.0
    """How far the mean of a day is from that of all days, at most."""
    seed: int = 1
    """Which days those are."""


USUAL: Final = Weather()
"""Where nobody says another one."""


def outside_celsius(weather: Weather, at_us: int) -> float:
    """How warm the air is at that moment."""
    return _piece_celsius(weather, at_us // PIECE_US)


def day_celsius(weather: Weather, at_us: int) -> float:
    """The mean of the day around that moment."""
    day = at_us // DAY_US
    return weather.mean_celsius + _between_days(weather, day + 0.5)


def held_celsius(weather: Weather, at_us: int, until_us: int) -> tuple[float, int]:
    """How warm it is from then on, and until when this is taken as constant."""
    if until_us - at_us > FINE_US:
        return day_celsius(weather, at_us), (at_us // DAY_US + 1) * DAY_US
    return outside_celsius(weather, at_us), min(until_us, (at_us // PIECE_US + 1) * PIECE_US)


@functools.lru_cache(maxsize=PIECES_REMEMBERED_MAX)
def _piece_celsius(weather: Weather, piece: int) -> float:
    """In the middle of a piece, for the whole of it."""
    days = (piece + 0.5) * PIECE_US / DAY_US
    return (
        weather.mean_celsius
        + _between_days(weather, days)
        + weather.swing_k * _swing(days % 1.0)
    )  # fmt: skip


def _swing(share: float) -> float:
    """From -1 at the end of the night to 1 in the afternoon, and slowly back."""
    warming = WARMEST_UTC_SHARE - COLDEST_UTC_SHARE
    since = (share - COLDEST_UTC_SHARE) % 1.0
    if since < warming:
        return -math.cos(math.pi * since / warming)
    return math.cos(math.pi * (since - warming) / (1.0 - warming))


def _between_days(weather: Weather, days: float) -> float:
    """How far from the mean: what two days have, shared by how near their middles are."""
    before = math.floor(days - 0.5)
    share = days - 0.5 - before
    one, other = _of_day(weather.seed, before), _of_day(weather.seed, before + 1)
    return weather.change_k * (one + (other - one) * share)


def _of_day(seed: int, day: int) -> float:
    """From -1 to 1, without any order: SplitMix64 (Steele and others, OOPSLA 2014)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (day + 1) * 0xD1B54A32D192ED03) & BITS
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & BITS
    mixed ^= mixed >> 31
    return (mixed >> 11) / SHARES * 2.0 - 1.0
