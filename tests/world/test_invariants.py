"""Each invariant of echo can fail: services broken on purpose, put into a world's wiring."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, insert, select

from monocoque.cloud.registry import records as registry_records
from monocoque.cloud.registry import service as registry
from monocoque.contracts import identifiers
from monocoque.contracts.topics import CAR_HELLO, ECHO_ANSWERS, ECHO_REQUESTS
from monocoque.contracts.wire import echo_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.service import Context, Run
from monocoque.roles.table import SERVICES
from monocoque.sim.echo import records
from monocoque.sim.echo import service as echo
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.invariants import INVARIANTS
from monocoque.sim.setting import ANSWERER, ASKER, Setting
from monocoque.sim.world import live

Deliveries = Sequence[Delivery[echo_pb2.Echo]]


def said(context: Context, sequence: int, sender: str) -> echo_pb2.Echo:
    """A message of echo with a header of its own."""
    message = echo_pb2.Echo(sequence=sequence, sender=sender)
    stamp(message, context.clock, context.random)
    return message


async def deaf(context: Context) -> None:
    """Takes every question and forgets it."""
    consumer = await context.bus.consumer(ECHO_REQUESTS, echo.CONSUMER_NAME)
    while True:
        await consumer.acknowledge(await consumer.fetch(10, 5.0))


async def silent(context: Context) -> None:
    """Deals with every question and never answers."""
    consumer = await context.bus.consumer(ECHO_REQUESTS, echo.CONSUMER_NAME)
    while True:
        found = await consumer.fetch(10, 5.0)
        await context.records.transact(
            lambda connection, found=found: [
                echo._record(connection, one, context.clock.now_us()) for one in found
            ]
        )
        await consumer.acknowledge(found)


def recording(connection: Connection, delivery: Delivery[echo_pb2.Echo], sequence: int) -> None:
    records.add_answered(
        connection,
        delivery.identifiers["echo_id"],
        sequence,
        delivery.message.header.message_id,
        0,
    )


async def forgetful(context: Context) -> None:
    """Deals with a question each time it comes, and never says that it has."""
    consumer = await context.bus.consumer(ECHO_REQUESTS, echo.CONSUMER_NAME)
    while True:
        for one in await consumer.fetch(10, 5.0):
            await context.records.transact(
                lambda connection, one=one: recording(connection, one, one.message.sequence)
            )


async def backwards(context: Context) -> None:
    """Collects questions and deals with the newest first."""
    consumer = await context.bus.consumer(ECHO_REQUESTS, echo.CONSUMER_NAME)
    held: list[Delivery[echo_pb2.Echo]] = []
    while len(held) < 3:
        held.extend(await consumer.fetch(10, 5.0))
    for one in sorted(held, key=lambda one: -one.message.sequence):
        await context.records.transact(
            lambda connection, one=one: recording(connection, one, one.message.sequence)
        )
    await consumer.acknowledge(held)
    await echo.answer(context)


async def inventive(context: Context) -> None:
    """Deals with what nobody asked."""

    def invent(connection: Connection) -> None:
        message_id = identifiers.make("message", context.random.getrandbits)
        records.add_answered(connection, "car_nobody", 1, message_id, 0)

    await context.records.transact(invent)
    await echo.answer(context)


async def talkative(context: Context) -> None:
    """Answers somebody who is not there."""
    await context.bus.publish(ECHO_ANSWERS, said(context, 1, "cell"), echo_id="car_nobody")
    await echo.answer(context)


async def wishful(context: Context) -> None:
    """Notes an answer to every question before there is one."""
    now_us = context.clock.now_us()

    def ask_and_note(connection: Connection) -> None:
        message_id = identifiers.make("message", context.random.getrandbits)
        records.add_question(connection, message_id, message_id, now_us)
        last = connection.execute(select(func.max(records.questions.c.sequence))).scalar()
        assert last is not None
        records.note_answer(connection, last, now_us)

    await context.records.transact(ask_and_note)
    await echo.ask(context)


async def hasty(context: Context) -> None:
    """Says its third question before the first two."""
    assert context.uplink is not None

    def write(connection: Connection) -> None:
        for _ in range(3):
            message_id = identifiers.make("message", context.random.getrandbits)
            records.add_question(connection, message_id, message_id, context.clock.now_us())

    await context.records.transact(write)
    message = said(context, 3, context.machine_id)
    await context.uplink.publish(ECHO_REQUESTS, message, echo_id=context.machine_id)
    await echo.ask(context)


async def masked(context: Context) -> None:
    """Asks in another's name."""
    assert context.uplink is not None
    message = said(context, 1, "car_somebody_else")
    await context.uplink.publish(ECHO_REQUESTS, message, echo_id=context.machine_id)
    await echo.ask(context)


