"""The door for VISS clients, over real sockets: WebSocket, HTTP, errors and bad input."""

import asyncio
import contextlib
import json
from dataclasses import replace

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.service import embodying, history
from monocoque.car.tokens import service as tokens
from monocoque.car.viss import service as viss
from monocoque.car.viss.config import VissConfig
from monocoque.car.viss.logic.answers import time_text
from monocoque.contracts.signals import CHARGE_LIMIT, IS_LOCKED, SPEED
from tests.car.door_stand import DoorStand

WAIT_S_MAX = 20.0
VISS = Subprotocol("VISSv3")


class Client:
    """A WebSocket that speaks VISS."""

    def __init__(self, socket, token: str) -> None:
        self.socket = socket
        self.token = token
        self.events: list[dict] = []

    async def ask(self, action: str, **members) -> dict:
        """Send a request, and return its answer; events go to ``events``."""
        request_id = str(id(members))
        request = {"action": action, "requestId": request_id, "authorization": self.token}
        await self.socket.send(json.dumps(request | members))
        while (answer := json.loads(await self.socket.recv())).get("requestId") != request_id:
            self.events.append(answer)
        return answer

    async def event(self) -> dict:
        """The next event."""
        if self.events:
            return self.events.pop(0)
        return json.loads(await self.socket.recv())


@contextlib.asynccontextmanager
async def door(scope="read actuate", *runs, config=None, configs=None):
    """A car with this door open, and a client of it. runs: services beside the door."""
    stand = DoorStand(viss=config or VissConfig(), **(configs or {}))
    async with asyncio.timeout(WAIT_S_MAX), stand.open(viss.run, *runs):
        stand.address = await stand.plate.address("viss")
        token, stand.token_id = await stand.token(scope)
        async with connect(f"ws://{stand.address}", subprotocols=[VISS]) as socket:
            yield stand, Client(socket, token)


def filtered(variant, parameter=None):
    return {"variant": variant, "parameter": parameter}


async def test_values_are_read_as_texts_with_their_time():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [50.5], 1_700_000_000_000_000)
        answer = await client.ask("get", path=SPEED.path)
        assert answer["data"] == {
            "path": SPEED.path,
            "dp": {"value": "50.5", "ts": "2023-11-14T22:13:20.000000Z"},
        }
        assert answer["ts"].endswith("Z")
        both = await client.ask(
            "get", path="Vehicle", filter=filtered("paths", ["Speed", "IsMoving"])
        )
        values = {each["path"]: each["dp"]["value"] for each in both["data"]}
        assert values[SPEED.path] == "50.5"
        assert values["Vehicle.IsMoving"].startswith("viss-inline")


async def test_metadata_is_the_tree_below_a_path():
    async with door() as (_, client):
        answer = await client.ask("get", path=SPEED.path, filter=filtered("metadata"))
        assert answer["metadata"]["Vehicle"]["children"]["Speed"]["unit"] == "km/h"


async def test_the_past_that_was_kept_is_read_by_path_and_duration():
    kept = SignalsConfig(history_interval_s=0.0, history_write_s=0.05)
    async with (
        door("read", history.run, configs={"signals": kept}) as (stand, client),
        stand.all.provide([SPEED.number, IS_LOCKED.number]) as provision,
    ):
        now_us = stand.clock.now_us()
        for age_s, speed in ((3_000, 1.0), (100, 2.0), (50, 3.0), (5, 4.0)):
            time_us = now_us - age_s * 1_000_000
            await provision.publish([SPEED.number, IS_LOCKED.number], [speed, True], time_us)

        async def past(duration):
            answer = await client.ask("get", path=SPEED.path, filter=filtered("history", duration))
            points = answer.get("data", {"dp": []})["dp"]
            return [point["value"] for point in (points if isinstance(points, list) else [points])]

        while await past("PT2H") != ["1.0", "2.0", "3.0", "4.0"]:
            pass  # the service has not heard all of them yet
        assert await past("PT2H") == ["1.0", "2.0", "3.0", "4.0"]
        assert await past("PT2M") == ["2.0", "3.0", "4.0"]
        assert await past("PT1M") == ["3.0", "4.0"]
        answer = await client.ask("get", path=SPEED.path, filter=filtered("history", "PT1M"))
        points = answer["data"]["dp"]
        assert points[0]["ts"] == time_text(now_us - 50_000_000)
        none = await client.ask("get", path=IS_LOCKED.path, filter=filtered("history", "PT1M"))
        assert none["error"]["number"] == 404  # its past is not kept


