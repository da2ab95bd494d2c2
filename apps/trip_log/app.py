"""Trip log: one line per trip, with what it took and why.

Rules:

* a trip is from when the car moves until it has stood for two minutes;
* what the battery gained while the car moved was recuperated; what it lost is the use;
* a trip that a restart cut is closed with what was known, and says so; the log is bounded.

* a car that says the power of its battery gets kilowatt-hours too; any other, percent alone.

Left out on purpose: where the car was.
"""

import asyncio
import json
from dataclasses import asdict, dataclass

from monocoque.app import App, Limits, read, signals

LOOK_S = 1.0
PARKED_S = 120.0
SAVE_S = 30.0
LINES_MAX = 1_000
CLIMATE_SHARE_MUCH = 0.5
RECUPERATED_SHARE_MUCH = 0.2
SPEED_FAST_KM_PER_H = 100.0


@dataclass
class Trip:
    """What is known of one trip."""

    begin_us: int
    begin_km: float
    distance_km: float = 0.0
    moving_s: float = 0.0
    used_percent: float = 0.0
    recuperated_percent: float = 0.0
    climate_s: float = 0.0
    used_kwh: float | None = None
    recuperated_kwh: float | None = None
    was_cut: bool = False

    def why(self) -> str:
        """What the use came from, in words."""
        found = []
        if self.climate_s > CLIMATE_SHARE_MUCH * self.moving_s:
            found.append("the climate was on most of the time")
        speed = self.distance_km / self.moving_s * 3_600 if self.moving_s else 0.0
        if speed > SPEED_FAST_KM_PER_H:
            found.append("it was fast")
        if self.recuperated_percent > RECUPERATED_SHARE_MUCH * self.used_percent > 0:
            found.append("much came back when braking")
        if self.was_cut:
            found.append("the end was not seen")
        return ", ".join(found) or "nothing special"


class TripLog(App):
    """Energy per trip, and why."""

    name, version = "trip-log", "1.0.0"
    publisher = "Monocoque"
    purpose = (
        "Writes a line per trip: how far, how much of the battery, how much came back, how long "
        "the climate was on, and what the use came from. Nothing leaves the car."
    )
    limits = Limits(memory_mb=192, cpu_percent=15, start_s=20)

    is_moving = read(signals.IS_MOVING, bool)
    odometer = read(signals.TRAVELED_DISTANCE, int)
    charge = read(signals.CHARGE, float)
    is_climate_on = read(signals.IS_CLIMATE_ON, bool)
    # Into the battery, as VSS counts it: below nought while the car uses energy.
    power_w = read("Vehicle.Powertrain.TractionBattery.CurrentPower", float)

    trip: Trip | None = None
    charge_before: float | None = None
    stood_s = 0.0
    unsaved_s = 0.0

    async def start(self) -> None:
        """Close the trip that a restart cut."""
        open_trip = self.data / "open.json"
        if open_trip.exists():
            self.trip = Trip(**json.loads(open_trip.read_text()))
            self.trip.was_cut = True
            self.close()

    async def run(self) -> None:
        """Look at the car once a second."""
        while True:
            await self.look()
            await self.sleep(LOOK_S)

    async def look(self) -> None:
        """Take one look, and add it to the trip."""
        is_moving, odometer_m, charge, has_climate = await asyncio.gather(
            self.is_moving.get(), self.odometer.get(), self.charge.get(), self.is_climate_on.get()
        )
        if odometer_m is None or charge is None:
            return
        km = odometer_m / 1_000
        if self.trip is None:
            if not is_moving:
                return
            self.trip, self.charge_before = Trip(self.now_us(), km), charge
        self.add(self.trip, bool(is_moving), bool(has_climate), km, charge)
        power_w = await self.power_w.get()
        if power_w is not None:
            self.add_energy(self.trip, bool(is_moving), power_w * LOOK_S / 3_600_000)
        self.stood_s = 0.0 if is_moving else self.stood_s + LOOK_S
        if self.stood_s >= PARKED_S:
            self.close()
            return
        self.unsaved_s += LOOK_S
        if self.unsaved_s >= SAVE_S:
            self.unsaved_s = 0.0
            (self.data / "open.json").write_text(json.dumps(asdict(self.trip)))

    def add(self, trip: Trip, is_moving: bool, has_climate: bool, km: float, charge: float) -> None:
        """One look belongs to this trip; a battery that is charged while it stands does not."""
        gained = charge - (charge if self.charge_before is None else self.charge_before)
        self.charge_before = charge
        trip.distance_km = km - trip.begin_km
        if is_moving:
            trip.moving_s += LOOK_S
            trip.climate_s += LOOK_S if has_climate else 0.0
            trip.recuperated_percent += max(0.0, gained)
        trip.used_percent += max(0.0, -gained)

    def add_energy(self, trip: Trip, is_moving: bool, gained_kwh: float) -> None:
        """What went into the battery since the last look, or out of it."""
        trip.used_kwh = (trip.used_kwh or 0.0) + max(0.0, -gained_kwh)
        back_kwh = max(0.0, gained_kwh) if is_moving else 0.0
        trip.recuperated_kwh = (trip.recuperated_kwh or 0.0) + back_kwh

    def close(self) -> None:
        """Write the line, and forget the trip."""
        assert self.trip is not None
        trip, self.trip, self.stood_s = self.trip, None, 0.0
        line = {
            "begin_us": trip.begin_us,
            "distance_km": round(trip.distance_km, 2),
            "moving_s": round(trip.moving_s),
            "used_percent": round(trip.used_percent, 2),
            "recuperated_percent": round(trip.recuperated_percent, 2),
            "used_kwh": None if trip.used_kwh is None else round(trip.used_kwh, 3),
            "recuperated_kwh": (
                None if trip.recuperated_kwh is None else round(trip.recuperated_kwh, 3)
            ),
            "climate_share": round(trip.climate_s / trip.moving_s, 2) if trip.moving_s else 0,
            "why": trip.why(),
        }
        place = self.data / "trips.jsonl"
        lines = place.read_text().splitlines() if place.exists() else []
        kept = [*lines[-LINES_MAX + 1 :], json.dumps(line)]
        place.write_text("\n".join(kept) + "\n")
        (self.data / "open.json").unlink(missing_ok=True)
        self.log(json.dumps(line))
