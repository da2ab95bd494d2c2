"""``monocoque bench``: the figures have the names under which they are published, and are figures.

What is measured here is real and short; how large a figure is depends on who else uses the machine,
and is for docs/protocol, not for a test.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench import body, can, signals

ROOT = Path(__file__).parents[2]
MONOCOQUE = Path(sys.executable).with_name("monocoque")
OF_SIGNALS = {
    "stream_values_per_second",
    "fanout_deliveries_per_second",
    "inprocess_values_per_second",
    "unary_gets_per_second",
    "paced_p50_ms",
    "paced_p95_ms",
    "paced_p99_ms",
}
OF_BODY = {"cars", "fleet_step_ms", "single_step_us"}
OF_CAN = {
    "decoded_frames_per_second",
    "decoded_values_per_second",
    "log_frames_per_second",
    "published_values_per_second",
}
SHORT_SIGNALS = signals.Effort(
    stream_s=0.2, inprocess_values=20_000, gets=100, paced_batches=20, warm_up_batches=5
)


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it in the source folder."""
    return subprocess.run(
        [MONOCOQUE, "bench", *words], capture_output=True, text=True, timeout=60, cwd=ROOT
    )


def is_of_body(figures: dict) -> bool:
    """Whether these are the figures of the body, and all are there."""
    assert figures.keys() == OF_BODY
    assert figures["fleet_step_ms"].keys() == {"p50", "p99"}
    return all(each > 0 for each in (*figures["fleet_step_ms"].values(), figures["single_step_us"]))


def test_signals_give_every_figure_that_is_promised_of_them() -> None:
    told: list[str] = []
    figures = signals.measure(told.append, SHORT_SIGNALS)
    assert figures.keys() == OF_SIGNALS
    assert all(figure > 0 for figure in figures.values())
    assert figures["paced_p50_ms"] <= figures["paced_p95_ms"] <= figures["paced_p99_ms"]
    assert len(told) == 5


def test_can_gives_figures_of_frames_and_of_values() -> None:
    figures = can.measure(str, can.Effort(frames=600, runs=1))
    assert figures.keys() == OF_CAN
    assert all(figure > 0 for figure in figures.values())


def test_the_body_gives_figures_of_a_fleet_and_of_one_car() -> None:
    figures = body.measure(str, body.Effort(cars=50, fleet_steps=20, single_steps=200))
    assert is_of_body(figures)
    assert figures["cars"] == 50


def test_the_command_prints_the_figures_as_json() -> None:
    printed = bench("body", "--json")
    assert printed.returncode == 0, printed.stderr
    figures = json.loads(printed.stdout)
    assert is_of_body(figures)
    assert figures["cars"] == 1_000


def test_the_pages_name_every_figure() -> None:
    pages = {name: (ROOT / f"docs/protocol/{name}.md").read_text() for name in ("body", "kuksa")}
    assert all(f"`{name}`" in pages["kuksa"] for name in OF_SIGNALS)
    assert all(f"`{name}`" in pages["body"] for name in OF_CAN | OF_BODY - {"cars"})


def test_a_benchmark_that_is_not_there_is_named_with_those_that_are() -> None:
    refused = bench("doors")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no benchmark doors." in refused.stderr
    assert all(name in refused.stderr for name in ("body", "can", "signals"))
