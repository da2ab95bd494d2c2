"""The bus that a person names: what the guard could not judge by it is said or refused."""

from dataclasses import replace
from typing import Any

import pytest

from monocoque.car.can.config import CanConfig
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.cli.vehicle_bus import BusWords, vehicle_bus
from monocoque.contracts.errors import CanMappingWrong
from monocoque.contracts.signals import SIGNALS, SPEED, DataType

LOCK = """
version: 1
from_bus:
  - signal: Vehicle.Cabin.Door.Row1.DriverSide.IsLocked
    message: Doors
    field: LockState
    values: {UNLOCKED: false, LOCKED: true}
to_bus:
  - signal: Vehicle.Cabin.Door.Row1.DriverSide.IsLocked
    message: LockCommand
    field: LockAsked
    values: {UNLOCK: false, LOCK: true}
"""
CONFIGS: dict[type, Any] = {CanConfig: CanConfig()}


def words(tmp_path, text):
    """The virtual bus, with this mapping."""
    mapping = tmp_path / "bus.yaml"
    mapping.write_text(text)
    return BusWords("virtual", "words", None, mapping, is_lenient=False)


def test_a_bus_with_locks_and_no_speed_is_told_that_the_virtual_body_is_judged(
    tmp_path, capsys
) -> None:
    found = vehicle_bus(words(tmp_path, LOCK), Catalogue(SIGNALS), CONFIGS)
    assert found.translation.asks
    speed, gear = capsys.readouterr().err.splitlines()
    assert "no row of from_bus says Vehicle.Speed" in speed
    assert "no row of from_bus says Vehicle.Powertrain.Transmission.SelectedGear" in gear


def test_our_own_bus_leaves_nothing_to_the_virtual_body(capsys) -> None:
    vehicle_bus(BusWords("virtual", "own", None, None, False), Catalogue(SIGNALS), CONFIGS)
    assert capsys.readouterr().err == ""


def test_a_catalogue_whose_speed_is_a_text_is_refused_when_something_goes_out(tmp_path) -> None:
    strange = replace(SPEED, data_type=DataType.STRING)
    catalogue = Catalogue([strange, *(each for each in SIGNALS if each is not SPEED)])
    speed = """
  - signal: Vehicle.Speed
    message: Motion
    field: Speed
    values: {0: slow}
"""
    heard, asked = LOCK.strip().split("to_bus:")
    with pytest.raises(CanMappingWrong, match=r"Vehicle\.Speed is string"):
        vehicle_bus(words(tmp_path, f"{heard}{speed}to_bus:{asked}"), catalogue, CONFIGS)
    assert not vehicle_bus(words(tmp_path, heard + speed), catalogue, CONFIGS).translation.asks