async def test_an_actuator_is_set_or_the_reason_is_said():
    async with door() as (stand, client):
        limit = {"path": CHARGE_LIMIT.path, "value": "70"}
        missing = await client.ask("set", **limit)
        assert missing["error"]["number"] == 503
        async with stand.all.provide([], [CHARGE_LIMIT.number]) as provision:

            async def answer(*states):
                (act,) = await provision.next_acts()
                for state, reason in states:
                    await provision.tell(act.act_id, state, reason)

            async with asyncio.TaskGroup() as group:
                group.create_task(answer((ActState.ACCEPTED, ""), (ActState.DONE, "")))
                assert "error" not in await client.ask("set", **limit)
                group.create_task(answer((ActState.REFUSED, "moving")))
                refused = (await client.ask("set", **limit))["error"]
        assert (refused["number"], refused["reason"]) == (403, "forbidden_request")
        assert "moving" in refused["description"]


async def test_a_subscription_to_changes_says_what_changed_until_it_is_ended():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        change = filtered("change", {"logic-op": "gt", "diff": "2"})
        answer = await client.ask("subscribe", path=SPEED.path, filter=change)
        name = answer["subscriptionId"]
        for speed in (1.0, 2.0, 5.0, 6.0, 9.0):
            await provision.publish([SPEED.number], [speed], 1)
        events = [await client.event() for _ in range(3)]
        assert [each["data"]["dp"]["value"] for each in events] == ["1.0", "5.0", "9.0"]
        assert {each["subscriptionId"] for each in events} == {name}
        assert "error" not in await client.ask("unsubscribe", subscriptionId=name)
        again = await client.ask("unsubscribe", subscriptionId=name)
        assert again["error"]["number"] == 404


async def test_subscriptions_by_time_range_and_curve():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [7.0], 1)
        timed = filtered("timebased", {"period": "30"})
        name = (await client.ask("subscribe", path=SPEED.path, filter=timed))["subscriptionId"]
        for _ in range(3):
            assert (await client.event())["data"]["dp"]["value"] == "7.0"
        await client.ask("unsubscribe", subscriptionId=name)
        client.events.clear()
        within = filtered("range", [{"logic-op": "gt", "boundary": "10"}])
        name = (await client.ask("subscribe", path=SPEED.path, filter=within))["subscriptionId"]
        for speed in (9.0, 11.0):
            await provision.publish([SPEED.number], [speed], 1)
        assert (await client.event())["data"]["dp"]["value"] == "11.0"
        await client.ask("unsubscribe", subscriptionId=name)
        curve = filtered("curvelog", {"maxerr": "0.5", "bufsize": "5"})
        await client.ask("subscribe", path=SPEED.path, filter=curve)
        for turn in range(4):
            await provision.publish([SPEED.number], [11.0], 10 + turn)
        points = (await client.event())["data"]["dp"]
        assert [point["value"] for point in points] == ["11.0", "11.0"]


async def test_a_token_that_is_taken_back_ends_its_subscriptions():
    async with door() as (stand, client):
        await client.ask("subscribe", path=SPEED.path)
        await tokens.revoke(stand.records, stand.token_id, stand.clock.now_us())
        event = await client.event()
        assert event["error"]["reason"] == "invalid_token"


async def test_nobody_comes_in_without_a_token_and_no_further_than_its_scope():
    async with door("read:Vehicle.Speed") as (_, client):
        good, client.token = client.token, ""
        assert (await client.ask("get", path=SPEED.path))["error"]["number"] == 401
        client.token = "nonsense"
        assert (await client.ask("get", path=SPEED.path))["error"]["reason"] == "invalid_token"
        client.token = good
        assert (await client.ask("get", path=IS_LOCKED.path))["error"]["number"] == 403
        set_it = await client.ask("set", path=IS_LOCKED.path, value="true")
        assert set_it["error"]["number"] == 403
        assert (await client.ask("get", path="Vehicle.Unknown"))["error"]["number"] == 404


