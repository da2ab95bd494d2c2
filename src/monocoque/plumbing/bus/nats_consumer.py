"""A durable reader of a stream on NATS.

Rules: it is made, or found, at its first use and after every reconnection; what the door refuses is
terminated, so that it never comes again; acknowledgements of many go out together, and are with the
server when ``acknowledge`` returns.
"""

import json
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from google.protobuf.message import Message
from nats.aio.msg import Msg

from monocoque.contracts.errors import BusUnavailable
from monocoque.contracts.topics import Topic
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.door import Door
from monocoque.plumbing.bus.nats_link import NatsLink
from monocoque.plumbing.bus.nats_pull import Pull
from monocoque.plumbing.bus.nats_questions import Questions
from monocoque.plumbing.bus.port import Delivery

MessageType = TypeVar("MessageType", bound=Message)

_NANOSECONDS: Final = 1_000_000_000
_ATTEMPT_TOKEN: Final = 4
"""Place of the delivery count in ``$JS.ACK.<stream>.<consumer>.<delivered>...``."""
_TAKEN: Final = b"+ACK"
_NEVER_AGAIN: Final = b"+TERM"


class NatsConsumer(Generic[MessageType]):
    """Implements ``Consumer``."""

    def __init__(
        self,
        link: NatsLink,
        questions: Questions,
        door: Door,
        config: BusConfig,
        topic: Topic[MessageType],
        name: str,
        inbox: str,
    ) -> None:
        self._link = link
        self._questions = questions
        self._door = door
        self._config = config
        self._topic = topic
        self._name = name
        self._pull = Pull(link, inbox, config)
        self._is_made = False
        link.on_lost.append(self._forget)

    async def open(self) -> None:
        """Begin to hear; the server is asked at the first fetch."""
        await self._pull.open()

    async def fetch(self, count_max: int, wait_s: float) -> list[Delivery[MessageType]]:
        """See Consumer."""
        if not self._is_made:
            await self._make()
        try:
            heard = await self._pull.pull(self._topic.stream_name, self._name, count_max, wait_s)
        except BusUnavailable:
            self._is_made = False
            raise
        deliveries, refused = [], []
        for one in heard:
            delivery = self._deliver(one)
            if delivery is None:
                refused.append(one.reply)
            else:
                deliveries.append(delivery)
        if refused:
            await self._link.send_to_all(refused, _NEVER_AGAIN)
        return deliveries

    async def acknowledge(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer; raises BusUnavailable, and then they come again."""
        await self._link.send_to_all([delivery.handle for delivery in deliveries], _TAKEN)

    async def give_back(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer; raises BusUnavailable, and then they come again all the same."""
        delay = json.dumps({"delay": round(self._config.give_back_wait_s * _NANOSECONDS)})
        await self._link.send_to_all([d.handle for d in deliveries], b"-NAK " + delay.encode())

    async def _make(self) -> None:
        configuration = {
            "durable_name": self._name,
            "ack_policy": "explicit",
            "deliver_policy": "all",
            "ack_wait": round(self._config.acknowledge_wait_s * _NANOSECONDS),
            "max_ack_pending": self._config.unacknowledged_messages_max,
            "max_deliver": -1,
        }
        stream = self._topic.stream_name
        await self._questions.ask_json(
            f"$JS.API.CONSUMER.CREATE.{stream}.{self._name}",
            {"stream_name": stream, "config": configuration},
        )
        self._is_made = True

    def _forget(self) -> None:
        self._is_made = False

    def _deliver(self, heard: Msg) -> Delivery[MessageType] | None:
        attempt = int(heard.reply.split(".", _ATTEMPT_TOKEN + 1)[_ATTEMPT_TOKEN])
        return self._door.deliver(self._topic, heard.subject, heard.data, attempt, heard.reply)
