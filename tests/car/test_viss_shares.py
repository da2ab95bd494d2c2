"""The door for VISS clients when one floods it, and a second one that is served on meanwhile."""

import asyncio
import contextlib
import json
import socket as plain

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from monocoque.car.signals.logic.acts import ActState
from monocoque.car.tokens import service as tokens
from monocoque.car.viss.config import VissConfig
from monocoque.contracts.signals import CHARGE_LIMIT, CLIMATE_TARGET, IS_LOCKED, SPEED
from tests.car.test_viss import VISS, Client, door, filtered

METADATA = filtered("metadata")
ASKED = {"filter": json.dumps(METADATA)}
ACTUATORS = [CHARGE_LIMIT.number, IS_LOCKED.number, CLIMATE_TARGET.number]
FLOOD = 40


class Second:
    """A client with a subscription, who goes on while another floods."""

    def __init__(self, stand, client: Client, provision) -> None:
        self.stand = stand
        self.client = client
        self.provision = provision
        self.speed = 0.0

    async def goes_on(self) -> None:
        """It hears of a change, reads on its socket, over HTTP, and on a new socket."""
        self.speed += 1.0
        await self.provision.publish([SPEED.number], [self.speed], round(self.speed))
        while (await self.client.event())["data"]["dp"]["value"] != str(self.speed):
            pass
        assert (await self.client.ask("get", path=SPEED.path))["data"]["path"] == SPEED.path
        async with http_of(self.stand, self.client.token) as http:
            assert (await http.get("/Vehicle/Speed")).status_code == 200
        async with connect(f"ws://{self.stand.address}", subprotocols=[VISS]) as socket:
            newer = Client(socket, self.client.token)
            assert (await newer.ask("get", path=SPEED.path))["data"]["path"] == SPEED.path


@contextlib.asynccontextmanager
async def second(**limits):
    """A door with these limits, and somebody who uses it as it is meant."""
    async with (
        door(config=VissConfig(**limits)) as (stand, client),
        stand.all.provide([SPEED.number], ACTUATORS) as provision,
    ):
        await client.ask("subscribe", path=SPEED.path)
        one = Second(stand, client, provision)
        await one.goes_on()
        yield one
        await one.goes_on()


@contextlib.asynccontextmanager
async def many(stand, count, token=""):
    """So many WebSockets that say nothing."""
    async with contextlib.AsyncExitStack() as stack:
        yield [Client(await stack.enter_async_context(_open(stand)), token) for _ in range(count)]


def _open(stand, **options):
    return connect(f"ws://{stand.address}", subprotocols=[VISS], **options)


def http_of(stand, token=""):
    """A client of HTTP that shows this token."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=f"http://{stand.address}", headers=headers, timeout=20.0)


def number_of(answer):
    """The number of an answer's error; 0 when there is none."""
    return answer.get("error", {}).get("number", 0)


async def last_words(client):
    """What a socket was told last, and the code with which it was closed."""
    said = {}
    with contextlib.suppress(ConnectionClosed):
        while True:
            said = json.loads(await client.socket.recv())
    return said, client.socket.close_code


async def for_ever(do, *arguments):
    """Do it again and again, until that fails."""
    while True:
        await do(*arguments)
        await asyncio.sleep(0.01)  # so often, not all at once


async def test_sockets_of_one_client_are_its_share_and_the_next_is_told_so():
    async with second(sockets_of_one_max=5, sockets_max=12) as other:
        stand = other.stand
        token, _ = await stand.token()
        async with many(stand, FLOOD, token) as sockets:
            answers = [await each.ask("get", path=SPEED.path) for each in sockets]
            assert [number_of(each) for each in answers] == [0] * 5 + [429] * (FLOOD - 5)
            assert answers[-1]["error"]["reason"] == "too_many_requests"
            await other.goes_on()
            headers = {"authorization": f"Bearer {token}"}
            with pytest.raises(InvalidStatus) as refused:
                await _open(stand, additional_headers=headers)
            assert refused.value.response.status_code == 429
            said = json.loads(refused.value.response.body)
            assert (number_of(said), said["error"]["reason"]) == (429, "too_many_requests")
            await sockets[0].socket.close()
            while number_of(await sockets[-1].ask("get", path=SPEED.path)) == 429:
                pass  # until the door has seen that one is gone
            await other.goes_on()


