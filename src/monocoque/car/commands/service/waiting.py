"""Commands that wait for their turn: genuine ones only, and never too many.

Rules:

* an envelope is checked when it arrives; what is not genuine is counted, logged at a bounded pace
  and without its content, and forgotten;
* a key has a pace and a number of places of its own, so that one that asks without end keeps no
  other waiting; all together have a bound too. What finds no place is counted and left out: the
  mailbox says it again;
* the same command does not wait twice.

Left out on purpose: whether a command is fresh; that is asked when its turn comes.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from monocoque.car.commands.config import CommandsConfig
from monocoque.car.keys import service as keys
from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentRefused,
    KeyUnknown,
    MonocoqueError,
    QueueFull,
    TooManyRequests,
)
from monocoque.contracts.wire.command_pb2 import CommandEnvelope
from monocoque.plumbing.bus.rates import taken_after
from monocoque.plumbing.service import Context
from monocoque.trust.commands import AuthenticCommand, open_envelope

SECOND_US: Final = 1_000_000


class Waiting:
    """The queue of one car."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(CommandsConfig)
        self._root: Mapping[str, str] | None = None
        self._queue: asyncio.Queue[tuple[AuthenticCommand, str]] = asyncio.Queue()
        self._places: Counter[str] = Counter()
        """By key: how many of its commands wait or are under way."""
        self._digests: set[str] = set()
        self._taken: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """By key: what was taken of its pace, and when that was so."""
        self._logged_us: dict[str, int] = {}

    def put(self, envelope: CommandEnvelope) -> None:
        """Take an envelope that arrived, or leave it out."""
        try:
            command = self._open(envelope)
            if command.digest in self._digests:
                return
            self._check_room(command.key_id)
        except (DocumentRefused, CredentialsRefused, QueueFull, TooManyRequests) as error:
            self._leave_out(error)
            return
        self._digests.add(command.digest)
        self._places[command.key_id] += 1
        self._queue.put_nowait((command, envelope.header.trace_id))

    @asynccontextmanager
    async def next(self) -> AsyncIterator[tuple[AuthenticCommand, str]]:
        """The command whose turn it is, with its trace; it keeps its place inside the block."""
        command, trace_id = await self._queue.get()
        try:
            yield command, trace_id
        finally:
            self._digests.remove(command.digest)
            self._places[command.key_id] -= 1
            self._places += Counter()  # drops who has none

    def _open(self, envelope: CommandEnvelope) -> AuthenticCommand:
        if self._root is None:
            self._root = keys.maker_root(self._context.keystore)
        if self._root is None:
            raise KeyUnknown("The car knows no maker yet.")
        grants = list(envelope.grants)
        return open_envelope(envelope.command, grants, self._root, self._context.machine_id)

    def _check_room(self, key_id: str) -> None:
        if self._places.total() >= self._config.waiting_max:
            raise QueueFull("Too many commands wait.")
        if self._places[key_id] >= self._config.waiting_per_key_max:
            raise QueueFull("Too many commands of one key wait.")
        now_us = self._context.clock.now_us()
        taken, since_us = self._taken.get(key_id, (0, now_us))
        rate = self._config.per_key_per_minute_max
        wanted = taken_after(taken, now_us - since_us, 1, rate)
        if wanted is None:
            raise TooManyRequests("One key asks too often.")
        self._taken[key_id] = (wanted, now_us)
        self._taken.move_to_end(key_id)
        while len(self._taken) > self._config.keys_counted_max:
            self._taken.popitem(last=False)

    def _leave_out(self, error: MonocoqueError) -> None:
        context = self._context
        context.metrics.errors.labels(where=context.service_name, code=error.code).inc()
        now_us = context.clock.now_us()
        logged_us = self._logged_us.get(error.code)
        interval_us = round(self._config.refusal_log_interval_s * SECOND_US)
        if logged_us is None or now_us - logged_us >= interval_us:
            self._logged_us[error.code] = now_us
            context.log.warning("command left out", error_code=error.code, what=error.what)
