"""Echo's two services: one asks over its uplink, one answers in the cell.

Rules:

* a question is a row first and a message second; questions are sent one after the other, each
  until the bus has it, and again until it is answered;
* the answerer puts on record that it dealt with a question, once by its message id and in the
  asker's order, before it answers and before it acknowledges;
* both may be killed anywhere: they go on from their records.

Left out on purpose: pace. How many questions a bus can carry is for the benchmarks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from monocoque.contracts import identifiers
from monocoque.contracts.errors import SettingInvalid, UnavailableError
from monocoque.contracts.topics import ECHO_ANSWERS, ECHO_REQUESTS, ECHO_STATE
from monocoque.contracts.wire import echo_pb2
from monocoque.plumbing.bus.header import HEADER_VERSION, stamp
from monocoque.plumbing.bus.port import Bus, Consumer, Delivery
from monocoque.plumbing.service import Context
from monocoque.sim.echo import records
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.echo.logic import Verdict, judge

CONSUMER_NAME = "answerer"


async def ask(context: Context) -> None:
    """The asker's service: ask at a pace, send, ask again, and note answers, until cancelled."""
    asker = _Asker(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(asker.ask_for_ever())
        group.create_task(asker.send_for_ever())
        group.create_task(asker.send_again_for_ever())
        group.create_task(asker.hear_for_ever())


async def answer(context: Context) -> None:
    """The answerer's service: deal with questions until cancelled."""
    config = context.config(EchoConfig)
    while True:
        try:
            consumer = await context.bus.consumer(ECHO_REQUESTS, CONSUMER_NAME)
            while True:
                found = await consumer.fetch(config.batch_messages_max, config.listen_s)
                await _deal_with(context, consumer, found)
        except UnavailableError:
            await asyncio.sleep(config.retry_s)


class _Asker:
    def __init__(self, context: Context) -> None:
        if context.uplink is None:
            raise SettingInvalid("The asker needs a connection to the cell, and was given none.")
        self._context = context
        self._uplink: Bus = context.uplink
        self._config = context.config(EchoConfig)
        self._has_questions = asyncio.Event()
        self._has_questions.set()
        self._is_open = asyncio.Event()
        """A question may lack its answer."""
        self._is_open.set()

    async def ask_for_ever(self) -> None:
        """Put a question into the outbox, again and again."""
        while True:
            await asyncio.sleep(self._config.ask_interval_s * (0.5 + self._context.random.random()))
            await self._until_done(self._ask)
            self._has_questions.set()

    async def send_for_ever(self) -> None:
        """Send what was not sent, in order."""
        while True:
            await self._has_questions.wait()
            self._has_questions.clear()
            await self._until_done(self._send)

    async def send_again_for_ever(self) -> None:
        """Send again what was not answered; answers get lost, and questions with them."""
        while True:
            await self._is_open.wait()
            await asyncio.sleep(self._config.answer_wait_s)
            await self._until_done(self._send_again)

    async def hear_for_ever(self) -> None:
        """Note every answer."""
        mine = {"echo_id": self._context.machine_id}
        async with self._uplink.listen(ECHO_ANSWERS, **mine) as answers:
            while True:
                heard = await answers.next(self._config.listen_s)
                if heard is not None:
                    sequence = heard.message.sequence
                    await self._until_done(partial(self._note, sequence))

    async def _ask(self) -> None:
        random, now_us = self._context.random, self._context.clock.now_us()
        message_id = identifiers.make("message", random.getrandbits)
        trace_id = identifiers.make("trace", random.getrandbits)
        await self._context.records.transact(
            lambda connection: records.add_question(connection, message_id, trace_id, now_us)
        )

    async def _send(self) -> None:
        count_max = self._config.batch_messages_max
        while waiting := await self._context.records.transact(
            lambda connection: records.questions_to_send(connection, count_max)
        ):
            for question in waiting:
                await self._say(question)
                note = partial(records.note_sent, sequence=question.sequence)
                try:
                    await self._context.records.transact(note)
                finally:
                    self._is_open.set()  # also when nobody knows whether it was noted

    async def _send_again(self) -> None:
        count_max = self._config.batch_messages_max
        self._is_open.clear()
        for question in await self._context.records.transact(
            lambda connection: records.questions_without_answer(connection, count_max)
        ):
            self._is_open.set()
            await self._say(question)

    async def _say(self, question: records.Question) -> None:
        message = echo_pb2.Echo(sequence=question.sequence, sender=self._context.machine_id)
        message.header.version = HEADER_VERSION
        message.header.message_id = question.message_id
        message.header.trace_id = question.trace_id
        message.header.occurred_at_us = question.asked_at_us
        await self._uplink.publish(ECHO_REQUESTS, message, echo_id=self._context.machine_id)

    async def _note(self, sequence: int) -> None:
        now_us = self._context.clock.now_us()
        await self._context.records.transact(
            lambda connection: records.note_answer(connection, sequence, now_us)
        )

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        """Try the step again while a part does not answer; each is harmless to repeat."""
        while True:
            try:
                await step()
            except UnavailableError:
                await asyncio.sleep(self._config.retry_s)
            else:
                return


async def _deal_with(
    context: Context,
    consumer: Consumer[echo_pb2.Echo],
    deliveries: Sequence[Delivery[echo_pb2.Echo]],
) -> None:
    """Put on record, then answer, then acknowledge."""
    if not deliveries:
        return
    now_us = context.clock.now_us()

    def work(connection: Connection) -> list[Verdict]:
        return [_record(connection, delivery, now_us) for delivery in deliveries]

    verdicts = await context.records.transact(work)
    judged = list(zip(deliveries, verdicts, strict=True))
    dealt_with = [delivery for delivery, verdict in judged if verdict is not Verdict.EARLY]
    for delivery in dealt_with:
        await _say_answer(context, delivery)
    await consumer.acknowledge(dealt_with)
    await consumer.give_back([one for one, verdict in judged if verdict is Verdict.EARLY])


def _record(connection: Connection, delivery: Delivery[echo_pb2.Echo], now_us: int) -> Verdict:
    echo_id, question = delivery.identifiers["echo_id"], delivery.message
    verdict = judge(records.last_answered(connection, echo_id), question.sequence)
    if verdict is Verdict.NEW:
        records.add_answered(
            connection, echo_id, question.sequence, question.header.message_id, now_us
        )
    return verdict


async def _say_answer(context: Context, delivery: Delivery[echo_pb2.Echo]) -> None:
    question = delivery.message
    for topic in (ECHO_ANSWERS, ECHO_STATE):
        message = echo_pb2.Echo(
            sequence=question.sequence, sender=context.machine_id, payload=question.payload
        )
        stamp(message, context.clock, context.random, trace_id=question.header.trace_id)
        await context.bus.publish(topic, message, **delivery.identifiers)