async def test_strangers_are_so_many_and_the_one_that_waited_longest_makes_room():
    async with second(strangers_max=10) as other, many(other.stand, FLOOD) as sockets:
        await other.goes_on()
        gone = [await last_words(each) for each in sockets[: FLOOD - 10]]
        assert {(number_of(said), code) for said, code in gone} == {(503, 1013)}
        assert gone[0][0]["error"]["reason"] == "service_unavailable"
        await other.goes_on()


async def test_a_socket_that_shows_no_good_token_in_time_is_closed_and_others_stay():
    async with second(stranger_s_max=1.5) as other:
        for token in ("", "nonsense"):
            async with _open(other.stand) as socket:
                stranger = Client(socket, token)
                if token:
                    assert number_of(await stranger.ask("get", path=SPEED.path)) == 401
                said, code = await last_words(stranger)
                assert (number_of(said), said["error"]["reason"]) == (401, "invalid_token")
                assert code == 1008
            await other.goes_on()


async def test_a_socket_whose_token_was_taken_back_is_a_strangers_again():
    async with second(stranger_s_max=1.5) as other:
        token, token_id = await other.stand.token()
        async with _open(other.stand) as socket:
            taken = Client(socket, token)
            assert number_of(await taken.ask("get", path=SPEED.path)) == 0
            await tokens.revoke(other.stand.records, token_id, other.stand.clock.now_us())
            said, code = await last_words(taken)
            assert (number_of(said), code) == (401, 1008)


async def test_the_rate_is_of_all_that_one_client_sends_however_many_its_sockets():
    async with second(requests_per_second_max=9) as other:
        token, _ = await other.stand.token()
        async with many(other.stand, 9, token) as sockets, http_of(other.stand, token) as http:
            numbers = set()
            for _ in range(4):  # no socket alone is over the rate
                asked = [each.ask("get", path=SPEED.path, filter=METADATA) for each in sockets]
                by_http = http.get("/Vehicle/Speed", params=ASKED)
                *answers, answer = await asyncio.gather(*asked, by_http)
                numbers |= {number_of(each) for each in (*answers, answer.json())}
            assert numbers == {0, 429}
            free = Client(other.client.socket, other.client.token)
            assert number_of(await free.ask("get", path=SPEED.path, filter=METADATA)) == 0


async def test_subscriptions_are_of_all_sockets_of_one_client():
    async with second(subscriptions_max=2) as other:
        token, _ = await other.stand.token()
        async with many(other.stand, 3, token) as sockets:
            answers = [await each.ask("subscribe", path=SPEED.path) for each in sockets]
            assert [number_of(each) for each in answers] == [0, 0, 429]
            name = answers[0]["subscriptionId"]
            await sockets[0].ask("unsubscribe", subscriptionId=name)
            assert number_of(await sockets[2].ask("subscribe", path=SPEED.path)) == 0


async def test_requests_at_once_are_shared_and_the_rest_is_told_so():
    async with second(requests_of_one_max=2, requests_max=3) as other, asyncio.TaskGroup() as group:
        stand, provision = other.stand, other.provision
        greedy, third = [(await stand.token("read actuate"))[0] for _ in range(2)]
        async with http_of(stand, greedy) as http, http_of(stand, third) as https:

            async def begin(client, signal, value):
                path = "/" + signal.path.replace(".", "/")
                task = group.create_task(client.post(path, json={"value": value}))
                return task, *(await provision.next_acts())

            begun = [await begin(http, CHARGE_LIMIT, "70"), await begin(http, IS_LOCKED, "true")]
            refused = [await http.get("/Vehicle/Speed", params=ASKED) for _ in range(FLOOD)]
            assert {each.status_code for each in refused} == {429}
            assert refused[0].json()["error"]["reason"] == "too_many_requests"
            await other.goes_on()
            begun.append(await begin(https, CLIMATE_TARGET, "21"))
            full = await https.get("/Vehicle/Speed", params=ASKED)
            assert full.status_code == 503
            assert full.json()["error"]["reason"] == "service_unavailable"
            for task, act in begun:
                await provision.tell(act.act_id, ActState.ACCEPTED)
                await provision.tell(act.act_id, ActState.DONE)
                assert (await task).status_code == 200


