"""Credentials on NATS: made, shown, damaged, foreign."""

import asyncio
import base64
import contextlib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.contracts import identifiers
from monocoque.contracts.errors import BusUnavailable, CredentialsRefused
from monocoque.contracts.topics import CAR_HELLO, CAR_PRESENCE, Role
from monocoque.contracts.wire.car_pb2 import CarHello, CarPresence
from monocoque.plumbing.bus import nats_credentials
from monocoque.plumbing.bus.nats_credentials import NatsAuthority, NatsCredentials
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.clock import SystemClock
from tests.fixtures.bus import NatsCellBus, SecretsInMemory, make_server

CAR_ID = identifiers.make("car", Random(1).getrandbits)


def flipped(text: str, place: int) -> str:
    """The text with another character at that place."""
    other = "B" if text[place] != "B" else "C"
    return text[:place] + other + text[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda c: replace(c, jwt=flipped(c.jwt, len(c.jwt) // 2)), id="a claim"),
        pytest.param(lambda c: replace(c, jwt=flipped(c.jwt, -20)), id="the signature"),
        pytest.param(lambda c: replace(c, jwt=c.jwt[:-40]), id="cut short"),
        pytest.param(lambda c: replace(c, jwt=""), id="empty"),
        pytest.param(lambda c: replace(c, jwt="x" * 100_000), id="far too long"),
        pytest.param(lambda c: replace(c, seed=b"SUAAAA"), id="half a key"),
        pytest.param(lambda c: replace(c, seed=b"\xff" * 58), id="no key at all"),
        pytest.param(
            lambda c: replace(c, seed=nats_credentials.make_bus_key()), id="another car's key"
        ),
    ],
)
async def test_damaged_credentials_are_refused_at_once(nats_bus: NatsCellBus, damage):
    own = {"car_id": CAR_ID}
    credentials = damage(nats_bus.credentials(Role.CAR, own))
    with pytest.raises(CredentialsRefused):
        await nats_bus.join_with(credentials, Identity(Role.CAR, own))


async def test_credentials_of_another_installation_are_refused(
    nats_bus: NatsCellBus, tmp_path: Path
):
    elsewhere = NatsAuthority(SecretsInMemory(), SystemClock())
    elsewhere.make_keys()
    seed = nats_credentials.make_bus_key()
    jwt = elsewhere.car_credentials(CAR_ID, nats_credentials.public_key(seed))
    with pytest.raises(CredentialsRefused):
        await nats_bus.join_with(NatsCredentials(jwt, seed), Identity(Role.CAR, {"car_id": CAR_ID}))


async def test_a_car_cannot_join_under_another_cars_name(nats_bus: NatsCellBus):
    credentials = nats_bus.credentials(Role.CAR, {"car_id": CAR_ID})
    with pytest.raises(CredentialsRefused):
        await nats_bus.join_with(credentials, Identity(Role.CAR, {"car_id": nats_bus.new("car")}))


async def test_credentials_outlive_the_server_that_they_were_made_for(tmp_path: Path):
    secrets = SecretsInMemory()
    server = make_server(tmp_path, secrets)
    await server.start()
    own = {"car_id": CAR_ID}
    credentials = NatsCellBus(server).credentials(Role.CAR, own)
    await server.stop()
    successor = make_server(tmp_path, secrets)
    await successor.start()
    try:
        cell_bus = NatsCellBus(successor)
        car = await cell_bus.join_with(credentials, Identity(Role.CAR, own))
        await car.publish(CAR_HELLO, cell_bus.stamped(CarHello()), car_id=CAR_ID)
        await car.close()
    finally:
        await successor.stop()


async def test_a_connection_whose_credentials_are_refused_later_says_so(tmp_path: Path):
    server = make_server(tmp_path)
    await server.start()
    cell_bus = NatsCellBus(server)
    registry = await cell_bus.connect(Role.REGISTRY)
    await server.stop()
    other_keys = make_server(tmp_path)
    await other_keys.start()
    presence = cell_bus.stamped(CarPresence())
    try:
        async with asyncio.timeout(10):
            with pytest.raises(CredentialsRefused):
                await say_for_ever(registry, presence)
    finally:
        await registry.close()
        await other_keys.stop()


async def say_for_ever(bus: Bus, presence: CarPresence) -> None:
    while True:
        with contextlib.suppress(BusUnavailable):
            await bus.publish(CAR_PRESENCE, presence, car_id=CAR_ID)
        await asyncio.sleep(0.01)


def test_the_secret_half_of_a_key_is_never_printed():
    seed = nats_credentials.make_bus_key()
    assert seed.decode() not in repr(NatsCredentials("jwt", seed))


def test_keys_are_made_once():
    secrets = SecretsInMemory()
    NatsAuthority(secrets, SystemClock()).make_keys()
    before = {name: secrets.read(name) for name in secrets.names()}
    NatsAuthority(secrets, SystemClock()).make_keys()
    assert {name: secrets.read(name) for name in secrets.names()} == before


def test_whoever_lacks_the_signing_key_cannot_make_credentials():
    with pytest.raises(CredentialsRefused):
        NatsAuthority(SecretsInMemory(), SystemClock()).service_credentials(Role.REGISTRY)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80))
def test_only_a_public_bus_key_is_taken_as_one(text: str):
    with pytest.raises(CredentialsRefused):
        nats_credentials.check_public_bus_key(text)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda key: key[:-1], id="cut"),
        pytest.param(lambda key: flipped(key, 10), id="a wrong character"),
        pytest.param(lambda key: key.lower(), id="lower case"),
        pytest.param(lambda key: base64.b32encode(b"\0" * 35).decode(), id="a key of another kind"),
    ],
)
def test_a_spoilt_public_key_is_refused(spoil):
    key = nats_credentials.public_key(nats_credentials.make_bus_key())
    assert nats_credentials.check_public_bus_key(key) == key
    with pytest.raises(CredentialsRefused):
        nats_credentials.check_public_bus_key(spoil(key))
