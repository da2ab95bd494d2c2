"""The page of a world: what happened, as figures and plots, in one file.

Rules: everything is in the file, and nothing is asked for from elsewhere; it follows the reader's
choice of light and dark; every plot has its figures as text for whoever cannot see it.

Left out on purpose: moving it. Who wants another stretch of time runs another world.
"""

import html
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monocoque.sim.diary import PIECE_S, CarDiary
from monocoque.sim.report import WorldReport, figures

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WIDTH: Final = 900
LEFT: Final = 60
"""Room for names and numbers beside a plot."""
BARS_HEIGHT: Final = 90
CAR_HEIGHT: Final = 44
SPEED_KMH_MAX: Final = 120.0
HOURS_BETWEEN_MARKS: Final = (1, 2, 3, 6, 12, 24, 48, 96, 192)
MARKS_MAX: Final = 12
PIECES_PER_HOUR: Final = 3_600.0 / PIECE_S

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1d2125; --faint: #6b7280;
  --line: #d9dbd6; --speed: #3b6fb5; --charge: #c2621b; --bar: #4a7c59; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e6e1; --faint: #9aa1ab;
  --line: #33373d; --speed: #7fb0f0; --charge: #f0a868; --bar: #86bf98; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
p { color: var(--faint); margin: 0 0 0.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td { padding: 0.1rem 1.5rem 0.1rem 0; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { color: var(--faint); white-space: nowrap; }
figure { margin: 0; overflow-x: auto; } svg { width: 100%; min-width: 40rem; display: block; }
text { fill: var(--faint); font-size: 11px; }
.axis { stroke: var(--line); } .bar { fill: var(--bar); }
.speed { fill: var(--speed); opacity: 0.55; }
.charge { stroke: var(--charge); fill: none; stroke-width: 1.75; }
.key { color: var(--faint); } .key b { font-weight: 600; }
.key .of-speed { color: var(--speed); } .key .of-charge { color: var(--charge); }
"""


def page_of(report: WorldReport) -> str:
    """The whole page."""
    diary = report.diary
    begins = EPOCH + timedelta(microseconds=diary.begins_us)
    what = f"{report.cars} cars, seed {report.seed}"
    about = (
        f"From {begins:%Y-%m-%d %H:%M} UTC of virtual time; the first "
        f"{report.prologue_seconds / 60:.0f} minutes, in which the cars were bought and built, "
        "are not shown."
    )
    parts = [
        f"<h1>A world of {what}</h1>",
        f"<p>{about}</p>",
        _table(figures(report)),
        _bars("Commands per 10 minutes", diary.commands),
        _bars("Orders per 10 minutes", diary.orders),
        _bars("Frames per 10 minutes", diary.frames),
        _cars(diary.cars),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>A world of {html.escape(what)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _table(rows: dict[str, Any]) -> str:
    cells = "\n".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}</td>"
        f"<td>{html.escape(_shown(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>\n{cells}\n</table>"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _bars(title: str, counts: Sequence[int]) -> str:
    most = max(counts, default=0)
    step = (WIDTH - LEFT) / max(1, len(counts))
    bars = "".join(
        f'<rect class="bar" x="{LEFT + at * step:.1f}" y="{BARS_HEIGHT * (1 - count / most):.1f}" '
        f'width="{max(0.6, step - 0.6):.1f}" height="{BARS_HEIGHT * count / most:.1f}">'
        f"<title>{_clock(at)}: {count:,}</title></rect>"
        for at, count in enumerate(counts)
        if count
    )
    axis = (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{BARS_HEIGHT}" y2="{BARS_HEIGHT}"/>'
        f'<text x="{LEFT - 6}" y="11" text-anchor="end">{most:,}</text>'
    )
    about = f"{title}: {sum(counts):,} in all, {most:,} at most."
    drawing = _drawing(bars + axis, len(counts), BARS_HEIGHT, about)
    return f"<h2>{title}</h2>\n<p>{sum(counts):,} in all</p>\n{drawing}"


def _cars(cars: Sequence[CarDiary]) -> str:
    key = (
        '<p class="key"><b class="of-speed">Speed</b>, the highest of each 10 minutes, up to '
        f'{SPEED_KMH_MAX:.0f} km/h, and <b class="of-charge">charge</b>, from 0 to 100 %. '
        "Where there is neither, the car slept.</p>"
    )
    return "<h2>Cars</h2>\n" + key + "\n" + "\n".join(_car(car) for car in cars)


def _car(car: CarDiary) -> str:
    count = len(car.speed_kmh)
    step = (WIDTH - LEFT) / max(1, count)
    bars = []
    for at, speed_kmh in enumerate(car.speed_kmh):
        if speed_kmh:
            height = CAR_HEIGHT * min(1.0, speed_kmh / SPEED_KMH_MAX)
            bars.append(
                f'<rect class="speed" x="{LEFT + at * step:.1f}" y="{CAR_HEIGHT - height:.1f}" '
                f'width="{max(0.6, step):.1f}" height="{height:.1f}">'
                f"<title>{_clock(at)}: {speed_kmh:.0f} km/h</title></rect>"
            )
    axis = f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{CAR_HEIGHT}" y2="{CAR_HEIGHT}"/>'
    name = f'<text x="{LEFT - 6}" y="{CAR_HEIGHT - 4}" text-anchor="end">{car.car_id[-6:]}</text>'
    drawn = f"{''.join(bars)}{_charge(car.charge_percent, step)}{axis}{name}"
    told = [percent for percent in car.charge_percent if percent is not None]
    driven = sum(1 for speed_kmh in car.speed_kmh if speed_kmh)
    about = f"{car.car_id} drove in {driven} of {count} pieces"
    if told:
        about += f"; charge between {min(told):.0f} and {max(told):.0f} %"
    return _drawing(drawn, count, CAR_HEIGHT, f"{about}.")


def _charge(percents: Sequence[float | None], step: float) -> str:
    """A line for each stretch without a gap; a single piece is as long as itself."""
    lines: list[list[str]] = []
    is_gap = True
    for at, percent in enumerate(percents):
        if percent is not None:
            if is_gap:
                lines.append([])
            height = CAR_HEIGHT * (1 - percent / 100)
            lines[-1] += [f"{LEFT + (at + side) * step:.1f},{height:.1f}" for side in (0.1, 0.9)]
        is_gap = percent is None
    return "".join(f'<polyline class="charge" points="{" ".join(points)}"/>' for points in lines)


def _drawing(inside: str, pieces: int, height: int, about: str) -> str:
    hours = pieces / PIECES_PER_HOUR
    apart = next((each for each in HOURS_BETWEEN_MARKS if hours / each <= MARKS_MAX), 384)
    marks = "".join(
        f'<text x="{LEFT + (WIDTH - LEFT) * hour / hours:.1f}" y="{height + 14}">{hour} h</text>'
        for hour in range(0, int(hours) + 1, apart)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height + 20}" role="img" '
        f'aria-label="{html.escape(about)}">'
        f"{inside}{marks}</svg></figure>"
    )


def _clock(piece: int) -> str:
    """When a piece begins, since the days' beginning."""
    minutes = round(piece * PIECE_S / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"
