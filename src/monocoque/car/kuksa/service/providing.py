"""A provider's stream of kuksa.val.v2: what it claims, says and is asked.

Rules:

* a provider is there as long as its stream; its signals are marked when it ends, and what it was
  asked and has not done has failed;
* success of publishing is silent, as in KUKSA; what was refused comes back by number, and the rest
  stands. A claim that cannot be had ends the stream;
* what is asked is accepted when it was sent to the provider, and done when the provider says the
  value that was asked for; an error that the provider answers with ends it.
* who said what it supplies (``provide_signal_request``) hears how often that is wanted, and is
  asked for it when a client of this version gets a value. Its answer is said like anything that
  it publishes, but for what the car knows already; what it answers without a value is marked, as
  if it had left;
* an error that a provider has with itself marks all that it said, until it says it anew.

Left out on purpose: anything about a filter that a provider cannot keep; the answer is taken and
means nothing, as in KUKSA.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Final

from google.protobuf.message import DecodeError

from monocoque.car.kuksa.logic.errors import version2_code
from monocoque.car.kuksa.logic.reading import Reader, Said, read_published
from monocoque.car.kuksa.logic.values import read_time_us, read_value, write_value
from monocoque.car.kuksa.service.calls import Call, Desk
from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.readings import news_among
from monocoque.car.signals.logic.wishes import Question, Wanted
from monocoque.car.signals.service.hub import HubConnection, HubProvision
from monocoque.car.signals.service.supplies import HubSupply
from monocoque.contracts.errors import MonocoqueError, RequestMalformed
from monocoque.contracts.signals import Value
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

DATA_POINTS: Final = b"\x12"
"""How an entry begins in what a provider publishes."""
ANSWERS_WAITING_MAX: Final = 1_000
"""Answers that wait for a provider that does not read; then it is not read either."""
REQUEST_IDS: Final = 2**32 - 1
"""Then they begin at 1 again."""
FAILED_BY_PROVIDER: Final = "provider_failed"

Answer = v2.OpenProviderStreamResponse


async def open_provider_stream(
    desk: Desk, connection: HubConnection, requests: AsyncIterator[bytes], call: Call
) -> AsyncGenerator[Answer, None]:
    """Read what a provider says, and yield what it must know, until either ends."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        stream = _Stream(desk, connection, stack, group)
        answers = stream.answers
        reading = group.create_task(_read(stream, requests))
        try:
            while (answer := await answers.get()) is not None:
                yield answer
        except GeneratorExit:
            return  # the client left; as an error, the group would say it to nobody
        finally:
            reading.cancel()
            stream.end()
    if stream.error is not None:
        raise stream.error


async def _read(stream: "_Stream", requests: AsyncIterator[bytes]) -> None:
    try:
        async for data in requests:
            await stream.take(data)
    except MonocoqueError as error:
        stream.error = error
    else:
        if stream.has_claims:
            return
    await stream.answers.put(None)


