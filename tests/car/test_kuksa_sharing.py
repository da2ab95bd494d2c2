"""What many subscribers hear is encoded once for all of them: over a real socket."""

import contextlib
from typing import Any

import pytest

from monocoque.contracts.signals import CABIN_TEMPERATURE, IS_LOCKED, SPEED
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.test_kuksa import door

NUMBERS = (SPEED.number, IS_LOCKED.number)
PATHS = (SPEED.path, IS_LOCKED.path)
PROVIDED = (CABIN_TEMPERATURE.number, *NUMBERS)
"""More than is heard, so that each batch is cut for who hears it: once, too."""
BY_PATH, BY_NUMBER = True, False
"""The forms in which the door keeps a batch, and what messages in them are."""
MESSAGES: dict[bool, Any] = {BY_PATH: v2.SubscribeResponse, BY_NUMBER: v2.SubscribeByIdResponse}
KEYS = {BY_PATH: PATHS, BY_NUMBER: NUMBERS}


@contextlib.asynccontextmanager
async def two_subscribers(client, form):
    """Two that have begun to hear the same signals, named in another order."""
    streams = []
    for order in (1, -1):
        if form is BY_PATH:
            by_path = v2.SubscribeRequest(signal_paths=PATHS[::order], buffer_size=10)
            streams.append(client.v2["Subscribe"](by_path))
        else:
            by_number = v2.SubscribeByIdRequest(signal_ids=NUMBERS[::order], buffer_size=10)
            streams.append(client.v2["SubscribeById"](by_number))
        await streams[-1].read()
    yield streams
    for stream in streams:
        stream.cancel()


def message(form, speed, is_locked):
    """What says this, in this form."""
    made = MESSAGES[form]()
    speed_key, lock_key = KEYS[form]
    made.entries[speed_key].value.float = speed
    made.entries[lock_key].value.bool = is_locked
    return made


@contextlib.asynccontextmanager
async def published_to_all(form):
    """Who subscribed at the door, and the batch that was published to them just now.

    Somebody in the process hears it too, before the door has had time for the others.
    """
    async with (
        door("read") as (stand, client),
        stand.all.provide(PROVIDED) as provision,
        stand.all.subscribe(NUMBERS) as heard,
        two_subscribers(client, form) as streams,
    ):
        await heard.next()
        await provision.publish(PROVIDED, [20.0, 1.0, True], 1)
        yield streams, await heard.next()


@pytest.mark.parametrize("form", [BY_PATH, BY_NUMBER])
async def test_what_was_encoded_for_one_subscriber_is_what_all_of_them_are_sent(form):
    async with published_to_all(form) as (streams, batch):
        batch.encoded(form, lambda _: message(form, 99.0, False).SerializeToString())
        for stream in streams:
            assert await stream.read() == message(form, 99.0, False)


@pytest.mark.parametrize("form", [BY_PATH, BY_NUMBER])
async def test_the_door_leaves_what_it_encoded_for_whoever_comes_next(form):
    async with published_to_all(form) as (streams, batch):
        said = [await stream.read() for stream in streams]
        assert said[0] == said[1]
        left = batch.encoded(form, lambda _: b"")
        assert MESSAGES[form].FromString(left) == said[0]
        assert said[0].entries[KEYS[form][0]].value.float == 1.0
