"""Counters and timings of one process, in Prometheus' text form.

Rules: names begin with ``monocoque_``; labels come from tables of ours (topics, error codes,
service names), never from outside, so that nobody can make their number grow.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """What one process counts; made once where the process is put together."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages_refused = Counter(
            "monocoque_messages_refused",
            "Messages that the door left out",
            ["topic", "code"],
            registry=self.registry,
        )
        self.errors = Counter(
            "monocoque_errors",
            "Errors of the one tree, by where they surfaced",
            ["where", "code"],
            registry=self.registry,
        )
        self.service_restarts = Counter(
            "monocoque_service_restarts",
            "Services that ended and were started again",
            ["service"],
            registry=self.registry,
        )
        self.commands = Counter(
            "monocoque_commands",
            "Commands that cars answered, by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.cars_online = Gauge(
            "monocoque_cars_online",
            "Cars whose authenticated hello came within the limit",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Everything, in Prometheus' text form."""
        return generate_latest(self.registry)
