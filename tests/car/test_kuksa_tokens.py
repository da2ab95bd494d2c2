"""Tokens at the door, over a real socket: every wrong kind, and those of another issuer."""

import asyncio
import hashlib
import hmac
import json
from random import Random
from typing import Any

import grpc
import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.car.tokens import service as tokens
from monocoque.contracts.signals import IS_LOCKED, SPEED
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.door_stand import CAR_ID, DoorStand, KuksaClient
from tests.trust.foreign_issuer import KEYS, compact, encode, part, pem_of

WAIT_S_MAX = 20.0
MAKER = "https://tokens.maker.example"
MAKERS_KEY = KEYS["RSA"][0]
HOUR_S = 3_600
HUGE = 1_000_000
TWO_ALGORITHMS = b'{"alg":"none","alg":"ES256"}'


def own_claims(now_s, **changes):
    good = {
        "iss": CAR_ID, "sub": "tester", "aud": [CAR_ID], "iat": now_s, "exp": now_s + HOUR_S,
        "jti": "token_by_hand", "scope": "read",
    }  # fmt: skip
    return good | changes


class Forger:
    """Whoever has the car's token key at hand, to make what the car would never make."""

    def __init__(self, stand):
        self.key = stand.key
        self.now_s = stand.clock.now_us() // 1_000_000

    def sign(self, text):
        return f"{text}.{encode(self.key.sign(text.encode()))}"

    def own(self, header=None, **changes):
        claims = own_claims(self.now_s, **changes)
        return self.sign(f"{part(header or {'alg': 'ES256'})}.{part(claims)}")

    def hmac_by_the_public_key(self):
        head = f"{part({'alg': 'HS256'})}.{part(own_claims(self.now_s))}"
        secret = json.dumps(dict(self.key.public_jwk)).encode()
        return f"{head}.{encode(hmac.digest(secret, head.encode(), hashlib.sha256))}"

    def makers(self, **changes):
        claims = own_claims(self.now_s, iss=MAKER, scope="read actuate")
        del claims["jti"]
        return compact(MAKERS_KEY, {"alg": "RS256", "typ": "JWT"}, claims | changes)


WRONG = {
    "no algorithm": lambda f: f"{part({'alg': 'none'})}.{part(own_claims(f.now_s))}.",
    "no algorithm, signed": lambda f: f.own({"alg": "none"}),
    "HS256 with the public key": lambda f: f.hmac_by_the_public_key(),
    "two algorithms": lambda f: f.sign(f"{encode(TWO_ALGORITHMS)}.{part(own_claims(f.now_s))}"),
    "another algorithm of the curve": lambda f: f.own({"alg": "ES384"}),
    "something critical": lambda f: f.own({"alg": "ES256", "crit": ["x"], "x": 1}),
    "another car": lambda f: f.own(aud=["car_other"]),
    "KUKSA's audience": lambda f: f.own(aud=["kuksa.val"]),
    "expired": lambda f: f.own(iat=f.now_s - 2, exp=f.now_s - 1),
    "not yet begun": lambda f: f.own(nbf=f.now_s + HOUR_S),
    "made tomorrow": lambda f: f.own(iat=f.now_s + HOUR_S, exp=f.now_s + 2 * HOUR_S),
    "for ever": lambda f: f.own(exp=2**40 - 1),
    "another issuer": lambda f: f.own(iss=MAKER),
    "no issuer": lambda f: f.own(iss=None),
    "no name": lambda f: f.own(jti=None),
    "two signatures": lambda f: f"{f.own()}.{f.own().rpartition('.')[2]}",
    "two signatures in JSON": lambda f: json.dumps(
        {"payload": part(own_claims(f.now_s)), "signatures": [{"signature": "AAAA"}] * 2}
    ),
    "an encrypted one": lambda f: f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA",
    "no signature": lambda f: f.own().rpartition(".")[0] + ".",
    "half a signature": lambda f: f.own()[:-40],
    "changed claims": lambda f: f.own().replace(".", ".A", 1),
    "padded": lambda f: f.own() + "==",
    "a wrong word": lambda f: f.own(scope="read fly"),
    "deep": lambda f: f.sign(f"{part({'alg': 'ES256'})}.{encode(b'[' * 5_000)}"),
    "a list": lambda f: f.sign(f"{part({'alg': 'ES256'})}.{part([1])}"),
    "huge": lambda f: f.own(scope="read:" + "A" * 20_000),
    "garbage": lambda _: "".join(chr(33 + n * 7 % 90) for n in range(500)),
    "an issuer in the car's name": lambda f: f.makers(iss=CAR_ID, jti="token_by_hand"),
    "an issuer for another audience": lambda f: f.makers(aud=["kuksa.val"]),
    "an issuer that nobody named": lambda f: f.makers(iss="somebody"),
    "an issuer by another key": lambda f: compact(
        KEYS["P-256"][0], {"alg": "ES256"}, own_claims(f.now_s, iss=MAKER)
    ),
}
"""Every wrong kind of token, by name."""