async def test_http_reads_and_sets_and_says_its_errors():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [5.0], 1)
        base = f"http://{stand.address}"
        bearer = {"authorization": f"Bearer {client.token}"}
        async with httpx.AsyncClient(base_url=base, headers=bearer) as http:
            answer = await http.get("/Vehicle/Speed")
            assert answer.json()["data"]["dp"]["value"] == "5.0"
            metadata = {"filter": json.dumps(filtered("metadata"))}
            assert "metadata" in (await http.get("/Vehicle/Speed", params=metadata)).json()
            for method, path, body, status in (
                ("GET", "/Vehicle/Nothing", None, 404),
                ("GET", "/", None, 400),
                ("POST", "/Vehicle/Speed", '{"value":"1"}', 400),
                ("POST", "/Vehicle/Speed", "[", 400),
                ("POST", "/Vehicle/Speed", "x" * 100_000, 400),
                ("DELETE", "/Vehicle/Speed", None, 400),
                ("GET", "/Vehicle/" + "S" * 10_000, None, 400),
            ):
                answer = await http.request(method, path, content=body)
                assert answer.status_code == status, (method, path)
                assert answer.json()["error"]["number"] == status
            foreign = await http.get("/Vehicle/Speed", headers={"origin": "http://evil.example"})
            assert foreign.status_code == 400
        async with httpx.AsyncClient(base_url=base) as http:
            assert (await http.get("/Vehicle/Speed")).status_code == 401


async def test_http_sets_what_the_body_then_does_and_says_why_the_guard_refuses():
    services = (body.run, embodying.run)
    async with door("read actuate", *services, configs={"body": BodyConfig()}) as (stand, client):
        bearer = {"authorization": f"Bearer {client.token}"}
        base = f"http://{stand.address}"
        async with httpx.AsyncClient(base_url=base, headers=bearer, timeout=WAIT_S_MAX) as http:

            async def post(signal, value):
                return await http.post(at(signal), json={"value": value})

            while (done := await post(CHARGE_LIMIT, "70")).status_code == 503:
                pass  # the body is not there yet
            assert done.status_code == 200
            assert set(done.json()) == {"ts"}
            while (await http.get(at(CHARGE_LIMIT))).json()["data"]["dp"]["value"] != "70":
                pass  # until the body has said it
            await body.change(
                stand.records,
                stand.context.machine_id,
                stand.clock.now_us(),
                lambda now: replace(now, locked=False, doors_open=("row1_left",)),
            )
            refused = await post(IS_LOCKED, "true")
            assert refused.status_code == 403
            error = refused.json()["error"]
            assert (error["number"], error["reason"]) == (403, "forbidden_request")
            assert "door_open" in error["description"]
            assert (await post(SPEED, "5")).json()["error"]["reason"] == "invalid_data"
        reader, _ = await stand.token("read")
        answer = httpx.Headers({"authorization": f"Bearer {reader}"})
        async with httpx.AsyncClient(base_url=base, headers=answer) as http:
            denied = await http.post(at(CHARGE_LIMIT), json={"value": "80"})
            assert (denied.status_code, denied.json()["error"]["number"]) == (403, 403)


def at(signal):
    """The path of a signal, as HTTP says it."""
    return "/" + signal.path.replace(".", "/")


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", '{"action":"fly"}', '{"action":"get","path":"' + "V" * 10_000 + '"}', b"\xff"],
)
async def test_a_message_that_is_wrong_is_answered_and_the_next_is_served(message):
    async with door() as (_, client):
        await client.socket.send(message)
        assert json.loads(await client.socket.recv())["error"]["number"] == 400
        answer = await client.ask("get", path=SPEED.path, filter=filtered("metadata"))
        assert "metadata" in answer


async def test_floods_and_too_large_messages_cost_nobody_else_anything():
    config = VissConfig(requests_per_second_max=10, subscriptions_max=2, message_bytes_max=2_000)
    async with door(config=config) as (stand, client):
        numbers = [
            (await client.ask("get", path=SPEED.path)).get("error", {}).get("number")
            for _ in range(120)
        ]
        assert 429 in numbers
        async with connect(f"ws://{stand.address}", subprotocols=[VISS]) as socket:
            other = Client(socket, (await stand.token())[0])
            answers = [await other.ask("subscribe", path=SPEED.path) for _ in range(3)]
            assert [answer.get("error", {}).get("number") for answer in answers] == [
                None, None, 429,
            ]  # fmt: skip
            await other.socket.send("x" * 5_000)
            with pytest.raises(ConnectionClosed):
                await _read_for_ever(other.socket)
        async with connect(f"ws://{stand.address}", subprotocols=[VISS]) as socket:
            answer = await Client(socket, (await stand.token())[0]).ask(
                "get", path=SPEED.path, filter=filtered("metadata")
            )
            assert "metadata" in answer


async def _read_for_ever(socket):
    while True:
        await socket.recv()


async def test_a_page_of_another_site_opens_no_socket():
    async with door() as (stand, _):
        for options in ({"origin": "http://evil.example"}, {"subprotocols": [Subprotocol("chat")]}):
            with pytest.raises(InvalidStatus):
                await connect(f"ws://{stand.address}", **options)
