"""Our road load beside FASTSim's, the model of the National Renewable Energy Laboratory (NREL).

Both drive a Tesla Model 3 through the cycles UDDS (town) and HWFET (highway) of the EPA. FASTSim
runs in an environment of its own, out of requirements/fastsim.txt, and brings the cycles with it.

What our Model 3 is made of, and whence: mass 1,752 kg and drag coefficient 0.23 (Tesla's data
sheet); frontal area, wheels' inertia and 250 W of auxiliary load (FASTSim's vehicle file); rolling
resistance 0.007 (tyre label, class B, and FASTSim); gear 0.98; motor with inverter 84 to 95 per
cent, the curve that FASTSim's authors published. So this compares equations on the same car, and
proves no number of the car itself. The resistance of the battery is ours; FASTSim takes a constant
efficiency for it.
"""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import MODEL_3
from tests.fixtures.environments import INSTALL_S_MAX, programs_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "protocol" / "body.md"
RUN_S_MAX = 100
BESIDE_MAX = 0.05
ROOM_CELSIUS = 22.0
THEIRS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import fastsim

cycle = fastsim.Cycle.from_resource(sys.argv[1])
course = cycle.to_dict()
drive = fastsim.SimDrive(fastsim.Vehicle.from_resource("2022 Tesla Model 3 RWD thrml.yaml"), cycle)
drive.walk()
car = drive.to_dict()["veh"]
battery = car["pt_type"]["BEV"]["res"]["state"]
print(json.dumps({
    "times_s": course["time_seconds"],
    "speeds_m_per_s": course["speed_meters_per_second"],
    "way_m": car["state"]["dist_meters"],
    "poles_j": battery["energy_out_electrical_joules"],
    "inside_j": battery["energy_out_chemical_joules"],
}))
"""


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of FASTSim's Python; installed at the first use, and kept for these very pins."""
    return programs_of("fastsim", wheels_only=True)


@pytest.mark.timeout(INSTALL_S_MAX + RUN_S_MAX)
@pytest.mark.parametrize("cycle", ["udds.csv", "hwfet.csv"])
async def test_a_model_3_takes_as_much_as_fastsim_says(programs, cycle) -> None:
    theirs = await _theirs(programs, cycle)
    poles_wh_per_km, inside_wh_per_km = _ours(theirs["times_s"], theirs["speeds_m_per_s"])
    joules_per_wh_per_km = theirs["way_m"] / 1_000 * 3_600
    their_poles = theirs["poles_j"] / joules_per_wh_per_km
    their_inside = theirs["inside_j"] / joules_per_wh_per_km
    sys.stdout.write(
        f"\n{cycle}: ours {poles_wh_per_km:.1f} Wh/km at the poles, {inside_wh_per_km:.1f} with "
        f"the battery's losses; FASTSim's {their_poles:.1f} and {their_inside:.1f}\n"
    )
    assert poles_wh_per_km == pytest.approx(their_poles, rel=BESIDE_MAX)
    assert inside_wh_per_km == pytest.approx(their_inside, rel=BESIDE_MAX)
    page = PAGE.read_text(encoding="utf-8")
    for mine, other in ((poles_wh_per_km, their_poles), (inside_wh_per_km, their_inside)):
        assert f"| {mine:.1f} | {other:.1f} | {mine / other - 1:+.1%} |" in page.replace(" %", "%")


async def _theirs(programs: Path, cycle: str) -> dict:
    process = await asyncio.create_subprocess_exec(
        programs / "python", "-c", THEIRS, cycle, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(RUN_S_MAX):
        said, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(said)


def _ours(times_s: list[float], speeds_m_per_s: list[float]) -> tuple[float, float]:
    """Energy per kilometre at the poles of the battery, and with what is lost inside it."""
    began = Condition(charge=0.95, battery_celsius=ROOM_CELSIUS, cabin_celsius=ROOM_CELSIUS)
    car, way_m = began, 0.0
    for number in range(1, len(times_s)):
        elapsed_s = times_s[number] - times_s[number - 1]
        before, after = speeds_m_per_s[number - 1], speeds_m_per_s[number]
        doing = Doing((before + after) / 2, (after - before) / elapsed_s, people=0.0,
                      outside_celsius=ROOM_CELSIUS)  # fmt: skip
        car = pass_on(MODEL_3, car, doing, elapsed_s)
        way_m += doing.speed_m_per_s * elapsed_s
    poles_wh = car.given_wh - car.taken_wh
    return poles_wh / way_m * 1_000, (poles_wh + car.heat_wh) / way_m * 1_000