@pytest.mark.parametrize(
    ("asker", "answerer", "invariant"),
    [
        pytest.param(echo.ask, deaf, "never_answered", id="deaf answerer"),
        pytest.param(echo.ask, silent, "never_noted", id="silent answerer"),
        pytest.param(echo.ask, forgetful, "answered_twice", id="forgetful answerer"),
        pytest.param(echo.ask, backwards, "answered_out_of_order", id="backwards answerer"),
        pytest.param(echo.ask, inventive, "answered_unasked", id="inventive answerer"),
        pytest.param(echo.ask, talkative, "foreign_topic", id="talkative answerer"),
        pytest.param(wishful, echo.answer, "noted_unanswered", id="wishful asker"),
        pytest.param(hasty, echo.answer, "said_out_of_order", id="hasty asker"),
        pytest.param(masked, echo.answer, "foreign_topic", id="masked asker"),
    ],
)
def test_a_broken_service_is_found_out(asker: Run, answerer: Run, invariant: str) -> None:
    report = live(
        Setting(
            seed=5,
            duration_s=100.0,
            calm_s=60.0,
            services=(replace(ASKER, run=asker), replace(ANSWERER, run=answerer)),
            echo=EchoConfig(ask_interval_s=10.0),
        )
    )
    assert invariant in {violation.invariant for violation in report.violations}
    assert {violation.invariant for violation in report.violations} <= set(INVARIANTS)
    assert report.violations_counted > 0


async def deaf_registry(_context: Context) -> None:
    """Hears no car."""
    await asyncio.Event().wait()


async def dreaming_registry(context: Context) -> None:
    """Hears cars that said nothing."""
    async with context.bus.listen(CAR_HELLO) as hellos:
        heard = await hellos.next(60.0)
        assert heard is not None
        values = {"last_hello_us": context.clock.now_us() + 3_600_000_000}
        await context.records.transact(
            lambda connection: registry_records.save_car(connection, "car_nobody", values)
        )
    await registry.run(context)


@pytest.mark.parametrize(
    ("run", "violated"),
    [
        pytest.param(deaf_registry, {"online_unlike_hellos"}, id="deaf registry"),
        pytest.param(dreaming_registry, {"online_unlike_hellos"}, id="dreaming registry"),
        pytest.param(registry.run, set(), id="good registry"),
    ],
)
def test_a_registry_that_counts_other_cars_than_it_heard_is_found_out(
    run: Run, violated: set[str]
) -> None:
    rows = tuple(replace(row, run=run) if row.name == "registry" else row for row in SERVICES)
    report = live(Setting(seed=5, cars=2, duration_s=100.0, calm_s=64.0, services=rows))
    assert {violation.invariant for violation in report.violations} == violated


def test_the_same_wiring_without_sabotage_is_good() -> None:
    report = live(Setting(seed=5, duration_s=300.0, calm_s=120.0, services=(ASKER, ANSWERER)))
    assert report.violations == ()


def test_a_record_that_is_lost_changes_the_digest() -> None:
    async def extra(context: Context) -> None:
        await context.records.transact(
            lambda connection: (
                connection.execute(
                    insert(records.questions).values(
                        sequence=10**6,
                        message_id="message_extra",
                        trace_id="trace_extra",
                        asked_at_us=0,
                        is_sent=True,
                        answered_at_us=0,
                    )
                ).rowcount
            )
        )
        await echo.ask(context)

    # The added row is never said, so only the records differ.
    wiring = (ASKER, ANSWERER)
    other = (replace(ASKER, run=extra), ANSWERER)
    quiet = EchoConfig(ask_interval_s=10_000.0)
    digests = {
        live(Setting(seed=5, duration_s=60.0, calm_s=60.0, services=rows, echo=quiet)).digest
        for rows in (wiring, other)
    }
    assert len(digests) == 2
