"""Tells a home's assistant of the cars that belong to the home, as long as it is wanted.

Rules:

* what the assistant knows is what is retained on its server; at each connection that is compared
  with how things are, so that a car that was taken away while nobody spoke goes too;
* when the assistant says that it is there again, everything is said again;
* of a car's state the newest is said, and never more often than ``state_interval_s``;
* whatever ends this, the will says ``offline``, and every thing of every car is unavailable.

Left out on purpose: what the assistant says of itself, ``online`` apart. It commands nothing.
"""

import asyncio
from collections.abc import Iterator

from monocoque.contracts.errors import (
    CredentialsRefused,
    MessageMalformed,
    MonocoqueError,
    SettingInvalid,
    TopicRefused,
    UnavailableError,
)
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import HOME_CARS
from monocoque.contracts.wire.home_pb2 import HomeCar, HomeCars
from monocoque.home.assistant import logic
from monocoque.home.assistant.config import AssistantConfig
from monocoque.home.assistant.service.port import HomeMqtt
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.mqtt.port import MqttMessage, MqttSession
from monocoque.plumbing.service import Context, handling

AWAY = (UnavailableError, CredentialsRefused, TopicRefused)
"""Errors after which another connection is tried, after a pause."""


async def run(context: Context) -> None:
    """Speak to the assistant whenever there is one, until cancelled."""
    config = context.config(AssistantConfig)
    door: HomeMqtt = context.port(HomeMqtt)
    pause_s = config.retry_s_min
    while True:
        discovery = door.wish()
        if discovery is None:
            await asyncio.sleep(config.look_interval_s)
            continue
        telling = Telling(context, discovery)
        try:
            await telling.speak(door)
        except* AWAY as errors:
            for error in _leaves(errors):
                context.count_error(error, "the home's assistant hears nothing")
        if telling.has_spoken:
            pause_s = config.retry_s_min
        await asyncio.sleep(pause_s * (0.5 + context.random.random()))
        pause_s = min(pause_s * 2, config.retry_s_max)


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[MonocoqueError]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        elif isinstance(error, MonocoqueError):
            yield error


class Telling:
    """One connection to the assistant's server."""

    def __init__(self, context: Context, discovery: logic.Discovery) -> None:
        if context.uplink is None:
            raise SettingInvalid("The assistant needs a connection to the cell; it has none.")
        self.has_spoken = False
        self._context = context
        self._config = context.config(AssistantConfig)
        self._uplink: Bus = context.uplink
        self._home_id = HomeId(context.machine_id)
        self._discovery = discovery
        self._cars: list[HomeCar] | None = None
        """None until the cell has said which cars there are: nothing is taken away before."""
        self._cars_said_us = 0
        self._said: dict[str, bytes] = {}
        """What is retained on the server, as far as we know."""
        self._has_news = asyncio.Event()
        self._has_news.set()

    async def speak(self, door: HomeMqtt) -> None:
        """Until the connection ends; raises what ended it."""
        will = MqttMessage(logic.presence_topic(self._home_id), logic.OFFLINE, is_retained=True)
        async with door.connected(will) as session, asyncio.TaskGroup() as group:
            group.create_task(self._hear(session))
            group.create_task(self._tell(session))
            group.create_task(self._watch())

    async def _hear(self, session: MqttSession) -> None:
        await session.subscribe(logic.STATUS_TOPIC, *logic.CONFIG_PATTERNS)
        while True:
            message = await session.next()
            if message.topic == logic.STATUS_TOPIC and message.payload == logic.ONLINE:
                # It has forgotten everything: nothing that we said counts as said any more.
                self._said = dict.fromkeys(self._said, b"")
                self._has_news.set()
            elif message.is_retained:
                self._said = logic.remains(message.topic, message.payload) | self._said
                self._has_news.set()

    async def _tell(self, session: MqttSession) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            for message in self._due():
                await session.publish(message)
                self._said[message.topic] = message.payload
                if not message.payload:
                    del self._said[message.topic]
            self.has_spoken = True
            await asyncio.sleep(self._config.state_interval_s)

    def _due(self) -> list[MqttMessage]:
        """What is to be taken away, and then what is not known yet."""
        software_version = self._context.software_version
        wanted = logic.messages(self._home_id, self._cars or (), self._discovery, software_version)
        gone = [] if self._cars is None else [topic for topic in self._said if topic not in wanted]
        due = dict.fromkeys(gone, b"")
        due |= {topic: said for topic, said in wanted.items() if self._said.get(topic) != said}
        return [MqttMessage(topic, payload, is_retained=True) for topic, payload in due.items()]

    async def _watch(self) -> None:
        """Know how the cars are: what the cell said last, and what it says from now on."""
        mine = {"home_id": self._home_id}
        async with (
            self._uplink.listen(HOME_CARS, **mine) as heard,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._ask())
            async for delivery in heard:
                with handling(delivery):
                    self._take(delivery.message)

    async def _ask(self) -> None:
        """What was said while nobody listened, after each new connection."""
        connections = 0
        while True:
            count = await self._uplink.connected_after(connections)
            try:
                last = await self._uplink.last(HOME_CARS, home_id=self._home_id)
            except UnavailableError as error:
                self._context.count_error(error, "the home does not know its cars")
                await asyncio.sleep(self._config.retry_s_min)
                continue
            connections = count
            if last is not None:
                self._take(last.message)

    def _take(self, message: HomeCars) -> None:
        if message.header.occurred_at_us < self._cars_said_us:
            return
        self._cars_said_us = message.header.occurred_at_us
        self._cars, left_out = logic.shown_cars(message.cars, self._config.cars_max)
        if left_out:
            error = MessageMalformed("Some cars of this home cannot be shown.")
            self._context.count_error(error, error.what, cars=left_out)
        self._has_news.set()
