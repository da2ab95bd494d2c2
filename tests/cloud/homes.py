"""A home in tests of the cell, played by hand; it can be played falsely too."""

import asyncio
from random import Random
from typing import Any

import httpx

from monocoque.cloud.homes.service import desk
from monocoque.contracts import identifiers, topics
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Identity, Subscription
from tests.cloud.owner import CAR, HOMES, Cell, until

SCENE = "scene_0123456789abcdefghjkmnpqrs"
SECOND_US = 1_000_000
LAMP_ON = '{"action":"home.lamp.turn_on"}'
QUIET_S = 0.15
"""How long nothing is waited for; only to look whether what must not come comes."""


class HomeByHand:
    """A home on record, and its place on the bus."""

    def __init__(self, cell: Cell, seed: int = 1) -> None:
        self.cell = cell
        self.random = Random(seed)
        self.home_id = HomeId(identifiers.make("home", self.random.getrandbits))
        self.bus = cell.hub.connect(Identity(Role.HOME, {"home_id": self.home_id}))
        self.own = {"home_id": self.home_id}

    async def make(self) -> str:
        """Put it on record; returns its code."""
        now_us = self.cell.clock.now_us()
        await desk.add_home(self.cell.records, self.home_id, now_us)
        return await self.new_code()

    async def new_code(self) -> str:
        """A new code, in place of any other."""
        cell = self.cell
        now_us = cell.clock.now_us()
        return await desk.new_code(cell.records, self.home_id, now_us, self.random, HOMES)

    async def taken_by(self, client: httpx.AsyncClient, car_id: str | None = CAR) -> None:
        """This person takes it, with this car."""
        answer = await take(client, await self.make(), car_id)
        assert answer.status_code == 200, answer.text

    async def hello(self) -> None:
        """The home says that it is there."""
        message = home_pb2.HomeHello(software_version="1.2.3")
        stamp(message, self.cell.clock, self.random)
        await self.bus.publish(topics.HOME_HELLO, message, **self.own)

    async def be_there(self, client: httpx.AsyncClient) -> None:
        """The home says hello until the desk has heard it."""

        async def is_heard() -> bool:
            await self.hello()
            found = (await client.get(f"/api/homes/{self.home_id}")).json()
            return bool(found["online"])

        await until(is_heard)

    async def say_state(self, *devices: dict[str, Any]) -> None:
        """The home says how its devices are."""
        message = home_pb2.HomeState(devices=[home_pb2.HomeDevice(**one) for one in devices])
        stamp(message, self.cell.clock, self.random)
        await self.bus.publish(topics.HOME_STATE, message, **self.own)

    async def answer(self, asked: home_pb2.HomeRequest, **changes: Any) -> None:
        """The home says what became of a request; changes: fields of that."""
        members: dict[str, Any] = {
            "request_id": asked.request_id,
            "car_id": asked.car_id,
            "outcome": "done",
            "decided_at_us": self.cell.clock.now_us(),
        }
        message = home_pb2.HomeOutcome(**(members | changes))
        stamp(message, self.cell.clock, self.random)
        await self.bus.publish(topics.HOME_OUTCOMES, message, **self.own)

    def requests(self) -> Any:
        """What the home is asked from now on."""
        return self.bus.listen(topics.HOME_REQUESTS, **self.own)

    async def cars(self) -> list[str] | None:
        """The cars that the home was told of last; None when it never was."""
        said = await self.bus.last(topics.HOME_CARS, **self.own)
        return None if said is None else [car.car_id for car in said.message.cars]


def request(cell: Cell, car_id: str = CAR, **changes: Any) -> home_pb2.HomeRequest:
    """What a scene of a car asks; changes: its fields."""
    now_us = cell.clock.now_us()
    members: dict[str, Any] = {
        "request_id": identifiers.make("request", cell.random.getrandbits),
        "car_id": car_id,
        "scene_id": SCENE,
        "action": LAMP_ON,
        "occurred_at_us": now_us,
        "expires_at_us": now_us + 60 * SECOND_US,
    }
    return home_pb2.HomeRequest(**(members | changes))


async def say_scenes(
    cell: Cell, *requests: home_pb2.HomeRequest, car_id: str = CAR, **members: Any
) -> None:
    """A car says its scenes, and what they ask now."""
    message = home_pb2.CarScenes(requests=requests, **members)
    stamp(message, cell.clock, cell.random)
    await cell.as_car(car_id).publish(topics.CAR_SCENES, message, car_id=car_id)


async def take(client: httpx.AsyncClient, code: str, car_id: str | None = None) -> httpx.Response:
    """Hand a code in."""
    return await client.post("/api/homes", json={"code": code, "car_id": car_id})


async def next_request(heard: Subscription[home_pb2.HomeRequest]) -> home_pb2.HomeRequest:
    """What the home is asked next."""
    delivery = await heard.next(20.0)
    assert delivery is not None
    return delivery.message


async def nothing(heard: Subscription[home_pb2.HomeRequest]) -> bool:
    """Whether the home is asked nothing for a while."""
    return await heard.next(QUIET_S) is None


async def shown(client: httpx.AsyncClient, car_id: str = CAR) -> dict[str, Any]:
    """The scenes of a car, as its owner is shown them."""
    answer = await client.get(f"/api/cars/{car_id}/scenes")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def states(client: httpx.AsyncClient, car_id: str = CAR) -> dict[str, tuple[str, Any]]:
    """How each request stands, and why."""
    found = (await shown(client, car_id))["requests"]
    return {one["request_id"]: (one["state"], one["reason"]) for one in found}


async def until_state(
    client: httpx.AsyncClient, asked: home_pb2.HomeRequest, state: str
) -> tuple[str, Any]:
    """How a request stands, once it is so."""

    async def is_so() -> bool:
        found = (await states(client, asked.car_id)).get(asked.request_id)
        return found is not None and found[0] == state

    await until(is_so)
    return (await states(client, asked.car_id))[asked.request_id]


def counted(cell: Cell, code: str) -> int:
    """How often this error was counted at the desk."""
    return round(cell.metrics.errors.labels(where="homes", code=code)._value.get())


async def until_counted(cell: Cell, code: str, count: int) -> None:
    """Wait until it was counted so often."""

    async def is_so() -> bool:
        await asyncio.sleep(0)
        return counted(cell, code) >= count

    await until(is_so)