async def trust(stand, **changes):
    """The car takes tokens of the maker, and has seen that it does."""
    said = {"audience": CAR_ID, "scope": "read:Vehicle.Speed"} | changes
    await tokens.trust(
        stand.records, CAR_ID, MAKER, said["audience"], said["scope"], pem_of(MAKERS_KEY),
        stand.clock.now_us(), Random(1), 9,
    )  # fmt: skip


async def code_for(address, token, signal_number=SPEED.number):
    """How the door answers who shows this."""
    async with KuksaClient(address, token) as client:
        request = v2.GetValueRequest(signal_id=v2.SignalID(id=signal_number))
        try:
            await client.v2["GetValue"](request)
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return "OK"


async def until_taken(address, token):
    """Until the car has looked whom it trusts."""
    while await code_for(address, token) != "OK":
        await asyncio.sleep(0.02)


async def test_each_wrong_token_is_refused_and_the_right_one_beside_it_is_taken():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        forger = Forger(stand)
        await trust(stand)
        await until_taken(address, forger.makers())
        assert await code_for(address, forger.own()) == "OK"
        answers = {name: await code_for(address, make(forger)) for name, make in WRONG.items()}
        expected = dict.fromkeys(WRONG, "UNAUTHENTICATED")
        assert answers == expected | {"huge": "RESOURCE_EXHAUSTED"}  # gRPC reads no such header
        assert await code_for(address, forger.own(nbf=forger.now_s)) == "OK"


async def test_bytes_that_are_no_text_and_headers_that_are_too_long_cost_nobody_else_anything():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        good, _ = await stand.token("read")
        assert await code_for(address, "A" * HUGE) in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
        request = v2.GetValueRequest(signal_id=v2.SignalID(id=SPEED.number))
        garbage: dict[str, Any] = {"authorization_bin": b"\xff\x00\xfe" * 50}
        async with KuksaClient(address, "", **garbage) as client:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await client.v2["GetValue"](request)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert await code_for(address, good) == "OK"


async def test_a_denial_wins_and_an_issuer_gives_no_more_than_it_may():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        forger = Forger(stand)
        await trust(stand)
        await until_taken(address, forger.makers())
        denied = forger.own(scope="deny:read:Vehicle.Speed read actuate provide")
        assert await code_for(address, denied) == "PERMISSION_DENIED"
        assert await code_for(address, denied, IS_LOCKED.number) == "OK"
        assert await code_for(address, forger.makers(), IS_LOCKED.number) == "PERMISSION_DENIED"
        assert await code_for(address, forger.makers(scope="actuate")) == "OK"
        nothing = forger.makers(scope="create")
        assert await code_for(address, nothing) == "PERMISSION_DENIED"


async def test_a_token_as_kuksas_guide_makes_it_is_taken_where_a_person_names_its_audience():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        forger = Forger(stand)
        text = forger.makers(aud=["kuksa.val"], sub="local dev")
        assert await code_for(address, text) == "UNAUTHENTICATED"
        await trust(stand, audience="kuksa.val")
        await until_taken(address, text)
        async with KuksaClient(address, text) as client:
            heard = client.v2["Subscribe"](v2.SubscribeRequest(signal_paths=[SPEED.path]))
            await heard.read()
            await tokens.distrust(stand.records, MAKER)
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await heard.read()
            assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
