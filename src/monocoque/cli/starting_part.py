"""Puts one part of a cell together in a process of its own: real clock, chance, files and port.

Rules: this is where adapters are chosen, as in starting.py.
"""

import contextlib
from pathlib import Path
from random import SystemRandom

import typer

from monocoque import __version__
from monocoque.cli.config import StartConfig
from monocoque.cli.running import run_until_stopped
from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import RoleUnknown
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.http.listening import listen
from monocoque.plumbing.logging import configure_logging
from monocoque.roles.apart import refuse_without_cell, run_part
from monocoque.roles.cell_settings import HTTP
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout
from monocoque.roles.parts import PARTS, take_part


def start_part(data: Path, part: str, port: int | None) -> None:
    """Run this part beside the cell until it is told to stop.

    port: for HTTP; the setting's when None.
    """
    if part not in PARTS:
        raise RoleUnknown(
            f"There is no role {part}; there are cell, cars, car, factory, {', '.join(PARTS)}."
        )
    layout = Layout(data)
    configs = read_settings(layout.settings)[0]
    log: LogConfig = configs[LogConfig]
    configure_logging(log.level)
    start: StartConfig = configs[StartConfig]
    chosen = start.port if port is None else port
    refuse_without_cell(layout, part, __version__)
    with contextlib.ExitStack() as stack:
        stack.callback(take_part(layout, part).release)
        listener = stack.enter_context(listen(chosen)) if part == HTTP else None

        def announce() -> None:
            where = "" if listener is None else f", http://localhost:{listener.port}"
            typer.echo(f"ready {part}{where}")

        main = run_part(
            layout, part, listener, configs, __version__, clock_of(layout), SystemRandom(), announce
        )
        run_until_stopped(main, ends_with_input=False)
