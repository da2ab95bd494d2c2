"""Writes drive.log beside it: one minute of our virtual car's bus, as candump writes it."""

from pathlib import Path

import can
import cantools

HERE = Path(__file__).parent
DATABASE = HERE.parents[2] / "src" / "monocoque" / "car" / "can" / "arden7.dbc"
BEGAN_S = 1_780_000_000.0
SECONDS = 60
PARK, DRIVE, FASTEST_KMH = 1, 4, 90.0


def speed_kmh(at_s: float) -> float:
    """Gather speed for 15 s from the 5th on, hold it, brake for the last 15 s but 5."""
    return max(0.0, min((at_s - 5) / 15, 1.0, (SECONDS - 5 - at_s) / 15)) * FASTEST_KMH


def main() -> None:
    """Write it; the same each time."""
    database = cantools.database.load_file(DATABASE)
    driven_km, charge = 0.0, 80.0
    with can.CanutilsLogWriter(HERE / "drive.log", channel="can0") as log:
        for tenth in range(SECONDS * 10):
            at_s, speed = tenth / 10, speed_kmh(tenth / 10)
            driven_km += speed / 36_000
            charge -= speed / 36_000 / 4.3
            is_moving = speed > 0
            said = {
                "Motion": {
                    "Speed": speed,
                    "IsMoving": is_moving,
                    "Odometer": 12_345 + driven_km,
                    "Gear": DRIVE if 4 < at_s < SECONDS - 4 else PARK,
                }
            }
            if tenth % 10 == 0:
                said |= {
                    "Battery": {"ChargePercent": charge, "ChargeLimit": 80, "Range": charge * 4.3},
                    "Charging": {"CableState": 0, "IsCharging": 0},
                    "Climate": {"CabinTemperature": 9 + at_s / 6, "ClimateTarget": 21,
                                "IsClimateOn": 1},
                    "Doors": {"LockState": int(at_s > 2), "DriverDoor": int(at_s < 2)},
                    "Place": {"Latitude": 47.3769 + driven_km / 111.32, "Longitude": 8.5417},
                }  # fmt: skip
            for offset, (name, fields) in enumerate(said.items()):
                message = database.get_message_by_name(name)
                log.on_message_received(
                    can.Message(
                        timestamp=BEGAN_S + at_s + offset / 10_000,
                        arbitration_id=message.frame_id,
                        is_extended_id=False,
                        data=message.encode(fields),
                    )
                )


if __name__ == "__main__":
    main()
