"""How long the physics of bodies takes: one second for a fleet, and for one car.

The cars drive, stand, charge and warm up at random. Three figures:

* ``fleet_step_ms`` at p50 and p99: one step of a second for 1,000 cars at once, as arrays;
* ``single_step_us``: the same formulas for one car, as plain numbers.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

CARS = 1_000
FLEET_STEPS = 500
SINGLE_STEPS = 20_000

Progress = Callable[[str], object]


def measure(progress: Progress) -> dict[str, Any]:
    """Run it and return the figures; progress is told what is being done."""
    progress(f"{FLEET_STEPS} steps of {CARS} cars at once")
    random = np.random.default_rng(1)
    durations_ms = []
    fleet = Condition(
        *(np.full(CARS, value) for value in (0.6, 9.0, 0.01, 0.01, 9.0, 1.0, 260.0, 0.0, 0.0, 0.0))
    )
    for _ in range(FLEET_STEPS):
        doing = Doing(
            speed_m_per_s=random.uniform(0.0, 35.0, CARS),
            gain_m_per_s2=random.uniform(-2.0, 2.0, CARS),
            slope=random.uniform(-0.05, 0.05, CARS),
            awake=random.random(CARS) < 0.8,
            outlet_w=np.where(random.random(CARS) < 0.3, 11_000.0, 0.0),
            outside_celsius=random.uniform(-20.0, 40.0, CARS),
            climate_on=random.random(CARS) < 0.5,
        )
        began_s = time.perf_counter()
        fleet = pass_on(ARDEN_7, fleet, doing, 1.0)
        durations_ms.append((time.perf_counter() - began_s) * 1_000)
    progress(f"{SINGLE_STEPS} steps of one car")
    car, driving = Condition(), Doing(speed_m_per_s=15.0, gain_m_per_s2=0.3, climate_on=True)
    began_s = time.perf_counter()
    for _ in range(SINGLE_STEPS):
        car = pass_on(ARDEN_7, car, driving, 1.0)
    single_us = (time.perf_counter() - began_s) / SINGLE_STEPS * 1e6
    return {
        "cars": CARS,
        "fleet_step_ms": {
            "p50": round(float(np.percentile(durations_ms, 50)), 3),
            "p99": round(float(np.percentile(durations_ms, 99)), 3),
        },
        "single_step_us": round(single_us, 1),
    }


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
