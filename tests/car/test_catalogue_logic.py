"""Signals by path, by number, by branch and by pattern."""

import pytest

from monocoque.car.signals.logic.catalogue import PATH_CHARACTERS_MAX, Catalogue, own_catalogue
from monocoque.contracts.errors import SignalUnknown
from monocoque.contracts.signals import SIGNALS, DataType, EntryType, Signal

PATHS = (
    "Vehicle.Speed",
    "Vehicle.Cabin.Door.Left.IsOpen",
    "Vehicle.Cabin.Door.Left.Window.Position",
    "Vehicle.Cabin.Door.Right.IsOpen",
    "Vehicle.CabinLight",
)
CATALOGUE = Catalogue(
    Signal(number, path, DataType.FLOAT, EntryType.SENSOR, "", "x")
    for number, path in enumerate(PATHS, 1)
)


def test_a_signal_is_found_by_path_and_by_number() -> None:
    assert CATALOGUE.at("Vehicle.Speed") is CATALOGUE.numbered(1)
    assert CATALOGUE.find("Vehicle.Speed") is CATALOGUE.find_number(1)
    assert CATALOGUE.find("Vehicle") is None
    assert CATALOGUE.find_number(99) is None
    for ask in (lambda: CATALOGUE.at("Vehicle.Nothing"), lambda: CATALOGUE.numbered(99)):
        with pytest.raises(SignalUnknown):
            ask()


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", {1, 2, 3, 4, 5}),
        ("**", {1, 2, 3, 4, 5}),
        ("Vehicle", {1, 2, 3, 4, 5}),
        ("Vehicle.**", {1, 2, 3, 4, 5}),
        ("Vehicle.Cabin", {2, 3, 4}),
        ("Vehicle.Cabin.**.IsOpen", {2, 4}),
        ("Vehicle.**.**.IsOpen", {2, 4}),
        ("Vehicle.Cabin.Door.*.IsOpen", {2, 4}),
        ("Vehicle.Cabin.Door.*", {2, 3, 4}),
        ("Vehicle.*", {1, 2, 3, 4, 5}),
        ("Vehicle.Cab*", {2, 3, 4, 5}),
        ("Vehicle.Speed", {1}),
        ("Vehicle.Spee", set()),
        ("Vehicle.Speed.*", set()),
        ("*." * PATH_CHARACTERS_MAX, set()),
        ("Vehicle.[S]peed*", set()),
    ],
)
def test_a_pattern_names_what_it_says(pattern, numbers) -> None:
    assert {signal.number for signal in CATALOGUE.matching(pattern)} == numbers


def test_our_own_catalogue_has_every_row() -> None:
    assert own_catalogue().signals == tuple(sorted(SIGNALS, key=lambda row: row.path))
