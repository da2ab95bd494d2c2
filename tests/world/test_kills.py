"""The services that never rest are killed, and lose their machine's power, at each of their steps.

The loop counts the steps of a life: each event in which code of that service ran, so each place at
which it awaited. Each step gets a world of its own, of one virtual minute. The services of a
command's and a hand-over's life die in test_commands.py, at their work.
"""

import asyncio

import pytest

from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.faults import Faults
from monocoque.sim.power import Life, Power
from monocoque.sim.report import WorldReport
from monocoque.sim.setting import WITHOUT_DOOR, Setting
from monocoque.sim.world import live

DURATION_S = 16.0
CALM_S = 60.0
WITHOUT_POWER_S = 3.0
ECHO = EchoConfig(ask_interval_s=6.0, listen_s=30.0)
SLOW = Faults(delay_s_min=0.01, delay_s_max=0.05, disk_delay_s_max=0.01)
"""Everything takes a moment, so that a kill finds work under way; nothing else goes wrong."""
NAMES = ["link", "registry", "asker", "answerer"]


def kill(power: Power, life: Life) -> None:
    power.kill(life.machine_id, life.service_name)


def cut_power(power: Power, life: Life) -> None:
    power.cut(life.machine_id)
    asyncio.get_running_loop().call_later(WITHOUT_POWER_S, power.restore, life.machine_id)


class Striker:
    """Counts the steps of one service while there is trouble, and strikes at one of them."""

    def __init__(self, service_name, strike_at=0, strike=kill) -> None:
        self.steps = 0
        self._service_name = service_name
        self._strike_at = strike_at
        self._strike = strike

    def __call__(self, power: Power, life: Life) -> None:
        is_early = asyncio.get_running_loop().time() < DURATION_S
        if life.service_name == self._service_name and is_early:
            self.steps += 1
            if self.steps == self._strike_at:
                self._strike(power, life)


def world(striker: Striker) -> WorldReport:
    return live(
        Setting(
            seed=3,
            duration_s=DURATION_S,
            calm_s=CALM_S,
            faults=SLOW,
            services=WITHOUT_DOOR,
            echo=ECHO,
            on_event=striker,
        )
    )


@pytest.mark.parametrize("strike", [kill, cut_power])
@pytest.mark.parametrize("service_name", NAMES)
def test_a_service_that_dies_at_any_step_goes_on_from_its_records(service_name, strike) -> None:
    counting = Striker(service_name)
    calm = world(counting)
    assert calm.violations == ()
    assert calm.restarts == 0
    assert counting.steps > 10
    for step in range(1, counting.steps + 1):
        report = world(Striker(service_name, step, strike))
        assert report.violations == (), f"step {step}"
        assert report.kills + report.power_cuts == 1, f"step {step}"
        assert report.restarts >= 1, f"step {step}"
        assert report.answers > 5, f"step {step}"
