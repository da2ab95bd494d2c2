"""The door for VISS clients and those who mean it no good; whoever else is there is served on."""

import asyncio
import json
import socket

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from monocoque.car.viss.config import VissConfig
from monocoque.contracts.signals import SPEED
from monocoque.plumbing.http.listening import listen
from tests.car.test_viss import Client, door, filtered

METADATA = filtered("metadata")


@pytest.mark.parametrize("origin", ["http://[", "http://evil.example", "null", "http://127.0.0.1"])
async def test_an_origin_that_is_not_ours_is_refused_however_it_is_written(origin):
    async with door() as (stand, client):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{stand.address}", origin=origin)
        assert refused.value.response.status_code == 403
        async with httpx.AsyncClient(base_url=f"http://{stand.address}") as http:
            answer = await http.get("/Vehicle/Speed", headers={"origin": origin})
        assert answer.status_code == 400
        assert "metadata" in await client.ask("get", path=SPEED.path, filter=METADATA)


async def test_a_name_of_another_site_that_was_made_to_point_here_opens_nothing():
    async with door() as (stand, client):
        port = stand.address.rpartition(":")[2]
        headers = {"origin": f"http://evil.example:{port}", "host": f"evil.example:{port}"}
        headers["authorization"] = f"Bearer {client.token}"
        async with httpx.AsyncClient(base_url=f"http://{stand.address}") as http:
            answer = await http.get("/Vehicle/Speed", headers=headers)
            assert answer.status_code == 400
            own = headers | {"origin": f"http://{stand.address}", "host": stand.address}
            metadata = {"filter": json.dumps(METADATA)}
            answer = await http.get("/Vehicle/Speed", headers=own, params=metadata)
            assert answer.status_code == 200


async def test_floods_over_http_are_stopped_by_their_token_and_spare_the_others():
    async with door(config=VissConfig(requests_per_second_max=5)) as (stand, client):
        bearer = {"authorization": f"Bearer {client.token}"}
        metadata = {"filter": json.dumps(METADATA)}
        async with httpx.AsyncClient(base_url=f"http://{stand.address}") as http:
            strangers = [
                (await http.get("/Vehicle/Speed", headers={"authorization": f"Bearer {turn}"}))
                for turn in range(40)
            ]
            assert {answer.status_code for answer in strangers} == {401, 429}
            answer = await http.get("/Vehicle/Speed", headers=bearer, params=metadata)
            assert answer.status_code == 200


async def test_binary_frames_count_as_requests():
    async with door(config=VissConfig(requests_per_second_max=5)) as (_, client):
        numbers = set()
        for _ in range(40):
            await client.socket.send(b"\x00")
            numbers.add(json.loads(await client.socket.recv())["error"]["number"])
        assert numbers == {400, 429}


@pytest.mark.parametrize("time_us", [2**62, -5])
async def test_a_time_that_a_source_made_up_is_refused_and_ends_no_subscription(time_us):
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await client.ask("subscribe", path=SPEED.path)
        refused = await provision.publish([SPEED.number], [1.0], time_us)
        assert refused.keys() == {SPEED.number}
        await provision.publish([SPEED.number], [2.0], 1)
        assert (await client.event())["data"]["dp"]["value"] == "2.0"
        assert (await client.ask("get", path=SPEED.path))["data"]["dp"]["value"] == "2.0"


async def test_one_who_does_not_read_holds_up_nobody_and_gets_the_newest_at_last():
    async with (
        door() as (stand, client),
        stand.all.provide([SPEED.number]) as provision,
        connect(f"ws://{stand.address}", subprotocols=[Subprotocol("VISSv3")], max_queue=1) as lazy,
    ):
        await Client(lazy, client.token).ask("subscribe", path=SPEED.path)
        await client.ask("subscribe", path=SPEED.path)
        for speed in range(1, 201):
            await provision.publish([SPEED.number], [float(speed)], speed)
        for reader in (client.socket, lazy):
            value = ""
            while value != "200.0":
                value = json.loads(await reader.recv())["data"]["dp"]["value"]


async def test_one_who_breaks_off_in_the_middle_leaves_the_others_their_subscriptions():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        gone = await connect(f"ws://{stand.address}", subprotocols=[Subprotocol("VISSv3")])
        await Client(gone, client.token).ask("subscribe", path=SPEED.path)
        await client.ask("subscribe", path=SPEED.path)
        gone.transport.abort()
        for speed in range(1, 51):
            await provision.publish([SPEED.number], [float(speed)], speed)
            await asyncio.sleep(0)
        value = ""
        while value != "50.0":
            value = (await client.event())["data"]["dp"]["value"]


async def test_answers_are_not_held_back_to_be_joined():
    with listen(0, ("127.0.0.1",)) as listener:
        assert listener.sockets[0].proto == socket.IPPROTO_TCP
