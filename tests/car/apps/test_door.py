"""Apps at the real door: a hub, tokens, gRPC on loopback, and processes of their own."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from monocoque.app import loading, manifest_of
from monocoque.car.apps import service
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.service import AppsPlace
from monocoque.car.kuksa import service as kuksa
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.tokens import service as tokens
from monocoque.contracts import signals
from monocoque.contracts.apps import Access
from tests.car.apps.stand import QUICK, AppStand
from tests.car.door_stand import DoorStand

APPS = Path(__file__).parents[3] / "apps"
WAIT_S_MAX = 100.0
HEARING = """
charge = read(signals.CHARGE, float)
async def run(self):
    async for charge in self.charge.changes():
        self.log(f"charge {charge:.1f}")
"""


class Car:
    """A car with its door, its apps, and a provider of its signals."""

    def __init__(self, path: Path, config: AppsConfig) -> None:
        self.door = DoorStand(apps=config)
        self.apps = AppStand(path, self.door.records, config=config)
        shown = self.door.plate.shown
        place = AppsPlace(self.apps.apps, lambda: shown.get(kuksa.NAME))
        ports: dict[type, object] = {**self.door.context.ports, AppsPlace: place}
        self.door.context = replace(self.door.context, ports=ports)

    async def until_said(self, name, text):
        return await self.apps.until_logged(name, text)


@contextlib.asynccontextmanager
async def car(path, config=QUICK):
    made = Car(path, config)
    await made.apps.trust()
    async with asyncio.timeout(WAIT_S_MAX), made.door.open(kuksa.run, service.run):
        yield made


async def test_an_app_hears_what_the_car_says(tmp_path):
    async with car(tmp_path) as it, it.door.all.provide([signals.CHARGE.number]) as provision:
        await provision.publish([signals.CHARGE.number], [50.0], 1)
        await it.apps.install("hearing", HEARING, (signals.CHARGE.path, Access.READ))
        await it.until_said("hearing", "charge 50.0")
        await provision.publish([signals.CHARGE.number], [49.5], 2)
        await it.until_said("hearing", "charge 49.5")


async def test_an_app_goes_on_when_its_token_is_renewed(tmp_path):
    quick = replace(QUICK, token_s=10.0)  # a new one comes 4 s before its end at least
    async with (
        car(tmp_path, quick) as it,
        it.door.all.provide([signals.CHARGE.number]) as provision,
    ):
        await it.apps.install("hearing", HEARING, (signals.CHARGE.path, Access.READ))
        await it.apps.until("hearing", "running")
        known: set[object] = set()
        for renewed in (1, 2, 3):
            while len(known) < renewed:
                known |= {row["token_id"] for row in await tokens.listed(it.door.records)}
                await asyncio.sleep(0.1)
            await provision.publish([signals.CHARGE.number], [10.0 + renewed], renewed)
            await it.until_said("hearing", f"charge {10 + renewed:.1f}")
        assert (await it.apps.app("hearing")).restarts == 0


ASKING = """
climate = actuate(signals.IS_CLIMATE_ON, bool)
async def run(self):
    self.log(str(await self.climate.set(True)))
"""


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (ActState.DONE, "", "Outcome(done=True, reason='')"),
        (ActState.REFUSED, "updating", "Outcome(done=False, reason='updating')"),
        (ActState.FAILED, "jammed", "Outcome(done=False, reason='jammed')"),
    ],
)
async def test_an_app_hears_what_became_of_what_it_asked(tmp_path, state, reason, said):
    number = signals.IS_CLIMATE_ON.number
    async with car(tmp_path) as it, it.door.all.provide([number], [number]) as provision:
        await it.apps.install("asking", ASKING, (signals.IS_CLIMATE_ON.path, Access.ACTUATE))
        (act,) = await provision.next_acts()
        assert act.asked_by.startswith("app asking")
        if state is not ActState.REFUSED:
            await provision.tell(act.act_id, ActState.ACCEPTED)
        await provision.tell(act.act_id, state, reason)
        await it.until_said("asking", said)
        await it.apps.until("asking", "finished")


async def test_nobody_does_it_when_the_actuator_has_no_provider(tmp_path):
    async with car(tmp_path) as it:
        await it.apps.install("asking", ASKING, (signals.IS_CLIMATE_ON.path, Access.ACTUATE))
        await it.until_said("asking", "reason='nobody_does_it'")


async def test_an_app_says_a_signal_that_is_its_own_to_say(tmp_path):
    body = """
    cabin = provide(signals.CABIN_TEMPERATURE, float)
    async def run(self):
        await self.cabin.say(21.5)
    """
    async with car(tmp_path) as it:
        wish = (signals.CABIN_TEMPERATURE.path, Access.PROVIDE)
        await it.apps.install("saying", body, wish)
        await it.apps.until("saying", "finished")
        (reading,) = await it.door.all.read([signals.CABIN_TEMPERATURE.number])
        assert (reading.value, reading.source.partition("/")[0]) == (21.5, "app saying")


@pytest.mark.parametrize(
    "body",
    [
        "speed = read(signals.SPEED)\nasync def run(self): await self.speed.get()",
        """
        speed = read(signals.SPEED)
        async def run(self):
            async for _ in self.speed.changes():
                pass
        """,
        "locks = actuate(signals.IS_LOCKED)\nasync def run(self): await self.locks.set(False)",
    ],
)
async def test_the_door_gives_an_app_no_more_than_its_manifest(tmp_path, body):
    async with car(tmp_path) as it:
        # The class uses more than the manifest that was signed says.
        await it.apps.install("sly", body, (signals.CHARGE.path, Access.READ))
        app = await it.apps.until("sly", "given_up")
        assert app.reason.startswith("signal_denied")


async def test_a_stopped_app_leaves_no_token_that_is_good(tmp_path):
    async with car(tmp_path) as it:
        await it.apps.install("hearing", HEARING, (signals.CHARGE.path, Access.READ))
        await it.apps.until("hearing", "running")
        await service.order_stop(it.door.records, "hearing")
        await it.apps.until("hearing", "stopped")
        rows = await tokens.listed(it.door.records)
        assert [row["name"] for row in rows] == ["app hearing"]
        assert all(row["revoked_us"] for row in rows)


@pytest.mark.parametrize("folder", sorted(path.name for path in APPS.iterdir()))
async def test_each_of_our_apps_runs_in_its_cage(tmp_path, folder):
    async with car(tmp_path) as it:
        manifest = manifest_of(loading.find(APPS / folder))
        await it.apps.install_folder(APPS / folder, manifest)
        await it.apps.until(manifest.name, "running")
        await asyncio.sleep(0)
        assert "cannot hold" not in it.apps.log_of(manifest.name)
