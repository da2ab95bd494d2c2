"""What the edge counts. Labels come from tables of ours: route templates, statuses, codes."""

from prometheus_client import Counter, Gauge, Histogram

from monocoque.plumbing.metrics import Metrics


class HttpCounters:
    """Made once per application, on the metrics of its process."""

    def __init__(self, metrics: Metrics) -> None:
        """Register the counters; a second application needs metrics of its own."""
        self.errors = metrics.errors
        self.requests = Counter(
            "monocoque_http_requests",
            "Requests answered, by route template and status; 0 means cut off",
            ["route", "status"],
            registry=metrics.registry,
        )
        self.seconds = Histogram(
            "monocoque_http_seconds",
            "How long answers took",
            ["route"],
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
            registry=metrics.registry,
        )
        self.streams_open = Gauge(
            "monocoque_http_streams_open",
            "Live streams that are open",
            registry=metrics.registry,
        )
