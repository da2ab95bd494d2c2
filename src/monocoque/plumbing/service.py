"""A service: one coroutine with everything it may touch as its argument.

Rules:

* a service is ``async def run(context: Context) -> None``; it ends by being cancelled or by
  raising, and the supervisor of its machine starts it again after a growing pause;
* time, chance, identity, the bus, records, secrets and limits come from the context and from
  nowhere else; so the same service runs in a process of its own, beside others, and in a world;
* who deals with a message does it inside ``handling(delivery)``, so that what is said and logged
  because of it carries its trace;
* memory is a cache of the records: a service that is killed anywhere goes on from its records.

Left out on purpose: starting and supervising; that is roles/.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar, cast

import structlog

from monocoque.contracts import identifiers
from monocoque.contracts.errors import IdentifierMalformed, MonocoqueError, SettingInvalid
from monocoque.plumbing.bus.header import header_of
from monocoque.plumbing.bus.port import Bus, Delivery
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.lake.port import Lake
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records

Config = TypeVar("Config")


@dataclass(frozen=True)
class Context:
    """Everything that a service may touch."""

    machine_id: str
    """Whose machine it is: ``cell``, a car_id or a home_id."""
    service_name: str
    clock: Clock
    random: Random
    bus: Bus
    """The machine's own bus, as this service's role."""
    records: Records
    keystore: KeyStore
    metrics: Metrics
    log: structlog.stdlib.BoundLogger
    disk_free_bytes: Callable[[], int]
    """Free room on the disk that holds the machine's records; an argument, like time."""
    software_version: str
    configs: Mapping[type, Any] = field(default_factory=dict)
    """Each feature's frozen dataclass of limits, by its type."""
    uplink: Bus | None = None
    """On a machine outside the cell: its connection to the cell's bus."""
    lake: Lake | None = None
    """In the cell: the tables that telemetry goes to."""
    ports: Mapping[type, Any] = field(default_factory=dict)
    """The adapter of each port that a feature names for itself, by the port's type."""

    def config(self, kind: type[Config]) -> Config:
        """The limits of one feature; raises SettingInvalid when the machine was built without."""
        if kind not in self.configs:
            raise SettingInvalid(f"The machine was started without {kind.__name__}.")
        return cast(Config, self.configs[kind])

    def port(self, kind: type) -> Any:
        """The adapter of a feature's own port; raises SettingInvalid when there is none."""
        if kind not in self.ports:
            raise SettingInvalid(f"The machine was started without {kind.__name__}.")
        return self.ports[kind]

    def count_error(self, error: MonocoqueError, said: str, **facts: Any) -> None:
        """Count an error after which the service goes on, and say so in its log.

        facts: what else the line of the log says.
        """
        self.metrics.errors.labels(where=self.service_name, code=error.code).inc()
        self.log.warning(said, error_code=error.code, **facts)


Run = Callable[[Context], Awaitable[None]]
"""The one shape of a service."""


def trace_of(delivery: Delivery[Any]) -> str | None:
    """The trace of a message; None when it states none of the right form."""
    try:
        return identifiers.parse(header_of(delivery.message).trace_id, "trace")
    except IdentifierMalformed:
        return None


@contextmanager
def handling(delivery: Delivery[Any]) -> Iterator[None]:
    """Whatever is said and logged in this block follows from this message, and has its trace."""
    with following(trace_of(delivery)):
        yield


@contextmanager
def following(trace_id: str | None) -> Iterator[None]:
    """Like ``handling``, for who kept the trace and deals with the message later.

    trace_id: None for what begins a trace of its own.
    """
    with structlog.contextvars.bound_contextvars(trace_id=trace_id):
        yield
