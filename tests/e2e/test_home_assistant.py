"""The guide to Home Assistant, step by step: with a plain MQTT client, and with the real one."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.home_assistant import HomeAssistant, home_assistant
from tests.e2e.installation import Installation
from tests.e2e.test_homes import owner_of_all
from tests.fixtures.mqtt import MqttClient, mqtt_client, until
from tests.fixtures.phone import signed_in_phone

GUIDE = Path(__file__).parents[2] / "docs/guide/home-assistant.md"
LOG = logging.getLogger(__name__)
"""Figures of the proof: `pytest -m prove -o log_cli=true -o log_cli_level=INFO` shows them."""
WAIT_S_MAX = 60.0
LIST, LET_IN, LET_IN_OLDER, TURN_OUT = re.findall(
    r"^```\n(monocoque .*)\n```$", GUIDE.read_text("utf-8"), re.MULTILINE
)
"""The steps of the guide, in its order."""


class House:
    """An installation whose one car is tied to its one home, and who follows the guide in it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.car_id = ""
        self.home_id = ""

    async def settle(self) -> None:
        """An owner takes the car, and ties it to the home."""
        code = self.installation.sign_in_link("phone").partition("#")[2]
        async with signed_in_phone(self.installation.port, code) as client:
            self.car_id, _ = await owner_of_all(self.installation, client)
        [self.home_id] = set(re.findall(r"home_[0-9a-z]{26}", self.follow(LIST)))

    def follow(self, step: str) -> str:
        """What a step of the guide prints."""
        words = step.replace("HOME_ID", self.home_id).split()[1:]
        return self.installation.run(*words, "--data", str(self.installation.data))

    def login(self, step: str) -> dict[str, str]:
        """What a step prints for a person to type, by its name."""
        return dict(line.split() for line in self.follow(step).splitlines())

    def drive(self) -> None:
        """The car drives off, so that it is plugged in no longer."""
        self.installation.run("car", "drive", self.car_id, "--data", str(self.installation.data))


@pytest.mark.timeout(180)
async def test_the_steps_of_the_guide_show_a_car_to_a_plain_client(
    own_installation: Installation,
) -> None:
    house = House(own_installation)
    await house.settle()
    login = house.login(LET_IN)
    assert login["user"] == house.home_id
    port, place = int(login["port"]), f"homeassistant/monocoque/{house.car_id}/"
    async with mqtt_client(port, login["user"], login["password"]) as client:
        assert await client.subscribe("homeassistant/#")
        announced = f"homeassistant/device/{house.car_id}/config"
        await until(lambda: bool(client.payloads(announced)), WAIT_S_MAX)
        whole = json.loads(client.payloads(announced)[-1])
        assert whole["origin"]["name"] == "Monocoque"
        for each in ("place", "state"):  # what is retained comes in any order
            await until(lambda each=each: bool(client.payloads(f"{place}{each}")), WAIT_S_MAX)
        assert json.loads(client.payloads(f"{place}state")[-1])["plugged"] is True
        house.drive()
        await until(lambda: b'"plugged":false' in client.payloads(f"{place}state")[-1], WAIT_S_MAX)
        older = house.login(LET_IN_OLDER)
        await until(lambda: bool(client.ended), WAIT_S_MAX)
    async with mqtt_client(port, older["user"], older["password"]) as client:
        await client.subscribe("homeassistant/#")
        alone = f"homeassistant/binary_sensor/{house.car_id}/lock/config"
        await until(lambda: bool(client.payloads(alone)), WAIT_S_MAX)
        house.follow(TURN_OUT)
        await until(lambda: bool(client.ended), WAIT_S_MAX)
    late = MqttClient(older["user"], older["password"])
    assert not await late.connect(port)
    late.close()


@pytest.mark.prove
@pytest.mark.timeout(1_200)
async def test_home_assistant_itself_sees_the_car(
    own_installation: Installation, tmp_path: Path
) -> None:
    house = House(own_installation)
    await house.settle()
    async with home_assistant(tmp_path / "home-assistant") as assistant:
        await assistant.sign_in()
        login = house.login(LET_IN_OLDER)
        began_s = time.monotonic()
        await assistant.add_mqtt(
            login["host"], int(login["port"]), login["user"], login["password"]
        )
        seen = await until_seen(assistant, house, are_there)
        LOG.info("the car was seen after %.2f s", time.monotonic() - began_s)
        assert {name: (one["state"], one["class"]) for name, one in seen.items()} == {
            "lock": ("off", "lock"),
            "charge": (seen["charge"]["state"], "battery"),
            "range": (seen["range"]["state"], "distance"),
            "plug": ("on", "plug"),
            "charging": (seen["charging"]["state"], "battery_charging"),
            "climate": ("off", "running"),
            "place": (seen["place"]["state"], None),
        }
        assert 0 < float(seen["charge"]["state"]) <= 100
        assert float(seen["range"]["state"]) > 0
        assert {"latitude", "longitude", "gps_accuracy"} <= set(seen["place"]["attributes"])
        states = await assistant.states()
        assert not [name for name in states if name.startswith("lock.")]
        assert await assistant.opens_nothing(seen["lock"]["entity_id"])

        began_s = time.monotonic()
        house.drive()
        await until_seen(assistant, house, lambda found: found["plug"]["state"] == "off")
        LOG.info("it was unplugged after %.2f s, the command included", time.monotonic() - began_s)

        await assistant.stop()
        await assistant.start()
        await until_seen(assistant, house, are_there)
        own_installation.kill()
        await until_seen(assistant, house, lambda found: not are_there(found))
        own_installation.start()
        await until_seen(assistant, house, are_there)
        house.follow(TURN_OUT)
        await until_seen(assistant, house, lambda found: not are_there(found))
        assert " ERROR " not in complaints(assistant), complaints(assistant)


KINDS = ("lock", "charge", "range", "plug", "charging", "climate", "place")


def are_there(found: dict[str, dict[str, Any]]) -> bool:
    """Whether everything of the car is available, and all of it is here."""
    gone = {"unavailable", "unknown"}
    return len(found) == len(KINDS) and not any(
        one["state"] in gone for name, one in found.items() if name != "place"
    )


async def until_seen(
    assistant: HomeAssistant,
    house: House,
    is_so: Callable[[dict[str, dict[str, Any]]], bool],
) -> dict[str, dict[str, Any]]:
    """What is seen of the car, once it is so; by the last word of each entity."""
    prefix = f"car_{house.car_id[-4:]}_"
    found: dict[str, dict[str, Any]] = {}
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                found = {}
                for entity_id, one in (await assistant.states()).items():
                    name = entity_id.partition(".")[2].removeprefix(prefix)
                    if name in KINDS:
                        kind = one["attributes"].get("device_class")
                        found[name] = {**one, "class": kind}
                if found and is_so(found):
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"not seen: {found}\n{assistant.printed()[-4_000:]}")


def complaints(assistant: HomeAssistant) -> str:
    """What Home Assistant says of its integration of MQTT and is no word on a lost connection."""
    lines = assistant.printed().splitlines()
    return "\n".join(one for one in lines if "components.mqtt" in one and "connect" not in one)