class _Stream:
    """One provider."""

    def __init__(
        self,
        desk: Desk,
        connection: HubConnection,
        stack: AsyncExitStack,
        group: asyncio.TaskGroup,
    ) -> None:
        """stack: what it provides ends with that. group: whatever hears for it runs in that."""
        self._desk = desk
        self._connection = connection
        self._stack = stack
        self._group = group
        self._says: HubProvision | None = None
        self._supply: HubSupply | None = None
        self._hearing: list[asyncio.Task[None]] = []
        self._reader = Reader(DATA_POINTS)
        self._filters = 0
        """How many times it was told what is wanted."""
        self._open: dict[int, Act] = {}
        """What was sent to the provider last, by signal; what was sent before has ended by that."""
        self.has_claims = False
        """Whether it is there to be asked: KUKSA's own client then says no more, and stays."""
        self.answers: asyncio.Queue[Answer | None] = asyncio.Queue(ANSWERS_WAITING_MAX)
        self.error: MonocoqueError | None = None

    def end(self) -> None:
        """Nothing more is asked of it."""
        for task in self._hearing:
            task.cancel()

    async def take(self, data: bytes) -> None:
        """Do what one message of the provider says. Raises RequestMalformed."""
        published = read_published(self._reader, data, self._desk.hub.clock.now_us())
        if published is not None:
            await self._say(published[0], published[1], {})
            return
        try:
            request = v2.OpenProviderStreamRequest.FromString(data)
        except DecodeError as error:
            raise RequestMalformed("The bytes are no such message.") from error
        await self._follow(request)

    async def _follow(
        self,
        request: v2.OpenProviderStreamRequest,
    ) -> None:
        match request.WhichOneof("action"):
            case "publish_values_request":
                await self._publish(request.publish_values_request)
            case "provide_actuation_request":
                await self._claim(request.provide_actuation_request)
            case "provide_signal_request":
                await self._cover(request.provide_signal_request)
            case "batch_actuate_stream_response":
                await self._note(request.batch_actuate_stream_response)
            case "get_provider_value_response":
                await self._take_answer(request.get_provider_value_response)
            case "provider_error_indication":
                if self._says is not None:
                    self._says.doubt(self._says.numbers)
            case None:
                raise RequestMalformed("A message of the provider says nothing.")

    async def _begin_to_say(self) -> HubProvision:
        if self._says is None:
            may_say = tuple(self._connection.access.provides)
            self._says = await self._stack.enter_async_context(self._connection.provide(may_say))
            # It is asked nothing, but hears when its token ends.
            self._hearing.append(self._group.create_task(self._hear(self._says)))
        return self._says

    async def _cover(self, request: v2.ProvideSignalRequest) -> None:
        """It supplies these signals, too."""
        intervals_ms = {
            number: interval.interval_ms
            for number, interval in request.signals_sample_intervals.items()
        }
        self._connection.check_provides(tuple(intervals_ms))
        await self._begin_to_say()
        is_first = self._supply is None
        if self._supply is None:
            self._supply = await self._stack.enter_async_context(self._connection.supply())
            self._supply.answer_s_max = self._desk.config.answer_s_max
        self._supply.cover(intervals_ms)
        await self.answers.put(Answer(provide_signal_response=v2.ProvideSignalResponse()))
        if is_first:
            self._hearing.append(self._group.create_task(self._hear_wishes(self._supply)))

    async def _hear_wishes(self, supply: HubSupply) -> None:
        """Send on how often its signals are wanted, and when it is asked for them."""
        try:
            while True:
                news = await supply.next()
                if isinstance(news, Question):
                    answer = Answer(get_provider_value_request=_question(news))
                else:
                    self._filters = self._filters % REQUEST_IDS + 1
                    answer = Answer(update_filter_request=_filters(self._filters, news))
                await self.answers.put(answer)
        except MonocoqueError as error:
            self.error = error
            await self.answers.put(None)

    async def _take_answer(self, response: v2.GetProviderValueResponse) -> None:
        """What the provider answers is said, if it is news.

        KUKSA asks always under the same number, and looks at no number of an answer; so what an
        answer names is answered, whatever its number.
        """
        supply = self._supply
        if supply is None:
            return  # nobody asked it
        says = await self._begin_to_say()
        (numbers, values, times_us), empty = self._read_points(response.entries)
        says.doubt(frozenset(empty))
        news = frozenset(news_among(self._desk.hub.readings(numbers), values, times_us))
        # What it may not say is refused though it is known, or it could find out what is.
        places = [p for p, n in enumerate(numbers) if p in news or n not in says.numbers]
        said = (
            tuple(numbers[place] for place in places),
            [values[place] for place in places],
            [times_us[place] for place in places],
        )
        await self._say(response.request_id, said, {})
        supply.answer(response.request_id, tuple(response.entries))

    async def _publish(self, request: v2.PublishValuesRequest) -> None:
        said, empty = self._read_points(request.data_points)
        status = {number: _error(RequestMalformed("A value is missing.")) for number in empty}
        await self._say(request.request_id, said, status)

    def _read_points(self, points: Mapping[int, v2.Datapoint]) -> tuple[Said, list[int]]:
        """What these say, and which of them have no value."""
        now_us = self._desk.hub.clock.now_us()
        numbers: list[int] = []
        values: list[Value] = []
        times_us: list[int] = []
        empty: list[int] = []
        for number, point in points.items():
            value = read_value(point.value, "typed_value")
            if value is None:
                empty.append(number)
                continue
            numbers.append(number)
            values.append(value)
            times_us.append(read_time_us(point, now_us))
        return (tuple(numbers), values, times_us), empty

    async def _say(self, request_id: int, said: Said, status: dict[int, v2.Error]) -> None:
        """Publish this; status: what was refused already."""
        numbers, values, times_us = said
        self._desk.check_count(len(numbers) + len(status))
        says = self._says or await self._begin_to_say()
        for number, error in says.publish_now(numbers, values, times_us).items():
            status[number] = _error(error)
        if status:
            answer = v2.PublishValuesResponse(request_id=request_id, status=status)
            await self.answers.put(Answer(publish_values_response=answer))

    async def _claim(self, request: v2.ProvideActuationRequest) -> None:
        if not request.actuator_identifiers:
            raise RequestMalformed("No actuator is named.")
        self._desk.check_count(len(request.actuator_identifiers))
        numbers = [self._desk.signal_of(each).number for each in request.actuator_identifiers]
        provision = await self._stack.enter_async_context(self._connection.provide([], numbers))
        self._hearing.append(self._group.create_task(self._hear(provision)))
        self.has_claims = True
        await self.answers.put(Answer(provide_actuation_response=v2.ProvideActuationResponse()))

    async def _hear(self, provision: HubProvision) -> None:
        """Send on what is asked of the actuators."""
        try:
            while True:
                acts = await provision.next_acts()
                await self.answers.put(Answer(batch_actuate_stream_request=self._asked(acts)))
                for act in acts:
                    self._open[act.number] = act
                    await provision.tell(act.act_id, ActState.ACCEPTED)
        except MonocoqueError as error:
            self.error = error
            await self.answers.put(None)

    def _asked(self, acts: tuple[Act, ...]) -> v2.BatchActuateStreamRequest:
        message = v2.BatchActuateStreamRequest()
        for act in acts:
            signal = self._desk.hub.catalogue.numbered(act.number)
            one = message.actuate_requests.add()
            one.signal_id.id = act.number
            write_value(one.value, signal.data_type, act.target)
        return message

    async def _note(self, response: v2.BatchActuateStreamResponse) -> None:
        """The provider answers for one signal; no error means that it has begun."""
        number = self._desk.signal_of(response.signal_id).number
        act = self._open.pop(number, None)
        is_good = response.error.code in (v2.ERROR_CODE_OK, v2.ERROR_CODE_UNSPECIFIED)
        if act is not None and not is_good:
            self._desk.hub.acts.tell(act.act_id, ActState.FAILED, FAILED_BY_PROVIDER)


def _question(question: Question) -> v2.GetProviderValueRequest:
    return v2.GetProviderValueRequest(request_id=question.question_id, signal_ids=question.numbers)


def _filters(request_id: int, wanted: Wanted) -> v2.UpdateFilterRequest:
    """A filter without an interval says that nobody wants the signal, as in KUKSA."""
    request = v2.UpdateFilterRequest(request_id=request_id)
    for number, interval_ms in wanted.intervals_ms.items():
        filter_of = request.filters_update[number]
        filter_of.SetInParent()
        if interval_ms is not None:
            filter_of.min_sample_interval.interval_ms = interval_ms
            filter_of.min_sample_interval.SetInParent()
    return request


def _error(error: MonocoqueError) -> v2.Error:
    return v2.Error(code=version2_code(error), message=error.what)