async def test_sockets_take_no_room_of_requests_even_when_there_are_as_many_as_may_be():
    async with second(sockets_max=4, sockets_of_one_max=3) as other:
        stand = other.stand
        token, _ = await stand.token()
        late, _ = await stand.token()
        async with many(stand, 2, token) as sockets, _open(stand) as asking:
            for each in (*sockets, Client(asking, other.client.token)):
                assert number_of(await each.ask("get", path=SPEED.path)) == 0
            headers = {"authorization": f"Bearer {late}"}
            with pytest.raises(InvalidStatus) as refused:
                await _open(stand, additional_headers=headers)
            assert refused.value.response.status_code == 503
            said = json.loads(refused.value.response.body)
            assert said["error"]["reason"] == "service_unavailable"
            async with many(stand, FLOOD, late) as knocking, http_of(stand, late) as http:
                assert number_of(await knocking[-1].ask("get", path=SPEED.path)) == 503
                for _ in range(3):
                    assert (await http.get("/Vehicle/Speed")).status_code == 200


@pytest.mark.parametrize(
    ("limits", "cut"),
    [
        ({"strangers_max": 10, "stranger_s_max": 600.0}, FLOOD - 10),
        ({"strangers_max": 2 * FLOOD, "stranger_s_max": 2.0}, FLOOD),
    ],
)
async def test_connections_that_ask_nothing_are_so_many_and_so_long_there(limits, cut):
    async with second(**limits) as other:
        host, _, port = other.stand.address.rpartition(":")
        pairs = [await asyncio.open_connection(host, int(port)) for _ in range(FLOOD)]
        for _, writer in pairs[::2]:
            writer.write(b"GET /Vehicle/Speed HTTP/1.1\r\nhost:")
        await other.goes_on()
        for reader, _ in pairs[:cut]:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        for _, writer in pairs:
            writer.close()


async def test_who_asks_over_http_and_does_not_read_is_cut_off():
    async with second() as other:
        host, _, port = other.stand.address.rpartition(":")
        deaf = plain.socket(plain.AF_INET, plain.SOCK_STREAM)
        deaf.setsockopt(plain.SOL_SOCKET, plain.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, (host, int(port)))
        asked = (
            f"GET /Vehicle?filter=%7B%22variant%22:%22metadata%22%7D HTTP/1.1\r\nhost: {host}\r\n"
        )
        asked += f"authorization: Bearer {other.client.token}\r\n\r\n"
        with deaf, pytest.raises(ConnectionError):
            await for_ever(loop.sock_sendall, deaf, asked.encode())


async def test_a_stranger_who_does_not_read_either_is_cut_off_all_the_same():
    async with second(stranger_s_max=1.5) as other:
        token, token_id = await other.stand.token()
        async with _open(other.stand, compression=None) as socket:
            deaf = Client(socket, token)
            assert number_of(await deaf.ask("get", path=SPEED.path)) == 0
            socket.transport.pause_reading()
            asked = {"action": "get", "path": "Vehicle", "authorization": token}
            for _ in range(100):
                await socket.send(json.dumps(asked | {"filter": METADATA}))
            for _ in range(10):  # until its answers do not fit between them any more
                await other.goes_on()
            await tokens.revoke(other.stand.records, token_id, other.stand.clock.now_us())
            with pytest.raises(ConnectionClosed):
                await for_ever(socket.send, "{}")


@pytest.mark.parametrize("filtering", [None, filtered("timebased", {"period": "20"})])
async def test_values_that_a_slow_client_misses_are_counted(filtering):
    said = 500  # at once, so that no client can be quick enough
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [1.0], stand.clock.now_us())
        await client.ask("subscribe", path=SPEED.path, filter=filtering)
        assert (await client.event())["data"]["dp"]["value"] == "1.0"
        for turn in range(1, said + 1):
            await provision.publish([SPEED.number], [100.0 + turn], turn)
        told = 1
        while (await client.event())["data"]["dp"]["value"] != str(100.0 + said):
            told += 1
        lost = stand.metrics.registry.get_sample_value(
            "monocoque_signal_values_lost_total", {"door": "viss"}
        )
        assert lost
        assert filtering or told + lost == said
