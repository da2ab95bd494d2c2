"""The table of signals: each number and each path once, so that a value has one meaning."""

from monocoque.contracts.signals import RETIRED, SIGNALS

GIVEN = {
    1: ("Vehicle.Speed", "km/h"),
    2: ("Vehicle.TraveledDistance", "km"),
    3: ("Vehicle.CurrentLocation.Latitude", "degrees"),
    4: ("Vehicle.CurrentLocation.Longitude", "degrees"),
    5: ("Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed", "percent"),
    6: ("Vehicle.Powertrain.TractionBattery.Range", "m"),
    7: ("Vehicle.Powertrain.TractionBattery.Charging.IsCharging", ""),
    8: ("Vehicle.Powertrain.TractionBattery.Charging.IsChargingCableConnected", ""),
    9: ("Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit", "percent"),
    10: ("Vehicle.Powertrain.Transmission.SelectedGear", ""),
    11: ("Vehicle.Cabin.HVAC.AmbientAirTemperature", "Celsius"),
    12: ("Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature", "Celsius"),
    13: ("Vehicle.Cabin.HVAC.IsAirConditioningActive", ""),
    14: ("Vehicle.Cabin.Door.Row1.DriverSide.IsLocked", ""),
    15: ("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", ""),
    16: ("Vehicle.IsMoving", ""),
}
"""What was given once; a line here never changes, since lakes are full of these numbers.

Only the spelling of a unit may follow VSS, which wrote ``celsius`` before 6.0."""


def test_what_a_number_once_meant_it_means_for_ever():
    known = {each.number: (each.path, each.unit) for each in SIGNALS}
    known |= {each.number: (each.path, each.unit) for each in RETIRED}
    assert {number: known.get(number) for number in GIVEN} == GIVEN


def test_no_two_rows_have_the_number_or_the_path_of_each_other():
    assert len({signal.number for signal in SIGNALS}) == len(SIGNALS)
    assert len({signal.path for signal in SIGNALS}) == len(SIGNALS)
    for signal in SIGNALS:
        assert 0 < signal.number < 2**32
        assert signal.path.startswith("Vehicle.")
        assert signal.purpose.endswith(".")


def test_a_retired_number_is_given_to_nothing_and_says_what_took_its_place():
    numbers = {signal.number for signal in SIGNALS}
    assert len({each.number for each in RETIRED}) == len(RETIRED)
    assert not numbers & {each.number for each in RETIRED}
    assert {each.instead for each in RETIRED} - {None} <= numbers
