"""Counters and timings of one process, in Prometheus' text form.

Rules: names begin with ``monocoque_``; labels come from tables of ours (topics, error codes,
service names), never from outside, so that nobody can make their number grow.

Left out on purpose: adding processes up. ``/api/metrics`` shows all of them side by side, each with
its name, from the files that they write (metrics_file.py).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from monocoque.plumbing.clock import Clock


class Metrics:
    """What one process counts; made once where the process is put together."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Make them at nought. clock: the process's own, whose setbacks are shown."""
        self.registry = CollectorRegistry()
        if clock is not None:
            Gauge(
                "monocoque_clock_setbacks",
                "How often the wall clock was found set back since the process began",
                registry=self.registry,
            ).set_function(lambda: clock.setbacks)
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
        self.starts_refused = Counter(
            "monocoque_starts_refused",
            "Processes of this installation that were refused a start",
            ["code"],
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
        self._make_those_of_streams()

    def _make_those_of_streams(self) -> None:
        """Of what flows without end, and may be lost on the way."""
        self.frames = Counter(
            "monocoque_frames",
            "Frames that came from cars, by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self.frames_lost = Counter(
            "monocoque_frames_lost",
            "Frames that a car gave up, or never gave, and that are in no lake",
            registry=self.registry,
        )
        self.spool_frames = Gauge(
            "monocoque_spool_frames",
            "Frames in the spools of this process's cars, not confirmed yet",
            registry=self.registry,
        )
        self.spool_dropped = Counter(
            "monocoque_spool_dropped",
            "Frames that a spool gave up, by reason",
            ["code"],
            registry=self.registry,
        )
        self.signal_values_lost = Counter(
            "monocoque_signal_values_lost",
            "Values of signals that newer ones replaced, since a door's client read too slowly",
            ["door"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Everything, in Prometheus' text form."""
        return generate_latest(self.registry)
