"""How long the physics of bodies takes: one second for a fleet, and for one car.

The cars drive, stand and charge at outlets and at fast chargers, in the sun and at night, cold and
hot, at random and each in its own way; who is plugged in stands. A step is all that
``physics.condition.pass_on`` works out: cabin, road, charging, battery with its heat and age, 12 V
and tyres. Figures:

* ``fleet_step_ms`` at p50 and p99: one step of a second for 1,000 cars at once, as arrays;
* ``single_step_us``: the same formulas for one car, as plain numbers.

Left out on purpose: doors, windows, seats and the way along a route. They are events of one body
(``body.logic``), and no physics of a fleet.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    cars: int = 1_000
    fleet_steps: int = 500
    single_steps: int = 20_000


FULL = Effort()


def measure(progress: Progress, effort: Effort = FULL) -> dict[str, Any]:
    """Run it and return the figures; progress is told what is being done."""
    progress(f"{effort.fleet_steps} steps of {effort.cars} cars at once")
    durations_ms = _fleet_ms(effort)
    progress(f"{effort.single_steps} steps of one car")
    return {
        "cars": effort.cars,
        "fleet_step_ms": {
            "p50": round(float(np.percentile(durations_ms, 50)), 3),
            "p99": round(float(np.percentile(durations_ms, 99)), 3),
        },
        "single_step_us": round(_single_us(effort), 1),
    }


def _fleet_ms(effort: Effort) -> list[float]:
    """What each step took."""
    random = np.random.default_rng(1)
    durations_ms = []
    fleet = _some_cars(random, effort.cars)
    for _ in range(effort.fleet_steps):
        doing = _some_deeds(random, effort.cars)
        began_s = time.perf_counter()
        fleet = pass_on(ARDEN_7, fleet, doing, 1.0)
        durations_ms.append((time.perf_counter() - began_s) * 1_000)
    assert np.isfinite(fleet.charge).all()
    assert (fleet.taken_wh > 0.0).any()
    return durations_ms


def _some_cars(random: np.random.Generator, cars: int) -> Condition:
    """Empty and full, cold and hot, new and old."""
    return Condition(
        charge=random.uniform(0.02, 1.0, cars),
        battery_celsius=random.uniform(-20.0, 55.0, cars),
        calendar_loss=random.uniform(0.0, 0.1, cars),
        cycle_loss=random.uniform(0.0, 0.1, cars),
        cabin_celsius=random.uniform(-20.0, 60.0, cars),
        low_voltage=random.uniform(0.5, 1.0, cars),
        tyre_kpa=random.uniform(200.0, 300.0, cars),
        given_wh=np.zeros(cars),
        taken_wh=np.zeros(cars),
        heat_wh=np.zeros(cars),
    )


def _some_deeds(random: np.random.Generator, cars: int) -> Doing:
    """A third drives, a third stands, a sixth is at an outlet and a sixth at a fast charger."""
    what = random.integers(0, 6, cars)
    drives, at_outlet, is_fast = what < 2, what == 4, what == 5
    return Doing(
        speed_m_per_s=np.where(drives, random.uniform(0.0, 35.0, cars), 0.0),
        gain_m_per_s2=np.where(drives, random.uniform(-2.0, 2.0, cars), 0.0),
        slope=random.uniform(-0.05, 0.05, cars),
        awake=drives | (random.random(cars) < 0.5),
        outlet_w=np.where(at_outlet, 11_000.0, 0.0),
        charger_w=np.where(is_fast, random.uniform(50_000.0, 300_000.0, cars), 0.0),
        limit=random.uniform(0.5, 1.0, cars),
        outside_celsius=random.uniform(-20.0, 40.0, cars),
        climate_on=random.random(cars) < 0.5,
        target_celsius=random.uniform(16.0, 26.0, cars),
        sun_w_per_m2=random.uniform(0.0, 1_000.0, cars),
        people=random.integers(0, 6, cars).astype(float),
        recirculated=random.uniform(0.0, 1.0, cars),
        preheats=is_fast,
        chills=is_fast,
        leak_per_month=random.uniform(0.01, 0.5, cars),
    )


def _single_us(effort: Effort) -> float:
    """What a step of one car took, in the mean."""
    car = Condition()
    driving = Doing(speed_m_per_s=15.0, gain_m_per_s2=0.3, climate_on=True, sun_w_per_m2=300.0)
    began_s = time.perf_counter()
    for _ in range(effort.single_steps):
        car = pass_on(ARDEN_7, car, driving, 1.0)
    return (time.perf_counter() - began_s) / effort.single_steps * 1e6


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
