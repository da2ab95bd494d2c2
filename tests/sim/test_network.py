"""The bad network: what it does to messages, and what it may not do."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import structlog

from monocoque.contracts.errors import BusOutcomeUnknown, BusUnavailable, TopicRefused
from monocoque.contracts.topics import (
    CAR_STATE,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_REQUESTS,
    ECHO_STATE,
    Role,
)
from monocoque.contracts.wire import echo_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity, Outgoing
from monocoque.plumbing.metrics import Metrics
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.network import FaultyBus, Path

SLOW = Faults(delay_s_min=0.1, delay_s_max=2.0)


class Line:
    """A hub with one participant at its door and one at the end of a bad path."""

    def __init__(self, faults: Faults, seed: int = 1) -> None:
        self.clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        self.random = Random(seed)
        self.accepted: list[tuple[str, int]] = []
        hub = MemoryHub(self.clock, Metrics(), structlog.stdlib.get_logger())
        hub.observers.append(self._observe)
        self.weather = Weather(faults)
        self.path = Path(self.weather, Random(seed))
        self.near = hub.connect(Identity(Role.ECHO))
        self.far = FaultyBus(hub.connect(Identity(Role.ECHO)), self.path)

    def _observe(self, subject: str, data: bytes) -> None:
        self.accepted.append((subject, echo_pb2.Echo.FromString(data).sequence))

    def message(self, sequence: int) -> echo_pb2.Echo:
        message = echo_pb2.Echo(sequence=sequence, sender="far")
        stamp(message, self.clock, self.random)
        return message

    async def say(self, sequence: int, topic=ECHO_REQUESTS) -> None:
        await self.far.publish(topic, self.message(sequence), echo_id="a")


def test_without_faults_it_is_the_bus_itself() -> None:
    async def main() -> list[tuple[str, int]]:
        line = Line(Faults.none())
        async with line.far.listen(ECHO_REQUESTS) as heard:
            await line.say(1)
            delivery = await heard.next(1.0)
            assert delivery is not None
            assert delivery.message.sequence == 1
            assert await heard.next(1.0) is None
        return line.accepted

    assert run_virtual(main()) == [("echo.a.requests", 1)]


def test_a_message_takes_its_time_there_and_its_acknowledgement_back() -> None:
    async def main() -> float:
        await Line(replace(SLOW, delay_s_min=2.0)).say(1)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(4.0)


@pytest.mark.parametrize("seed", range(5))
def test_one_topic_keeps_its_order_and_topics_overtake_each_other(seed: int) -> None:
    async def main() -> list[tuple[str, int]]:
        line = Line(SLOW, seed)
        async with asyncio.TaskGroup() as group:
            for sequence in range(1, 41):
                topic = ECHO_REQUESTS if sequence % 2 else ECHO_FRAMES
                group.create_task(line.say(sequence, topic))
        return line.accepted

    accepted = run_virtual(main())
    sequences = [sequence for _, sequence in accepted]
    for subject in ("echo.a.requests", "echo.a.frames"):
        own = [sequence for name, sequence in accepted if name == subject]
        assert own == sorted(own)
        assert len(own) == 20
    assert sequences != sorted(sequences)


@pytest.mark.parametrize(
    ("faults", "topic", "error", "times_taken"),
    [
        pytest.param(Faults(loss_share=1.0), ECHO_REQUESTS, BusUnavailable, {0}, id="lost"),
        pytest.param(Faults(loss_share=1.0), ECHO_ANSWERS, None, {0}, id="lost silently"),
        pytest.param(Faults(duplicate_share=1.0), ECHO_REQUESTS, None, {2}, id="twice"),
        pytest.param(
            Faults(unknown_share=1.0), ECHO_REQUESTS, BusOutcomeUnknown, {0, 1}, id="in doubt"
        ),
    ],
)
def test_a_fault_shows_as_the_port_says(faults, topic, error, times_taken) -> None:
    async def main(seed: int) -> int:
        line = Line(faults, seed)
        if error is None:
            await line.say(1, topic)
        else:
            with pytest.raises(error):
                await line.say(1, topic)
        return len(line.accepted)

    assert {run_virtual(main(seed)) for seed in range(20)} == times_taken


def test_a_batch_in_doubt_is_taken_from_its_beginning() -> None:
    async def main(seed: int) -> int:
        line = Line(Faults(unknown_share=1.0), seed)
        batch = [Outgoing(line.message(number), {"echo_id": "a"}) for number in range(5)]
        with pytest.raises(BusOutcomeUnknown):
            await line.far.publish_batch(ECHO_REQUESTS, batch)
        assert [sequence for _, sequence in line.accepted] == list(range(len(line.accepted)))
        return len(line.accepted)

    taken = {run_virtual(main(seed)) for seed in range(60)}
    assert 5 in taken
    assert len(taken) > 3


def test_a_message_under_way_is_not_changed_by_its_sender() -> None:
    async def main() -> list[tuple[str, int]]:
        line = Line(SLOW)
        message = line.message(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.far.publish(ECHO_REQUESTS, message, echo_id="a"))
            await asyncio.sleep(0)
            message.sequence = 99
        return line.accepted

    assert run_virtual(main()) == [("echo.a.requests", 1)]


def test_a_cut_path_refuses_and_leaves_what_is_under_way_in_doubt() -> None:
    async def main() -> None:
        line = Line(replace(SLOW, delay_s_min=2.0))
        assert line.far.is_connected
        asyncio.get_running_loop().call_later(1.0, line.path.cut)
        with pytest.raises(BusOutcomeUnknown):
            await line.say(1)
        assert line.accepted == []
        assert not line.far.is_connected
        for call in (
            line.say(2),
            line.far.last(ECHO_STATE, echo_id="a"),
            line.far.consumer(ECHO_REQUESTS, "reader"),
        ):
            assert isinstance(call, Coroutine)
            with pytest.raises(BusUnavailable):
                await call
        line.path.mend()
        assert line.far.is_connected
        await line.say(3)
        assert line.accepted == [("echo.a.requests", 3)]

    run_virtual(main())


def test_every_mended_cut_is_a_new_connection_however_short_it_was() -> None:
    async def main() -> list[int]:
        line = Line(Faults.none())
        counts = [await line.far.connected_after(0)]
        for _ in range(2):
            line.path.cut()
            line.path.mend()
            counts.append(await line.far.connected_after(counts[-1]))
        line.path.cut()
        asyncio.get_running_loop().call_later(7.0, line.path.mend)
        counts.append(await line.far.connected_after(0))
        assert asyncio.get_running_loop().time() == 7.0
        await line.far.close()
        with pytest.raises(BusUnavailable):
            await line.far.connected_after(0)
        return counts

    assert run_virtual(main()) == [1, 2, 3, 4]


def test_a_participant_that_comes_during_a_cut_has_not_been_connected() -> None:
    async def main() -> list[int]:
        line = Line(Faults.none())
        line.path.cut()
        late = FaultyBus(line.near, line.path)
        counts = [late.connection_count]
        line.path.mend()
        return [*counts, await late.connected_after(0)]

    assert run_virtual(main()) == [0, 1]


def test_a_path_cut_twice_is_whole_when_it_was_mended_twice() -> None:
    async def main() -> list[bool]:
        path = Line(Faults.none()).path
        seen = []
        for act in (path.cut, path.cut, path.mend, path.mend):
            act()
            seen.append(path.is_whole)
        return seen

    assert run_virtual(main()) == [False, False, False, True]


def test_a_live_reader_misses_what_is_said_during_a_cut_and_says_so() -> None:
    async def main() -> tuple[list[int], int]:
        line = Line(Faults.none())
        heard: list[int] = []

        async def read() -> None:
            async with line.far.listen(ECHO_ANSWERS) as answers:
                while len(heard) < 2:
                    delivery = await answers.next(1_000.0)
                    if delivery is not None:
                        heard.append(delivery.message.sequence)
                missed.append(answers.missed)

        missed: list[int] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for sequence, act in ((1, line.path.cut), (2, line.path.mend), (3, line.path.cut)):
                await asyncio.sleep(1.0)
                await line.near.publish(ECHO_ANSWERS, line.message(sequence), echo_id="a")
                await asyncio.sleep(1.0)
                act()
        return heard, missed[0]

    assert run_virtual(main()) == ([1, 3], 1)


def test_a_watcher_hears_the_last_value_again_after_a_cut() -> None:
    async def main() -> list[int]:
        line = Line(Faults.none())
        await line.near.publish(ECHO_STATE, line.message(1), echo_id="a")
        heard: list[int] = []
        async with line.far.watch(ECHO_STATE) as states:
            for act in (line.path.cut, line.path.mend):
                delivery = await states.next(5.0)
                heard.append(0 if delivery is None else delivery.message.sequence)
                act()
            delivery = await states.next(5.0)
            heard.append(0 if delivery is None else delivery.message.sequence)
        return heard

    assert run_virtual(main()) == [1, 0, 1]


def test_a_delivery_comes_twice_when_chance_says_so() -> None:
    async def main() -> list[int]:
        line = Line(Faults(duplicate_share=1.0))
        async with line.far.listen(ECHO_ANSWERS) as answers:
            await line.near.publish(ECHO_ANSWERS, line.message(1), echo_id="a")
            found = [await answers.next(1.0) for _ in range(3)]
        return [0 if one is None else one.message.sequence for one in found]

    assert run_virtual(main()) == [1, 1, 0]


def test_what_a_cut_takes_from_a_durable_reader_comes_again() -> None:
    async def main() -> list[int]:
        line = Line(replace(SLOW, delay_s_min=2.0))
        consumer = await line.far.consumer(ECHO_REQUESTS, "reader")
        await line.near.publish(ECHO_REQUESTS, line.message(1), echo_id="a")
        asyncio.get_running_loop().call_later(1.0, line.path.cut)
        with pytest.raises(BusUnavailable):
            await consumer.fetch(10, 5.0)
        with pytest.raises(BusUnavailable):
            await consumer.acknowledge([])
        line.path.mend()
        again = await consumer.fetch(10, 60.0)
        await consumer.acknowledge(again)
        assert await consumer.fetch(10, 100.0) == []
        return [delivery.message.sequence for delivery in again]

    assert run_virtual(main()) == [1]


def test_rights_are_asked_at_the_other_end() -> None:
    async def main() -> Any:
        line = Line(Faults.none())
        with pytest.raises(TopicRefused):
            async with line.far.listen(CAR_STATE):
                pass

    run_virtual(main())
