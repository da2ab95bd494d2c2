"""The metrics of several processes as one text, each sample with the process that counted it.

Rules: every sample gets the label ``process``; a process whose text cannot be read costs its own
samples and nobody else's, and its name is given back.

Left out on purpose: adding processes up. Whoever reads the text can, and can also see which one it
was.
"""

from collections.abc import Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

PROCESS_LABEL = "process"


class _Families(Collector):
    """Families that were counted elsewhere."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, family: Metric, process: str) -> None:
        """Take over the samples of one family of this process."""
        kept = self._families.setdefault(
            family.name, Metric(family.name, family.documentation, family.type)
        )
        for sample in family.samples:
            labels = {PROCESS_LABEL: process, **sample.labels}
            kept.add_sample(sample.name, labels, sample.value)

    def collect(self) -> Iterator[Metric]:
        """What was added, by name."""
        yield from (family for _, family in sorted(self._families.items()))


def merge_metrics(texts: Mapping[str, bytes]) -> tuple[bytes, list[str]]:
    """One text of all processes, and the names of those whose text is none.

    texts: what each process counted, in Prometheus' text form, by the name of the process.
    """
    families, unreadable = _Families(), []
    for process, text in texts.items():
        try:
            read = list(text_string_to_metric_families(text.decode()))
        except ValueError:  # what the parser raises, and what the decoding does
            unreadable.append(process)
            continue
        for family in read:
            families.add(family, process)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(families)
    return generate_latest(registry), unreadable
