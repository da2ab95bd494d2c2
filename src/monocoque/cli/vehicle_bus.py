"""The bus of a vehicle, as a person says it at the command line.

Rules: everything that can be wrong is found before the car starts: the words, both files, and the
bus itself, which is opened once and left again. What the guard cannot judge by the bus is said.

Left out on purpose: which kinds python-can knows beside these; each can lose frames in its own way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.told import left_to_the_record
from monocoque.car.can.service import needed_of
from monocoque.car.can.service.files import load_translation, own_files
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.errors import SettingInvalid
from monocoque.plumbing.can.python_can import check_bus
from monocoque.roles.bus import VehicleBus

KINDS: Final = ("socketcan", "udp_multicast", "virtual")


@dataclass(frozen=True)
class BusWords:
    """What was said."""

    interface: str
    channel: str
    database: Path | None
    mapping: Path | None
    is_lenient: bool


def words_of(
    channel: str, database: Path | None, mapping: Path | None, broker: str, *, is_lenient: bool
) -> BusWords | None:
    """The bus of ``[KIND:]CHANNEL``; None for none. Raises SettingInvalid."""
    if not channel:
        if database is not None or mapping is not None or is_lenient:
            raise SettingInvalid(
                "A database or a mapping is named, and no bus.", hint="Say which with --can."
            )
        return None
    if broker:
        raise SettingInvalid(
            "A car has a bus of its own or a broker outside, not both.",
            hint="Leave out --can or --broker.",
        )
    kind, _, rest = channel.partition(":")
    interface, place = (kind, rest) if kind in KINDS else ("socketcan", channel)
    if not place or (interface == "socketcan" and ":" in place):
        raise SettingInvalid(
            f"--can {channel[:80]!r} is no bus.",
            hint=f"Say CHANNEL or KIND:CHANNEL; kinds are {', '.join(KINDS)}.",
        )
    return BusWords(interface, place, database, mapping, is_lenient)


def vehicle_bus(words: BusWords, catalogue: Catalogue, configs: Mapping[type, Any]) -> VehicleBus:
    """The bus with its translation. Raises CanDatabaseWrong, CanMappingWrong, CanBusUnavailable."""
    database, mapping = own_files()
    translation = load_translation(
        words.database or database,
        words.mapping or mapping,
        catalogue,
        configs[CanConfig],
        is_lenient=words.is_lenient,
    )
    needed_of(translation)
    heard = [rule.signal for rule in translation.rules]
    for path in left_to_the_record(heard, translation.asks):
        typer.echo(
            f"no row of from_bus says {path}: what goes out is judged by the virtual body's",
            err=True,
        )
    check_bus(words.interface, words.channel)
    return VehicleBus(words.interface, words.channel, translation)
