"""Every service of the car, the cell and the factory dies at every step of a command's life.

One person takes one car over and sends commands through the cell's door; everything is
production's. The loop counts the steps of a life: each event in which code of that service ran, so
each place at which it awaited. Each step gets a world of its own, in which the service is killed
there, or its machine loses power. Whatever died: what must hold of commands holds (sim/deeds.py).
"""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from monocoque.roles.cell_settings import HTTP
from monocoque.roles.table import SERVICES
from monocoque.sim.faults import Faults
from monocoque.sim.loop import run_virtual
from monocoque.sim.maker import BIRTH
from monocoque.sim.people import PeopleConfig
from monocoque.sim.power import LIVING
from monocoque.sim.report import WorldReport
from monocoque.sim.setting import Setting
from monocoque.sim.world import World
from tests.world.test_kills import cut_power, kill

SLOW = Faults(delay_s_min=0.01, delay_s_max=0.05, disk_delay_s_max=0.01)
"""Everything takes a moment, so that a death finds work under way; nothing else goes wrong."""
DURATION_S, CALM_S = 6.0, 24.0
REDELIVERED_S = 45.0
"""What a dead service had taken from the bus and not acknowledged comes again within this time."""
ONE = PeopleConfig(begin_s_max=3.0, pause_s_min=0.0, pause_s_max=0.5, commands_max=1)
THREE = replace(ONE, commands_max=3)
BYSTANDERS = {
    "orders",
    "telemetry",
    "pairing",
    "build",
    "releases",
    "campaigns",
    "updates",
    "homes",
    "bridge",
    "assistant",
}
"""They take no step in a command's life, or hear of the body alone; of homes there are none here.
The first two die at their own work in test_days.py, the next two at a hand-over, below, and the
others in tests of their own."""
NAMES = [HTTP, *(row.name for row in SERVICES if row.name not in BYSTANDERS)]

STEPS_MIN = {"body": 2, "scenes": 4}
"""The fewest steps that each has in a command's life; the others have eight and more."""
ASKED = {kill: "kills", cut_power: "power_cuts"}

During = Callable[[World], bool]


def command(world: World) -> bool:
    """A command is under way: from its signature to the moment at which its end is seen."""
    return any(order.settled_s is None for order in world.people[0].memory.commands)


def command_and_after(world: World) -> bool:
    """A command is under way, or was lately: the body tells of it in its own time."""
    now_s = asyncio.get_running_loop().time()
    orders = world.people[0].memory.commands
    return any(order.settled_s is None or now_s < order.settled_s + 3.0 for order in orders)


def hand_over(world: World) -> bool:
    """The car has no owner yet: births, sign-in, request, grant."""
    return not world.people[0].grant


@dataclass
class Striker:
    """Counts the steps of one service during something, and strikes at one."""

    service_name: str
    during: During
    strike_at: int = 0
    strike: Callable = kill
    steps: int = 0

    def __call__(self, world: World, life) -> None:
        if life.service_name == self.service_name and self.during(world):
            self.steps += 1
            if self.steps == self.strike_at:
                self.strike(world.power, life)


def live(striker: Striker, people: PeopleConfig = ONE) -> tuple[World, WorldReport]:
    """One world with this striker."""
    worlds: list[World] = []
    setting = Setting(
        seed=5,
        duration_s=DURATION_S,
        calm_s=REDELIVERED_S if striker.during is hand_over else CALM_S,
        faults=SLOW,
        services=SERVICES,
        people=people,
    )

    async def main() -> WorldReport:
        worlds.append(World(setting))
        return await worlds[0].run()

    def observe(context: contextvars.Context) -> None:
        life = context.get(LIVING)
        if life is not None:
            striker(worlds[0], life)

    report = run_virtual(main(), observer=observe)
    return worlds[0], report


def outcomes_after_each_death(
    service_name: str, strike: Callable, during: During, people: PeopleConfig = ONE
) -> set[str]:
    """One world for each step; returns every state in which a command ended."""
    counting = Striker(service_name, during)
    world, calm = live(counting, people)
    orders = world.people[0].memory.commands
    assert calm.violations == ()
    assert [order.state for order in orders] == ["done"] * people.commands_max
    assert calm.restarts == 0
    outcomes = set()
    for step in range(1, counting.steps + 1):
        world, report = live(Striker(service_name, during, step, strike), people)
        assert report.violations == (), f"step {step}"
        assert getattr(report, ASKED[strike]) == 1, f"step {step}"
        assert report.hand_overs == 1, f"step {step}"
        outcomes |= {order.state for order in world.people[0].memory.commands}
    assert counting.steps >= STEPS_MIN.get(service_name, 8)
    return outcomes


KILLED = [(name, kill) for name in NAMES]
WITHOUT_POWER = [(name, cut_power) for name in (HTTP, "commands", "car-commands")]
"""The ends of a command's way, which write it down; `make prove` has the rest."""


@pytest.mark.parametrize(("service_name", "strike"), KILLED + WITHOUT_POWER)
def test_a_command_survives_a_death_at_any_step(service_name, strike) -> None:
    during = command_and_after if service_name == "body" else command
    outcomes = outcomes_after_each_death(service_name, strike, during)
    # Only who acts can die between the act and its line; no other death may leave it open.
    acts = service_name == "car-commands"
    assert outcomes == ({"done", "unknown"} if acts else {"done"})


@pytest.mark.parametrize("service_name", ["pairing", "build", BIRTH])
def test_a_hand_over_survives_a_kill_at_any_step(service_name) -> None:
    outcomes_after_each_death(service_name, kill, hand_over)


@pytest.mark.prove
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("strike", [kill, cut_power])
@pytest.mark.parametrize("service_name", NAMES)
def test_three_commands_survive_a_death_at_any_step(service_name, strike) -> None:
    during = command_and_after if service_name == "body" else command
    outcomes_after_each_death(service_name, strike, during, THREE)


@pytest.mark.prove
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("strike", [kill, cut_power])
@pytest.mark.parametrize("service_name", [*NAMES, "pairing", "build", BIRTH])
def test_a_hand_over_survives_a_death_at_any_step(service_name, strike) -> None:
    outcomes_after_each_death(service_name, strike, hand_over)
